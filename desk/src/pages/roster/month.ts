import type { Schemas } from "@/api/client";

export type Shift = Schemas["ShiftView"];

const DAY_MS = 24 * 3600 * 1000;

/** The legal dates of a month, e.g. of "2026-03". */
export function daysOf(month: string): string[] {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const count = new Date(Date.UTC(year, number, 0)).getUTCDate();
  return Array.from({ length: count }, (_, index) => `${month}-${String(index + 1).padStart(2, "0")}`);
}

/** The month that is `by` months later. */
export function monthAfter(month: string, by: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 15)).toISOString().slice(0, 7);
}

/** What touches a day in China; the morning in which a night's duty ends belongs to the day before. */
export function shiftsOn(shifts: readonly Shift[], officerId: string, day: string): Shift[] {
  const start = Date.parse(`${day}T00:00:00+08:00`);
  return shifts.filter((shift) => {
    if (shift.officer_id !== officerId || Date.parse(shift.starts_at) >= start + DAY_MS) return false;
    const begins = Date.parse(shift.starts_at);
    if (begins >= start) return true;
    return Date.parse(shift.ends_at) >= start + DAY_MS / 2;
  });
}

export function isWeekend(day: string): boolean {
  return [0, 6].includes(new Date(`${day}T12:00:00Z`).getUTCDay());
}
