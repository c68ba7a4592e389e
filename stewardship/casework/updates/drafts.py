"""Updates that another system's stage change calls for: drafted here, released by a person.

A machine never speaks to a party: what it brings is a draft in plain words, which the steward releases with one tap,
edits or discards. Until then the case's silence clock ends no later than the day by which the parties must have heard.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from kit import clock, database
from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import Side
from stewardship.casework.updates import templates
from stewardship.casework.updates.models import TEXT, AudienceKind, DraftState, Update, UpdateDraft
from stewardship.casework.updates.rules import Audience
from stewardship.casework.updates.service import Posted, check_update, publish
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org.models import Role

DUTY_DAYS = 3
"""A stage that was entered is told within this many days, the shortest period that the law has for a notice to a party
(刑事案件程序规定 第一百七十八条: 三日内送达); ours where it has none."""
SUPERVISORS = (Role.INSTRUCTOR,)


@dataclass(frozen=True, slots=True)
class Content:
    """What an update says and to whom; an edit of a draft names all of it."""

    text: str
    awaited: str
    next_contact_on: date
    audience: Audience


def content_of(draft: UpdateDraft) -> Content:
    """What the draft says as it stands."""
    audience = Audience(draft.audience, frozenset(Side(each) for each in draft.sides), frozenset(draft.member_ids))
    return Content(vault().ring.open_text(draft.text, TEXT), draft.awaited, draft.next_contact_on, audience)


@atomic()
async def draft_for_stage(actor: Actor, case: Case, source_system: str) -> UpdateDraft:
    """A stage came from another system: draft what the parties are told. A draft that still waits is replaced."""
    wording = await templates.best_for(case, case.stage)
    at = clock.now()
    await UpdateDraft.filter(case_id=case.id, state=DraftState.WAITING).update(state=DraftState.REPLACED, decided_at=at)
    draft = await UpdateDraft.create(
        case_id=case.id,
        stage=case.stage,
        text=vault().ring.seal_text(wording.text, TEXT),
        awaited=wording.awaited,
        next_contact_on=clock.today() + timedelta(days=wording.days),
        audience=AudienceKind.EVERYONE,
        source_system=source_system,
        created_at=at,
        due_at=cases.silence_after(at, DUTY_DAYS),
    )
    await cases.silence_no_later_than(case.id, draft.due_at)
    await audit.record(
        "update.drafted", actor, ("update_draft", draft.id), case_id=case.id, unit_id=case.unit_id, stage=case.stage
    )
    return draft


async def _waiting(case_id: UUID, draft_id: UUID, expected_version: int) -> UpdateDraft:
    draft = await UpdateDraft.select_for_update().get_or_none(id=draft_id, case_id=case_id)
    if draft is None:
        raise NotFound("draft_not_found", "没有找到这条待发进展")
    if draft.state is not DraftState.WAITING:
        raise Conflict("draft_decided", "这条待发进展已经处理", "请刷新查看处理结果；您写的内容没有发出。")
    if draft.version != expected_version:
        raise Conflict("draft_changed", "这条待发进展刚被别人修改", "请先看最新内容；您写的内容没有保存。")
    return draft


def _put(draft: UpdateDraft, content: Content) -> None:
    draft.text = vault().ring.seal_text(content.text.strip(), TEXT)
    draft.awaited, draft.next_contact_on = content.awaited.strip(), content.next_contact_on
    draft.audience = content.audience.kind
    draft.sides = sorted(side.value for side in content.audience.sides)
    draft.member_ids = sorted(content.audience.member_ids)


@atomic()
async def edit(actor: Actor, case: Case, draft_id: UUID, content: Content, *, expected_version: int) -> UpdateDraft:
    """Other words, another date or audience; nothing goes out yet. Raises as `release_draft`."""
    check_update(content.text, content.awaited, content.next_contact_on)
    draft = await _waiting(case.id, draft_id, expected_version)
    _put(draft, content)
    draft.version += 1
    await draft.save()
    await audit.record("update.draft_edited", actor, ("update_draft", draft.id), case_id=case.id, unit_id=case.unit_id)
    return draft


@atomic()
async def release_draft(
    actor: Actor,
    case: Case,
    draft_id: UUID,
    *,
    expected_version: int,
    content: Content | None = None,
    file_ids: Sequence[UUID] = (),
) -> Posted:
    """Post it, as it stands or with other `content`; also for a case that the stage has closed.

    A next contact date that has passed while the draft waited moves to today. Raises NotFound, Conflict where
    somebody decided or changed it meanwhile, Invalid for an incomplete text.
    """
    case = await cases.lock_case(case.id)
    draft = await _waiting(case.id, draft_id, expected_version)
    told = content or _not_past(content_of(draft))
    check_update(told.text, told.awaited, told.next_contact_on)
    posted = await publish(
        actor,
        case,
        text=told.text,
        awaited=told.awaited,
        next_contact_on=told.next_contact_on,
        audience=told.audience,
        stage=draft.stage,
        file_ids=file_ids,
    )
    await _decide(actor, case, draft, DraftState.RELEASED, update_id=posted.update.id)
    if case.closed_at is not None:
        await cases.set_silence(case.id, None)
    return posted


def _not_past(content: Content) -> Content:
    return Content(content.text, content.awaited, max(content.next_contact_on, clock.today()), content.audience)


@atomic()
async def discard(actor: Actor, case: Case, draft_id: UUID, reason: str, *, expected_version: int) -> UpdateDraft:
    """The parties need not hear of it, for a reason that is kept; silence runs as it did before the draft."""
    if not reason.strip():
        raise Invalid("discard_reason", "请写明不发送的原因", "例如已电话告知。")
    case = await cases.lock_case(case.id)
    draft = await _waiting(case.id, draft_id, expected_version)
    draft.reason = reason
    await _decide(actor, case, draft, DraftState.DISCARDED)
    await cases.set_silence(case.id, await _silence_without(case))
    return draft


async def _silence_without(case: Case) -> datetime | None:
    """When the parties must hear, reckoned without the draft; None in a closed case."""
    if case.closed_at is not None:
        return None
    last = await Update.filter(case_id=case.id, withdrawn_at=None, near_copy=False).order_by("-posted_at").first()
    due = cases.end_of(last.next_contact_on) if last else cases.silence_after(case.registered_at)
    return max(due, clock.now())


async def _decide(
    actor: Actor, case: Case, draft: UpdateDraft, state: DraftState, *, update_id: UUID | None = None
) -> None:
    draft.state, draft.decided_at, draft.decided_by_id, draft.update_id = state, clock.now(), actor.id, update_id
    await draft.save(update_fields=["state", "decided_at", "decided_by_id", "update_id", "reason"])
    await audit.record(
        f"update.draft_{state.value}", actor, ("update_draft", draft.id), case_id=case.id, unit_id=case.unit_id
    )


async def drafts_of(case_id: UUID, *, limit: int = 50) -> list[UpdateDraft]:
    """A case's drafts, the waiting one first, then newest first."""
    rows = await UpdateDraft.filter(case_id=case_id).order_by("-created_at", "-id").limit(limit)
    return sorted(rows, key=lambda row: row.state is not DraftState.WAITING)


@dataclass(frozen=True, slots=True)
class DraftInQueue:
    """A draft that waits for an officer."""

    id: UUID
    case_id: UUID
    reference: str
    unit_id: UUID
    owner_id: UUID | None
    created_at: datetime
    due_at: datetime
    version: int


QUEUE = """
select d.id, d.case_id, c.reference, c.unit_id, c.steward_id, d.created_at, d.due_at, d.version
from update_draft d join case_file c on c.id = d.case_id
where d.state = 'waiting' and (c.steward_id = $1 or c.deputy_id = $1 or c.unit_id = any($2::uuid[]))
  and ($4::timestamptz is null or (d.due_at, d.id) > ($4, $5::uuid))
order by d.due_at, d.id limit $3
"""


async def queue(
    actor: Actor, *, limit: int = 50, after: tuple[datetime, UUID] | None = None, own_only: bool = False
) -> list[DraftInQueue]:
    """Drafts that wait for the officer, and for an instructor those of the units; the most urgent first."""
    units = [] if own_only else list(actor.units(*SUPERVISORS))
    rows = await database.fetch(QUEUE, actor.id, units, limit, *(after or (None, None)))
    return [DraftInQueue(*row.values()) for row in rows]
