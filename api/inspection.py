"""For the inspector: who looked at what, and why; for the audit administrator: whether the log still holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field, StringConstraints, model_validator

from api import limits
from api.deps import ActorDep, ServicesDep, officer_id_of
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.party_schemas import Phone
from api.reports import PeriodDep, period_of
from api.schemas import EXAMPLE_ID, Payload, Reason, View
from kit import clock
from kit.signing import Signer
from stewardship.casework.cases.models import Case
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit import verification
from stewardship.foundation.audit.models import AuditVerification, VerificationState
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.models import Role
from stewardship.foundation.org.names import officer_names, unit_names
from stewardship.reports import inspection, proofs
from stewardship.reports.inspection import Look

router = APIRouter(tags=["inspection"])


class InspectedCase(View):
    """A case as far as an inspector needs it to look at its readers."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(default=None, examples=["莲花派出所"])
    steward_id: UUID | None = Field(examples=[EXAMPLE_ID])
    steward_name: str | None = Field(default=None, examples=["王敏"])


class LookView(View):
    """One look, or one reveal. `relation` is how the officer stood to the case then; `none`: not at all."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    kind: str = Field(examples=["case.read"])
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    officer_unit_id: UUID | None = Field(examples=[EXAMPLE_ID])
    officer_unit_name: str | None = Field(examples=["莲花派出所"])
    subject_kind: str = Field(examples=["case"])
    subject_id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    relation: str | None = Field(examples=["steward"])
    device: str | None = Field(examples=["Mozilla/5.0 …"])
    address: str | None = Field(examples=["203.0.113.7"])
    revealed: str | None = Field(examples=["phone"], description="Of a reveal: which field was shown.")
    reason: str | None = Field(examples=["电话回访"], description="Of a reveal: why, in the officer's words.")


class InspectedPerson(View):
    """A person of cases of the inspector's units, masked, with those cases."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["张*"])
    cases: list[InspectedCase]


class InspectedPersons(View):
    items: list[InspectedPerson]


class PersonSearch(Payload):
    """Exactly one of the three, whole: a part of a number finds nobody."""

    phone: Phone | None = None
    id_number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{4,32}$")] | None = Field(
        default=None, examples=["110101199003077777"]
    )
    reference: Annotated[str, StringConstraints(pattern=r"^A[0-9]{14}$")] | None = Field(
        default=None, examples=["A26030212345678"]
    )

    @model_validator(mode="after")
    def _one(self) -> PersonSearch:
        if sum(value is not None for value in (self.phone, self.id_number, self.reference)) != 1:
            raise ValueError("exactly one of phone, id_number, reference")
        return self


class ProofIn(Payload):
    """What is to be proven: the looks at a case or person, or those of an officer or a unit in a period."""

    about: Literal["case", "person", "officer", "unit"] = Field(examples=["case"])
    id: UUID = Field(examples=[EXAMPLE_ID])
    first: date | None = Field(default=None, examples=["2026-03-01"], description="With officer and unit.")
    last: date | None = Field(default=None, examples=["2026-03-31"])
    reason: Reason


class VerificationView(View):
    """Whether the chain of events holds; `broken_at` is the first seal that does not."""

    holds: bool = Field(examples=[True])
    seals: int = Field(examples=[42])
    sealed: int = Field(examples=[120345])
    unsealed: int = Field(examples=[17], description="Events that wait for the next seal.")
    broken_at: int | None = Field(examples=[None])
    head: str = Field(examples=["9f86d081884c7d65…"], description="The last link's hash, to compare with the anchor.")


class HeadView(View):
    """The chain's last link."""

    no: int = Field(examples=[42])
    head: str = Field(examples=["9f86d081884c7d65…"])


def _page(cursors: Cursors, rows: Sequence[Look], limit: int) -> Page[LookView]:
    return cursors.page(rows, limit, lambda row: row.cursor, LookView.model_validate)


@router.get("/inspection/cases")
async def find_case(
    actor: ActorDep,
    reference: Annotated[
        str, StringConstraints(pattern=r"^A[0-9]{14}$"), Query(examples=["A26030212345678"], description="As printed.")
    ],
) -> InspectedCase:
    """Find a case of one's units by its reference. The unit does not see that it was looked for."""
    case = await Case.get_or_none(reference=reference, unit_id__in=list(actor.units(Role.INSPECTOR)))
    if case is None:
        raise NotFound("case_not_found", "没有找到这个案件", "可能不在您的督察范围内，请核对编号。")
    await audit.record(inspection.KIND, actor, ("case", case.id), relation=Role.INSPECTOR.value, question="find_case")
    return (await _cases([case]))[0]


async def _cases(cases: Sequence[Case]) -> list[InspectedCase]:
    units = await unit_names(case.unit_id for case in cases)
    officers = await officer_names(case.steward_id for case in cases)
    return [
        InspectedCase(
            id=case.id,
            reference=case.reference,
            unit_id=case.unit_id,
            unit_name=units.get(case.unit_id),
            steward_id=case.steward_id,
            steward_name=officers.get(case.steward_id) if case.steward_id else None,
        )
        for case in cases
    ]


@router.post("/inspection/persons/search")
async def find_persons(payload: PersonSearch, actor: ActorDep, services: ServicesDep) -> InspectedPersons:
    """Find persons of one's units' cases. A number stands in the body, never in an address that is logged."""
    await services.limiter.check(limits.REVEAL, str(officer_id_of(actor)))
    found = await inspection.find_persons(
        actor, phone=payload.phone, id_number=payload.id_number, reference=payload.reference
    )
    return InspectedPersons(
        items=[InspectedPerson(id=each.id, name=each.name, cases=await _cases(each.cases)) for each in found]
    )


