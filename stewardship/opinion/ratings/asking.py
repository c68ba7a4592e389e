"""Asking for ratings: planned at a milestone, decided and sent when due, expired after a week.

Nobody chooses whom to ask: every party of the case gets a row, and where they are not asked the row says why. All of
that is decided at the moment of sending, so that whoever became protected, or whose case was reopened meanwhile, is
judged by what holds then.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import structlog

from kit import clock, database
from kit.database import atomic
from kit.ids import new_token, token_hash
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.parties.models import Party, PartyRole
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import BusinessError
from stewardship.opinion.ratings import notices
from stewardship.opinion.ratings.administration import rules_in_force
from stewardship.opinion.ratings.models import Rating, RatingState
from stewardship.opinion.ratings.rules import (
    Facts,
    Joined,
    Milestone,
    RatingRules,
    Reason,
    due_at,
    in_daytime,
    respondent,
    why_not,
)
from stewardship.opinion.ratings.service import SUBJECT

log = structlog.get_logger(__name__)

POSTPONED = timedelta(hours=1)
"""A rating that could not be decided is tried again after this time."""

_FACTS = """
select c.closed_at is not null and c.episode = r.episode as closed, p.removed_at is not null as removed, c.kind,
  c.sensitivity_known, c.sensitivities, p.roles, r.milestone, c.unit_id, c.steward_id,
  who.minor or asked.minor as minor, who.protected or asked.protected as protected,
  exists (select from rating_opt_out o where o.person_id = asked.id)
    or exists (select from visit v where v.person_id = asked.id and v.outcome = 'do_not_disturb') as opted_out,
  exists (select from contact x where x.person_id = asked.id and x.trust not in ('stolen', 'recycled')
          and not x.sms_opted_out)
    or exists (select from wechat_identity x where x.person_id = asked.id and x.trust = 'trusted') as reachable,
  (select max(o.sent_at) from rating o where o.person_id = asked.id and o.state <> 'not_sent') as last_asked_at
from rating r join case_file c on c.id = r.case_id join party p on p.id = r.party_id
join person who on who.id = p.person_id join person asked on asked.id = $2
where r.id = $1
"""
_JOINED = """
select m.id, m.person_id, m.proxy_id is not null as acts, x.kind
from member m left join proxy x on x.id = m.proxy_id
where m.party_id = $1 and m.state = 'joined' and (x.id is null or x.valid_to is null or x.valid_to > $2)
order by m.joined_at
"""
_EXPIRE = """
update rating set state = 'expired' where id in (
  select id from rating where state = 'sent' and expires_at <= $1 order by expires_at limit $2 for update skip locked)
