"""The statements that add facts to roll-ups: counters and histograms, merged for days, months and every unit above.

A fact counts in five ways, each a `dimension` with its `value`: in all, by kind, channel and hour, and by steward
within the steward's own unit. All parts are constants of this module and of `bins`.
"""

from __future__ import annotations

from stewardship.reports.bins import COUNT

COUNTERS = (
    "asked",
    "closed",
    "merged",
    "from_record",
    "challenged",
    "breached",
    "first_count",
    "first_in_time",
    "first_adjusted",
    "full_count",
    "full_in_time",
    "full_adjusted",
)
HISTOGRAMS = ("first_bins", "full_bins")
KEY = ("unit_id", "dimension", "grain", "start", "value")
DIMENSIONS = ("all", "kind", "channel", "hour", "steward")
_WHOSE = {"first": COUNTERS[6:9], "full": COUNTERS[9:], "last": COUNTERS[:6]}

# A question that was merged or needed no reply is none of its own: only how many there were is counted.
_COUNTS = {
    "asked": "f.state not in ('closed', 'merged')",
    "closed": "f.state = 'closed'",
    "merged": "f.state = 'merged'",
    "from_record": "f.state = 'from_record'",
    "challenged": "f.challenged and f.state not in ('closed', 'merged')",
    "breached": "f.breached and f.state not in ('closed', 'merged')",
    "first_count": "f.first_in_time is not null and f.state not in ('closed', 'merged')",
    "first_in_time": "f.first_in_time and f.state not in ('closed', 'merged')",
    "first_adjusted": "f.first_adjusted and f.state not in ('closed', 'merged')",
    "full_count": "f.full_in_time is not null and f.state not in ('closed', 'merged', 'from_record')",
    "full_in_time": "f.full_in_time and f.state not in ('closed', 'merged', 'from_record')",
    "full_adjusted": "f.full_adjusted and f.state not in ('closed', 'merged', 'from_record')",
}
_BINS = {
    "first_bins": f"case when {_COUNTS['first_count']} then f.first_bin end",
    "full_bins": f"case when {_COUNTS['full_count']} then f.full_bin end",
}


def _part(whose: str, *, counts: frozenset[str], where: str) -> str:
    """A fact's share for whoever had the question last, or when a promise was settled."""
    own = "" if whose == "last" else f"{whose}_"
    columns = [f"({_COUNTS[name]}) is true as {name}" if name in counts else f"false as {name}" for name in COUNTERS]
    for name in HISTOGRAMS:
        counted = f"{name.removesuffix('_bins')}_count" in counts
        columns.append(f"{_BINS[name] if counted else 'null::smallint'} as {name}")
    unit, owner = f"f.{own}unit_id", f"f.{own}owner_id"
    if own:
        owner = f"case when {unit} is null then f.owner_id else {owner} end"
        unit = f"coalesce({unit}, f.unit_id)"
    return f"select {unit} as unit_id, {owner} as owner_id, {', '.join(columns)} where {where}"


_TOGETHER = "f.first_unit_id is null and f.full_unit_id is null"
_PARTS = " union all ".join(
    [
        _part("last", counts=frozenset(COUNTERS), where=_TOGETHER),
        *(_part(whose, counts=frozenset(names), where=f"not ({_TOGETHER})") for whose, names in _WHOSE.items()),
    ]
)

_COUNTED = ", ".join(
    [
        *(f"count(*) filter (where p.{name})::int as {name}" for name in COUNTERS),
        *(
            f"array[{', '.join(f'count(*) filter (where p.{name} = {i})::int' for i in range(COUNT))}] as {name}"
            for name in HISTOGRAMS
        ),
    ]
)


def cells(which: str) -> str:
    """The facts that `which` selects, counted by unit, day, dimension and value."""
    return (
        f"select p.unit_id, d.dimension, f.day, d.value, {_COUNTED}"  # noqa: S608 — constants.
        f" from inquiry_fact f cross join lateral ({_PARTS}) p cross join lateral (values ('all', ''),"
        " ('kind', f.kind), ('channel', f.channel), ('hour', lpad(f.hour::text, 2, '0')),"
        " ('steward', coalesce(p.owner_id::text, ''))) d(dimension, value)"
        f" where {which} group by p.unit_id, d.dimension, f.day, d.value"
    )


