"""A party's own questions: asking, asking for a call, saying that an answer from the record was none."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api import limits
from api.deps import ActorDep, OwnMember, ServicesDep
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.schemas import EXAMPLE_ID, ClientKey, Payload, View, words
from stewardship.dialogue.answering.understanding import Intent, understand
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryKind, InquiryState

router = APIRouter(tags=["my inquiries"], route_class=OnceRoute)

CHANNEL = "mp"
CALL_BACK = "请给我回电"

QuestionText = Annotated[str, words(inquiries.TEXT_LENGTH), Field(examples=["鉴定什么时候出结果？"])]


class MyLine(View):
    """One line of the thread: one's own words, or an answer."""

    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    kind: EntryKind = Field(examples=["asked"])
    mine: bool = Field(examples=[True])
    text: str = Field(examples=["鉴定什么时候出结果？"])
    file_id: UUID | None = Field(examples=[None])


class MyInquiry(View):
    """A question with its answers."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    state: InquiryState = Field(examples=["waiting"])
    kind: InquiryKind = Field(examples=["question"])
    opened_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    challengeable_until: datetime | None = Field(examples=[None], description="For an answer from the record.")
    lines: list[MyLine]


class Question(Payload):
    text: QuestionText
    client_key: ClientKey


class CallBack(Payload):
    client_key: ClientKey
    text: Annotated[str, words(200, 0)] = Field(default="", examples=["下午三点后方便"])


class Challenge(Payload):
    client_key: ClientKey
    text: Annotated[str, words(inquiries.TEXT_LENGTH, 0)] = Field(default="", examples=["我想问的是赔偿"])


class Taken(View):
    """The question is with a person; by then they have replied at the latest."""

    inquiry_id: UUID | None = Field(examples=[EXAMPLE_ID], description="Null: thanks need no answer.")
    is_new: bool = Field(examples=[True], description="False: it joined the question that waits already.")
    due_at: datetime | None = Field(examples=["2026-03-02T02:30:00Z"])
    emergency: bool = Field(default=False, examples=[False], description="Show at once: call 110.")


def taken(asked: inquiries.Asked, *, emergency: bool = False) -> Taken:
    return Taken(inquiry_id=asked.inquiry.id, is_new=asked.is_new, due_at=asked.due_at, emergency=emergency)


@router.get("/my/cases/{case_id}/inquiries")
async def list_my_inquiries(
    member: OwnMember, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 20
) -> Page[MyInquiry]:
    """One's own questions with their answers, newest first; nobody else's."""
    cursors = Cursors(services.session_key, f"my-inquiries:{member.id}")
    rows = await inquiries.inquiries_of(member, limit=limit + 1, before=cursors.read(cursor))
    lines = await inquiries.thread([row.id for row in rows[:limit]], kinds=inquiries.SEEN_BY_PARTY)

    def render(row: Inquiry) -> MyInquiry:
        return MyInquiry(
            id=row.id,
            state=row.state,
            kind=row.kind,
            opened_at=row.opened_at,
            challengeable_until=row.provisional_until,
            lines=[_line(line) for line in lines if line.inquiry_id == row.id],
        )

    return cursors.page(rows, limit, lambda row: (row.opened_at, row.id), render)


def _line(line: inquiries.Line) -> MyLine:
    mine = line.kind is EntryKind.ASKED
    return MyLine(at=line.at, kind=line.kind, mine=mine, text=line.text, file_id=line.file_id if mine else None)


@router.post("/my/cases/{case_id}/inquiries", status_code=201)
async def ask(payload: Question, member: OwnMember, actor: ActorDep, services: ServicesDep) -> Taken:
    """Ask. Several messages in a row are one question. Repeating a `client_key` asks once."""
    await services.limiter.check(limits.ASK, str(member.id))
    intent = understand(payload.text)
    if intent is Intent.THANKS:
        return Taken(inquiry_id=None, is_new=False, due_at=None)
    key = f"{CHANNEL}:{member.id}:{payload.client_key}"
    emergency = intent is Intent.EMERGENCY
    asked = await inquiries.ask(actor, member, payload.text, channel=CHANNEL, source_key=key, threat=emergency)
    return taken(asked, emergency=emergency)


@router.post("/my/cases/{case_id}/call-back", status_code=201)
async def call_back(payload: CallBack, member: OwnMember, actor: ActorDep, services: ServicesDep) -> Taken:
    """Ask for a call."""
    await services.limiter.check(limits.ASK, str(member.id))
    words = f"{CALL_BACK}:{payload.text}" if payload.text else CALL_BACK
    key = f"{CHANNEL}:{member.id}:{payload.client_key}"
    return taken(await inquiries.ask(actor, member, words, channel=CHANNEL, source_key=key, kind=InquiryKind.CALL_BACK))


@router.post("/my/inquiries/{inquiry_id}/challenge")
async def challenge(inquiry_id: UUID, payload: Challenge, actor: ActorDep, services: ServicesDep) -> Taken:
    """Not answered: a person has to. Within 48 hours of an answer from the record; the original clock goes on."""
    await services.limiter.check(limits.ASK, str(actor.identity_id))
    key = f"{CHANNEL}:{inquiry_id}:{payload.client_key}"
    return taken(await inquiries.challenge(actor, inquiry_id, payload.text, channel=CHANNEL, source_key=key))
