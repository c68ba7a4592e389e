import type { Schemas } from "@/api/client";
import { present } from "@/kit/clock";
import { legalDate } from "@/kit/time";
import { texts } from "@/texts";

export type Look = Schemas["LookView"];

const said = texts.inspection;
const DAY_MS = 86_400_000;

export interface Period {
  first: string;
  last: string;
}

/** The last so many days, today included. */
export function lastDays(days: number, now = new Date(present())): Period {
  return { first: legalDate(new Date(now.getTime() - (days - 1) * DAY_MS)), last: legalDate(now) };
}

/** What was done, as one would say it: "王敏(莲花派出所)查看了案件 A…中当事人的电话". */
export function sentence(look: Look): string {
  const unit = look.officer_unit_name === null ? "" : `（${look.officer_unit_name}）`;
  return `${look.officer_name ?? said.someone}${unit}${deed(look)}`;
}

function deed(look: Look): string {
  const what = look.reference === null ? said.noCase : said.aCase(look.reference);
  if (look.revealed !== null) return said.revealed(what, said.fields[look.revealed] ?? look.revealed);
  if (look.kind === "visit.revealed") return said.dialled(what);
  return (said.kinds[look.kind] ?? said.otherKind)(what);
}

/** How the officer stood to the case then, in a word. */
export function relation(look: Look): string {
  return said.relations[look.relation ?? ""] ?? said.unknownRelation;
}
