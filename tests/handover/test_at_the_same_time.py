"""Two connections at once: one officer's time is given once, a case is taken once, a leave begins once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from delivery.models import Message
from kit import clock
from kit.jobs import Job
from stewardship import reactions
from stewardship.casework.appointments import service as appointments
from stewardship.casework.appointments.models import AppointmentSlot, Purpose
from stewardship.casework.appointments.service import Terms
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict
from stewardship.foundation.org.models import Officer
from stewardship.handover import course, service, taking
from stewardship.handover.models import LeaveKind
from tests.support.world import MONDAY_MORNING, World, acting, build_world, case_with


@pytest.fixture
async def committed(real_db: str, clock_at: Callable[[datetime], None]) -> World:
    """A world that other connections see."""
    clock_at(MONDAY_MORNING)
    return await build_world()


async def test_of_two_offers_at_once_for_one_officers_time_one_is_told_to_choose_again(committed: World) -> None:
    first, second = [await case_with(committed, (PartyRole.VICTIM, Side.A)) for _ in range(2)]
    steward, terms = await acting(committed.steward), Terms(Purpose.TALK)
    results = await asyncio.gather(
        *(appointments.offer(steward, each.case.id, each.members[0].id, terms) for each in (first, second)),
        return_exceptions=True,
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert all(isinstance(result, Conflict) and result.code == "slot_taken" for result in refused)
    slots = await AppointmentSlot.filter(holds=True)
    assert len({slot.starts_at for slot in slots}) == len(slots) == 3 * (2 - len(refused))


async def test_two_taps_at_once_book_one_time(committed: World) -> None:
    joined = await case_with(committed, (PartyRole.VICTIM, Side.A))
    member = joined.members[0]
    offered = await appointments.offer(await acting(committed.steward), joined.case.id, member.id, Terms(Purpose.TALK))
    me = Actor(ActorKind.CITIZEN, member.person_id)
    results = await asyncio.gather(
        *(appointments.book(me, offered.id, number, channel="mp") for number in (1, 2, 2)), return_exceptions=True
    )
    assert any(not isinstance(result, BaseException) for result in results)
    assert await AppointmentSlot.filter(holds=True).count() == 1
    assert await Event.filter(kind="appointment.booked").count() == 1


async def test_a_case_is_taken_once_and_a_leave_begins_and_ends_once(committed: World) -> None:
    joined = await case_with(committed, (PartyRole.VICTIM, Side.A))
    steward, colleague = await acting(committed.steward), await acting(committed.colleague)
    at = clock.now()
    draft = await service.propose(
        steward, committed.steward.id, kind=LeaveKind.SICK, starts_at=at, ends_at=at + timedelta(days=3)
    )
    await asyncio.gather(*(service.offer(steward, draft.id) for _ in range(3)))
    taken = await asyncio.gather(*(taking.accept(colleague, draft.id) for _ in range(3)))
    assert sum(taken) == 1
    assert await Event.filter(kind="handover.begun").count() == 1
    assert await Message.filter(notice="handler_changed").count() == 1
    clock.set_offset(clock.offset() + timedelta(days=3, minutes=1))
    await asyncio.gather(*(course.run_due() for _ in range(3)))
    assert (await Case.get(id=joined.case.id)).steward_id == committed.steward.id
    assert await Event.filter(kind="handover.returned").count() == 1


async def test_the_event_of_somebody_who_left_gives_their_cases_to_the_instructor(committed: World) -> None:
    joined = await case_with(committed, (PartyRole.VICTIM, Side.A))
    await Officer.filter(id=committed.steward.id).update(active=False)
    job = Job(1, reactions.SUBSCRIBERS["officer.deactivated"], {"subject_id": str(committed.steward.id)}, 1)
    for _ in range(2):
        await reactions.officer_deactivated(job)
    assert (await Case.get(id=joined.case.id)).steward_id == committed.instructor.id
    handed = await Event.filter(kind="case.handed_over", case_id=joined.case.id)
    assert [event.actor_kind for event in handed] == [SYSTEM.kind.value]
