"""Registering a case with everybody concerned, in one step: nothing half saved, nothing typed twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.crypto import vault
from kit.database import atomic
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties import service as parties
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.org.models import Role
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import ID_NUMBER, Person, PersonKind

MAX_PARTIES = 50
REGISTRARS = (Role.STEWARD, Role.INSTRUCTOR)


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A case as it is registered; number and kind may come later."""

    unit_id: UUID
    steward_id: UUID
    kind: CaseKind | None = None
    deputy_id: UUID | None = None
    number: str | None = None
    brief: str | None = None
    sensitivities: frozenset[Sensitivity] = frozenset()
    sensitivity_known: bool = False
    source: Mapping[str, Any] | None = None
    """The columns of `Sourced`, for a case that another system knows."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How a protected person is to be reached, from the first moment on."""

    code_word: str
    safe_phone: str | None
    pretext: str
    hours_from: int = 9 * 60
    hours_to: int = 18 * 60


@dataclass(frozen=True, slots=True)
class PartyDraft:
    """Somebody concerned. Without `not_invited_reason` they are invited.

    `by_sms` is False where only the receipt is handed over; a protected person or a minor is never written to unasked.
    """

    name: str
    roles: frozenset[PartyRole]
    phone: str | None = None
    id_number: str | None = None
    kind: PersonKind = PersonKind.NATURAL
    side: Side = Side.NONE
    minor: bool = False
    elderly_mode: bool = False
    protection: Protection | None = None
    not_invited_reason: str | None = None
    by_sms: bool = True


@dataclass(frozen=True, slots=True)
class Registered:
    """The case, its parties in the order given, and the fresh invitations, whose tokens are shown now only."""

    case: Case
    parties: tuple[Party, ...] = ()
    issued: tuple[Issued, ...] = field(default=(), repr=False)


@atomic()
async def register_case(actor: Actor, draft: CaseDraft, party_drafts: Sequence[PartyDraft]) -> Registered:
    """Register a case, its persons, parties and invitations together, or nothing of it.

    Raises NotFound for a unit in which the officer is neither steward nor instructor, Invalid for a wrong phone
    number or steward, Conflict where a person is named twice or the number is taken.
    """
    if draft.unit_id not in actor.units(*REGISTRARS):
        raise NotFound("unit_not_found", "没有找到这个单位", "请选择您所在的单位。")
    return await open_case(actor, draft, party_drafts)


@atomic()
async def open_case(actor: Actor, draft: CaseDraft, party_drafts: Sequence[PartyDraft]) -> Registered:
    """The part of `register_case` behind its check: for whoever has made sure that the unit may be written to."""
    if len(party_drafts) > MAX_PARTIES:
        raise Invalid("too_many_parties", "当事人太多", f"一次最多登记 {MAX_PARTIES} 人，其余请随后补充。")
    case = await cases.register(
        actor,
        unit_id=draft.unit_id,
        steward_id=draft.steward_id,
        kind=draft.kind,
        deputy_id=draft.deputy_id,
        number=draft.number,
        brief=draft.brief,
        sensitivities=draft.sensitivities,
        sensitivity_known=draft.sensitivity_known,
        source=draft.source,
    )
    await groups.open_group(case)
    entered = [await enter_party(actor, case, each) for each in party_drafts]
    return Registered(case, tuple(party for party, _ in entered), tuple(issued for _, issued in entered if issued))


@atomic()
async def enter_party(actor: Actor, case: Case, draft: PartyDraft) -> tuple[Party, Issued | None]:
    """Enter one more person into a case: found by their identity number or registered, then invited."""
    person = await _person(actor, draft)
    party = await parties.add_party(actor, case, person.id, draft.roles, draft.side)
    if draft.not_invited_reason is not None:
        await groups.do_not_invite(actor, case, party, draft.not_invited_reason)
        return party, None
    # A message may be read by whom they are protected from; the receipt is handed over in person.
    by_sms = draft.by_sms and bool(draft.phone) and not (person.protected or person.minor)
    return party, await groups.invite(actor, case, party, by_sms=by_sms)


async def _person(actor: Actor, draft: PartyDraft) -> Person:
    person = await _known(draft)
    if person is None:
        person = await people.create_person(
            actor,
            name=draft.name,
            phone=draft.phone,
            id_number=draft.id_number,
            kind=draft.kind,
            minor=draft.minor,
            elderly_mode=draft.elderly_mode,
        )
    elif draft.phone and not person.protected and await people.has_phone(person.id, draft.phone) is None:
        # A protected person's contacts change only by a call to the safe number.
        await people.add_contact(actor, person.id, draft.phone)
    if draft.protection is not None and not person.protected:
        # A plan that stands changes only after a call to the safe number.
        plan = draft.protection
        await people.protect(
            actor,
            person.id,
            code_word=plan.code_word,
            safe_phone=plan.safe_phone,
            pretext=plan.pretext,
            hours_from=plan.hours_from,
            hours_to=plan.hours_to,
        )
        person.protected = True
    return person


async def _known(draft: PartyDraft) -> Person | None:
    """The person with this identity number. Raises Conflict where the name differs: one of the two is mistyped."""
    if not draft.id_number:
        return None
    candidates = vault().index.candidates(draft.id_number, ID_NUMBER)
    person = await Person.filter(id_number_index__in=candidates).order_by("created_at").first()
    if person is not None and person.name != draft.name:
        raise Conflict("id_number_other_name", "证件号码已登记为另一姓名", "请核对姓名和证件号码。")
    return person


@atomic()
async def enter_proxy(
    actor: Actor,
    case: Case,
    party_id: UUID,
    draft: PartyDraft,
    kind: PartyRole,
    *,
    valid_to: datetime | None = None,
    safely_asked: bool = False,
) -> Issued:
    """Somebody acts for a party: found or registered, appointed, and invited as a member with that party's rights.

    `safely_asked`: a protected party was asked by a call to their safe number. Raises Conflict where they were not.
    """
    party = await parties.party_of(case.id, party_id)
    await people.check_safely_asked(party.person_id, safely_asked)
    person = await _person(actor, draft)
    proxy = await parties.appoint_proxy(actor, case, party.id, person.id, kind, valid_to=valid_to)
    by_sms = draft.by_sms and bool(draft.phone) and not (person.protected or person.minor)
    return await groups.invite(actor, case, party, proxy_id=proxy.id, by_sms=by_sms)


@atomic()
async def remove_party(actor: Actor, case: Case, party_id: UUID, reason: str) -> None:
    """Take a party out of the case, and out of the group with everybody who acts for them."""
    await parties.remove_party(actor, case, party_id, reason)
    await groups.remove_party(actor, case, party_id, reason)
