"""Joining a case's group: who gets in, who does not, and what is kept of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kit import clock
from stewardship import intake
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


async def test_who_scans_while_somebody_waits_for_approval_does_not_take_their_place(world: World) -> None:
    """Approving lets in whoever gave the number, not whoever held the receipt last."""
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    issued = registered.issued[0]
    owner, finder = await follower(), await follower()
    await groups.open_invitation(somebody(owner), issued.token, owner.id)
    await groups.prove_phone(somebody(owner), issued.invitation.id, owner.id, number, verified_by_platform=False)
    await groups.open_invitation(somebody(finder), issued.token, finder.id)
    with pytest.raises(Conflict, match="enrolment_waits"):
        await groups.prove_phone(somebody(finder), issued.invitation.id, finder.id, number, verified_by_platform=False)
    await groups.approve(await acting(world.steward), registered.case, issued.member.id)
    assert people.trusted(await WechatIdentity.get(id=owner.id))
    assert not people.trusted(await WechatIdentity.get(id=finder.id))


async def test_a_party_taken_out_of_the_case_sees_nothing_of_it_any_more(world: World) -> None:
    number = phone()
    registered = await register(world, [draft(PartyRole.VICTIM, number=number)])
    identity = await join(registered.issued[0], number)
    steward = await acting(world.steward)
    await intake.remove_party(steward, registered.case, registered.parties[0].id, "登记有误")
    assert identity.person_id is not None
    with pytest.raises(NotFound, match="case_not_found"):
        await groups.membership(identity.person_id, registered.case.id)
    member = await Member.get(id=registered.issued[0].member.id)
    assert (member.state, member.reason) == (MemberState.REMOVED, "登记有误")


async def test_a_proxy_is_out_when_the_mandate_ends_and_in_again_with_a_new_one(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    steward, party, number = await acting(world.steward), registered.parties[0], phone()
    lawyer = replace(draft(PartyRole.LAWYER, number=number), id_number="110101199003070000")
    until = clock.now() + timedelta(days=30)
    issued = await intake.enter_proxy(steward, registered.case, party.id, lawyer, PartyRole.LAWYER, valid_to=until)
    identity = await join(issued, number)
    assert await enrolment.end_mandates() == 0
    clock.set_offset(clock.offset() + timedelta(days=30))
    assert await enrolment.end_mandates() == 1
    assert identity.person_id is not None
    with pytest.raises(NotFound):
        await groups.membership(identity.person_id, registered.case.id)
    until = clock.now() + timedelta(days=30)
    again = await intake.enter_proxy(steward, registered.case, party.id, lawyer, PartyRole.LAWYER, valid_to=until)
    await groups.join_known(somebody(identity), again.invitation.id, identity.id)
    assert await enrolment.end_mandates() == 0
    assert (await groups.membership(identity.person_id, registered.case.id)).id == issued.member.id


async def test_invitations_that_hold_no_more_keep_nobody_from_being_reminded(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM) for _ in range(3)])
    for issued in registered.issued[:2]:
        await groups.refuse(await acting(world.steward), registered.case, issued.member.id, "来历不明")
    clock.set_offset(clock.offset() + timedelta(days=1))
    assert [member.id for member in await groups.to_remind(limit=1)] == [registered.issued[2].member.id]


async def test_a_protected_person_gets_a_proxy_only_after_a_call_to_the_safe_number(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    steward, party = await acting(world.steward), registered.parties[0]
    await people.protect(steward, party.person_id, code_word="蓝雨伞", safe_phone=phone(), pretext="快递")
    aunt = draft(PartyRole.FAMILY)
    with pytest.raises(Conflict, match="safe_call_needed"):
        await intake.enter_proxy(steward, registered.case, party.id, aunt, PartyRole.FAMILY)
    await intake.enter_proxy(steward, registered.case, party.id, aunt, PartyRole.FAMILY, safely_asked=True)


async def test_a_protected_persons_contacts_change_only_after_a_call_to_the_safe_number(world: World) -> None:
    registered = await register(world, [draft(PartyRole.VICTIM)])
    steward, person_id = await acting(world.steward), registered.parties[0].person_id
    await people.protect(steward, person_id, code_word="蓝雨伞", safe_phone=phone(), pretext="快递")
    contact = await Contact.filter(person_id=person_id).first()
    assert contact is not None
    with pytest.raises(Conflict, match="safe_call_needed"):
        await people.protect(steward, person_id, code_word="红雨伞", safe_phone=phone(), pretext="快递")
    with pytest.raises(Conflict, match="safe_call_needed"):
        await people.verify_person(steward, person_id, None, phone())
    await people.mark_contact(steward, contact.id, Trust.STOLEN, "手机被抢")
    with pytest.raises(Conflict, match="safe_call_needed"):
        await people.mark_contact(steward, contact.id, Trust.TRUSTED, "找回来了")
    await people.verify_person(steward, person_id, None, phone(), safely_asked=True)
    await people.mark_contact(steward, contact.id, Trust.TRUSTED, "找回来了", safely_asked=True)
