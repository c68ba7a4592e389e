"""Workers die between any two steps, platforms answer anything: nothing goes twice, and nothing is lost.

Hypothesis plays a story of enqueuing, working, dying and reporting against the real database; afterwards everybody
lives, the platforms are well, and every message must stand somewhere that is true.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delivery.models import Channel
from delivery.reports import REPORT, apply_report, reconcile
from kit import clock, database, jobs
from tests.delivery.town import NOON, Town, attempts, error, message, queued_jobs, unreachable

FATES: dict[str, Callable[[], Any]] = {
    "accept": lambda: "accept",
    "late": lambda: "late",
    "lost": lambda: "lost",
    "broken": lambda: "broken",
    "killed_before": lambda: "killed_before",
    "killed_after": lambda: "killed_after",
    "unreachable": unreachable,
    "busy": lambda: error(-1),
    "outside_window": lambda: error(45015),
    "refused": lambda: error(43101),
    "no_follower": lambda: error(43004),
    "day_quota": lambda: error(45009),
    "minute_quota": lambda: error(45011),
    "bad_fields": lambda: error(47003),
    "no_permission": lambda: error(48001),
}
PEOPLE: dict[str, dict[str, Any]] = {
    "chats": {"chat": True},
    "follows": {"follows": True},
    "subscribed": {"credits": 1},
    "all": {"chat": True, "credits": 2},
    "only_phone": {},
    "nothing": {"phone": False},
}
steps = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.lists(st.sampled_from(sorted(PEOPLE)), min_size=1, max_size=4)),
        st.tuples(st.just("fate"), st.sampled_from(sorted(Channel)), st.sampled_from(sorted(FATES))),
        st.tuples(st.just("work"), st.booleans()),
        st.tuples(st.just("killed_recording")),
        st.tuples(st.just("report"), st.booleans()),
        st.tuples(st.just("reconcile"), st.integers(0, 40)),
    ),
    min_size=2,
    max_size=14,
)


class Story:
    """One example, with all the messages in it."""

    def __init__(self) -> None:
        self.town = Town()
        self.ids: list[UUID] = []
        self.undelivered: set[UUID] = set()

    async def play(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("tell", people):
                self.ids += await self.town.tell(*[await self.town.person(**PEOPLE[each]) for each in people])
            case ("fate", channel, fate):
                self.town.air[channel].fate.append(FATES[fate]())
            case ("work", waiting):
                await self._work(waiting)
            case ("killed_recording",):
                self.town.heard.kill_in = "sent"
            case ("report", delivered):
                await self._report(delivered)
            case ("reconcile", hours):
                clock.set_offset(clock.offset() + hours * _HOUR)
                await reconcile(clock.now())

    async def _work(self, waiting: bool) -> None:
        await self.town.work_until_killed(waiting=waiting)
        for air in self.town.air.values():
            air.dead = False

    async def _report(self, delivered: bool) -> None:
        for id_ in self.ids:
            row = await message(id_)
            if row["platform_id"] and row["state"] == "sent":
                await apply_report(row["platform_id"], delivered=delivered)
                if not delivered:
                    self.undelivered.add(id_)
        await self._take_reports()

    async def _take_reports(self) -> None:
        rows = await database.fetch("delete from pgqueuer where entrypoint = $1 returning payload", REPORT)
        for row in rows:
            await jobs.run_now(REPORT, orjson.loads(row["payload"]))

    async def end_well(self) -> None:
        """By day, the platforms are well, workers live, and the reconciler has had its time."""
        self.town.heard.kill_in = ""
        for air in self.town.air.values():
            air.fate.clear()
        now = clock.local(clock.now())
        clock.set_offset(clock.offset() + (now.replace(hour=10, minute=0) + 24 * _HOUR - now))
        await self.town.work()
        clock.set_offset(clock.offset() + 2 * _HOUR)
        await reconcile(clock.now())
        await self.town.work()


_HOUR = datetime(2026, 1, 1, 1) - datetime(2026, 1, 1)  # noqa: DTZ001 — the difference alone counts.


@given(story=steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_nothing_twice_and_nothing_lost(
    town: Town, clock_at: Callable[[datetime], None], story: list[tuple[Any, ...]]
) -> None:
    clock_at(NOON)
    for table in ("pgqueuer", "message", "delivery_attempt", "subscription_credit", "wechat_identity"):
        await database.execute(f"delete from {table}")  # noqa: S608 — a name of the line above.
    played = Story()
    for step in story:
        await played.play(step)
    await played.end_well()
    assert await queued_jobs() == 0
    failed = [failure.message.id for failure in played.town.heard.failed]
    assert len(failed) == len(set(failed))
    taken = played.town.accepted()
    for id_ in played.ids:
        row = await message(id_)
        times = taken[id_]
        allowed = 1 + len([outcome for _, outcome, _ in await attempts(id_) if outcome == "undelivered"])
        assert times <= allowed, "sent twice"
        assert row["state"] in {"sent", "delivered", "unknown", "failed"}, "left behind"
        if row["state"] in {"sent", "delivered"}:
            assert times >= 1, "said to be sent, and was not"
        if row["state"] == "failed":
            assert id_ in failed, "died silently"
            assert times == 0 or id_ in played.undelivered, "failed, and was sent"
    await _check_books(played.town)


async def _check_books(town: Town) -> None:
    """Never more in the chat than the window allows, and never less in the books than was sent."""
    rows = await database.fetch("select openid, message_window_used as used from wechat_identity where platform = 'oa'")
    for row in rows:
        person = row["openid"]
        sent = sum(parcel.target_id == _id_of(person) for parcel in town.air[Channel.OA_CUSTOMER_SERVICE].accepted)
        assert sent <= row["used"] <= 5
    assert await database.fetchval("select coalesce(min(remaining), 0) from subscription_credit") >= 0


def _id_of(openid: str) -> UUID:
    return UUID(openid.removeprefix("oa-"))
