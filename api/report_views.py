"""How figures look on the wire; each with its `n`, and withheld where that is too small."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from api.schemas import EXAMPLE_ID, View
from stewardship.foundation.org.models import ShiftKind
from stewardship.reports.dashboard import Below, Dashboard, Grain, Group, Point
from stewardship.reports.figures import Counted
from stewardship.reports.rules import Figure


class ShareView(View):
    """`good` of `n`; withheld of a sample under five."""

    n: int = Field(examples=[40])
    good: int | None = Field(examples=[36])
    value: float | None = Field(examples=[0.9])
    suppressed: bool = Field(examples=[False])


class SpreadView(View):
    """Minutes of duty time."""

    n: int = Field(examples=[40])
    median: float | None = Field(examples=[12.0])
    p90: float | None = Field(examples=[27.5])
    suppressed: bool = Field(examples=[False])


class SatisfactionView(View):
    """Never without how many of those asked answered."""

    strict: ShareView
    weighted: float | None = Field(examples=[0.91])
    response: ShareView
    scores: dict[int, int] = Field(examples=[{"1": 30, "2": 6, "3": 4}])


class RowView(View):
    """One row behind a figure. A question's history is at `/inquiries/{id}/events`."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    case_id: UUID | None = Field(examples=[EXAMPLE_ID])
    reference: str | None = Field(examples=["A26030212345678"])
    officer_id: UUID | None = Field(examples=[EXAMPLE_ID])
    officer_name: str | None = Field(examples=["王敏"])
    at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    state: str = Field(examples=["overdue"])
    counted: bool = Field(examples=[True])
    good: bool = Field(examples=[False])
    minutes: float | None = Field(examples=[42.0])
    score: int | None = Field(examples=[None])
    detail: str = Field(examples=[""])


class PeriodView(View):
    first: date = Field(examples=["2026-03-01"])
    last: date = Field(examples=["2026-03-31"])


class QuestionsView(View):
    """What questions came to; `rows` names the key under which the rows of each figure are listed."""

    asked: int = Field(examples=[52])
    first_response: SpreadView
    first_response_in_time: ShareView
    first_response_in_time_adjusted: ShareView
    full_answer: SpreadView
    answered_in_time: ShareView
    answered_in_time_adjusted: ShareView
    from_record: int = Field(examples=[12])
    breached: int = Field(examples=[5], description="Questions of which a promise was missed, contested ones included.")
    breaches_adjusted: int = Field(examples=[1], description="Missed promises that were found to be none.")
    overdue: int = Field(examples=[1])
    states: dict[str, int] = Field(examples=[{"in_time": 36, "late": 3, "overdue": 1, "from_record": 12}])

    @classmethod
    def of(cls, counted: Counted) -> QuestionsView:
        """From what was counted."""
        return cls(
            asked=counted.asked,
            first_response=SpreadView.model_validate(counted.first),
            first_response_in_time=ShareView.model_validate(counted.first_share),
            first_response_in_time_adjusted=ShareView.model_validate(counted.first_adjusted_share),
            full_answer=SpreadView.model_validate(counted.full),
            answered_in_time=ShareView.model_validate(counted.answered_share),
            answered_in_time_adjusted=ShareView.model_validate(counted.adjusted_share),
            from_record=counted.from_record,
            breached=counted.breached,
            breaches_adjusted=counted.first_adjusted + counted.full_adjusted,
            overdue=counted.overdue,
            states=counted.states,
        )


class PointView(View):
    """A day, week or month of a series."""

    first: date = Field(examples=["2026-03-02"])
    last: date = Field(examples=["2026-03-08"])
    questions: QuestionsView

    @classmethod
    def of(cls, point: Point) -> PointView:
        """From a point."""
        return cls(first=point.first, last=point.last, questions=QuestionsView.of(point.counted))


class GroupView(View):
    """One kind, channel, hour of the day, or steward; `value` is what the list of rows is filtered by."""

    value: str = Field(examples=["public_order"])
    name: str | None = Field(examples=[None])
    questions: QuestionsView

    @classmethod
    def of(cls, group: Group) -> GroupView:
        """From a group."""
        return cls(value=group.value, name=group.name, questions=QuestionsView.of(group.counted))


