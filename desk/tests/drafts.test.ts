import assert from "node:assert/strict";
import { test } from "node:test";
import { clearDrafts, keepDraft, readDraft } from "@/kit/drafts";

/** As the browser's: its entries are its own properties. */
function storage(): Storage {
  const kept: Record<string, string> = {};
  return Object.assign(
    Object.create({
      getItem: (key: string) => kept[key] ?? null,
      setItem(this: Record<string, string>, key: string, value: string) {
        kept[key] = this[key] = value;
      },
      removeItem(this: Record<string, string>, key: string) {
        delete kept[key];
        delete this[key];
      },
    }) as Storage,
  );
}

test("a draft is there again until it is sent", () => {
  const place = storage();
  keepDraft("officer:inquiry:1", "请带身份证。", 0, place);
  assert.equal(readDraft("officer:inquiry:1", 1, place), "请带身份证。");
  assert.equal(readDraft("other:inquiry:1", 1, place), "");
  keepDraft("officer:inquiry:1", "", 2, place);
  assert.equal(readDraft("officer:inquiry:1", 3, place), "");
});

test("a draft does not outlive a session, and logging out forgets every one", () => {
  const place = storage();
  keepDraft("a", "旧的", 0, place);
  assert.equal(readDraft("a", 13 * 3600 * 1000, place), "");
  keepDraft("b", "新的", 0, place);
  place.setItem("something else", "stays");
  clearDrafts(place);
  assert.equal(readDraft("b", 1, place), "");
  assert.equal(place.getItem("something else"), "stays");
});