returning id, case_id, unit_id
"""


@atomic()
async def plan(case_id: UUID, milestone: Milestone, episode: int) -> int:
    """The milestone was reached: a rating for every party, due half an hour later or in the next day's hours.

    Once for a party, milestone and episode, however often it is called. A party that was not asked because too little
    was known of the case is planned again once that is known. Answers how many were planned.
    """
    case = await cases.lock_case(case_id)
    if case.episode != episode:
        return 0
    known = {r.party_id: r for r in await Rating.filter(case_id=case_id, milestone=milestone, episode=episode)}
    due, planned = due_at(clock.now(), (await rules_in_force()).delay), 0
    for party in await Party.filter(case_id=case_id, removed_at=None).order_by("added_at", "id"):
        planned += await _plan(case, party, known.get(party.id), milestone, due)
    return planned


async def _plan(case: Case, party: Party, known: Rating | None, milestone: Milestone, due: datetime) -> bool:
    if known is None:
        known = await Rating.create(
            case_id=case.id,
            party_id=party.id,
            person_id=party.person_id,
            unit_id=case.unit_id,
            milestone=milestone.value,
            episode=case.episode,
            state=RatingState.PLANNED,
            due_at=due,
        )
    elif known.state is RatingState.NOT_SENT and known.reason == Reason.SENSITIVITY_UNKNOWN and case.sensitivity_known:
        known.state, known.reason, known.due_at = RatingState.PLANNED, "", due
        await known.save(update_fields=["state", "reason", "due_at"])
    else:
        return False
    await _record("rating.planned", known, milestone=milestone.value)
    return True


async def _record(kind: str, rating: Rating, **details: str) -> None:
    entry = audit.Entry(kind, SYSTEM, (SUBJECT, rating.id), rating.case_id, rating.unit_id, None, details)
    await audit.record_many([entry])


async def send_due(now: datetime, *, limit: int = 200) -> Counter[RatingState]:
    """Ask whoever is due, each in a transaction of its own; answers how many were sent and how many were not.

    Outside 09:00 to 20:00 (Asia/Shanghai) nothing is done: what fell due before a stop of the system waits for the day.
    """
    done: Counter[RatingState] = Counter()
    if not in_daytime(now):
        return done
    rules = await rules_in_force()
    ids = await Rating.filter(state=RatingState.PLANNED, due_at__lte=now).order_by("due_at").limit(limit)
    for rating_id in [rating.id for rating in ids]:
        try:
            state = await _decide(rating_id, now, rules)
        except (BusinessError, LookupError, ValueError) as error:
            # What is wrong with one row must not keep all others from being asked.
            log.error("rating_postponed", rating=str(rating_id), error=type(error).__name__)
            await Rating.filter(id=rating_id, state=RatingState.PLANNED).update(due_at=now + POSTPONED)
            continue
        if state is not None:
            done[state] += 1
    return done


@atomic()
async def _decide(rating_id: UUID, now: datetime, rules: RatingRules) -> RatingState | None:
    """Send, or say why not; None where another process has it."""
    rating = await Rating.select_for_update(skip_locked=True).get_or_none(id=rating_id, state=RatingState.PLANNED)
    if rating is None:
        return None
    rating.person_id, rating.member_id = await _respondent(rating, now)
    # Two cases of one person may fall due at once: the cap is counted by one process at a time.
    await database.advisory_lock(SUBJECT, str(rating.person_id))
    row = await database.fetchrow(_FACTS, rating.id, rating.person_id)
    if row is None:
        raise LookupError("a rating's case, party and person are never deleted")
    rating.unit_id, rating.officer_id = row["unit_id"], row["steward_id"]
    reason = why_not(_facts(row), now, rules)
    return await (_ask(rating, now, rules.life) if reason is None else _do_not_ask(rating, reason))


async def _respondent(rating: Rating, at: datetime) -> tuple[UUID, UUID | None]:
    party = await Party.get(id=rating.party_id)
    rows = await database.fetch(_JOINED, rating.party_id, at)
    joined = [Joined(r["id"], r["person_id"], PartyRole(r["kind"]) if r["acts"] else None) for r in rows]
    return respondent(party.person_id, joined)


def _facts(row: asyncpg.Record) -> Facts:
    return Facts(
        closed=row["closed"],
        removed=row["removed"],
        kind=CaseKind(row["kind"]) if row["kind"] else None,
        sensitivity_known=row["sensitivity_known"],
        sensitivities=frozenset(row["sensitivities"]),
        roles=frozenset(row["roles"]),
        minor=row["minor"],
        protected=row["protected"],
        opted_out=row["opted_out"],
        reachable=row["reachable"],
        last_asked_at=row["last_asked_at"],
        milestone=row["milestone"],
    )


_SNAPSHOT = ["person_id", "member_id", "officer_id", "unit_id"]


async def _ask(rating: Rating, at: datetime, life: timedelta) -> RatingState:
    token = new_token()
    rating.state, rating.token_hash = RatingState.SENT, token_hash(token)
    rating.sent_at, rating.expires_at = at, at + life
    await rating.save(update_fields=["state", "token_hash", "sent_at", "expires_at", *_SNAPSHOT])
    await notices.notify_asked(rating, token)
    await _record("rating.sent", rating, milestone=rating.milestone)
    return RatingState.SENT


async def _do_not_ask(rating: Rating, reason: Reason) -> RatingState:
    rating.state, rating.reason = RatingState.NOT_SENT, reason.value
    await rating.save(update_fields=["state", "reason", *_SNAPSHOT])
    await _record("rating.not_sent", rating, reason=reason.value)
    return RatingState.NOT_SENT


@atomic()
async def could_not_reach(rating_id: UUID) -> bool:
    """The request reached nobody on any channel: it counts as never asked, and nobody telephones for it."""
    rating = await Rating.select_for_update().get_or_none(id=rating_id, state=RatingState.SENT)
    if rating is None:
        return False
    await _do_not_ask(rating, Reason.UNDELIVERABLE)
    return True


@atomic()
async def expire_due(now: datetime, *, limit: int = 1000) -> int:
    """End what nobody answered within its week; answers how many."""
    rows = await database.fetch(_EXPIRE, now, limit)
    await audit.record_many(
        [audit.Entry("rating.expired", SYSTEM, (SUBJECT, r["id"]), r["case_id"], r["unit_id"]) for r in rows]
    )
    return len(rows)
