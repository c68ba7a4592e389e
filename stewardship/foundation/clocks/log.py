"""The log of a clock: append-only entries from which everything else follows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from stewardship.foundation.clocks.errors import InvalidLog


class Kind(StrEnum):
    """What happened. Only RESPONDED, CLARIFICATION_ASKED and ANSWERED are a person's reply that the party sees."""

    HANDED_OVER = "handed_over"
    """The clock has this owner, unit, policy and calendar from now on. Every log starts with one. Needs `binding`."""
    ASKED = "asked"
    """A party's message that wants an answer; for an order, that it was given. `started_at` may be earlier."""
    RESPONDED = "responded"
    """A person replied, but has not answered yet. Needs `person` and `channel`."""
    CLARIFICATION_ASKED = "clarification_asked"
    """A person asked the party back; no answer, yet a reply. Needs `person` and `channel`."""
    ANSWERED = "answered"
    """A person answered in full, in writing or spoken. Needs `person` and `channel`."""
    ANSWERED_FROM_RECORD = "answered_from_record"
    """The machine answered from the record: a provisional close."""
    ACKNOWLEDGED = "acknowledged"
    """The machine said that the message arrived."""
    NOTED = "noted"
    """An internal note or a change of status: nothing that the party sees."""
    CLOSED = "closed"
    """Needs no reply (thanks, withdrawn, duplicate). Needs `reason` and `person`."""
    CHALLENGED = "challenged"
    """The party says that the answer from the record did not answer."""
    REOPENED = "reopened"
    """The matter is open again after it was closed, in a new episode. Needs `reason`."""
    MERGED_INTO = "merged_into"
    """This clock's matter went into `other`; nothing more happens here."""
    MERGED_FROM = "merged_from"
    """The matter of `other` came in. `started_at` is its earliest unanswered time (None: nobody waits there any more,
    and no time changes here), `responded_at` its first reply."""
    PAUSED = "paused"
    """The full answer waits for something outside the unit. Needs `reason` and `person`."""
    RESUMED = "resumed"
    """It waits no longer."""
    POLICY_CHANGED = "policy_changed"
    """An open clock has this policy from now on. Needs `policy`."""
    CALENDAR_CHANGED = "calendar_changed"
    """An open clock has this calendar from now on. Needs `calendar`."""
    OWNER_ABSENT = "owner_absent"
    """The owner rests, is on leave or on a call-out: the next level hears at once. Needs `reason`."""


class Channel(StrEnum):
    """How a person's reply reached the party."""

    MESSAGE = "message"
    CALL = "call"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Binding:
    """Who has the clock, and by which policy and calendar it runs (the ids of their stored versions)."""

    owner: UUID
    unit: UUID
    policy: UUID
    calendar: UUID


_REPLIES = frozenset({Kind.RESPONDED, Kind.CLARIFICATION_ASKED, Kind.ANSWERED})
_NEEDS: Mapping[Kind, tuple[str, ...]] = {
    Kind.HANDED_OVER: ("binding",),
    Kind.RESPONDED: ("person", "channel"),
    Kind.CLARIFICATION_ASKED: ("person", "channel"),
    Kind.ANSWERED: ("person", "channel"),
    Kind.CLOSED: ("reason", "person"),
    Kind.REOPENED: ("reason",),
    Kind.MERGED_INTO: ("other",),
    Kind.MERGED_FROM: ("other",),
    Kind.PAUSED: ("reason", "person"),
    Kind.POLICY_CHANGED: ("policy",),
    Kind.CALENDAR_CHANGED: ("calendar",),
    Kind.OWNER_ABSENT: ("reason",),
}
_STARTS = frozenset({Kind.ASKED, Kind.MERGED_FROM, Kind.REOPENED})


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a clock's log. Entries hold ids and codes, never a name or a message's text.

    Instants are aware. Raises InvalidLog where the kind lacks a field or an instant is naive or out of order.
    """

    id: UUID
    seq: int
    """Its place in the log, which decides between entries of the same instant."""
    at: datetime
    """When it happened. A logged call may have happened before it was written down."""
    kind: Kind
    binding: Binding | None = None
    started_at: datetime | None = None
    """ASKED, MERGED_FROM, REOPENED: since when the party waits, if before `at`."""
    responded_at: datetime | None = None
    """MERGED_FROM: the other clock's first reply, where it went to the same party."""
    person: UUID | None = None
    channel: Channel | None = None
    visible: bool = True
    """Replies: whether the party can see it. An internal one counts for nothing."""
    reason: str | None = None
    """A short code."""
    other: UUID | None = None
    policy: UUID | None = None
    calendar: UUID | None = None

    def __post_init__(self) -> None:
        missing = [name for name in _NEEDS.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise InvalidLog(f"{self.kind} needs {', '.join(missing)}")
        for name in ("at", "started_at", "responded_at"):
            moment = getattr(self, name)
            if moment is not None and (moment.tzinfo is None or moment > self.at):
                raise InvalidLog(f"{self.kind}: {name} must be aware and not after `at`")
        if self.started_at is not None and self.kind not in _STARTS:
            raise InvalidLog(f"{self.kind} has no started_at")
        if self.responded_at is not None and self.started_at is not None and self.responded_at < self.started_at:
            raise InvalidLog("responded_at lies before started_at")
        if self.reason is not None and len(self.reason) > 64:
            raise InvalidLog("a reason is a code of at most 64 characters")

    @property
    def is_reply(self) -> bool:
        """Whether a person replied and the party can see it."""
        return self.kind in _REPLIES and self.visible

    @property
    def since(self) -> datetime:
        """Since when the party waits, as far as this entry tells."""
        return self.started_at or self.at

    def data(self) -> dict[str, Any]:
        """What is left besides id, seq, at and kind, as plain JSON values without the empty ones."""
        found: dict[str, Any] = {} if self.visible else {"visible": False}
        if self.binding is not None:
            found["binding"] = {name: str(getattr(self.binding, name)) for name in Binding.__slots__}
        for name in ("started_at", "responded_at"):
            if (moment := getattr(self, name)) is not None:
                found[name] = moment.astimezone(UTC).isoformat()
        for name in ("person", "other", "policy", "calendar", "channel", "reason"):
            if (value := getattr(self, name)) is not None:
                found[name] = str(value)
        return found

    @classmethod
    def from_data(cls, id: UUID, seq: int, at: datetime, kind: str, data: Mapping[str, Any]) -> Self:
        """The entry of which `data()` gave the rest. Raises InvalidLog where something is missing or wrong."""
        try:
            values: dict[str, Any] = {"visible": data.get("visible", True), "reason": data.get("reason")}
            if (binding := data.get("binding")) is not None:
                values["binding"] = Binding(**{name: UUID(binding[name]) for name in Binding.__slots__})
            for name in ("started_at", "responded_at"):
                values[name] = datetime.fromisoformat(data[name]) if name in data else None
            for name in ("person", "other", "policy", "calendar"):
                values[name] = UUID(data[name]) if name in data else None
            values["channel"] = Channel(data["channel"]) if "channel" in data else None
            return cls(id, seq, at, Kind(kind), **values)
        except InvalidLog:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidLog(f"entry {seq}: {error}") from error


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Each entry once, by instant and place. Raises InvalidLog where one id names two different entries."""
    by_id: dict[UUID, Entry] = {}
    for entry in entries:
        if by_id.setdefault(entry.id, entry) != entry:
            raise InvalidLog(f"two different entries share the id {entry.id}")
    return sorted(by_id.values(), key=lambda entry: (entry.at, entry.seq, entry.id.int))
