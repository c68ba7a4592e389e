import type { Schemas } from "@/api/client";
import { texts } from "@/texts";

export type Calendar = Schemas["CalendarView"];
export type Hours = Schemas["HoursBody"];

/** A stretch of duty as it is typed: times of the clock, and whether it ends in the next morning. */
export interface Stretch {
  start: string;
  end: string;
  next: boolean;
}

const MIDNIGHT = "00:00";

/** As the API says it; 24:00 is midnight of the next day. */
export function stretchOf({ start, end }: Hours): Stretch {
  if (end === "24:00") return { start, end: MIDNIGHT, next: true };
  return { start, end: end.replace("+", ""), next: end.startsWith("+") };
}

export function hoursOf({ start, end, next }: Stretch): Hours {
  return { start, end: next ? `+${end}` : end };
}

/** The next stretch of a day: after the last one, or the usual morning. */
export function another(day: readonly Stretch[]): Stretch {
  return { start: day.at(-1)?.end ?? "08:30", end: day.length === 0 ? "12:00" : "17:30", next: false };
}

export function nameOf({ code, made_for: unit }: Calendar): string {
  return unit === null ? (texts.calendars.names[code] ?? code) : texts.calendars.madeFor(unit);
}
