import assert from "node:assert/strict";
import { test } from "node:test";
import { grouped } from "@/pages/inspection/grouping";
import type { Look } from "@/pages/inspection/looks";

const LOOK: Look = {
  id: "1",
  at: "2026-03-02T02:00:00Z",
  kind: "case.read",
  officer_id: "wang",
  officer_name: "王敏",
  officer_unit_id: null,
  officer_unit_name: null,
  subject_kind: "case",
  subject_id: "case",
  case_id: "case",
  reference: "A26030212345678",
  relation: "steward",
  device: null,
  address: null,
  revealed: null,
  reason: null,
};

function look(id: string, at: string, other: Partial<Look> = {}): Look {
  return { ...LOOK, id, at, ...other };
}

function ids(looks: readonly Look[]): string[][] {
  return grouped(looks).map((group) => group.looks.map((each) => each.id));
}

void test("equal looks of a day stand together, where the last one stood", () => {
  const looks = [
    look("5", "2026-03-02T09:00:00Z"),
    look("4", "2026-03-02T08:59:00Z", { kind: "inquiry.read" }),
    look("3", "2026-03-02T08:58:00Z"),
    look("2", "2026-03-01T08:00:00Z"),
  ];
  assert.deepEqual(ids(looks), [["5", "3"], ["4"], ["2"]]);
});

void test("whoever else looks, or from elsewhere, stands alone", () => {
  const looks = [
    look("3", "2026-03-02T09:00:00Z"),
    look("2", "2026-03-02T08:59:00Z", { officer_id: "li" }),
    look("1", "2026-03-02T08:58:00Z", { address: "203.0.113.7" }),
  ];
  assert.deepEqual(ids(looks), [["3"], ["2"], ["1"]]);
});

void test("every reveal stands alone", () => {
  const revealed = { kind: "person.revealed", revealed: "phone", reason: "电话回访" };
  assert.deepEqual(ids([look("2", "2026-03-02T09:00:00Z", revealed), look("1", "2026-03-02T08:59:00Z", revealed)]), [
    ["2"],
    ["1"],
  ]);
});
