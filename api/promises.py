"""What is promised, by unit and kind of case: the versions, trying a new one, proposing it; and duty calendars."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field, StringConstraints

from api.approvals import ChangeReason, ChangeView, change_view
from api.deps import ActorDep
from api.once import OnceRoute
from api.organisation import CalendarCode, Instant
from api.schemas import EXAMPLE_ID, Payload, View
from stewardship.casework.cases.models import CaseKind
from stewardship.foundation.clocks import calendars, publishing
from stewardship.foundation.clocks.calendars import CalendarVersion, Edit
from stewardship.foundation.clocks.policy import Allowance, AllowanceUnit, Policy
from stewardship.foundation.clocks.preview import preview
from stewardship.foundation.clocks.publishing import PolicyState, Proposal, Standing
from stewardship.foundation.clocks.words import calendar_lines, clock_time, policy_lines
from stewardship.foundation.duty_time import EscalationLevel, Interval
from stewardship.foundation.errors import NotFound
from stewardship.foundation.org.administration import holds
from stewardship.foundation.org.models import Role
from stewardship.foundation.org.names import officer_names, unit_names

router = APIRouter(tags=["administration"], route_class=OnceRoute)

Subject = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,16}$"), Field(examples=["inquiry"])]
SubjectQuery = Annotated[Subject, Query()]
CalendarPath = Annotated[CalendarCode, Path(examples=["office"])]
Level = Literal["duty_officer", "instructor", "sub_bureau"]
Time = Annotated[
    str,
    StringConstraints(pattern=r"^([01]\d|2[0-4]):[0-5]\d$|^\+([01]\d|2[0-4]):[0-5]\d$"),
    Field(examples=["08:30"], description="24:00 ends the day; with + of the next morning: +06:00."),
]


class AllowanceBody(Payload):
    amount: int = Field(ge=1, le=100_000, examples=[30])
    unit: AllowanceUnit = Field(examples=["duty_minutes"])


class EscalationBody(Payload):
    percent: int = Field(ge=1, le=1000, examples=[100], description="Of the allowance; 100 is the breach.")
    level: Level = Field(examples=["instructor"])


class PolicyBody(Payload):
    """A promise. `null` promises nothing."""

    first_response: AllowanceBody | None
    full_answer: AllowanceBody | None
    warn_at: list[int] = Field(max_length=8, examples=[[50, 80]], description="Percentages, rising.")
    escalation: list[EscalationBody] = Field(max_length=8)
    challenge_hours: int = Field(ge=1, le=60 * 24, examples=[48])

    def policy(self) -> Policy:
        """Raises Invalid where it contradicts itself."""
        definition: dict[str, Any] = {
            "version": 0,
            "first_response": self.first_response and self.first_response.model_dump(mode="json"),
            "full_answer": self.full_answer and self.full_answer.model_dump(mode="json"),
            "warn_at": self.warn_at,
            "escalation": [step.model_dump() for step in self.escalation],
            "challenge_seconds": self.challenge_hours * 3600,
        }
        return publishing.policy_from(definition)

    @classmethod
    def of(cls, policy: Policy) -> PolicyBody:
        return cls(
            first_response=_allowance(policy.first_response),
            full_answer=_allowance(policy.full_answer),
            warn_at=list(policy.warn_at),
            escalation=[EscalationBody(percent=s.percent, level=_level(s.level)) for s in policy.escalation],
            challenge_hours=policy.challenge_window // timedelta(hours=1),
        )


def _allowance(allowance: Allowance | None) -> AllowanceBody | None:
    return AllowanceBody(amount=allowance.amount, unit=allowance.unit) if allowance else None


def _level(level: EscalationLevel) -> Level:
    return "sub_bureau" if level is EscalationLevel.SUB_BUREAU else _LOWER[level]


_LOWER: dict[EscalationLevel, Level] = {
    EscalationLevel.DUTY_OFFICER: "duty_officer",
    EscalationLevel.INSTRUCTOR: "instructor",
}


class PolicyView(View):
    """A version of a promise."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    subject: str = Field(examples=["inquiry"])
    unit_id: UUID | None = Field(examples=[EXAMPLE_ID], description="Null: the whole city.")
    unit_name: str | None = Field(examples=["莲花派出所"])
    case_kind: CaseKind | None = Field(examples=[None], description="Null: every kind.")
    version: int = Field(examples=[2])
    state: PolicyState = Field(examples=["in_force"])
    active_from: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    created_by_name: str | None = Field(examples=["王敏"])
    policy: PolicyBody
    summary: list[str] = Field(examples=[["首次答复：30 分钟（值班时间）"]])


