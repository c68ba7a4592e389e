"""The city's past: consistent in all that the product checks, settled, and enough to show figures."""

from __future__ import annotations

from datetime import timedelta

from delivery.models import Message
from demo.city import Post, build_city
from demo.load import load_city
from demo.past.loading import give_a_past
from kit import clock
from settings import Settings
from stewardship.casework.cases.models import Case
from stewardship.dialogue.inquiries.models import Inquiry, InquiryState
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import comparison
from stewardship.foundation.clocks import due as clocks
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.people.models import Person
from stewardship.opinion.visits.models import Visit, VisitState
from stewardship.reports import rebuilding
from stewardship.reports.dashboard import Dashboard, Grain, dashboard
from stewardship.reports.months.comparing import months
from stewardship.reports.months.models import Restatement
from stewardship.reports.ranking import SMALLEST_SAMPLE
from stewardship.reports.rules import Figure, Period


async def test_the_past_is_consistent_settled_and_seen(real_db: None, settings: Settings) -> None:
    city = build_city()
    await load_city(settings, city)
    past = await give_a_past(city)
    assert past.cases > 300 < past.inquiries
    assert (await give_a_past(city)).cases == 0

    await everything_agrees()
    await nothing_is_left_to_do()
    leader = await acting(city.of("00", Post.LEADER)[0].number)
    await the_city_has_figures(leader)
    await a_sub_bureau_ranks_its_stations(leader)


async def acting(number: str) -> Actor:
    officer = await Officer.get(number=number)
    return Actor(ActorKind.OFFICER, officer.id, home_unit_id=officer.unit_id, grants=await org.grants_of(officer.id))


async def everything_agrees() -> None:
    last, checked = None, 0
    while True:
        page = await comparison.compare(last)
        assert page.differences == ()
        checked, last = checked + page.checked, page.last
        if last is None:
            break
    assert checked > 300
    assert [step async for step in rebuilding.rebuild() if step.different] == []
    assert await Restatement.all().count() == 0
    assert await audit.seal() > 0
    found = await audit.verify()
    assert found.holds
    assert found.sealed > await Inquiry.all().count()


async def nothing_is_left_to_do() -> None:
    assert not await Inquiry.filter(state=InquiryState.WAITING).exists()
    assert not await Case.filter(closed_at=None).exists()
    assert not await Visit.exclude(state=VisitState.DONE).exists()
    assert await clocks.run_due() == 0
    assert not await Message.exists()
    person = await Person.all().first()
    assert person is not None
    assert person.name.encode() not in person.name_sealed


def the_past() -> Period:
    return Period(clock.today() - timedelta(days=120), clock.today())


async def the_city_has_figures(leader: Actor) -> None:
    bureau = await Unit.get(code="00")
    shown = await dashboard(leader, bureau.id, the_past(), Grain.MONTH)
    assert sum(point.counted.first_count > 0 for point in shown.series) >= 3
    assert_everything_is_shown(shown)
    assert sum(below.place.best is not None for below in shown.below) >= 3
    frozen = [month for month in await months(leader, bureau.id, the_past()) if month.frozen is not None]
    assert len(frozen) >= 2
    assert all(month.restatements == 0 for month in frozen)


def assert_everything_is_shown(shown: Dashboard) -> None:
    whole = shown.whole
    assert 0 < whole.first_in_time < whole.first_count
    assert 0 < whole.full_in_time < whole.full_count
    assert len(shown.by_kind) == 4
    assert len(shown.by_hour) > 10
    states = shown.tallies
    assert all(states[figure].states for figure in (Figure.ENROLMENT, Figure.SATISFACTION, Figure.RETURN_VISITS))


async def a_sub_bureau_ranks_its_stations(leader: Actor) -> None:
    sub = await Unit.get(code="02")
    shown = await dashboard(leader, sub.id, the_past())
    ranked = [below for below in shown.below if below.place.best is not None]
    assert len(ranked) == 3
    assert all(below.counted.full_count >= SMALLEST_SAMPLE for below in ranked)
