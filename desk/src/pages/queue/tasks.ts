import type { RouteLocationNamedRaw } from "vue-router";
import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

export type Task = Schemas["QueuedView"];

/** Where a task is worked on. */
export function placeOf(task: Task): RouteLocationNamedRaw {
  if (task.kind === "inquiry") return { name: "inquiry", params: { id: task.id } };
  if (task.kind === "visit") return { name: "call", params: { id: task.id } };
  return { name: "case", params: { id: task.case_id ?? "" } };
}

/** What a task is, in a word or two. */
export function kindOf(task: Task): string {
  const about: Readonly<Record<string, string>> = texts.queue.about;
  return about[task.about] ?? texts.queue.kinds[task.kind];
}

/** What is to be done, where nobody's words say it. */
export function deedOf(task: Task): string {
  if (task.words !== null) return task.words;
  return texts.queue.deeds[task.kind];
}
