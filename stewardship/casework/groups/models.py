"""Tables of a case's group."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import choice, created, instant, key, loose_ref, ref, sealed
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import Party, Side
from stewardship.foundation.people.models import Person

TOKEN = "invitation.token"  # noqa: S105 — the purpose under which tokens are sealed, not one of them.


class MemberState(StrEnum):
    """Where a party stands between being registered and being in the group."""

    NOT_INVITED = "not_invited"
    INVITED = "invited"
    PENDING_APPROVAL = "pending_approval"
    JOINED = "joined"
    LEFT = "left"
    REMOVED = "removed"


class CaseGroup(Model):
    """The group of a case: its members by side, opened with the case."""

    id = key()
    case: fields.OneToOneRelation[Case] = fields.OneToOneField("steward.Case", related_name=False)
    case_id: UUID
    opened_at: datetime = created()
    closed_at: datetime | None = instant(null=True)

    class Meta:
        table = "case_group"


class Member(Model):
    """A party, or a party's proxy, in the group. `party` is whose rights count, `person` who reads."""

    id = key()
    group: fields.ForeignKeyRelation[CaseGroup] = ref("CaseGroup")
    group_id: UUID
    case: fields.ForeignKeyRelation[Case] = ref("Case")
    case_id: UUID
    party: fields.ForeignKeyRelation[Party] = ref("Party")
    party_id: UUID
    person: fields.ForeignKeyRelation[Person] = ref("Person")
    person_id: UUID
    proxy_id: UUID | None = loose_ref(null=True)
    side: Side = choice(Side)
    state: MemberState = choice(MemberState)
    invited_at: datetime | None = instant(null=True)
    reminded_at: datetime | None = instant(null=True)
    reminders = fields.SmallIntField(default=0)
    joined_at: datetime | None = instant(null=True)
    ended_at: datetime | None = instant(null=True)
    reason = fields.CharField(max_length=120, default="")

    class Meta:
        table = "member"
        constraints = (UniqueConstraint(fields=("group_id", "party_id", "person_id"), name="member_once"),)
        indexes = (("person_id", "state"), ("case_id", "state"), ("state", "invited_at"))


class MemberChange(Model):
    """One step of a membership, with its reason and who took it."""

    id = key()
    member: fields.ForeignKeyRelation[Member] = ref("Member")
    member_id: UUID
    at: datetime = instant()
    state: MemberState = choice(MemberState)
    reason = fields.CharField(max_length=120, default="")
    by_kind = fields.CharField(max_length=16)
    by_id: UUID | None = loose_ref(null=True)

    class Meta:
        table = "member_change"
        indexes = (("member_id", "at"),)


class Invitation(Model):
    """A single-use token that lets one member in; only its hash is kept, the check word stands on the receipt."""

    id = key()
    member: fields.ForeignKeyRelation[Member] = ref("Member")
    member_id: UUID
    token_hash: bytes = fields.BinaryField()
    token_sealed: bytes = sealed(purpose=TOKEN)
    check_word = fields.CharField(max_length=8)
    created_at: datetime = created()
    expires_at: datetime = instant()
    opened_at: datetime | None = instant(null=True)
    opened_by_id: UUID | None = loose_ref(null=True)
    used_at: datetime | None = instant(null=True)
    used_by_id: UUID | None = loose_ref(null=True)
    revoked_at: datetime | None = instant(null=True)
    wrong_phones = fields.SmallIntField(default=0)

    class Meta:
        table = "invitation"
        constraints = (UniqueConstraint(fields=("token_hash",), name="invitation_token"),)
        indexes = (("member_id",), ("expires_at",))
