"""One answer to many who ask the same."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.deps import ActorDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Payload, View, words
from stewardship.dialogue.inquiries import many
from stewardship.dialogue.inquiries.service import TEXT_LENGTH

router = APIRouter(tags=["inquiries"], route_class=OnceRoute)

Text = Annotated[
    str,
    words(TEXT_LENGTH),
    Field(
        examples=["{称呼}您好，鉴定意见预计周五出具。"], description="`{称呼}` and `{查询编号}` are filled for each."
    ),
]


class ManyAsked(Payload):
    inquiry_ids: list[UUID] = Field(min_length=1, max_length=many.MOST, examples=[[EXAMPLE_ID]])
    text: Text


class PreviewRow(View):
    """What one person will read; or why they are left out."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    included: bool = Field(examples=[True])
    text: str = Field(examples=["张女士您好，鉴定意见预计周五出具。"])
    reference: str = Field(examples=["A26030212345678"])
    version: int = Field(examples=[4], description="Send it back as `expected_version`.")
    code: str = Field(examples=[""], description="Why not: `protected`, `different_side`, `inquiry_not_waiting` …")
    title: str = Field(examples=[""])
    detail: str = Field(examples=[""])


class ManyPreviewView(View):
    """One row for each inquiry, in the order asked for."""

    items: list[PreviewRow]
    included: int = Field(examples=[1])


class WantedIn(Payload):
    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    expected_version: int = Field(ge=1, le=2**31 - 1, examples=[4])


class Answers(Payload):
    inquiries: list[WantedIn] = Field(min_length=1, max_length=many.MOST)
    text: Text


class AnsweredRow(View):
    """What became of one."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    answered: bool = Field(examples=[True])
    code: str = Field(examples=[""])
    title: str = Field(examples=[""])
    detail: str = Field(examples=[""])


class AnsweredView(View):
    """One row for each inquiry, in the order given."""

    items: list[AnsweredRow]
    answered: int = Field(examples=[1])


@router.post("/inquiries/answer-many/preview")
async def preview(payload: ManyAsked, actor: ActorDep) -> ManyPreviewView:
    """What each person would read; who is left out, and why. Nothing is sent."""
    rows = await many.preview(actor, payload.inquiry_ids, payload.text)
    return ManyPreviewView(
        items=[PreviewRow.model_validate(row) for row in rows], included=sum(row.included for row in rows)
    )


@router.post("/inquiries/answer-many")
async def answer_many(payload: Answers, actor: ActorDep) -> AnsweredView:
    """Answer each by itself; whoever wrote again meanwhile, or is to be answered alone, is reported and left."""
    wanted = [many.Wanted(each.inquiry_id, each.expected_version) for each in payload.inquiries]
    rows = await many.answer_many(actor, wanted, payload.text)
    return AnsweredView(
        items=[AnsweredRow.model_validate(row) for row in rows], answered=sum(row.answered for row in rows)
    )
