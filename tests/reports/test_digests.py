"""The digest: at half past eight on working days, once for everybody, numbers only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from delivery.models import CONTEXT, Message
from kit.crypto import vault
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.duty_time import DutyCalendar, Interval
from stewardship.reports.digests import service as digests
from tests.support.world import MONDAY_MORNING, World, acting, build_world, case_with

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
TUESDAY = datetime(2026, 3, 17, 0, 30, 1, tzinfo=UTC)
"""08:30 in Shanghai."""


async def ask(world: World) -> UUID:
    joined = await case_with(world, VICTIM)
    actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
    asked = await inquiries.ask(actor, joined.members[0], "有结果吗", channel="oa", source_key=str(joined.case.id))
    return UUID(str(asked.inquiry.id))


async def sent() -> dict[UUID, str]:
    """What the digest says, by whom it went to."""
    found = await Message.filter(notice="daily_digest")
    return {m.recipient_id: vault().ring.open(m.context, CONTEXT).decode() for m in found}


@pytest.mark.parametrize(
    ("at", "goes"),
    [
        (datetime(2026, 3, 17, 0, 29, 30, tzinfo=UTC), False),
        (datetime(2026, 3, 17, 0, 30, 1, tzinfo=UTC), True),
        (datetime(2026, 3, 17, 8, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 21, 1, 0, tzinfo=UTC), False),
        (datetime(2026, 2, 17, 1, 0, tzinfo=UTC), False),
        (datetime(2026, 2, 14, 1, 0, tzinfo=UTC), True),
    ],
    ids=["before", "at half past eight", "after downtime", "Saturday", "Spring Festival", "make-up Saturday"],
)
async def test_when_it_goes(world: World, clock_at: ClockAt, at: datetime, goes: bool) -> None:
    clock_at(datetime(2026, 2, 1, tzinfo=UTC))
    world = await build_world()
    clock_at(at)
    count = await digests.send_due()
    recipients = set(await sent())
    assert ({world.instructor.id, world.sub_instructor.id} <= recipients) == goes
    assert (count > 0) == goes


async def test_each_instructor_hears_the_numbers_of_their_units_and_no_name(world: World, clock_at: ClockAt) -> None:
    answered, late = await ask(world), await ask(world)
    await inquiries.answer(await acting(world.steward), answered, "预计周五。")
    clock_at(TUESDAY)
    assert await digests.send_due() == 2
    said = await sent()
    assert set(said) == {world.instructor.id, world.sub_instructor.id}
    for text in said.values():
        assert '"overdue":1' in text
        assert '"answered":1' in text
        assert "王青" not in text
        assert str(late) not in text
    page = await digests.digest(await acting(world.instructor))
    assert (page.whole.overdue, page.whole.answered, page.since) == (1, 1, date(2026, 3, 16))
    assert [unit.unit_name for unit in page.units] == ["柳堤派出所"]


async def test_once_a_day_however_often_it_is_triggered(world: World, clock_at: ClockAt) -> None:
    clock_at(TUESDAY)
    assert await digests.send_due() == 2
    clock_at(TUESDAY + timedelta(hours=3))
    assert await digests.send_due() == 0
    clock_at(TUESDAY + timedelta(days=1))
    assert await digests.send_due() == 2


async def test_two_schedulers_at_once_send_one(real_db: str, clock_at: ClockAt) -> None:
    clock_at(MONDAY_MORNING)
    await build_world()
    clock_at(TUESDAY)
    counts = await asyncio.gather(digests.send_due(), digests.send_due(), digests.send_due())
    assert sorted(counts) == [0, 0, 2]
    assert await Message.filter(notice="daily_digest").count() == 2


async def test_what_falls_due_today_is_no_longer_due_once_it_is_late(world: World, clock_at: ClockAt) -> None:
    await ask(world)
    page = await digests.digest(await acting(world.instructor))
    assert (page.whole.due_today, page.whole.overdue) == (1, 0)
    clock_at(MONDAY_MORNING + timedelta(hours=1))
    page = await digests.digest(await acting(world.instructor))
    assert (page.whole.due_today, page.whole.overdue) == (0, 1)


def test_yesterday_is_the_last_working_day() -> None:
    calendar = DutyCalendar(1, ((Interval(0, 60),),) * 7)
    assert digests.last_workday(calendar, date(2026, 3, 16)) == date(2026, 3, 13)
    assert digests.last_workday(calendar, date(2026, 3, 17)) == date(2026, 3, 16)
    assert digests.last_workday(calendar, date(2026, 2, 24)) == date(2026, 2, 14)
