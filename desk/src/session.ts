import { computed, readonly, shallowRef } from "vue";
import { api, hasSession, onLoggedOut, take, Problem, type Schemas } from "@/api/client";
import { clearDrafts } from "@/kit/drafts";
import type { Role } from "@/pages";

export type Me = Schemas["Me"];

const found = shallowRef<Me | null>(null);
const state = shallowRef<"asking" | "out" | "in">("asking");

/** Who is logged in. `out` leaves the last one in `me`: their page stays mounted, hidden, until somebody logs in. */
export const me = readonly(found);
export const sessionState = readonly(state);

export const roles = computed<readonly Role[]>(() => (found.value?.roles ?? []).map((held) => held.role));

onLoggedOut(() => {
  if (state.value !== "asking") state.value = "out";
});

/** Ask the API who is logged in, after loading the page and after a login. Throws where it cannot be reached. */
export async function findMe(): Promise<void> {
  if (!hasSession()) {
    state.value = "out";
    return;
  }
  try {
    const now = await take(api.GET("/api/v1/me"));
    const before = found.value;
    if (before !== null && before.id !== now.id) {
      // Somebody else sat down: nothing of the one before may stay in memory.
      window.location.reload();
      return;
    }
    found.value = now;
    state.value = "in";
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    state.value = "out";
  }
}

/** End the session; drafts and everything that was read leave the browser with it. */
export async function logOut(): Promise<void> {
  await take(api.DELETE("/api/v1/sessions/current"));
  clearDrafts();
  window.location.assign("/");
}
