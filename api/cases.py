"""Cases at the desk: the list, registering with parties in one step, stages, handing over, revealing what is masked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field, StringConstraints
from tortoise.expressions import Q

from api import limits
from api.deps import ActorDep, ReadableCase, ServicesDep, WritableCase, officer_id_of
from api.names import officer_names, unit_names
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.party_schemas import PartyIn, Receipt, party_draft, receipt_of
from api.schemas import EXAMPLE_ID, Payload, Reason, View, words
from kit.crypto import vault
from kit.database import earlier_than
from stewardship import intake
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import BRIEF, Case, CaseKind, Sensitivity
from stewardship.casework.cases.rules import STAGES, normal_number, stage_of
from stewardship.casework.parties.models import Party
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Person

router = APIRouter(tags=["cases"], route_class=OnceRoute)

StageCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]{2,32}$"), Field(examples=["investigating"])]
CaseNumber = Annotated[
    str,
    StringConstraints(pattern=r"^[ \u30000-9A-Za-z０-９Ａ-Ｚａ-ｚ一-鿿()（）〔〕【】\[\]［］-]{1,40}$"),
    Field(examples=["皖公（莲）受案字〔2026〕123号"]),
]


class CaseRow(View):
    """A line of the list: no names, no brief."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    number: str | None = Field(examples=[None])
    kind: CaseKind | None = Field(examples=["public_order"])
    stage: str = Field(examples=["investigating"])
    stage_name: str | None = Field(examples=["调查取证"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["莲花派出所"])
    steward_id: UUID | None = Field(examples=[EXAMPLE_ID])
    steward_name: str | None = Field(examples=["王敏"])
    source_system: str | None = Field(examples=[None], description="Another system that keeps part of the case.")
    registered_at: datetime = Field(examples=["2026-03-02T01:30:00Z"])
    closed_at: datetime | None = Field(examples=[None])
    next_contact_on: date | None = Field(examples=["2026-03-09"])
    last_update_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    silent_from: datetime | None = Field(examples=["2026-03-09T16:00:00Z"], description="A party must hear by then.")
    silence_level: int = Field(examples=[0])


class StageView(View):
    """A stage that the case can enter."""

    code: str = Field(examples=["investigating"])
    name: str = Field(examples=["调查取证"])


class CaseView(CaseRow):
    """A case for who works on it."""

    deputy_id: UUID | None = Field(examples=[None])
    deputy_name: str | None = Field(examples=[None])
    stages: list[StageView]
    sensitivities: list[Sensitivity] = Field(examples=[[]])
    sensitivity_known: bool = Field(examples=[True])
    episode: int = Field(examples=[1])
    awaited: str = Field(examples=["等待鉴定意见"])
    brief: str | None = Field(examples=["邻里噪音引发推搡"])
    relation: str = Field(examples=["steward"], description="How the caller stands to the case.")
    owned_fields: list[str] = Field(
        examples=[["number", "stage"]], description="Kept by `source_system`, read-only here: 此项由办案系统维护."
    )


class CaseIn(Payload):
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    steward_id: UUID = Field(examples=[EXAMPLE_ID])
    deputy_id: UUID | None = Field(default=None, examples=[None])
    kind: CaseKind | None = Field(default=None, examples=["public_order"])
    number: CaseNumber | None = None
    brief: Annotated[str, words(500)] | None = Field(default=None, examples=["邻里噪音引发推搡"])
    sensitivities: frozenset[Sensitivity] = Field(default=frozenset(), examples=[[]])
    sensitivity_known: bool = Field(default=False, examples=[True])
    parties: list[PartyIn] = Field(default_factory=list, max_length=intake.MAX_PARTIES)


class RegisteredView(View):
    """The new case with its receipts, in the order of the parties who were invited."""

    case: CaseView
    receipts: list[Receipt]


class StageIn(Payload):
    stage: StageCode


class KindIn(Payload):
    kind: CaseKind = Field(examples=["public_order"])
    sensitivities: frozenset[Sensitivity] = Field(default=frozenset(), examples=[[]])
    number: CaseNumber | None = None


class CaseHandOver(Payload):
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    steward_id: UUID = Field(examples=[EXAMPLE_ID])
    deputy_id: UUID | None = Field(default=None, examples=[None])
    reason: Reason


class Reveal(Payload):
    person_id: UUID = Field(examples=[EXAMPLE_ID])
    field: Literal["name", "phone", "id_number"] = Field(examples=["phone"])
    reason: Annotated[str, words(200)] = Field(examples=["电话回访当事人"])


class Revealed(View):
    """In the clear; that it was shown, to whom and why is on record."""

    value: str = Field(examples=["13800000000"])


class Filters(Payload):
    """Named as the fields are."""

    unit_id: UUID | None = Field(default=None, examples=[None])
    steward_id: UUID | None = Field(default=None, examples=[None])
    kind: CaseKind | None = Field(default=None, examples=[None])
    stage: StageCode | None = Field(default=None, examples=[None])
    reference: Annotated[str, StringConstraints(pattern=r"^A[0-9]{14}$")] | None = Field(default=None, examples=[None])
    number: Annotated[str, words(40)] | None = Field(default=None, examples=[None])
    closed: bool | None = Field(default=None, examples=[None])
    cursor: CursorQuery = None
    limit: LimitQuery = 20

    def query(self) -> Q:
        """What is asked for, without paging."""
        named = self.model_dump(exclude_none=True, exclude={"closed", "cursor", "limit"})
        if self.number is not None:
            named["number"] = normal_number(self.number) or ""
        wanted = Q(**named)
        return wanted if self.closed is None else wanted & Q(closed_at__isnull=not self.closed)


async def case_rows(rows: Sequence[Case]) -> dict[UUID, CaseRow]:
    """Lines of a list, by their ids."""
    units = await unit_names(row.unit_id for row in rows)
    stewards = await officer_names(row.steward_id for row in rows)
    stages = {row.id: stage_of(row.kind, row.stage) for row in rows}
    own = CaseRow.model_fields.keys() - {"stage_name", "unit_name", "steward_name"}
    return {
        row.id: CaseRow(
            **{name: getattr(row, name) for name in own},
            stage_name=stage.name if (stage := stages[row.id]) else None,
            unit_name=units[row.unit_id],
            steward_name=stewards.get(row.steward_id),
        )
        for row in rows
    }


async def case_view(actor: Actor, case: Case) -> CaseView:
    """The case as its officers see it."""
    row = (await case_rows([case]))[case.id]
    return CaseView(
        **row.model_dump(),
        deputy_id=case.deputy_id,
        deputy_name=(await officer_names([case.deputy_id])).get(case.deputy_id),
        stages=[StageView(code=each.code, name=each.name) for each in STAGES[case.kind]],
        sensitivities=[Sensitivity(each) for each in case.sensitivities],
        sensitivity_known=case.sensitivity_known,
        episode=case.episode,
        awaited=case.awaited,
        brief=vault().ring.open_text(case.brief, BRIEF) if case.brief else None,
        relation=cases.relation_of(actor, case),
        owned_fields=sorted(case.source_fields),
    )


@router.get("/cases")
async def list_cases(actor: ActorDep, services: ServicesDep, filters: Annotated[Filters, Query()]) -> Page[CaseRow]:
    """The cases in the caller's scope, newest first. Every line is a recorded read."""
    cursors = Cursors(services.session_key, f"cases:{actor.id}")
    place = cursors.read(filters.cursor)
    query = cases.scope(actor) & filters.query()
    if place is not None:
        query &= earlier_than("registered_at", place)
    rows = await Case.filter(query).order_by("-registered_at", "-id").limit(filters.limit + 1)
    await _record_hits(actor, rows[: filters.limit])
    views = await case_rows(rows)
    return cursors.page(rows, filters.limit, lambda row: (row.registered_at, row.id), lambda row: views[row.id])


async def _record_hits(actor: Actor, rows: Sequence[Case]) -> None:
    await audit.record_many(
        [
            audit.Entry("case.listed.read", actor, ("case", row.id), row.id, row.unit_id, cases.relation_of(actor, row))
            for row in rows
        ]
    )


@router.post("/cases", status_code=201)
async def register_case(payload: CaseIn, actor: ActorDep, services: ServicesDep) -> RegisteredView:
    """Register a case with its parties in one step: all of it, or nothing. Receipts show each invitation once."""
    draft = intake.CaseDraft(
        unit_id=payload.unit_id,
        steward_id=payload.steward_id,
        kind=payload.kind,
        deputy_id=payload.deputy_id,
        number=payload.number,
        brief=payload.brief,
        sensitivities=payload.sensitivities,
        sensitivity_known=payload.sensitivity_known,
    )
    registered = await intake.register_case(actor, draft, [party_draft(each) for each in payload.parties])
    for party in registered.parties:
        await services.sessions.forget_person(party.person_id)
    receipts = [await receipt_of(services, each.member, each.invitation, each.token) for each in registered.issued]
    return RegisteredView(case=await case_view(actor, registered.case), receipts=receipts)


@router.get("/cases/{case_id}")
async def get_case(case: ReadableCase, actor: ActorDep) -> CaseView:
    """A case; the read is recorded."""
    return await case_view(actor, case)


@router.post("/cases/{case_id}/stage")
async def enter_stage(payload: StageIn, case: WritableCase, actor: ActorDep) -> CaseView:
    """Enter a stage; the last ones close the case."""
    return await case_view(actor, await cases.move_to(actor, case.id, payload.stage))


@router.post("/cases/{case_id}/close")
async def close_case(case: WritableCase, actor: ActorDep) -> CaseView:
    """Close the case in its ordinary last stage."""
    return await case_view(actor, await cases.close(actor, case.id))


@router.post("/cases/{case_id}/reopen")
async def reopen_case(payload: StageIn, case: WritableCase, actor: ActorDep) -> CaseView:
    """A closed case goes on: a new episode."""
    return await case_view(actor, await cases.reopen(actor, case.id, payload.stage))


@router.post("/cases/{case_id}/kind")
async def set_kind(payload: KindIn, case: WritableCase, actor: ActorDep) -> CaseView:
    """What the case is, once that is known."""
    return await case_view(
        actor, await cases.set_kind(actor, case.id, payload.kind, payload.sensitivities, payload.number)
    )


@router.post("/cases/{case_id}/hand-over")
async def hand_over(payload: CaseHandOver, case: WritableCase, actor: ActorDep) -> CaseRow:
    """Another officer becomes the steward; open clocks follow."""
    changed = await cases.hand_over(
        actor,
        case.id,
        unit_id=payload.unit_id,
        steward_id=payload.steward_id,
        deputy_id=payload.deputy_id,
        reason=payload.reason,
    )
    return (await case_rows([changed]))[changed.id]


@router.post("/cases/{case_id}/reveal")
async def reveal(payload: Reveal, case: WritableCase, actor: ActorDep, services: ServicesDep) -> Revealed:
    """Show a masked field of one of the case's persons, for a reason that is logged."""
    await services.limiter.check(limits.REVEAL, str(officer_id_of(actor)))
    if not await Party.exists(case_id=case.id, person_id=payload.person_id):
        raise NotFound("person_not_found", "没有找到此人")
    person = await Person.get(id=payload.person_id)
    relation = cases.relation_of(actor, case)
    value = await people.reveal(actor, person, payload.field, payload.reason, case_id=case.id, relation=relation)
    return Revealed(value=value)
