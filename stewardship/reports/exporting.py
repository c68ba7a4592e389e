"""The rows behind a figure as an Excel file."""

from __future__ import annotations

from uuid import UUID

from kit import clock, database
from kit.database import atomic
from kit.tables import write_table
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Invalid
from stewardship.reports.definitions import name_of
from stewardship.reports.figures import EVERYTHING, Filter
from stewardship.reports.rules import Figure, Period
from stewardship.reports.service import PAGE, Row, rows_behind

MOST_ROWS = 20_000
COLUMNS = (
    ("reference", "查询编号"),
    ("at", "时间"),
    ("officer_name", "民警"),
    ("state", "情况"),
    ("counted", "计入"),
    ("good", "达标"),
    ("minutes", "时长（分钟）"),
    ("score", "评价"),
    ("detail", "说明"),
)
STATES = {
    "answered": "已答复",
    "waiting": "等待答复",
    "from_record": "系统按记录答复",
    "in_time": "按时",
    "late": "超时",
    "overdue": "超时未办",
    "not_due": "未到期",
    "first_reply": "首次答复",
    "full_answer": "完整答复",
    "joined": "24小时内加入",
    "joined_late": "超过24小时加入",
    "not_joined": "未加入",
    "never_invited": "未邀请",
    "not_invited": "按记录的原因不邀请",
    "minor": "未成年人",
    "open": "进行中",
    "sent": "已发出",
    "expired": "已过期",
    "not_sent": "未发出",
    "unreached": "联系不上",
    "informed": "已告知",
    "not_informed": "未能告知",
    "level_0": "已超期",
    "level_1": "已提醒案管家",
    "level_2": "已提醒教导员",
}


@atomic()
async def export(actor: Actor, figure: Figure, unit_id: UUID, period: Period, filter_: Filter = EVERYTHING) -> bytes:
    """An .xlsx file of the rows, as `rows_behind` shows them; taking it out is an event.

    Raises NotFound for a unit out of scope, Invalid for more rows than a file should hold.
    """
    rows: list[Row] = []
    while page := await rows_behind(
        actor, figure, unit_id, period, filter_=filter_, after=rows[-1].cursor if rows else None, limit=PAGE
    ):
        rows += page
        if len(rows) > MOST_ROWS:
            raise Invalid("export_too_long", "行数太多", f"一次最多导出 {MOST_ROWS} 行，请缩短时间段或选择下级单位。")
    await audit.record(
        "report.exported", actor, ("unit", unit_id), unit_id=unit_id, figure=figure.value, rows=len(rows)
    )
    title = f"{name_of(figure)} {period.first} 至 {period.last}"
    return write_table(title, COLUMNS, map(_cells, rows), watermark=await watermark(actor))


def _cells(row: Row) -> dict[str, object]:
    values = {key: getattr(row, key) for key, _ in COLUMNS}
    values |= {"state": STATES.get(row.state, row.state), "counted": _yes(row.counted), "good": _yes(row.good)}
    if row.minutes is not None:
        values["minutes"] = round(row.minutes, 1)
    return values


def _yes(value: bool) -> str:
    return "是" if value else "否"


async def watermark(actor: Actor) -> str:
    """Who took it out, when; stands on every page."""
    number = await database.fetchval("select number from officer where id = $1", actor.id)
    return f"警号 {number} 于 {clock.local(clock.now()):%Y-%m-%d %H:%M} 导出"
