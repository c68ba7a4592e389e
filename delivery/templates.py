"""The platforms' templates: which of our values fills which of their fields, and whether it may be used.

Every installation has its own ids and field keys, and every change has to be approved by the platform first; hence they
are rows of the table `template`. Only ACTIVE ones are used, of several versions the newest.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from delivery.fields import Alternatives, NoWordingFits, field_type, fit_field, fit_parameter
from delivery.models import Channel, TemplateState
from kit import database
from kit.ids import new_id

SAFE_PRETEXT = "safe_pretext"
"""In the table it stands where others have a notice: the neutral SMS to a protected person, whatever it is about."""
CACHED_SECONDS = 30.0
SMS_LENGTH = 500
"""Characters of an SMS with its signature and the actual values (382/39023)."""
MAX_LIMIT = 64

Value = Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]


class TemplateField(BaseModel):
    """A field of a WeChat template: its key there, its label, and our value in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z_]{1,24}\d{1,3}$")]
    label: Annotated[str, Field(max_length=16)] = ""
    value: Value


class Parameter(BaseModel):
    """A parameter of an SMS template: our value in it, and how many characters the console allows for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: Value
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 12


class Definition(BaseModel):
    """The column `definition`. Raises pydantic's ValidationError where it cannot be filled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(max_length=32)] = ""
    term: Literal["one_time", "long_term"] = "one_time"
    """Of a subscribe message."""
    fields: tuple[TemplateField, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    """Of an SMS, in the order {1}, {2} …"""
    text: Annotated[str, Field(max_length=SMS_LENGTH)] = ""
    """Of an SMS, as approved; with {1}, {2} …"""

    @model_validator(mode="after")
    def _fillable(self) -> Definition:
        for each in self.fields:
            field_type(each.key)
        places = [f"{{{number}}}" for number in range(1, len(self.parameters) + 1)]
        if self.text and not all(place in self.text for place in places):
            raise ValueError("the text lacks a parameter")
        return self


@dataclass(frozen=True, slots=True)
class ActiveTemplate:
    """A template that may be used."""

    template_id: str
    definition: Definition

    def fill(self, values: Mapping[str, Alternatives]) -> dict[str, str]:
        """The data of a WeChat template. Raises NoWordingFits, also where the notice lacks a value."""
        return {each.key: fit_field(each.key, values.get(each.value, ())) for each in self.definition.fields}

    def parameters(self, values: Mapping[str, Alternatives]) -> list[str]:
        """The parameters of an SMS, in order. Raises NoWordingFits, also where the SMS would be too long."""
        filled = [
            fit_parameter(each.value, values.get(each.value, ()), each.limit) for each in self.definition.parameters
        ]
        if len(self.definition.text) + sum(map(len, filled)) > SMS_LENGTH:
            raise NoWordingFits("text")
        return filled


Templates = Mapping[tuple[str, Channel], ActiveTemplate]
"""By notice (or SAFE_PRETEXT) and channel."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A template of ours, as it is in use or on its way."""

    notice: str
    channel: Channel
    version: int
    state: str
    template_id: str
    definition: Definition


@dataclass(frozen=True, slots=True)
class Seed:
    """A template to be put into the table."""

    notice: str
    channel: Channel
    template_id: str
    definition: Definition
    state: TemplateState = TemplateState.ACTIVE
    version: int = 1


async def seed_templates(seeds: Sequence[Seed]) -> int:
    """Insert those whose notice, channel and version are not there yet; answers how many. Nothing is overwritten."""
    rows = await database.fetch(
        "insert into template (id, notice, channel, template_id, version, state, definition, created_at)"
        " select t.id, t.notice, t.channel, t.template_id, t.version, t.state, t.definition::jsonb, now()"
        " from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[])"
        " as t (id, notice, channel, template_id, version, state, definition)"
        " on conflict (notice, channel, version) do nothing returning id",
        [new_id() for _ in seeds],
        [seed.notice for seed in seeds],
        [seed.channel.value for seed in seeds],
        [seed.template_id for seed in seeds],
        [seed.version for seed in seeds],
        [seed.state.value for seed in seeds],
        [seed.definition.model_dump_json() for seed in seeds],
    )
    forget_templates()
    return len(rows)


@dataclass(slots=True)
class _Cache:
    until: float = 0.0
    found: Templates = field(default_factory=dict)


_cache = _Cache()


def forget_templates() -> None:
    """Read them again at the next use; other processes follow within 30 s."""
    _cache.until = 0.0


async def active_templates() -> Templates:
    """What may be used now, at most 30 s old."""
    # Nothing at all is what an installation has until it is set up: its first message must not wait for the next look.
    if time.monotonic() >= _cache.until or not _cache.found:
        _cache.found = await _read()
        _cache.until = time.monotonic() + CACHED_SECONDS
    return _cache.found


async def _read() -> Templates:
    rows = await database.fetch(
        "select distinct on (notice, channel) notice, channel, template_id, definition from template"
        " where state = 'active' order by notice, channel, version desc"
    )
    found = {(row["notice"], Channel(row["channel"])): _active(row["template_id"], row["definition"]) for row in rows}
    return {key: template for key, template in found.items() if template is not None}


async def stored_templates(states: Sequence[TemplateState] = (TemplateState.ACTIVE,)) -> list[Ours]:
    """The templates in these states, to be compared with the account's."""
    rows = await database.fetch(
        "select notice, channel, version, state, template_id, definition from template where state = any($1)"
        " order by notice, channel, version",
        [state.value for state in states],
    )
    return [
        Ours(
            row["notice"],
            Channel(row["channel"]),
            row["version"],
            row["state"],
            row["template_id"],
            Definition.model_validate(orjson.loads(row["definition"])),
        )
        for row in rows
    ]


def _active(template_id: str, stored: Any) -> ActiveTemplate | None:
    """None for a definition that somebody spoiled by hand: that channel cannot carry the notice, the others can."""
    try:
        raw = orjson.loads(stored) if isinstance(stored, str | bytes) else stored
        return ActiveTemplate(template_id, Definition.model_validate(raw))
    except (ValidationError, orjson.JSONDecodeError):
        return None
