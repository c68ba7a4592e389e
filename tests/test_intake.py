"""Registering a case with everybody concerned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from delivery.models import Message
from stewardship import intake
from stewardship.casework.cases.models import Case
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import Party, PartyRole
from stewardship.foundation.actors import Actor
from stewardship.foundation.errors import BusinessError, Conflict, Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Person, ProtectionPlan
from tests.api.city import City, acting, found_city
from tests.api.conftest import MONDAY_MORNING

VICTIM = intake.PartyDraft("周一", frozenset({PartyRole.VICTIM}), phone="13800000011", id_number="340100199001010000")
OPPONENT = intake.PartyDraft("周二", frozenset({PartyRole.SUSPECT}), phone="13800000012")


@pytest.fixture
async def city(db: None, clock_at: Callable[[datetime], None]) -> City:
    clock_at(MONDAY_MORNING)
    return await found_city()


@pytest.fixture
async def steward(city: City) -> Actor:
    return await acting(city.officers["steward"])


@pytest.fixture
def draft(city: City) -> intake.CaseDraft:
    return intake.CaseDraft(unit_id=city.station.id, steward_id=city.officers["steward"].id)


async def written_to(person_id: object) -> list[str]:
    return [m.notice for m in await Message.filter(recipient_id=person_id)]


async def test_everybody_is_entered_and_invited(steward: Actor, draft: intake.CaseDraft) -> None:
    registered = await intake.register_case(steward, draft, [VICTIM, OPPONENT])
    assert len(registered.parties) == len(registered.issued) == 2
    for party, issued in zip(registered.parties, registered.issued, strict=True):
        assert issued.member.party_id == party.id
        assert issued.member.state is MemberState.INVITED
        assert len(issued.token) == 32
        assert await written_to(party.person_id) == ["invitation"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (replace(OPPONENT, phone="12"), Invalid),
        (replace(OPPONENT, roles=frozenset()), Invalid),
        (replace(VICTIM, phone="13800000013"), Conflict),
    ],
    ids=["phone", "roles", "named twice"],
)
async def test_all_or_nothing(
    steward: Actor, draft: intake.CaseDraft, wrong: intake.PartyDraft, error: type[BusinessError]
) -> None:
    before = [await model.all().count() for model in (Case, Person, Party, Member, Message)]
    with pytest.raises(error):
        await intake.register_case(steward, draft, [VICTIM, wrong])
    assert [await model.all().count() for model in (Case, Person, Party, Member, Message)] == before


async def test_a_case_is_registered_only_in_ones_own_unit(city: City, draft: intake.CaseDraft) -> None:
    for name in ("stranger_steward", "centre_officer", "inspector", "system_administrator"):
        with pytest.raises(NotFound):
            await intake.register_case(await acting(city.officers[name]), draft, [])


async def test_a_protected_person_and_a_minor_are_never_written_to_unasked(
    steward: Actor, draft: intake.CaseDraft
) -> None:
    protected = replace(VICTIM, protection=intake.Protection("栀子花", "13900000000", "社区回访"))
    minor = replace(OPPONENT, minor=True)
    registered = await intake.register_case(steward, draft, [protected, minor])
    for party in registered.parties:
        assert await written_to(party.person_id) == []
    assert (await Person.get(id=registered.parties[0].person_id)).protected
    assert len(registered.issued) == 2, "the receipt is handed over in person"


async def test_a_reason_keeps_somebody_from_being_invited(steward: Actor, draft: intake.CaseDraft) -> None:
    registered = await intake.register_case(steward, draft, [replace(VICTIM, not_invited_reason="本人拒绝")])
    assert registered.issued == ()
    [member] = await Member.filter(case_id=registered.case.id)
    assert (member.state, member.reason) == (MemberState.NOT_INVITED, "本人拒绝")


async def test_a_person_known_by_their_identity_number_is_not_registered_twice(
    steward: Actor, draft: intake.CaseDraft
) -> None:
    first = await intake.register_case(steward, draft, [VICTIM])
    second = await intake.register_case(steward, draft, [replace(VICTIM, phone="13800000019")])
    assert first.parties[0].person_id == second.parties[0].person_id
    assert await Contact.filter(person_id=first.parties[0].person_id).count() == 2
    with pytest.raises(Conflict, match="id_number_other_name"):
        await intake.register_case(steward, draft, [replace(VICTIM, name="周三")])


async def test_a_protected_persons_phone_is_not_changed_by_registering_them_again(
    steward: Actor, draft: intake.CaseDraft
) -> None:
    first = await intake.register_case(steward, draft, [VICTIM])
    person = first.parties[0].person_id
    await people.protect(steward, person, code_word="栀子花", safe_phone=None, pretext="")
    await intake.register_case(steward, draft, [replace(VICTIM, phone="13800000019")])
    assert await people.has_phone(person, "13800000019") is None


async def test_a_protected_persons_plan_stands_when_they_are_registered_again(
    steward: Actor, draft: intake.CaseDraft
) -> None:
    plan = intake.Protection("栀子花", "13900000000", "快递")
    first = await intake.register_case(steward, draft, [replace(VICTIM, protection=plan)])
    other = replace(plan, code_word="玉兰花")
    await intake.register_case(steward, draft, [replace(VICTIM, protection=other)])
    stands = await ProtectionPlan.get(person_id=first.parties[0].person_id)
    assert people.is_code_word(stands, "栀子花")


async def test_a_guardian_acts_for_a_minor(steward: Actor, draft: intake.CaseDraft) -> None:
    registered = await intake.register_case(steward, draft, [replace(VICTIM, minor=True)])
    guardian = intake.PartyDraft("周父", frozenset({PartyRole.GUARDIAN}), phone="13800000018")
    issued = await intake.enter_proxy(steward, registered.case, registered.parties[0].id, guardian, PartyRole.GUARDIAN)
    assert issued.member.party_id == registered.parties[0].id
    assert issued.member.person_id != registered.parties[0].person_id
    assert await written_to(issued.member.person_id) == ["invitation"]


async def test_a_number_is_given_to_one_case(steward: Actor, draft: intake.CaseDraft) -> None:
    await intake.register_case(steward, replace(draft, number="皖公（莲）受案字〔2026〕1号"), [])
    with pytest.raises(Conflict, match="case_number_taken"):
        await intake.register_case(steward, replace(draft, number="皖公（莲）受案字〔2026〕1号"), [])


async def test_a_deputy_is_of_the_unit(city: City, steward: Actor, draft: intake.CaseDraft) -> None:
    stranger = city.officers["stranger_steward"].id
    with pytest.raises(Invalid, match="steward_unit"):
        await intake.register_case(steward, replace(draft, deputy_id=stranger), [])
