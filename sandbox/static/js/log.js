// A list of entries that stays scrolled to the end, with times between distant ones.

import { dayTime, h } from "./dom.js";

const GAP = 5 * 60_000;

export function createLog(label, render) {
  const element = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": label, tabindex: 0 });
  const nodes = new Map();
  let lastAt = 0;

  let atEnd = true;

  const toEnd = () => {
    element.scrollTop = element.scrollHeight;
    atEnd = true;
  };
  element.addEventListener("scroll", () => {
    atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 60;
  });
  // A picture takes its height when it has come; `load` does not bubble, so it is caught on its way down.
  element.addEventListener("load", () => atEnd && toEnd(), true);

  return {
    element,
    toEnd,
    get empty() {
      return nodes.size === 0;
    },
    /** A new entry is added; a known one is drawn again. */
    take(entry) {
      const node = render(entry);
      if (!node) return;
      const old = nodes.get(entry.seq);
      nodes.set(entry.seq, node);
      if (old) {
        old.replaceWith(node);
        return;
      }
      const follow = atEnd || entry.direction === "from_phone";
      const at = new Date(entry.at).getTime();
      if (Math.abs(at - lastAt) > GAP) element.append(h("time", { class: "gap" }, dayTime(entry.at)));
      lastAt = at;
      element.append(node);
      if (follow) toEnd();
    },
  };
}