def _summed(table: str, sign: str = "") -> str:
    sums = [f"({sign}sum({table}.{name}))::int as {name}" for name in COUNTERS]
    for name in HISTOGRAMS:
        sums.append(f"array[{', '.join(f'({sign}sum({table}.{name}[{i + 1}]))::int' for i in range(COUNT))}] as {name}")
    return ", ".join(sums)


_LINES = "join figure_line l on l.unit_id = c.unit_id and (c.dimension <> 'steward' or l.above_id = l.unit_id)"
_GRAINS = "cross join lateral (values ('day', c.day), ('month', date_trunc('month', c.day)::date)) g(grain, start)"


def merged(cells_of: str, sign: str = "") -> str:
    """Cells merged for each unit above, day and month, as rows of the roll-up."""
    return (
        f"with c as ({cells_of})"  # noqa: S608 — constants.
        f" select l.above_id as unit_id, c.dimension, g.grain, g.start, c.value, {_summed('c', sign)}"
        f" from c {_LINES} {_GRAINS} group by l.above_id, c.dimension, g.grain, g.start, c.value"
    )


def _added(name: str) -> str:
    if name in COUNTERS:
        return f"{name} = r.{name} + excluded.{name}"
    return f"{name} = array[{', '.join(f'r.{name}[{i + 1}] + excluded.{name}[{i + 1}]' for i in range(COUNT))}]"


COLUMNS = (*KEY, *COUNTERS, *HISTOGRAMS)


def add(which: str, sign: str = "") -> str:
    """Add the facts that `which` selects to the roll-ups, or with `-` take them away."""
    return (
        f"insert into figure_rollup as r ({', '.join(COLUMNS)}) {merged(cells(which), sign)}"
        f" on conflict ({', '.join(KEY)}) do update set {', '.join(map(_added, COLUMNS[len(KEY) :]))}"
    )


ADD, TAKE_AWAY = add("f.id = any($1::uuid[])"), add("f.id = any($1::uuid[])", "-")
EMPTY = " and ".join(f"{name} = 0" for name in COUNTERS)

# A whole month at once, in four steps that add up no more than they have to: what a unit without others under it comes
# to in a day is what its own facts come to, and a month is the sum of its days. $1 is its first day, $2 the next's.
_COPIED = ", ".join(f"c.{name}" for name in (*COUNTERS, *HISTOGRAMS))
_HAS_BELOW = "exists (select from figure_line b where b.above_id = {unit} and b.unit_id <> b.above_id)"
MONTH_OWN = f"insert into pg_temp.own {cells('f.day >= $1 and f.day < $2')}"
MONTH_STEPS = (
    f"insert into pg_temp.expected select c.unit_id, c.dimension, 'day', c.day, c.value, {_COPIED} from pg_temp.own c"  # noqa: S608 — constants.
    f" where c.dimension = 'steward' or not {_HAS_BELOW.format(unit='c.unit_id')}",
    f"insert into pg_temp.expected select l.above_id, c.dimension, 'day', c.day, c.value, {_summed('c')}"  # noqa: S608 — constants.
    f" from pg_temp.own c join figure_line l on l.unit_id = c.unit_id"
    f" where c.dimension <> 'steward' and {_HAS_BELOW.format(unit='l.above_id')}"
    " group by l.above_id, c.dimension, c.day, c.value",
    "insert into pg_temp.expected select c.unit_id, c.dimension, 'month', date_trunc('month', c.start)::date, c.value,"  # noqa: S608 — constants.
    f" {_summed('c')} from pg_temp.expected c"
    " group by c.unit_id, c.dimension, date_trunc('month', c.start), c.value",
)
_OWN_COLUMNS = ", ".join([*(f"{name} int" for name in COUNTERS), *(f"{name} int[]" for name in HISTOGRAMS)])
MONTH_TABLES = (
    "drop table if exists pg_temp.own, pg_temp.expected",
    f"create temp table own (unit_id uuid, dimension text, day date, value text, {_OWN_COLUMNS}) on commit drop",
    "create temp table expected (like figure_rollup) on commit drop",
)

FILTERED = (
    f"select {_COUNTED} from inquiry_fact f cross join lateral ({_PARTS}) p"  # noqa: S608 — constants.
    " where f.opened_at >= $2 and f.opened_at < $3 and p.unit_id = any($1::uuid[])"
    " and ($4::text is null or f.kind = $4) and ($5::text is null or f.channel = $5)"
    " and ($6::int is null or f.hour = $6) and ($7::uuid is null or p.owner_id = $7)"
)
"""Several filters at once are counted from the facts themselves: $1 units, $2 and $3 the period, then the filters."""
