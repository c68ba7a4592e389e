"""Trying a template before it is used: what each field would say, and what cannot be said in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delivery.fields import Alternatives, NoWordingFits, field_type, fit_field, fit_parameter
from delivery.models import Channel
from delivery.notice import Notice
from delivery.registry import REGISTRY
from delivery.samples import PRETEXT, samples
from delivery.templates import SAFE_PRETEXT, SMS_LENGTH, Definition
from delivery.wording import say

TEMPLATED = (Channel.MP_SUBSCRIBE, Channel.OA_TEMPLATE, Channel.SMS)
"""The channels on which a platform approves what may be said."""
LIMITS = {
    "thing": "20 个字以内",
    "const": "20 个字以内",
    "phrase": "5 个汉字以内",
    "character_string": "32 个字母、数字或符号，不含汉字",
    "number": "32 位以内数字",
    "letter": "32 个字母以内",
    "time": "时间，如 2026年11月23日 14:30 或 14:30",
    "date": "日期，如 2026年11月23日",
    "phone_number": "17 位以内电话号码",
}


@dataclass(frozen=True, slots=True)
class TriedField:
    """One field or parameter with what it would say in an ordinary message."""

    key: str
    label: str
    value: str
    limit: str
    text: str
    """Empty where nothing fits."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template, at which field; an empty field: with the whole."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A template tried with the samples."""

    fields: tuple[TriedField, ...]
    text: str
    """Of an SMS: what would be sent."""
    problems: tuple[Problem, ...]


def places() -> list[tuple[str, Channel]]:
    """Every notice and channel that needs a template."""
    found = [(notice.value, channel) for notice, entry in REGISTRY.items() for channel in entry.channels]
    return [place for place in found if place[1] in TEMPLATED] + [(SAFE_PRETEXT, Channel.SMS)]


def values_of(notice: str) -> list[Mapping[str, Alternatives]]:
    """What may fill the fields of a notice's templates: of an ordinary and of a longest message."""
    if notice == SAFE_PRETEXT:
        return [{"pretext": [text]} for text in PRETEXT]
    return [say(context).values for context in samples(Notice(notice))]


def try_out(notice: str, channel: Channel, definition: Definition) -> Trial:
    """What the template would say, and every reason for which it cannot be used."""
    ordinary, longest = values_of(notice)
    if channel is Channel.SMS:
        fields = [_parameter(number, definition, ordinary) for number in range(len(definition.parameters))]
        text = _fill(definition.text, [field.text for field in fields])
        problems = [*_of_sms(definition, longest), *_unfit(fields)]
    else:
        fields = [
            TriedField(f.key, f.label, f.value, LIMITS[field_type(f.key)], _fit(f.key, ordinary.get(f.value, ())))
            for f in definition.fields
        ]
        text = ""
        problems = [*_of_card(definition), *_unfit(fields), *_longest(definition, longest)]
    unknown = [
        Problem(field.key, f"这类消息没有“{field.value}”这项内容") for field in fields if field.value not in ordinary
    ]
    return Trial(tuple(fields), text, tuple(_once([*unknown, *problems])))


def _fit(key: str, alternatives: Alternatives) -> str:
    try:
        return fit_field(key, alternatives)
    except NoWordingFits:
        return ""


def _parameter(number: int, definition: Definition, values: Mapping[str, Alternatives]) -> TriedField:
    parameter = definition.parameters[number]
    try:
        text = fit_parameter(parameter.value, values.get(parameter.value, ()), parameter.limit)
    except NoWordingFits:
        text = ""
    return TriedField(f"{{{number + 1}}}", "", parameter.value, f"{parameter.limit} 个字以内", text)


def _fill(text: str, values: Sequence[str]) -> str:
    for number, value in enumerate(values, start=1):
        text = text.replace(f"{{{number}}}", value)
    return text


def _unfit(fields: Sequence[TriedField]) -> list[Problem]:
    return [Problem(field.key, f"内容放不下：{field.limit}") for field in fields if not field.text]


def _of_card(definition: Definition) -> list[Problem]:
    found = [] if definition.fields else [Problem("", "请至少填写一个字段")]
    if definition.text or definition.parameters:
        found.append(Problem("text", "微信模板没有短信正文"))
    keys = [each.key for each in definition.fields]
    return found + [Problem(key, "字段重复") for key in sorted(set(keys)) if keys.count(key) > 1]


def _longest(definition: Definition, values: Mapping[str, Alternatives]) -> list[Problem]:
    return [
        Problem(each.key, f"内容最长时放不下：{LIMITS[field_type(each.key)]}")
        for each in definition.fields
        if not _fit(each.key, values.get(each.value, ()))
    ]


def _of_sms(definition: Definition, values: Mapping[str, Alternatives]) -> list[Problem]:
    found = [] if definition.text else [Problem("text", "请填写短信正文")]
    if definition.fields:
        found.append(Problem("fields", "短信模板没有微信字段"))
    tried = [_parameter(number, definition, values) for number in range(len(definition.parameters))]
    found += [Problem(field.key, f"内容最长时放不下：{field.limit}") for field in tried if not field.text]
    if len(_fill(definition.text, [field.text for field in tried])) > SMS_LENGTH:
        found.append(Problem("text", f"连同内容超过 {SMS_LENGTH} 个字"))
    return found


def _once(problems: Sequence[Problem]) -> list[Problem]:
    """One sentence for each field: the first says what has to be done."""
    first: dict[str, Problem] = {}
    for problem in problems:
        first.setdefault(problem.field, problem)
    return list(first.values())
