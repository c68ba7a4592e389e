// "QR codes on the table": what the product made, to be scanned with a phone.

import { act } from "./api.js";
import { dayTime, emptyState, h, toast } from "./dom.js";
import { openDrawer } from "./drawer.js";
import { showMiniProgram } from "./stage.js";
import { on, state } from "./state.js";
import { T } from "./texts.js";

export function openTable(_, onlyPhone) {
  const list = h("div", { class: "codes" });
  const address = h("input", { type: "url", placeholder: T.pasteUrl, "aria-label": T.pasteUrl });
  const pasted = h("div", { class: "paste" }, address, scanners(() => ({ url: address.value.trim() }), onlyPhone));
  const show = () => list.replaceChildren(...(state.qrcodes.length ? state.qrcodes.map((code) => card(code, onlyPhone)) : [emptyState("qr", T.tableEmptyTitle, T.tableEmpty)]));
  const off = on("qrcodes", show);
  show();
  openDrawer(T.tableTitle, T.tableHint, h("div", { class: "drawer-body" }, pasted, list), off);
}

function card(code, onlyPhone) {
  const expiry = code.expired ? T.expired : code.expires_at ? T.validUntil(dayTime(code.expires_at)) : T.permanent;
  const says = code.scene || [code.path, code.query].filter(Boolean).join("?") || code.url;
  return h("article", { class: `code ${code.expired ? "expired" : ""}` },
    h("img", { src: code.picture, alt: T.kinds[code.kind], width: 96, height: 96, loading: "lazy" }),
    h("div", {},
      h("div", { class: "code-kind" }, T.kinds[code.kind], h("span", { class: "code-expiry" }, expiry)),
      h("p", { class: "code-scene", title: says }, says),
      scanners(() => ({ url: code.url }), onlyPhone)));
}

function scanners(target, onlyPhone) {
  const phones = [...state.phones.values()].filter((phone) => !onlyPhone || phone.id === onlyPhone);
  if (phones.length === 0) return h("p", { class: "hint" }, T.choosePhone);
  return h("div", { class: "scanners" }, h("span", {}, T.scanWith),
    phones.map((phone) => h("button", { type: "button", onclick: () => scan(phone, target()) }, phone.name)));
}

async function scan(phone, target) {
  if (!target.url) return;
  await scanUrl(phone.id, target.url);
  toast(T.scanDone(phone.name));
  document.querySelector("dialog.drawer")?.close();
}

/** Scan a code or tap a link with a phone; what opens is shown on it. */
export async function scanUrl(phoneId, url) {
  const happened = await act(phoneId, "scan", { url });
  if (happened.opened) showMiniProgram(phoneId, happened.opened);
}
