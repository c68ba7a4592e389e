import assert from "node:assert/strict";
import { test } from "node:test";
import { clearDrafts, keepDraft, readDraft } from "@/kit/drafts";

/** As the browser's, whose entries are its own properties as well. */
class Kept implements Storage {
  [name: string]: unknown;
  get length(): number {
    return Object.keys(this).length;
  }
  key(index: number): string | null {
    return Object.keys(this)[index] ?? null;
  }
  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? String(this[key]) : null;
  }
  setItem(key: string, value: string): void {
    this[key] = value;
  }
  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
  clear(): void {
    Object.keys(this).forEach((key) => this.removeItem(key));
  }
}

void test("a draft is there again until it is sent", () => {
  const place = new Kept();
  keepDraft("officer:inquiry:1", "请带身份证。", 0, place);
  assert.equal(readDraft("officer:inquiry:1", 1, place), "请带身份证。");
  assert.equal(readDraft("other:inquiry:1", 1, place), "");
  keepDraft("officer:inquiry:1", "", 2, place);
  assert.equal(readDraft("officer:inquiry:1", 3, place), "");
});

void test("a draft does not outlive a session, and logging out forgets every one", () => {
  const place = new Kept();
  keepDraft("a", "旧的", 0, place);
  assert.equal(readDraft("a", 13 * 3600 * 1000, place), "");
  keepDraft("b", "新的", 0, place);
  place.setItem("something else", "stays");
  clearDrafts(place);
  assert.equal(readDraft("b", 1, place), "");
  assert.equal(place.getItem("something else"), "stays");
});
