"""Canned replies: choosing one for a case, and keeping the city's, a unit's and one's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints, model_validator

from api.deps import ActorDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, PRINTABLE, Done, Payload, View, words
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import CaseKind
from stewardship.dialogue.canned_replies import service as canned
from stewardship.dialogue.canned_replies.models import TEXT_LENGTH, TITLE_LENGTH, CannedReply
from stewardship.dialogue.canned_replies.rules import PLACEHOLDERS
from stewardship.dialogue.canned_replies.service import Draft
from stewardship.foundation.actors import Actor
from stewardship.foundation.org.names import officer_names, unit_names

router = APIRouter(tags=["canned replies"], route_class=OnceRoute)

Whose = Literal["own", "unit", "city"]


class ReplyWords(Payload):
    title: Annotated[str, words(TITLE_LENGTH)] = Field(examples=["鉴定中"])
    text: Annotated[str, words(TEXT_LENGTH)] = Field(
        examples=["您的案件（{编号}）正在等鉴定意见，{下次联系}前会告诉您。"],
        description="May contain the `placeholders` of the list.",
    )
    case_kind: CaseKind | None = Field(default=None, examples=[None], description="Null: for every kind.")
    place: int = Field(default=100, ge=0, le=9999, examples=[100], description="The smaller, the higher in the list.")

    def draft(self) -> Draft:
        return Draft(self.title, self.text, self.case_kind, self.place)


class ReplyIn(ReplyWords):
    whose: Whose = Field(examples=["own"])
    unit_id: UUID | None = Field(default=None, examples=[None], description="With `unit` only.")

    @model_validator(mode="after")
    def _named(self) -> ReplyIn:
        if (self.unit_id is not None) != (self.whose == "unit"):
            raise ValueError("unit_id goes with `unit`")
        return self


class ReplyEdit(ReplyWords):
    expected_version: int = Field(ge=1, examples=[1])


class ReplyView(View):
    """A canned reply. `filled`: as it reads in the case that was asked about."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    whose: Whose = Field(examples=["unit"])
    unit_id: UUID | None = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(examples=["莲花派出所"])
    case_kind: CaseKind | None = Field(examples=[None])
    title: str = Field(examples=["鉴定中"])
    text: str = Field(examples=["您的案件（{编号}）正在等鉴定意见，{下次联系}前会告诉您。"])
    filled: str | None = Field(examples=["您的案件（A26030212345678）正在等鉴定意见，3月9日前会告诉您。"])
    place: int = Field(examples=[100])
    uses: int = Field(examples=[17])
    last_used_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    version: int = Field(examples=[1])
    may_change: bool = Field(examples=[False])


class Replies(View):
    """`placeholders`: what may stand in braces, and what it becomes."""

    items: list[ReplyView]
    placeholders: dict[str, str] = Field(examples=[{"编号": "案件查询编号"}])


class ReplyVersionView(View):
    version: int = Field(examples=[1])
    title: str = Field(examples=["鉴定中"])
    text: str = Field(examples=["正在等鉴定意见。"])
    written_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    written_by_name: str | None = Field(examples=["王敏"])


class ReplyVersions(View):
    items: list[ReplyVersionView]


class Used(View):
    uses: int = Field(examples=[18])


async def _views(actor: Actor, rows: list[CannedReply], filled: dict[UUID, str]) -> list[ReplyView]:
    units = await unit_names(row.unit_id for row in rows)
    return [
        ReplyView(
            id=row.id,
            whose="own" if row.officer_id else "unit" if row.unit_id else "city",
            unit_id=row.unit_id,
            unit_name=units.get(row.unit_id) if row.unit_id else None,
            case_kind=row.case_kind,
            title=row.title,
            text=row.text,
            filled=filled.get(row.id),
            place=row.place,
            uses=row.uses,
            last_used_at=row.last_used_at,
            version=row.version,
            may_change=await canned.may_change(actor, row),
        )
        for row in rows
    ]


@router.get("/canned-replies")
async def list_replies(
    actor: ActorDep,
    case_id: Annotated[UUID | None, Query(description="Fill them in for this case; a read of it.")] = None,
    case_kind: Annotated[CaseKind | None, Query()] = None,
    q: Annotated[
        str, StringConstraints(max_length=40, pattern=PRINTABLE, strip_whitespace=True), Query(examples=["鉴定"])
    ] = "",
) -> Replies:
    """What may be chosen: titles that begin with `q` first, then by place and use."""
    case = await cases.access_case(actor, case_id) if case_id else None
    rows = await canned.replies_for(actor, case=case, case_kind=case_kind, words=q)
    filled = await canned.fill(rows, case) if case else {}
    return Replies(items=await _views(actor, rows, filled), placeholders=PLACEHOLDERS)


@router.post("/canned-replies", status_code=201)
async def write_reply(payload: ReplyIn, actor: ActorDep) -> ReplyView:
    """Write one: for oneself, or for a unit or the city that one keeps."""
    reply = await canned.write(actor, payload.draft(), own=payload.whose == "own", unit_id=payload.unit_id)
    return (await _views(actor, [reply], {}))[0]


@router.put("/canned-replies/{reply_id}")
async def edit_reply(reply_id: UUID, payload: ReplyEdit, actor: ActorDep) -> ReplyView:
    """A new version of its words."""
    reply = await canned.edit(actor, reply_id, payload.draft(), expected_version=payload.expected_version)
    return (await _views(actor, [reply], {}))[0]


@router.post("/canned-replies/{reply_id}/retire")
async def retire_reply(reply_id: UUID, actor: ActorDep) -> Done:
    """It is offered no more."""
    await canned.retire(actor, reply_id)
    return Done()


@router.post("/canned-replies/{reply_id}/uses")
async def use_reply(reply_id: UUID, actor: ActorDep) -> Used:
    """It was sent, as it stands or changed."""
    return Used(uses=await canned.use(actor, reply_id))


@router.get("/canned-replies/{reply_id}/versions")
async def list_reply_versions(reply_id: UUID, actor: ActorDep) -> ReplyVersions:
    """What it said, newest first."""
    rows = await canned.versions(actor, reply_id)
    names = await officer_names(row.written_by_id for row in rows)
    return ReplyVersions(
        items=[
            ReplyVersionView(
                version=row.version,
                title=row.title,
                text=row.text,
                written_at=row.written_at,
                written_by_name=names.get(row.written_by_id) if row.written_by_id else None,
            )
            for row in rows
        ]
    )
