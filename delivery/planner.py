"""Which channels can carry a message now, in which order, and by name why the others cannot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from delivery.channels.base import ABILITIES
from delivery.models import Channel
from delivery.recipients import Credit, Identity, Phone, Protected, Recipient, Window
from delivery.registry import Entry
from delivery.templates import SAFE_PRETEXT, ActiveTemplate, Templates
from kit import clock

QUIET_FROM, QUIET_TO = time(21), time(8)
"""No SMS rings between them, Chinese time, unless the notice's entry says so."""
MESSAGE_WINDOW, MESSAGE_COUNT = timedelta(hours=48), 5
TOUCH_WINDOW, TOUCH_COUNT = timedelta(minutes=1), 3
"""Customer-service messages of an official account (wechat.md section 3)."""
MARGIN = timedelta(seconds=5)
"""A window about to close counts as closed: the message takes a while to get there."""


class Skip(StrEnum):
    """Why a channel cannot carry a message now."""

    NOT_CONNECTED = "not_connected"
    """This installation does not have the channel."""
    TRIED = "tried"
    """It refused this message before."""
    NO_IDENTITY = "no_identity"
    NOT_FOLLOWING = "not_following"
    REFUSES = "refuses"
    WINDOW_CLOSED = "window_closed"
    WINDOW_USED_UP = "window_used_up"
    NO_TEMPLATE = "no_template"
    """None is active for this notice."""
    NO_CREDIT = "no_credit"
    CONSENT_REFUSED = "consent_refused"
    NO_PHONE = "no_phone"
    OPTED_OUT = "opted_out"
    QUIET_HOURS = "quiet_hours"
    OFF_DUTY = "off_duty"
    """An officer's rest is theirs: it waits in the queue until duty starts."""
    PROTECTED = "protected"
    """The person may be reached by the safe way only."""


class Book(StrEnum):
    """What a send uses up, kept in our books and reserved before it."""

    TOUCH_WINDOW = "touch_window"
    MESSAGE_WINDOW = "message_window"
    CREDIT = "credit"


@dataclass(slots=True)
class Option:
    """A way to send. `books`: the first that grants one is used; empty: nothing is used up."""

    channel: Channel
    target: Identity | Phone
    template: ActiveTemplate | None = None
    books: tuple[Book, ...] = ()
    pretext: bool = False
    """Say the pretext, not the notice."""


@dataclass(slots=True)
class Plan:
    """Options in order. Once none is left: `later` says when to plan again, else nothing can carry it."""

    options: tuple[Option, ...]
    skipped: Mapping[Channel, Skip]
    later: datetime | None = None
    safe_call_needed: bool = False

    @property
    def off_duty(self) -> bool:
        """Whether it waits for an officer's duty to start."""
        return Skip.OFF_DUTY in self.skipped.values()

    @property
    def reason(self) -> str:
        """Why there is no option: the last resort, and what keeps it from being used."""
        if self.safe_call_needed:
            return "safe_call_needed"
        last = list(self.skipped.items())[-1:]
        return f"{last[0][0].value}:{last[0][1].value}" if last else "no_channel"


@dataclass(slots=True)
class _Situation:
    entry: Entry
    recipient: Recipient
    templates: Templates
    now: datetime

    def template(self, channel: Channel) -> ActiveTemplate | None:
        return self.templates.get((self.entry.notice, channel))


def plan(
    entry: Entry,
    recipient: Recipient,
    templates: Templates,
    now: datetime,
    *,
    connected: frozenset[Channel] = frozenset(Channel),
    refused: frozenset[Channel] = frozenset(),
) -> Plan:
    """Plan one message. `now`: UTC, domain clock; `refused`: channels that refused this message before."""
    if recipient.protected is not None:
        return _plan_protected(entry, recipient.protected, templates, now, connected - refused)
    if recipient.off_duty_until is not None and recipient.off_duty_until > now and not entry.threat:
        return Plan((), dict.fromkeys(entry.channels, Skip.OFF_DUTY), recipient.off_duty_until)
    situation = _Situation(entry, recipient, templates, now)
    options: list[Option] = []
    skipped: dict[Channel, Skip] = {}
    for channel in _order(entry, recipient):
        found: Option | Skip
        if channel not in connected:
            found = Skip.NOT_CONNECTED
        elif channel in refused:
            found = Skip.TRIED
        else:
            found = _CONSIDER[ABILITIES[channel].address](channel, situation)
        if isinstance(found, Skip):
            skipped[channel] = found
        else:
            options.append(found)
    later = quiet_until(now) if Skip.QUIET_HOURS in skipped.values() else None
    return Plan(tuple(options), skipped, later)


