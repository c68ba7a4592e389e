"""How an inquiry is shown to officers: with its thread, its times, and the names beside the ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from api.names import masked_names, officer_names, unit_names
from api.schemas import EXAMPLE_ID, View
from kit import clock
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryKind, InquiryState
from stewardship.foundation.actors import Actor
from stewardship.foundation.clocks import policies
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.clocks.policy import Target
from stewardship.foundation.people.models import Person
from stewardship.foundation.people.rules import masked_name


class LineView(View):
    """One line of the thread."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    kind: EntryKind = Field(examples=["asked"])
    text: str = Field(examples=["鉴定什么时候出结果？"])
    file_id: UUID | None = Field(examples=[None])
    officer_id: UUID | None = Field(examples=[None])
    officer_name: str | None = Field(examples=[None])
    inquiry_id: UUID = Field(examples=[EXAMPLE_ID], description="Differs where another inquiry was merged into it.")
    channel: str = Field(examples=["mp"])
    call_seconds: int | None = Field(examples=[None])


class AskerView(View):
    """Who asked, masked; several where other parties' inquiries were merged into this one."""

    inquiry_id: UUID = Field(examples=[EXAMPLE_ID])
    member_id: UUID = Field(examples=[EXAMPLE_ID])
    person_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["张*"])
    roles: list[PartyRole] = Field(examples=[["victim"]])
    side: Side = Field(examples=["a"])
    protected: bool = Field(examples=[False])
    minor: bool = Field(examples=[False])


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
    close_reason: str = Field(examples=[""])
    reference: str = Field(examples=["A26030212345678"])
    unit_name: str = Field(examples=["莲花派出所"])
    owner_name: str | None = Field(examples=["王敏"])
    mine: bool = Field(examples=[True], description="Whether the caller is the one who is to answer.")
    first_due_at: datetime | None = Field(examples=["2026-03-02T02:30:00Z"])
    full_due_at: datetime | None = Field(examples=["2026-03-03T02:00:00Z"])
    first_at: datetime | None = Field(examples=[None])
    breached: bool = Field(examples=[False])
    target: Target | None = Field(examples=["first"], description="The promise that falls due next, while it waits.")
    left_seconds: int | None = Field(examples=[720], description="Of duty time, to that; negative once it is missed.")
    running: bool = Field(examples=[True], description="Whether it is duty time now.")
    askers: list[AskerView]
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
    party_name: str = Field(examples=["张*"])
    owner_name: str | None = Field(examples=["王敏"])
    asked: str = Field(examples=["鉴定什么时候出结果？"], description="What was asked last.")
    answer: str | None = Field(examples=["鉴定意见预计周五出具。"], description="What was answered last.")


async def view_of(actor: Actor, inquiry: Inquiry) -> InquiryView:
    """The inquiry as it stands, with its thread."""
    together = await inquiries.with_merged(inquiry.id)
    lines = await inquiries.thread(together)
    row = await Inquiry.get(id=inquiry.id)
    names = await officer_names([row.owner_id, *(line.officer_id for line in lines)])
    times = await _times(row)
    own = InquiryView.model_fields.keys() & Inquiry._meta.fields_map.keys() | {"case_id", "unit_id"}
    return InquiryView(
        **{name: getattr(row, name) for name in own},
        reference=(await Case.get(id=row.case_id)).reference,
        unit_name=(await unit_names([row.unit_id]))[row.unit_id],
        owner_name=names.get(row.owner_id),
        mine=row.owner_id == actor.id,
        **times,
        askers=await _askers(together),
        lines=[_line(line, names) for line in lines],
    )


def _line(line: inquiries.Line, names: dict[UUID | None, str]) -> LineView:
    own = LineView.model_fields.keys() - {"officer_name"}
    return LineView(**{name: getattr(line, name) for name in own}, officer_name=names.get(line.officer_id))


async def _times(row: Inquiry) -> dict[str, Any]:
    timer = await Clock.get_or_none(subject_kind=inquiries.SUBJECT, subject_id=row.id)
    calendar = (await policies.calendars_of([row.unit_id]))[row.unit_id]
    now = clock.now()
    waits = timer is not None and row.state is InquiryState.WAITING
    due = (timer.first_due_at if timer.first_at is None else timer.full_due_at) if timer and waits else None
    return {
        "first_due_at": timer.first_due_at if timer else None,
        "full_due_at": timer.full_due_at if timer else None,
        "first_at": timer.first_at if timer else None,
        "breached": timer.breached if timer else False,
        "target": (Target.FIRST if timer.first_at is None else Target.FULL) if timer and waits else None,
        "left_seconds": policies.seconds_left(due, now, calendar),
        "running": calendar.is_on_duty(now),
    }


async def _askers(inquiry_ids: Sequence[UUID]) -> list[AskerView]:
    asked = {each.member_id: each for each in await Inquiry.filter(id__in=list(inquiry_ids)).order_by("-opened_at")}
    members = await Member.filter(id__in=list(asked))
    parties = {party.id: party for party in await Party.filter(id__in=[member.party_id for member in members])}
    persons = {person.id: person for person in await Person.filter(id__in=[member.person_id for member in members])}
    return [
        AskerView(
            inquiry_id=asked[member.id].id,
            member_id=member.id,
            person_id=member.person_id,
            name=masked_name(persons[member.person_id].name),
            roles=[PartyRole(role) for role in parties[member.party_id].roles],
            side=member.side,
            protected=persons[member.person_id].protected,
            minor=persons[member.person_id].minor,
        )
        for member in members
    ]


async def rows_of(rows: Sequence[Inquiry]) -> dict[UUID, InquiryRow]:
    """Lines of a list, by their ids."""
    ids = [row.id for row in rows]
    asked, answers = await inquiries.last_asked(ids), await inquiries.last_answers(ids)
    owners, parties = await officer_names(row.owner_id for row in rows), await masked_names(r.person_id for r in rows)
    own = InquiryRow.model_fields.keys() & Inquiry._meta.fields_map.keys()
    return {
        row.id: InquiryRow(
            **{name: getattr(row, name) for name in own},
            party_name=parties[row.person_id],
            owner_name=owners.get(row.owner_id),
            asked=asked.get(row.id, ("", ""))[0],
            answer=answers[row.id][0] if row.id in answers else None,
        )
        for row in rows
    }
