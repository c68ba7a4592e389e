"""Tables of inquiries."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.indexes import PostgreSQLIndex
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case
from stewardship.foundation.org.models import Unit

TEXT = "inquiry.text"


class InquiryState(StrEnum):
    """Where an inquiry stands. `ANSWERED_FROM_RECORD` is provisional: a challenge within 48 hours reopens it."""

    WAITING = "waiting"
    ANSWERED = "answered"
    ANSWERED_FROM_RECORD = "answered_from_record"
    CLOSED = "closed"
    MERGED = "merged"


class InquiryKind(StrEnum):
    """What was asked for, as far as it routes."""

    QUESTION = "question"
    STATUS = "status"
    WHO = "who"
    CALL_BACK = "call_back"
    MATERIAL = "material"
    HELP = "help"


class EntryKind(StrEnum):
    """One line in an inquiry's thread."""

    ASKED = "asked"
    ANSWER = "answer"
    CLARIFICATION = "clarification"
    RECORD_ANSWER = "record_answer"
    ACKNOWLEDGEMENT = "acknowledgement"
    CALL = "call"
    COUNTER_TALK = "counter_talk"
    NOTE = "note"
    BREACH_NOTICE = "breach_notice"


class Inquiry(Model):
    """What a party asked, from the earliest unanswered message to the answer that settles it."""

    id = key()
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    member_id: UUID = loose_ref()
    person_id: UUID = loose_ref()
    unit: fields.ForeignKeyRelation[Unit] = ref("Unit")
    unit_id: UUID
    owner_id: UUID | None = loose_ref(null=True)
    kind: InquiryKind = choice(InquiryKind)
    state: InquiryState = choice(InquiryState)
    opened_at: datetime = created()
    answered_at: datetime | None = instant(null=True)
    provisional_until: datetime | None = instant(null=True)
    closed_at: datetime | None = instant(null=True)
    close_reason = fields.CharField(max_length=120, default="")
    merged_into_id: UUID | None = loose_ref(null=True)
    messages = fields.IntField(default=1)
    version = fields.IntField(default=1)

    class Meta:
        table = "inquiry"
        indexes = (
            ("case_id", "opened_at"),
            ("member_id", "opened_at"),
            ("unit_id", "opened_at"),
            PostgreSQLIndex(fields=("owner_id",), name="inquiry_queue", condition={"state": "waiting"}),
            PostgreSQLIndex(fields=("unit_id",), name="inquiry_unit_queue", condition={"state": "waiting"}),
        )


class InquiryEntry(Model):
    """A message, answer or note in the thread; `source_key` keeps a party's message in exactly one inquiry."""

    id = key()
    inquiry: fields.ForeignKeyRelation[Inquiry] = ref("Inquiry")
    inquiry_id: UUID
    at: datetime = created()
    kind: EntryKind = choice(EntryKind)
    channel = fields.CharField(max_length=16)
    text: bytes = sealed(purpose=TEXT)
    file_id: UUID | None = loose_ref(null=True)
    officer_id: UUID | None = loose_ref(null=True)
    source_key = fields.CharField(max_length=160, null=True, unique=True)
    call_seconds = fields.IntField(null=True)
    message_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "inquiry_entry"
        indexes = (("inquiry_id", "at"),)