def _order(entry: Entry, recipient: Recipient) -> tuple[Channel, ...]:
    """Elderly people read an SMS sooner than a service notification that opens a mini-program."""
    if not recipient.elderly:
        return entry.channels
    return tuple(sorted(entry.channels, key=lambda channel: channel is Channel.MP_SUBSCRIBE))


def _official_account(channel: Channel, situation: _Situation) -> Option | Skip:
    identity, abilities = situation.recipient.oa, ABILITIES[channel]
    if identity is None:
        return Skip.NO_IDENTITY
    if identity.refused:
        return Skip.REFUSES
    if abilities.needs_following and not identity.following:
        return Skip.NOT_FOLLOWING
    if abilities.needs_window:
        found = open_windows(identity, situation.now)
        return found if isinstance(found, Skip) else Option(channel, identity, books=found)
    template = situation.template(channel)
    return Option(channel, identity, template) if template else Skip.NO_TEMPLATE


def _mini_program(channel: Channel, situation: _Situation) -> Option | Skip:
    identity, template = situation.recipient.mp, situation.template(channel)
    if identity is None:
        return Skip.NO_IDENTITY
    if identity.refused:
        return Skip.REFUSES
    if template is None:
        return Skip.NO_TEMPLATE
    credit = next((each for each in identity.credits if each.template_id == template.template_id), Credit(""))
    if credit.refused:
        return Skip.CONSENT_REFUSED
    if not credit.long_term and credit.remaining < 1:
        return Skip.NO_CREDIT
    return Option(channel, identity, template, (Book.CREDIT,))


def _telephone(channel: Channel, situation: _Situation) -> Option | Skip:
    phones, template = situation.recipient.phones, situation.template(channel)
    if not phones:
        return Skip.NO_PHONE
    phone = next((each for each in phones if not each.opted_out), None)
    if phone is None:
        return Skip.OPTED_OUT
    if template is None:
        return Skip.NO_TEMPLATE
    if ABILITIES[channel].rings and not situation.entry.at_night and quiet_until(situation.now):
        return Skip.QUIET_HOURS
    return Option(channel, phone, template)


_CONSIDER: Mapping[str, Callable[[Channel, _Situation], Option | Skip]] = {
    "oa": _official_account,
    "mp": _mini_program,
    "phone": _telephone,
}


def _plan_protected(
    entry: Entry, safe: Protected, templates: Templates, now: datetime, usable: frozenset[Channel]
) -> Plan:
    """Only the safe phone, in its hours, by the pretext; else somebody calls safely."""
    skipped = dict.fromkeys(entry.channels, Skip.PROTECTED)
    template = templates.get((SAFE_PRETEXT, Channel.SMS))
    if Channel.SMS not in usable or template is None or safe.phone is None or safe.phone.opted_out:
        return Plan((), skipped, safe_call_needed=True)
    if not safe.pretext.strip() or safe.hours_from >= safe.hours_to:
        return Plan((), skipped, safe_call_needed=True)
    later = _hours_begin(safe, now)
    if later is not None:
        return Plan((), skipped, later)
    return Plan((Option(Channel.SMS, safe.phone, template, pretext=True),), skipped)


def _hours_begin(safe: Protected, now: datetime) -> datetime | None:
    """When the hours begin next; None within them."""
    local = clock.local(now)
    minute = local.hour * 60 + local.minute
    if safe.hours_from <= minute < safe.hours_to:
        return None
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + timedelta(minutes=safe.hours_from)
    return start if start > local else start + timedelta(days=1)


def quiet_until(now: datetime) -> datetime | None:
    """At night when it ends; None by day."""
    local = clock.local(now)
    if QUIET_TO <= local.time() < QUIET_FROM:
        return None
    morning = local.replace(hour=QUIET_TO.hour, minute=0, second=0, microsecond=0)
    return morning if morning > local else morning + timedelta(days=1)


def open_windows(identity: Identity, now: datetime) -> tuple[Book, ...] | Skip:
    """The windows that allow a message, the one that ends first in front."""
    windows = (
        (Book.TOUCH_WINDOW, identity.touch_window, TOUCH_WINDOW, TOUCH_COUNT),
        (Book.MESSAGE_WINDOW, identity.message_window, MESSAGE_WINDOW, MESSAGE_COUNT),
    )
    running = [(book, window, count) for book, window, length, count in windows if _is_open(window, length, now)]
    usable = tuple(book for book, window, count in running if window.used < count)
    if usable:
        return usable
    return Skip.WINDOW_USED_UP if running else Skip.WINDOW_CLOSED


def _is_open(window: Window, length: timedelta, now: datetime) -> bool:
    return window.opened_at is not None and now < window.opened_at + length - MARGIN
