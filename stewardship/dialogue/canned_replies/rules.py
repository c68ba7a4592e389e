"""What a canned reply may contain, and filling it in for a case. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stewardship.foundation.errors import Invalid

PLACEHOLDERS = {
    "编号": "案件查询编号",
    "单位": "办案单位名称",
    "值班电话": "办案单位值班电话",
    "案管家": "案管家姓名",
    "下次联系": "下次联系日期",
    "今天": "今天的日期",
}
"""What stands between braces in a reply, and what it becomes."""
MISSING = "____"
"""Where the case does not know it yet: the steward fills it in and cannot overlook it."""
_BRACED = re.compile(r"\{([^{}]*)\}")


def check_text(title: str, text: str) -> None:
    """Raises Invalid for a placeholder that nobody fills, or a stray brace."""
    for part in (title, text):
        unknown = [name for name in _BRACED.findall(part) if name not in PLACEHOLDERS]
        if unknown or set(_BRACED.sub("", part)) & set("{}"):
            known = "、".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise Invalid(
                "canned_placeholder", f"不认识“{unknown[0] if unknown else '花括号'}”", f"可以使用：{known}。"
            )
    if _BRACED.search(title):
        raise Invalid("canned_title", "标题里不能用花括号", "请把要自动填写的内容放在正文里。")


def filled(text: str, values: Mapping[str, str]) -> str:
    """The reply with the case's own details; what is not known stays to be written."""
    return _BRACED.sub(lambda found: values.get(found[1], "") or MISSING, text)
