// Fault switches.

import { call } from "./api.js";
import { h, icon } from "./dom.js";
import { openDrawer } from "./drawer.js";
import { on, state } from "./state.js";
import { T } from "./texts.js";

export function openFaults() {
  const active = h("div", { class: "fault-active", "aria-live": "polite" });
  const show = () => active.replaceChildren(...activeFaults());
  const off = on("faults", show);
  show();
  const switches = T.faults.map(([fault, title, text]) =>
    h("button", { type: "button", class: "fault", onclick: () => call("POST", "/faults", fault) },
      icon("bolt", 18), h("span", {}, h("strong", {}, title), h("small", {}, text))));
  openDrawer(T.faultsTitle, T.faultsHint, h("div", { class: "drawer-body" }, active, h("div", { class: "faults" }, switches)), off);
}

function activeFaults() {
  if (state.faults.length === 0) return [h("p", { class: "all-well" }, icon("check", 18), T.faultsNone)];
  return [
    h("h3", {}, T.faultsActive),
    h("ul", {}, state.faults.map((fault) =>
      h("li", {}, nameOf(fault), h("span", {}, T.faultsLeft(fault.times - fault.used)),
        h("button", { type: "button", class: "link", onclick: () => call("DELETE", `/faults/${fault.id}`) }, T.cancel)))),
    h("button", { type: "button", class: "wide", onclick: () => call("DELETE", "/faults") }, T.faultsClear),
  ];
}

function nameOf(fault) {
  const same = T.faults.find(([each]) => each.kind === fault.kind && (each.errcode ?? -1) === fault.errcode);
  return same ? same[1] : `${fault.kind} ${fault.errcode}`;
}
