// The official account's chat: follow, bubbles, the menu that the product made, and the input.

import { act } from "./api.js";
import { bubble } from "./bubbles.js";
import { h, icon, iconButton } from "./dom.js";
import { show } from "./drawer.js";
import { createLog } from "./log.js";
import { state } from "./state.js";
import { openTable } from "./table.js";
import { T } from "./texts.js";

export function createChat(id, phone) {
  const log = createLog(T.chatLog, (entry) => bubble(entry, phone));
  const title = h("header", { class: "app-head" });
  const follow = h("div", { class: "follow" });
  const composer = h("div", { class: "composer" });
  const element = h("div", { class: "app chat", role: "tabpanel" }, title, follow, log.element, composer);
  let typing = false;

  const setTyping = (value) => {
    typing = value;
    showComposer();
  };
  const showComposer = () => {
    const buttons = state.menu?.button ?? [];
    const parts = typing || buttons.length === 0 ? inputLine(id, buttons.length > 0 && (() => setTyping(false))) : menuLine(id, buttons, () => setTyping(true));
    composer.replaceChildren(...parts);
  };
  const person = () => {
    const known = state.phones.get(id);
    const name = state.accounts.oa?.name ?? T.title;
    title.replaceChildren(h("h3", {}, name), iconButton("scan", T.scan, () => openTable(null, id)));
    const changed = element.classList.contains("following") !== known.following;
    element.classList.toggle("following", known.following);
    follow.replaceChildren(...(known.following ? [] : invitation(id, name)));
    if (changed) log.toEnd();
  };
  showComposer();

  return { element, take: log.take, shown: log.toEnd, person, menu: showComposer };
}

function invitation(id, name) {
  return [
    h("img", { src: "/static/icon.svg", alt: "", width: 64, height: 64 }),
    h("h3", {}, name),
    h("p", { class: "strong" }, T.followTitle),
    h("p", {}, T.followText),
    h("button", { type: "button", class: "wechat", onclick: () => act(id, "follow") }, T.follow),
    h("button", { type: "button", class: "link", onclick: () => openTable(null, id) }, T.followOr),
  ];
}

function menuLine(id, buttons, toKeyboard) {
  return [
    iconButton("keyboard", T.keyboard, toKeyboard),
    h("div", { class: "menu-bar" }, buttons.map((button) => (button.sub_button ? subMenu(id, button) : menuButton(id, button)))),
  ];
}

function menuButton(id, button) {
  return h("button", { type: "button", onclick: () => act(id, "menu", { name: button.name }) }, button.name);
}

function subMenu(id, button) {
  const list = h("div", { class: "sub-menu", hidden: true }, button.sub_button.map((sub) => menuButton(id, sub)));
  const opener = h("button", { type: "button", "aria-expanded": "false", onclick: () => toggle() }, icon("list", 13), button.name);
  const toggle = (open = list.hidden) => {
    list.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
  };
  list.addEventListener("click", () => toggle(false));
  list.addEventListener("keydown", (event) => event.key === "Escape" && toggle(false));
  return h("div", { class: "menu-group" }, list, opener);
}

function inputLine(id, toMenu) {
  const input = h("input", { type: "text", placeholder: T.inputPlaceholder, "aria-label": T.inputPlaceholder, maxlength: 600 });
  const extras = h("div", { class: "extras", hidden: true }, extraButtons(id));
  const submit = async (event) => {
    event.preventDefault();
    const content = input.value.trim();
    if (!content) return;
    input.value = "";
    await act(id, "messages", { content });
  };
  extras.addEventListener("click", () => {
    extras.hidden = true;
  });
  return [
    toMenu && iconButton("list", T.menuMode, toMenu),
    h("form", { onsubmit: submit }, input, h("button", { class: "wechat small" }, T.send)),
    iconButton("plus", T.more, () => {
      extras.hidden = !extras.hidden;
    }),
    extras,
  ].filter(Boolean);
}

function extraButtons(id) {
  const file = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": T.photo });
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (chosen) await sendPicture(id, chosen, chosen.name);
    file.value = "";
  });
  const button = (symbol, label, onclick) => h("button", { type: "button", onclick }, h("span", {}, icon(symbol, 24)), label);
  return [
    file,
    button("photo", T.photo, () => file.click()),
    button("photo", T.samplePhoto, async () => sendPicture(id, await samplePhoto(), "sample.png")),
    button("mic", T.voice, () => askVoice(id)),
    button("pin", T.location, () => act(id, "messages", { type: "location", label: T.sampleLocation })),
  ];
}

function askVoice(id) {
  const said = h("input", { required: true, maxlength: 200, value: T.voiceSample });
  const submit = async (event) => {
    event.preventDefault();
    dialog.close();
    await act(id, "messages", { type: "voice", recognition: said.value.trim() });
  };
  const dialog = h("dialog", { class: "person", "aria-label": T.voiceTitle },
    h("form", { onsubmit: submit },
      h("header", {}, h("h2", {}, T.voiceTitle), iconButton("close", T.close, () => dialog.close())),
      h("label", { class: "field" }, h("span", {}, T.voicePrompt), said, h("small", {}, T.voiceHint)),
      h("footer", {}, h("button", { type: "button", onclick: () => dialog.close() }, T.cancel), h("button", { class: "primary" }, T.send))));
  show(dialog);
}

async function sendPicture(id, blob, filename) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  await act(id, "messages", { type: "image", data_base64: btoa(binary), filename });
}

/** A drawn photograph of a street at night, so that nobody needs a file at hand. */
function samplePhoto() {
  const canvas = h("canvas", { width: 480, height: 360 });
  const brush = canvas.getContext("2d");
  const sky = brush.createLinearGradient(0, 0, 0, 240);
  sky.addColorStop(0, "#28406b");
  sky.addColorStop(1, "#e8a87c");
  brush.fillStyle = sky;
  brush.fillRect(0, 0, 480, 360);
  brush.fillStyle = "#22303f";
  for (const [x, height] of [[0, 120], [70, 170], [150, 100], [230, 190], [320, 140], [400, 175]]) brush.fillRect(x, 260 - height, 66, height);
  brush.fillStyle = "#ffd98a";
  for (let x = 10; x < 470; x += 34) for (let y = 110; y < 250; y += 30) if ((x * y) % 7 < 3) brush.fillRect(x, y, 9, 12);
  brush.fillStyle = "#3a4653";
  brush.fillRect(0, 260, 480, 100);
  brush.fillStyle = "#f4f4f4";
  for (let x = 10; x < 480; x += 80) brush.fillRect(x, 306, 44, 6);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
