// 服务通知: subscribe messages as cards.

import { card } from "./bubbles.js";
import { dayTime, emptyState, h } from "./dom.js";
import { createLog } from "./log.js";
import { state } from "./state.js";
import { T } from "./texts.js";

export function createNotices(id, phone) {
  const empty = emptyState("bell", T.noticeEmptyTitle, T.noticeEmpty);
  const log = createLog(T.apps.notice, (entry) =>
    h("div", { class: "notice" },
      h("div", { class: "notice-from" }, h("img", { src: "/static/icon.svg", alt: "", width: 18, height: 18 }), state.accounts.mp?.name ?? T.title, h("time", {}, dayTime(entry.at))),
      card(entry, phone)));
  const element = h("div", { class: "app", role: "tabpanel" }, h("header", { class: "app-head" }, h("h3", {}, T.apps.notice)), empty, log.element);
  return {
    element,
    shown: log.toEnd,
    take(entry) {
      empty.hidden = true;
      log.take(entry);
    },
  };
}
