"""Drafted updates: what a stage change from another system calls for, until somebody releases it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep, ReadableCase, WritableCase
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from api.updates import AudienceIn, FileIds, PostedView, posted_view
from stewardship.casework.cases.models import Case
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.parties.models import Side
from stewardship.casework.updates import drafts
from stewardship.casework.updates import service as updates
from stewardship.casework.updates.models import AudienceKind, DraftState, UpdateDraft

router = APIRouter(tags=["updates"], route_class=OnceRoute)

Version = Annotated[int, Field(ge=1, le=2**31 - 1, examples=[1], description="As read; 409 if it changed since.")]


class DraftView(View):
    """A drafted update: what it would say, to whom, and until when the parties must have heard."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    state: DraftState = Field(examples=["waiting"])
    stage: str = Field(examples=["filed"])
    stage_name: str | None = Field(examples=["立案"])
    text: str = Field(examples=["已经立案，民警正在开展侦查。"])
    awaited: str = Field(examples=["开展侦查"])
    next_contact_on: date = Field(examples=["2026-03-09"])
    audience: AudienceKind = Field(examples=["everyone"])
    sides: list[Side] = Field(examples=[[]])
    member_ids: list[UUID] = Field(examples=[[]])
    source_system: str = Field(examples=["case-system"], description="Whose stage change called for it.")
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    due_at: datetime = Field(examples=["2026-03-05T16:00:00Z"], description="Then the silence clock reminds.")
    decided_at: datetime | None = Field(examples=[None])
    decided_by_id: UUID | None = Field(examples=[None])
    reason: str = Field(examples=[""])
    update_id: UUID | None = Field(examples=[None])
    version: int = Field(examples=[1])


class Drafts(View):
    """A case's drafts, the waiting one first."""

    items: list[DraftView]


class DraftIn(Payload):
    """Other words than were drafted."""

    text: Annotated[str, words(updates.TEXT_LENGTH)] = Field(examples=["已经立案，民警正在开展侦查。"])
    awaited: Annotated[str, words(updates.AWAITED_LENGTH)] = Field(examples=["开展侦查"])
    next_contact_on: date = Field(examples=["2026-03-09"])
    audience: AudienceIn

    def content(self) -> drafts.Content:
        return drafts.Content(self.text, self.awaited, self.next_contact_on, self.audience.audience())


class DraftEdit(DraftIn):
    expected_version: Version


class Release(Payload):
    """One tap: as it stands; or with other words."""

    expected_version: Version
    content: DraftIn | None = None
    file_ids: FileIds = ()


class Discard(Payload):
    expected_version: Version
    reason: Reason


def draft_view(case: Case, draft: UpdateDraft) -> DraftView:
    """The draft in the clear."""
    stage = stage_of(case.kind, draft.stage)
    content = drafts.content_of(draft)
    known = {name: getattr(draft, name) for name in DraftView.model_fields if name not in {"stage_name", "text"}}
    return DraftView(**known, stage_name=stage.name if stage else None, text=content.text)


@router.get("/cases/{case_id}/drafts")
async def list_drafts(case: ReadableCase) -> Drafts:
    """What was drafted for the case; at most one waits."""
    return Drafts(items=[draft_view(case, draft) for draft in await drafts.drafts_of(case.id)])


@router.put("/cases/{case_id}/drafts/{draft_id}")
async def edit_draft(draft_id: UUID, payload: DraftEdit, case: WritableCase, actor: ActorDep) -> DraftView:
    """Other words, another date or audience; nothing goes out yet."""
    draft = await drafts.edit(actor, case, draft_id, payload.content(), expected_version=payload.expected_version)
    return draft_view(case, draft)


@router.post("/cases/{case_id}/drafts/{draft_id}/release", status_code=201)
async def release_draft(draft_id: UUID, payload: Release, case: WritableCase, actor: ActorDep) -> PostedView:
    """Post it; with `content`, in other words. Also in a case that the stage has closed."""
    posted = await drafts.release_draft(
        actor,
        case,
        draft_id,
        expected_version=payload.expected_version,
        content=payload.content.content() if payload.content else None,
        file_ids=payload.file_ids,
    )
    return posted_view(posted)


@router.post("/cases/{case_id}/drafts/{draft_id}/discard")
async def discard_draft(draft_id: UUID, payload: Discard, case: WritableCase, actor: ActorDep) -> DraftView:
    """The parties need not hear of it, for a reason that is kept."""
    draft = await drafts.discard(actor, case, draft_id, payload.reason, expected_version=payload.expected_version)
    return draft_view(case, draft)
