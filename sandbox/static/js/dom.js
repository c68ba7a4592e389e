// Small helpers to build elements; texts are always set as text, never as markup.

/** h("button", {class: "primary", onclick}, "text", child …) */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("aria-")) {
      element.setAttribute(key, String(value));
      continue;
    }
    if (value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "class") element.className = value;
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const PATHS = {
  plus: "M12 5v14M5 12h14",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  close: "M6 6l12 12M18 6L6 18",
  scan: "M4 8V5a1 1 0 011-1h3M16 4h3a1 1 0 011 1v3M20 16v3a1 1 0 01-1 1h-3M8 20H5a1 1 0 01-1-1v-3M4 12h16",
  qr: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 14h2M14 18v2M18 18h2v2",
  bolt: "M13 3L5 13h6l-1 8 8-11h-6z",
  book: "M5 5a2 2 0 012-2h12v16H7a2 2 0 00-2 2zM5 19a2 2 0 012-2h12",
  chat: "M4 5h16v11H9l-5 4z",
  bell: "M6 10a6 6 0 0112 0v4l2 3H4l2-3zM10 20h4",
  mail: "M4 6h16v12H4zM4 7l8 6 8-6",
  app: "M12 4a4 4 0 014 4v8a4 4 0 11-4-4M12 12a4 4 0 10-4-4",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  list: "M5 7h14M5 12h14M5 17h14",
  photo: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9h.01",
  mic: "M12 4a3 3 0 013 3v4a3 3 0 01-6 0V7a3 3 0 013-3zM6 11a6 6 0 0012 0M12 17v3",
  pin: "M12 21s6-5.500 6-11a6 6 0 10-12 0c0 5.500 6 11 6 11zM12 12a2 2 0 100-4 2 2 0 000 4z",
  check: "M5 12.500l4.500 4.500L19 7.500",
  alert: "M12 8v5M12 16.500h.01",
  gear: "M12 9a3 3 0 100 6 3 3 0 000-6zM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M5.600 18.400l2.100-2.100M16.300 7.700l2.100-2.100",
  arrow: "M9 6l6 6-6 6",
  clock: "M12 4a8 8 0 100 16 8 8 0 000-16zM12 8v4l3 2",
  shield: "M12 3l7 2.500v5.500c0 4.500-3 8-7 10-4-2-7-5.500-7-10V5.500z",
};

/** A line icon, hidden from screen readers: its button carries the name. */
export function icon(name, size = 20) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const attributes = { viewBox: "0 0 24 24", width: size, height: size, fill: "none", stroke: "currentColor" };
  attributes["stroke-width"] = name === "more" ? 2.6 : 1.7;
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  svg.setAttribute("stroke-linecap", "round");
  svg.setAttribute("stroke-linejoin", "round");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, label, onclick, props = {}) {
  return h("button", { type: "button", class: "icon-button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** Title, sentence and an optional button where there is nothing yet. */
export function emptyState(name, title, text, ...actions) {
  return h("div", { class: "empty" }, h("div", { class: "empty-icon" }, icon(name, 30)), h("h3", {}, title), h("p", {}, text), ...actions);
}

/** 09:05 of an ISO instant, on the wall clock it was written in (Beijing). */
export const clockTime = (iso) => iso.slice(11, 16);

/** 1月5日 09:05 */
export function dayTime(iso) {
  return `${Number(iso.slice(5, 7))}月${Number(iso.slice(8, 10))}日 ${clockTime(iso)}`;
}

export function toast(text, kind = "info") {
  const box = h("div", { class: `toast ${kind}` }, text);
  document.getElementById("toasts").append(box);
  setTimeout(() => box.remove(), kind === "error" ? 6000 : 3000);
}
