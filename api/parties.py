"""The parties of a case and its group's members, at the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter
from pydantic import AwareDatetime, Field
from starlette.responses import Response

from api.deps import ActorDep, ReadableCase, ServicesDep, WritableCase, officer_id_of
from api.invitation_page import JOIN_PAGE
from api.once import OnceRoute
from api.party_schemas import (
    ContactView,
    EnteredView,
    MemberView,
    PartyIn,
    PartyView,
    Phone,
    ProtectionIn,
    Receipt,
    party_draft,
    receipt_of,
)
from api.receipt_pdf import ReceiptFacts, render
from api.schemas import Done, Payload, Reason, View
from kit import clock
from kit.crypto import vault
from stewardship import intake
from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import TOKEN, Invitation, Member
from stewardship.casework.parties import service as parties
from stewardship.casework.parties.models import Party, PartyRole
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotFound
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Person, Trust
from stewardship.foundation.people.rules import masked_name, masked_phone
from wechat.errors import CallError

log = structlog.get_logger(__name__)
router = APIRouter(tags=["parties"], route_class=OnceRoute)

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
"""What can be printed: PNG and JPEG."""
PDF: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}, "description": "A PDF."}
}


class Parties(View):
    """The parties of a case."""

    items: list[PartyView]


class Members(View):
    """The members of a case's group, those who left or were removed included."""

    items: list[MemberView]


class Because(Payload):
    reason: Reason


SafelyAsked = Annotated[
    bool,
    Field(
        description="For a protected person: they were asked by a call to their safe number; else 409.",
        examples=[False],
    ),
]


class ProxyIn(Payload):
    """Somebody who acts for the party."""

    person: PartyIn
    kind: Literal[PartyRole.GUARDIAN, PartyRole.FAMILY, PartyRole.LAWYER] = Field(examples=["guardian"])
    valid_to: AwareDatetime | None = Field(default=None, examples=[None])
    safely_asked: SafelyAsked = False


class TrustIn(Payload):
    trust: Trust = Field(examples=["stolen"])
    reason: Reason
    safely_asked: SafelyAsked = False


class Verified(Payload):
    """The person was seen again: their new phone, or the WeChat they showed."""

    phone: Phone | None = None
    identity_id: UUID | None = Field(default=None, examples=[None])
    safely_asked: SafelyAsked = False


class ProtectionChange(ProtectionIn):
    """How a person is to be reached from now on."""

    safely_asked: SafelyAsked = False


async def person_in(case: Case, person_id: UUID) -> UUID:
    """A person of this case. Raises NotFound: a contact is never changed through a case it has no part in."""
    party = await Party.exists(case_id=case.id, person_id=person_id)
    if not party and not await Member.exists(case_id=case.id, person_id=person_id):
        raise NotFound("person_not_found", "没有找到此人")
    return person_id


async def _persons(ids: Sequence[UUID]) -> dict[UUID, Person]:
    return {person.id: person for person in await Person.filter(id__in=list(ids))}


@router.get("/cases/{case_id}/parties")
async def list_parties(case: ReadableCase) -> Parties:
    """Who is concerned, masked."""
    rows = await Party.filter(case_id=case.id, removed_at=None).order_by("added_at", "id")
    persons = await _persons([row.person_id for row in rows])
    contacts = await Contact.filter(person_id__in=list(persons)).order_by("created_at")
    return Parties(items=[_party_view(row, persons[row.person_id], contacts) for row in rows])


def _party_view(party: Party, person: Person, contacts: Sequence[Contact]) -> PartyView:
    return PartyView(
        id=party.id,
        person_id=person.id,
        name=masked_name(person.name),
        roles=[PartyRole(role) for role in party.roles],
        side=party.side,
        owned_fields=sorted(party.source_fields),
        minor=person.minor,
        protected=person.protected,
        contacts=[
            ContactView(id=each.id, phone=masked_phone(each.value), trust=each.trust)
            for each in contacts
            if each.person_id == person.id
        ],
    )


