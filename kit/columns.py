"""Columns that every table uses alike."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, TypeVar

from tortoise import fields
from tortoise.fields.base import OnDelete

from kit.clock import now
from kit.ids import new_id

ENUM_LENGTH = 32
E = TypeVar("E", bound=StrEnum)


def key() -> Any:
    """A UUIDv7 primary key."""
    return fields.UUIDField(primary_key=True, default=new_id)


def ref(model: str, **options: Any) -> Any:
    """A reference that is never cascaded: what others refer to is not deleted from under them."""
    return fields.ForeignKeyField(f"steward.{model}", on_delete=OnDelete.RESTRICT, related_name=False, **options)


def loose_ref(**options: Any) -> Any:
    """An id without a foreign key: into a partitioned table, or where the row must outlive what it names."""
    return fields.UUIDField(**options)


def created() -> Any:
    """The domain instant at which the row came to be, UTC."""
    return fields.DatetimeField(default=now)


def instant(**options: Any) -> Any:
    """An instant, `timestamptz`, UTC."""
    return fields.DatetimeField(**options)


def choice(kind: type[E], **options: Any) -> Any:
    """A value of an enumeration, stored as text; the length is fixed so that adding a value is no migration."""
    return fields.CharEnumField(kind, max_length=ENUM_LENGTH, **options)


PURPOSE = "purpose"
"""The attribute of a sealed column's field that says what `kit.crypto` binds into its values."""


def sealed(*, purpose: str, **options: Any) -> Any:
    """Personal data as `kit.crypto` seals it, under this purpose: a rotation of the keys finds the column by it."""
    field = fields.BinaryField(**options)
    # On the field itself and not in a class of its own: for the schema and its migrations it is a binary column.
    vars(field)[PURPOSE] = purpose
    return field


def purpose_of(field: Any) -> str | None:
    """A sealed column's purpose; None for every other column."""
    found = vars(field).get(PURPOSE)
    return found if isinstance(found, str) else None


INDEX_OF = "index_of"


def blind_index(*, of: str | None, **options: Any) -> Any:
    """A keyed fingerprint to search by, made of the sealed column `of` of the same row.

    None where the value itself is kept nowhere: a rotation of the keys cannot make that one anew.
    """
    field = fields.BinaryField(**options)
    vars(field)[INDEX_OF] = of
    return field


def is_blind_index(field: Any) -> bool:
    """Whether the column is a blind index."""
    return INDEX_OF in vars(field)


def index_of(field: Any) -> str | None:
    """The sealed column of which a blind index is made; None where there is none."""
    found = vars(field).get(INDEX_OF)
    return found if isinstance(found, str) else None