@router.get("/inspection/persons/{person_id}/reads")
async def list_reads_of_person(
    person_id: UUID, actor: ActorDep, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 50
) -> Page[LookView]:
    """Who looked at any of the person's cases in one's units."""
    cursors = Cursors(services.session_key, f"reads-of-person:{person_id}")
    rows = await inspection.who_looked_at_person(actor, person_id, after=cursors.read(cursor), limit=limit + 1)
    return _page(cursors, rows, limit)


@router.post("/inspection/proofs", status_code=201)
async def make_proof(payload: ProofIn, actor: ActorDep, services: ServicesDep) -> Response:
    """A signed document of the listed looks, as JSON to be kept: `steward audit check-proof` verifies it."""
    await services.limiter.check(limits.PROOF, str(officer_id_of(actor)))
    period = period_of(payload.first, payload.last) if payload.first and payload.last else None
    about = proofs.About(payload.about, payload.id, period)
    document = await proofs.make(actor, about, payload.reason, Signer(services.settings.proof_seed))
    name = f"proof-{payload.about}-{clock.now():%Y%m%d%H%M%S}.json"
    return Response(
        orjson.dumps(document, option=orjson.OPT_INDENT_2),
        status_code=201,
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@router.get("/inspection/cases/{case_id}/reads")
async def list_reads(
    case_id: UUID, actor: ActorDep, services: ServicesDep, cursor: CursorQuery = None, limit: LimitQuery = 50
) -> Page[LookView]:
    """Who looked at the case: when, from where, and how they stood to it."""
    cursors = Cursors(services.session_key, f"reads:{case_id}")
    rows = await inspection.who_looked_at(actor, case_id, after=cursors.read(cursor), limit=limit + 1)
    return _page(cursors, rows, limit)


@router.get("/inspection/officers/{officer_id}/reads")
async def list_reads_by(
    officer_id: UUID,
    period: PeriodDep,
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[LookView]:
    """What an officer looked at in a period."""
    cursors = Cursors(services.session_key, f"reads-by:{officer_id}:{period.first}:{period.last}")
    rows = await inspection.looked_at_by(actor, officer_id, period, after=cursors.read(cursor), limit=limit + 1)
    return _page(cursors, rows, limit)


@router.get("/inspection/units/{unit_id}/unrelated-reads")
async def list_unrelated_reads(
    unit_id: UUID,
    period: PeriodDep,
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 50,
) -> Page[LookView]:
    """Reads of the unit's cases by officers who had nothing to do with them."""
    cursors = Cursors(services.session_key, f"unrelated:{unit_id}:{period.first}:{period.last}")
    rows = await inspection.without_relation(actor, unit_id, period, after=cursors.read(cursor), limit=limit + 1)
    return _page(cursors, rows, limit)


class VerificationProgress(View):
    """A verification of the whole chain. `holds` is null while it runs."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    state: VerificationState = Field(examples=["running"])
    requested_by_name: str | None = Field(examples=["王敏"])
    started_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    finished_at: datetime | None = Field(examples=[None])
    seals_total: int = Field(examples=[4200])
    seals_done: int = Field(examples=[1300])
    percent: int = Field(examples=[30])
    sealed: int = Field(examples=[120345], description="Events looked at so far.")
    unsealed: int | None = Field(examples=[None], description="Events that wait for the next seal.")
    holds: bool | None = Field(examples=[None])
    broken_at: int | None = Field(examples=[None], description="The first seal that does not hold.")
    head: str = Field(examples=["9f86d081884c7d65…"])


class Verifications(View):
    items: list[VerificationProgress]


async def _progress(rows: Sequence[AuditVerification]) -> list[VerificationProgress]:
    names = await officer_names(row.requested_by_id for row in rows)
    return [
        VerificationProgress(
            id=row.id,
            state=row.state,
            requested_by_name=names.get(row.requested_by_id) if row.requested_by_id else None,
            started_at=row.started_at,
            finished_at=row.finished_at,
            seals_total=row.seals_total,
            seals_done=row.seals_done,
            percent=100 * row.seals_done // row.seals_total if row.seals_total else 100,
            sealed=row.sealed,
            unsealed=row.unsealed,
            holds=None if row.state is VerificationState.RUNNING else row.broken_at is None,
            broken_at=row.broken_at,
            head=bytes(row.head).hex(),
        )
        for row in rows
    ]


@router.post("/audit/verifications", status_code=201)
async def start_verification(actor: ActorDep) -> VerificationProgress:
    """Recompute the whole chain as a job; ask for its progress by its id. 409 while one runs."""
    return (await _progress([await verification.start(actor)]))[0]


@router.get("/audit/verifications")
async def list_verifications(actor: ActorDep) -> Verifications:
    """The last twenty, newest first."""
    return Verifications(items=await _progress(await verification.verifications()))


@router.get("/audit/verifications/{verification_id}")
async def get_verification(verification_id: UUID, actor: ActorDep) -> VerificationProgress:
    """How far it has come, and what it found."""
    return (await _progress([await verification.verification(verification_id)]))[0]


@router.get("/audit/head")
async def get_head(actor: ActorDep) -> HeadView:
    """The chain's last link, to compare with what was anchored outside."""
    number, head = await audit.head()
    return HeadView(no=number, head=head.hex())


@router.post("/audit/verification")
async def verify(actor: ActorDep, services: ServicesDep) -> VerificationView:
    """Recompute the whole chain. Takes minutes on a large log; `steward audit verify` does the same."""
    await services.limiter.check(limits.VERIFY, str(officer_id_of(actor)))
    found = await audit.verify()
    return VerificationView(
        holds=found.holds,
        seals=found.seals,
        sealed=found.sealed,
        unsealed=found.unsealed,
        broken_at=found.broken_at,
        head=found.head.hex(),
    )
