"""A party's own cases, in plain language; only what the disclosure table lets their roles be told."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import StreamingResponse

from api.deps import ActorDep, OwnMember, ServicesDep
from api.file_views import CONTENT, AttachmentView, handed_out
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from stewardship.casework.cases.models import Case
from stewardship.casework.cases.rules import stage_of
from stewardship.casework.disclosure.rules import Topic, topics_for
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Party
from stewardship.casework.updates import service as updates
from stewardship.casework.updates.attachments import attachment_for, attachments_of
from stewardship.casework.updates.withdrawal import mark_seen
from stewardship.dialogue.answering.record import officer_title
from stewardship.foundation.files import service as files
from stewardship.foundation.org.models import Officer, Unit

router = APIRouter(tags=["my cases"], route_class=OnceRoute)


class Handler(View):
    """Who is responsible, by surname, and the unit's desk phone."""

    title: str = Field(examples=["王警官"])
    unit_name: str = Field(examples=["莲花派出所"])
    desk_phone: str = Field(examples=["0551-60000000"])


class MyCase(View):
    """A case as one of its parties may know it. What they may not be told is null, in every case alike."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    joined_at: datetime | None = Field(examples=["2026-03-02T01:30:00Z"])
    closed: bool | None = Field(examples=[False])
    now: str | None = Field(examples=["民警正在调查取证。"])
    following: str | None = Field(examples=["有新的进展会通知您。"])
    awaited: str | None = Field(examples=["等待鉴定意见"])
    next_contact_on: date | None = Field(examples=["2026-03-09"])
    last_update_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    handler: Handler | None


class MyCases(View):
    """Every case that the caller has joined, newest first."""

    items: list[MyCase]


class MyUpdate(View):
    """Progress that was addressed to the caller."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    posted_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    stage: str | None = Field(examples=["民警正在调查取证。"])
    text: str = Field(examples=["已调取现场监控，正在核对。"])
    awaited: str = Field(examples=["等待鉴定意见"])
    next_contact_on: date = Field(examples=["2026-03-09"])
    attachments: list[AttachmentView]


class Leave(Payload):
    reason: Annotated[str, words(120, 0)] = Field(default="", examples=["不想再收到通知"])


async def view_of(member: Member) -> MyCase:
    """The case as this member may know it."""
    case = await Case.get(id=member.case_id)
    party = await Party.get(id=member.party_id)
    topics = topics_for(party.roles, case.kind)
    stage = stage_of(case.kind, case.stage) if Topic.STAGE in topics else None
    hears = Topic.UPDATES in topics
    last = await updates.updates_for(member, case, limit=1) if hears else []
    return MyCase(
        id=case.id,
        reference=case.reference,
        joined_at=member.joined_at,
        closed=case.closed_at is not None if stage else None,
        now=stage.now if stage else None,
        following=stage.following if stage else None,
        awaited=case.awaited or None if Topic.AWAITED in topics else None,
        next_contact_on=last[0].next_contact_on if last else None,
        last_update_at=last[0].posted_at if last else None,
        handler=await _handler(case) if Topic.HANDLER in topics else None,
    )


async def _handler(case: Case) -> Handler:
    unit = await Unit.get(id=case.unit_id)
    officer = await Officer.get_or_none(id=case.steward_id) if case.steward_id else None
    title = officer_title(officer.name if officer else None)
    return Handler(title=title, unit_name=unit.name, desk_phone=unit.duty_phone)


@router.get("/my/cases")
async def list_my_cases(actor: ActorDep) -> MyCases:
    """The caller's cases."""
    members = await groups.joined_members(actor.id) if actor.id else []
    return MyCases(items=[await view_of(member) for member in members[:100]])


@router.get("/my/cases/{case_id}")
async def get_my_case(member: OwnMember) -> MyCase:
    """One case: where it stands, what is awaited, who is responsible, when we are in touch next."""
    return await view_of(member)


@router.get("/my/cases/{case_id}/updates")
async def list_my_updates(
    member: OwnMember, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[MyUpdate]:
    """Progress that was addressed to the caller and has been released, newest first."""
    cursors = Cursors(services.session_key, f"my-updates:{member.id}")
    case = await Case.get(id=member.case_id)
    rows = await updates.updates_for(member, case, limit=limit + 1, before=cursors.read(cursor))
    shown = [row.id for row in rows[:limit]]
    carried = await attachments_of(shown)
    await mark_seen(member, shown)
    return cursors.page(
        rows,
        limit,
        lambda row: (row.posted_at, row.id),
        lambda row: MyUpdate(
            id=row.id,
            posted_at=row.posted_at,
            stage=row.stage_name,
            text=row.text,
            awaited=row.awaited,
            next_contact_on=row.next_contact_on,
            attachments=[AttachmentView.model_validate(file) for file in carried[row.id]],
        ),
    )


@router.get("/my/cases/{case_id}/attachments/{file_id}", response_class=StreamingResponse, responses=CONTENT)
async def read_attachment(
    file_id: UUID, member: OwnMember, actor: ActorDep, services: ServicesDep
) -> StreamingResponse:
    """A file that goes with an update addressed to the caller; nobody else's. The read is recorded."""
    file = await attachment_for(member, file_id)
    return await handed_out(services, await files.access_file(actor, file, relation="addressee"))


@router.post("/my/cases/{case_id}/leave")
async def leave(payload: Leave, member: OwnMember, actor: ActorDep) -> Done:
    """Leave the group. The steward can still telephone; a new invitation lets back in."""
    await groups.leave(actor, member.id, payload.reason)
    return Done()
