"""Calls that are owed: who makes them, who sees them, what ends them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest

from delivery.contexts import JoinedWelcome
from delivery.models import Message
from delivery.outbox import Outgoing, enqueue
from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, ShiftKind, Unit
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Trust
from stewardship.intake import Protection
from stewardship.opinion.visits import service as visits
from stewardship.opinion.visits import upkeep
from stewardship.opinion.visits.after_rating import open_after_rating
from stewardship.opinion.visits.models import CallOutcome, Finding, Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.rules import ATTEMPTS
from stewardship.opinion.visits.saying import to_say
from tests.support.world import MONDAY_MORNING, Joined, World, acting, case_with, draft, phone, post, register

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
SATURDAY_MORNING = MONDAY_MORNING + timedelta(days=5)


async def complaint(world: World, joined: Joined, handler: Officer | None = None) -> Visit:
    """The party of a case is dissatisfied with its handler."""
    return await open_after_rating(
        SYSTEM,
        rating_id=uuid4(),
        case_id=joined.case.id,
        person_id=joined.parties[0].person_id,
        unit_id=world.station.id,
        handler_id=(handler or world.steward).id,
    )


async def another_centre_officer(world: World, over: Unit, name: str = "郑心") -> Officer:
    officer = await org.create_officer(SYSTEM, number=f"8{uuid4().int % 10**9:09}", name=name, unit_id=over.id)
    await org.grant_role(SYSTEM, officer.id, Role.CENTRE_OFFICER, over.id)
    return officer


async def rostered(officer: Officer, kind: ShiftKind, hours: int = 12) -> None:
    at = clock.now()
    await org.roster(
        SYSTEM,
        unit_id=officer.unit_id,
        officer_id=officer.id,
        kind=kind,
        starts_at=at - timedelta(hours=1),
        ends_at=at + timedelta(hours=hours),
    )


# --- who makes the return visit ---------------------------------------------------------------------------------------


async def test_the_nearest_centre_officer_calls_and_the_less_loaded_of_two(world: World) -> None:
    joined = await case_with(world, VICTIM)
    near = [await another_centre_officer(world, world.sub_bureau) for _ in range(2)]
    first, second = [await complaint(world, joined) for _ in range(2)]
    assert {first.assigned_to_id, second.assigned_to_id} == {officer.id for officer in near}


async def test_who_is_on_leave_or_on_a_call_out_is_passed_over(world: World) -> None:
    joined = await case_with(world, VICTIM)
    near = await another_centre_officer(world, world.sub_bureau)
    await rostered(near, ShiftKind.CALL_OUT)
    assert (await complaint(world, joined)).assigned_to_id == world.centre_officer.id
    await rostered(world.centre_officer, ShiftKind.LEAVE)
    assert (await complaint(world, joined)).assigned_to_id == world.instructor.id


async def test_on_a_weekend_the_rostered_centre_officer_calls_even_from_further_up(
    world: World, clock_at: ClockAt
) -> None:
    clock_at(SATURDAY_MORNING)
    joined = await case_with(world, VICTIM)
    near = await another_centre_officer(world, world.sub_bureau)
    assert (await complaint(world, joined)).assigned_to_id == near.id
    await rostered(world.centre_officer, ShiftKind.DUTY)
    visit = await complaint(world, joined)
    assert visit.assigned_to_id == world.centre_officer.id
    assert timedelta(hours=24) <= visit.due_at - SATURDAY_MORNING < timedelta(hours=25)


async def test_neither_the_rated_officer_nor_who_is_on_the_case_now_makes_the_call(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    for officer in (world.steward, world.colleague):
        await org.grant_role(SYSTEM, officer.id, Role.CENTRE_OFFICER, world.station.id)
    former = await another_centre_officer(world, world.station, "原承办")
    visit = await complaint(world, joined, handler=former)
    assert visit.assigned_to_id == world.centre_officer.id


async def test_where_nobody_is_left_it_waits_in_the_pool_until_somebody_is_there(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    for officer in (world.centre_officer, world.instructor, world.sub_instructor):
        await rostered(officer, ShiftKind.LEAVE)
    visit = await complaint(world, joined)
    assert visit.assigned_to_id is None
    assert visit.id in {v.id for v in await visits.calls_owed(await acting(world.centre_officer))}
    assert await upkeep.assign_pooled(clock.now()) == 0
    clock_at(clock.now() + timedelta(hours=13))
    assert await upkeep.assign_pooled(clock.now()) == 1
    assert (await Visit.get(id=visit.id)).assigned_to_id == world.centre_officer.id


async def test_a_handler_who_comes_onto_the_case_later_loses_the_visit(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await org.grant_role(SYSTEM, world.colleague.id, Role.CENTRE_OFFICER, world.station.id)
    visit = await complaint(world, joined)
    assert visit.assigned_to_id == world.colleague.id
    await cases.hand_over(
        await acting(world.instructor),
        joined.case.id,
        unit_id=world.station.id,
        steward_id=world.colleague.id,
        deputy_id=None,
        reason="轮岗",
    )
    assert await upkeep.follow_case(SYSTEM, joined.case.id) == 1
    visit = await Visit.get(id=visit.id)
    assert (visit.assigned_to_id, visit.handler_id) == (world.centre_officer.id, world.steward.id)


# --- who sees it ------------------------------------------------------------------------------------------------------


async def test_a_complaint_is_invisible_to_whom_it_is_about_whatever_roles_they_hold(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    for officer in (world.steward, world.colleague):
        await org.grant_role(SYSTEM, officer.id, Role.CENTRE_OFFICER, world.bureau.id)
        await org.grant_role(SYSTEM, officer.id, Role.INSTRUCTOR, world.station.id)
    visit = await complaint(world, joined)
    hidden = (world.steward, world.colleague, world.other_steward, world.inspector)
    for officer in hidden:
        actor = await acting(officer)
        assert await visits.calls_owed(actor) == []
        for command in (
            visits.access_visit(actor, visit.id),
            visits.dial(actor, visit.id),
            visits.record_call(actor, visit.id, CallOutcome.SATISFIED),
            upkeep.reassign(actor, visit.id, officer.id, "换人"),
        ):
            with pytest.raises(NotFound):
                await command
    for officer in (world.centre_officer, world.instructor, world.sub_instructor):
        assert (await visits.access_visit(await acting(officer), visit.id)).id == visit.id
    reads = await Event.filter(kind="visit.read", subject_id=visit.id).order_by("at", "id")
    assert [r.relation for r in reads] == ["assigned", "instructor", "instructor"]


async def test_a_leader_who_was_rated_does_not_see_it_either(world: World) -> None:
    joined = await case_with(world, VICTIM)
    visit = await complaint(world, joined, handler=world.instructor)
    with pytest.raises(NotFound):
        await visits.access_visit(await acting(world.instructor), visit.id)
    assert (await visits.access_visit(await acting(world.sub_instructor), visit.id)).id == visit.id


async def test_the_queue_pages_by_urgency(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    opened = []
    for minute in range(5):
        clock_at(MONDAY_MORNING + timedelta(minutes=minute))
        opened.append((await complaint(world, joined)).id)
    actor, after, seen = await acting(world.centre_officer), None, []
    while page := await visits.calls_owed(actor, limit=2, after=after):
        seen += [v.id for v in page]
        after = (page[-1].due_at, page[-1].id)
    assert seen == opened


# --- calling ----------------------------------------------------------------------------------------------------------


async def test_a_visit_is_opened_carried_out_and_closed_with_a_finding(world: World) -> None:
    joined = await case_with(world, VICTIM)
    visit = await complaint(world, joined)
    actor = await acting(world.centre_officer)
    dial = await visits.dial(actor, visit.id)
    assert dial.number == joined.numbers[0]
    with pytest.raises(Conflict):
        await visits.close(actor, visit.id, Finding.SUBSTANTIATED)
    heard = await visits.record_call(actor, visit.id, CallOutcome.DISSATISFIED, seconds=240, note="没人回电话")
    assert (heard.state, heard.outcome) == (VisitState.OPEN, CallOutcome.DISSATISFIED)
    closed = await visits.close(actor, visit.id, Finding.SUBSTANTIATED)
    assert (closed.state, closed.finding) == (VisitState.DONE, "substantiated")
    assert [call.note for call in await visits.calls_of(closed)] == ["没人回电话"]
    events = await Event.filter(subject_id=visit.id).order_by("at", "id")
    assert [event.kind for event in events] == ["visit.opened", "visit.revealed", "visit.called", "visit.done"]
    with pytest.raises(Conflict):
        await visits.record_call(actor, visit.id, CallOutcome.SATISFIED)


@pytest.mark.parametrize("outcome", [CallOutcome.SATISFIED, CallOutcome.REFUSED, CallOutcome.DO_NOT_DISTURB])
async def test_an_outcome_that_leaves_nothing_open_closes_the_visit(world: World, outcome: CallOutcome) -> None:
    visit = await complaint(world, await case_with(world, VICTIM))
    done = await visits.record_call(await acting(world.centre_officer), visit.id, outcome)
    assert (done.state, done.outcome) == (VisitState.DONE, outcome)


async def test_three_calls_at_different_times_end_it_and_three_in_a_row_do_not(world: World, clock_at: ClockAt) -> None:
    visit = await complaint(world, await case_with(world, VICTIM))
    actor = await acting(world.centre_officer)
    for minute in range(4):
        clock_at(MONDAY_MORNING + timedelta(minutes=minute))
        missed = await visits.record_call(actor, visit.id, CallOutcome.NOT_REACHED)
        assert missed.state is VisitState.OPEN
    for attempt in range(1, ATTEMPTS):
        clock_at(MONDAY_MORNING + timedelta(hours=3 * attempt))
        missed = await visits.record_call(actor, visit.id, CallOutcome.NOT_REACHED)
    assert (missed.state, missed.outcome) == (VisitState.DONE, CallOutcome.NOT_REACHED)


async def test_missing_somebody_who_was_heard_takes_nothing_back(world: World) -> None:
    visit = await complaint(world, await case_with(world, VICTIM))
    actor = await acting(world.centre_officer)
    await visits.record_call(actor, visit.id, CallOutcome.DISSATISFIED)
    after = await visits.record_call(actor, visit.id, CallOutcome.NOT_REACHED)
    assert (after.state, after.outcome) == (VisitState.OPEN, CallOutcome.DISSATISFIED)


async def test_nobody_is_dialled_at_night_nor_at_a_stolen_number(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    visit = await complaint(world, joined)
    actor = await acting(world.centre_officer)
    contact = await Contact.get(person_id=joined.parties[0].person_id)
    await people.mark_contact(SYSTEM, contact.id, Trust.STOLEN, "被盗")
    with pytest.raises(Conflict) as none_left:
        await visits.dial(actor, visit.id)
    assert none_left.value.code == "visit_no_number"
    clock_at(MONDAY_MORNING + timedelta(hours=12))
    with pytest.raises(Conflict) as at_night:
        await visits.dial(actor, visit.id)
    assert at_night.value.code == "visit_hours"


async def test_a_call_is_written_down_only_as_it_can_have_been(world: World) -> None:
    visit = await complaint(world, await case_with(world, VICTIM))
    actor = await acting(world.centre_officer)
    for outcome, seconds, note in (
        (CallOutcome.INFORMED, 60, None),
        (CallOutcome.NOT_REACHED, 60, None),
        (CallOutcome.SATISFIED, -1, None),
        (CallOutcome.SATISFIED, 86_400, None),
        (CallOutcome.SATISFIED, 60, "长" * 1001),
    ):
        with pytest.raises(Invalid):
            await visits.record_call(actor, visit.id, outcome, seconds=seconds, note=note)


# --- time and changes of hands ----------------------------------------------------------------------------------------


async def test_an_overdue_visit_is_marked_once_and_a_heard_one_never(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    late, heard = [await complaint(world, joined) for _ in range(2)]
    await visits.record_call(await acting(world.centre_officer), heard.id, CallOutcome.DISSATISFIED)
    assert await upkeep.mark_overdue(clock.now()) == 0
    clock_at(MONDAY_MORNING + timedelta(hours=25))
    assert [await upkeep.mark_overdue(clock.now()) for _ in range(2)] == [1, 0]
    assert [event.subject_id for event in await Event.filter(kind="visit.overdue")] == [late.id]


async def test_only_a_supervisor_reassigns_and_never_to_whom_it_is_about(world: World) -> None:
    joined = await case_with(world, VICTIM)
    near = await another_centre_officer(world, world.station)
    visit = await complaint(world, joined)
    assert visit.assigned_to_id == near.id
    await org.grant_role(SYSTEM, world.steward.id, Role.INSTRUCTOR, world.station.id)
    leader = await acting(world.sub_instructor)
    for wrong in (world.steward.id, world.other_steward.id, uuid4()):
        with pytest.raises(Invalid):
            await upkeep.reassign(leader, visit.id, wrong, "忙不过来")
    with pytest.raises(Invalid):
        await upkeep.reassign(leader, visit.id, world.centre_officer.id, " ")
    moved = await upkeep.reassign(leader, visit.id, world.centre_officer.id, "忙不过来")
    assert moved.assigned_to_id == world.centre_officer.id
    told = await Message.filter(notice="visit_assigned").order_by("-created_at", "-id").first()
    assert told is not None
    assert told.recipient_id == world.centre_officer.id


# --- telephone tasks --------------------------------------------------------------------------------------------------


async def message_to(joined: Joined) -> UUID:
    context = JoinedWelcome(unit="柳堤派出所", reference=joined.case.reference, check_word="云山")
    member = joined.members[0]
    found = await enqueue(
        Outgoing(context=context, recipient_id=member.person_id, member_id=member.id, case_id=joined.case.id)
    )
    assert found is not None
    return found


async def test_a_message_that_reached_nobody_becomes_one_call_for_the_steward(world: World) -> None:
    joined = await case_with(world, VICTIM)
    message_id = await message_to(joined)
    opened = [await visits.open_for_message(message_id) for _ in range(2)]
    assert opened[0] is not None
    assert opened[1] is not None
    assert opened[0].id == opened[1].id
    assert (opened[0].purpose, opened[0].assigned_to_id) == (VisitPurpose.UNDELIVERABLE, world.steward.id)
    assert clock.local(opened[0].due_at).date() == clock.local(MONDAY_MORNING + timedelta(days=1)).date()
    assert await visits.open_for_message(uuid4()) is None
    done = await visits.record_call(await acting(world.steward), opened[0].id, CallOutcome.INFORMED, seconds=60)
    assert done.state is VisitState.DONE


async def test_a_steward_on_leave_does_not_keep_the_call(world: World) -> None:
    joined = await case_with(world, VICTIM, deputy=world.colleague)
    await rostered(world.steward, ShiftKind.REST)
    visit = await visits.open_for_message(await message_to(joined))
    assert visit is not None
    assert visit.assigned_to_id == world.steward.id
    await rostered(world.steward, ShiftKind.LEAVE)
    visit = await visits.open_for_message(await message_to(joined))
    assert visit is not None
    assert visit.assigned_to_id == world.colleague.id


async def protected_case(world: World, safe_phone: str | None = "19911112222") -> Joined:
    plan = Protection(code_word="青山", safe_phone=safe_phone, pretext="社区回访", hours_from=13 * 60, hours_to=15 * 60)
    registered = await register(world, [replace(draft(PartyRole.VICTIM, Side.A), protection=plan)])
    return Joined(registered.case, registered.parties, (), (), ())


async def test_the_protected_person_is_told_at_the_safe_number_in_its_hours_and_only_then_others(
    world: World, clock_at: ClockAt
) -> None:
    joined = await protected_case(world)
    [visit] = await visits.open_safe_notices(joined.case.id)
    assert await visits.open_safe_notices(joined.case.id) == []
    assert (await Message.get(notice="safe_notice_due")).recipient_id == world.steward.id
    actor = await acting(world.steward)
    with pytest.raises(Conflict):
        await visits.dial(actor, visit.id)
    clock_at(MONDAY_MORNING + timedelta(hours=5))
    dial = await visits.dial(actor, visit.id)
    assert (dial.number, dial.pretext) == ("19911112222", "社区回访")
    refused = await visits.record_call(actor, visit.id, CallOutcome.REFUSED)
    assert (refused.state, refused.assigned_to_id) == (VisitState.OPEN, world.instructor.id)
    assert not await Event.exists(kind="visit.done")
    await visits.record_call(await acting(world.instructor), visit.id, CallOutcome.INFORMED, seconds=90)
    done = await Event.get(kind="visit.done", subject_id=visit.id)
    assert done.details["releases"] is True
    assert datetime.fromisoformat(done.details["told_at"]) < clock.now() - timedelta(seconds=89)


async def test_of_two_protected_persons_both_must_know(world: World, clock_at: ClockAt) -> None:
    plan = Protection(code_word="青山", safe_phone=None, pretext="")
    parties = [replace(draft(PartyRole.VICTIM), protection=replace(plan, safe_phone=phone())) for _ in range(2)]
    registered = await register(world, parties)
    opened = await visits.open_safe_notices(registered.case.id)
    assert len(opened) == 2
    actor = await acting(world.steward)
    for visit, releases in zip(opened, (False, True), strict=True):
        await visits.record_call(actor, visit.id, CallOutcome.INFORMED)
        done = await Event.get(kind="visit.done", subject_id=visit.id)
        assert done.details["releases"] is releases


async def test_one_call_says_all_that_the_same_person_was_to_be_told(world: World) -> None:
    joined = await protected_case(world)
    [visit] = await visits.open_safe_notices(joined.case.id)
    context = JoinedWelcome(unit="柳堤派出所", reference=joined.case.reference, check_word="")
    message = await enqueue(Outgoing(context=context, recipient_id=joined.parties[0].person_id, case_id=joined.case.id))
    assert message is not None
    other = await visits.open_for_message(message, safe=True)
    assert other is not None
    assert other.purpose is VisitPurpose.SAFE_NOTICE
    await visits.record_call(await acting(world.steward), visit.id, CallOutcome.INFORMED)
    assert (await Visit.get(id=other.id)).state is VisitState.DONE
    assert (await Event.get(kind="visit.done", subject_id=visit.id)).details["releases"] is True


async def test_whoever_calls_knows_what_to_say(world: World) -> None:
    joined = await case_with(world, VICTIM, (PartyRole.SUSPECT, Side.B))
    await people.protect(
        await acting(world.steward), joined.parties[0].person_id, code_word="青山", safe_phone=phone(), pretext="快递"
    )
    await post(world, joined.case, "对方已经到案。")
    [told] = await visits.open_safe_notices(joined.case.id)
    assert await to_say(told) == "对方已经到案。"
    other = await case_with(world, VICTIM)
    unheard = await visits.open_for_message(await message_to(other))
    assert unheard is not None
    assert "您已加入" in (await to_say(unheard) or "")
    assert await to_say(await complaint(world, other)) is None


async def test_only_a_leader_gives_up_telling_and_then_nothing_is_released(world: World) -> None:
    joined = await protected_case(world, safe_phone=None)
    [visit] = await visits.open_safe_notices(joined.case.id)
    with pytest.raises(NotAllowed):
        await visits.settle_without_call(await acting(world.steward), visit.id, informed=False, note="联系不上")
    leader = await acting(world.instructor)
    await visits.settle_without_call(leader, visit.id, informed=False, note="改由社区民警上门")
    assert (await Event.get(kind="visit.done", subject_id=visit.id)).details["releases"] is False


async def test_the_talk_at_the_counter_counts(world: World) -> None:
    joined = await protected_case(world)
    [visit] = await visits.open_safe_notices(joined.case.id)
    actor = await acting(world.steward)
    await visits.settle_without_call(actor, visit.id, informed=True, note="本人来所，已当面告知")
    assert (await Event.get(kind="visit.done", subject_id=visit.id)).details["releases"] is True
    complaint_visit = await complaint(world, await case_with(world, VICTIM))
    with pytest.raises(Invalid):
        await visits.settle_without_call(
            await acting(world.centre_officer), complaint_visit.id, informed=True, note="说过了"
        )


async def test_telephone_tasks_follow_the_case_to_its_new_steward(world: World) -> None:
    joined = await case_with(world, VICTIM)
    visit = await visits.open_for_message(await message_to(joined))
    assert visit is not None
    await cases.hand_over(
        await acting(world.instructor),
        joined.case.id,
        unit_id=world.other_station.id,
        steward_id=world.other_steward.id,
        deputy_id=None,
        reason="移送",
    )
    assert await upkeep.follow_case(SYSTEM, joined.case.id) == 1
    visit = await Visit.get(id=visit.id)
    assert (visit.unit_id, visit.assigned_to_id) == (world.other_station.id, world.other_steward.id)
    with pytest.raises(NotFound):
        await visits.access_visit(await acting(world.steward), visit.id)
