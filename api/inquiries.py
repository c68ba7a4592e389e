"""What parties ask, and answering it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep, ReadableCase, ServicesDep
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from kit.database import earlier_than
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryKind, InquiryState

router = APIRouter(tags=["inquiries"], route_class=OnceRoute)


class LineView(View):
    """One line of the thread."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    kind: EntryKind = Field(examples=["asked"])
    text: str = Field(examples=["鉴定什么时候出结果?"])
    file_id: UUID | None = Field(examples=[None])
    officer_id: UUID | None = Field(examples=[None])


class InquiryView(View):
    """An inquiry with its thread."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID = Field(examples=[EXAMPLE_ID])
    member_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    kind: InquiryKind = Field(examples=["question"])
    state: InquiryState = Field(examples=["waiting"])
    opened_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    answered_at: datetime | None = Field(examples=[None])
    merged_into_id: UUID | None = Field(examples=[None])
    messages: int = Field(examples=[4])
    version: int = Field(examples=[4])
    lines: list[LineView]


class InquiryRow(View):
    """An inquiry without its thread."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    member_id: UUID = Field(examples=[EXAMPLE_ID])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    kind: InquiryKind = Field(examples=["question"])
    state: InquiryState = Field(examples=["answered"])
    opened_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    answered_at: datetime | None = Field(examples=["2026-03-02T02:20:00Z"])
    messages: int = Field(examples=[4])


class Reply(Payload):
    text: Annotated[str, words(inquiries.TEXT_LENGTH)] = Field(examples=["鉴定意见预计周五出具,届时通知您。"])
    expected_version: int = Field(ge=1, le=2**31 - 1, examples=[4], description="As read; 409 if more has come since.")


class Talk(Payload):
    """A call or a talk at the counter is an answer too."""

    kind: Literal[EntryKind.CALL, EntryKind.COUNTER_TALK] = Field(examples=["call"])
    seconds: int = Field(ge=0, le=4 * 3600, examples=[180])
    gist: Annotated[str, words(inquiries.GIST_LENGTH)] = Field(examples=["已电话说明鉴定进度。"])


class Because(Payload):
    reason: Reason


class HandOver(Payload):
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    reason: Reason


class Merge(Payload):
    into_id: UUID = Field(examples=[EXAMPLE_ID])


async def view_of(inquiry: Inquiry) -> InquiryView:
    """The inquiry as it stands, with its thread."""
    lines = [LineView.model_validate(line) for line in await inquiries.thread(await inquiries.with_merged(inquiry.id))]
    row = await Inquiry.get(id=inquiry.id)
    names = set(InquiryView.model_fields) - {"lines"}
    return InquiryView(**{name: getattr(row, name) for name in names}, lines=lines)


@router.get("/cases/{case_id}/inquiries")
async def list_inquiries(
    case: ReadableCase, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[InquiryRow]:
    """The case's inquiries, newest first."""
    cursors = Cursors(services.session_key, f"inquiries:{case.id}")
    place = cursors.read(cursor)
    query = Inquiry.filter(case_id=case.id)
    if place is not None:
        query = query.filter(earlier_than("opened_at", place))
    rows = await query.order_by("-opened_at", "-id").limit(limit + 1)
    return cursors.page(rows, limit, lambda row: (row.opened_at, row.id), InquiryRow.model_validate)


@router.get("/inquiries/{inquiry_id}")
async def get_inquiry(inquiry_id: UUID, actor: ActorDep) -> InquiryView:
    """An inquiry with its thread; the read is recorded."""
    return await view_of(await inquiries.access_inquiry(actor, inquiry_id))


@router.post("/inquiries/{inquiry_id}/answer")
async def answer(inquiry_id: UUID, payload: Reply, actor: ActorDep) -> InquiryView:
    """Answer in writing. 409 where the party wrote more meanwhile, or somebody else was quicker."""
    return await view_of(
        await inquiries.answer(actor, inquiry_id, payload.text, expected_version=payload.expected_version)
    )


@router.post("/inquiries/{inquiry_id}/ask-back")
async def ask_back(inquiry_id: UUID, payload: Reply, actor: ActorDep) -> InquiryView:
    """Ask the party something first: a reply, but no answer."""
    return await view_of(
        await inquiries.ask_back(actor, inquiry_id, payload.text, expected_version=payload.expected_version)
    )


@router.post("/inquiries/{inquiry_id}/talks")
async def log_talk(inquiry_id: UUID, payload: Talk, actor: ActorDep) -> InquiryView:
    """Log the call or talk that was the answer."""
    return await view_of(
        await inquiries.log_talk(actor, inquiry_id, payload.kind, seconds=payload.seconds, gist=payload.gist)
    )


@router.post("/inquiries/{inquiry_id}/close")
async def close(inquiry_id: UUID, payload: Because, actor: ActorDep) -> InquiryView:
    """Needs no reply, for a reason that is kept."""
    return await view_of(await inquiries.close_without_reply(actor, inquiry_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/hand-over")
async def hand_over(inquiry_id: UUID, payload: HandOver, actor: ActorDep) -> InquiryView:
    """Somebody else of the unit answers."""
    return await view_of(await inquiries.hand_over(actor, inquiry_id, payload.officer_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/merge")
async def merge(inquiry_id: UUID, payload: Merge, actor: ActorDep) -> InquiryView:
    """One of two of the same party's becomes part of the other."""
    return await view_of(await inquiries.merge(actor, inquiry_id, payload.into_id))