class Policies(View):
    items: list[PolicyView]


class PolicyDraft(Payload):
    """A version to be, in the place of `base_version` (0: there is none for exactly this unit and kind)."""

    subject: Subject = "inquiry"
    unit_id: UUID | None = Field(default=None, examples=[EXAMPLE_ID])
    case_kind: CaseKind | None = Field(default=None, examples=[None])
    policy: PolicyBody
    active_from: Instant | None = Field(default=None, description="Absent: once it is approved.")
    base_version: int = Field(ge=0, examples=[1])

    def proposal(self) -> Proposal:
        return Proposal(
            self.subject,
            self.unit_id,
            self.case_kind.value if self.case_kind else None,
            self.policy.policy(),
            self.active_from,
            self.base_version,
        )


class PolicyProposal(PolicyDraft):
    reason: ChangeReason


class PromisePreviewView(View):
    """Counts over the questions open now, were it in force at once."""

    open: int = Field(examples=[42])
    affected: int = Field(examples=[40])
    first_earlier: int = Field(examples=[12])
    first_later: int = Field(examples=[0])
    full_earlier: int = Field(examples=[0])
    full_later: int = Field(examples=[0])
    time_kept: int = Field(examples=[2], description="Beyond the shorter promise already: their time stands.")
    overdue_at_once: int = Field(examples=[0])
    overdue_no_more: int = Field(examples=[0])
    more: bool = Field(examples=[False], description="More are open than were looked at.")
    summary: list[str] = Field(examples=[["12 件的首次答复期限会提前"]])


async def _views(rows: list[Standing]) -> list[PolicyView]:
    units = await unit_names(each.row.unit_id for each in rows)
    officers = await officer_names(each.row.created_by_id for each in rows)
    return [
        PolicyView(
            id=each.row.id,
            subject=each.row.subject,
            unit_id=each.row.unit_id,
            unit_name=units.get(each.row.unit_id) if each.row.unit_id else None,
            case_kind=CaseKind(each.row.case_kind) if each.row.case_kind else None,
            version=each.row.version,
            state=each.state,
            active_from=each.row.active_from,
            created_by_name=officers.get(each.row.created_by_id) if each.row.created_by_id else None,
            policy=PolicyBody.of(each.policy),
            summary=policy_lines(each.policy),
        )
        for each in rows
    ]


@router.get("/promise-policies")
async def list_policies(
    actor: ActorDep, subject: SubjectQuery = "inquiry", unit_id: Annotated[UUID | None, Query()] = None
) -> Policies:
    """Every version: what counts, what is to come, what was. What is promised is no secret among officers."""
    return Policies(items=await _views(await publishing.policy_versions(subject, unit_id)))


@router.post("/promise-policies/preview")
async def preview_policy(payload: PolicyDraft, actor: ActorDep) -> PromisePreviewView:
    """What it would do to the open questions. Changes nothing."""
    await _check_reach(actor, payload.unit_id)
    found = await preview(payload.proposal())
    counts = {name: getattr(found, name) for name in PromisePreviewView.model_fields if name != "summary"}
    return PromisePreviewView(**counts, summary=_preview_lines(counts))


async def _check_reach(actor: ActorDep, unit_id: UUID | None) -> None:
    if not await holds(actor, Role.SYSTEM_ADMINISTRATOR, unit_id):
        raise NotFound("unit_not_found", "没有找到这个单位", "可能不在您的管理范围内。")


def _preview_lines(counts: dict[str, Any]) -> list[str]:
    said = {
        "first_earlier": "件的首次答复期限会提前",
        "first_later": "件的首次答复期限会推后",
        "full_earlier": "件的完整答复期限会提前",
        "full_later": "件的完整答复期限会推后",
        "time_kept": "件已用时间超过新承诺，仍按原期限",
        "overdue_at_once": "件会马上超时",
        "overdue_no_more": "件不再算超时",
    }
    lines = [f"现有 {counts['open']} 件待答提问，其中 {counts['affected']} 件适用新承诺"]
    return lines + [f"{counts[name]} {text}" for name, text in said.items() if counts[name]]


