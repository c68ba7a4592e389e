"""The named unique constraints that the models declare, which Tortoise's CreateModel leaves out.

Tortoise 1.1 writes `constraints` into a migration's CreateModel and keeps them in its state, but its PostgreSQL schema
editor creates only `unique_together`: without this operation no named constraint would be in the database, and no later
migration would notice.
"""

from __future__ import annotations

from typing import cast

from tortoise.migrations.constraints import UniqueConstraint
from tortoise.migrations.operations import TortoiseOperation
from tortoise.migrations.schema_editor.base import BaseSchemaEditor
from tortoise.migrations.schema_generator.state import State


class AddDeclaredConstraints(TortoiseOperation):
    """Adds every unique constraint that the state knows by now. Once, right after the tables were created."""

    async def database_forward(
        self, app_label: str, old_state: State, new_state: State, state_editor: BaseSchemaEditor | None = None
    ) -> None:
        if state_editor is None:
            return
        for label, name in new_state.models:
            if label != app_label:
                continue
            model = new_state.apps.get_model(f"{label}.{name}")
            for constraint in cast("tuple[UniqueConstraint, ...]", getattr(model._meta, "constraints", ()) or ()):
                await state_editor.add_constraint(model, constraint)
