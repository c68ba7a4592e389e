// One phone: its person, a frame, and four apps in it.

import { createChat } from "./chat.js";
import { h, icon, iconButton } from "./dom.js";
import { createMiniProgram } from "./miniprogram.js";
import { createNotices } from "./notices.js";
import { openPerson } from "./person.js";
import { createSms } from "./sms.js";
import { avatar } from "./stage.js";
import { now, on, state } from "./state.js";
import { T } from "./texts.js";

const APPS = [
  ["oa", "chat", createChat],
  ["notice", "bell", createNotices],
  ["sms", "mail", createSms],
  ["mini", "app", createMiniProgram],
];
/** Which app shows which channel. */
const APP_OF = { oa: "oa", notice: "notice", sms: "sms", mp: "mini" };

/** The app in which something arrived last. */
function firstApp(id) {
  const last = (state.entries.get(id) ?? []).findLast((entry) => entry.direction === "to_phone");
  return last ? APP_OF[last.channel] : "oa";
}

export function createPhone(id) {
  const views = {};
  const unread = { oa: 0, notice: 0, sms: 0, mini: 0 };
  let current = "oa";
  let inHand = false; // Once somebody has touched it, it stays in the app that they chose.

  const person = h("div", { class: "person-line" });
  const time = h("span");
  const screen = h("div", { class: "screen" });
  const tabs = h("div", { class: "dock", role: "tablist" });
  const element = h("section", { class: "phone", "data-phone": id }, person,
    h("div", { class: "frame" }, h("div", { class: "status-bar" }, time, h("span", { class: "signal", "aria-hidden": "true" }, h("i"), h("i"), h("i"), h("b"))), screen, tabs));

  element.addEventListener("pointerdown", () => (inHand = true));
  element.addEventListener("keydown", () => (inHand = true));

  const openApp = (name) => {
    current = name;
    unread[name] = 0;
    for (const [app, view] of Object.entries(views)) view.element.hidden = app !== name;
    showTabs();
    views[name].shown?.();
  };
  const openMiniProgram = (opened) => {
    openApp("mini");
    views.mini.open(opened);
  };

  const showTabs = () =>
    tabs.replaceChildren(...APPS.map(([app, symbol]) =>
      h("button", { type: "button", role: "tab", "aria-selected": app === current, tabindex: app === current ? 0 : -1, onclick: () => openApp(app), onkeydown: (event) => moveTab(event, app) },
        h("span", { class: "dock-icon" }, icon(symbol, 21), unread[app] > 0 && h("b", { class: "badge", "aria-label": T.unread(unread[app]) }, unread[app] > 9 ? "9+" : String(unread[app]))),
        T.apps[app])));
  const moveTab = (event, app) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = APPS.map(([name]) => name);
    openApp(names[(names.indexOf(app) + step + names.length) % names.length]);
    tabs.querySelector("[aria-selected=true]").focus();
  };

  const showPerson = () => {
    const phone = state.phones.get(id);
    if (!phone) return;
    element.setAttribute("aria-label", phone.name);
    const marks = [
      phone.sms_state !== "on" && (phone.sms_state === "off" ? T.phoneOff : T.numberEmpty),
      phone.blocked.includes("oa") && T.blockedOa,
    ].filter(Boolean);
    person.replaceChildren(avatar(phone),
      h("div", { class: "person-text" },
        h("div", {}, h("strong", {}, phone.name), marks.map((mark) => h("span", { class: "mark" }, mark))),
        h("small", {}, phone.phone_number.replace(/^(\d{3})(\d{4})(\d{4})$/, "$1 $2 $3"), phone.note && h("em", {}, phone.note))),
      iconButton("gear", `${phone.name} ${T.phoneMenu}`, () => openPerson(state.phones.get(id))));
    for (const view of Object.values(views)) view.person?.();
  };

  const tick = () => {
    time.textContent = new Date(now().getTime() + 8 * 3600_000).toISOString().slice(11, 16);
  };
  const offs = [
    on("entry", (entry, isNew) => {
      if (entry.phone !== id) return;
      const app = APP_OF[entry.channel];
      views[app].take(entry, isNew);
      if (!isNew || app === current) return;
      if (!inHand) openApp(app);
      else if (entry.direction === "to_phone") {
        unread[app] += 1;
        showTabs();
      }
    }),
    on("clock", tick),
    on("menu", () => views.oa.menu()),
    on("templates", () => views.mini.person()),
  ];
  for (const [app, , create] of APPS) {
    views[app] = create(id, { openMiniProgram });
    screen.append(views[app].element);
  }
  for (const entry of state.entries.get(id) ?? []) views[APP_OF[entry.channel]].take(entry, false);
  const timer = setInterval(tick, 5000);
  tick();
  showPerson();
  openApp(firstApp(id));
  // Only what is on the page can be scrolled to its end.
  requestAnimationFrame(() => views[current].shown?.());

  return {
    element,
    showPerson,
    openMiniProgram,
    destroy() {
      clearInterval(timer);
      offs.forEach((off) => off());
      element.remove();
    },
  };
}
