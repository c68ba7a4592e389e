// The bar on top: the platform's clock, and the ways to story, QR codes, faults and new citizens.

import { h, icon } from "./dom.js";
import { openFaults } from "./faults.js";
import { openPerson } from "./person.js";
import { now, on, state } from "./state.js";
import { openTable } from "./table.js";
import { T } from "./texts.js";

const WEEKDAYS = "日一二三四五六";

export function mountBar(root) {
  const time = h("strong", { class: "clock-time" });
  const date = h("span", { class: "clock-date" });
  const shift = h("span", { class: "clock-shift" });
  const online = h("span", { class: "online" });
  const codes = h("span", { class: "count" });
  const broken = h("span", { class: "count warn" });
  root.append(
    h("div", { class: "brand" }, h("img", { src: "/static/icon.svg", alt: "", width: 32, height: 32 }),
      h("div", {}, h("h1", {}, T.title), h("p", {}, T.subtitle, online))),
    h("div", { class: "clock", role: "timer", "aria-label": T.clock }, icon("clock", 22), h("div", {}, time, date), shift),
    h("nav", { class: "bar-actions" },
      h("button", { type: "button", "aria-pressed": true, onclick: toggleStory }, icon("book"), h("span", {}, T.openStory)),
      h("button", { type: "button", onclick: openTable }, icon("qr"), h("span", {}, T.openTable), codes),
      h("button", { type: "button", onclick: openFaults }, icon("bolt"), h("span", {}, T.openFaults), broken),
      h("button", { type: "button", class: "primary", onclick: () => openPerson() }, icon("plus"), h("span", {}, T.addCitizen))),
  );

  const tick = () => {
    const beijing = new Date(now().getTime() + 8 * 3600_000).toISOString();
    time.textContent = beijing.slice(11, 19);
    date.textContent = `${Number(beijing.slice(5, 7))}月${Number(beijing.slice(8, 10))}日 周${WEEKDAYS[new Date(beijing).getUTCDay()]}`;
  };
  const show = () => {
    shift.textContent = shiftText(state.declaredOffset);
    shift.classList.toggle("moved", state.declaredOffset !== 0);
    online.textContent = state.online ? T.connected : T.reconnecting;
    online.classList.toggle("on", state.online);
    badge(codes, state.qrcodes.length);
    badge(broken, state.faults.length);
    tick();
  };
  for (const topic of ["loaded", "clock", "online", "qrcodes", "faults"]) on(topic, show);
  setInterval(tick, 1000);
  show();
}

function badge(element, count) {
  element.textContent = count > 99 ? "99+" : String(count);
  element.hidden = count === 0;
}

function shiftText(seconds) {
  if (seconds === 0) return T.clockReal;
  const size = Math.abs(Math.round(seconds));
  const parts = [
    [Math.floor(size / 86400), T.days],
    [Math.floor((size % 86400) / 3600), T.hours],
    [Math.floor((size % 3600) / 60), T.minutes],
    [size % 60, T.seconds],
  ].filter(([count]) => count > 0);
  const text = parts.slice(0, 2).map(([count, unit]) => `${count} ${unit}`).join(" ");
  return seconds > 0 ? T.clockAhead(text) : T.clockBehind(text);
}

function toggleStory({ currentTarget }) {
  const gone = document.body.classList.toggle("no-story");
  currentTarget.setAttribute("aria-pressed", String(!gone));
}
