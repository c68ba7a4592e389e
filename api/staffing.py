"""Units and officers as they change: editing, closing, moving, importing; first logins and the logins that hold."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field, StringConstraints

from api import limits
from api.deps import ActorDep, AddressDep, DeviceDep, ServicesDep
from api.once import OnceRoute
from api.organisation import CalendarCode, DeskPhone, OfficerView, UnitView
from api.party_schemas import Phone
from api.schemas import EXAMPLE_ID, Done, Payload, Reason, View, words
from api.sessions import TOTP_TICKET, OfficerNumber, OfficerSession
from api.tickets import make_ticket
from api.uploads import BODY_SCHEMA, file_content
from stewardship import reorganisation
from stewardship.foundation.clocks import calendars
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import Role
from stewardship.foundation.org.names import unit_names
from stewardship.foundation.org.officer_import import import_officers
from stewardship.foundation.people import officer_enrolment, sessions

router = APIRouter(tags=["organisation"], route_class=OnceRoute)

EnrolmentCode = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-Za-z]{10}$"), Field(examples=["7KQ2MX9WRA"], description="Once, 24 hours.")
]


class UnitEdit(Payload):
    name: Annotated[str, words(40)] = Field(examples=["莲花派出所"])
    duty_phone: DeskPhone = ""
    address: Annotated[str, words(128, 0)] = Field(default="", examples=["莲花路 1 号"])
    calendar_code: CalendarCode


class UnitClosing(Payload):
    successor_id: UUID = Field(examples=[EXAMPLE_ID], description="Takes over the open cases.")
    reason: Reason


class UnitClosed(View):
    unit: UnitView
    cases_moved: int = Field(examples=[12])


class OfficerEdit(Payload):
    name: Annotated[str, words(32)] = Field(examples=["王敏"])
    mobile: Phone | None = Field(default=None, description="Absent: stays as it is.")


class OfficerMove(Payload):
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    hand_over_to: UUID | None = Field(
        default=None, examples=[EXAMPLE_ID], description="Of the cases' unit. Absent: refused while cases are open."
    )
    reason: Reason


class OfficerMoved(View):
    officer: OfficerView
    cases_moved: int = Field(examples=[3])


class OpenCase(View):
    id: UUID = Field(examples=[EXAMPLE_ID])
    reference: str = Field(examples=["A26030212345678"])
    registered_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])


class OpenCases(View):
    items: list[OpenCase]


class ImportRow(View):
    row: int = Field(examples=[2])
    number: str = Field(examples=["031582"])
    name: str = Field(examples=["王敏"])
    problem: str = Field(examples=[""], description="Empty: the row is right.")


class ImportReport(View):
    """Nothing is created where one row is wrong."""

    created: int = Field(examples=[0])
    wrong: int = Field(examples=[1])
    rows: list[ImportRow]


class UnenrolledView(View):
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    number: str = Field(examples=["031582"])
    name: str = Field(examples=["王敏"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(examples=["莲花派出所"])
    code_until: datetime | None = Field(examples=[None], description="Until when a code that was issued holds.")


class Unenrolled(View):
    items: list[UnenrolledView]


class CodeView(View):
    """Shown once; to be handed over in person."""

    code: EnrolmentCode
    expires_at: datetime = Field(examples=["2026-03-03T02:00:00Z"])


class EnrolmentIn(Payload):
    number: OfficerNumber
    code: EnrolmentCode
    password: Annotated[str, StringConstraints(min_length=1, max_length=128)] = Field(examples=["correct Horse 7"])


class OfficerSessionView(View):
    id: UUID = Field(examples=[EXAMPLE_ID])
    created_at: datetime = Field(examples=["2026-03-02T01:30:00Z"])
    expires_at: datetime = Field(examples=["2026-03-02T13:30:00Z"])
    device: str = Field(examples=["Mozilla/5.0 …"])
    address: str = Field(examples=["203.0.113.7"])


class OfficerSessions(View):
    items: list[OfficerSessionView]


@router.put("/units/{unit_id}")
async def edit_unit(unit_id: UUID, payload: UnitEdit, actor: ActorDep) -> UnitView:
    """What people see of a unit, and its duty calendar."""
    await calendars.check_known(payload.calendar_code)
    return UnitView.model_validate(await administration.edit_unit(actor, unit_id, **payload.model_dump()))


@router.post("/units/{unit_id}/close")
async def close_unit(unit_id: UUID, payload: UnitClosing, actor: ActorDep) -> UnitClosed:
    """The unit ends today; its open cases go to the successor's instructor."""
    unit, moved = await reorganisation.close_unit(actor, unit_id, payload.successor_id, payload.reason)
    return UnitClosed(unit=UnitView.model_validate(unit), cases_moved=moved)


