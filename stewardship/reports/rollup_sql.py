"""The statements that add facts to roll-ups: counters and histograms, merged for days, months and every unit above.

A fact counts in five ways, each a `dimension` with its `value`: in all, by kind, channel and hour, and by steward
within the steward's own unit. By steward there are months only, and by hour too where no other unit is below: a day of
one station has hardly more questions than it would have rows, so days at a period's ends are counted from the facts.
All parts are constants of this module and of `bins`.
"""

from __future__ import annotations

from collections.abc import Sequence

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


DAILY, FINE = ("all", "kind", "channel"), ("hour", "steward")
_VALUES = {
    "all": "''",
    "kind": "f.kind",
    "channel": "f.channel",
    "hour": "lpad(f.hour::text, 2, '0')",
    "steward": "coalesce(p.owner_id::text, '')",
}
DIMENSIONS = tuple(_VALUES)
MONTH = "date_trunc('month', f.day)::date"


def cells(
    which: str, *, dimensions: Sequence[str] = DIMENSIONS, start: str = "f.day", unit: str = "p.unit_id", join: str = ""
) -> str:
    """The facts that `which` selects, counted by unit, dimension, start and value."""
    values = ", ".join(f"('{name}', {_VALUES[name]})" for name in dimensions)
    return (
        f"select {unit} as unit_id, d.dimension, {start} as start, d.value, {_COUNTED}"  # noqa: S608 — constants.
        f" from inquiry_fact f cross join lateral ({_PARTS}) p"
        f" cross join lateral (values {values}) d(dimension, value) {join}"
        f" where {which} group by {unit}, d.dimension, {start}, d.value"
    )


def _summed(table: str, sign: str = "") -> str:
    sums = [f"({sign}sum({table}.{name}))::int as {name}" for name in COUNTERS]
    for name in HISTOGRAMS:
        sums.append(f"array[{', '.join(f'({sign}sum({table}.{name}[{i + 1}]))::int' for i in range(COUNT))}] as {name}")
    return ", ".join(sums)


_LINES = "join figure_line l on l.unit_id = c.unit_id and (c.dimension <> 'steward' or l.above_id = l.unit_id)"
_GRAINS = "cross join lateral (values ('day', c.start), ('month', date_trunc('month', c.start)::date)) g(grain, start)"
_HAS_BELOW = "exists (select from figure_line b where b.above_id = {unit} and b.unit_id <> b.above_id)"
_KEPT = f"(g.grain = 'month' or c.dimension = any('{{{','.join(DAILY)}}}')" + (
    f" or c.dimension = 'hour' and {_HAS_BELOW.format(unit='l.above_id')})"
)


def merged(cells_of: str, sign: str = "") -> str:
    """Cells merged for each unit above, day and month, as rows of the roll-up."""
    return (
        f"with c as ({cells_of})"  # noqa: S608 — constants.
        f" select l.above_id as unit_id, c.dimension, g.grain, g.start, c.value, {_summed('c', sign)}"
        f" from c {_LINES} {_GRAINS} where {_KEPT} group by l.above_id, c.dimension, g.grain, g.start, c.value"
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

# A whole month at once, in steps that add up no more than they have to: what a unit without others below comes to in a
# day is what its own facts come to, and a month is the sum of its days. $1 is its first day, $2 the next month's.
_COPIED = ", ".join(f"c.{name}" for name in (*COUNTERS, *HISTOGRAMS))
_OF_MONTH = "f.day >= $1 and f.day < $2"
_ABOVE = "join figure_line l on l.unit_id = p.unit_id"
_EXPECTED = (
    f"insert into pg_temp.expected (unit_id, dimension, grain, start, value, {', '.join((*COUNTERS, *HISTOGRAMS))})"
)
_ROW = f"select c.unit_id, c.dimension, '{{grain}}', c.start, c.value, {_COPIED} from ({{cells}}) c"  # noqa: S608 — constants.
MONTH_OWN = f"insert into pg_temp.own {cells(_OF_MONTH, dimensions=DAILY)}"
MONTH_DAYS = (
    f"{_EXPECTED} select c.unit_id, c.dimension, 'day', c.start, c.value, {_COPIED} from pg_temp.own c"  # noqa: S608 — constants.
    f" where not {_HAS_BELOW.format(unit='c.unit_id')}",
    f"{_EXPECTED} select l.above_id, c.dimension, 'day', c.start, c.value, {_summed('c')} from pg_temp.own c"  # noqa: S608 — constants.
    f" join figure_line l on l.unit_id = c.unit_id where {_HAS_BELOW.format(unit='l.above_id')}"
    " group by l.above_id, c.dimension, c.start, c.value",
)
_HOURS_ABOVE = cells(
    f"{_OF_MONTH} and {_HAS_BELOW.format(unit='l.above_id')}", dimensions=("hour",), unit="l.above_id", join=_ABOVE
)
MONTH_SUMS = (
    f"{_EXPECTED} select c.unit_id, c.dimension, 'month', date_trunc('month', c.start)::date, c.value, {_summed('c')}"  # noqa: S608 — constants.
    " from pg_temp.expected c group by c.unit_id, c.dimension, date_trunc('month', c.start), c.value"
)
_FINE = cells(
    f"{_OF_MONTH} and (d.dimension = 'steward' or not {_HAS_BELOW.format(unit='p.unit_id')})",
    dimensions=FINE,
    start=MONTH,
)
MONTH_FACTS = (
    f"{_EXPECTED} {_ROW.format(grain='day', cells=_HOURS_ABOVE)}",
    f"{_EXPECTED} {_ROW.format(grain='month', cells=_FINE)}",
)
"""The first belongs before the sums, the second after."""
# Spelt out for each end, so that an index by unit and instant leads to a few hundred rows, not to all of the city's.
_AT_ENDS = " or ".join(
    f"f.{unit} = any($1::uuid[]) and f.opened_at >= {since} and f.opened_at < {until}"
    for unit in ("unit_id", "first_unit_id", "full_unit_id")
    for since, until in (("$3", "$4"), ("$5", "$6"))
)
ENDS = cells(
    f"({_AT_ENDS})"
    " and p.unit_id = any($1::uuid[]) and d.dimension = any($2::text[])"
    f" and (d.dimension = 'steward' or not {_HAS_BELOW.format(unit='p.unit_id')})",
    dimensions=FINE,
    start=MONTH,
)
"""What the roll-ups do not keep by day: $1 units, $2 dimensions, $3 to $4 and $5 to $6 the ends of a period."""
_OWN_COLUMNS = ", ".join([*(f"{name} int" for name in COUNTERS), *(f"{name} int[]" for name in HISTOGRAMS)])
MONTH_TABLES = (
    "drop table if exists pg_temp.own, pg_temp.expected",
    f"create temp table own (unit_id uuid, dimension text, start date, value text, {_OWN_COLUMNS}) on commit drop",
    "create temp table expected (like figure_rollup) on commit drop",
)

FILTERED = (
    f"select {_COUNTED} from inquiry_fact f cross join lateral ({_PARTS}) p"  # noqa: S608 — constants.
    " where f.opened_at >= $2 and f.opened_at < $3 and p.unit_id = any($1::uuid[])"
    " and ($4::text is null or f.kind = $4) and ($5::text is null or f.channel = $5)"
    " and ($6::int is null or f.hour = $6) and ($7::uuid is null or p.owner_id = $7)"
)
"""Several filters at once are counted from the facts themselves: $1 units, $2 and $3 the period, then the filters."""
