"""Reads the fields of a platform's answer; what is missing or of the wrong kind is a MalformedAnswer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wechat.errors import MalformedAnswer


def fields(result: Any) -> Mapping[str, Any]:
    """The answer as an object."""
    if not isinstance(result, dict):
        raise MalformedAnswer("the answer is no JSON object")
    return result


def text(found: Mapping[str, Any], name: str) -> str:
    """A field that must be there and not empty."""
    value = found.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedAnswer(name)
    return value


def optional_text(found: Mapping[str, Any], name: str) -> str:
    """A field that may be missing: then empty. Numbers, as of message ids, become text."""
    value = found.get(name, "")
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else ""


def number(found: Mapping[str, Any], name: str) -> int:
    """A whole number that must be there."""
    value = found.get(name)
    if not isinstance(value, int):
        raise MalformedAnswer(name)
    return value
