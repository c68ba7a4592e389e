"""Which open pages a change concerns: what a hint is about, and what an officer follows. See `kit.hints`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from kit import database
from kit.hints import Hint
from stewardship.casework.cases.service import CASE_READERS
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor

EVERYWHERE = frozenset({"queue", "cases", "figures"})
"""Lists that any change of a case may alter."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Topics to look at again, and whom that concerns: these officers, and whoever follows the unit."""

    topics: frozenset[str]
    officers: frozenset[UUID]
    unit_id: UUID | None


@dataclass(frozen=True, slots=True)
class Interests:
    """What an officer follows: what is theirs, and the units that they supervise or whose desk they keep."""

    officer_id: UUID | None
    units: frozenset[UUID]

    def include(self, concern: Concern) -> bool:
        return self.officer_id in concern.officers or concern.unit_id in self.units


async def interests_of(actor: Actor) -> Interests:
    """As far as the officer's queue, cases and figures reach now."""
    desks = await inquiries.desks_kept(actor)
    return Interests(actor.id, actor.units(*CASE_READERS, *inquiries.QUEUE_READERS) | frozenset(desks))


OFFICERS_OF_CASES = "select id, unit_id, steward_id, deputy_id from case_file where id = any($1::uuid[])"
OWNERS = "select id, owner_id from inquiry where id = any($1::uuid[])"


async def concerns_of(hints: Sequence[Hint]) -> list[Concern]:
    """Whom these hints concern as the database has it now: two queries, however many they are."""
    case_ids = [hint.case_id for hint in hints if hint.case_id is not None]
    cases = {row["id"]: row for row in await database.fetch(OFFICERS_OF_CASES, case_ids)}
    asked = [hint.subject_id for hint in hints if hint.kind == inquiries.SUBJECT]
    owners = {row["id"]: row["owner_id"] for row in await database.fetch(OWNERS, asked)} if asked else {}
    found = []
    for hint in hints:
        case = cases.get(hint.case_id)
        officers = {*hint.others, owners.get(hint.subject_id)}
        officers |= {case["steward_id"], case["deputy_id"]} if case else set()
        unit_id = hint.unit_id or (case["unit_id"] if case else None)
        found.append(Concern(topics_of(hint), frozenset(each for each in officers if each), unit_id))
    return found


def topics_of(hint: Hint) -> frozenset[str]:
    """`queue`, `cases`, `figures`, `case:<id>`, and `<kind>:<id>` of what changed."""
    named = {f"{hint.kind}:{hint.subject_id}"} | ({f"case:{hint.case_id}"} if hint.case_id else set())
    return EVERYWHERE | named
