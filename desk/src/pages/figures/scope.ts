import { computed } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import { legalDate, today } from "@/kit/time";
import { me } from "@/session";

/** Days that a period counts back, today included. */
export const PERIODS = { week: 7, month: 30, quarter: 90, year: 365 } as const;
export type PeriodName = keyof typeof PERIODS;

const DAY_MS = 86_400_000;

/** A legal date so many days from another. */
export function daysFrom(date: string, days: number): string {
  return legalDate(new Date(Date.parse(`${date}T12:00:00+08:00`) + days * DAY_MS));
}

/** How many days a period has, its first and last included. */
export function daysIn(first: string, last: string): number {
  return Math.round((Date.parse(last) - Date.parse(first)) / DAY_MS) + 1;
}

/**
 * Of which unit and period the figures are: kept in the address, so that a page can be sent on and gone back to.
 * `usual` is the period where none is chosen.
 */
export function useScope(usual: PeriodName = "month") {
  const route = useRoute();
  const router = useRouter();
  const text = (name: string): string | undefined => {
    const value = route.query[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const unit = computed(() => text("unit") ?? me.value?.unit_id ?? "");
  const last = computed(() => text("last") ?? today());
  const first = computed(() => text("first") ?? daysFrom(last.value, 1 - PERIODS[usual]));

  /** The unit and period as a query, for links to the other pages about them. */
  const query = computed(() => ({ unit: unit.value, first: first.value, last: last.value }));

  function change(to: LocationQueryRaw): void {
    void router.replace({ query: { ...route.query, ...to } });
  }

  return { unit, first, last, query, text, change };
}
