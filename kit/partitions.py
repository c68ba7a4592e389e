"""Tables partitioned by month: creating the months ahead, and how a migration creates such a table.

A partitioned table has a default partition, so that a row for a month nobody prepared is kept and not refused.
"""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
from tortoise.migrations.operations import CreateModel
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State

from kit import clock

MONTHS_AHEAD = 3

PARTITIONED = {"message": "created_at", "delivery_attempt": "at", "event": "at", "inbox": "received_at"}
"""Table and the instant it is partitioned by. No foreign key points into any of them."""


class CreatePartitionedModel(CreateModel):
    """CreateModel for a table of `PARTITIONED`: the key becomes (id, instant), as PostgreSQL demands."""

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        if state_editor is None:
            return
        model = new_state.apps.get_model(f"{app_label}.{self.name}")
        table = model._meta.db_table
        instant = PARTITIONED[table]
        plain = f"{table}_plain"
        model._meta.db_table = plain
        try:
            await state_editor.create_model(model)
        finally:
            model._meta.db_table = table
        for sql in (
            f'create table "{table}" (like "{plain}" including defaults) partition by range ("{instant}")',
            f'alter table "{table}" add primary key ("id", "{instant}")',
            f'drop table "{plain}"',
            f'create table "{table}_default" partition of "{table}" default',
        ):
            await state_editor._run_sql(sql)


def month_after(day: datetime, months: int) -> datetime:
    """The first instant (UTC) of the month `months` after the one of `day`."""
    number = day.year * 12 + day.month - 1 + months
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


async def ensure(connection: asyncpg.Connection, *, months_ahead: int = MONTHS_AHEAD) -> list[str]:
    """Create the partitions from last month to `months_ahead`; answers the names of the new ones."""
    created = []
    for table in PARTITIONED:
        for step in range(-1, months_ahead + 1):
            start, end = month_after(clock.now(), step), month_after(clock.now(), step + 1)
            name = f"{table}_{start:%Y%m}"
            if await connection.fetchval("select to_regclass($1)", name):
                continue
            if await _month_in_default(connection, table, start, end):
                continue
            await connection.execute(
                f"create table \"{name}\" partition of \"{table}\" for values from ('{start}') to ('{end}')"
            )
            created.append(name)
    return created


async def _month_in_default(connection: asyncpg.Connection, table: str, start: datetime, end: datetime) -> bool:
    """Rows already in the default partition keep their month there: moving them would lock the table."""
    instant = PARTITIONED[table]
    # Both names are constants of this module, so nothing foreign gets into the statement.
    sql = f'select exists (select from "{table}_default" where "{instant}" >= $1 and "{instant}" < $2)'  # noqa: S608 — see above.
    return bool(await connection.fetchval(sql, start, end))
