import { computed, type ComputedRef, type Ref } from "vue";
import { useQuery } from "@tanstack/vue-query";
import { api, take, type Schemas } from "@/api/client";
import type { Option } from "@/kit/forms";

export type Unit = Schemas["UnitView"];

export interface UnitLine extends Unit {
  depth: number;
}

/** The units as a tree from the top down, each with its depth; a unit whose parent is not listed stands at the top. */
export function treeOf(units: readonly Unit[]): UnitLine[] {
  const known = new Set(units.map(({ id }) => id));
  const below = (parent: string | null, depth: number): UnitLine[] =>
    units
      .filter((unit) => (unit.parent_id !== null && known.has(unit.parent_id) ? unit.parent_id : null) === parent)
      .flatMap((unit) => [{ ...unit, depth }, ...below(unit.id, depth + 1)]);
  return below(null, 0);
}

/** A unit of the tree and everything below it, its own depth being 0. */
export function branchOf(lines: readonly UnitLine[], id: string): UnitLine[] {
  const at = lines.findIndex((line) => line.id === id);
  const top = lines[at];
  if (top === undefined) return [];
  const end = lines.findIndex((line, place) => place > at && line.depth <= top.depth);
  return lines.slice(at, end === -1 ? undefined : end).map((line) => ({ ...line, depth: line.depth - top.depth }));
}

/** How a unit of a tree is offered in a choice. */
export function optionOf({ id, name, depth }: UnitLine): Option {
  return { value: id, label: `${"　".repeat(depth)}${name}` };
}

/** The bureau's units of today, as a tree and as options of a choice. */
export function useUnits() {
  const query = useQuery({ queryKey: ["units"], queryFn: () => take(api.GET("/api/v1/units")) });
  const lines = computed(() => (query.data.value === undefined ? undefined : treeOf(query.data.value.items)));
  const options: ComputedRef<Option[]> = computed(() => (lines.value ?? []).map(optionOf));
  return { ...query, lines, options };
}

/** The officers of a unit; none before one is chosen. */
export function useOfficers(unitId: Ref<string>, active: Ref<boolean>) {
  return useQuery({
    queryKey: ["officers", unitId, active],
    queryFn: () =>
      take(api.GET("/api/v1/officers", { params: { query: { unit_id: unitId.value, active: active.value } } })),
    enabled: computed(() => unitId.value !== ""),
  });
}
