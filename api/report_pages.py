"""Why figures changed, months as they froze and stand now, the digest, tables and documents to take out."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.deps import ActorDep, ServicesDep
from api.once import OnceRoute
from api.paging import CursorQuery, Cursors, LimitQuery, Page
from api.report_views import PeriodView, QuestionsView, SatisfactionView, ShareView
from api.reports import SPREADSHEET, PeriodDep, period_of
from api.schemas import EXAMPLE_ID, Payload, View
from stewardship.reports import changes
from stewardship.reports.changes import By, Change, Dimension, Metric
from stewardship.reports.decomposition import Effect
from stewardship.reports.digests import service as digests
from stewardship.reports.exports import service as exports
from stewardship.reports.exports.models import Export, ExportState, Table
from stewardship.reports.monthly import service as monthly
from stewardship.reports.months import comparing
from stewardship.reports.months.comparing import Month
from stewardship.reports.months.models import Reason
from stewardship.reports.rules import Figure

router = APIRouter(tags=["reports"], route_class=OnceRoute)

DOCUMENT = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


# --- why did it change ------------------------------------------------------------------------------------------------


class EffectView(View):
    """What one group did: `mix` by being more or fewer of all, `within` by doing better or worse."""

    value: str = Field(examples=["public_order"], description="`_other`: groups too small to be shown alone.")
    name: str = Field(examples=["治安案件"])
    n_before: int = Field(examples=[40])
    n_after: int = Field(examples=[52])
    before: float | None = Field(examples=[0.9])
    after: float | None = Field(examples=[0.85])
    mix: float = Field(examples=[-0.004])
    within: float = Field(examples=[-0.031])


class ByView(View):
    """The change by one dimension: `mix` + `within` = `change`, each the sum over the effects."""

    dimension: Dimension = Field(examples=["kind"])
    mix: float = Field(examples=[-0.004])
    within: float = Field(examples=[-0.031])
    effects: list[EffectView]
    sentence: str = Field(examples=["主要因素：治安案件自身变化影响 −3.1 个百分点（40→52 件）。"])

    @classmethod
    def of(cls, by: By) -> ByView:
        """From a decomposition."""
        found = by.decomposition
        return cls(
            dimension=by.dimension,
            mix=found.mix,
            within=found.within,
            effects=[_effect(effect, by.names) for effect in found.effects],
            sentence=by.sentence,
        )


def _effect(effect: Effect, names: dict[str, str]) -> EffectView:
    values = {name: getattr(effect, name) for name in EffectView.model_fields if name != "name"}
    return EffectView(name=names[effect.value], **values)


class FigureChangeView(View):
    """A figure in two periods, and what changed it; shares as fractions, means in duty minutes."""

    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    metric: Metric = Field(examples=["answered_in_time"])
    name: str = Field(examples=["有问必答率"])
    before: PeriodView
    after: PeriodView
    n_before: int = Field(examples=[80])
    n_after: int = Field(examples=[95])
    value_before: float | None = Field(examples=[0.91])
    value_after: float | None = Field(examples=[0.875])
    change: float | None = Field(examples=[-0.035])
    sentence: str = Field(examples=["有问必答率从 91.0%（80 件）到 87.5%（95 件），下降 3.5 个百分点。"])
    method: str = Field(examples=[changes.METHOD])
    by: list[ByView] = Field(description="Empty where either sample is too small.")

    @classmethod
    def of(cls, change: Change) -> FigureChangeView:
        """From a change."""
        found = change.by[0].decomposition if change.by else None
        return cls(
            unit_id=change.unit_id,
            unit_name=change.unit_name,
            metric=change.metric,
            name=change.name,
            before=PeriodView.model_validate(change.before),
            after=PeriodView.model_validate(change.after),
            n_before=change.n_before,
            n_after=change.n_after,
            value_before=found.before if found else None,
            value_after=found.after if found else None,
            change=found.change if found else None,
            sentence=change.sentence,
            method=changes.METHOD,
            by=[ByView.of(each) for each in change.by],
        )


@router.get("/reports/units/{unit_id}/changes")
async def get_change(
    unit_id: UUID,
    period: PeriodDep,
    before_first: Annotated[date, Query(examples=["2026-02-01"], description="The period to compare with.")],
    before_last: Annotated[date, Query(examples=["2026-02-28"])],
    actor: ActorDep,
    metric: Annotated[Metric, Query()] = Metric.ANSWERED_IN_TIME,
) -> FigureChangeView:
    """Why a figure changed from one period to the other, by unit, kind and channel."""
    before = period_of(before_first, before_last)
    return FigureChangeView.of(await changes.why_changed(actor, unit_id, metric, before, period))


# --- months -----------------------------------------------------------------------------------------------------------


class MonthFiguresView(View):
    """A month's figures, frozen or as they stand now."""

    questions: QuestionsView
    enrolment: ShareView
    satisfaction: SatisfactionView
    return_visits_in_time: ShareView


