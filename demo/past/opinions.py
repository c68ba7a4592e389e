"""What people thought of cases of the past, and whom somebody called because of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from demo.past.ledger import Ledger
from demo.past.scene import Scene, Station, midnight
from kit import clock
from kit.crypto import vault
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.opinion.ratings.models import Rating, RatingState, Score
from stewardship.opinion.ratings.rules import LIFE, Milestone, due_at
from stewardship.opinion.visits.models import NOTE, Call, CallOutcome, Finding, Visit, VisitPurpose, VisitState
from stewardship.opinion.visits.rules import RETURN_VISIT_WITHIN

ANSWERED = 0.55
LATE_CALLS = 0.12
CHANNELS = ("oa", "mp", "mp", "sms")
OUTCOMES = (CallOutcome.SATISFIED, CallOutcome.BASICALLY_SATISFIED, CallOutcome.DISSATISFIED)
NOTED = "已电话说明办理情况"
FIRST_CALL, LAST_CALL = 9, 18


def rate(scene: Scene, station: Station, ledger: Ledger, case: Case, members: Sequence[Member]) -> None:
    """Whoever had joined was asked when the case was closed; more than half of them answered."""
    assert case.closed_at is not None  # noqa: S101 — every case of the past is closed.
    for member in members:
        rating = _asked(case, member, due_at(case.closed_at))
        ledger.add(rating)
        if scene.draw.random() < ANSWERED:
            _answer(scene, station, ledger, case, rating)
        elif rating.expires_at is not None and rating.expires_at <= scene.until:
            rating.state = RatingState.EXPIRED


def _asked(case: Case, member: Member, at: datetime) -> Rating:
    return Rating(
        case_id=case.id,
        party_id=member.party_id,
        member_id=member.id,
        person_id=member.person_id,
        officer_id=case.steward_id,
        unit_id=case.unit_id,
        milestone=Milestone.CASE_CLOSED.value,
        episode=1,
        state=RatingState.SENT,
        due_at=at,
        sent_at=at,
        expires_at=at + LIFE,
        created_at=case.closed_at,
    )


def _answer(scene: Scene, station: Station, ledger: Ledger, case: Case, rating: Rating) -> None:
    draw, discontent = scene.draw, station.discontent
    (score,) = draw.choices(list(Score), (0.8 - discontent, 0.2, discontent))
    at = rating.due_at + timedelta(minutes=draw.uniform(1, 600))
    rating.state, rating.score, rating.answered_at = RatingState.ANSWERED, int(score), at
    rating.channel = draw.choice(CHANNELS)
    citizen = Actor(ActorKind.CITIZEN, rating.person_id)
    details = {"milestone": rating.milestone, "score": rating.score, "replaced": None, "channel": rating.channel}
    ledger.tell(at, "rating.answered", citizen, ("rating", rating.id), case, **details)
    if score is Score.DISSATISFIED:
        _call(scene, station, ledger, case, rating, at)


def _call(scene: Scene, station: Station, ledger: Ledger, case: Case, rating: Rating, at: datetime) -> None:
    """Somebody of the centre above called within a day; of every eight one did not manage it."""
    draw = scene.draw
    heard = _in_hours(scene, at + timedelta(minutes=draw.uniform(20, 90)))
    if draw.random() < LATE_CALLS:
        heard += timedelta(days=1)
    outcome, visitor = draw.choices(OUTCOMES, (2, 6, 3))[0], draw.choice(station.visitors)
    visit = Visit(
        purpose=VisitPurpose.DISSATISFIED,
        state=VisitState.DONE,
        case_id=case.id,
        person_id=rating.person_id,
        unit_id=rating.unit_id,
        handler_id=rating.officer_id,
        assigned_to_id=visitor,
        rating_id=rating.id,
        opened_at=at,
        due_at=at + RETURN_VISIT_WITHIN,
        closed_at=heard,
        outcome=outcome,
        finding=draw.choice(list(Finding)).value,
        overdue_marked=heard > at + RETURN_VISIT_WITHIN,
    )
    note = vault().ring.seal_text(NOTED, NOTE)
    seconds = draw.randint(60, 500)
    ledger.add(
        visit, Call(visit_id=visit.id, officer_id=visitor, at=heard, seconds=seconds, outcome=outcome, note=note)
    )
    subject, caller = ("visit", visit.id), Actor(ActorKind.OFFICER, visitor)
    ledger.tell(at, "visit.opened", SYSTEM, subject, case, purpose=visit.purpose.value, to=visitor)
    ledger.tell(heard, "visit.called", caller, subject, case, outcome=outcome.value)
    ledger.tell(heard, "visit.done", caller, subject, case, outcome=outcome.value, finding=visit.finding)


def _in_hours(scene: Scene, at: datetime) -> datetime:
    """Then, or the next morning where nobody may be called any more."""
    local = clock.local(at)
    if FIRST_CALL <= local.hour < LAST_CALL:
        return at
    morning = local.date() + timedelta(days=local.hour >= LAST_CALL)
    return midnight(morning) + timedelta(hours=FIRST_CALL, minutes=scene.draw.uniform(0, 120))