@router.put("/officers/{officer_id}")
async def edit_officer(officer_id: UUID, payload: OfficerEdit, actor: ActorDep) -> OfficerView:
    """An officer's name and phone."""
    return OfficerView.model_validate(
        await administration.edit_officer(actor, officer_id, name=payload.name, mobile=payload.mobile)
    )


@router.get("/officers/{officer_id}/open-cases")
async def list_open_cases(officer_id: UUID, actor: ActorDep) -> OpenCases:
    """What has to be handed over before the officer moves: references only, no case is opened."""
    await administration.officer_in(actor, officer_id, Role.SYSTEM_ADMINISTRATOR)
    return OpenCases(items=[OpenCase.model_validate(c) for c in await reorganisation.open_cases_of(officer_id)])


@router.post("/officers/{officer_id}/move")
async def move_officer(officer_id: UUID, payload: OfficerMove, actor: ActorDep, services: ServicesDep) -> OfficerMoved:
    """To another unit; 409 with the open cases where nobody is named to take them."""
    officer, moved = await reorganisation.move_officer(
        actor, officer_id, payload.unit_id, hand_over_to=payload.hand_over_to, reason=payload.reason
    )
    await services.sessions.forget_officer(officer_id)
    return OfficerMoved(officer=OfficerView.model_validate(officer), cases_moved=moved)


@router.post("/officers/import", openapi_extra=BODY_SCHEMA)
async def import_table(
    request: Request, actor: ActorDep, dry_run: Annotated[bool, Query(description="Only look.")] = True
) -> ImportReport:
    """Officers from an .xlsx or CSV table (警号, 姓名, 单位代码, 手机) of up to 2,000 rows: all or none."""
    data = b"".join([piece async for piece in file_content(request)])
    found = await import_officers(actor, data, "officers", dry_run=dry_run)
    return ImportReport(
        created=found.created, wrong=found.wrong, rows=[ImportRow.model_validate(row) for row in found.rows]
    )


@router.get("/second-factors/missing")
async def list_unenrolled(actor: ActorDep) -> Unenrolled:
    """Who has no second factor yet, and so cannot log in."""
    rows = await officer_enrolment.without_second_factor(actor)
    units = await unit_names(row.officer.unit_id for row in rows)
    return Unenrolled(
        items=[
            UnenrolledView(
                officer_id=row.officer.id,
                number=row.officer.number,
                name=row.officer.name,
                unit_id=row.officer.unit_id,
                unit_name=units.get(row.officer.unit_id),
                code_until=row.code_until,
            )
            for row in rows
        ]
    )


@router.post("/officers/{officer_id}/enrolment-code", status_code=201)
async def issue_code(officer_id: UUID, actor: ActorDep) -> CodeView:
    """A one-time code for an officer's first login; codes from before stop counting."""
    return CodeView.model_validate(await officer_enrolment.issue(actor, officer_id), from_attributes=True)


@router.post("/officer-enrolments", status_code=201)
async def enrol(payload: EnrolmentIn, services: ServicesDep, address: AddressDep, device: DeviceDep) -> OfficerSession:
    """With the code an officer sets their password; then the second factor at `/totp-enrolments`."""
    await services.limiter.check(limits.LOGIN_ADDRESS, address)
    await services.limiter.check(limits.LOGIN_ACCOUNT, payload.number)
    officer_id = await officer_enrolment.redeem(
        payload.number, payload.code, payload.password, device=device, address=address
    )
    await services.sessions.forget_officer(officer_id)
    return OfficerSession(state="enrol", ticket=make_ticket(services.session_key, TOTP_TICKET, officer_id))


@router.get("/officers/{officer_id}/sessions")
async def list_officer_sessions(officer_id: UUID, actor: ActorDep) -> OfficerSessions:
    """An officer's logins that hold."""
    rows = await officer_enrolment.sessions_of(actor, officer_id)
    return OfficerSessions(items=[OfficerSessionView.model_validate(row) for row in rows])


@router.delete("/officers/{officer_id}/sessions/{session_id}")
async def revoke_officer_session(officer_id: UUID, session_id: UUID, actor: ActorDep, services: ServicesDep) -> Done:
    """End one of an officer's logins."""
    if session_id not in {row.id for row in await officer_enrolment.sessions_of(actor, officer_id)}:
        raise NotFound("session_not_found", "没有找到这个登录")
    await sessions.revoke_sessions(actor, reason="revoked_by_administrator", session_id=session_id)
    await services.sessions.forget_session(session_id)
    return Done()
