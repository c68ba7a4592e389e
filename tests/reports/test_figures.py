"""The figures an instructor leads by, each counted from the rows behind it; what is withheld, and from whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.conversations import service as conversations
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Invalid, NotAllowed, NotFound
from stewardship.intake import PartyDraft
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.visits import service as visits
from stewardship.opinion.visits.after_rating import open_after_rating
from stewardship.opinion.visits.models import CallOutcome, Finding
from stewardship.reports import keeping
from stewardship.reports import service as reports
from stewardship.reports.rules import SMALLEST_SAMPLE, Figure, Period, satisfaction, share, spread
from tests.support.world import (
    MONDAY_MORNING,
    Joined,
    World,
    acting,
    case_with,
    draft,
    join,
    on_leave,
    phone,
    register,
    says,
)

ClockAt = Callable[[datetime], None]
VICTIM = (PartyRole.VICTIM, Side.A)
WEEK = Period(date(2026, 3, 16), date(2026, 3, 22))


async def figures(world: World, period: Period = WEEK) -> reports.UnitFigures:
    await keeping.run()
    return await reports.unit_figures(await acting(world.instructor), world.station.id, period)


async def behind(world: World, figure: Figure, period: Period = WEEK) -> list[reports.Row]:
    await keeping.run()
    return await reports.rows_behind(await acting(world.instructor), figure, world.station.id, period, limit=200)


# --- pure -------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 50), st.integers(0, 50))
def test_a_share_is_withheld_under_five_and_lies_between_nothing_and_all(good: int, more: int) -> None:
    n = good + more
    found = share(good, n)
    assert found.suppressed == (n < SMALLEST_SAMPLE)
    assert found.n == n
    if found.suppressed:
        assert (found.good, found.value) == (None, None)
    else:
        assert found.value is not None
        assert 0 <= found.value <= 1


@given(st.dictionaries(st.sampled_from([1, 2, 3]), st.integers(0, 9000)), st.integers(0, 9000))
def test_weighted_satisfaction_never_exceeds_strict_and_nothing_shows_of_a_small_sample(
    scores: dict[int, int], silent: int
) -> None:
    answered = sum(scores.values())
    found = satisfaction(scores, answered + silent)
    if answered < SMALLEST_SAMPLE:
        assert (found.strict.value, found.weighted, found.scores) == (None, None, {})
    else:
        assert found.strict.value is not None
        assert found.weighted is not None
        assert 0 <= found.weighted <= found.strict.value <= 1


def test_the_two_definitions_give_the_figures_published_by_dongguan() -> None:
    """domain.md section 4: (6554 + 365.5) / 7781 = 88.93 %, strict 93.6 %."""
    found = satisfaction({1: 6554, 2: 731, 3: 496}, 21857)
    assert found.weighted == pytest.approx(0.8893, abs=0.0001)
    assert found.strict.value == pytest.approx(0.936, abs=0.001)
    assert found.response.value == pytest.approx(0.356, abs=0.001)


def test_a_period_is_whole_days_of_at_most_a_year() -> None:
    assert (WEEK.start, WEEK.end) == (MONDAY_MORNING - timedelta(hours=9), MONDAY_MORNING + timedelta(days=7, hours=-9))
    for first, last in ((date(2026, 3, 2), date(2026, 3, 1)), (date(2025, 1, 1), date(2026, 1, 2))):
        with pytest.raises(Invalid):
            Period(first, last)
    assert spread(4, 1.0, 2.0).median is None


# --- enrolment --------------------------------------------------------------------------------------------------------


async def test_who_joined_within_a_day_counts_minors_and_uninvited_are_listed_apart(
    world: World, clock_at: ClockAt
) -> None:
    numbers = [phone() for _ in range(6)]
    drafts = [draft(PartyRole.DISPUTANT, number=number) for number in numbers]
    drafts += [
        PartyDraft("小明", frozenset({PartyRole.VICTIM}), phone=phone(), minor=True),
        PartyDraft("李四", frozenset({PartyRole.WITNESS}), phone=phone(), not_invited_reason="本人拒绝"),
    ]
    registered = await register(world, drafts)
    assert (await figures(world)).enrolment_states == {"open": 6, "minor": 1, "not_invited": 1}
    for issued, number in list(zip(registered.issued, numbers, strict=False))[:4]:
        await join(issued, number)
    clock_at(MONDAY_MORNING + timedelta(hours=25))
    await join(registered.issued[4], numbers[4])
    found = await figures(world)
    assert (found.enrolment.good, found.enrolment.n) == (4, 6)
    assert found.enrolment_states == {"joined": 4, "joined_late": 1, "not_joined": 1, "minor": 1, "not_invited": 1}


async def test_leaving_and_joining_again_does_not_change_when_somebody_joined_first(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    await Member.filter(id=joined.members[0].id).update(
        joined_at=MONDAY_MORNING + timedelta(days=3), invited_at=MONDAY_MORNING - timedelta(days=3)
    )
    clock_at(MONDAY_MORNING + timedelta(days=2))
    [row] = await behind(world, Figure.ENROLMENT)
    assert row.state == "joined"


# --- questions --------------------------------------------------------------------------------------------------------


async def ask(joined: Joined, text: str = "什么时候能拿到鉴定意见") -> UUID:
    """The party asks; answers the inquiry."""
    member = joined.members[0]
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    asked = await inquiries.ask(actor, member, text, channel="oa", source_key=str(uuid4()))
    return UUID(str(asked.inquiry.id))


async def test_first_answers_by_a_person_are_measured_in_duty_minutes(world: World, clock_at: ClockAt) -> None:
    steward = await acting(world.steward)
    joined = [await case_with(world, VICTIM) for _ in range(6)]
    asked = [await ask(each) for each in joined]
    for minutes, inquiry_id in zip((10, 20, 30, 40, 50), asked[:5], strict=True):
        clock_at(MONDAY_MORNING + timedelta(minutes=minutes))
        await inquiries.answer(steward, inquiry_id, "预计周五。")
    found = await figures(world)
    assert found.first_response.n == 5
    assert found.first_response.median == pytest.approx(30, abs=5)
    assert found.first_response.p90 == pytest.approx(50, abs=5)
    assert (found.first_response_in_time.good, found.first_response_in_time.n) == (3, 5)
    assert (found.answered_in_time.good, found.answered_in_time.n) == (5, 5)
    assert found.question_states == {"in_time": 5, "not_due": 1}
    assert found.overdue == 1


async def test_a_question_nobody_answers_is_overdue_stays_in_the_sample_and_says_whose_and_why(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    inquiry_id = await ask(joined)
    clock_at(MONDAY_MORNING + timedelta(minutes=29))
    assert (await figures(world)).overdue == 0
    clock_at(MONDAY_MORNING + timedelta(days=2))
    await on_leave(world, world.steward)
    found = await figures(world)
    [late] = found.overdue_rows
    assert (late.id, late.officer_id, late.officer_name) == (inquiry_id, world.steward.id, world.steward.name)
    assert (late.state, late.detail, late.reference) == ("first_reply", "leave", joined.case.reference)
    assert found.question_states == {"overdue": 1}
    assert found.answered_in_time.n == 1
    await inquiries.answer(await acting(world.instructor), inquiry_id, "抱歉，预计周五。")
    found = await figures(world)
    assert (found.overdue, found.question_states) == (0, {"late": 1})


async def test_asking_back_is_a_reply_and_no_answer(world: World, clock_at: ClockAt) -> None:
    inquiry_id = await ask(await case_with(world, VICTIM))
    clock_at(MONDAY_MORNING + timedelta(minutes=10))
    await inquiries.ask_back(await acting(world.steward), inquiry_id, "请问是哪一份？")
    found = await figures(world)
    assert found.first_response.n == 1
    assert found.question_states == {"not_due": 1}


async def test_answers_from_the_record_stand_beside_the_figures_and_never_in_them(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    reply = await conversations.receive(*says(joined.identities[0], "询问进展"))
    assert reply.outcome == "status"
    found = await figures(world)
    assert (found.from_record, found.first_response.n, found.answered_in_time.n) == (1, 0, 0)
    assert found.question_states == {"from_record": 1}


async def test_thanks_and_merged_questions_are_no_questions(world: World) -> None:
    inquiry_id = await ask(await case_with(world, VICTIM), "好的谢谢您")
    await inquiries.close_without_reply(await acting(world.steward), inquiry_id, "致谢")
    assert (await figures(world)).question_states == {}


# --- silence ----------------------------------------------------------------------------------------------------------


async def test_a_case_nobody_has_spoken_of_for_a_week_is_silent_until_it_is_closed(
    world: World, clock_at: ClockAt
) -> None:
    joined = await case_with(world, VICTIM)
    assert (await figures(world)).silent == 0
    clock_at(MONDAY_MORNING + timedelta(days=8))
    found = await figures(world)
    assert found.silent == 1
    [row] = found.silent_rows
    assert (row.case_id, row.officer_name) == (joined.case.id, world.steward.name)
    assert row.minutes == pytest.approx(8 * 24 * 60, abs=1)
    await cases.mark_silent(joined.case.id, clock.now())
    assert (await figures(world)).silent == 1
    await cases.close(await acting(world.steward), joined.case.id)
    assert (await figures(world)).silent == 0


# --- ratings and visits -----------------------------------------------------------------------------------------------


async def rated(world: World, case: Case, scores: Sequence[int | None], officer_id: UUID | None = None) -> list[Rating]:
    """Ratings that were asked on Monday; None: not answered."""
    return [
        await Rating.create(
            case_id=case.id,
            party_id=uuid4(),
            person_id=uuid4(),
            officer_id=officer_id or world.steward.id,
            unit_id=world.station.id,
            milestone="case_closed",
            episode=1,
            state=RatingState.ANSWERED if score else RatingState.SENT,
            due_at=clock.now(),
            sent_at=clock.now(),
            expires_at=clock.now() + timedelta(days=7),
            score=score,
            answered_at=clock.now() if score else None,
        )
        for score in scores
    ]


async def test_satisfaction_stands_beside_how_many_answered_and_why_others_were_not_asked(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1, 1, 1, 2, 3, None, None, None])
    [not_asked] = await rated(world, joined.case, [None])
    await Rating.filter(id=not_asked.id).update(state=RatingState.NOT_SENT, reason="minor", sent_at=None)
    found = (await figures(world)).satisfaction
    assert (found.strict.value, found.weighted) == (0.8, 0.7)
    assert (found.response.good, found.response.n) == (5, 8)
    assert found.scores == {1: 3, 2: 1, 3: 1}
    assert (await figures(world)).not_asked == {"minor": 1}
    outside = await figures(world, Period(date(2026, 3, 17), date(2026, 3, 20)))
    assert outside.satisfaction.response.n == 0


async def test_of_four_answers_neither_a_rate_nor_a_single_score_is_shown(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1, 2, 3, 3])
    found = (await figures(world)).satisfaction
    assert (found.strict.n, found.strict.suppressed, found.weighted, found.scores) == (4, True, None, {})
    rows = await behind(world, Figure.SATISFACTION)
    assert [(row.score, row.good) for row in rows] == [(None, False)] * 4


async def test_an_officer_sees_their_own_ratings_only_as_a_whole(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1, 1, 1, 1, 3])
    await rated(world, joined.case, [3], officer_id=world.instructor.id)
    own = await reports.own_satisfaction(await acting(world.steward), WEEK)
    assert (own.strict.value, own.strict.n) == (0.8, 5)
    with pytest.raises(NotFound):
        await reports.rows_behind(await acting(world.steward), Figure.SATISFACTION, world.station.id, WEEK)
    with pytest.raises(NotAllowed):
        await reports.own_satisfaction(Actor(ActorKind.CITIZEN, uuid4()), WEEK)
    about_self = [row for row in await behind(world, Figure.SATISFACTION) if row.officer_id == world.instructor.id]
    assert about_self == []
    assert (await figures(world)).satisfaction.strict.n == 6


async def test_return_visits_are_in_time_when_somebody_was_heard_within_a_day(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    opened = [
        await open_after_rating(
            await acting(world.centre_officer),
            rating_id=uuid4(),
            case_id=joined.case.id,
            person_id=joined.parties[0].person_id,
            unit_id=world.station.id,
            handler_id=world.steward.id,
        )
        for _ in range(6)
    ]
    actor = await acting(world.centre_officer)
    for visit in opened[:3]:
        await visits.record_call(actor, visit.id, CallOutcome.SATISFIED)
    await visits.record_call(actor, opened[3].id, CallOutcome.DISSATISFIED, finding=Finding.SUBSTANTIATED)
    await visits.record_call(actor, opened[4].id, CallOutcome.NOT_REACHED)
    clock_at(MONDAY_MORNING + timedelta(hours=25))
    await visits.record_call(actor, opened[5].id, CallOutcome.DISSATISFIED)
    found = await figures(world)
    assert found.return_visit_states == {"in_time": 4, "overdue": 1, "late": 1}
    assert (found.return_visits_in_time.good, found.return_visits_in_time.n) == (4, 6)
    assert (found.return_visits_converted.good, found.return_visits_converted.n) == (3, 6)
    rows = await behind(world, Figure.RETURN_VISITS)
    assert Counter(row.detail for row in rows)["substantiated"] == 1


# --- whose figures, and the rows behind them --------------------------------------------------------------------------


async def test_every_figure_is_counted_from_the_rows_behind_it(world: World, clock_at: ClockAt) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1, 2, 3, 1, 1, None])
    await ask(joined)
    clock_at(MONDAY_MORNING + timedelta(days=8))
    found = await figures(world)
    enrolment = await behind(world, Figure.ENROLMENT)
    assert (len(enrolment), Counter(r.state for r in enrolment)) == (found.enrolment.n, found.enrolment_states)
    ratings = await behind(world, Figure.SATISFACTION)
    assert sum(r.counted for r in ratings) == found.satisfaction.strict.n
    assert sum(r.good for r in ratings) == found.satisfaction.strict.good
    assert len(await behind(world, Figure.OVERDUE)) == found.overdue == 1
    assert len(await behind(world, Figure.SILENCE)) == found.silent == 1
    for figure in Figure:
        assert len({row.id for row in await behind(world, figure)}) == len(await behind(world, figure))


async def test_the_rows_page_without_gap_or_repetition(world: World) -> None:
    joined = await case_with(world, VICTIM)
    every = await rated(world, joined.case, [1] * 7)
    actor, after, seen = await acting(world.instructor), None, []
    while page := await reports.rows_behind(actor, Figure.SATISFACTION, world.station.id, WEEK, after=after, limit=3):
        seen += [row.id for row in page]
        after = page[-1].cursor
    assert sorted(seen) == sorted(rating.id for rating in every)


async def test_a_unit_out_of_scope_does_not_exist_and_one_above_sums_up_those_below(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1] * 5)
    await keeping.run()
    above = await reports.unit_figures(await acting(world.sub_instructor), world.sub_bureau.id, WEEK)
    assert above.satisfaction.strict.n == 5
    for officer, unit in (
        (world.instructor, world.other_station),
        (world.instructor, world.sub_bureau),
        (world.steward, world.station),
        (world.inspector, world.station),
    ):
        actor = await acting(officer)
        with pytest.raises(NotFound):
            await reports.unit_figures(actor, unit.id, WEEK)
        with pytest.raises(NotFound):
            await reports.rows_behind(actor, Figure.OVERDUE, unit.id, WEEK)


async def test_looking_at_the_rows_is_a_recorded_read_of_their_cases(world: World) -> None:
    joined = await case_with(world, VICTIM)
    await rated(world, joined.case, [1, 1])
    await behind(world, Figure.SATISFACTION)
    [read] = await Event.filter(kind="report.read")
    assert (read.case_id, read.relation, read.actor_id) == (joined.case.id, "instructor", world.instructor.id)
