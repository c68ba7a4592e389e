"""Taking a rating: which one is meant, what the answer does, what may be added to it.

An answer is recorded at once. A 'dissatisfied' opens a return visit by somebody else in the same transaction. `asking`
has how ratings come to be asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tortoise.expressions import Q

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from kit.ids import token_hash
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Gone, Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.rules import UNUSABLE, usable
from stewardship.opinion.ratings import notices
from stewardship.opinion.ratings.models import COMMENT, Rating, RatingOptOut, RatingState, Score
from stewardship.opinion.ratings.rules import (
    CHANGE_WINDOW,
    COMMENT_LENGTH,
    COMMENT_WINDOW,
    DISSATISFIED,
    Standing,
    Verdict,
    judge,
)
from stewardship.opinion.visits import after_rating
from stewardship.opinion.visits.models import Visit

SUBJECT = "rating"
SMS = "sms"


# --- which one is meant -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenRating:
    """A rating that a person can give now, or can still correct (`score` is then what they gave)."""

    id: UUID
    person_id: UUID
    case_id: UUID
    reference: str
    unit_name: str
    sent_at: datetime
    expires_at: datetime
    score: int | None


_OPEN = """
select r.id, r.person_id, r.case_id, c.reference, u.name as unit_name, r.sent_at, r.expires_at, r.score
from rating r join case_file c on c.id = r.case_id join unit u on u.id = r.unit_id
where r.person_id = any($1::uuid[])
  and ((r.state = 'sent' and r.expires_at > $2) or (r.state = 'answered' and r.answered_at > $3))
order by r.state = 'answered', r.sent_at desc, r.id desc
"""
_ONE = """
select r.id, r.person_id, r.case_id, c.reference, u.name as unit_name, r.sent_at, r.expires_at, r.score
from rating r join case_file c on c.id = r.case_id join unit u on u.id = r.unit_id
where r.token_hash = $1 and r.sent_at is not null and r.state <> 'not_sent'
"""


async def open_for(person_id: UUID) -> list[OpenRating]:
    """What a bare `1`, `2` or `3` of this person may mean: unanswered ones first, then the newest.

    Ratings answered in the last ten minutes are among them, because another number corrects them. Empty where none is
    open; where there are several, ask which one is meant before taking the answer.
    """
    return await _open_for([person_id])


async def open_for_phone(number: str) -> list[OpenRating]:
    """The same for an SMS: of everybody whose usable number this is. Raises Invalid for something that is no number."""
    contacts = await people.persons_with_phone(number)
    return await _open_for([contact.person_id for contact in contacts if usable(contact.trust)])


async def _open_for(person_ids: Sequence[UUID]) -> list[OpenRating]:
    at = clock.now()
    rows = await database.fetch(_OPEN, list(person_ids), at, at - CHANGE_WINDOW)
    return [OpenRating(**row) for row in rows]


async def recently_closed_for(person_id: UUID, within: timedelta = timedelta(days=30)) -> bool:
    """Whether a bare number is rather a late answer: a rating of this person expired or was given not long ago."""
    since = clock.now() - within
    return await Rating.filter(
        Q(state=RatingState.ANSWERED, answered_at__gt=since) | Q(expires_at__gt=since, expires_at__lte=clock.now()),
        person_id=person_id,
    ).exists()


async def asked_by(token: str) -> OpenRating:
    """What the small page behind the link shows. Raises NotFound for an unknown token, Gone for an expired one."""
    row = await database.fetchrow(_ONE, token_hash(token))
    if row is None:
        raise _unknown()
    if row["expires_at"] <= clock.now():
        raise _gone()
    return OpenRating(**row)


# --- answering --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rated:
    """What came of an answer. `changed` is False where it only repeated what stood."""

    rating_id: UUID
    score: Score
    changed: bool
    visit: Visit | None


@atomic()
async def rate(
    actor: Actor,
    *,
    rating_id: UUID | None = None,
    token: str | None = None,
    score: int,
    comment: str | None = None,
    channel: str,
) -> Rated:
    """Take an answer: 1 满意, 2 基本满意, 3 不满意, with a comment or without.

    With a token it needs no login, unless the telephone to which the token went is not the person's any more. The same
    again changes nothing; another score counts for ten minutes. Raises NotFound for somebody else's rating, Gone after
    its week, Conflict for a change that comes too late, Invalid for another number or an overlong comment.
    """
    if score not in set(Score):
        raise Invalid("rating_score", "请选择评价", "请回复 1（满意）、2（基本满意）或 3（不满意）。")
    words = _checked(comment)
    rating = await _find(rating_id, token, lock=True)
    await _check_owner(actor, rating, by_token=token is not None)
    verdict = judge(Standing(rating.state, rating.score, rating.answered_at, rating.expires_at), score, clock.now())
    _refuse(verdict)
    before = rating.score
    if verdict is not Verdict.SAME:
        await _answer(actor, rating, Score(score), channel)
    if words is not None:
        await _add_comment(rating, words)
    visit = await _follow_up(actor, rating, before) if verdict is not Verdict.SAME else None
    return Rated(rating.id, Score(score), verdict is not Verdict.SAME, visit)


def _checked(comment: str | None) -> str | None:
    words = (comment or "").strip()
    if len(words) > COMMENT_LENGTH or "\0" in words:
        raise Invalid("rating_comment", "意见太长", f"最多 {COMMENT_LENGTH} 个字；更多内容可以直接发来，民警会答复您。")
    return words or None


async def _find(rating_id: UUID | None, token: str | None, *, lock: bool = False) -> Rating:
    """By id or by token, exactly one of them. Raises NotFound."""
    if (rating_id is None) == (token is None):
        raise ValueError("a rating is named by its id or by its token")
    query = Rating.select_for_update() if lock else Rating.all()
    where = Q(id=rating_id) if token is None else Q(token_hash=token_hash(token))
    rating = await query.get_or_none(where)
    if rating is None:
        raise _unknown()
    return rating


def _unknown() -> NotFound:
    return NotFound("rating_not_found", "没有找到这次评价", "有意见可以直接发来，民警会答复您。")


def _gone() -> Gone:
    return Gone("rating_expired", "这次评价已经截止", "有意见可以直接发来，民警会答复您。")


_SENT_TO_UNUSABLE = """
select exists (
  select from message m join delivery_attempt a on a.message_id = m.id
  where m.subject_id = $1 and m.recipient_id = $2 and m.case_id = $3 and m.created_at >= $4 and a.at >= $4
    and (exists (select from contact x where x.id = a.target_id and x.trust = any($5::text[]))
      or exists (select from wechat_identity x where x.id = a.target_id and x.trust = any($5::text[]))))
