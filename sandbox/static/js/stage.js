// The phones side by side, with a strip of names above them; a welcome where there is none.

import { call } from "./api.js";
import { h, icon } from "./dom.js";
import { openPerson } from "./person.js";
import { createPhone } from "./phone.js";
import { on, state, storyRuns } from "./state.js";
import { T } from "./texts.js";

// More phones than this are on the strip only, until they are chosen: a page with hundreds would crawl.
const SHOWN_AT_FIRST = 12;
// Whoever touched the phones is not taken elsewhere by the story for so long, in milliseconds.
const LEFT_ALONE = 20_000;
const STIRRED = 2000;
// What happens within so many milliseconds belongs together.
const TOGETHER = 120;
const MARGIN = 20; // pixels, as in the style sheet

const views = new Map();
const hidden = new Set();
const chosen = new Set();
const strip = h("nav", { class: "strip", "aria-label": T.phonesShown });
const row = h("div", { class: "phones" });
const welcome = hero();
let onStrip = "";
let touchedAt = -LEFT_ALONE;
const stirring = new Set();
let followed = 0;

export function mountStage(root) {
  const show = () => {
    refresh();
    // What stays where it is keeps its place when scrolled; a chat that is taken out and put back starts at its top.
    const wanted = state.phones.size ? [strip, row] : [welcome];
    if (root.firstChild !== wanted[0]) root.replaceChildren(...wanted);
  };
  on("loaded", () => {
    for (const id of [...views.keys()]) remove(id);
    show();
  });
  on("phones", (added) => {
    show();
    if (added && !storyRuns()) bringIntoSight(added.id);
  });
  on("phone", (phone) => {
    views.get(phone.id)?.showPerson();
    refreshStrip();
  });
  on("entry", (entry, isNew) => isNew && stir(entry.phone));
  for (const touch of ["pointerdown", "wheel", "keydown"]) {
    root.addEventListener(touch, () => (touchedAt = performance.now()), { passive: true });
  }
}

/** Something happens on this phone: it is marked for a moment and, while the story is told, brought into sight. */
function stir(id) {
  for (const element of partsOf(id)) {
    element.classList.add("stirred");
    setTimeout(() => element.classList.remove("stirred"), STIRRED);
  }
  stirring.add(id);
  clearTimeout(followed);
  followed = setTimeout(follow, TOGETHER);
}

/** The first of the phones on which something has just happened comes into sight, unless all of them are. */
function follow() {
  const elements = [...stirring].map((id) => views.get(id)?.element).filter(Boolean);
  stirring.clear();
  if (elements.length === 0 || !storyRuns() || performance.now() - touchedAt < LEFT_ALONE) return;
  const seen = row.getBoundingClientRect();
  const places = elements.map((element) => element.getBoundingClientRect()).sort((a, b) => a.left - b.left);
  if (places[0].left >= seen.left && places.at(-1).right <= seen.right) return;
  row.scrollBy({ left: places[0].left - seen.left - MARGIN, behavior: "smooth" });
}

function bringIntoSight(id) {
  for (const element of partsOf(id)) element.scrollIntoView({ inline: "nearest", block: "nearest", behavior: "smooth" });
}

/** What there is of a phone on the page: its name on the strip, and itself where it is shown. */
function partsOf(id) {
  return [[...strip.children].find((each) => each.dataset.chip === id), views.get(id)?.element].filter(Boolean);
}

/** Show this phone, however many there are; one that is not known yet, as soon as it is. */
export function showPhone(id) {
  hidden.delete(id);
  chosen.add(id);
  refresh();
  bringIntoSight(id);
}

function refresh() {
  for (const id of [...views.keys()]) if (!state.phones.has(id)) remove(id);
  for (const id of state.phones.keys()) {
    if (views.has(id) || hidden.has(id)) continue;
    if (views.size < SHOWN_AT_FIRST || chosen.has(id)) add(id);
  }
  arrange();
  refreshStrip();
}

/** The phones in their order; only what is not in its place is moved. */
function arrange() {
  let next = row.firstElementChild;
  for (const id of state.phones.keys()) {
    const element = views.get(id)?.element;
    if (element === next) next = next?.nextElementSibling ?? null;
    else if (element) row.insertBefore(element, next);
  }
}

/** Made anew only where it changes, so that a focused name keeps its focus. */
function refreshStrip() {
  const known = [...state.phones.values()];
  const wanted = JSON.stringify(known.map((phone) => [phone.id, phone.name, views.has(phone.id)]));
  if (wanted === onStrip) return;
  onStrip = wanted;
  strip.replaceChildren(...known.map(chip));
  strip.hidden = known.length < 2;
}

function add(id) {
  const view = createPhone(id);
  views.set(id, view);
  row.append(view.element);
}

function remove(id) {
  views.get(id)?.destroy();
  views.delete(id);
}

function chip(phone) {
  const shown = views.has(phone.id);
  const toggle = () => {
    if (!shown) return showPhone(phone.id);
    hidden.add(phone.id);
    chosen.delete(phone.id);
    remove(phone.id);
    refresh();
  };
  return h("button", { type: "button", class: "chip", "data-chip": phone.id, "aria-pressed": shown, onclick: toggle }, avatar(phone, "small"), phone.name);
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
