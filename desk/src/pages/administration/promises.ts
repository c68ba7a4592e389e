import type { Schemas } from "@/api/client";
import { optionsOf, orNull, type Field, type Option, type Values } from "@/kit/forms";
import { texts } from "@/texts";

export type Policy = Schemas["PolicyView"];
export type PolicyDraft = Schemas["PolicyDraft"];
export type Step = Schemas["EscalationBody"];
type Allowance = Schemas["AllowanceBody"];

const said = texts.promises;
const MOST = 100_000;
const units = optionsOf(said.units);

/** What a promise is made of, over these units. */
export function promiseFields(where: readonly Option[]): Field[] {
  const kinds = [{ value: "", label: texts.admin.every }, ...optionsOf(texts.case.kinds)];
  return [
    { key: "unit_id", label: said.unit, kind: "choice", options: [{ value: "", label: texts.admin.city }, ...where], optional: true }, // prettier-ignore
    { key: "case_kind", label: said.kind, kind: "choice", options: kinds, optional: true },
    { key: "first", label: said.first, kind: "number", least: 1, most: MOST, optional: true, hint: said.noneHint },
    { key: "first_unit", label: said.firstUnit, kind: "choice", options: units },
    { key: "full", label: said.full, kind: "number", least: 1, most: MOST, optional: true },
    { key: "full_unit", label: said.fullUnit, kind: "choice", options: units },
    { key: "warn", label: said.warn, hint: said.warnHint, optional: true, pattern: "[0-9、，,\\s]*" },
    { key: "challenge", label: said.challenge, kind: "number", least: 1, most: 1440 },
    { key: "from", label: said.from, kind: "date", optional: true, hint: said.fromHint },
    { key: "reason", label: texts.admin.changeReason, kind: "area", most: 200, last: true },
  ];
}

/** The fields as they are before anything is changed: those of the version that it would replace. */
export function startOf({ unit_id: unit, case_kind: kind, policy }: Policy): Values {
  return {
    unit_id: unit ?? "",
    case_kind: kind ?? "",
    first: String(policy.first_response?.amount ?? ""),
    first_unit: policy.first_response?.unit ?? "duty_minutes",
    full: String(policy.full_answer?.amount ?? ""),
    full_unit: policy.full_answer?.unit ?? "duty_minutes",
    warn: policy.warn_at.join("、"),
    challenge: String(policy.challenge_hours),
  };
}

/** The draft that was typed, with the steps by which a breach is told, the earliest first. */
export function draftOf(values: Values, steps: readonly Step[], from: Policy, all: readonly Policy[]): PolicyDraft {
  const unit = orNull(values.unit_id);
  const kind = orNull(values.case_kind) as PolicyDraft["case_kind"];
  const same = all.filter((each) => each.unit_id === unit && each.case_kind === kind);
  return {
    subject: from.subject,
    unit_id: unit,
    case_kind: kind,
    base_version: Math.max(0, ...same.map(({ version }) => version)),
    active_from: orNull(values.from) === null ? null : `${values.from}T00:00:00+08:00`,
    policy: {
      first_response: allowance(values.first, values.first_unit),
      full_answer: allowance(values.full, values.full_unit),
      warn_at: (values.warn ?? "").split(/\D+/).filter(Boolean).map(Number),
      escalation: [...steps].sort((one, other) => one.percent - other.percent),
      challenge_hours: Number(values.challenge),
    },
  };
}

/** How many duty minutes the typed first response has; null where it is promised otherwise or not at all. */
export function minutesOf(values: Values): number | null {
  const typed = Number(values.first ?? "");
  return values.first_unit === "duty_minutes" && typed > 0 ? typed : null;
}

function allowance(amount: string | number | undefined, unit: string | undefined): Allowance | null {
  // A field of numbers holds a number once it was typed into.
  const typed = String(amount ?? "");
  return typed === "" ? null : { amount: Number(typed), unit: unit as Allowance["unit"] };
}
