import { onScopeDispose, ref, watch, type Ref } from "vue";

const PREFIX = "steward.draft.";
const LIFE_MS = 12 * 3600 * 1000;
const WAIT_MS = 250;

interface Kept {
  text: string;
  at: number;
}

/** What was typed for this key and not sent, or "". What is older than a session can last is thrown away. */
export function readDraft(key: string, now = Date.now(), storage: Storage = localStorage): string {
  const stored = storage.getItem(PREFIX + key);
  if (stored === null) return "";
  const { text, at } = JSON.parse(stored) as Kept;
  if (now - at <= LIFE_MS) return text;
  storage.removeItem(PREFIX + key);
  return "";
}

/** Keep what was typed; an empty text forgets it. */
export function keepDraft(key: string, text: string, now = Date.now(), storage: Storage = localStorage): void {
  if (text === "") storage.removeItem(PREFIX + key);
  else storage.setItem(PREFIX + key, JSON.stringify({ text, at: now } satisfies Kept));
}

/** Forget every draft of everybody on this computer. */
export function clearDrafts(storage: Storage = localStorage): void {
  Object.keys(storage)
    .filter((key) => key.startsWith(PREFIX))
    .forEach((key) => storage.removeItem(key));
}

/** A text that survives a reload of the page, under a key that names the officer and what it is about. */
export function useDraft(key: string): Ref<string> {
  const text = ref(readDraft(key));
  let timer = 0;
  const keep = () => keepDraft(key, text.value);
  watch(text, () => {
    window.clearTimeout(timer);
    if (text.value === "") keep();
    else timer = window.setTimeout(keep, WAIT_MS);
  });
  window.addEventListener("pagehide", keep);
  onScopeDispose(() => {
    window.clearTimeout(timer);
    window.removeEventListener("pagehide", keep);
    keep();
  });
  return text;
}
