"""The notices: what each is for, by which channels in which order, how long it is worth sending.

What they say is in `delivery.wording`, the platform's templates are in the table `template` (`delivery.templates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from delivery.contexts import CONTEXTS, Context
from delivery.models import Channel, RecipientKind
from delivery.notice import Notice

CHAT, TEMPLATE, SUBSCRIBE, SMS = (
    Channel.OA_CUSTOMER_SERVICE,
    Channel.OA_TEMPLATE,
    Channel.MP_SUBSCRIBE,
    Channel.SMS,
)
EVERYWHERE = (CHAT, SUBSCRIBE, TEMPLATE, SMS)
"""The chat first: it says all and costs nothing; SMS last: it costs money and says least."""
TO_OFFICER = (TEMPLATE, SUBSCRIBE, CHAT, SMS)
"""The template first: it works without a window, and an officer's window is for what they write themselves."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The policy of one notice."""

    notice: Notice
    to: RecipientKind
    channels: tuple[Channel, ...]
    lifetime: timedelta
    """Not sent any more so long after it was enqueued, domain clock."""
    call_if_undelivered: bool = False
    """Where no message gets through, somebody must telephone."""
    at_night: bool = False
    """An SMS may ring between 21:00 and 8:00: it follows at once from what the recipient just did, or is on duty."""
    threat: bool = False
    """Somebody is in danger: it rings an officer who is off duty as well. Every other notice waits for their duty."""
    page: str = "pages/case/index?reference={reference}"
    """Of the mini-program; fields of the context in braces."""

    @property
    def context(self) -> type[Context]:
        """What a caller must know."""
        return CONTEXTS[self.notice]


_DESK_PAGE = "pages/desk/index?reference={reference}"


def _citizen(
    notice: Notice, days: float, *, channels: tuple[Channel, ...] = EVERYWHERE, call: bool = False, **more: bool | str
) -> Entry:
    return Entry(notice, RecipientKind.PERSON, channels, timedelta(days=days), call, **more)  # type: ignore[arg-type]  # at_night and page, by name.


def _officer(
    notice: Notice, hours: float, *, at_night: bool = False, threat: bool = False, page: str = _DESK_PAGE
) -> Entry:
    lifetime = timedelta(hours=hours)
    return Entry(notice, RecipientKind.OFFICER, TO_OFFICER, lifetime, at_night=at_night, threat=threat, page=page)


_RATING_PAGE = "pages/rate/index?token={token}"
_APPOINTMENT_PAGE = "pages/appointment/index?id={appointment}"

_ENTRIES = (
    _citizen(Notice.INVITATION, 7, channels=(SMS,), call=True, at_night=True),
    _citizen(Notice.INVITATION_REMINDER, 2, channels=(SMS,)),
    _citizen(Notice.JOINED_WELCOME, 1, channels=(CHAT, SUBSCRIBE, TEMPLATE)),
    _citizen(Notice.ENROLMENT_PENDING, 1, at_night=True),
    _citizen(Notice.UPDATE_POSTED, 7, call=True),
    _citizen(Notice.UPDATE_WITHDRAWN, 2, channels=(CHAT, SUBSCRIBE, TEMPLATE)),
    _citizen(Notice.INQUIRY_RECEIVED, 0.5, at_night=True),
    _citizen(Notice.INQUIRY_ANSWERED, 7, call=True, at_night=True),
    _citizen(Notice.INQUIRY_CLARIFICATION, 7, call=True, at_night=True),
    _citizen(Notice.INQUIRY_BREACHED, 2, call=True),
    _citizen(Notice.CALL_BACK_PROMISED, 1, at_night=True),
    _citizen(Notice.RATING_REQUEST, 7, page=_RATING_PAGE),
    _citizen(Notice.MATERIAL_RECEIVED, 2, at_night=True),
    _citizen(Notice.MATERIAL_REJECTED, 7, call=True, at_night=True),
    _citizen(Notice.VISIT_ANNOUNCED, 1),
    _officer(Notice.ENROLMENT_TO_APPROVE, 24),
    _officer(Notice.INQUIRY_WARNING, 8, at_night=True),
    _officer(Notice.INQUIRY_ESCALATED, 24, at_night=True),
    _officer(Notice.INQUIRY_OVERDUE, 48, at_night=True),
    _officer(Notice.SILENCE_REMINDER, 48),
    _officer(Notice.VISIT_ASSIGNED, 24),
    _officer(Notice.SAFE_NOTICE_DUE, 24),
    _citizen(Notice.HANDLER_CHANGED, 7, call=True),
    _citizen(Notice.APPOINTMENT_OFFERED, 2, call=True, page=_APPOINTMENT_PAGE),
    # Booking answers what the party just did; a change must be known before they set out, whatever the hour.
    _citizen(Notice.APPOINTMENT_BOOKED, 2, call=True, at_night=True, page=_APPOINTMENT_PAGE),
    _citizen(Notice.APPOINTMENT_REMINDER, 1, page=_APPOINTMENT_PAGE),
    _citizen(Notice.APPOINTMENT_MOVED, 2, call=True, at_night=True, page=_APPOINTMENT_PAGE),
    _citizen(Notice.APPOINTMENT_COLLEAGUE, 2, call=True, page=_APPOINTMENT_PAGE),
    _citizen(Notice.APPOINTMENT_CANCELLED, 2, call=True, at_night=True, page=_APPOINTMENT_PAGE),
    _citizen(Notice.WHICH_QUESTION, 0.5, channels=(SMS,), at_night=True),
    _officer(Notice.THREAT_REPORTED, 12, at_night=True, threat=True),
    _officer(Notice.APPOINTMENT_CHANGED, 48),
    _officer(Notice.HANDOVER_OFFERED, 72),
    _officer(Notice.HANDOVER_REFUSED, 72),
    _officer(Notice.HANDOVER_RETURNED, 72),
    _officer(Notice.INQUIRY_NUDGED, 8),
    _officer(Notice.INQUIRY_COMMENTED, 24),
    _officer(Notice.CONTEST_TO_DECIDE, 48),
    _officer(Notice.CONTEST_DECIDED, 48),
    _officer(Notice.DAILY_DIGEST, 8, page="pages/desk/digest"),
)

REGISTRY: dict[Notice, Entry] = {entry.notice: entry for entry in _ENTRIES}
"""Every notice."""


def page_of(context: Context) -> str:
    """The mini-program page that a message opens, with its query."""
    return REGISTRY[context.notice].page.format_map(vars(context))
