"""Tables of persons and how they are reached."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.migrations.constraints import UniqueConstraint
from tortoise.models import Model

from kit.columns import blind_index, choice, created, instant, key, loose_ref, ref, sealed
from kit.crypto import vault
from stewardship.foundation.source import Sourced

NAME = "person.name"
ID_NUMBER = "person.id_number"
CONTACT = "contact.value"
CODE_WORD = "protection.code_word"


class PersonKind(StrEnum):
    """A natural person or a company."""

    NATURAL = "natural"
    COMPANY = "company"


class Trust(StrEnum):
    """How far a contact, identity or session is believed to be the person's own."""

    TRUSTED = "trusted"
    UNVERIFIED = "unverified"
    SHARED = "shared"
    STOLEN = "stolen"
    RECYCLED = "recycled"


class Platform(StrEnum):
    """Where a WeChat identity lives."""

    OFFICIAL_ACCOUNT = "oa"
    MINI_PROGRAM = "mp"


class SessionKind(StrEnum):
    """Whose session it is."""

    CITIZEN = "citizen"
    OFFICER = "officer"


class Person(Sourced):
    """A person or company concerned in cases."""

    id = key()
    kind: PersonKind = choice(PersonKind, default=PersonKind.NATURAL)
    name_sealed: bytes = sealed(purpose=NAME)
    id_number_sealed: bytes | None = sealed(purpose=ID_NUMBER, null=True)
    id_number_index: bytes | None = blind_index(of="id_number_sealed", null=True)
    minor = fields.BooleanField(default=False)
    elderly_mode = fields.BooleanField(default=False)
    protected = fields.BooleanField(default=False)
    created_at: datetime = created()

    class Meta:
        table = "person"

    @property
    def name(self) -> str:
        """The full name, in the clear."""
        return vault().ring.open_text(self.name_sealed, NAME)


class ProtectionPlan(Model):
    """How a protected person may be reached: the safe contact, its hours, the code word and the pretext."""

    id = key()
    person: fields.OneToOneRelation[Person] = fields.OneToOneField("steward.Person", related_name=False)
    person_id: UUID
    safe_contact_id: UUID | None = loose_ref(null=True)
    hours_from = fields.SmallIntField(default=9 * 60)
    hours_to = fields.SmallIntField(default=18 * 60)
    code_word_index: bytes = blind_index(of=None)
    pretext = fields.CharField(max_length=64, default="")
    set_by_id: UUID = loose_ref()
    set_at: datetime = created()

    class Meta:
        table = "protection_plan"


class Contact(Model):
    """A telephone number of a person, with how far it is trusted."""

    id = key()
    person: fields.ForeignKeyRelation[Person] = ref("Person")
    person_id: UUID
    value_sealed: bytes = sealed(purpose=CONTACT)
    value_index: bytes = blind_index(of="value_sealed")
    trust: Trust = choice(Trust, default=Trust.UNVERIFIED)
    preferred = fields.BooleanField(default=True)
    sms_opted_out = fields.BooleanField(default=False)
    verified_at: datetime | None = instant(null=True)
    created_at: datetime = created()

    class Meta:
        table = "contact"
        indexes = (("person_id",), ("value_index",))

    @property
    def value(self) -> str:
        """The number, in the clear."""
        return vault().ring.open_text(self.value_sealed, CONTACT)


class WechatIdentity(Model):
    """One user of one of our accounts: (platform, app_id, openid), joined to others by unionid.

    The two windows count what may still be sent as a customer-service message (wechat.md section 3): five within 48
    hours of a message, three within a minute of a click, a follow or a scan.
    """

    id = key()
    platform: Platform = choice(Platform)
    app_id = fields.CharField(max_length=32)
    openid = fields.CharField(max_length=64)
    unionid = fields.CharField(max_length=64, null=True)
    person: fields.ForeignKeyNullableRelation[Person] = ref("Person", null=True)
    person_id: UUID | None
    officer_id: UUID | None = loose_ref(null=True)
    trust: Trust = choice(Trust, default=Trust.UNVERIFIED)
    following = fields.BooleanField(default=False)
    refused = fields.BooleanField(default=False)
    message_window_at: datetime | None = instant(null=True)
    message_window_used = fields.SmallIntField(default=0)
    touch_window_at: datetime | None = instant(null=True)
    touch_window_used = fields.SmallIntField(default=0)
    created_at: datetime = created()

    class Meta:
        table = "wechat_identity"
        constraints = (UniqueConstraint(fields=("app_id", "openid"), name="wechat_identity_once"),)
        indexes = (("person_id",), ("unionid",))


class SubscriptionCredit(Model):
    """What a user allowed us to send: one-time consents left, or a long-term subscription."""

    id = key()
    identity: fields.ForeignKeyRelation[WechatIdentity] = ref("WechatIdentity")
    identity_id: UUID
    template_id = fields.CharField(max_length=64)
    remaining = fields.IntField(default=0)
    long_term = fields.BooleanField(default=False)
    refused_at: datetime | None = instant(null=True)

    class Meta:
        table = "subscription_credit"
        constraints = (UniqueConstraint(fields=("identity_id", "template_id"), name="subscription_credit_once"),)


class Session(Model):
    """A login that can be revoked; only the token's hash is kept. Expiry is in real time."""

    id = key()
    token_hash: bytes = fields.BinaryField()
    kind: SessionKind = choice(SessionKind)
    identity_id: UUID | None = loose_ref(null=True)
    person_id: UUID | None = loose_ref(null=True)
    officer_id: UUID | None = loose_ref(null=True)
    created_at: datetime = instant()
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(null=True)
    revoke_reason = fields.CharField(max_length=48, null=True)
    device = fields.CharField(max_length=128, default="")
    address = fields.CharField(max_length=45, default="")

    class Meta:
        table = "session"
        constraints = (UniqueConstraint(fields=("token_hash",), name="session_token"),)
        indexes = (("person_id",), ("officer_id",), ("expires_at",))


class OfficerEnrolment(Model):
    """A one-time code with which an officer sets their password and second factor; the newest one counts."""

    id = key()
    officer_id: UUID = loose_ref()
    code_hash: bytes = fields.BinaryField()
    issued_by_id: UUID | None = loose_ref(null=True)
    issued_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(null=True)
    failures = fields.SmallIntField(default=0)

    class Meta:
        table = "officer_enrolment"
        indexes = (("officer_id", "issued_at"),)
