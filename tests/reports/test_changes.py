"""Why did it change, on the figures themselves: what was asked, by whom, and how much each did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from stewardship.casework.cases.models import CaseKind
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.errors import NotFound
from stewardship.reports import changes, keeping
from stewardship.reports.changes import Dimension, Metric
from stewardship.reports.rules import Period
from tests.support.world import World, acting, case_with

ClockAt = Callable[[datetime], None]
BEFORE, AFTER = Period(date(2026, 3, 17), date(2026, 3, 17)), Period(date(2026, 3, 18), date(2026, 3, 18))


async def a_day(world: World, clock_at: ClockAt, day: int, answered: dict[CaseKind, tuple[int, int]]) -> None:
    """At nine in the morning: of each kind so many questions answered in ten minutes, and so many in forty."""
    at = datetime(2026, 3, day, 1, 0, 10, tzinfo=UTC)
    steward = await acting(world.steward)
    quick: list[UUID] = []
    slow: list[UUID] = []
    clock_at(at)
    for kind, (in_time, late) in answered.items():
        for number in range(in_time + late):
            joined = await case_with(world, (PartyRole.VICTIM, Side.A), kind=kind)
            actor = Actor(ActorKind.CITIZEN, joined.members[0].person_id)
            asked = await inquiries.ask(actor, joined.members[0], "有结果吗", channel="oa", source_key=str(uuid4()))
            (quick if number < in_time else slow).append(asked.inquiry.id)
    for minutes, ids in ((10, quick), (40, slow)):
        clock_at(at + timedelta(minutes=minutes))
        for inquiry_id in ids:
            await inquiries.answer(steward, inquiry_id, "预计周五。")


async def test_what_one_kind_did_is_told_apart_from_there_being_more_of_another(
    world: World, clock_at: ClockAt
) -> None:
    await a_day(world, clock_at, 17, {CaseKind.DISPUTE: (6, 0), CaseKind.CRIMINAL: (6, 0)})
    await a_day(world, clock_at, 18, {CaseKind.DISPUTE: (6, 0), CaseKind.CRIMINAL: (3, 3)})
    await keeping.run()
    found = await changes.why_changed(
        await acting(world.instructor), world.station.id, Metric.FIRST_RESPONSE_IN_TIME, BEFORE, AFTER
    )
    assert (found.n_before, found.n_after) == (12, 12)
    kinds = next(by for by in found.by if by.dimension is Dimension.KIND)
    effects = {effect.value: effect for effect in kinds.decomposition.effects}
    assert effects["criminal"].within == pytest.approx(-0.25)
    assert (kinds.decomposition.mix, effects["dispute"].total) == pytest.approx((0, 0))
    assert found.sentence == "首次答复按时率从 100.0%（12 件）到 75.0%（12 件），下降 25.0 个百分点。"
    assert kinds.sentence.startswith("主要因素：刑事案件自身变化影响 −25.0 个百分点（6→6 件）")


async def test_each_unit_below_is_a_group_and_so_is_what_the_unit_has_itself(world: World, clock_at: ClockAt) -> None:
    await a_day(world, clock_at, 17, {CaseKind.DISPUTE: (6, 0)})
    await a_day(world, clock_at, 18, {CaseKind.DISPUTE: (3, 3)})
    await keeping.run()
    found = await changes.why_changed(
        await acting(world.sub_instructor), world.sub_bureau.id, Metric.FIRST_RESPONSE_MEAN, BEFORE, AFTER
    )
    units = next(by for by in found.by if by.dimension is Dimension.UNIT)
    assert set(units.names.values()) == {"柳堤派出所"}
    assert units.decomposition.change == pytest.approx(15, abs=4)


@pytest.mark.parametrize("metric", list(Metric))
async def test_too_few_are_not_compared(world: World, clock_at: ClockAt, metric: Metric) -> None:
    await a_day(world, clock_at, 17, {CaseKind.DISPUTE: (4, 0)})
    await keeping.run()
    found = await changes.why_changed(await acting(world.instructor), world.station.id, metric, BEFORE, AFTER)
    assert found.by == []
    assert "样本不足" in found.sentence


async def test_only_within_ones_units(world: World) -> None:
    for officer in (world.steward, world.other_steward, world.inspector):
        with pytest.raises(NotFound):
            await changes.why_changed(await acting(officer), world.station.id, Metric.ANSWERED_IN_TIME, BEFORE, AFTER)
