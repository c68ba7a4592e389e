"""What the case system sends is applied once, whatever is repeated, late or out of order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tortoise.transactions import in_transaction

from delivery.models import Message
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind, CaseStage
from stewardship.casework.groups.models import Member
from stewardship.casework.parties import service as parties
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.casework.updates import drafts
from stewardship.casework.updates.models import DraftState, UpdateDraft
from stewardship.exchange.clients import actor_for
from stewardship.exchange.upserts import Result, place_of, upsert_all
from stewardship.exchange.zones import Zone
from stewardship.foundation.audit.models import Event
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import Officer, Unit
from stewardship.foundation.source import SourceOwned
from tests.exchange.conftest import CaseSystem, administrator
from tests.support.world import World, acting, draft, register


async def test_a_case_arrives_with_its_party_and_its_stage(world: World, case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1", number="皖公刑字〔2026〕7号")
    await case_system.sent("party", case="C1")
    await case_system.sent("stage", case="C1")
    case = await Case.get(source_id="C1")
    assert (case.stage, case.kind, case.steward_id) == ("filed", CaseKind.CRIMINAL, world.steward.id)
    assert case.source_fields == ["kind", "number", "stage"]
    member = await Member.get(case_id=case.id)
    assert await Message.filter(notice="invitation", member_id=member.id).count() == 1
    waiting = await drafts.queue(await acting(world.steward))
    assert [line.case_id for line in waiting] == [case.id]
    assert await Message.filter(notice="update_posted").count() == 0, "a machine never speaks to a party"


async def test_the_same_revision_changes_nothing_and_an_older_one_is_reported(case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1", 5, number="甲1号")
    events = await Event.all().count()
    assert (await case_system.send("case", "C1", 5, number="乙2号")).result is Result.UNCHANGED
    assert (await case_system.send("case", "C1", 4, number="丙3号")).result is Result.OLDER
    assert (await Case.get(source_id="C1")).number == "甲1号"
    assert await Event.all().count() == events
    await case_system.sent("case", "C1", 6, number="丁4号")
    assert (await Case.get(source_id="C1")).number == "丁4号"


async def test_what_the_source_keeps_is_read_only_here(world: World, case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1", number="甲1号")
    await case_system.sent("stage", case="C1")
    case, steward = await Case.get(source_id="C1"), await acting(world.steward)
    for command in (
        cases.move_to(steward, case.id, "investigating"),
        cases.close(steward, case.id),
        cases.reopen(steward, case.id, "filed"),
        cases.set_kind(steward, case.id, CaseKind.PUBLIC_ORDER, frozenset()),
        cases.set_kind(steward, case.id, CaseKind.CRIMINAL, frozenset(), "乙2号"),
    ):
        with pytest.raises(SourceOwned) as caught:
            await command
        assert caught.value.title == "此项由办案系统维护"
    await cases.hand_over(
        steward, case.id, unit_id=world.station.id, steward_id=world.colleague.id, deputy_id=None, reason="休假"
    )
    await case_system.sent("case", "C1", 2, number="甲1号")
    assert (await Case.get(id=case.id)).steward_id == world.colleague.id, "who is on the case is decided here"


async def test_a_party_is_changed_and_taken_out_by_the_source_alone(world: World, case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1")
    outcome = await case_system.sent("party", "P1", case="C1")
    party = await Party.get(id=outcome.id)
    steward, case = await acting(world.steward), await Case.get(source_id="C1")
    with pytest.raises(SourceOwned):
        await parties.remove_party(steward, case, party.id, "登记错误")
    await case_system.sent("party", "P1", 2, case="C1", roles=["victim", "suspect"], side="b")
    assert (await Member.get(party_id=party.id)).side is Side.B
    assert (await Party.get(id=party.id)).roles == [PartyRole.SUSPECT, PartyRole.VICTIM]
    await case_system.sent("party", "P1", 3, case="C1", removed=True)
    assert (await Party.get(id=party.id)).removed_at is not None


async def test_a_case_that_a_steward_registered_first_is_found_again(world: World, case_system: CaseSystem) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)], kind=None)
    reference = registered.case.reference
    outcome = await case_system.sent("case", "C1", reference=reference, number="甲1号")
    assert outcome.id == registered.case.id
    assert (await Case.get(id=outcome.id)).kind is CaseKind.CRIMINAL
    again = await case_system.send("case", "C2", reference=reference)
    assert (again.result, again.code) == (Result.REFUSED, "record_of_another_source")


async def test_units_and_officers_come_and_go(world: World, case_system: CaseSystem) -> None:
    await case_system.sent("unit", "U1", name="东湖派出所")
    unit = await Unit.get(source_id="U1")
    assert unit.parent_id == world.sub_bureau.id
    outcome = await case_system.sent("officer", "O1", unit="U1")
    await case_system.sent("officer", "O1", 2, unit="U1", active=False)
    assert not (await Officer.get(id=outcome.id)).active
    await case_system.sent("officer", "O2", number=world.colleague.number, name="李白")
    assert (await Officer.get(id=world.colleague.id)).source_id == "O2"
    with pytest.raises(SourceOwned):
        await administration.set_active(await administrator(world), world.colleague.id, False)


@pytest.mark.parametrize(
    ("kind", "facts", "code"),
    [
        ("case", {"unit": "nowhere"}, "unit_not_found"),
        ("case", {"steward": "nobody"}, "officer_not_found"),
        ("case", {"unit": "a longer reference than any code here"}, "unit_not_found"),
        ("case", {"steward": "a longer reference than any number"}, "officer_not_found"),
        ("party", {"case": "unknown"}, "case_not_found"),
        ("stage", {"case": "C1", "stage": "mediation"}, "stage_unknown"),
        ("stage", {"case": "C1", "at": "2027-01-01T00:00:00Z"}, "stage_in_future"),
        ("party", {"case": "C1", "phone": "12345678"}, "phone_number"),
        ("case", {"number": "甲1号"}, "record_of_another_source"),
        ("case", {"reference": "A26010100000000"}, "case_not_found"),
    ],
)
async def test_what_cannot_be_applied_is_refused_and_leaves_nothing(
    case_system: CaseSystem, kind: str, facts: dict[str, Any], code: str
) -> None:
    await case_system.sent("case", "C1", number="甲1号")
    before = [await model.all().count() for model in (Case, Party, CaseStage, Member, Event)]
    outcome = await case_system.send(kind, "X", **facts)
    assert (outcome.result, outcome.code) == (Result.REFUSED, code)
    assert outcome.detail
    assert [await model.all().count() for model in (Case, Party, CaseStage, Member, Event)] == before


async def test_nothing_is_written_beyond_the_clients_units(world: World, case_system: CaseSystem) -> None:
    case_system.client.unit_id = world.other_station.id
    for kind in ("case", "officer", "unit"):
        assert (await case_system.send(kind)).code in {"unit_not_found", "officer_not_found"}


async def test_what_a_record_names_may_stand_behind_it(world: World, case_system: CaseSystem) -> None:
    place = await place_of(case_system.client, actor_for(case_system.client), Zone.SINGLE)
    sent = [
        case_system.record("stage", "S1", case="C1"),
        case_system.record("party", "P1", case="C1"),
        case_system.record("case", "C1", unit="U1", steward="O1"),
        case_system.record("officer", "O1", unit="U1"),
        case_system.record("unit", "U1"),
    ]
    outcomes = await upsert_all(place, sent)
    assert [(each.kind, each.result) for each in outcomes] == [(each.kind, Result.APPLIED) for each in sent]


async def test_a_stage_that_comes_late_is_history(case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1")
    await case_system.sent("stage", case="C1", stage="investigating", at="2026-03-16T00:40:00Z")
    await case_system.sent("stage", case="C1", stage="filed", at="2026-03-15T00:40:00Z")
    case = await Case.get(source_id="C1")
    assert case.stage == "investigating"
    assert await UpdateDraft.filter(case_id=case.id, state=DraftState.WAITING).count() == 1
    assert await CaseStage.filter(case_id=case.id, stage="filed").count() == 1


async def test_a_closed_case_that_goes_on_has_a_new_episode(case_system: CaseSystem) -> None:
    await case_system.sent("case", "C1")
    await case_system.sent("stage", case="C1", stage="closed", at="2026-03-15T00:40:00Z")
    assert (await Case.get(source_id="C1")).closed_at is not None
    await case_system.sent("stage", case="C1", stage="investigating", at="2026-03-16T00:40:00Z")
    case = await Case.get(source_id="C1")
    assert (case.closed_at, case.episode, case.stage) == (None, 2, "investigating")


async def test_what_may_not_live_outside_is_refused_there(case_system: CaseSystem) -> None:
    place = await place_of(case_system.client, actor_for(case_system.client), Zone.INTERNET)
    outcome = (await upsert_all(place, [case_system.record("case", "C1", brief="邻里纠纷")]))[0]
    assert (outcome.result, outcome.code) == (Result.REFUSED, "zone_field")
    assert not await Case.exists(source_id="C1")


class _Undo(Exception):
    """Ends an example."""


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations([("C1", n) for n in range(1, 4)] + [("C2", n) for n in range(1, 4)]), st.integers(0, 5))
async def test_in_whatever_order_and_however_often_the_newest_revision_holds(
    case_system: CaseSystem, order: list[tuple[str, int]], again: int
) -> None:
    try:
        async with in_transaction():
            for source_id, revision in [*order, *order[:again]]:
                await case_system.send("case", source_id, revision, number=f"{source_id}-{revision}")
            for source_id in ("C1", "C2"):
                case = await Case.get(source_id=source_id)
                assert (case.number, case.source_revision) == (f"{source_id}-3", 3)
            raise _Undo
    except _Undo:
        pass


async def test_a_case_is_adopted_by_its_number_in_another_width(world: World, case_system: CaseSystem) -> None:
    here = await cases.register(
        await acting(world.steward),
        unit_id=world.station.id,
        steward_id=world.steward.id,
        number="合公（蜀）立字〔2026〕12345号",
    )
    outcome = await case_system.sent("case", number="合公(蜀)立字[2026]12345号")
    assert outcome.id == here.id
    assert (await Case.get(id=here.id)).number == here.number
