"""Parties, members and receipts as the desk sends and sees them: names and numbers masked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import segno
from pydantic import Field, StringConstraints

from api.schemas import EXAMPLE_ID, Payload, View, words
from api.services import Services
from stewardship import intake
from stewardship.casework.groups.models import Invitation, Member, MemberState
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.people.models import PersonKind, Trust

Phone = Annotated[str, StringConstraints(pattern=r"^[0-9+() -]{7,20}$"), Field(examples=["13800000000"])]
IdNumber = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{5,24}$"), Field(examples=["340100199001010000"])]
Minute = Annotated[int, Field(ge=0, le=24 * 60, description="Minute of the day, Asia/Shanghai.", examples=[540])]


class ProtectionIn(Payload):
    """How a protected person is reached; without the code word everybody is a stranger."""

    code_word: Annotated[str, words(32, 2)] = Field(examples=["栀子花"])
    safe_phone: Phone | None = Field(default=None, examples=["13900000000"])
    pretext: Annotated[str, words(64, 0)] = Field(default="", examples=["社区体检回访"])
    hours_from: Minute = 9 * 60
    hours_to: Minute = 18 * 60


class PartyIn(Payload):
    """Somebody concerned. They are invited, unless a reason says why not."""

    name: Annotated[str, words(64)] = Field(examples=["张三"])
    roles: frozenset[PartyRole] = Field(min_length=1, examples=[["victim"]])
    phone: Phone | None = None
    id_number: IdNumber | None = None
    kind: PersonKind = Field(default=PersonKind.NATURAL, examples=["natural"])
    side: Side = Field(default=Side.NONE, examples=["a"])
    minor: bool = Field(default=False, examples=[False])
    elderly_mode: bool = Field(default=False, examples=[False])
    protection: ProtectionIn | None = None
    not_invited_reason: Annotated[str, words(120)] | None = Field(default=None, examples=[None])
    by_sms: bool = Field(default=True, examples=[True], description="Also by SMS; the receipt shows it in any case.")


def party_draft(party: PartyIn) -> intake.PartyDraft:
    """As the service takes it."""
    values = party.model_dump(exclude={"protection"})
    protection = intake.Protection(**party.protection.model_dump()) if party.protection else None
    return intake.PartyDraft(**values, protection=protection)


class Receipt(View):
    """What is printed for a party: the code to scan, the check word that every genuine SMS repeats."""

    member_id: UUID = Field(examples=[EXAMPLE_ID])
    party_id: UUID = Field(examples=[EXAMPLE_ID])
    token: str = Field(examples=["Vb3yQ0b6Q1-kJ2mN8pLx5w7Zt9RcAaE4"], description="The scene of the code; single use.")
    qr_content: str = Field(examples=["https://steward.example.gov.cn/p/i/Vb3yQ0b6Q1-kJ2mN8pLx5w7Zt9RcAaE4"])
    qr: str = Field(examples=["data:image/svg+xml;charset=utf-8,%3Csvg…"], description="`qr_content` as a picture.")
    check_word: str = Field(examples=["松月"])
    expires_at: datetime = Field(examples=["2026-03-16T01:30:00Z"])


async def receipt_of(services: Services, member: Member, invitation: Invitation, token: str) -> Receipt:
    """The receipt of a fresh invitation."""
    content = f"{str(services.settings.public_url).rstrip('/')}/p/i/{token}"
    return Receipt(
        member_id=member.id,
        party_id=member.party_id,
        token=token,
        qr_content=content,
        qr=segno.make(content, error="m").svg_data_uri(scale=4),
        check_word=invitation.check_word,
        expires_at=invitation.expires_at,
    )


class ContactView(View):
    """A number, masked."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    phone: str = Field(examples=["138****0000"])
    trust: Trust = Field(examples=["trusted"])


class PartyView(View):
    """A party, masked."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    person_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["张*"])
    roles: list[PartyRole] = Field(examples=[["victim"]])
    side: Side = Field(examples=["a"])
    minor: bool = Field(examples=[False])
    protected: bool = Field(examples=[False])
    contacts: list[ContactView]
    owned_fields: list[str] = Field(examples=[[]], description="Kept by another system, read-only here.")


class MemberView(View):
    """A membership: where it stands, and why."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    party_id: UUID = Field(examples=[EXAMPLE_ID])
    person_id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["张*"])
    side: Side = Field(examples=["a"])
    state: MemberState = Field(examples=["joined"])
    reason: str = Field(examples=[""])
    invited_at: datetime | None = Field(examples=["2026-03-02T01:30:00Z"])
    joined_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"])
    ended_at: datetime | None = Field(examples=[None])
    reminders: int = Field(examples=[0])


class EnteredView(View):
    """A new party, with the receipt if they were invited."""

    party_id: UUID = Field(examples=[EXAMPLE_ID])
    receipt: Receipt | None
