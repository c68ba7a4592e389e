"""What becomes of a message: before a try by its plan, after a try by its result. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from delivery import books
from delivery.channels.base import ABILITIES, Cause, Result
from delivery.contexts import Context
from delivery.hooks import Fact
from delivery.ledger import Attempt, Change, Loaded
from delivery.models import Channel, MessageState, Outcome
from delivery.planner import Option, Plan, Skip
from delivery.recipients import Dropped, Identity, Recipient

PATIENCE = 4
"""Tries after which another channel is taken, where there is one."""
MOST_TRIES = 12
"""After which a message has failed: about an hour and a half on the last channel."""
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=5), timedelta(minutes=30)
_AT_LEAST: Mapping[Cause | Fact | None, timedelta] = {
    Cause.MINUTE_QUOTA: timedelta(minutes=1),
    Cause.DAY_QUOTA: timedelta(hours=1),
    Cause.MISCONFIGURED: timedelta(minutes=30),
}
"""The delay before a next try."""
WAITS_FOR_MORNING, WAITS_FOR_SAFE_HOURS = "waits_for_morning", "waits_for_safe_hours"
WAITS_FOR_DUTY = "waits_for_duty"
"""Reasons of a message that stays QUEUED."""
REPEATABLE_FOR = timedelta(minutes=9)
"""An idempotent channel forgets what it sent after ten minutes."""


@dataclass(slots=True)
class Work:
    """One message of a chunk on its way through the dispatcher."""

    loaded: Loaded
    to: Recipient | Dropped
    plan: Plan
    context: Context | None
    """None where what is stored cannot be read any more."""
    refused: list[Channel] = field(default_factory=list)
    """In this run, in order."""
    option: Option | None = None
    share: books.Entry | None = None
    """What this try uses up."""

    @property
    def tries(self) -> int:
        return self.loaded.tries

    @property
    def is_repeat(self) -> bool:
        """Whether an earlier try on the same channel may have gone."""
        return self.loaded.state is MessageState.SENDING

    def remaining(self) -> list[Option]:
        """The options that did not refuse yet; for a repeat only the channel of the try that is repeated."""
        if self.is_repeat:
            return [option for option in self.plan.options if option.channel is self.loaded.channel]
        return [option for option in self.plan.options if option.channel not in self.refused]

    def first(self) -> Option | None:
        """The option that is tried next."""
        if self.refused or self.is_repeat:
            return next(iter(self.remaining()), None)
        return self.plan.options[0] if self.plan.options else None

    def is_last(self) -> bool:
        """Whether no other channel is left behind the current one."""
        return all(self.option is not None and each.channel is self.option.channel for each in self.remaining())


@dataclass(slots=True)
class Verdict:
    """What to record of one message, and what follows."""

    work: Work
    change: Change
    attempt: Attempt | None = None
    again_after: timedelta | None = None
    """A job of its own, so long from now in real time."""
    fact: Fact | None = None
    template_id: str | None = None
    give_back: books.Entry | None = None
    """What the try had taken, where nothing was sent."""
    void: books.Entry | None = None
    """What the platform says there is none of."""

    @property
    def ended_badly(self) -> bool:
        """Whether the hook `failed` hears of it."""
        return self.change.state is MessageState.FAILED


def target_id_of(option: Option) -> UUID:
    """The identity's or the contact's id."""
    return option.target.identity_id if isinstance(option.target, Identity) else option.target.contact_id


def before_sending(work: Work, now: datetime) -> Verdict | None:
    """Why the message is not sent now; None: it is to be tried."""
    if work.is_repeat:
        return None if may_repeat(work, now) else _interrupted(work)
    if isinstance(work.to, Dropped):
        return _settle(work, MessageState.CANCELLED, work.to.reason)
    if hopeless := _hopeless(work, now):
        return _settle(work, MessageState.FAILED, hopeless)
    if work.first() is not None:
        return None
    if work.plan.later is not None:
        return _later(work, work.plan.later, now)
    return _settle(work, MessageState.FAILED, _why_none(work))


def _hopeless(work: Work, now: datetime) -> str:
    if work.loaded.expires_at is not None and work.loaded.expires_at <= now:
        return "expired"
    return "unreadable_context" if work.context is None else ""


def _why_none(work: Work) -> str:
    return f"{work.refused[-1].value}:refused" if work.refused else work.plan.reason


def _later(work: Work, until: datetime, now: datetime) -> Verdict:
    expires_at = work.loaded.expires_at
    if work.plan.off_duty and expires_at is not None and expires_at <= until:
        # What it says stands in the officer's queue when they come back; nothing failed.
        return _settle(work, MessageState.CANCELLED, Skip.OFF_DUTY.value)
    if expires_at is not None and expires_at <= until:
        # It would be too late then; better that somebody hears of it now.
        return _settle(work, MessageState.FAILED, _why_none(work))
    safe = isinstance(work.to, Recipient) and work.to.protected is not None
    waits = WAITS_FOR_DUTY if work.plan.off_duty else WAITS_FOR_MORNING
    reason = WAITS_FOR_SAFE_HOURS if safe else waits
    return Verdict(work, Change(work.loaded.view.id, work.tries, MessageState.QUEUED, reason), again_after=until - now)


def may_repeat(work: Work, now: datetime) -> bool:
    """Whether a try that was interrupted may simply be made again: the channel would notice."""
    channel, sent_at = work.loaded.channel, work.loaded.sent_at
    if channel is None or sent_at is None or not ABILITIES[channel].idempotent or isinstance(work.to, Dropped):
        return False
    if work.context is None or work.tries >= PATIENCE or now >= sent_at + REPEATABLE_FOR:
        return False
    return bool(work.remaining())


def _interrupted(work: Work) -> Verdict:
    """A worker ended between sending and recording: nobody knows whether it went."""
    loaded = work.loaded
    channel = loaded.channel or Channel.SMS
    option = next((each for each in work.plan.options if each.channel is channel), None)
    target = target_id_of(option) if option else None
    return Verdict(
        work,
        Change(loaded.view.id, loaded.tries, MessageState.UNKNOWN, "interrupted"),
        Attempt(loaded.view.id, channel, target, Outcome.UNKNOWN, "interrupted"),
    )


def _settle(work: Work, state: MessageState, reason: str) -> Verdict:
    return Verdict(work, Change(work.loaded.view.id, work.tries, state, reason))


def after_sending(work: Work, result: Result, now: datetime) -> Verdict:
    """What becomes of the message by what came of the try that `work.option` was."""
    if result.outcome is Outcome.SENT:
        return _verdict(work, result, MessageState.SENT)
    if result.outcome is Outcome.UNKNOWN or work.is_repeat:
        return _unknown(work, result, now)
    # Where an administrator must act, or tomorrow come, the message is kept while it is worth anything.
    patient = result.cause in {Cause.MISCONFIGURED, Cause.DAY_QUOTA} and work.is_last()
    if result.outcome is Outcome.RETRY or patient:
        return _retry(work, result)
    return _refused(work, result)


def _unknown(work: Work, result: Result, now: datetime) -> Verdict:
    """Never repeated blindly; an idempotent channel is asked again and answers 'duplicate' if it went.

    Until then the message stays SENDING: on another channel it could arrive twice. A refusal of the repeat says nothing
    about the try before.
    """
    channel = work.option.channel if work.option else Channel.SMS
    since = work.loaded.sent_at or now
    if ABILITIES[channel].idempotent and work.tries < PATIENCE and now < since + REPEATABLE_FOR:
        return _verdict(work, result, MessageState.SENDING, again_after=backoff(work.tries))
    return _verdict(work, result, MessageState.UNKNOWN)


def _retry(work: Work, result: Result) -> Verdict:
    if work.tries >= PATIENCE and not work.is_last():
        return _refused(work, result)
    if work.tries >= MOST_TRIES:
        return _verdict(work, result, MessageState.FAILED, "exhausted", give_back=True)
    delay = max(backoff(work.tries), _AT_LEAST.get(result.cause, FIRST_DELAY))
    return _verdict(work, result, MessageState.QUEUED, "retry", give_back=True, again_after=delay)


def _refused(work: Work, result: Result) -> Verdict:
    """Back into the queue without this channel; the dispatcher plans the next one at once."""
    fact = result.cause if isinstance(result.cause, Fact) else None
    stale = result.cause in {Cause.WINDOW_CLOSED, Fact.NO_CONSENT}
    return _verdict(work, result, MessageState.QUEUED, "refused", fact=fact, void=stale, give_back=not stale)


def _verdict(
    work: Work,
    result: Result,
    state: MessageState,
    reason: str = "",
    *,
    again_after: timedelta | None = None,
    fact: Fact | None = None,
    give_back: bool = False,
    void: bool = False,
) -> Verdict:
    option = work.option
    if option is None:
        raise ValueError("nothing was tried")
    id_ = work.loaded.view.id
    refused = option.channel if reason == "refused" else None
    template_id = option.template.template_id if option.template else None
    change = Change(id_, work.tries, state, reason, refused, result.platform_id)
    attempt = Attempt(
        id_,
        option.channel,
        target_id_of(option),
        result.outcome,
        result.code or (result.cause.value if result.cause else ""),
        result.platform_id,
        result.segments,
    )
    return Verdict(
        work,
        change,
        attempt,
        again_after,
        fact,
        template_id,
        give_back=work.share if give_back else None,
        void=work.share if void else None,
    )


def backoff(tries: int) -> timedelta:
    """After try number `tries`: 5 s, 10 s, 20 s … 30 minutes."""
    return min(LONGEST_DELAY, FIRST_DELAY * float(2 ** min(max(tries, 1) - 1, 12)))
