"""The statements that add what parties, ratings and visits contribute to tallies, merged as the roll-ups are."""

from __future__ import annotations

_KEY = "unit_id, figure, grain, start, state, score, detail, counted, good"


def _merge(sign: str = "") -> str:
    return (
        f"insert into figure_tally as t ({_KEY}, n)"  # noqa: S608 — all parts are constants.
        " select l.above_id, f.figure, g.grain, g.start, f.state, f.score, f.detail, f.counted, f.good,"
        f" ({sign}count(*))::int from tally_fact f join figure_line l on l.unit_id = f.unit_id cross join lateral"
        " (values ('day', f.day), ('month', date_trunc('month', f.day)::date)) g(grain, start)"
    )


GROUPED = "group by l.above_id, f.figure, g.grain, g.start, f.state, f.score, f.detail, f.counted, f.good"
MERGE_ALL = _merge()
_ONTO = f" on conflict ({_KEY}) do update set n = t.n + excluded.n"
ADD = f"{_merge()} where f.id = any($1::uuid[]) {GROUPED}{_ONTO}"
TAKE_AWAY = f"{_merge('-')} where f.id = any($1::uuid[]) {GROUPED}{_ONTO}"
EXPECTED = MERGE_ALL.partition(" select ")[2]
EXPECTED = f"select {EXPECTED} {GROUPED}"
