import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

const { figures } = texts;

/** A fraction as "91.2%". */
export function percent(value: number): string {
  return figures.percent((value * 100).toFixed(1));
}

/** A share as "91.2%", or why it is not shown. */
export function shareWords(share: Schemas["ShareView"]): string {
  if (share.value !== null) return percent(share.value);
  return share.n === 0 ? figures.none : figures.small(share.n);
}

/** What a share is of: "36 / 40 件". */
export function shareOf(share: Schemas["ShareView"]): string {
  return share.good === null ? "" : figures.of(share.good, share.n);
}

/** Duty minutes to one place below ten, whole ones above. */
export function minutes(value: number): string {
  return figures.minutes(value < 10 ? value.toFixed(1) : String(Math.round(value)));
}

/** A median or 90th percentile, or why it is not shown. */
export function spreadWords(spread: Schemas["SpreadView"], which: "median" | "p90"): string {
  const value = spread[which];
  if (value !== null) return minutes(value);
  return spread.n === 0 ? figures.none : figures.small(spread.n);
}

/** One of a figure's values; `withheld`: why there is none. */
export interface FigureValue {
  label?: string;
  value: string;
  note?: string;
  withheld?: boolean;
}

/** A share among a figure's values, with what it is of. */
export function shareValue(share: Schemas["ShareView"], label?: string, note = shareOf(share)): FigureValue {
  return { label, value: shareWords(share), note, withheld: share.value === null };
}

/** A median or 90th percentile among a figure's values. */
export function spreadValue(spread: Schemas["SpreadView"], which: "median" | "p90", label: string): FigureValue {
  return { label, value: spreadWords(spread, which), withheld: spread[which] === null };
}

/** What a row's state is called. */
export function stateWords(state: string): string {
  return figures.states[state] ?? state;
}

/** Why: the officer is away, it was escalated, or what was found. */
export function detailWords(row: Schemas["RowView"]): string {
  if (row.detail !== "") return figures.details[row.detail] ?? row.detail;
  return row.state === "first_reply" || row.state === "full_answer" ? figures.noDetail : "";
}
