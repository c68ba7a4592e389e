"""The templates that an account has on its platform, as the platform lists them.

Sources: 微信开放文档 «获取已选用模板列表» (`template/get_all_private_template`, official account),
«获取已有模板列表» (`wxaapi/newtmpl/gettemplate`, subscribe messages).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wechat.answers import fields, optional_text, text
from wechat.errors import MalformedAnswer

_LINE = re.compile(r"([^{}\n]*?)\s*[:\uff1a]?\s*\{\{\s*([0-9A-Za-z_]+)\.DATA\s*\}\}")
Term = Literal["one_time", "long_term"]
_TERMS: dict[int, Term] = {2: "one_time", 3: "long_term"}


@dataclass(frozen=True, slots=True)
class AccountTemplate:
    """A template on the account: its id, its title, its fields as (key, label) in order."""

    template_id: str
    title: str
    fields: tuple[tuple[str, str], ...]
    term: Term | None
    """Of subscribe messages; None for template messages."""


def parse_fields(content: str) -> tuple[tuple[str, str], ...]:
    """`办理单位:{{thing2.DATA}}` line by line, as (key, label)."""
    return tuple((key, label.strip()) for label, key in _LINE.findall(content))


def listed(answer: Any, name: str, id_field: str) -> list[AccountTemplate]:
    """The templates of an answer whose list has this name. Raises MalformedAnswer."""
    rows = fields(answer).get(name)
    if not isinstance(rows, list):
        raise MalformedAnswer(name)
    return [_template(fields(row), id_field) for row in rows]


def _template(row: Mapping[str, Any], id_field: str) -> AccountTemplate:
    kind = row.get("type")
    return AccountTemplate(
        template_id=text(row, id_field),
        title=optional_text(row, "title"),
        fields=parse_fields(optional_text(row, "content")),
        term=_TERMS.get(kind) if isinstance(kind, int) else None,
    )
