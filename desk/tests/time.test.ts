import assert from "node:assert/strict";
import { test } from "node:test";
import { heardTime, present } from "@/kit/clock";
import { day, duration, elapsed, legalDate, moment, timeLeft, today, urgency } from "@/kit/time";

void test("a length of duty time is said in the largest unit that is still exact enough", () => {
  assert.equal(duration(30), "不到 1 分钟");
  assert.equal(duration(12 * 60 + 59), "12 分钟");
  assert.equal(duration(3600), "1 小时");
  assert.equal(duration(3600 + 61), "1 小时 1 分");
  assert.equal(duration(23 * 3600 + 1800), "23 小时");
  assert.equal(elapsed(47 * 3600), "47 小时");
  assert.equal(elapsed(90 * 86_400 + 3600), "90 天");
});

void test("what is left and what is over are told apart, in words and in loudness", () => {
  assert.equal(timeLeft(12 * 60), "剩 12 分钟");
  assert.equal(timeLeft(-3600), "超 1 小时");
  assert.deepEqual([-1, 0, 600, 601].map(urgency), ["over", "soon", "soon", "calm"]);
});

void test("an instant of today is its time alone, in China's time wherever the computer stands", () => {
  const now = new Date("2026-03-02T03:00:00Z");
  assert.equal(moment("2026-03-02T02:05:00Z", now), "今天 10:05");
  assert.match(moment("2026-03-01T02:05:00Z", now), /^3月1日.*10:05/);
  assert.match(moment("2025-12-31T02:05:00Z", now), /^2025年12月31日.*10:05/);
  assert.equal(legalDate(new Date("2026-03-01T16:30:00Z")), "2026-03-02");
  assert.match(day("2026-03-09"), /2026年3月9日/);
});

void test("the page goes by the installation's clock, and by its own where it hears nothing", () => {
  heardTime(null);
  assert.ok(Math.abs(present() - Date.now()) < 1000);
  heardTime("2026-03-08T16:30:00+00:00");
  assert.equal(today(), "2026-03-09");
  heardTime("not a time");
  assert.equal(today(), "2026-03-09");
});
