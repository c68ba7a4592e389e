"""What the monthly report says: figures with their samples, places with ties, what changed and why, restatements."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from kit import clock, database
from kit.database import atomic
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Invalid
from stewardship.reports import figures
from stewardship.reports.changes import METHOD, Change, Metric, change_of
from stewardship.reports.definitions import DEFINITIONS
from stewardship.reports.exporting import watermark
from stewardship.reports.figures import Counted
from stewardship.reports.monthly.layout import OfficialDocument
from stewardship.reports.months import comparing
from stewardship.reports.months.comparing import Month, month_of
from stewardship.reports.months.texts import REASONS
from stewardship.reports.names import CHANNELS, KINDS, named
from stewardship.reports.ranking import SMALLEST_SAMPLE, Place, ranked
from stewardship.reports.rules import Figure, Share, Spread
from stewardship.reports.service import units_in_scope
from stewardship.reports.tally_figures import Tally

WITHHELD = "样本不足"
COMPARED = (
    Metric.ANSWERED_IN_TIME,
    Metric.FIRST_RESPONSE_IN_TIME,
    Metric.FIRST_RESPONSE_MEAN,
    Metric.SATISFACTION,
)
"""What is compared with the month before."""


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that a unit's report of a month is written from."""

    unit_name: str
    month: Month
    changes: list[Change]
    by_kind: dict[str, Counted]
    by_channel: dict[str, Counted]
    below: list[tuple[str, Counted, Place]]


async def document(actor: Actor, unit_id: UUID, month: date) -> tuple[str, bytes]:
    """The report's file name and the .docx; taking it out is an event.

    Raises NotFound for a unit out of scope, Invalid for a month that has not begun or is no month's first day.
    """
    if month.day != 1 or not 2000 <= month.year < 2100 or month > clock.today():
        raise Invalid("report_month", "月份不对", "请填写已开始月份的第一天，例如 2026-03-01。")
    content, mark = await _collect(actor, unit_id, month)
    name = f"{content.unit_name}{month.year}年{month.month}月服务群众情况通报.docx"
    return name, await asyncio.to_thread(written, content, mark, clock.today())


@atomic()
async def _collect(actor: Actor, unit_id: UUID, month: date) -> tuple[Content, str]:
    units = await units_in_scope(actor, unit_id)
    await audit.record(
        "report.exported", actor, ("unit", unit_id), unit_id=unit_id, document="monthly", month=month.isoformat()
    )
    period, before = month_of(month), month_of(month - timedelta(days=1))
    groups = await figures.by_dimensions([unit_id], ["kind", "channel"], period)
    changes = [await change_of(unit_id, metric, before, period) for metric in COMPARED]
    return Content(
        unit_name=await database.fetchval("select name from unit where id = $1", unit_id),
        month=await comparing.compared(unit_id, units, month),
        changes=changes,
        by_kind={value: part for (_, name, value), part in groups.items() if name == "kind"},
        by_channel={value: part for (_, name, value), part in groups.items() if name == "channel"},
        below=await _below(unit_id, month),
    ), await watermark(actor)


async def _below(unit_id: UUID, month: date) -> list[tuple[str, Counted, Place]]:
    rows = await database.fetch("select id, name from unit where parent_id = $1 order by name", unit_id)
    counted = {row["id"]: await figures.counted(row["id"], month_of(month), clock.now()) for row in rows}
    places = ranked({u: (c.full_in_time, c.full_count + c.overdue) for u, c in counted.items()})
    found = [(row["name"], counted[row["id"]], places[row["id"]]) for row in rows]
    return sorted(found, key=lambda each: (each[2].best is None, each[2].best or 0, each[2].worst or 0, each[0]))


# --- writing ----------------------------------------------------------------------------------------------------------


def written(content: Content, mark: str, day: date) -> bytes:
    """The document. Pure."""
    month = content.month.month
    title = f"{content.unit_name}\n{month.year}年{month.month}月服务群众情况通报"
    paper = OfficialDocument(title, content.unit_name, mark)
    paper.text(_opening(content))
    _figures(paper, content.month)
    _parts(paper, content)
    _changes(paper, content)
    if content.below:
        _ranking(paper, content)
    _restatements(paper, content.month)
    _definitions(paper)
    paper.signature(content.unit_name, f"{day.year}年{day.month}月{day.day}日")
    return paper.saved()


def _opening(content: Content) -> str:
    month = content.month
    state = (
        f"本月数字已于{_day(clock.local(month.frozen_at).date())}冻结"
        if month.frozen_at is not None
        else "本月数字尚未冻结，以次月3日冻结的为准"
    )
    shown = month.frozen or month.restated
    return (
        f"{month.month.year}年{month.month.month}月共受理群众提问 {shown.asked} 件，"
        f"其中系统按记录答复 {shown.from_record} 件。"
        f"{state}。样本少于 5 件的只列件数，写作“{WITHHELD}”。"
    )


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _figures(paper: OfficialDocument, month: Month) -> None:
    paper.heading("主要指标")
    frozen = month.frozen is not None
    head = ["指标", "样本", "冻结", "现在"] if frozen else ["指标", "样本", "现在"]
    now = _indicators(month.restated, month.restated_tallies)
    if month.frozen is not None and month.frozen_tallies is not None:
        then = _indicators(month.frozen, month.frozen_tallies)
        rows = [[name, _samples(n0, n1), a, b] for (name, n0, a), (_, n1, b) in zip(then, now, strict=True)]
    else:
        rows = [[name, n, value] for name, n, value in now]
    paper.table(f"{month.month.month}月主要指标", head, rows, [4, 2, 3, 3] if frozen else [5, 2, 4])