class OnDutyView(View):
    officer_id: UUID = Field(examples=[EXAMPLE_ID])
    officer_name: str = Field(examples=["王敏"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    kind: ShiftKind = Field(examples=["duty"])
    until: datetime = Field(examples=["2026-03-02T10:00:00Z"])


class BelowView(View):
    """A unit directly below. Ranks from `best` to `worst` are possible: units whose ranges overlap may differ by chance
    alone. Under 30 questions there is none.
    """

    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    questions: QuestionsView
    late_now: int = Field(examples=[2])
    best: int | None = Field(examples=[1])
    worst: int | None = Field(examples=[3])
    low: float | None = Field(examples=[0.86], description="Lower end of the share's 95 % confidence interval.")
    high: float | None = Field(examples=[0.94])

    @classmethod
    def of(cls, below: Below) -> BelowView:
        """From a unit's place."""
        interval = below.place.interval
        return cls(
            unit_id=below.unit_id,
            unit_name=below.unit_name,
            questions=QuestionsView.of(below.counted),
            late_now=below.late_now,
            best=below.place.best,
            worst=below.place.worst,
            low=interval.low if interval else None,
            high=interval.high if interval else None,
        )


class DashboardView(View):
    """First what is wrong now, then how it went. Each figure's rows: `/reports/units/{unit_id}/{figure}`."""

    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["柳堤派出所"])
    period: PeriodView
    as_of: datetime = Field(examples=["2026-03-31T02:00:00Z"])
    overdue: int = Field(examples=[12])
    overdue_rows: list[RowView]
    due_soon: int = Field(examples=[3])
    due_soon_rows: list[RowView]
    silent: int = Field(examples=[0])
    silent_rows: list[RowView]
    on_duty: list[OnDutyView]
    unmanned: list[str] = Field(examples=[["莲花派出所"]], description="Teams below that have nobody on duty now.")
    questions: QuestionsView
    grain: Grain = Field(examples=["day"])
    series: list[PointView]
    by_kind: list[GroupView]
    by_channel: list[GroupView]
    by_hour: list[GroupView]
    by_steward: list[GroupView]
    below: list[BelowView]
    enrolment: ShareView
    enrolment_states: dict[str, int] = Field(examples=[{"joined": 36, "not_joined": 4}])
    satisfaction: SatisfactionView
    not_asked: dict[str, int] = Field(examples=[{"minor": 2}])
    return_visits_in_time: ShareView
    return_visits_converted: ShareView
    return_visit_states: dict[str, int] = Field(examples=[{"in_time": 4}])
    telephone_tasks: dict[str, int] = Field(examples=[{"open": 1}])

    @classmethod
    def of(cls, found: Dashboard) -> DashboardView:
        """From what was found."""
        tallies = found.tallies
        enrolment, ratings = tallies[Figure.ENROLMENT], tallies[Figure.SATISFACTION]
        visits, calls = tallies[Figure.RETURN_VISITS], tallies[Figure.TELEPHONE_TASKS]
        return cls(
            unit_id=found.unit_id,
            unit_name=found.unit_name,
            period=PeriodView.model_validate(found.period),
            as_of=found.as_of,
            overdue=found.overdue,
            overdue_rows=[RowView.model_validate(row) for row in found.overdue_rows],
            due_soon=found.due_soon,
            due_soon_rows=[RowView.model_validate(row) for row in found.due_soon_rows],
            silent=found.silent,
            silent_rows=[RowView.model_validate(row) for row in found.silent_rows],
            on_duty=[OnDutyView.model_validate(each) for each in found.on_duty],
            unmanned=found.unmanned,
            questions=QuestionsView.of(found.whole),
            grain=found.grain,
            series=[PointView.of(point) for point in found.series],
            by_kind=[GroupView.of(group) for group in found.by_kind],
            by_channel=[GroupView.of(group) for group in found.by_channel],
            by_hour=[GroupView.of(group) for group in found.by_hour],
            by_steward=[GroupView.of(group) for group in found.by_steward],
            below=[BelowView.of(each) for each in found.below],
            enrolment=ShareView.model_validate(enrolment.share),
            enrolment_states=enrolment.states,
            satisfaction=SatisfactionView.model_validate(ratings.satisfaction),
            not_asked=ratings.details("not_sent"),
            return_visits_in_time=ShareView.model_validate(visits.share),
            return_visits_converted=ShareView.model_validate(visits.converted),
            return_visit_states=visits.states,
            telephone_tasks=calls.states,
        )
