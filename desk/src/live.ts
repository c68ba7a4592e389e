import type { QueryClient } from "@tanstack/vue-query";
import { readonly, ref } from "vue";
import { findMe } from "@/session";

export type Connection = "connecting" | "live" | "lost" | "healed";

const SILENCE_MS = 30_000;
const GRACE_MS = 3_000;
const RETRY_MS = 5_000;
const HEALED_MS = 4_000;

const state = ref<Connection>("connecting");

/** How the line to the server stands: shown in the bar on top. */
export const connection = readonly(state);

/**
 * Keeps one line to the server open, on which it says what has changed; what is on the screen is then fetched anew.
 *
 * A hint is a topic such as `queue` or `case:<id>`; it is the beginning of the key of every query it concerns. Hints
 * may be lost, so after every interruption everything on the screen is fetched.
 */
export class LiveLine {
  private source: EventSource | null = null;
  private timers: Partial<Record<"silence" | "grace" | "retry" | "healed", number>> = {};
  private opened = false;

  constructor(private readonly client: QueryClient) {
    window.addEventListener("online", () => this.open());
    window.addEventListener("offline", () => this.lose());
  }

  open(): void {
    this.source?.close();
    this.set("silence", SILENCE_MS, () => this.open());
    const source = new EventSource("/api/v1/live");
    this.source = source;
    source.addEventListener("hello", () => this.heal());
    source.addEventListener("beat", () => this.alive());
    source.addEventListener("hint", (event: MessageEvent<string>) => this.hint(event.data));
    source.addEventListener("error", () => this.broken(source));
  }

  close(): void {
    this.source?.close();
    this.source = null;
    Object.values(this.timers).forEach((timer) => window.clearTimeout(timer));
    state.value = "connecting";
    this.opened = false;
  }

  private hint(data: string): void {
    this.alive();
    const { topics } = JSON.parse(data) as { topics: string[] };
    for (const topic of topics) void this.client.invalidateQueries({ queryKey: topic.split(":") });
  }

  private heal(): void {
    this.alive();
    window.clearTimeout(this.timers.grace);
    window.clearTimeout(this.timers.retry);
    const wasLost = state.value === "lost";
    if (this.opened) void this.client.invalidateQueries();
    this.opened = true;
    state.value = wasLost ? "healed" : "live";
    if (wasLost) this.set("healed", HEALED_MS, () => (state.value = "live"));
  }

  private alive(): void {
    this.set("silence", SILENCE_MS, () => {
      this.lose();
      this.open();
    });
  }

  private broken(source: EventSource): void {
    if (source !== this.source) return;
    this.set("grace", GRACE_MS, () => this.lose());
    // The browser itself tries again after a broken line, but not after an answer that was none: then ask why.
    if (source.readyState !== EventSource.CLOSED) return;
    this.set("retry", RETRY_MS, () => {
      findMe().then(
        () => this.open(),
        () => this.broken(source),
      );
    });
  }

  private lose(): void {
    state.value = "lost";
  }

  private set(name: keyof typeof this.timers, after: number, then: () => void): void {
    window.clearTimeout(this.timers[name]);
    this.timers[name] = window.setTimeout(then, after);
  }
}
