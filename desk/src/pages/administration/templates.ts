import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

export type Template = Schemas["MessageTemplateView"];
export type Definition = Schemas["DefinitionBody"];
export type Place = Schemas["PlaceView"];
export type Channel = Place["channel"];
export type Deed = keyof typeof texts.templates.deeds;

const DEEDS: Record<Template["state"], readonly Deed[]> = {
  draft: ["edit", "submit", "give_up"],
  submitted: ["approved", "rejected", "give_up"],
  approved: ["activate", "give_up"],
  rejected: ["edit", "give_up"],
  active: [],
  retired: [],
};

/** What comes next for a version on its way; the API decides anew. */
export function deedsOf({ state }: Template): readonly Deed[] {
  return DEEDS[state];
}

export function noticeName(notice: string): string {
  return texts.templates.notices[notice] ?? notice;
}

export function valueName(value: string): string {
  return texts.templates.values[value] ?? value;
}

/** A definition of one's own to type into: that of a version, or an empty one. */
export function copyOf(template: Template | null): Definition {
  const from = template?.definition;
  return {
    title: from?.title ?? "",
    term: from?.term ?? "one_time",
    fields: (from?.fields ?? []).map((field) => ({ ...field })),
    parameters: (from?.parameters ?? []).map((parameter) => ({ ...parameter })),
    text: from?.text ?? "",
  };
}

export function toneOf(state: Template["state"]): string {
  const tones: Partial<Record<Template["state"], string>> = {
    active: "success",
    approved: "success",
    submitted: "warning",
    rejected: "danger",
  };
  return tones[state] ?? "";
}
