"""Cases, parties and stages from another system."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from kit import clock
from kit.crypto import vault
from stewardship import intake
from stewardship.casework.cases import service as cases
from stewardship.casework.cases import sourced
from stewardship.casework.cases.models import Case, CaseStage
from stewardship.casework.groups import service as groups
from stewardship.casework.parties import service as parties
from stewardship.casework.parties.models import Party
from stewardship.casework.updates import drafts
from stewardship.exchange.common import Place, mark, mine_or_free
from stewardship.exchange.organisation import taken
from stewardship.exchange.records import CaseRecord, PartyRecord, StageRecord
from stewardship.foundation.errors import Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import ID_NUMBER, Person
from stewardship.foundation.source import Sourced

AHEAD = timedelta(minutes=10)
"""Another system's clock may be ahead of ours by this much."""


async def apply_case(place: Place, record: CaseRecord, case: Case | None) -> Case:
    """Register, adopt (by reference or number) or change a case.

    The steward is taken over at first, and where the unit changes. Who is on a case within a unit is decided here:
    somebody is on leave, and the source does not know.
    """
    unit, steward = await place.unit(record.unit), await place.officer(record.steward)
    case = case or await _adopted_case(record)
    owned = sourced.owned(number=record.number, kind=record.case_kind, sensitivities=record.sensitivities)
    if case is None:
        draft = intake.CaseDraft(
            unit_id=unit.id,
            steward_id=steward.id,
            kind=record.case_kind,
            number=record.number,
            brief=record.brief,
            sensitivities=record.sensitivities or frozenset(),
            sensitivity_known=record.sensitivities is not None,
            source=place.source(record, owned),
        )
        return (await intake.open_case(place.actor, draft, [])).case
    if case.unit_id not in place.unit_ids:
        raise NotFound("case_not_found", "案件不在接入的范围内", "请核对接入的范围。")
    await sourced.change(
        place.actor,
        case.id,
        kind=record.case_kind,
        number=record.number,
        sensitivities=record.sensitivities,
        brief=record.brief,
    )
    if case.unit_id != unit.id:
        await cases.hand_over(
            place.actor, case.id, unit_id=unit.id, steward_id=steward.id, deputy_id=None, reason="办案系统移交"
        )
    case = await Case.get(id=case.id)
    await mark(place, case, record, {*owned, *(each for each in case.source_fields if each == "stage")})
    return case


async def _adopted_case(record: CaseRecord) -> Case | None:
    """A case that was registered here first."""
    case = await Case.get_or_none(reference=record.reference) if record.reference else None
    if case is None and record.reference:
        raise NotFound("case_not_found", "没有找到这个编号的案件", "请核对查询编号。")
    case = case or await cases.with_number(record.number)
    if case is not None and not mine_or_free(case):
        raise taken("案件")
    return case


async def _case(place: Place, source_id: str) -> Case:
    case = await Case.get_or_none(source_system=place.system, source_id=source_id)
    if case is None or case.unit_id not in place.unit_ids:
        raise NotFound("case_not_found", f"没有找到案件 {source_id[:20]}", "请先同步这个案件。")
    return case


async def apply_party(place: Place, record: PartyRecord, party: Party | None) -> Party:
    """Enter somebody into a case, change their role, side or phone, or take them out."""
    case = await _case(place, record.case)
    party = party or await _adopted_party(case, record)
    if party is None or (party.removed_at is not None and not record.removed):
        party = await _enter(place, case, record)
    else:
        await _change(place, case, record, party)
    party = await Party.get(id=party.id)
    await mark(place, party, record, ("roles", "side"))
    return party


async def _enter(place: Place, case: Case, record: PartyRecord) -> Party:
    party, _ = await intake.enter_party(
        place.actor,
        case,
        intake.PartyDraft(
            name=record.name,
            roles=record.roles,
            phone=record.phone,
            id_number=record.id_number,
            kind=record.person_kind,
            side=record.side,
            minor=record.minor,
            not_invited_reason="办案系统已移除" if record.removed else record.not_invited_reason,
        ),
    )
    if record.removed:
        await parties.remove_party(place.actor, case, party.id, "办案系统移除")
    return party


async def _change(place: Place, case: Case, record: PartyRecord, party: Party) -> None:
    if party.case_id != case.id:
        raise Invalid("party_other_case", "当事人属于另一案件", "请用新的来源编号登记。")
    if record.removed:
        if party.removed_at is None:
            await parties.remove_party(place.actor, case, party.id, "办案系统移除")
        return
    await parties.change_party(place.actor, case, party.id, record.roles, record.side)
    await groups.follow_side(party.id, record.side)
    person = await Person.get(id=party.person_id)
    # A protected person's contacts change only by a call to the safe number.
    if record.phone and not person.protected and await people.has_phone(person.id, record.phone) is None:
        await people.add_contact(place.actor, person.id, record.phone)


async def _adopted_party(case: Case, record: PartyRecord) -> Party | None:
    """Somebody whom the steward has entered already, known by their identity number."""
    if not record.id_number:
        return None
    candidates = vault().index.candidates(record.id_number, ID_NUMBER)
    persons = await Person.filter(id_number_index__in=candidates).values_list("id", flat=True)
    party = await Party.filter(case_id=case.id, person_id__in=list(persons), removed_at=None).first()
    return party if mine_or_free(party) else None


async def apply_stage(place: Place, record: StageRecord, stage: CaseStage | None) -> CaseStage:
    """A case entered a stage. What is new to the parties is drafted for the steward; what came late is history."""
    case = await _case(place, record.case)
    if record.at > clock.now() + AHEAD:
        raise Invalid("stage_in_future", "阶段时间不对", "进入阶段的时间不能晚于现在。")
    entered = await sourced.enter_stage(place.actor, case.id, record.stage, record.at, stage)
    await mark(place, entered.stage, record, ("stage", "at"))
    if entered.news:
        await drafts.draft_for_stage(place.actor, entered.case, place.system)
    return entered.stage


APPLY: dict[str, tuple[type[Sourced], Any]] = {
    "case": (Case, apply_case),
    "party": (Party, apply_party),
    "stage": (CaseStage, apply_stage),
}
