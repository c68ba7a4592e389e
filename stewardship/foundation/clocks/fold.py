"""From the log's entries, in order, to drafts of episodes: who had the clock in which status from when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from stewardship.foundation.clocks.errors import InvalidLog
from stewardship.foundation.clocks.log import Binding, Entry, Kind
from stewardship.foundation.clocks.policy import Policy
from stewardship.foundation.clocks.state import Counters, Reply, Status

OPEN = (Status.OPEN, Status.PAUSED)
UNSETTLED = (Status.OPEN, Status.PAUSED, Status.PROVISIONAL)


class Turn(NamedTuple):
    """From `at` on, until the next turn."""

    at: datetime
    status: Status
    binding: Binding
    absent: bool
    """The owner was noted as absent."""


@dataclass(slots=True)
class Draft:
    """One episode while the log is read."""

    number: int
    since: datetime
    """The earliest unanswered message. It may still move earlier, never later."""
    turns: list[Turn]
    status: Status = Status.OPEN
    first: Reply | None = None
    full: Reply | None = None
    closed_at: datetime | None = None
    close_reason: str | None = None
    challenge_until: datetime | None = None
    for_party: bool = False
    """Paused because the party was asked back."""
    for_others: bool = False
    """Paused for a stated reason."""

    def turn(self, at: datetime, binding: Binding, *, absent: bool | None = None) -> None:
        """Whatever just changed holds from now on."""
        kept = self.turns[-1].absent if absent is None else absent
        self.turns.append(Turn(at, self.status, binding, kept))

    def close(self, at: datetime, status: Status, reason: str | None = None) -> None:
        self.status, self.closed_at, self.close_reason = status, at, reason
        self.for_party = self.for_others = False
        self.challenge_until = None


@dataclass(slots=True)
class Fold:
    """Reads entries one by one. `take` raises InvalidLog."""

    policies: Mapping[UUID, Policy]
    drafts: list[Draft] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    merged_into: UUID | None = None
    last: Entry | None = None
    _binding: Binding | None = None

    @property
    def binding(self) -> Binding:
        if self._binding is None:
            raise InvalidLog("the log must start with a hand-over to an owner")
        return self._binding

    @property
    def counters(self) -> Counters:
        return Counters(**self.counts)

    def take(self, entry: Entry) -> None:
        """Apply the next entry; one that changes nothing where it stands is counted as ignored."""
        self.last = entry
        if entry.is_reply or entry.kind not in _REPLY_KINDS:
            _HANDLERS[entry.kind](self, entry)

    # --- who has it ---------------------------------------------------------------------------------------------------

    def _hand_over(self, entry: Entry) -> None:
        if entry.binding is None:
            raise InvalidLog("a hand-over needs its binding")
        before, self._binding = self._binding, entry.binding
        if before is not None and (before.owner, before.unit) != (entry.binding.owner, entry.binding.unit):
            self.counts["handed_over"] += 1
        self._rebind(entry, absent=False)

    def _change_policy(self, entry: Entry) -> None:
        self._binding = replace(self.binding, policy=entry.policy or self.binding.policy)
        self._rebind(entry)

    def _change_calendar(self, entry: Entry) -> None:
        self._binding = replace(self.binding, calendar=entry.calendar or self.binding.calendar)
        self._rebind(entry)

    def _rebind(self, entry: Entry, *, absent: bool | None = None) -> None:
        """Only what is not settled runs on under the new binding; closed episodes never change."""
        draft = self._current(UNSETTLED)
        if draft is not None:
            draft.turn(entry.at, self.binding, absent=absent)

    def _owner_absent(self, entry: Entry) -> None:
        draft = self._current(OPEN)
        if draft is None:
            return self._ignore()
        return draft.turn(entry.at, self.binding, absent=True)

    # --- the party ----------------------------------------------------------------------------------------------------

    def _ask(self, entry: Entry) -> None:
        self.counts["asked"] += 1
        self._wait_since(entry, entry.since)

    def _merge_from(self, entry: Entry) -> None:
        self.counts["merged"] += 1
        if entry.started_at is None:
            return
        draft = self._wait_since(entry, entry.started_at)
        if entry.responded_at is not None and draft.first is None:
            draft.first = Reply(entry.responded_at, None, entry.kind, None)

    def _wait_since(self, entry: Entry, since: datetime) -> Draft:
        """The open episode with this message in it, or a new one: no question is ever without a running clock."""
        draft = self._current(OPEN)
        if draft is None:
            return self._start(entry, since)
        draft.since = min(draft.since, since)
        if draft.for_party and entry.kind is Kind.ASKED:
            draft.for_party = False
            self._pause_or_run(draft, entry)
        return draft

    def _challenge(self, entry: Entry) -> None:
        draft = self._current(UNSETTLED)
        if draft is not None and draft.status in OPEN:
            return self._ignore()
        if draft is not None and draft.challenge_until is not None and entry.at <= draft.challenge_until:
            self.counts["challenged"] += 1
            draft.status, draft.closed_at, draft.challenge_until = Status.OPEN, None, None
            return draft.turn(entry.at, self.binding)
        self.counts["reopened"] += 1
        self._start(entry, entry.since)
        return None

    # --- the unit -----------------------------------------------------------------------------------------------------

    def _respond(self, entry: Entry) -> Draft | None:
        """A person's reply that the party sees; None where nothing waits for one."""
        draft = self._current(UNSETTLED)
        if draft is None:
            self._ignore()
            return None
        self.counts["replies"] += 1
        if draft.first is None:
            draft.first = Reply(entry.at, entry.person, entry.kind, entry.channel)
        return draft

    def _ask_back(self, entry: Entry) -> None:
        draft = self._respond(entry)
        if draft is None:
            return
        self.counts["clarifications"] += 1
        if draft.status in OPEN:
            draft.for_party = True
            self._pause_or_run(draft, entry)

    def _answer(self, entry: Entry) -> None:
        draft = self._respond(entry)
        if draft is not None:
            draft.full = Reply(entry.at, entry.person, entry.kind, entry.channel)
            draft.close(entry.at, Status.ANSWERED)

    def _answer_from_record(self, entry: Entry) -> None:
        draft = self._current(OPEN)
        if draft is None:
            return self._ignore()
        self.counts["answered_from_record"] += 1
        draft.close(entry.at, Status.PROVISIONAL)
        draft.challenge_until = entry.at + self._policy().challenge_window
        return draft.turn(entry.at, self.binding)

    def _acknowledge(self, entry: Entry) -> None:
        self.counts["acknowledged"] += 1

    def _note(self, entry: Entry) -> None:
        """Nothing that the party sees, so nothing changes."""

    def _close(self, entry: Entry) -> None:
        """An answer from the record cannot be closed like this: that would take the challenge away."""
        draft = self._current(OPEN)
        if draft is None:
            return self._ignore()
        return draft.close(entry.at, Status.CLOSED, entry.reason)

    def _merge_into(self, entry: Entry) -> None:
        self.merged_into = entry.other
        draft = self._current(UNSETTLED)
        if draft is not None:
            draft.close(entry.at, Status.MERGED)

    def _pause(self, entry: Entry) -> None:
        draft = self._current(OPEN)
        if draft is None or draft.for_others:
            return self._ignore()
        draft.for_others = True
        return self._pause_or_run(draft, entry)

    def _resume(self, entry: Entry) -> None:
        draft = self._current((Status.PAUSED,))
        if draft is None:
            return self._ignore()
        draft.for_party = draft.for_others = False
        return self._pause_or_run(draft, entry)

    # --- parts --------------------------------------------------------------------------------------------------------

    def _pause_or_run(self, draft: Draft, entry: Entry) -> None:
        status = Status.PAUSED if draft.for_party or draft.for_others else Status.OPEN
        if status is not draft.status:
            draft.status = status
            draft.turn(entry.at, self.binding)

    def _start(self, entry: Entry, since: datetime) -> Draft:
        draft = Draft(len(self.drafts) + 1, since, [Turn(since, Status.OPEN, self.binding, absent=False)])
        self.drafts.append(draft)
        return draft

    def _current(self, among: tuple[Status, ...]) -> Draft | None:
        return self.drafts[-1] if self.drafts and self.drafts[-1].status in among else None

    def _policy(self) -> Policy:
        try:
            return self.policies[self.binding.policy]
        except KeyError:
            raise InvalidLog(f"policy {self.binding.policy} is not given") from None

    def _ignore(self) -> None:
        self.counts["ignored"] += 1