@router.post("/cases/{case_id}/parties", status_code=201)
async def add_party(payload: PartyIn, case: WritableCase, actor: ActorDep, services: ServicesDep) -> EnteredView:
    """Enter one more person and invite them."""
    party, issued = await intake.enter_party(actor, case, party_draft(payload))
    await services.sessions.forget_person(party.person_id)
    receipt = await receipt_of(services, issued.member, issued.invitation, issued.token) if issued else None
    return EnteredView(party_id=party.id, receipt=receipt)


@router.post("/cases/{case_id}/parties/{party_id}/remove")
async def remove_party(party_id: UUID, payload: Because, case: WritableCase, actor: ActorDep) -> Done:
    """Take a party out of the case, and out of the group with everybody who acts for them."""
    await intake.remove_party(actor, case, party_id, payload.reason)
    return Done()


@router.post("/cases/{case_id}/parties/{party_id}/invite", status_code=201)
async def invite(party_id: UUID, case: WritableCase, actor: ActorDep, services: ServicesDep) -> Receipt:
    """Invite, or invite again: earlier invitations are void, the check word stays."""
    party = await parties.party_of(case.id, party_id)
    person = await Person.get(id=party.person_id)
    issued = await groups.invite(actor, case, party, by_sms=not (person.protected or person.minor))
    return await receipt_of(services, issued.member, issued.invitation, issued.token)


@router.post("/cases/{case_id}/parties/{party_id}/do-not-invite")
async def do_not_invite(party_id: UUID, payload: Because, case: WritableCase, actor: ActorDep) -> Done:
    """Deliberately not invited, for a reason that is kept."""
    party = await parties.party_of(case.id, party_id)
    await groups.do_not_invite(actor, case, party, payload.reason)
    return Done()


@router.post("/cases/{case_id}/parties/{party_id}/proxies", status_code=201)
async def appoint_proxy(
    party_id: UUID, payload: ProxyIn, case: WritableCase, actor: ActorDep, services: ServicesDep
) -> Receipt:
    """Somebody acts for a party, and is invited in their place."""
    issued = await intake.enter_proxy(
        actor,
        case,
        party_id,
        party_draft(payload.person),
        payload.kind,
        valid_to=payload.valid_to,
        safely_asked=payload.safely_asked,
    )
    return await receipt_of(services, issued.member, issued.invitation, issued.token)


@router.get("/cases/{case_id}/members")
async def list_members(case: ReadableCase) -> Members:
    """The group."""
    rows = await Member.filter(case_id=case.id).order_by("side", "id")
    persons = await _persons([row.person_id for row in rows])
    return Members(items=[_member_view(row, persons[row.person_id]) for row in rows])


def _member_view(member: Member, person: Person) -> MemberView:
    return MemberView(
        id=member.id,
        party_id=member.party_id,
        person_id=member.person_id,
        name=masked_name(person.name),
        side=member.side,
        state=member.state,
        reason=member.reason,
        invited_at=member.invited_at,
        joined_at=member.joined_at,
        ended_at=member.ended_at,
        reminders=member.reminders,
    )


@router.get("/cases/{case_id}/members/{member_id}/receipt")
async def get_receipt(member_id: UUID, case: WritableCase, actor: ActorDep, services: ServicesDep) -> Receipt:
    """The receipt again, while its invitation holds; that it was shown is recorded."""
    invitation, token = await _held_invitation(case, member_id)
    await audit.record("receipt.read", actor, ("member", member_id), case_id=case.id, unit_id=case.unit_id)
    return await receipt_of(services, await Member.get(id=member_id), invitation, token)


async def _held_invitation(case: Case, member_id: UUID) -> tuple[Invitation, str]:
    """The member's invitation while it holds, with its token. Raises NotFound, Gone."""
    await groups.member_in(case.id, member_id)
    invitation = await Invitation.filter(member_id=member_id).order_by("-created_at").first()
    if invitation is None:
        raise NotFound("invitation_not_found", "还没有邀请", "请先邀请。")
    token = vault().ring.open_text(invitation.token_sealed, TOKEN)
    await groups.invitation_of(token)
    return invitation, token


