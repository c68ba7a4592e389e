"""What kinds and channels are called in documents and sentences."""

from __future__ import annotations

from collections.abc import Mapping

from stewardship.casework.cases.models import CaseKind

KINDS: dict[str, str] = {
    CaseKind.PUBLIC_ORDER: "治安案件",
    CaseKind.CRIMINAL: "刑事案件",
    CaseKind.TRAFFIC_ACCIDENT: "交通事故",
    CaseKind.DISPUTE: "纠纷",
    "unknown": "类别未定",
}
CHANNELS: dict[str, str] = {
    "oa": "公众号",
    "mp": "小程序",
    "sms": "短信",
    "web": "网页",
    "desk": "民警代录",
    "phone": "电话",
    "unknown": "渠道不详",
}


def named(names: Mapping[str, str], value: str) -> str:
    """What it is called; a value that nobody named stands for itself."""
    return names.get(value, value)