_REPLY_KINDS = frozenset({Kind.RESPONDED, Kind.CLARIFICATION_ASKED, Kind.ANSWERED})
_HANDLERS: Mapping[Kind, Callable[[Fold, Entry], object]] = {
    Kind.HANDED_OVER: Fold._hand_over,
    Kind.ASKED: Fold._ask,
    Kind.RESPONDED: Fold._respond,
    Kind.CLARIFICATION_ASKED: Fold._ask_back,
    Kind.ANSWERED: Fold._answer,
    Kind.ANSWERED_FROM_RECORD: Fold._answer_from_record,
    Kind.ACKNOWLEDGED: Fold._acknowledge,
    Kind.NOTED: Fold._note,
    Kind.CLOSED: Fold._close,
    Kind.CHALLENGED: Fold._challenge,
    Kind.REOPENED: Fold._challenge,
    Kind.MERGED_INTO: Fold._merge_into,
    Kind.MERGED_FROM: Fold._merge_from,
    Kind.PAUSED: Fold._pause,
    Kind.RESUMED: Fold._resume,
    Kind.POLICY_CHANGED: Fold._change_policy,
    Kind.CALENDAR_CHANGED: Fold._change_calendar,
    Kind.OWNER_ABSENT: Fold._owner_absent,
}