"""


async def _check_owner(actor: Actor, rating: Rating, *, by_token: bool) -> None:
    """Whoever is logged in answers for themselves; a token speaks for the person only where it went to them."""
    if actor.kind is ActorKind.CITIZEN and actor.id is not None:
        if actor.id != rating.person_id:
            raise _unknown()
        return
    if not by_token or actor.kind is ActorKind.OFFICER:
        raise _unknown()
    lost = await database.fetchval(
        _SENT_TO_UNUSABLE,
        rating.id,
        rating.person_id,
        rating.case_id,
        rating.created_at,
        sorted(trust.value for trust in UNUSABLE),
    )
    if lost:
        raise _unknown()


def _refuse(verdict: Verdict) -> None:
    if verdict is Verdict.NEVER_ASKED:
        raise _unknown()
    if verdict is Verdict.EXPIRED:
        raise _gone()
    if verdict is Verdict.TOO_LATE_TO_CHANGE:
        raise Conflict("rating_answered", "您已经评价过了", "评价提交 10 分钟后不能更改；有补充意见可以直接发来。")


async def _answer(actor: Actor, rating: Rating, score: Score, channel: str) -> None:
    """A correction keeps the first answer's time: the ten minutes do not begin anew with each."""
    replaced, rating.score, rating.state, rating.channel = rating.score, score, RatingState.ANSWERED, channel
    rating.answered_at = rating.answered_at or clock.now()
    await rating.save(update_fields=["score", "state", "channel", "answered_at"])
    await audit.record(
        "rating.answered",
        actor,
        (SUBJECT, rating.id),
        case_id=rating.case_id,
        unit_id=rating.unit_id,
        milestone=rating.milestone,
        score=int(score),
        replaced=replaced,
        channel=channel,
    )


async def _follow_up(actor: Actor, rating: Rating, before: int | None) -> Visit | None:
    if rating.score != DISSATISFIED:
        if before == DISSATISFIED:
            await after_rating.cancel_for_rating(actor, rating.id)
        return None
    visit = await after_rating.open_after_rating(
        actor,
        rating_id=rating.id,
        case_id=rating.case_id,
        person_id=rating.person_id,
        unit_id=rating.unit_id,
        handler_id=rating.officer_id,
    )
    if rating.channel == SMS:
        # A chat or a page says so in its answer; a text message has none.
        await notices.notify_visit(rating, visit)
    return visit


@atomic()
async def add_comment(actor: Actor, rating_id: UUID, comment: str) -> None:
    """Words to a rating given within the last hour; they follow what was written before.

    Raises NotFound for somebody else's rating, Gone after the hour, Invalid for an empty or overlong text.
    """
    words = _checked(comment)
    if words is None:
        raise Invalid("rating_comment", "请填写意见", "也可以不填。")
    rating = await _find(rating_id, None, lock=True)
    await _check_owner(actor, rating, by_token=False)
    if rating.answered_at is None:
        raise _unknown()
    if clock.now() >= rating.answered_at + COMMENT_WINDOW:
        raise Gone("rating_comment_late", "这次评价已经结束", "有意见可以直接发来，民警会答复您。")
    await _add_comment(rating, words)


async def _add_comment(rating: Rating, words: str) -> None:
    """Nothing after the hour, and nothing twice: whoever repeats an answer days later repeats it without effect."""
    if rating.answered_at is None or clock.now() >= rating.answered_at + COMMENT_WINDOW:
        return
    known = comment_of(rating)
    lines = known.split("\n") if known else []
    if words in lines:
        return
    rating.comment = vault().ring.seal_text("\n".join([*lines, words])[: 4 * COMMENT_LENGTH], COMMENT)
    await rating.save(update_fields=["comment"])


def comment_of(rating: Rating) -> str | None:
    """The comment in the clear: for whoever makes the return visit, never for the officer who was rated."""
    return vault().ring.open_text(rating.comment, COMMENT) if rating.comment else None


# --- not wanting to be asked ------------------------------------------------------------------------------------------


@atomic()
async def opt_out(actor: Actor, person_id: UUID, channel: str) -> None:
    """The person does not want to be asked any more; open ratings stay open, no new one is sent."""
    _, new = await RatingOptOut.get_or_create(person_id=person_id, defaults={"channel": channel})
    if new:
        await audit.record("rating.opted_out", actor, ("person", person_id), channel=channel)


@atomic()
async def opt_in(actor: Actor, person_id: UUID) -> None:
    """The person wants to be asked again."""
    if await RatingOptOut.filter(person_id=person_id).delete():
        await audit.record("rating.opted_in", actor, ("person", person_id))
