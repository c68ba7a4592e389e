// The dialog that adds a citizen or changes a phone.

import { act, call } from "./api.js";
import { h, iconButton, toast } from "./dom.js";
import { show } from "./drawer.js";
import { showPhone } from "./stage.js";
import { state } from "./state.js";
import { T } from "./texts.js";

/** Without a phone: a new one, with a made-up name and number ready to be accepted. */
export function openPerson(phone) {
  const name = h("input", { name: "name", required: true, maxlength: 30, value: phone?.name ?? newName() });
  const number = h("input", { name: "number", required: true, pattern: "1[0-9]{10}", inputmode: "numeric", value: phone?.phone_number ?? newNumber() });
  const note = h("input", { name: "note", maxlength: 60, placeholder: T.notePlaceholder, value: phone?.note ?? "" });
  const smsState = h("select", { name: "sms" }, Object.entries(T.smsStates).map(([key, label]) => h("option", { value: key }, label)));
  smsState.value = phone?.sms_state ?? "on";
  const submit = async (event) => {
    event.preventDefault();
    const body = { name: name.value.trim(), phone_number: number.value.trim(), note: note.value.trim() };
    if (phone) await call("PATCH", `/phones/${encodeURIComponent(phone.id)}`, { ...body, sms_state: smsState.value });
    else await addPerson(body);
    dialog.close();
  };
  const dialog = h("dialog", { class: "person", "aria-label": phone ? T.dialogEdit : T.dialogAdd },
    h("form", { onsubmit: submit },
      h("header", {}, h("h2", {}, phone ? T.dialogEdit : T.dialogAdd), iconButton("close", T.close, () => dialog.close())),
      field(T.name, name), field(T.number, number, T.numberHint), field(T.note, note),
      phone && field(T.smsState, smsState),
      phone && acts(phone, () => dialog.close()),
      h("footer", {}, h("button", { type: "button", onclick: () => dialog.close() }, T.cancel), h("button", { class: "primary" }, phone ? T.save : T.addCitizen))));
  show(dialog);
}

async function addPerson(body) {
  const made = await call("POST", "/phones", body);
  showPhone(made.id);
  toast(T.added(made.name));
}

function field(label, input, hint) {
  return h("label", { class: "field" }, h("span", {}, label), input, hint && h("small", {}, hint));
}

function acts(phone, close) {
  const blocked = phone.blocked.includes("oa");
  const button = (label, run, kind = "") => h("button", { type: "button", class: kind, onclick: () => run().then(close) }, label);
  return h("div", { class: "person-acts" },
    phone.following && button(T.unfollow, () => act(phone.id, "unfollow")),
    phone.following && button(blocked ? T.unblock : T.block, () => act(phone.id, "block", { blocked: !blocked })),
    button(T.remove, () => call("DELETE", `/phones/${encodeURIComponent(phone.id)}`), "danger"));
}

/** Numbers of the page's own people lie in 199 0000 02xx. */
function newNumber() {
  const taken = new Set([...state.phones.values()].map((phone) => phone.phone_number));
  for (let tail = 200; ; tail += 1) {
    const number = `1990000${String(tail).padStart(4, "0")}`;
    if (!taken.has(number)) return number;
  }
}

function newName() {
  const count = state.phones.size;
  return T.surnames[(count * 3 + 3) % T.surnames.length] + T.given[(count * 5 + 3) % T.given.length];
}
