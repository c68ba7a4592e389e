"""Who an update reaches, and whether it says anything new."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from stewardship.casework.cases.models import CaseKind
from stewardship.casework.disclosure.rules import Topic, may_be_told
from stewardship.casework.parties.models import Side
from stewardship.casework.updates.models import AudienceKind

NEAR_COPY = 0.9
"""Above this similarity an update repeats the last one, and counts as silence."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A joined member, with what decides whether an update may reach them."""

    member_id: UUID
    side: Side
    roles: frozenset[str]
    protected: bool


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom an update is addressed."""

    kind: AudienceKind
    sides: frozenset[Side] = frozenset()
    member_ids: frozenset[UUID] = frozenset()

    def addresses(self, candidate: Candidate) -> bool:
        """Whether the update is meant for this member."""
        if self.kind is AudienceKind.EVERYONE:
            return True
        if self.kind is AudienceKind.SIDES:
            return candidate.side in self.sides
        return candidate.member_id in self.member_ids


def recipients(candidates: Sequence[Candidate], audience: Audience, kind: CaseKind | None) -> list[Candidate]:
    """The members an update reaches: addressed, and allowed to be told of updates at all."""
    return [c for c in candidates if audience.addresses(c) and may_be_told(c.roles, kind, Topic.UPDATES)]


def held_back(addressed: Collection[Candidate], everyone: Collection[Candidate]) -> frozenset[UUID]:
    """The addressees who must wait until a protected person of the case has been told safely.

    An update that reaches anybody but a protected person may stir up the one they are protected from; so where the case
    has a protected party, everybody on another side waits.
    """
    protected_sides = {c.side for c in everyone if c.protected}
    if not protected_sides:
        return frozenset()
    return frozenset(c.member_id for c in addressed if not c.protected and c.side not in protected_sides)


def is_near_copy(text: str, last: str | None) -> bool:
    """Whether the text repeats the last update but for a word or two."""
    if last is None:
        return False
    mine, theirs = (re.sub(r"[\s\W\d]+", "", each) for each in (text, last))
    return difflib.SequenceMatcher(None, mine, theirs).ratio() >= NEAR_COPY
