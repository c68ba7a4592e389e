import { onScopeDispose, shallowReactive } from "vue";

/** What a key does on the page, for the help that "?" shows. */
export interface Shortcut {
  key: string;
  means: string;
  run: () => void;
}

/** The shortcuts of whatever is on the screen now. */
export const shortcuts = shallowReactive<Shortcut[]>([]);

/** Keys that work while this component is there, unless somebody types or a dialog is open. */
export function useShortcuts(mine: readonly Shortcut[]): void {
  shortcuts.push(...mine);
  onScopeDispose(() => {
    mine.forEach((each) => shortcuts.splice(shortcuts.indexOf(each), 1));
  });
}

/** Listens for as long as the page lives; the last who registered a key wins. */
export function listenForShortcuts(): void {
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    const found = shortcuts.findLast((each) => each.key === event.key);
    if (found === undefined || (found.key !== "Escape" && document.querySelector(OPEN_DIALOG) !== null)) return;
    if (event.key === "Enter" && isControl(event.target)) return;
    event.preventDefault();
    found.run();
  });
}

const OPEN_DIALOG = "dialog[open]";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

/** Enter on a focused link or button is the browser's. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("a, button, summary");
}
