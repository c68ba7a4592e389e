"""The mark of another system's record: `(source_system, source_id)` is unique, the revision only grows.

A record names the fields that its source has sent. Those are the source's: here they are read-only, because the next
revision would silently undo what somebody typed.
"""

from __future__ import annotations

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.db_defaults import SqlDefault
from tortoise.models import Model

from stewardship.foundation.errors import Conflict


class Sourced(Model):
    """Mixed into what other systems own: unit, officer, case, stage, party."""

    source_system = fields.CharField(max_length=32, null=True)
    source_id = fields.CharField(max_length=64, null=True)
    source_revision = fields.BigIntField(null=True)
    source_fields: list[str] = ArrayField("text", default=list, db_default=SqlDefault("'{}'"))

    class Meta:
        abstract = True


class SourceOwned(Conflict):
    """What was to be changed is kept by another system. `fields` names it."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__("source_owned", "此项由办案系统维护", "请在办案系统中修改，修改后会自动同步到这里。")
        self.fields = fields


def check_not_owned(record: Sourced, *names: str) -> None:
    """Raises SourceOwned where one of these fields is another system's."""
    owned = tuple(name for name in names if name in record.source_fields)
    if owned:
        raise SourceOwned(owned)
