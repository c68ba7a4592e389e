"""The parts of which notices are worded: units from long to short, moments, the line with the telephone.

Each value has ways to say it from full to short, so that a field's limit is met by wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, TypeVar

from delivery import contexts as c
from delivery.fields import Alternatives
from delivery.notice import Notice
from kit import clock

NO_UNIT = "办案单位"
NO_CHECK_WORD = "见回执"
CHECK = "查看进展"
RATINGS = ("满意", "基本满意", "不满意")
_LEVEL = re.compile(r"^.*?(?:公安厅|公安局|分局|支队|大队)")


@dataclass(slots=True)
class Said:
    """A notice in words. `chat`: what the chat with the official account says, from full to short."""

    values: Mapping[str, Alternatives] = field(repr=False)
    chat: Alternatives = field(repr=False)
    choices: Sequence[tuple[str, str]] = ()
    """Lines to tap below the chat's text: (id, label)."""


K = TypeVar("K", bound=c.Context)
SAYERS: dict[Notice, Callable[[Any], Said]] = {}


def says(kind: type[K]) -> Callable[[Callable[[K], Said]], Callable[[K], Said]]:
    def register(function: Callable[[K], Said]) -> Callable[[K], Said]:
        SAYERS[kind.notice] = function
        return function

    return register


# Parts


@lru_cache(maxsize=1024)
def unit_names(name: str) -> tuple[str, ...]:
    """合肥市公安局庐阳分局莲花派出所, 庐阳分局莲花派出所, 莲花派出所, 办案单位."""
    names = [name]
    while (shorter := _LEVEL.sub("", names[-1], count=1)) and shorter != names[-1]:
        names.append(shorter)
    return (*names, NO_UNIT)


def moment(at: datetime) -> str:
    """11月23日 14:30, on a Chinese wall clock."""
    return ways_of(at)[1]


def day(on: date) -> str:
    """11月23日."""
    return f"{on.month}月{on.day}日"


def ways_of(at: datetime) -> tuple[str, str, str, str]:
    return _minute(int(at.timestamp()) // 60)


# Many messages name the same minute: it is worded once.
@lru_cache(maxsize=1024)
def _minute(minutes: int) -> tuple[str, str, str, str]:
    """`minutes`: whole ones since 1970; a number is looked up sooner than a datetime."""
    local = clock.local(datetime.fromtimestamp(minutes * 60, UTC))
    time = f"{local.hour:02}:{local.minute:02}"
    return (
        f"{local.year}年{local.month}月{local.day}日 {time}",
        f"{local.month}月{local.day}日 {time}",
        f"{local.month}/{local.day} {time}",
        time,
    )


def _when(at: datetime) -> tuple[Alternatives, Alternatives]:
    """For a field of type time, date or thing, and for an SMS, there never without the day."""
    full, short, shortest, time = ways_of(at)
    return (full, short, time), (full, short, shortest)


def _until(on: date) -> tuple[Alternatives, Alternatives]:
    """The same for a legal date, which ends at midnight."""
    full = f"{on.year}年{on.month}月{on.day}日"
    return (full, f"{full} 23:59", day(on)), (full, day(on))


def values_of(
    context: c.CitizenContext | c.OfficerContext,
    matter: Alternatives,
    when: datetime | date,
    hint: Alternatives,
    **more: Alternatives,
) -> dict[str, Alternatives]:
    long, short = _when(when) if isinstance(when, datetime) else _until(when)
    values: dict[str, Alternatives] = {
        "matter": matter,
        "unit": unit_names(context.unit),
        "when": long,
        "short_when": short,
        "hint": hint,
        "reference": (context.reference,),
        **more,
    }
    if isinstance(context, c.CitizenContext):
        values["check_word"] = (context.check_word, NO_CHECK_WORD)
    return values


def call_line(context: c.CitizenContext) -> str:
    return f"着急可拨打 {context.desk_phone}。" if context.desk_phone.strip() else "着急可拨打受案回执上的电话。"


def chat_text(context: c.CitizenContext | c.OfficerContext, *lines: str) -> str:
    return "\n".join([f"【{context.reference}】", *(line for line in lines if line)])


def officer_said(
    context: c.OfficerContext, matter: Alternatives, when: datetime, hint: Alternatives, line: str
) -> Said:
    return Said(values_of(context, matter, when, hint), [chat_text(context, line, context.unit)])
