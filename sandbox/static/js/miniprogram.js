// 小程序: the place inside a phone where a mini-program's page opens, and consent to subscribe messages.
//
// The pages themselves are drawn by whoever calls `registerMiniProgram(render)`; `render(slot, opened, phone)` gets an
// empty element of the screen's size and {path, query, scene, js_code}. Until then the slot says what was opened.

import { act } from "./api.js";
import { bubble } from "./bubbles.js";
import { emptyState, h } from "./dom.js";
import { createLog } from "./log.js";
import { state } from "./state.js";
import { T } from "./texts.js";

let renderer = null;

export function registerMiniProgram(render) {
  renderer = render;
}

export function createMiniProgram(id) {
  const slot = h("div", { class: "mini-slot", "data-slot": "mini-program" });
  const consents = h("section", { class: "consents", "aria-label": T.subscriptions });
  const log = createLog(T.apps.mini, (entry) => (entry.kind === "event" ? null : bubble(entry)));
  const element = h("div", { class: "app mini", role: "tabpanel" },
    h("header", { class: "app-head" }, h("h3", {}, T.miniTitle)), slot, log.element, consents);
  let opened = null;

  const show = () => {
    if (opened && renderer) renderer(slot, opened, state.phones.get(id));
    else slot.replaceChildren(opened ? page(opened) : nothing());
  };
  const nothing = () =>
    emptyState("app", T.miniEmptyTitle, T.miniEmpty, h("button", { type: "button", class: "wechat", onclick: () => open({ path: "", query: "", scene: 1001 }) }, T.miniOpen));
  /** A page that a scan opened has its js_code already; a tapped card opens it now. */
  const open = async (target) => {
    opened = target.js_code ? target : await act(id, "mini-program/open", target);
    show();
  };
  show();
  return {
    element,
    open,
    take(entry) {
      // Opened from elsewhere, by the story perhaps; a drawn page needs a js_code of its own.
      if (!renderer && entry.content.path !== undefined && entry.kind === "event") {
        opened = entry.content;
        show();
      }
      log.take(entry);
      log.element.hidden = log.empty;
    },
    person() {
      const phone = state.phones.get(id);
      if (phone) consents.replaceChildren(...subscriptions(phone));
    },
  };
}

function page({ path, query, scene }) {
  return h("dl", { class: "mini-page" },
    h("dt", { class: "mini-opened" }, T.miniOpened),
    h("dt", {}, T.miniPage), h("dd", {}, path || T.miniHome),
    query && [h("dt", {}, T.miniQuery), h("dd", {}, query)],
    h("dt", {}, T.miniScene), h("dd", {}, `${T.scenes[scene] ?? ""} ${scene}`.trim()));
}

function subscriptions(phone) {
  const templates = state.templates.filter((template) => template.kind === "mp_subscribe" && template.state === "approved");
  const decide = (template) => act(phone.id, "subscriptions", { account: "mp", decisions: { [template.id]: "accept" } });
  const refuse = (template) => act(phone.id, "subscriptions/refuse", { account: "mp", templates: [template.id] });
  return [
    h("h4", {}, T.subscriptions),
    templates.length === 0 && h("p", {}, T.subscriptionsNone),
    h("ul", {}, templates.map((template) =>
      h("li", {}, h("div", {}, template.title || template.id, h("small", {}, consentText(phone.subscriptions[`mp:${template.id}`]))),
        h("button", { type: "button", onclick: () => decide(template) }, T.allow),
        h("button", { type: "button", class: "link", onclick: () => refuse(template) }, T.refuse)))),
  ].filter(Boolean);
}

function consentText(consent) {
  if (!consent) return T.notAsked;
  if (consent.refused) return T.refused;
  if (consent.long_term) return T.longTerm;
  return consent.credits > 0 ? T.creditsLeft(consent.credits) : T.notAsked;
}
