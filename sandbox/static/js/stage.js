// The phones side by side, with a strip of names above them; a welcome where there is none.

import { call } from "./api.js";
import { h, icon } from "./dom.js";
import { openPerson } from "./person.js";
import { createPhone } from "./phone.js";
import { on, state } from "./state.js";
import { T } from "./texts.js";

// More phones than this are on the strip only, until they are chosen: a page with hundreds would crawl.
const SHOWN_AT_FIRST = 12;

const views = new Map();
const hidden = new Set();

export function mountStage(root) {
  const strip = h("nav", { class: "strip", "aria-label": T.phonesShown });
  const row = h("div", { class: "phones" });
  const refresh = () => {
    const known = [...state.phones.values()];
    for (const id of [...views.keys()]) if (!state.phones.has(id)) remove(id);
    known.forEach((phone, index) => {
      if (!views.has(phone.id) && index >= SHOWN_AT_FIRST) hidden.add(phone.id);
      if (!hidden.has(phone.id) && !views.has(phone.id)) add(phone.id, row);
    });
    strip.replaceChildren(...known.map((phone) => chip(phone, row, refresh)));
    strip.hidden = known.length < 2;
    root.replaceChildren(...(known.length ? [strip, row] : [hero()]));
  };
  on("loaded", () => {
    for (const id of [...views.keys()]) remove(id);
    refresh();
  });
  on("phones", (added) => {
    refresh();
    if (added) views.get(added.id)?.element.scrollIntoView({ inline: "center", block: "nearest", behavior: "smooth" });
  });
  on("phone", (phone) => {
    views.get(phone.id)?.showPerson();
    refresh();
  });
}

function add(id, row) {
  const view = createPhone(id);
  views.set(id, view);
  row.append(view.element);
}

function remove(id) {
  views.get(id)?.destroy();
  views.delete(id);
}

function chip(phone, row, refresh) {
  const shown = !hidden.has(phone.id);
  const toggle = () => {
    if (shown) {
      hidden.add(phone.id);
      remove(phone.id);
    } else {
      hidden.delete(phone.id);
      add(phone.id, row);
    }
    refresh();
    views.get(phone.id)?.element.scrollIntoView({ inline: "center", behavior: "smooth" });
  };
  return h("button", { type: "button", class: "chip", "aria-pressed": shown, onclick: toggle }, avatar(phone, "small"), phone.name);
}

/** The surname in a circle; the colour follows from the phone's place. */
export function avatar(phone, size = "") {
  const place = [...state.phones.keys()].indexOf(phone.id);
  // Steps of the golden angle keep neighbours' colours apart.
  const hue = Math.round(210 + place * 137.5) % 360;
  return h("span", { class: `avatar ${size}`, style: `--hue: ${hue}`, "aria-hidden": "true" }, phone.name.slice(0, 1));
}

/** A mini-program page opens on a phone, wherever the person tapped. */
export function showMiniProgram(phoneId, opened) {
  views.get(phoneId)?.openMiniProgram(opened);
}

function hero() {
  const samples = async () => {
    for (const { id, ...person } of T.samples) await call("PUT", `/phones/${id}`, person);
  };
  return h("section", { class: "hero" },
    h("div", { class: "hero-phones", "aria-hidden": "true" },
      h("div", { class: "hero-phone" }, h("i"), h("i", { class: "me" }), h("i")),
      h("div", { class: "hero-phone front" }, icon("shield", 42), h("i"), h("i", { class: "me" }), h("i"), h("i", { class: "me" })),
      h("div", { class: "hero-phone" }, h("i"), h("i"), h("i", { class: "me" }))),
    h("h2", {}, T.heroTitle), h("p", {}, T.heroText),
    h("div", { class: "hero-actions" },
      h("button", { type: "button", class: "primary large", onclick: () => openPerson() }, icon("plus"), T.heroAdd),
      h("button", { type: "button", class: "large", onclick: samples }, T.heroSamples)));
}
