"""Limits of template fields, by the type that a field's key begins with.

Source: 订阅消息参数值内容限制说明 (subscribeMessage.send); category templates of official accounts validate the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import PlatformError
from sandbox.model import Template

BAD_DATA = 47003
_CHINESE = r"[\u3400-\u9fff\uf900-\ufaff]"
_CLOCK = r"([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d)?"
_DATE = (
    r"(\d{4}年\d{1,2}月\d{1,2}日|\d{4}年\d{1,2}月|\d{1,2}月\d{1,2}日"
    r"|\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}[-/.]\d{1,2})"
)
_MOMENT = rf"({_DATE}\s*{_CLOCK}|{_CLOCK})"
_DAY = rf"{_DATE}(\s*{_CLOCK})?"


def _pattern(expression: str) -> Callable[[str], bool]:
    compiled = re.compile(expression)
    return lambda value: compiled.fullmatch(value) is not None


def _name(value: str) -> bool:
    """10 characters where any is Chinese, else 20 letters or symbols; no digits."""
    if re.search(r"\d", value):
        return False
    return len(value) <= (10 if re.search(_CHINESE, value) else 20)


def _length(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit


_CHECKS: dict[str, Callable[[str], bool]] = {
    "thing": _length(20),
    "const": _length(20),
    "enum": _length(20),
    "phrase": _pattern(rf"{_CHINESE}{{1,5}}"),
    "character_string": _pattern(r"[\x20-\x7e]{1,32}"),
    "number": _pattern(r"-?\d{1,32}(\.\d+)?"),
    "letter": _pattern(r"[A-Za-z]{1,32}"),
    "symbol": _pattern(r"[^\w\s]{1,5}"),
    "time": _pattern(rf"{_MOMENT}(\s*~\s*{_MOMENT})?"),
    "date": _pattern(rf"{_DAY}(\s*~\s*{_DAY})?"),
    "amount": _pattern(r"[¥￥$€£]?\d{1,10}(\.\d+)?元?"),
    "phone_number": _pattern(r"[\d+\-() ]{1,17}"),
    "car_number": _pattern(rf"(?=.{{1,8}}$){_CHINESE}?[A-Za-z0-9]+{_CHINESE}?"),
    "name": _name,
}


def field_type(key: str) -> str:
    """`character_string12` → `character_string`."""
    return key.rstrip("0123456789")


def known_type(key: str) -> bool:
    return field_type(key) in _CHECKS


def check_value(key: str, value: str) -> bool:
    """Whether a value fits its field: not empty, no control characters, within its type's limits."""
    if not value.strip() or any(ord(character) < 32 for character in value):
        return False
    return _CHECKS[field_type(key)](value)


def check_data(template: Template, data: Any) -> list[dict[str, str]]:
    """The card's fields `{key, label, value}`. Raises PlatformError 47003 that names the first wrong field."""
    if not isinstance(data, dict):
        raise PlatformError(BAD_DATA, "data is empty")
    labels = {field["key"]: field["label"] for field in template.fields}
    for key in data:
        if key not in labels:
            raise PlatformError(BAD_DATA, f"data.{key} is not in the template")
    return [{"key": key, "label": label, "value": _value(key, data.get(key))} for key, label in labels.items()]


def _value(key: str, given: Any) -> str:
    value = given.get("value") if isinstance(given, dict) else None
    if value is None or not str(value).strip():
        raise PlatformError(BAD_DATA, f"data.{key}.value is empty")
    if not check_value(key, str(value)):
        raise PlatformError(BAD_DATA, f"data.{key}.value invalid")
    return str(value)
