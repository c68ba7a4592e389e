"""What parties ask, and answering it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep, ReadableCase, ServicesDep
from api.inquiry_views import InquiryRow, InquiryView, rows_of, view_of
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from kit.database import earlier_than
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name

router = APIRouter(tags=["inquiries"], route_class=OnceRoute)


class Words(Payload):
    text: Annotated[str, words(inquiries.TEXT_LENGTH)] = Field(examples=["鉴定意见预计周五出具，届时通知您。"])
    asks_back: bool = Field(default=False, examples=[False], description="A question in return, no answer.")


class PreviewView(View):
    """What one party will read, masked."""

    name: str = Field(examples=["张*"])
    text: str = Field(examples=["您 3月2日 10:00 问的事，莲花派出所答复如下：…"])
    protected: bool = Field(examples=[False], description="Told in the safe way only, by the plan of their protection.")


class Previews(View):
    """What each party will read."""

    items: list[PreviewView]


class Reply(Payload):
    text: Annotated[str, words(inquiries.TEXT_LENGTH)] = Field(examples=["鉴定意见预计周五出具，届时通知您。"])
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
    views = await rows_of(rows)
    return cursors.page(rows, limit, lambda row: (row.opened_at, row.id), lambda row: views[row.id])


@router.get("/inquiries/{inquiry_id}")
async def get_inquiry(inquiry_id: UUID, actor: ActorDep) -> InquiryView:
    """An inquiry with its thread; the read is recorded."""
    return await view_of(actor, await inquiries.access_inquiry(actor, inquiry_id))


@router.post("/inquiries/{inquiry_id}/preview")
async def preview(inquiry_id: UUID, payload: Words, actor: ActorDep) -> Previews:
    """What each party will read. Nothing is sent."""
    found = await inquiries.preview(actor, inquiry_id, payload.text, asks_back=payload.asks_back)
    persons = {person.id: person for person in await Person.filter(id__in=[each.person_id for each in found])}
    return Previews(
        items=[
            PreviewView(
                name=masked_name(persons[each.person_id].name),
                text=each.text,
                protected=persons[each.person_id].protected,
            )
            for each in found
        ]
    )


@router.post("/inquiries/{inquiry_id}/answer")
async def answer(inquiry_id: UUID, payload: Reply, actor: ActorDep) -> InquiryView:
    """Answer in writing. 409 where the party wrote more meanwhile, or somebody else was quicker."""
    return await view_of(
        actor, await inquiries.answer(actor, inquiry_id, payload.text, expected_version=payload.expected_version)
    )


@router.post("/inquiries/{inquiry_id}/ask-back")
async def ask_back(inquiry_id: UUID, payload: Reply, actor: ActorDep) -> InquiryView:
    """Ask the party something first: a reply, but no answer."""
    return await view_of(
        actor, await inquiries.ask_back(actor, inquiry_id, payload.text, expected_version=payload.expected_version)
    )


@router.post("/inquiries/{inquiry_id}/talks")
async def log_talk(inquiry_id: UUID, payload: Talk, actor: ActorDep) -> InquiryView:
    """Log the call or talk that was the answer."""
    return await view_of(
        actor, await inquiries.log_talk(actor, inquiry_id, payload.kind, seconds=payload.seconds, gist=payload.gist)
    )


@router.post("/inquiries/{inquiry_id}/close")
async def close(inquiry_id: UUID, payload: Because, actor: ActorDep) -> InquiryView:
    """Needs no reply, for a reason that is kept."""
    return await view_of(actor, await inquiries.close_without_reply(actor, inquiry_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/reopen")
async def reopen(inquiry_id: UUID, payload: Because, actor: ActorDep) -> InquiryView:
    """It was not settled after all: it waits again."""
    return await view_of(actor, await inquiries.reopen(actor, inquiry_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/hand-over")
async def hand_over(inquiry_id: UUID, payload: HandOver, actor: ActorDep) -> InquiryView:
    """Somebody else of the unit answers."""
    return await view_of(actor, await inquiries.hand_over(actor, inquiry_id, payload.officer_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/merge")
async def merge(inquiry_id: UUID, payload: Merge, actor: ActorDep) -> InquiryView:
    """One of two of the same party's becomes part of the other."""
    return await view_of(actor, await inquiries.merge(actor, inquiry_id, payload.into_id))
