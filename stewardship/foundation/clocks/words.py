"""What is promised, and when a unit is on duty, in plain Chinese for whoever decides on it. Pure."""

from __future__ import annotations

from datetime import timedelta

from stewardship.foundation.clocks.policy import Allowance, AllowanceUnit, Policy
from stewardship.foundation.duty_time import DutyCalendar, EscalationLevel, Interval

LEVELS = {
    EscalationLevel.DUTY_OFFICER: "协办或值班民警",
    EscalationLevel.INSTRUCTOR: "教导员",
    EscalationLevel.SUB_BUREAU: "上级单位",
}
DAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
_DAY = 24 * 60


def allowance_words(allowance: Allowance | None) -> str:
    """30 分钟(值班时间), 1 个工作日, 不承诺."""
    if allowance is None:
        return "不承诺"
    if allowance.unit is AllowanceUnit.DUTY_MINUTES:
        return f"{allowance.amount} 分钟（值班时间）"
    return f"{allowance.amount} 个工作日"


def policy_lines(policy: Policy) -> list[str]:
    """The promise, line by line."""
    lines = [
        f"首次答复：{allowance_words(policy.first_response)}",
        f"完整答复：{allowance_words(policy.full_answer)}",
    ]
    if policy.warn_at:
        lines.append(f"用时到 {'、'.join(f'{percent}%' for percent in policy.warn_at)} 时提醒案管家")
    lines += [
        f"用时到 {step.percent}%{'（超时）' if step.percent == 100 else ' '}时通知{LEVELS[step.level]}"
        for step in policy.escalation
    ]
    return [*lines, f"系统答复后 {policy.challenge_window // timedelta(hours=1)} 小时内可以追问"]


def clock_time(minutes: int) -> str:
    """08:30; of the next morning 次日 08:30; midnight at the end of a day 24:00."""
    if minutes > _DAY:
        return f"次日 {clock_time(minutes - _DAY)}"
    return f"{minutes // 60:02}:{minutes % 60:02}"


def hours_words(pattern: tuple[Interval, ...]) -> str:
    """08:30–12:00、14:30–17:30, or 不值班."""
    if pattern == (Interval(0, _DAY),):
        return "全天"
    return "、".join(f"{clock_time(start)}–{clock_time(end)}" for start, end in pattern) or "不值班"


def calendar_lines(calendar: DutyCalendar) -> list[str]:
    """When a unit with this calendar is on duty; days that are alike share a line."""
    groups: list[tuple[int, int, tuple[Interval, ...]]] = []
    for day, pattern in enumerate(calendar.weekly):
        if groups and groups[-1][2] == pattern:
            groups[-1] = (groups[-1][0], day, pattern)
        else:
            groups.append((day, day, pattern))
    lines = [f"{_days(first, last)}：{hours_words(pattern)}" for first, last, pattern in groups]
    if calendar.every_day:
        return [*lines, "节假日、调休日照常值班"]
    return [*lines, f"法定节假日：{hours_words(calendar.holiday)}", f"调休上班日：同{DAYS[calendar.make_up]}"]


def _days(first: int, last: int) -> str:
    if (first, last) == (0, 6):
        return "每天"
    return DAYS[first] if first == last else f"{DAYS[first]}至{DAYS[last]}"
