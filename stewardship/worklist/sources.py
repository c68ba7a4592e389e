"""Where tasks come from: one query for each kind, in the order of what is due, within the officer's scope."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise.expressions import Q

from kit import clock, database
from stewardship.casework.cases.rules import SILENCE_DAYS
from stewardship.casework.updates import drafts
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.service import Queued
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks.policy import Target
from stewardship.foundation.org.models import Role
from stewardship.opinion.visits import access as visits
from stewardship.opinion.visits.models import Visit, VisitState


class TaskKind(StrEnum):
    """What waits."""

    INQUIRY = "inquiry"
    APPROVAL = "approval"
    VISIT = "visit"
    SILENCE = "silence"
    DRAFT = "draft"
    """An update that a stage change in another system drafted; somebody releases it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A task as its feature has it. `id` is the inquiry's, member's, visit's, case's or draft's."""

    kind: TaskKind
    id: UUID
    unit_id: UUID
    since: datetime
    due_at: datetime | None = None
    case_id: UUID | None = None
    reference: str | None = None
    steward_id: UUID | None = None
    deputy_id: UUID | None = None
    owner_id: UUID | None = None
    member_id: UUID | None = None
    person_id: UUID | None = None
    about: str = ""
    target: Target | None = None
    breached: bool = False
    words: str | None = None
    channel: str | None = None
    messages: int = 0
    version: int = 0


Place = tuple[datetime, UUID]


async def questions(actor: Actor, *, limit: int, after: Place | None, own_only: bool) -> list[Found]:
    """Inquiries that wait, with the last words asked."""
    rows = await inquiries.queue(actor, limit=limit, after=after, own_only=own_only)
    asked = await inquiries.last_asked([row.id for row in rows])
    return [_question(row, *asked.get(row.id, (None, None))) for row in rows]


def _question(row: Queued, words: str | None, channel: str | None) -> Found:
    return Found(
        TaskKind.INQUIRY,
        row.id,
        row.unit_id,
        row.opened_at,
        row.due_at,
        row.case_id,
        row.reference,
        row.steward_id,
        row.deputy_id,
        row.owner_id,
        row.member_id,
        row.person_id,
        about=row.kind.value,
        target=Target.FULL if row.answered_first else Target.FIRST,
        breached=row.breached,
        words=words,
        channel=channel,
        messages=row.messages,
        version=row.version,
    )


OF_THE_OFFICER = "(c.steward_id = $1 or c.deputy_id = $1 or c.unit_id = any($2::uuid[]))"
"""Who acts on a case: its steward and deputy, and the instructor of its unit."""

APPROVALS = f"""
select m.id, c.unit_id, coalesce(asked.at, m.invited_at, c.registered_at) as since, c.id as case_id, c.reference,
       c.steward_id, c.deputy_id, m.id as member_id, m.person_id
from member m join case_file c on c.id = m.case_id
left join lateral (
  select at from member_change where member_id = m.id and state = 'pending_approval' order by at desc limit 1
) asked on true
where m.state = 'pending_approval' and c.closed_at is null and {OF_THE_OFFICER}
  and ($3::timestamptz is null or ('infinity'::timestamptz, m.id) > ($3, $4::uuid))
order by m.id limit $5
"""  # noqa: S608 — a constant.


async def approvals(actor: Actor, *, limit: int, after: Place | None, own_only: bool) -> list[Found]:
    """People who ask to be let in."""
    rows = await database.fetch(APPROVALS, actor.id, _units(actor, own_only), *(after or (None, None)), limit)
    return [Found(TaskKind.APPROVAL, **dict(row)) for row in rows]


SILENCES = f"""
select * from (
  select c.id, c.unit_id, coalesce(c.last_update_at, c.registered_at) as since, c.id as case_id, c.reference,
         c.steward_id, c.deputy_id, c.silence_level > 0 as breached,
         case when c.silence_level = 0 then c.silent_from
              else least(c.silent_from, coalesce(
                (c.next_contact_on + 1)::timestamp at time zone 'Asia/Shanghai',
                coalesce(c.last_update_at, c.registered_at) + make_interval(days => $7))) end as due_at
  from case_file c
  where c.closed_at is null and (c.silence_level > 0 or c.silent_from <= $6::timestamptz + interval '1 day')
    and {OF_THE_OFFICER}
) silent
where $3::timestamptz is null or (due_at, id) > ($3, $4::uuid)
order by due_at, id limit $5
"""  # noqa: S608 — a constant.


async def silences(actor: Actor, *, limit: int, after: Place | None, own_only: bool) -> list[Found]:
    """Cases whose parties should hear something by tomorrow, or should have heard it."""
    rows = await database.fetch(
        SILENCES,
        actor.id,
        _units(actor, own_only),
        *(after or (None, None)),
        limit,
        clock.now(),
        SILENCE_DAYS,
    )
    return [Found(TaskKind.SILENCE, **dict(row)) for row in rows]


async def drafted(actor: Actor, *, limit: int, after: Place | None, own_only: bool) -> list[Found]:
    """Drafted updates that wait for their release."""
    now = clock.now()
    return [
        Found(
            TaskKind.DRAFT,
            row.id,
            row.unit_id,
            row.created_at,
            row.due_at,
            row.case_id,
            row.reference,
            row.owner_id,
            breached=row.due_at < now,
            version=row.version,
        )
        for row in await drafts.queue(actor, limit=limit, after=after, own_only=own_only)
    ]


async def calls(actor: Actor, *, limit: int, after: Place | None, own_only: bool) -> list[Found]:
    """Return visits and telephone tasks, as far as `visits` shows them to the officer."""
    query = Visit.filter(visits.scope(actor), state=VisitState.OPEN)
    if own_only:
        query = query.filter(Q(assigned_to_id=actor.id))
    if after is not None:
        query = query.filter(Q(due_at__gt=after[0]) | Q(due_at=after[0], id__gt=after[1]))
    now = clock.now()
    return [
        Found(
            TaskKind.VISIT,
            row.id,
            row.unit_id,
            row.opened_at,
            row.due_at,
            row.case_id,
            row.case.reference if row.case else None,
            row.case.steward_id if row.case else None,
            row.case.deputy_id if row.case else None,
            row.assigned_to_id,
            person_id=row.person_id,
            about=row.purpose.value,
            breached=row.due_at < now,
        )
        for row in await query.order_by("due_at", "id").limit(limit).select_related("case")
    ]


def _units(actor: Actor, own_only: bool) -> list[UUID]:
    return [] if own_only else list(actor.units(Role.INSTRUCTOR))
