// 短信: what came, and replies.

import { act } from "./api.js";
import { bubble, withLinks } from "./bubbles.js";
import { emptyState, h } from "./dom.js";
import { createLog } from "./log.js";
import { T } from "./texts.js";

export function createSms(id) {
  const empty = emptyState("mail", T.smsEmptyTitle, T.smsEmpty);
  const log = createLog(T.apps.sms, (entry) => {
    if (entry.kind !== "sms") return bubble(entry);
    const mine = entry.direction === "from_phone";
    const state = mine && entry.state === "failed" ? h("small", { class: "sms-failed" }, T.stateFailed) : null;
    return h("div", { class: `sms ${mine ? "mine" : ""}` }, h("div", {}, withLinks(entry.text, id)), state);
  });
  const input = h("input", { type: "text", placeholder: T.smsPlaceholder, "aria-label": T.smsPlaceholder, maxlength: 200 });
  const reply = (text) => act(id, "sms", { text });
  const submit = (event) => {
    event.preventDefault();
    const text = input.value.trim();
    input.value = "";
    if (text) reply(text);
  };
  const element = h("div", { class: "app sms-app", role: "tabpanel" },
    h("header", { class: "app-head" }, h("h3", {}, T.smsFrom)),
    empty, log.element,
    h("div", { class: "composer sms-composer" },
      h("div", { class: "quick" }, T.smsQuick.map(([text, label]) => h("button", { type: "button", onclick: () => reply(text) }, h("b", {}, text), label))),
      h("form", { onsubmit: submit }, input, h("button", { class: "sms-send" }, T.send))));
  return {
    element,
    shown: log.toEnd,
    take(entry) {
      empty.hidden = true;
      log.take(entry);
    },
  };
}
