// How an entry looks in a chat.

import { act } from "./api.js";
import { h, icon } from "./dom.js";
import { T } from "./texts.js";
import { scanUrl } from "./table.js";

const LINK = /(https?:\/\/[\w./?=&%~#:+,@!$-]+|weixin:\/\/[\w./?=&%~-]+)/g;

/** The node for an entry; `phone.openMiniProgram` opens a page. */
export function bubble(entry, phone) {
  if (entry.kind === "tip" || entry.kind === "event") return h("div", { class: `tip ${entry.kind}` }, entry.text);
  const mine = entry.direction === "from_phone";
  const content = (CONTENTS[entry.kind] ?? plain)(entry, phone);
  const wide = ["template_message", "subscribe_message", "news", "msgmenu"].includes(entry.kind);
  return h("div", { class: `message ${mine ? "mine" : ""} ${wide ? "wide" : ""}` },
    !mine && !wide && h("img", { class: "bot", src: "/static/icon.svg", alt: "" }),
    mine && sendingState(entry),
    content);
}

function sendingState({ state }) {
  if (state === "sending") return h("span", { class: "sending", title: T.statePending, "aria-label": T.statePending });
  if (state === "failed") return h("span", { class: "not-sent", title: T.stateFailed, "aria-label": T.stateFailed }, icon("alert", 14));
  return null;
}

const TAP = /<a href="weixin:\/\/bizmsgmenu\?msgmenucontent=[^&"]+&msgmenuid=([^&"]+)">([^<]*)<\/a>/g;

function plain(entry, phone) {
  return h("div", { class: "bubble" }, withTaps(entry.content.text ?? entry.text, entry, phone));
}

/** Lines that answer when they are tapped, as a menu message's do. */
function withTaps(text, entry, phone) {
  const tap = (item) => act(entry.phone, "msgmenu", { entry: entry.seq, item: decodeURIComponent(item) });
  const parts = text.split(TAP);
  return parts.map((part, index) => {
    if (index % 3 === 0) return withLinks(part, entry.phone, phone);
    if (index % 3 === 1) return null;
    return h("button", { type: "button", class: "text-link", onclick: () => tap(parts[index - 1]) }, part);
  });
}

/** Addresses in a text can be tapped; those of the mini-program open it. */
export function withLinks(text, phoneId) {
  return text.split(LINK).map((part, index) => {
    if (index % 2 === 0) return part;
    const opens = /wxaurl\.cn|^weixin:/.test(part);
    if (opens) return h("button", { type: "button", class: "text-link", onclick: () => scanUrl(phoneId, part) }, part);
    return h("a", { href: part, target: "_blank", rel: "noopener noreferrer" }, part);
  });
}

function picture(entry) {
  const image = h("img", { class: "picture", src: entry.content.url, alt: entry.text });
  image.addEventListener("error", () => image.replaceWith(h("div", { class: "bubble" }, entry.text)));
  return image;
}

function voice(entry) {
  const said = entry.content.detail || entry.content.recognition || "";
  return h("div", { class: "bubble voice" }, icon("mic", 18), h("span", {}, said || T.voice));
}

function place(entry) {
  return h("div", { class: "bubble place" }, icon("pin", 18), h("span", {}, entry.content.detail || T.location));
}

function news(entry) {
  const { title, description, url } = entry.content.articles[0];
  return h("a", { class: "card", href: url || null, target: "_blank", rel: "noopener noreferrer" }, h("strong", {}, title), description && h("p", {}, description));
}

function miniCard(entry, phone) {
  const path = entry.content.path ?? "";
  return h("button", { type: "button", class: "card mini-card", onclick: () => phone?.openMiniProgram(target(path, 1074)) },
    h("small", {}, icon("app", 14), T.miniTitle), h("strong", {}, entry.content.title || entry.content.detail || T.miniTitle));
}

/** "pages/a?b=1" as the page and its query. */
export function target(page, scene) {
  const [path, query = ""] = page.split("?");
  return { path, query, scene };
}

function menu(entry) {
  const tap = (item) => act(entry.phone, "msgmenu", { entry: entry.seq, item: item.id });
  return h("div", { class: "card menu-card" },
    entry.content.head && h("p", {}, entry.content.head),
    h("div", { class: "menu-items", role: "group", "aria-label": T.tapToAnswer },
      entry.content.items.map((item) => h("button", { type: "button", onclick: () => tap(item) }, item.content))),
    entry.content.tail && h("p", { class: "tail" }, entry.content.tail));
}

/** Template and subscribe messages: title, fields, and where a tap leads. */
export function card(entry, phone, scene = 1014) {
  const { title, fields, page, miniprogram, url } = entry.content;
  const path = page || miniprogram?.path;
  const open = path ? () => phone.openMiniProgram(target(path, scene)) : url ? () => window.open(url, "_blank", "noopener") : null;
  return h("article", { class: "card notice-card" },
    h("h4", {}, title),
    h("dl", {}, fields.map(({ label, value }) => [h("dt", {}, label), h("dd", {}, value)])),
    open && h("button", { type: "button", class: "card-link", onclick: open }, path ? T.enterMini : T.openDetails, icon("arrow", 16)));
}

const CONTENTS = {
  image: picture,
  voice,
  location: place,
  news,
  msgmenu: menu,
  miniprogrampage: miniCard,
  template_message: card,
  subscribe_message: card,
};
