"""Where personal data lies: every sealed column and blind index of the schema, found in the models themselves."""

from __future__ import annotations

from dataclasses import dataclass

from tortoise import Tortoise, fields
from tortoise.models import Model

from kit.columns import index_of, is_blind_index, purpose_of


@dataclass(frozen=True, slots=True)
class Index:
    """A blind index. `of`: the sealed column it is made of, or None where the value is kept nowhere."""

    name: str
    of: str | None


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with personal data: its key column, that column's SQL type, its sealed columns with their purposes, its
    blind indexes.
    """

    name: str
    key: str
    key_type: str
    sealed: tuple[tuple[str, str], ...]
    indexes: tuple[Index, ...]

    @property
    def columns(self) -> list[str]:
        """Key, sealed columns and indexes, in this order."""
        return [self.key, *(name for name, _ in self.sealed), *(index.name for index in self.indexes)]


def sealed_tables() -> list[SealedTable]:
    """Every table with personal data, by name."""
    models = [model for app in (Tortoise.apps or {}).values() for model in app.values()]
    found = [_table(model) for model in models]
    return sorted((table for table in found if table.sealed or table.indexes), key=lambda table: table.name)


def _table(model: type[Model]) -> SealedTable:
    meta = model._meta
    columns = {name: meta.fields_db_projection[name] for name in meta.fields_map if name in meta.fields_db_projection}
    sealed, indexes = [], []
    for name, column in columns.items():
        field = meta.fields_map[name]
        purpose = purpose_of(field)
        if purpose is not None:
            sealed.append((column, purpose))
        if is_blind_index(field):
            indexes.append(Index(column, index_of(field)))
    key_type = "uuid" if isinstance(meta.pk, fields.UUIDField) else "text"
    return SealedTable(meta.db_table, meta.db_pk_column, key_type, tuple(sealed), tuple(indexes))
