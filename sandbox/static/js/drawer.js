// A drawer from the right, as a modal dialog: keyboard focus stays in it, Escape closes it.

import { h, iconButton } from "./dom.js";
import { T } from "./texts.js";

export function openDrawer(title, hint, body, onclose) {
  const dialog = h("dialog", { class: "drawer", "aria-label": title },
    h("header", {}, h("h2", {}, title), iconButton("close", T.close, () => dialog.close())),
    h("p", { class: "hint" }, hint),
    body);
  show(dialog, onclose);
  return dialog;
}

export function show(dialog, onclose) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    onclose?.();
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
}
