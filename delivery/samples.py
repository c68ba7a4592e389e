"""Facts to try a template with: an ordinary message, and the longest that may ever come."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from delivery.contexts import CONTEXTS, Context
from delivery.notice import Notice

_AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)

_TYPICAL: dict[str, Any] = {
    "unit": "云州市公安局莲花分局莲花派出所",
    "reference": "A26112312345678",
    "check_word": "云竹",
    "desk_phone": "0551-60000000",
    "token": "nC1gq0aXk2mP7vR5",
    "until": date(2026, 11, 30),
    "posted_at": _AT,
    "next_contact_on": date(2026, 11, 30),
    "due_at": _AT,
    "asked_at": _AT,
    "answer": "鉴定意见预计周五出来，出来后当天告诉您。",
    "question": "请问是哪一天的事？",
    "now_with": "教导员",
    "about": "办理服务",
    "receipt": "M1123-0001",
    "why": "文件打不开",
    "percent": 80,
    "days": 7,
    "appointment": "0193f6f2c0de7a000000000000000001",
    "purpose": "办理手续",
    "place": "一楼接待大厅",
    "bring": "身份证原件",
    "fee": "",
    "one": "3月16日来所",
    "other": "服务评价",
    "what": "已选定时间",
    **dict.fromkeys(("first", "second", "third", "at", "was_at", "since", "reported_at", "back_at"), _AT),
    **dict.fromkeys(("count", "overdue", "due_today", "silent", "answered", "rated", "dissatisfied"), 12),
    "late": False,
    "accepted": True,
}
_LONGEST: dict[str, Any] = _TYPICAL | {
    "unit": "云州市公安局莲花湖高新技术产业开发区分局莲花湖北路社区警务服务站派出所",
    "reference": "A2611231234567890123",
    "check_word": "云竹山水花鸟松梅",
    "desk_phone": "+86 0551-60000000",
    "token": "nC1gq0aXk2mP7vR5nC1gq0aXk2mP7vR5",
    "receipt": "M1123-0001-M1123-0001-M1123-0001",
    "until": date(2026, 12, 31),
    "due_at": datetime(2026, 12, 31, 15, 59, tzinfo=UTC),
    "asked_at": datetime(2026, 12, 31, 15, 59, tzinfo=UTC),
    "now_with": "上级单位值班领导和民意中心共同负责处理",
    "about": "报警求助和案件办理全过程服务情况",
    "why": "文件格式不受支持或者内容已经损坏打不开",
    "percent": 99,
    "days": 999,
    "purpose": "调解会议以及签收法律文书",
    "place": "莲花湖北路派出所办案区二楼第三接待室",
    "bring": "身份证原件、受伤后的病历和收费票据、车辆行驶证、事故现场照片",
    "fee": "鉴定费用由公安机关承担",
    "one": "3月16日来所",
    "other": "服务评价",
    "what": "已放弃原来的时间并请求改期",
    **dict.fromkeys(("count", "overdue", "due_today", "silent", "answered", "rated", "dissatisfied"), 9_999),
    "late": True,
    "accepted": False,
}
PRETEXT = ("您预约的快递", "您在便民服务中心预约的材料已经准备好")
"""For the neutral SMS to protected persons."""


def samples(notice: Notice) -> tuple[Context, Context]:
    """An ordinary and a longest message of the notice."""
    kind = CONTEXTS[notice]
    names = kind.model_fields
    return (
        kind(**{name: _TYPICAL[name] for name in names if name in _TYPICAL}),
        kind(**{name: _LONGEST[name] for name in names if name in _LONGEST}),
    )
