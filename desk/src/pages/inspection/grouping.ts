import { legalDate } from "@/kit/time";
import type { Look } from "@/pages/inspection/looks";

/** Equal looks of one officer on one day, newest first; most are a page that fetched itself anew. */
export interface Group {
  id: string;
  /** The last of them: what is said of it is true of all. */
  look: Look;
  looks: Look[];
}

/**
 * Looks, newest first, with equal ones of a day in one group, which stands where its last one stood. A reveal is a
 * deed of its own each time and never grouped.
 */
export function grouped(looks: readonly Look[]): Group[] {
  const groups = new Map<string, Group>();
  for (const look of looks) {
    const key = look.revealed === null && !look.kind.endsWith(".revealed") ? keyOf(look) : look.id;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { id: key, look, looks: [look] });
    else group.looks.push(look);
  }
  return [...groups.values()];
}

function keyOf(look: Look): string {
  const { kind, officer_id, subject_kind, subject_id, case_id, relation, device, address } = look;
  const day = legalDate(new Date(look.at));
  return JSON.stringify([day, kind, officer_id, subject_kind, subject_id, case_id, relation, device, address]);
}
