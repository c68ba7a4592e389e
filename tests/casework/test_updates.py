"""Progress reaches whom it is meant for and nobody else; silence is noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.models import Message
from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.disclosure.rules import TABLE, Topic, topics_for
from stewardship.casework.groups.models import Member
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import service as updates
from stewardship.casework.updates import silence
from stewardship.casework.updates.models import AudienceKind, UpdateAddressee
from stewardship.casework.updates.rules import Audience, Candidate, held_back, is_near_copy, recipients
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.people import service as people
from tests.support.world import World, acting, case_with, post

OPPONENTS = ((PartyRole.DISPUTANT, Side.A), (PartyRole.DISPUTANT, Side.B))


async def seen_by(member: Member, case: Case) -> list[str]:
    return [update.text for update in await updates.updates_for(member, case)]


async def test_one_side_reads_it_and_the_other_side_receives_nothing(world: World) -> None:
    joined = await case_with(world, *OPPONENTS, kind=CaseKind.DISPUTE)
    posted = await post(world, joined.case, "已约定调解时间", Audience(AudienceKind.SIDES, sides=frozenset({Side.A})))
    ours, theirs = joined.members
    assert posted.member_ids == (ours.id,)
    assert await seen_by(ours, joined.case) == ["已约定调解时间"]
    assert await seen_by(theirs, joined.case) == []
    told = await Message.filter(notice="update_posted").values_list("member_id", flat=True)
    assert list(told) == [ours.id]


async def test_a_witness_reads_no_update_even_if_it_is_addressed_to_everyone(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.WITNESS, Side.NONE))
    await post(world, joined.case, "已调取监控")
    assert await seen_by(joined.members[1], joined.case) == []


async def test_an_update_says_what_is_awaited_and_when_we_are_in_touch_next(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    actor = await acting(world.steward)
    for wrong in (
        {"text": " ", "awaited": "鉴定", "next_contact_on": clock.today()},
        {"text": "进展", "awaited": "", "next_contact_on": clock.today()},
        {"text": "进展", "awaited": "鉴定", "next_contact_on": clock.today() - timedelta(days=1)},
        {"text": "进展", "awaited": "鉴定", "next_contact_on": clock.today() + timedelta(days=61)},
    ):
        with pytest.raises(Invalid):
            await updates.post_update(actor, joined.case.id, audience=Audience(AudienceKind.EVERYONE), **wrong)  # type: ignore[arg-type]  # by name.


async def test_a_closed_case_takes_no_update(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await cases.close(await acting(world.steward), joined.case.id)
    with pytest.raises(Conflict, match="case_closed"):
        await post(world, joined.case, "补充进展")


async def test_silence_is_told_to_the_steward_then_to_the_instructor(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await post(world, joined.case, "已委托鉴定")
    clock.set_offset(clock.offset() + timedelta(days=5))
    assert await silence.remind_due() == 0, "the promised date is not over yet"
    clock.set_offset(clock.offset() + timedelta(days=1))
    assert await silence.remind_due() == 1
    clock.set_offset(clock.offset() + timedelta(days=1, minutes=1))
    assert await silence.remind_due() == 1
    events = await Event.filter(kind="case.silent").order_by("at", "id")
    assert [event.details["to"] for event in events] == [str(world.steward.id), str(world.instructor.id)]


async def test_a_near_copy_of_the_last_update_counts_as_silence(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await post(world, joined.case, "案件正在进一步调查中，请耐心等待。")
    before = await Case.get(id=joined.case.id)
    clock.set_offset(clock.offset() + timedelta(days=3))
    posted = await post(world, joined.case, "案件正在进一步调查中，请您耐心等待！")
    after = await Case.get(id=joined.case.id)
    assert posted.update.near_copy
    assert after.silent_from == before.silent_from
    assert after.last_update_at == before.last_update_at


async def test_an_update_to_the_opponent_waits_until_the_protected_person_was_told(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))
    protected, opponent = joined.members
    await people.protect(
        await acting(world.steward), protected.person_id, code_word="蓝雨伞", safe_phone=None, pretext="快递"
    )
    posted = await post(world, joined.case, "已作出决定")
    assert posted.held_member_ids == (opponent.id,)
    assert await seen_by(opponent, joined.case) == []
    assert await updates.release(SYSTEM, joined.case.id, clock.now()) == 1
    assert await seen_by(opponent, joined.case) == ["已作出决定"]
    assert await updates.release(SYSTEM, joined.case.id, clock.now()) == 0


async def test_who_joins_later_does_not_see_what_was_addressed_before(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await post(world, joined.case, "第一次通报")
    assert await UpdateAddressee.filter(case_id=joined.case.id).count() == 1


ROLES = st.frozensets(st.sampled_from([role.value for role in PartyRole]), min_size=1)
CANDIDATES = st.builds(Candidate, st.uuids(), st.sampled_from(Side), ROLES, st.booleans())
AUDIENCES = st.one_of(
    st.just(Audience(AudienceKind.EVERYONE)),
    st.builds(lambda sides: Audience(AudienceKind.SIDES, sides=sides), st.frozensets(st.sampled_from(Side))),
    st.builds(lambda ids: Audience(AudienceKind.MEMBERS, member_ids=ids), st.frozensets(st.uuids())),
)


@given(st.lists(CANDIDATES, max_size=8, unique_by=lambda c: c.member_id), AUDIENCES, st.sampled_from([None, *CaseKind]))
def test_nobody_reads_what_is_not_meant_for_them_or_not_for_their_role(
    everyone: list[Candidate], audience: Audience, kind: CaseKind | None
) -> None:
    reached = recipients(everyone, audience, kind)
    for candidate in reached:
        assert audience.addresses(candidate)
        assert all(Topic.UPDATES in TABLE[PartyRole(role)].topics for role in candidate.roles)
    for candidate in everyone:
        if candidate not in reached and audience.addresses(candidate):
            assert Topic.UPDATES not in topics_for(candidate.roles, kind)


@given(st.lists(CANDIDATES, max_size=8, unique_by=lambda c: c.member_id))
def test_whoever_stands_against_a_protected_person_waits(everyone: list[Candidate]) -> None:
    waiting = held_back(everyone, everyone)
    sides = {c.side for c in everyone if c.protected}
    assert {c.member_id for c in everyone if sides and c.side not in sides} == waiting


@given(ROLES, ROLES, st.sampled_from([None, *CaseKind]))
def test_a_further_role_never_widens_what_may_be_told(
    some: frozenset[str], more: frozenset[str], kind: CaseKind | None
) -> None:
    assert topics_for(some | more, kind) <= topics_for(some, kind)


def test_every_role_has_a_row_with_its_basis() -> None:
    assert set(TABLE) == set(PartyRole)
    assert all(row.basis for row in TABLE.values())


def test_a_new_text_is_no_near_copy() -> None:
    assert not is_near_copy("鉴定意见已经出具，请来领取", "已委托鉴定机构进行鉴定")
    assert not is_near_copy("任何内容", None)
