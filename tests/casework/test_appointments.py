"""A visit to the station, from three offered times to the morning itself; and what comes in between."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from tortoise.exceptions import IntegrityError

from delivery.models import Message
from kit import clock
from kit.database import in_transaction
from stewardship.casework.appointments import queries, service, steps, upkeep
from stewardship.casework.appointments.models import Appointment, AppointmentSlot, AppointmentState, Purpose
from stewardship.casework.appointments.rules import APART
from stewardship.casework.appointments.service import Terms
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, ShiftKind
from tests.support.world import Joined, World, acting, case_with, on_leave

TERMS = Terms(Purpose.TALK, room="一楼接待室", bring="身份证")


def person(member: Member) -> Actor:
    return Actor(ActorKind.CITIZEN, member.person_id)


async def offered(world: World, joined: Joined, number: int = 0, **options: object) -> Appointment:
    return await service.offer(
        await acting(world.steward),
        joined.case.id,
        joined.members[number].id,
        TERMS,
        **options,  # type: ignore[arg-type]  # passed on by name.
    )


async def times(appointment: Appointment) -> list[datetime]:
    slots = await AppointmentSlot.filter(appointment_id=appointment.id, holds=True).order_by("number")
    return [slot.starts_at for slot in slots]


async def notices(appointment: Appointment) -> list[str]:
    return [m.notice for m in await Message.filter(subject_id=appointment.id, recipient_kind="person").order_by("id")]


async def duty(world: World, officer: Officer, start: datetime, hours: float, kind: ShiftKind = ShiftKind.DUTY) -> None:
    await org.roster(
        SYSTEM,
        unit_id=world.station.id,
        officer_id=officer.id,
        kind=kind,
        starts_at=start,
        ends_at=start + timedelta(hours=hours),
    )


def pass_time(**length: float) -> None:
    clock.set_offset(clock.offset() + timedelta(**length))


@pytest.fixture
async def joined(world: World) -> Joined:
    """A victim and a suspect."""
    return await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))


async def test_a_party_picks_one_of_three_times_and_the_others_are_free_again(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    three = await times(appointment)
    assert [clock.local(at).strftime("%d %H:%M") for at in three] == ["16 14:30", "17 08:30", "18 08:30"]
    booked = await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    assert (booked.state, booked.starts_at) == (AppointmentState.BOOKED, three[1])
    assert await times(booked) == [three[1]]
    assert await notices(booked) == ["appointment_offered", "appointment_booked"]
    assert await Message.filter(notice="appointment_changed", recipient_id=world.steward.id).count() == 1
    again = await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    assert again.version == booked.version
    with pytest.raises(Conflict):
        await service.book(person(joined.members[0]), appointment.id, 3, channel="mp")


async def test_whoever_else_knows_its_number_finds_nothing(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    for stranger in (person(joined.members[1]), Actor(ActorKind.CITIZEN, None), await acting(world.other_steward)):
        with pytest.raises(NotFound):
            await service.book(stranger, appointment.id, 1, channel="mp")
        with pytest.raises(NotFound):
            await queries.one(stranger, appointment.id)
    assert await queries.own(joined.members[1].person_id) == []
    assert [each.purpose for each in await queries.own(joined.members[0].person_id)] == ["谈话了解情况"]


async def test_a_roster_says_when_people_are_received(world: World, joined: Joined) -> None:
    for day in (17, 19, 20):
        await duty(world, world.steward, datetime(2026, 3, day, 6, 0, tzinfo=UTC), 12)
    three = await times(await offered(world, joined))
    assert [clock.local(at).strftime("%d %H:%M") for at in three] == ["17 14:00", "19 14:00", "20 14:00"]


async def test_where_there_are_not_three_free_times_nothing_is_offered(world: World, joined: Joined) -> None:
    await on_leave(world, world.steward, days=30)
    with pytest.raises(Conflict, match="not_enough_times"):
        await offered(world, joined)
    assert await Appointment.all().count() == 0


async def test_opponents_are_never_offered_times_at_which_they_would_meet(world: World, joined: Joined) -> None:
    victims, suspects = await offered(world, joined, 0), await offered(world, joined, 1, officer_id=world.colleague.id)
    for one, other in itertools.product(await times(victims), await times(suspects)):
        assert abs(one - other) >= timedelta(minutes=30) + APART


async def test_the_database_itself_keeps_opponents_apart(world: World, joined: Joined) -> None:
    await offered(world, joined, 0)
    theirs = await offered(world, joined, 1, officer_id=world.colleague.id)
    slot = await AppointmentSlot.filter(appointment_id=theirs.id).first()
    victims = await AppointmentSlot.filter(person_id=joined.members[0].person_id).order_by("number").first()
    assert slot is not None
    assert victims is not None
    slot.clear_from, slot.clear_to = victims.clear_to - timedelta(minutes=1), victims.clear_to + timedelta(hours=1)
    with pytest.raises(IntegrityError):
        async with in_transaction():
            await slot.save()


async def test_two_of_one_side_may_come_together_to_two_officers(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.REPORTER, Side.A))
    first = await offered(world, joined, 0)
    terms = Terms(Purpose.TALK, room="二楼")
    second = await service.offer(
        await acting(world.steward), joined.case.id, joined.members[1].id, terms, officer_id=world.colleague.id
    )
    assert await times(first) == await times(second)


async def test_moving_keeps_the_history_and_reminds_of_the_new_time_only(world: World, joined: Joined) -> None:
    me = person(joined.members[0])
    appointment = await offered(world, joined)
    await service.book(me, appointment.id, 2, channel="mp")
    other = (await queries.other_times(me, appointment.id))[3]
    moved = await service.move(me, appointment.id, other, channel="mp")
    old = await Appointment.get(id=appointment.id)
    assert (old.state, old.replaced_by_id, old.remind_soon_at) == (AppointmentState.MOVED, moved.id, None)
    assert (moved.state, moved.starts_at, moved.moves) == (AppointmentState.BOOKED, other, 1)
    with pytest.raises(Gone):
        await service.book(me, appointment.id, 1, channel="sms")


async def test_shortly_before_a_party_telephones_instead(world: World, joined: Joined) -> None:
    me = person(joined.members[0])
    appointment = await offered(world, joined)
    await service.book(me, appointment.id, 1, channel="mp")
    pass_time(hours=4)
    with pytest.raises(Conflict, match="appointment_by_phone"):
        await service.refuse_times(me, appointment.id)
    assert (await service.cancel(await acting(world.steward), appointment.id, "电话取消")).reason == "电话取消"


async def test_reminded_the_working_day_before_and_two_hours_before_each_once(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    await service.book(person(joined.members[0]), appointment.id, 3, channel="mp")
    assert await upkeep.remind_due() == 0
    pass_time(days=1, hours=1, minutes=1)
    assert await upkeep.remind_due() == 1
    pass_time(hours=9)
    assert await upkeep.remind_due() == 1, "19:00 before a visit at 08:30"
    assert await upkeep.remind_due() == 0
    assert (await notices(appointment)).count("appointment_reminder") == 2


async def test_an_absent_officers_visit_is_taken_over_by_who_is_on_duty(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    booked = await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    assert await upkeep.move_absent() == 0
    assert booked.starts_at is not None
    await duty(world, world.colleague, booked.starts_at - timedelta(hours=1), 10)
    await duty(world, world.steward, booked.starts_at - timedelta(minutes=10), 2, ShiftKind.CALL_OUT)
    assert await upkeep.move_absent() == 1
    after = await Appointment.get(id=appointment.id)
    assert (after.officer_id, after.starts_at, after.state) == (
        world.colleague.id,
        booked.starts_at,
        AppointmentState.BOOKED,
    )
    assert "appointment_colleague" in await notices(after)
    assert await upkeep.move_absent() == 0


async def test_where_nobody_is_there_three_other_times_are_offered_before_anybody_travels(
    world: World, joined: Joined
) -> None:
    appointment = await offered(world, joined)
    await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    await on_leave(world, world.steward, days=5)
    assert await upkeep.move_absent() == 1
    old = await Appointment.get(id=appointment.id)
    assert old.replaced_by_id is not None
    new = await Appointment.get(id=old.replaced_by_id)
    assert (old.state, new.state, new.officer_id) == (
        AppointmentState.MOVED,
        AppointmentState.OFFERED,
        world.steward.id,
    )
    assert min(await times(new)) > clock.now() + timedelta(days=5)
    assert await notices(new) == ["appointment_moved"]
    assert await upkeep.move_absent() == 0


async def test_an_officer_who_leaves_the_force_receives_nobody(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    await Officer.filter(id=world.steward.id).update(active=False)
    assert await upkeep.move_absent() == 1
    assert (await Appointment.get(id=appointment.id)).reason == "officer_absent"
    assert "appointment_cancelled" in await notices(appointment)


async def test_next_months_roster_says_nothing_about_tomorrow(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    await service.book(person(joined.members[0]), appointment.id, 2, channel="mp")
    await duty(world, world.steward, datetime(2026, 4, 1, 0, 30, tzinfo=UTC), 8)
    assert await upkeep.move_absent() == 0


async def test_an_offer_that_nobody_answers_lapses(world: World, joined: Joined) -> None:
    appointment = await offered(world, joined)
    pass_time(days=3, minutes=1)
    assert await upkeep.expire_due() == 1
    lapsed = await Appointment.get(id=appointment.id)
    assert (lapsed.state, lapsed.reason, await times(lapsed)) == (AppointmentState.CANCELLED, "no_answer", [])


async def test_kept_or_missed_is_said_after_the_time(world: World, joined: Joined) -> None:
    steward = await acting(world.steward)
    appointment = await offered(world, joined)
    await service.book(person(joined.members[0]), appointment.id, 1, channel="mp")
    with pytest.raises(Conflict, match="appointment_ahead"):
        await service.record_outcome(steward, appointment.id, kept=True)
    pass_time(hours=6)
    assert (await service.record_outcome(steward, appointment.id, kept=False)).state is AppointmentState.MISSED
    kinds = [event.kind for event in await Event.filter(subject_id=appointment.id).order_by("at")]
    assert kinds == ["appointment.offered", "appointment.booked", "appointment.missed"]


# --- whatever happens -------------------------------------------------------------------------------------------------


async def nothing_collides() -> None:
    """No officer, person or room is at two places, and no two camps of a case come within half an hour."""
    slots = await AppointmentSlot.filter(holds=True)
    for one, other in itertools.combinations(slots, 2):
        at_once = one.starts_at < other.ends_at and other.starts_at < one.ends_at
        assert not (at_once and one.officer_id == other.officer_id)
        assert not (at_once and one.person_id == other.person_id)
        assert not (at_once and one.room and one.room == other.room)
        if one.case_id == other.case_id and one.camp != other.camp:
            assert max(one.starts_at, other.starts_at) - min(one.ends_at, other.ends_at) >= APART


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_people_do_times_never_overlap_and_opponents_never_meet(world: World, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 — a story to be played again, not a secret.
    cases = [
        await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B), (PartyRole.WITNESS, Side.NONE))
        for _ in range(2)
    ]
    for officer in (world.colleague, world.instructor):
        await duty(world, officer, datetime(2026, 3, 17 + dice.randrange(4), 0, 30, tzinfo=UTC), 9)
    for _ in range(40):
        joined, officer = dice.choice(cases), dice.choice([world.steward, world.colleague, world.instructor])
        await _something(dice, world, joined, officer)
        await nothing_collides()
    assert await Appointment.all().count() > 3, "the sequence did something"


async def _something(dice: random.Random, world: World, joined: Joined, officer: Officer) -> None:
    steward, member = await acting(world.steward), dice.choice(joined.members)
    open_ones = await Appointment.filter(state__in=steps.OPEN)
    chosen: UUID | None = dice.choice(open_ones).id if open_ones else None
    try:
        match dice.randrange(7):
            case 0 | 1 | 2:
                terms = Terms(Purpose.TALK, minutes=dice.choice([30, 60, 120]), room=dice.choice(["", "一楼", "二楼"]))
                await service.offer(steward, joined.case.id, member.id, terms, officer_id=officer.id)
            case 3 if chosen:
                await service.book(SYSTEM, chosen, dice.randrange(1, 4), channel="sms")
            case 4 if chosen:
                free = await queries.other_times(steward, chosen, limit=100)
                await service.move(SYSTEM, chosen, dice.choice(free), channel="mp")
            case 5 if chosen:
                await service.cancel(SYSTEM, chosen, "")
            case 6:
                start = clock.now() + timedelta(hours=dice.randrange(4, 120))
                await duty(world, officer, start, dice.choice([2, 24]), ShiftKind.CALL_OUT)
                await upkeep.move_absent()
    except (Conflict, Gone, Invalid, IndexError):
        pass  # Refused, or nothing was free: what stands must still be right.
