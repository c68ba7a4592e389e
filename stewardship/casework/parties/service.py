"""Who is concerned in a case: adding, changing and removing parties; proxies who act for them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kit import clock
from kit.database import atomic
from stewardship.casework.cases.models import Case
from stewardship.casework.parties.models import Party, PartyRole, Proxy, Side
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.source import check_not_owned

PROXY_KINDS = frozenset({PartyRole.GUARDIAN, PartyRole.FAMILY, PartyRole.LAWYER})


@atomic()
async def add_party(
    actor: Actor, case: Case, person_id: UUID, roles: frozenset[PartyRole], side: Side = Side.NONE
) -> Party:
    """Enter a person into a case. A person is one party with a set of roles: 互殴 makes them victim and suspect."""
    if not roles:
        raise Invalid("party_roles", "请选择当事人身份", "至少选择一种身份。")
    if await Party.exists(case_id=case.id, person_id=person_id, removed_at=None):
        raise Conflict("party_exists", "此人已在案件中", "请在当事人页面修改其身份。")
    party, _ = await Party.update_or_create(
        case_id=case.id,
        person_id=person_id,
        defaults={"roles": sorted(r.value for r in roles), "side": side, "removed_at": None, "removed_reason": ""},
    )
    await audit.record(
        "party.added", actor, ("party", party.id), case_id=case.id, unit_id=case.unit_id, person=person_id
    )
    return party


async def party_of(case_id: UUID, party_id: UUID) -> Party:
    """A present party of this case. Raises NotFound."""
    party = await Party.get_or_none(id=party_id, case_id=case_id, removed_at=None)
    if party is None:
        raise NotFound("party_not_found", "没有找到这位当事人")
    return party


@atomic()
async def change_party(actor: Actor, case: Case, party_id: UUID, roles: frozenset[PartyRole], side: Side) -> Party:
    """Other roles or another side. Updates that are addressed already stay with whom they were addressed to."""
    party = await party_of(case.id, party_id)
    changed = sorted(r.value for r in roles), side
    if (sorted(party.roles), party.side) != changed:
        party.roles, party.side = changed
        await party.save(update_fields=["roles", "side"])
        await audit.record("party.changed", actor, ("party", party.id), case_id=case.id, unit_id=case.unit_id)
    return party


@atomic()
async def remove_party(actor: Actor, case: Case, party_id: UUID, reason: str) -> None:
    """Take a party out, with the reason. `stewardship.intake.remove_party` takes them out of the group as well.

    Raises SourceOwned for another system's party.
    """
    party = await party_of(case.id, party_id)
    if actor.kind is not ActorKind.MACHINE:
        check_not_owned(party, "roles")
    party.removed_at, party.removed_reason = clock.now(), reason
    await party.save(update_fields=["removed_at", "removed_reason"])
    await audit.record("party.removed", actor, ("party", party.id), case_id=case.id, unit_id=case.unit_id)


@atomic()
async def appoint_proxy(
    actor: Actor,
    case: Case,
    party_id: UUID,
    person_id: UUID,
    kind: PartyRole,
    *,
    valid_to: datetime | None = None,
    mandate_file_id: UUID | None = None,
) -> Proxy:
    """Somebody acts for a party. A suspect may not send one to mediation, and none without an officer's approval.

    Source: 公安机关办理行政案件程序规定 第一百八十一条 (a victim may mandate a proxy in writing).
    """
    if kind not in PROXY_KINDS:
        raise Invalid("proxy_kind", "代理人身份不对", "代理人只能是监护人、家属或律师。")
    party = await party_of(case.id, party_id)
    proxy = await Proxy.create(
        party_id=party.id,
        person_id=person_id,
        kind=kind,
        mandate_file_id=mandate_file_id,
        approved_by_id=actor.id,
        valid_to=valid_to,
    )
    await audit.record(
        "proxy.appointed", actor, ("proxy", proxy.id), case_id=case.id, unit_id=case.unit_id, party=party.id
    )
    return proxy
