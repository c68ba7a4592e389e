"""What an instructor does about a question of their units."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep
from api.inquiries import Because, HandOver
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.org.models import Officer, Unit

router = APIRouter(tags=["inquiries"], route_class=OnceRoute)


class OwnerView(View):
    """Who has the question now."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    owner_id: UUID | None = Field(examples=[EXAMPLE_ID])
    owner_name: str | None = Field(examples=["王敏"])
    version: int = Field(examples=[5])


class InquiryComment(Payload):
    text: Annotated[str, words(inquiries.NOTE_LENGTH)] = Field(examples=["先打电话说明，再书面答复。"])


class CommentView(View):
    id: UUID = Field(examples=[EXAMPLE_ID])


async def _owner(inquiry: Inquiry) -> OwnerView:
    unit = await Unit.get(id=inquiry.unit_id)
    officer = await Officer.get_or_none(id=inquiry.owner_id)
    return OwnerView(
        inquiry_id=inquiry.id,
        unit_id=unit.id,
        unit_name=unit.name,
        owner_id=inquiry.owner_id,
        owner_name=officer.name if officer else None,
        version=inquiry.version,
    )


@router.post("/inquiries/{inquiry_id}/take-over")
async def take_over(inquiry_id: UUID, payload: Because, actor: ActorDep) -> OwnerView:
    """The instructor answers it themselves from now on; the reason stands in the thread, for officers only."""
    return await _owner(await inquiries.take_on(actor, inquiry_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/reassign")
async def reassign(inquiry_id: UUID, payload: HandOver, actor: ActorDep) -> OwnerView:
    """An officer of any of the instructor's units has it from now on, and hears so."""
    return await _owner(await inquiries.reassign(actor, inquiry_id, payload.officer_id, payload.reason))


@router.post("/inquiries/{inquiry_id}/comments")
async def comment(inquiry_id: UUID, payload: InquiryComment, actor: ActorDep) -> CommentView:
    """A note in the thread for officers, never for the party; the owner hears of it."""
    return CommentView(id=await inquiries.comment(actor, inquiry_id, payload.text))


@router.post("/inquiries/{inquiry_id}/nudge")
async def nudge(inquiry_id: UUID, actor: ActorDep) -> Done:
    """Urge the owner, once in two hours: 429 before that."""
    await inquiries.nudge(actor, inquiry_id)
    return Done()
