"""Rows of the past, gathered and written in bulk; nothing wakes up by them, because nothing of the past is to be done.

Events are inserted with the instant at which they happened, and without the jobs that a fresh event brings.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from tortoise.models import Model

from kit import database
from kit.ids import new_id
from stewardship.casework.cases.models import Case, CaseStage
from stewardship.casework.groups.models import CaseGroup, Member, MemberChange
from stewardship.casework.parties.models import Party
from stewardship.casework.updates.models import Update, UpdateAddressee
from stewardship.dialogue.inquiries.models import Inquiry, InquiryEntry
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.models import Clock, ClockEntry, ClockMark
from stewardship.foundation.people.models import Contact, Person
from stewardship.opinion.ratings.models import Rating
from stewardship.opinion.visits.models import Call, Visit

ORDER: tuple[type[Model], ...] = (
    *(Person, Contact, Case, CaseStage, Party, CaseGroup, Member, MemberChange, Update, UpdateAddressee),
    *(Inquiry, InquiryEntry, Clock, ClockEntry, ClockMark, Rating, Visit, Call),
)
"""What refers to a row comes after it."""


@dataclass(frozen=True, slots=True)
class Happened:
    """An event of the past."""

    at: datetime
    kind: str
    actor: Actor
    subject: tuple[str, UUID]
    case: Case
    details: dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Everything that is to be written."""

    rows: dict[type[Model], list[Model]] = field(default_factory=lambda: defaultdict(list))
    events: list[Happened] = field(default_factory=list)

    def add(self, *rows: Model) -> None:
        """Rows of any of the tables in `ORDER`."""
        for row in rows:
            self.rows[type(row)].append(row)

    def tell(
        self, at: datetime, kind: str, actor: Actor, subject: tuple[str, UUID], case: Case, **details: Any
    ) -> None:
        """An event of the case."""
        self.events.append(Happened(at, kind, actor, subject, case, details))

    async def write(self) -> None:
        """All of it, on the caller's transaction."""
        for model in ORDER:
            await model.bulk_create(self.rows[model])
        await self._write_events()

    async def _write_events(self) -> None:
        events = sorted(self.events, key=lambda event: event.at)
        nothing = [None] * len(events)
        await database.execute(
            audit.INSERT,
            [new_id() for _ in events],
            [e.at for e in events],
            [e.kind for e in events],
            [e.actor.kind.value for e in events],
            [e.actor.id for e in events],
            [e.subject[0] for e in events],
            [e.subject[1] for e in events],
            [e.case.id for e in events],
            [e.case.unit_id for e in events],
            [orjson.dumps(e.details, default=str).decode() for e in events],
            *(nothing, nothing, nothing),
        )
