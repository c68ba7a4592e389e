"""Our books of what the platforms still allow: windows and consents, taken before a send and given back if none came.

The counts stand where the domain keeps them (`wechat_identity`, `subscription_credit`); which column counts what is
agreed in docs/decisions/delivery.md. Each function is one statement that locks its rows in the order of their ids, so
that any number of workers never take more than there is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from delivery.planner import MARGIN, MESSAGE_COUNT, MESSAGE_WINDOW, TOUCH_COUNT, TOUCH_WINDOW, Book
from kit import database

# The statements below differ in constants of this module only: a column's name, a length and a count.
_TAKE = """
with want as (select id, n from unnest($1::uuid[], $2::int[]) as t (id, n)),
free as (
  select w.id, w.{name}_at as opened_at, want.n, w.{name}_used as used,
    case when w.{name}_at > $3 then greatest(0, {count} - w.{name}_used) else 0 end as left_over
  from wechat_identity w join want on want.id = w.id order by w.id for update of w),
taken as (
  update wechat_identity w set {name}_used = free.used + least(free.n, free.left_over)
  from free where w.id = free.id and free.left_over > 0)
select id, opened_at, least(n, left_over) as granted from free"""

_GIVE_BACK = """
update wechat_identity w set {name}_used = greatest(0, w.{name}_used - t.n)
from unnest($1::uuid[], $2::timestamptz[], $3::int[]) as t (id, opened_at, n)
where w.id = t.id and w.{name}_at = t.opened_at"""

_CLOSE = """
update wechat_identity w set {name}_used = {count}
from unnest($1::uuid[], $2::timestamptz[]) as t (id, opened_at) where w.id = t.id and w.{name}_at = t.opened_at"""

_TAKE_CREDITS = """
with want as (select id, template_id, n from unnest($1::uuid[], $2::text[], $3::int[]) as t (id, template_id, n)),
free as (
  select c.id, c.identity_id, c.template_id, c.long_term, want.n,
    case when c.refused_at is not null then 0 when c.long_term then want.n else greatest(0, c.remaining) end
      as left_over
  from subscription_credit c join want on want.id = c.identity_id and want.template_id = c.template_id
  order by c.id for update of c),
taken as (
  update subscription_credit c set remaining = c.remaining - least(free.n, free.left_over)
  from free where c.id = free.id and not free.long_term and free.left_over > 0)
select identity_id as id, template_id, least(n, left_over) as granted from free"""

_GIVE_CREDITS_BACK = """
update subscription_credit c set remaining = c.remaining + t.n
from unnest($1::uuid[], $2::text[], $3::int[]) as t (id, template_id, n)
where c.identity_id = t.id and c.template_id = t.template_id and not c.long_term"""

_VOID_CREDITS = """
update subscription_credit c set remaining = 0, long_term = false
from unnest($1::uuid[], $2::text[]) as t (id, template_id)
where c.identity_id = t.id and c.template_id = t.template_id"""

_WINDOWS: Mapping[Book, tuple[dict[str, Any], Any]] = {
    Book.MESSAGE_WINDOW: ({"name": "message_window", "count": MESSAGE_COUNT}, MESSAGE_WINDOW),
    Book.TOUCH_WINDOW: ({"name": "touch_window", "count": TOUCH_COUNT}, TOUCH_WINDOW),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One message's share: of which book of which identity. `opened_at`: of the window, once taken."""

    book: Book
    identity_id: UUID
    template_id: str = ""
    opened_at: datetime | None = None


async def take(wanted: Mapping[UUID, Entry], now: datetime) -> dict[UUID, Entry]:
    """Take one for each message, as far as there is; answers those that got one. Call it in a transaction."""
    granted: dict[UUID, Entry] = {}
    for book in Book:
        mine = {message_id: entry for message_id, entry in wanted.items() if entry.book is book}
        if mine:
            granted |= await (_take_credits(mine) if book is Book.CREDIT else _take_windows(book, mine, now))
    return granted


async def _take_windows(book: Book, wanted: Mapping[UUID, Entry], now: datetime) -> dict[UUID, Entry]:
    names, length = _WINDOWS[book]
    counts = Counter(entry.identity_id for entry in wanted.values())
    rows = await database.fetch(_TAKE.format(**names), list(counts), list(counts.values()), now - length + MARGIN)
    left = {row["id"]: [row["granted"], row["opened_at"]] for row in rows}
    granted = {}
    for message_id, entry in wanted.items():
        share = left.get(entry.identity_id)
        if share and share[0] > 0:
            share[0] -= 1
            granted[message_id] = Entry(book, entry.identity_id, "", share[1])
    return granted


async def _take_credits(wanted: Mapping[UUID, Entry]) -> dict[UUID, Entry]:
    counts = Counter((entry.identity_id, entry.template_id) for entry in wanted.values())
    rows = await database.fetch(
        _TAKE_CREDITS, [key[0] for key in counts], [key[1] for key in counts], list(counts.values())
    )
    left = {(row["id"], row["template_id"]): row["granted"] for row in rows}
    granted = {}
    for message_id, entry in wanted.items():
        key = (entry.identity_id, entry.template_id)
        if left.get(key, 0) > 0:
            left[key] -= 1
            granted[message_id] = entry
    return granted


async def give_back(entries: Iterable[Entry]) -> None:
    """Nothing was sent: what was taken is there again, unless the window was opened anew in between."""
    counts = Counter(entries)
    for book in Book:
        mine = {entry: n for entry, n in counts.items() if entry.book is book}
        if not mine:
            continue
        ids, numbers = [entry.identity_id for entry in mine], list(mine.values())
        if book is Book.CREDIT:
            await database.execute(_GIVE_CREDITS_BACK, ids, [entry.template_id for entry in mine], numbers)
        else:
            sql = _GIVE_BACK.format(**_WINDOWS[book][0])
            await database.execute(sql, ids, [entry.opened_at for entry in mine], numbers)


async def void(entries: Iterable[Entry]) -> None:
    """The platform allows none where our books had some: they say none from now on, until the next opens."""
    found = set(entries)
    for book in Book:
        mine = [entry for entry in found if entry.book is book]
        if not mine:
            continue
        ids = [entry.identity_id for entry in mine]
        if book is Book.CREDIT:
            await database.execute(_VOID_CREDITS, ids, [entry.template_id for entry in mine])
        else:
            await database.execute(_CLOSE.format(**_WINDOWS[book][0]), ids, [entry.opened_at for entry in mine])