class MonthView(View):
    """A month frozen and restated; `frozen` is empty until the third of the next month."""

    month: date = Field(examples=["2026-03-01"])
    frozen_at: datetime | None = Field(examples=["2026-04-02T16:00:00Z"])
    frozen: MonthFiguresView | None
    restated: MonthFiguresView
    difference: float | None = Field(examples=[0.012], description="有问必答率 restated less frozen.")
    restatements: int = Field(examples=[3])
    reasons: dict[Reason, int] = Field(examples=[{"contest_accepted": 2, "late_call": 1}])

    @classmethod
    def of(cls, month: Month) -> MonthView:
        """From a month."""
        frozen = None
        if month.frozen is not None and month.frozen_tallies is not None:
            frozen = _figures(month.frozen, month.frozen_tallies)
        return cls(
            month=month.month,
            frozen_at=month.frozen_at,
            frozen=frozen,
            restated=_figures(month.restated, month.restated_tallies),
            difference=month.difference,
            restatements=month.restatements,
            reasons=month.reasons,
        )


def _figures(questions: Any, tallies: dict[Figure, Any]) -> MonthFiguresView:
    return MonthFiguresView(
        questions=QuestionsView.of(questions),
        enrolment=ShareView.model_validate(tallies[Figure.ENROLMENT].share),
        satisfaction=SatisfactionView.model_validate(tallies[Figure.SATISFACTION].satisfaction),
        return_visits_in_time=ShareView.model_validate(tallies[Figure.RETURN_VISITS].share),
    )


