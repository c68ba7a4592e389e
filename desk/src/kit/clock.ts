import { ref } from "vue";

/** Milliseconds that the installation's clock is ahead of this computer's: whoever's is wrong, the law goes by ours. */
const ahead = ref(0);

/** Takes the time that an answer of the API was stamped with; nothing, where a proxy took the stamp away. */
export function heardTime(stamp: string | null): void {
  const heard = Date.parse(stamp ?? "");
  // The way of the answer, and clocks that differ by a breath, move nothing on the page.
  if (!Number.isNaN(heard) && Math.abs(heard - present()) > 2000) ahead.value = heard - Date.now();
}

/** The installation's time in milliseconds. */
export function present(): number {
  return installed(Date.now());
}

/** An instant of this computer's clock as the installation's clock shows it. */
export function installed(computer: number): number {
  return computer + ahead.value;
}
