"""What the platforms accept in a field, and choosing the wording that fits: never a cut in mid-word.

Sources: 微信开放文档 «订阅消息参数值内容限制说明» (category templates of official accounts validate the same) and
腾讯云文档 «短信正文模板审核标准» (382/39023: no sign brackets, no link in a variable, lengths as the console says).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

Alternatives = Sequence[str]
"""Ways to say the same, from full to short; the first that fits is taken."""

_CHINESE = r"[\u3400-\u9fff\uf900-\ufaff]"
_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_DATE = r"\d{4}年\d{1,2}月\d{1,2}日"
_NOT_IN_SMS = re.compile(r"[【】¥★※\x00-\x1f]|https?:|www\.", re.IGNORECASE)


class NoWordingFits(ValueError):
    """None of the alternatives fits the field; the message names the field, not the values."""


def _matches(expression: str) -> Callable[[str], bool]:
    return re.compile(expression).fullmatch  # type: ignore[return-value]  # a match or None is all we ask.


def _at_most(limit: int) -> Callable[[str], bool]:
    return lambda value: len(value) <= limit


CHECKS: dict[str, Callable[[str], bool]] = {
    "thing": _at_most(20),
    "const": _at_most(20),
    "phrase": _matches(rf"{_CHINESE}{{1,5}}"),
    "character_string": _matches(r"[\x20-\x7e]{1,32}"),
    "number": _matches(r"-?\d{1,32}(\.\d+)?"),
    "letter": _matches(r"[A-Za-z]{1,32}"),
    "time": _matches(rf"({_DATE} )?{_CLOCK}"),
    "date": _matches(rf"{_DATE}( {_CLOCK})?"),
    "phone_number": _matches(r"[\d+\-() ]{1,17}"),
}
"""By the letters that a field's key begins with (`thing1`, `time3`)."""


def field_type(key: str) -> str:
    """`character_string12` → `character_string`. Raises ValueError for a type that we cannot fill."""
    kind = key.rstrip("0123456789")
    if kind not in CHECKS:
        raise ValueError(f"{key} is of a type that is not supported")
    return kind


def fit_field(key: str, alternatives: Alternatives) -> str:
    """The fullest alternative that the field of a WeChat template takes. Raises NoWordingFits."""
    return _fit_field(key, tuple(alternatives))


# Most values are the same from message to message.
@lru_cache(maxsize=4096)
def _fit_field(key: str, alternatives: tuple[str, ...]) -> str:
    check = CHECKS[field_type(key)]
    return _first(key, alternatives, lambda value: check(value) and value.isprintable())


def fit_parameter(name: str, alternatives: Alternatives, limit: int) -> str:
    """The fullest alternative that an SMS parameter of so many characters takes. Raises NoWordingFits."""
    return _first(name, alternatives, lambda value: len(value) <= limit and not _NOT_IN_SMS.search(value))


def fit_text(alternatives: Alternatives, limit: int) -> str:
    """The fullest alternative of at most so many bytes. Raises NoWordingFits."""
    return _first("text", alternatives, lambda value: len(value.encode()) <= limit)


def _first(name: str, alternatives: Alternatives, fits: Callable[[str], bool]) -> str:
    for value in alternatives:
        if value.strip() and fits(value):
            return value
    raise NoWordingFits(name)
