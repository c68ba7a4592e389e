// What the page knows, kept up to date by server-sent events. Views listen by topic.

import { get } from "./api.js";

export const state = {
  phones: new Map(),
  entries: new Map(), // phone id → entries, oldest first
  menu: null,
  qrcodes: [],
  templates: [],
  story: new Map(),
  faults: [],
  accounts: {},
  clockOffset: 0, // milliseconds that the platform's clock is ahead of this computer's
  declaredOffset: 0, // seconds that it is ahead of real time, as set
  online: false,
};

const listeners = new Map();

/** on("entry", (entry, isNew) => …). Topics: loaded, unloaded, phones, phone, entry, menu, qrcodes, templates, story, faults, clock, online. */
export function on(topic, listener) {
  if (!listeners.has(topic)) listeners.set(topic, new Set());
  listeners.get(topic).add(listener);
  return () => listeners.get(topic).delete(listener);
}

function tell(topic, ...values) {
  for (const listener of listeners.get(topic) ?? []) listener(...values);
}

/** Whether the story is being told: it has begun, is not over, and nothing in it has failed. */
export function storyRuns() {
  const states = new Set([...state.story.values()].map((step) => step.state));
  return !states.has("failed") && (states.has("running") || states.has("pending"));
}

export const now = () => new Date(Date.now() + state.clockOffset);

async function allEntries() {
  const found = [];
  for (let after = 0; ; ) {
    const page = await get(`/feed?after=${after}`);
    if (page.entries.length === 0) return found;
    found.push(...page.entries);
    after = page.last;
  }
}

async function load() {
  const [phones, entries, menu, qrcodes, templates, story, faults, accounts, clock] = await Promise.all([
    get("/phones"), allEntries(), get("/menu"), get("/qrcodes"), get("/templates"), get("/story"), get("/faults"),
    get("/accounts"), get("/clock"),
  ]);
  state.phones = new Map(phones.map((phone) => [phone.id, phone]));
  state.entries = new Map(phones.map((phone) => [phone.id, []]));
  for (const entry of entries) state.entries.get(entry.phone)?.push(entry);
  Object.assign(state, { menu: menu.menu, qrcodes, templates, faults, accounts });
  state.story = new Map(story.map((step) => [step.number, step]));
  takeClock(clock);
  tell("loaded");
}

function takeClock(clock) {
  state.clockOffset = new Date(clock.now).getTime() - Date.now();
  state.declaredOffset = clock.offset_seconds;
  tell("clock");
}

function takeEntry(entry) {
  // What comes before its phone has been fetched waits for it.
  if (!state.entries.has(entry.phone)) state.entries.set(entry.phone, []);
  const entries = state.entries.get(entry.phone);
  const known = entries.findIndex((each) => each.seq === entry.seq);
  if (known >= 0) entries[known] = entry;
  else entries.push(entry);
  tell("entry", entry, known < 0);
}

// The event carries raw windows; the page wants a phone as the API shows it. One is fetched after the other: an older
// answer must not overwrite a newer one, and new phones stand in the order in which they came.
let fetching = Promise.resolve();
const awaited = new Set();

async function fetchPhone(id) {
  awaited.delete(id);
  const known = state.phones.has(id);
  const response = await fetch(`/control/phones/${encodeURIComponent(id)}`).catch(() => null);
  if (!response?.ok) return; // Removed again meanwhile.
  const phone = await response.json();
  state.phones.set(id, phone);
  if (!state.entries.has(id)) state.entries.set(id, []);
  tell(known ? "phone" : "phones", phone);
}

function removePhone(id) {
  state.phones.delete(id);
  state.entries.delete(id);
  tell("phones");
}

const takers = {
  entry: takeEntry,
  phone({ id }) {
    if (awaited.has(id)) return;
    awaited.add(id);
    fetching = fetching.then(() => fetchPhone(id));
  },
  phone_removed({ id }) {
    fetching = fetching.then(() => removePhone(id));
  },
  menu({ menu }) {
    state.menu = menu;
    tell("menu");
  },
  async qrcode() {
    state.qrcodes = await get("/qrcodes");
    tell("qrcodes");
  },
  async template() {
    state.templates = await get("/templates");
    tell("templates");
  },
  story(step) {
    state.story.set(step.number, step);
    tell("story");
  },
  story_cleared() {
    state.story.clear();
    tell("story");
  },
  async fault() {
    state.faults = await get("/faults");
    tell("faults");
  },
  async clock() {
    takeClock(await get("/clock"));
  },
  async account() {
    state.accounts = await get("/accounts");
  },
  reset: refresh,
};

// What comes while everything is being fetched waits and is taken afterwards, in order: what was fetched may be older
// than it, and would otherwise overwrite it.
let waiting = null;

function take(name, data) {
  if (waiting) waiting.push([name, data]);
  else takers[name](data);
}

async function refresh() {
  if (waiting) return;
  waiting = [];
  try {
    await load();
  } catch (error) {
    tell("unloaded", error);
  } finally {
    const came = waiting;
    waiting = null;
    for (const [name, data] of came) take(name, data);
  }
}

/** Shows everything and keeps it up to date. Fetches only once the stream is open, so that no change falls in between. */
export function listen() {
  const stream = new EventSource("/control/events");
  stream.addEventListener("hello", () => {
    // After a break, too, the page may have missed anything.
    take("reset");
    state.online = true;
    tell("online");
  });
  stream.addEventListener("error", () => {
    state.online = false;
    tell("online");
  });
  for (const name of Object.keys(takers)) {
    stream.addEventListener(name, (event) => take(name, JSON.parse(event.data)));
  }
}