@router.post("/promise-policies/proposals", status_code=201)
async def propose_policy(payload: PolicyProposal, actor: ActorDep) -> ChangeView:
    """Propose it; another system administrator approves it under `/changes`."""
    return await change_view(actor, await publishing.propose(actor, payload.proposal(), payload.reason))


# --- duty calendars ---------------------------------------------------------------------------------------------------


class HoursBody(Payload):
    start: Time
    end: Time

    def interval(self) -> Interval:
        return Interval(_minutes(self.start), _minutes(self.end))


def _minutes(time: str) -> int:
    hours, minutes = time.removeprefix("+").split(":")
    return int(hours) * 60 + int(minutes) + (24 * 60 if time.startswith("+") else 0)


def _hours(pattern: tuple[Interval, ...]) -> list[HoursBody]:
    def show(minutes: int) -> str:
        return clock_time(minutes) if minutes <= 24 * 60 else f"+{clock_time(minutes - 24 * 60)}"

    return [HoursBody(start=show(start), end=show(end)) for start, end in pattern]


Day = Annotated[list[HoursBody], Field(max_length=12)]


class CalendarBody(Payload):
    weekly: list[Day] = Field(min_length=7, max_length=7, description="Monday first; several intervals a day.")
    holiday: Day = Field(default=[], description="On public holidays.")
    make_up: int = Field(default=0, ge=0, le=6, examples=[0], description="Whose hours a make-up workday has.")
    every_day: bool = Field(default=False, examples=[False], description="Holidays and make-up days change nothing.")


class CalendarEdit(CalendarBody):
    expected_version: int = Field(ge=1, examples=[1])


class CalendarView(View):
    """A version of a duty calendar. In `provisional_years` holidays are not published: nothing there is final."""

    code: str = Field(examples=["office"])
    version: int = Field(examples=[1])
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    created_by_name: str | None = Field(examples=["王敏"])
    hours: CalendarBody
    summary: list[str] = Field(examples=[["周一至周五：08:30–12:00、14:30–17:30"]])
    made_for: str | None = Field(examples=[None], description="The unit that it was made for; none: for any.")
    units: int = Field(examples=[12], description="How many units keep it.")
    published_until: int = Field(examples=[2026], description="The last year whose holidays are published.")
    provisional_years: list[int] = Field(examples=[[2027, 2028]])


class Calendars(View):
    items: list[CalendarView]


def _calendar_view(found: CalendarVersion) -> CalendarView:
    calendar = found.calendar
    return CalendarView(
        code=found.code,
        version=found.version,
        created_at=found.row.created_at,
        created_by_name=found.created_by,
        hours=CalendarBody(
            weekly=[_hours(pattern) for pattern in calendar.weekly],
            holiday=_hours(calendar.holiday),
            make_up=calendar.make_up,
            every_day=calendar.every_day,
        ),
        summary=calendar_lines(calendar),
        made_for=found.made_for,
        units=len(found.units),
        published_until=calendar.published.last_year,
        provisional_years=found.provisional_years,
    )


@router.get("/duty-calendars")
async def list_calendars(actor: ActorDep) -> Calendars:
    """The version in force of every calendar."""
    return Calendars(items=[_calendar_view(each) for each in await calendars.newest()])


@router.get("/duty-calendars/{code}/versions")
async def list_calendar_versions(code: CalendarPath, actor: ActorDep) -> Calendars:
    """A calendar's versions, newest first."""
    return Calendars(items=[_calendar_view(each) for each in await calendars.versions(code)])


@router.put("/duty-calendars/{code}")
async def edit_calendar(code: CalendarPath, payload: CalendarEdit, actor: ActorDep) -> CalendarView:
    """A new version of its hours; open clocks follow."""
    weekly = tuple(tuple(hours.interval() for hours in day) for day in payload.weekly)
    holiday = tuple(hours.interval() for hours in payload.holiday)
    new = Edit(weekly, holiday, payload.make_up, payload.every_day)
    return _calendar_view(await calendars.edit(actor, code, new, expected_version=payload.expected_version))


@router.post("/units/{unit_id}/duty-calendar", status_code=201)
async def give_calendar(unit_id: UUID, actor: ActorDep) -> CalendarView:
    """A calendar of the unit's own, which it keeps from now on; it begins with the hours that the unit has."""
    return _calendar_view(await calendars.give_own(actor, unit_id))
