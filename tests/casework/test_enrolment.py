"""Joining a case's group: who gets in, who does not, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kit import clock
from stewardship.casework.groups import enrolment
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Invitation, Member, MemberChange, MemberState
from stewardship.casework.parties.models import PartyRole
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.errors import Conflict, Gone, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Contact, Person, Trust, WechatIdentity
from tests.support.world import World, acting, draft, follower, join, phone, register


def somebody(identity: WechatIdentity) -> Actor:
    return Actor(ActorKind.CITIZEN, identity.person_id, identity_id=identity.id)


async def test_registering_parties_invites_each_of_them(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM), draft(PartyRole.SUSPECT)])
    members = await Member.filter(case_id=registered.case.id)
    assert {m.state for m in members} == {MemberState.INVITED}
    tokens = {issued.token for issued in registered.issued}
    assert len(tokens) == 2
    assert all(len(token) <= 32 for token in tokens), "a mini-program code carries at most 32 characters"


async def test_the_phone_that_wechat_proves_lets_its_owner_in(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    identity = await join(registered.issued[0], number)
    member = await Member.get(id=registered.issued[0].member.id)
    assert member.state is MemberState.JOINED
    assert people.trusted(identity)
    steps = await MemberChange.filter(member_id=member.id).order_by("at", "id")
    assert [step.state for step in steps] == [MemberState.INVITED, MemberState.JOINED]


async def test_a_token_lets_in_once(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    await join(registered.issued[0], number)
    with pytest.raises(Gone, match="invitation_used"):
        await groups.invitation_of(registered.issued[0].token)


async def test_a_wrong_phone_is_refused_and_the_third_voids_the_invitation(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    identity = await follower()
    invitation_id = registered.issued[0].invitation.id
    left = []
    for _ in range(3):
        proof = await groups.prove_phone(
            somebody(identity), invitation_id, identity.id, phone(), verified_by_platform=True
        )
        assert proof.outcome == "wrong_phone"
        left.append(proof.tries_left)
    assert left == [2, 1, 0]
    with pytest.raises(Gone, match="invitation_revoked"):
        await groups.invitation_of(registered.issued[0].token)


async def test_a_typed_number_waits_for_the_steward(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    identity = await follower()
    issued = registered.issued[0]
    proof = await groups.prove_phone(
        somebody(identity), issued.invitation.id, identity.id, number, verified_by_platform=False
    )
    assert proof.outcome == "pending_approval"
    assert not people.trusted(await WechatIdentity.get(id=identity.id))
    await groups.approve(await acting(world.steward), registered.case, issued.member.id)
    assert people.trusted(await WechatIdentity.get(id=identity.id))
    assert (await Member.get(id=issued.member.id)).state is MemberState.JOINED


async def test_no_enrolment_from_a_stolen_phone(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    contact = await Contact.get(person_id=registered.issued[0].member.person_id)
    await people.mark_contact(await acting(world.steward), contact.id, Trust.STOLEN, "手机被抢")
    identity = await follower()
    proof = await groups.prove_phone(
        somebody(identity), registered.issued[0].invitation.id, identity.id, number, verified_by_platform=True
    )
    assert proof.outcome == "wrong_phone"


async def test_an_invitation_runs_out(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    clock.set_offset(clock.offset() + timedelta(days=15))
    with pytest.raises(Gone, match="invitation_expired"):
        await groups.invitation_of(registered.issued[0].token)
    assert await enrolment.expire_due() == 1


async def test_who_has_not_joined_is_reminded_twice_and_then_left_in_peace(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    assert await enrolment.remind_due() == 0
    reminded = 0
    for _ in range(10):
        clock.set_offset(clock.offset() + timedelta(hours=20))
        reminded += await enrolment.remind_due()
    assert reminded == 2
    assert (await Member.get(id=registered.issued[0].member.id)).reminders == 2


async def test_a_new_invitation_voids_the_old_one_and_keeps_the_check_word(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    old = registered.issued[0]
    again = await groups.invite(await acting(world.steward), registered.case, registered.parties[0])
    with pytest.raises(Gone, match="invitation_revoked"):
        await groups.invitation_of(old.token)
    assert again.invitation.check_word == old.invitation.check_word


async def test_leaving_and_being_removed_keep_their_reasons(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    await join(registered.issued[0], number)
    member_id = registered.issued[0].member.id
    await groups.leave(SYSTEM, member_id, "不想再收消息")
    await groups.invite(await acting(world.steward), registered.case, registered.parties[0])
    await groups.remove(await acting(world.steward), registered.case, member_id, "登记有误")
    last = await MemberChange.filter(member_id=member_id).order_by("-at", "-id").first()
    assert last is not None
    assert (last.state, last.reason, last.by_id) == (MemberState.REMOVED, "登记有误", world.steward.id)
    assert await Invitation.filter(member_id=member_id, revoked_at=None, used_at=None).count() == 0


async def test_another_persons_case_looks_like_none(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    stranger = await people.create_person(SYSTEM, name="路人甲", phone=phone())
    with pytest.raises(NotFound, match="case_not_found"):
        await groups.membership(stranger.id, registered.case.id)


async def test_a_wechat_that_is_somebody_elses_lets_nobody_else_in(world: World) -> None:
    numbers = [phone(), phone()]
    registered = await register(world, [draft(PartyRole.VICTIM, number=n) for n in numbers])
    identity = await join(registered.issued[0], numbers[0])
    with pytest.raises(Conflict, match="wechat_taken"):
        await groups.prove_phone(
            somebody(identity), registered.issued[1].invitation.id, identity.id, numbers[1], verified_by_platform=True
        )
    assert (await WechatIdentity.get(id=identity.id)).person_id == registered.issued[0].member.person_id


async def test_a_guardian_of_two_parties_finds_the_case(world: World) -> None:
    numbers = [phone(), phone()]
    registered = await register(world, [draft(PartyRole.VICTIM, number=n) for n in numbers])
    first, second = [issued.member for issued in registered.issued]
    await join(registered.issued[0], numbers[0])
    await Member.filter(id=second.id).update(
        person_id=first.person_id, state=MemberState.JOINED, joined_at=clock.now() + timedelta(hours=1)
    )
    assert (await groups.membership(first.person_id, registered.case.id)).id == first.id


async def test_a_child_or_a_protected_person_is_not_reminded(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM), draft(PartyRole.VICTIM)])
    child, protected = [issued.member.person_id for issued in registered.issued]
    await Person.filter(id=child).update(minor=True)
    await Person.filter(id=protected).update(protected=True)
    clock.set_offset(clock.offset() + timedelta(days=4))
    assert await enrolment.remind_due() == 0