def _samples(then: str, now: str) -> str:
    return then if then == now else f"{then}→{now}"


def _indicators(c: Counted, tallies: dict[Figure, Tally]) -> list[tuple[str, str, str]]:
    ratings, visits = tallies[Figure.SATISFACTION].satisfaction, tallies[Figure.RETURN_VISITS]
    enrolment = tallies[Figure.ENROLMENT].share
    shares = [
        ("有问必答率", c.answered_share),
        ("有问必答率（核定）", c.adjusted_share),
        ("首次答复按时率", c.first_share),
        ("首次答复按时率（核定）", c.first_adjusted_share),
    ]
    others = [
        ("入群率", enrolment),
        ("满意率", ratings.strict),
        ("评价回复率", ratings.response),
        ("回访按时率", visits.share),
        ("转化率", visits.converted),
    ]
    spreads = [("首次答复时长", c.first), ("完整答复时长", c.full)]
    return [
        *((name, str(share.n), percent(share)) for name, share in shares),
        *((f"{name}（值班分钟，中位数/九成位）", str(each.n), minutes(each)) for name, each in spreads),
        *((name, str(share.n), percent(share)) for name, share in others),
    ]


def percent(share: Share) -> str:
    """With one decimal, or that it is withheld."""
    return WITHHELD if share.value is None else f"{share.value:.1%}"


def minutes(spread: Spread) -> str:
    """Median and 90th percentile in duty minutes."""
    if spread.median is None or spread.p90 is None:
        return WITHHELD
    return f"{spread.median:.0f}/{spread.p90:.0f}"


def _parts(paper: OfficialDocument, content: Content) -> None:
    paper.heading("分类情况")
    for title, groups, names in (("按案件类别", content.by_kind, KINDS), ("按渠道", content.by_channel, CHANNELS)):
        paper.subheading(title)
        rows = [[named(names, value), *_of(counted)] for value, counted in sorted(groups.items())]
        if rows:
            paper.table(f"{title}的答复情况", ["类别", *_COLUMNS], rows, [3, 2, 3, 3, 5])
        else:
            paper.text("本月没有提问。")


_COLUMNS = ("提问", "有问必答率", "核定", "首次答复（值班分钟，中位数/九成位）")


def _of(c: Counted) -> list[str]:
    return [str(c.asked), percent(c.answered_share), percent(c.adjusted_share), minutes(c.first)]


def _changes(paper: OfficialDocument, content: Content) -> None:
    paper.heading("变化和原因")
    for change in content.changes:
        paper.subheading(change.name)
        paper.text(change.sentence)
        for by in change.by:
            label = {"unit": "按单位", "kind": "按案件类别", "channel": "按渠道"}[by.dimension]
            paper.point(f"{label}:{by.sentence}")


def _ranking(paper: OfficialDocument, content: Content) -> None:
    paper.heading("下级单位情况")
    paper.text(
        f"按有问必答率的95%置信区间比较，差别在偶然范围内的写作名次区间，视为并列；"
        f"样本少于 {SMALLEST_SAMPLE} 件的不排名。"
    )
    rows = [
        [_place(place), name, str(c.full_count + c.overdue), percent(c.answered_share), percent(c.adjusted_share)]
        for name, c, place in content.below
    ]
    paper.table("下级单位有问必答率", ["名次", "单位", "样本", "有问必答率", "核定"], rows, [2, 5, 2, 3, 3])


def _place(place: Place) -> str:
    if place.best is None:
        return "不排名"
    return str(place.best) if place.best == place.worst else f"{place.best}至{place.worst}"


def _restatements(paper: OfficialDocument, month: Month) -> None:
    paper.heading("冻结后的变动")
    if month.frozen_at is None:
        paper.text("本月尚未冻结。")
    elif not month.reasons:
        paper.text("冻结后没有变动。")
    else:
        paper.text(f"冻结后共有 {month.restatements} 项变动，冻结数字不改，与现在的数字并列。")
        rows = [[REASONS[reason], str(n)] for reason, n in month.reasons.items()]
        paper.table("变动原因", ["原因", "项数"], rows, [6, 2])


def _definitions(paper: OfficialDocument) -> None:
    paper.heading("附录：指标口径")
    for each in DEFINITIONS:
        paper.point(f"{each.name}。{each.definition}来源：{each.source}。")
    paper.point(f"变化分解。{METHOD}")