@router.get("/cases/{case_id}/members/{member_id}/receipt.pdf", response_class=Response, responses=PDF)
async def print_receipt(member_id: UUID, case: WritableCase, actor: ActorDep, services: ServicesDep) -> Response:
    """The same receipt for the printer (A5, one page), with the printing officer's number; printing it is recorded."""
    invitation, token = await _held_invitation(case, member_id)
    await audit.record("receipt.printed", actor, ("member", member_id), case_id=case.id, unit_id=case.unit_id)
    unit, officer = await Unit.get(id=case.unit_id), await Officer.get(id=officer_id_of(actor))
    receipt = await receipt_of(services, await Member.get(id=member_id), invitation, token)
    facts = ReceiptFacts(
        unit=unit.name,
        reference=case.reference,
        check_word=invitation.check_word,
        link=receipt.qr_content,
        duty_phone=unit.duty_phone,
        officer_number=officer.number,
        printed_at=clock.now(),
        expires_at=invitation.expires_at,
        mini_program=await _mini_program_code(services, token),
    )
    content = await asyncio.to_thread(render, facts)
    disposition = f'inline; filename="receipt-{case.reference}.pdf"'
    return Response(content, media_type="application/pdf", headers={"Content-Disposition": disposition})


async def _mini_program_code(services: ServicesDep, token: str) -> bytes | None:
    """WeChat's own code, or None while the platform is away: the link's code stands alone then."""
    try:
        picture = await services.mini_program.code(token, JOIN_PAGE)
    except CallError as error:
        log.warning("receipt_without_code", error=type(error).__name__)
        return None
    return picture.content if picture.content.startswith(PICTURES) else None


@router.post("/cases/{case_id}/members/{member_id}/approve")
async def approve(member_id: UUID, case: WritableCase, actor: ActorDep, services: ServicesDep) -> Done:
    """The steward has made sure who asks to join."""
    member = await groups.approve(actor, case, member_id)
    await services.sessions.forget_person(member.person_id)
    return Done()


@router.post("/cases/{case_id}/members/{member_id}/refuse")
async def refuse(member_id: UUID, payload: Because, case: WritableCase, actor: ActorDep) -> Done:
    """Not believed: the invitation is void, the member stays invited."""
    await groups.refuse(actor, case, member_id, payload.reason)
    return Done()


@router.post("/cases/{case_id}/members/{member_id}/remove")
async def remove_member(member_id: UUID, payload: Because, case: WritableCase, actor: ActorDep) -> Done:
    """Take a member out of the group."""
    await groups.remove(actor, case, member_id, payload.reason)
    return Done()


@router.post("/cases/{case_id}/contacts/{contact_id}/trust")
async def mark_contact(
    contact_id: UUID, payload: TrustIn, case: WritableCase, actor: ActorDep, services: ServicesDep
) -> Done:
    """How far a phone is believed. A stolen one takes the person's WeChat and every session with it."""
    contact = await Contact.get_or_none(id=contact_id)
    if contact is None:
        raise NotFound("contact_not_found", "没有找到这个联系方式")
    await person_in(case, contact.person_id)
    await people.mark_contact(actor, contact_id, payload.trust, payload.reason, safely_asked=payload.safely_asked)
    await services.sessions.forget_person(contact.person_id)
    return Done()


@router.post("/cases/{case_id}/persons/{person_id}/verified")
async def verify_person(
    person_id: UUID, payload: Verified, case: WritableCase, actor: ActorDep, services: ServicesDep
) -> Done:
    """The officer has seen the person again."""
    await person_in(case, person_id)
    if payload.phone is None and payload.identity_id is None:
        raise Conflict("nothing_verified", "没有填写核实的内容", "请填写新手机号码，或选择当面出示的微信。")
    await people.verify_person(actor, person_id, payload.identity_id, payload.phone, safely_asked=payload.safely_asked)
    await services.sessions.forget_person(person_id)
    return Done()


@router.post("/cases/{case_id}/persons/{person_id}/protection")
async def protect(
    person_id: UUID, payload: ProtectionChange, case: WritableCase, actor: ActorDep, services: ServicesDep
) -> Done:
    """Make a person protected, or change the plan."""
    await person_in(case, person_id)
    await people.protect(
        actor,
        person_id,
        code_word=payload.code_word,
        safe_phone=payload.safe_phone,
        pretext=payload.pretext,
        hours_from=payload.hours_from,
        hours_to=payload.hours_to,
        safely_asked=payload.safely_asked,
    )
    await services.sessions.forget_person(person_id)
    return Done()
