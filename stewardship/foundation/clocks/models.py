"""Tables of the clock engine."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import created, instant, key, loose_ref, ref


class PromisePolicy(Model):
    """A version of what is promised; the unit's and the kind's own policy wins over the city's.

    `applied_at`: when open clocks began to take it, at or after `active_from`.
    """

    id = key()
    subject = fields.CharField(max_length=16)
    unit_id: UUID | None = loose_ref(null=True)
    case_kind = fields.CharField(max_length=32, null=True)
    version = fields.IntField()
    definition: dict[str, Any] = fields.JSONField()
    active_from: datetime = created()
    applied_at: datetime | None = instant(null=True)
    created_by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "promise_policy"
        indexes = (("subject", "unit_id", "case_kind"),)


class Clock(Model):
    """What replaying the log of a subject gave: stored so that what is due can be found by an index.

    `owner_id` is an officer, or the unit itself where nobody is named. The columns tell of the last episode.
    """

    id = key()
    subject_kind = fields.CharField(max_length=16)
    subject_id: UUID = loose_ref()
    unit_id: UUID = loose_ref()
    owner_id: UUID = loose_ref()
    running = fields.BooleanField(default=True)
    episode = fields.SmallIntField(default=1)
    started_at: datetime | None = instant(null=True)
    first_due_at: datetime | None = instant(null=True)
    full_due_at: datetime | None = instant(null=True)
    first_at: datetime | None = instant(null=True)
    full_at: datetime | None = instant(null=True)
    next_trigger_at: datetime | None = instant(null=True)
    first_duty_seconds = fields.IntField(null=True)
    full_duty_seconds = fields.IntField(null=True)
    breached = fields.BooleanField(default=False)
    provisional = fields.BooleanField(default=False)

    class Meta:
        table = "clock"
        constraints = (UniqueConstraint(fields=("subject_kind", "subject_id"), name="clock_subject"),)
        indexes = (("next_trigger_at",), ("unit_id", "started_at"))


class ClockEntry(Model):
    """One line of a clock's append-only log; the clock is a pure function of these."""

    id = key()
    clock: fields.ForeignKeyRelation[Clock] = ref("Clock")
    clock_id: UUID
    seq = fields.IntField()
    at: datetime = instant()
    kind = fields.CharField(max_length=32)
    data: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "clock_entry"
        constraints = (UniqueConstraint(fields=("clock_id", "seq"), name="clock_entry_order"),)


class ClockMark(Model):
    """A warning, escalation or breach that was carried out: once for a clock, episode, target and mark."""

    id = key()
    clock: fields.ForeignKeyRelation[Clock] = ref("Clock")
    clock_id: UUID
    episode = fields.SmallIntField()
    target = fields.CharField(max_length=16)
    mark = fields.CharField(max_length=32)
    due_at: datetime = instant()
    done_at: datetime = instant()

    class Meta:
        table = "clock_mark"
        constraints = (UniqueConstraint(fields=("clock_id", "episode", "target", "mark"), name="clock_mark_once"),)
