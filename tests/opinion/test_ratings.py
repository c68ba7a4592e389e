"""How a rating is asked for and taken, and what an answer sets off."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import pytest

from delivery.models import CONTEXT, DeliveryAttempt, Message, Outcome
from delivery.models import Channel as Way
from kit import clock
from kit.crypto import vault
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Person, Trust
from stewardship.intake import Protection, enter_proxy
from stewardship.opinion.ratings import asking
from stewardship.opinion.ratings import service as ratings
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.ratings.rules import Milestone
from stewardship.opinion.visits.models import Call, CallOutcome, Visit, VisitState
from tests.support.world import MONDAY_MORNING, Joined, World, acting, case_with, draft, join, phone, register

VICTIM = (PartyRole.VICTIM, Side.A)
ClockAt = Callable[[datetime], None]


@dataclass
class Asked:
    """A rating that was sent to the only party of a closed case."""

    joined: Joined
    rating: Rating
    token: str

    @property
    def party(self) -> Actor:
        return Actor(ActorKind.CITIZEN, self.rating.person_id)


async def close_and_plan(world: World, case: Case) -> None:
    await cases.close(await acting(world.steward), case.id)
    await asking.plan(case.id, Milestone.CASE_CLOSED, case.episode)


async def token_of(rating: Rating) -> str:
    message = await Message.get(subject_id=rating.id, notice="rating_request")
    context = orjson.loads(vault().ring.open(message.context, CONTEXT))
    return str(context["token"])


async def ask(world: World, clock_at: ClockAt, *, case: Joined | None = None) -> Asked:
    """Close, wait for the half hour, send."""
    joined = case or await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    clock_at(clock.now() + timedelta(minutes=31))
    await asking.send_due(clock.now())
    rating = await Rating.get(case_id=joined.case.id, party_id=joined.parties[0].id)
    return Asked(joined, rating, await token_of(rating))


async def test_half_an_hour_after_closing_each_party_is_asked_once(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM, (PartyRole.SUSPECT, Side.B))
    await close_and_plan(world, joined.case)
    await asking.plan(joined.case.id, Milestone.CASE_CLOSED, 1)
    assert await asking.send_due(clock.now() + timedelta(minutes=29)) == Counter()
    clock_at(MONDAY_MORNING + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 2}
    assert await asking.send_due(clock.now()) == Counter()
    assert {message.member_id for message in await Message.filter(notice="rating_request")} == {
        member.id for member in joined.members
    }


async def test_officer_and_unit_are_those_of_the_moment_of_sending(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    await hand_over(world, joined.case, world.colleague.id)
    clock_at(MONDAY_MORNING + timedelta(hours=1))
    await asking.send_due(clock.now())
    await hand_over(world, joined.case, world.steward.id)
    rating = await Rating.get(case_id=joined.case.id)
    assert (rating.officer_id, rating.unit_id) == (world.colleague.id, world.station.id)


async def hand_over(world: World, case: Case, steward_id: UUID) -> None:
    actor = await acting(world.instructor)
    await cases.hand_over(
        actor, case.id, unit_id=world.station.id, steward_id=steward_id, deputy_id=None, reason="轮岗"
    )


async def test_nobody_is_asked_at_night_even_if_the_system_was_down_all_day(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    clock_at(MONDAY_MORNING + timedelta(hours=12))
    assert await asking.send_due(clock.now()) == Counter()
    clock_at(MONDAY_MORNING + timedelta(hours=24))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1}


async def test_what_is_closed_in_the_evening_is_asked_the_next_morning(world: World, clock_at: ClockAt) -> None:
    clock_at(MONDAY_MORNING + timedelta(hours=10, minutes=45))
    joined = await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    assert (await Rating.get(case_id=joined.case.id)).due_at == MONDAY_MORNING + timedelta(days=1)


@pytest.mark.parametrize("flag", list(Sensitivity))
async def test_of_a_delicate_case_nobody_is_asked_and_the_reason_is_kept(
    world: World, clock_at: ClockAt, flag: Sensitivity
) -> None:
    joined = await case_with(world, VICTIM, sensitivities=frozenset({flag}))
    await reason_is(world, clock_at, joined.case, flag.value)


async def reason_is(world: World, clock_at: ClockAt, case: Case, reason: str) -> None:
    await close_and_plan(world, case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.NOT_SENT: 1}
    rating = await Rating.get(case_id=case.id)
    assert (rating.state, rating.reason) == (RatingState.NOT_SENT, reason)
    assert not await Message.filter(notice="rating_request").exists()
    assert await Event.filter(kind="rating.not_sent", subject_id=rating.id).count() == 1


async def test_a_protected_person_is_not_asked(world: World, clock_at: ClockAt) -> None:
    plan = Protection(code_word="青山", safe_phone=phone(), pretext="社区回访")
    registered = await register(world, [dataclasses.replace(draft(PartyRole.VICTIM), protection=plan)])
    await reason_is(world, clock_at, registered.case, "protected")


async def test_who_became_protected_after_closing_is_not_asked_either(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    await Person.filter(id=joined.parties[0].person_id).update(protected=True)
    await reason_is(world, clock_at, joined.case, "protected")


@pytest.mark.parametrize("role", [PartyRole.WITNESS, PartyRole.SUSPECT_FAMILY, PartyRole.LAWYER])
async def test_bystanders_are_not_asked(world: World, clock_at: ClockAt, role: PartyRole) -> None:
    joined = await case_with(world, (role, Side.NONE))
    await reason_is(world, clock_at, joined.case, "role")


async def test_who_opted_out_or_cannot_be_written_to_is_not_asked(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    await ratings.opt_out(SYSTEM, joined.parties[0].person_id, "sms")
    await reason_is(world, clock_at, joined.case, "opted_out")


async def test_the_holder_of_a_stolen_phone_is_not_asked(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    contact = await Contact.get(person_id=joined.parties[0].person_id)
    await people.mark_contact(SYSTEM, contact.id, Trust.STOLEN, "被盗")
    await reason_is(world, clock_at, joined.case, "no_channel")


async def test_before_kind_and_flags_are_known_nobody_is_asked_but_afterwards_they_are(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    await Case.filter(id=joined.case.id).update(sensitivity_known=False)
    await reason_is(world, clock_at, joined.case, "sensitivity_unknown")
    await cases.set_kind(await acting(world.steward), joined.case.id, CaseKind.PUBLIC_ORDER, frozenset())
    assert await asking.plan(joined.case.id, Milestone.CASE_CLOSED, 1) == 1
    clock_at(clock.now() + timedelta(hours=1))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1}


async def test_a_request_that_cannot_be_worded_holds_up_nobody_else(world: World, clock_at: ClockAt) -> None:
    wrong, right = await case_with(world, VICTIM), await case_with(world, VICTIM)
    await Case.filter(id=wrong.case.id).update(reference="不是编号")
    for joined in (wrong, right):
        await close_and_plan(world, joined.case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1}
    waiting = await Rating.get(state=RatingState.PLANNED)
    assert (waiting.case_id, waiting.due_at > clock.now()) == (wrong.case.id, True)
    assert await asking.send_due(clock.now()) == Counter()


async def test_a_case_reopened_meanwhile_is_not_asked_about_but_its_second_episode_is(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    case = await cases.reopen(await acting(world.steward), joined.case.id, "investigating")
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.NOT_SENT: 1}
    await close_and_plan(world, case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1}
    assert [r.reason for r in await Rating.filter(case_id=case.id).order_by("episode")] == ["reopened", ""]


async def test_a_case_reopened_and_closed_again_within_the_half_hour_is_asked_about_once(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    await close_and_plan(world, joined.case)
    case = await cases.reopen(await acting(world.steward), joined.case.id, "investigating")
    await close_and_plan(world, case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1, RatingState.NOT_SENT: 1}
    [sent] = await Rating.filter(state=RatingState.SENT)
    assert sent.episode == 2


async def test_a_person_with_two_cases_is_asked_once_a_week(world: World, clock_at: ClockAt) -> None:
    victim = dataclasses.replace(draft(PartyRole.VICTIM), id_number="340100199001010011")
    for registered in (await register(world, [victim]), await register(world, [victim])):
        await close_and_plan(world, registered.case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1, RatingState.NOT_SENT: 1}
    assert {rating.reason for rating in await Rating.all()} == {"", "frequency_cap"}


async def test_who_never_joined_is_asked_as_well(world: World, clock_at: ClockAt) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    await close_and_plan(world, registered.case)
    clock_at(clock.now() + timedelta(minutes=31))
    assert await asking.send_due(clock.now()) == {RatingState.SENT: 1}
    assert (await Rating.get(case_id=registered.case.id)).member_id is None


async def test_a_request_that_reached_nobody_counts_as_never_asked(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    assert await asking.could_not_reach(asked.rating.id)
    assert not await asking.could_not_reach(asked.rating.id)
    with pytest.raises(NotFound):
        await ratings.rate(asked.party, rating_id=asked.rating.id, score=1, channel="oa")


# --- answering --------------------------------------------------------------------------------------------------------


async def test_one_tap_is_recorded_at_once_and_a_comment_may_follow(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    [pending] = await ratings.open_for(asked.rating.person_id)
    assert (pending.id, pending.reference, pending.unit_name) == (
        asked.rating.id,
        asked.joined.case.reference,
        world.station.name,
    )
    rated = await ratings.rate(asked.party, rating_id=pending.id, score=2, channel="oa")
    assert (rated.score, rated.changed, rated.visit) == (2, True, None)
    await ratings.add_comment(asked.party, pending.id, "来得有点慢")
    await ratings.add_comment(asked.party, pending.id, "来得有点慢")
    assert ratings.comment_of(await Rating.get(id=pending.id)) == "来得有点慢"
    clock_at(clock.now() + timedelta(hours=1))
    with pytest.raises(Gone):
        await ratings.add_comment(asked.party, pending.id, "还有")


async def test_the_same_answer_twice_changes_nothing_and_another_one_counts_for_ten_minutes(
    world: World, clock_at: ClockAt
) -> None:
    asked = await ask(world, clock_at)
    for score, changed in ((1, True), (1, False), (2, True)):
        rated = await ratings.rate(asked.party, token=asked.token, score=score, channel="oa")
        assert rated.changed is changed
    clock_at(clock.now() + timedelta(minutes=10))
    assert not (await ratings.rate(asked.party, token=asked.token, score=2, channel="oa")).changed
    with pytest.raises(Conflict):
        await ratings.rate(asked.party, token=asked.token, score=3, channel="oa")
    answers = await Event.filter(kind="rating.answered").order_by("at", "id")
    assert [(e.details["score"], e.details["replaced"]) for e in answers] == [(1, None), (2, 1)]


async def test_after_a_week_it_is_over_and_says_what_to_do_instead(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    clock_at(clock.now() + timedelta(days=7))
    assert await ratings.open_for(asked.rating.person_id) == []
    with pytest.raises(Gone) as late:
        await ratings.rate(asked.party, token=asked.token, score=3, channel="oa")
    assert "直接发来" in late.value.detail
    assert await asking.expire_due(clock.now()) == 1
    assert await asking.expire_due(clock.now()) == 0
    with pytest.raises(Gone):
        await ratings.asked_by(asked.token)
    assert await ratings.recently_closed_for(asked.rating.person_id)
    assert not await Visit.exists()


async def test_nobody_rates_for_somebody_else(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    stranger = Actor(ActorKind.CITIZEN, (await case_with(world, VICTIM)).parties[0].person_id)
    nobody = Actor(ActorKind.CITIZEN, None)
    for actor, how in ((stranger, "token"), (stranger, "id"), (nobody, "id"), (await acting(world.steward), "token")):
        token, rating_id = (asked.token, None) if how == "token" else (None, asked.rating.id)
        with pytest.raises(NotFound):
            await ratings.rate(actor, token=token, rating_id=rating_id, score=1, channel="web")
    assert (await ratings.rate(nobody, token=asked.token, score=1, channel="web")).changed


async def test_a_link_that_went_to_a_phone_since_stolen_is_worth_nothing(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    contact = await Contact.get(person_id=asked.rating.person_id)
    message = await Message.get(subject_id=asked.rating.id)
    await DeliveryAttempt.create(
        at=clock.now(), message_id=message.id, channel=Way.SMS, target_id=contact.id, outcome=Outcome.SENT
    )
    await people.mark_contact(SYSTEM, contact.id, Trust.STOLEN, "被盗")
    with pytest.raises(NotFound):
        await ratings.rate(Actor(ActorKind.CITIZEN, None), token=asked.token, score=1, channel="web")
    assert (await ratings.rate(asked.party, token=asked.token, score=1, channel="mp")).changed


@pytest.mark.parametrize("score", [0, 4, -1])
async def test_only_the_three_scores_exist(world: World, clock_at: ClockAt, score: int) -> None:
    asked = await ask(world, clock_at)
    with pytest.raises(Invalid):
        await ratings.rate(asked.party, token=asked.token, score=score, channel="oa")
    with pytest.raises(Invalid):
        await ratings.rate(asked.party, token=asked.token, score=1, comment="长" * 501, channel="oa")


async def test_of_two_open_ratings_a_bare_number_may_mean_either(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    number = asked.joined.numbers[0]
    clock_at(clock.now() + timedelta(days=1))
    again = await ask(world, clock_at, case=await case_with(world, VICTIM))
    await Rating.filter(id=again.rating.id).update(person_id=asked.rating.person_id)
    found = await ratings.open_for(asked.rating.person_id)
    assert [each.id for each in found] == [again.rating.id, asked.rating.id]
    assert [each.id for each in await ratings.open_for_phone(number)] == [again.rating.id, asked.rating.id]
    await ratings.rate(asked.party, rating_id=again.rating.id, score=1, channel="sms")
    found = await ratings.open_for(asked.rating.person_id)
    assert [(each.id, each.score) for each in found] == [(asked.rating.id, None), (again.rating.id, 1)]


# --- what a 'dissatisfied' sets off -----------------------------------------------------------------------------------


async def test_dissatisfied_opens_a_return_visit_by_somebody_else_within_24_hours(
    world: World, clock_at: ClockAt
) -> None:
    asked = await ask(world, clock_at)
    rated = await ratings.rate(asked.party, token=asked.token, score=3, comment="没人回电话", channel="oa")
    visit = await Visit.get(rating_id=asked.rating.id)
    assert rated.visit is not None
    assert visit.due_at == visit.opened_at + timedelta(hours=24)
    assert visit.handler_id == world.steward.id
    assert visit.assigned_to_id == world.centre_officer.id
    told = await Message.get(notice="visit_assigned")
    assert told.recipient_id == world.centre_officer.id
    await ratings.rate(asked.party, token=asked.token, score=3, channel="oa")
    assert await Visit.all().count() == 1


async def test_who_answers_by_sms_is_told_that_somebody_will_call(world: World, clock_at: ClockAt) -> None:
    asked = await ask(world, clock_at)
    await ratings.rate(asked.party, rating_id=asked.rating.id, score=3, channel="sms")
    message = await Message.get(notice="visit_announced")
    assert message.recipient_id == asked.rating.person_id


async def test_a_slip_of_the_finger_takes_the_visit_back_unless_somebody_has_called(
    world: World, clock_at: ClockAt
) -> None:
    asked = await ask(world, clock_at)
    for score, state in ((3, VisitState.OPEN), (1, VisitState.CANCELLED), (3, VisitState.OPEN)):
        await ratings.rate(asked.party, token=asked.token, score=score, channel="oa")
        assert (await Visit.get(rating_id=asked.rating.id)).state is state
    visit = await Visit.get(rating_id=asked.rating.id)
    await Call.create(visit_id=visit.id, officer_id=world.centre_officer.id, outcome=CallOutcome.NOT_REACHED)
    await ratings.rate(asked.party, token=asked.token, score=1, channel="oa")
    assert (await Visit.get(rating_id=asked.rating.id)).state is VisitState.OPEN


async def test_an_invited_guardian_answers_for_the_party_and_keeps_their_own_token(
    world: World, clock_at: ClockAt
) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    number = phone()
    actor = await acting(world.steward)
    guardian = await enter_proxy(
        actor,
        registered.case,
        registered.parties[0].id,
        draft(PartyRole.GUARDIAN, name="张母", number=number),
        PartyRole.GUARDIAN,
    )
    await join(guardian, number)
    await close_and_plan(world, registered.case)
    clock_at(clock.now() + timedelta(minutes=31))
    await asking.send_due(clock.now())
    rating = await Rating.get(case_id=registered.case.id)
    assert (rating.person_id, rating.member_id) == (guardian.member.person_id, guardian.member.id)