class RestatementView(View):
    """One thing of a frozen month that counts differently: why, and what differs, as codes and numbers."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    at: datetime = Field(examples=["2026-04-08T02:00:00Z"])
    reason: Reason = Field(examples=["contest_accepted"])
    figure: str = Field(examples=["question"])
    subject_id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str | None = Field(examples=["柳堤派出所"])
    officer_id: UUID | None = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    before: dict[str, Any] = Field(examples=[{"full_adjusted": False}])
    after: dict[str, Any] = Field(examples=[{"full_adjusted": True}])


@router.get("/reports/units/{unit_id}/months")
async def list_months(unit_id: UUID, period: PeriodDep, actor: ActorDep) -> list[MonthView]:
    """Each month that the period touches, newest first: frozen, restated, and how many changes why."""
    return [MonthView.of(month) for month in await comparing.months(actor, unit_id, period)]


@router.get("/reports/units/{unit_id}/months/{month}/restatements")
async def list_restatements(
    unit_id: UUID,
    month: date,
    actor: ActorDep,
    services: ServicesDep,
    cursor: CursorQuery = None,
    limit: LimitQuery = 20,
) -> Page[RestatementView]:
    """What of a frozen month counts differently since, newest first. `month` is its first day."""
    cursors = Cursors(services.session_key, f"restatements:{unit_id}:{month}")
    rows = await comparing.restatements(actor, unit_id, month, after=cursors.read(cursor), limit=limit + 1)
    return cursors.page(rows, limit, lambda row: row.cursor, RestatementView.model_validate)


@router.get(
    "/reports/units/{unit_id}/months/{month}/document",
    response_class=Response,
    responses={200: {"content": {DOCUMENT: {}}}},
)
async def get_document(unit_id: UUID, month: date, actor: ActorDep) -> Response:
    """The monthly report as a Word document in the layout of official documents (GB/T 9704-2012)."""
    name, content = await monthly.document(actor, unit_id, month)
    return _file(content, DOCUMENT, name)


# --- the digest -------------------------------------------------------------------------------------------------------


class NumbersView(View):
    """What is late and falls due as of now; answers and ratings since the last working day began, until today."""

    overdue: int = Field(examples=[2])
    due_today: int = Field(examples=[5])
    silent: int = Field(examples=[1])
    answered: int = Field(examples=[12])
    rated: int = Field(examples=[6])
    dissatisfied: int = Field(examples=[1])


class UnitNumbersView(View):
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    numbers: NumbersView


class DigestView(View):
    """What the day begins with: the whole of the caller's units, and each that has anything to tell."""

    day: date = Field(examples=["2026-03-17"])
    since: date = Field(examples=["2026-03-16"])
    as_of: datetime = Field(examples=["2026-03-17T00:30:00Z"])
    whole: NumbersView
    units: list[UnitNumbersView]


@router.get("/reports/digest")
async def get_digest(actor: ActorDep) -> DigestView:
    """The daily digest as of now."""
    return DigestView.model_validate(await digests.digest(actor))


# --- tables to take out -----------------------------------------------------------------------------------------------


class Exporting(Payload):
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    table: Table = Field(examples=["inquiries"])
    first: date = Field(examples=["2026-03-01"])
    last: date = Field(examples=["2026-03-31"])


class ExportView(View):
    """A table that is taken out: `done` of `rows`; its file is at `/reports/exports/{id}/file` for a day."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    table: Table = Field(examples=["inquiries"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    period: PeriodView
    state: ExportState = Field(examples=["running"])
    why: str = Field(examples=[""])
    rows: int = Field(examples=[12000])
    done: int = Field(examples=[3000])
    created_at: datetime = Field(examples=["2026-03-31T02:00:00Z"])
    finished_at: datetime | None = Field(examples=[None])

    @classmethod
    def of(cls, export: Export) -> ExportView:
        """From a row."""
        same = ("id", "unit_id", "state", "why", "rows", "done", "created_at", "finished_at")
        period = PeriodView(first=export.params["first"], last=export.params["last"])
        return cls(table=export.what, period=period, **{name: getattr(export, name) for name in same})


@router.post("/reports/exports")
async def start_export(payload: Exporting, actor: ActorDep) -> ExportView:
    """Take out a table: a short one is done at once, a long one says how far it is when asked again."""
    period = period_of(payload.first, payload.last)
    return ExportView.of(await exports.start(actor, payload.unit_id, payload.table, period))


@router.get("/reports/exports")
async def list_exports(actor: ActorDep) -> list[ExportView]:
    """One's own of the last day, newest first."""
    return [ExportView.of(export) for export in await exports.recent(actor)]


@router.get("/reports/exports/{export_id}")
async def get_export(export_id: UUID, actor: ActorDep) -> ExportView:
    """How far it is."""
    return ExportView.of(await exports.access_export(actor, export_id))


@router.get(
    "/reports/exports/{export_id}/file", response_class=Response, responses={200: {"content": {SPREADSHEET: {}}}}
)
async def get_export_file(export_id: UUID, actor: ActorDep) -> Response:
    """The file; 409 until it is done, 410 after a day."""
    name, content = await exports.download(actor, export_id)
    return _file(content, SPREADSHEET, name)


def _file(content: bytes, media_type: str, name: str) -> Response:
    """A name in Chinese needs RFC 5987's form."""
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})
