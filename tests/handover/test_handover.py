"""A steward goes on leave: forty cases find somebody, nobody is ever without an owner, and they come back."""

from __future__ import annotations

import random
from datetime import timedelta
from uuid import UUID

import pytest

from delivery.models import Message
from kit import clock
from stewardship.casework.appointments import service as appointments
from stewardship.casework.appointments.models import Purpose
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, Sensitivity
from stewardship.casework.groups.models import Member, MemberState
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks.models import Clock
from stewardship.foundation.errors import BusinessError, Conflict, Invalid, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, Shift, ShiftKind
from stewardship.foundation.people import service as people
from stewardship.handover import course, queries, service, taking
from stewardship.handover.models import Handover, HandoverItem, HandoverState, ItemState, LeaveKind
from stewardship.handover.service import Change
from tests.support.world import Joined, World, acting, case_with, draft, register


async def colleague_of(world: World, name: str) -> Officer:
    officer = await org.create_officer(
        SYSTEM, number=f"8{len(name)}{world.steward.number[-6:]}", name=name, unit_id=world.station.id
    )
    await org.grant_role(SYSTEM, officer.id, Role.STEWARD, world.station.id)
    return officer


async def proposed(world: World, *, starts_in: float = 0, days: float = 7) -> Handover:
    at = clock.now() + timedelta(hours=starts_in)
    actor = await acting(world.steward)
    return await service.propose(
        actor, world.steward.id, kind=LeaveKind.ANNUAL, starts_at=at, ends_at=at + timedelta(days=days)
    )


async def offered(world: World, *, starts_in: float = 0, days: float = 7) -> Handover:
    handover = await proposed(world, starts_in=starts_in, days=days)
    return await service.offer(await acting(world.steward), handover.id)


async def owner(case: Case) -> UUID | None:
    return (await Case.get(id=case.id)).steward_id


async def states(handover: Handover) -> list[ItemState]:
    return [item.state for item in await HandoverItem.filter(handover_id=handover.id).order_by("case_id")]


@pytest.fixture
async def joined(world: World) -> Joined:
    return await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))


async def test_forty_cases_are_handed_over_and_taken_in_a_few_steps(world: World) -> None:
    other = await colleague_of(world, "郑三")
    forty = [(await register(world, [draft(PartyRole.VICTIM)])).case for _ in range(40)]
    handover = await proposed(world)
    shown = await queries.one(await acting(world.steward), handover.id)
    given = {share.officer_id: share.given_cases for share in await queries.shares(shown)}
    assert given == {world.colleague.id: 20, other.id: 20}
    assert {await owner(case) for case in forty} == {world.steward.id}, "a draft moves nothing"
    await service.offer(await acting(world.steward), handover.id)
    assert {await owner(case) for case in forty} == {world.instructor.id}, "until accepted the instructor owns them"
    assert await Message.filter(notice="handover_offered").count() == 2
    assert await taking.accept(await acting(world.colleague), handover.id) == 20
    assert await taking.accept(await acting(other), handover.id) == 20
    assert {await owner(case) for case in forty} == {world.colleague.id, other.id}
    shift = await Shift.get(officer_id=world.steward.id)
    assert (shift.kind, shift.ends_at) == (ShiftKind.LEAVE, handover.ends_at)


async def test_a_leave_that_begins_later_moves_the_cases_when_it_begins(world: World, joined: Joined) -> None:
    handover = await offered(world, starts_in=20)
    assert await taking.accept(await acting(world.colleague), handover.id) == 1
    assert await owner(joined.case) == world.steward.id
    assert await course.run_due() == 0
    clock.set_offset(clock.offset() + timedelta(hours=21))
    assert await course.run_due() == 1
    assert await owner(joined.case) == world.colleague.id
    assert await Message.filter(notice="handler_changed").count() == 2


async def test_waiting_questions_follow_with_their_clocks(world: World, joined: Joined) -> None:
    member = joined.members[0]
    asked = await inquiries.ask(
        Actor(ActorKind.CITIZEN, member.person_id), member, "什么时候有结果？", channel="oa", source_key=None
    )
    handover = await offered(world)
    await taking.accept(await acting(world.colleague), handover.id)
    await inquiries.follow_case(SYSTEM, joined.case.id)
    inquiry, timer = await Inquiry.get(id=asked.inquiry.id), await Clock.get(subject_id=asked.inquiry.id)
    assert inquiry.owner_id == timer.owner_id == world.colleague.id
    assert timer.started_at == inquiry.opened_at, "the promise goes on as it was"


async def test_each_party_hears_once_however_many_of_their_cases_move(world: World) -> None:
    other = await colleague_of(world, "郑三")
    first = await case_with(world, (PartyRole.VICTIM, Side.A))
    second = await register(world, [draft(PartyRole.VICTIM)])
    await Member.filter(id=second.issued[0].member.id).update(
        person_id=first.members[0].person_id, state=MemberState.JOINED
    )
    handover = await offered(world)
    for officer in (world.colleague, other):
        assert await taking.accept(await acting(officer), handover.id) == 1
    messages = await Message.filter(notice="handler_changed")
    assert [message.recipient_id for message in messages] == [first.members[0].person_id]


async def test_refused_goes_to_the_instructor_who_asks_somebody_else_or_keeps_it(world: World, joined: Joined) -> None:
    other = await colleague_of(world, "郑三")
    second = await case_with(world, (PartyRole.VICTIM, Side.A))
    handover = await offered(world)
    for officer in (world.colleague, other):
        with pytest.raises(Invalid):
            await taking.refuse(await acting(officer), handover.id, " ")
        assert await taking.refuse(await acting(officer), handover.id, "手上案件太多") == 1
        assert await taking.refuse(await acting(officer), handover.id, "手上案件太多") == 0
    assert await owner(joined.case) == await owner(second.case) == world.instructor.id
    assert await Message.filter(notice="handover_refused", recipient_id=world.instructor.id).count() == 2
    leader = await acting(world.instructor)
    assert await taking.place(leader, handover.id, [joined.case.id], world.instructor.id) == 1
    assert await taking.place(leader, handover.id, [second.case.id], other.id) == 1
    assert await taking.accept(await acting(other), handover.id) == 1
    assert await owner(second.case) == other.id
    assert sorted(await states(handover)) == [ItemState.ACCEPTED, ItemState.ACCEPTED]


async def test_only_whoever_goes_or_leads_arranges_it(world: World, joined: Joined) -> None:
    handover = await proposed(world)
    for officer in (world.colleague, world.other_steward, world.inspector):
        actor = await acting(officer)
        with pytest.raises(NotFound):
            await service.offer(actor, handover.id)
        with pytest.raises(NotFound):
            await queries.one(actor, handover.id)
    assert (await queries.one(await acting(world.instructor), handover.id)).manages
    with pytest.raises(Invalid):
        await service.change(await acting(world.steward), handover.id, [Change(joined.case.id, world.other_steward.id)])


async def test_a_corrected_proposal_and_a_word_on_the_case_reach_the_receiver(world: World, joined: Joined) -> None:
    other, steward = await colleague_of(world, "郑三"), await acting(world.steward)
    handover = await proposed(world)
    await service.change(steward, handover.id, [Change(joined.case.id, None, "周五前要给被侵害人回话")])
    await service.change(steward, handover.id, [Change(joined.case.id, other.id)])
    await service.offer(steward, handover.id)
    brief = (await queries.briefs_of(await acting(other), handover.id))[0]
    assert brief.note == "周五前要给被侵害人回话"
    with pytest.raises(NotFound):
        await queries.briefs_of(await acting(world.colleague), handover.id)
    with pytest.raises(Conflict):
        await service.change(steward, handover.id, [Change(joined.case.id, world.colleague.id)])


async def test_the_brief_says_what_was_asked_promised_and_must_not_be_said(world: World) -> None:
    joined = await case_with(
        world,
        (PartyRole.VICTIM, Side.A),
        (PartyRole.SUSPECT, Side.B),
        sensitivities=frozenset({Sensitivity.DOMESTIC_VIOLENCE}),
    )
    victim, suspect = joined.members
    steward = await acting(world.steward)
    person = Actor(ActorKind.CITIZEN, suspect.person_id)
    await inquiries.ask(person, suspect, "我的手机什么时候还我？", channel="oa", source_key=None)
    await appointments.offer(steward, joined.case.id, suspect.id, appointments.Terms(Purpose.COLLECTION))
    await people.protect(steward, victim.person_id, code_word="蓝雨伞", safe_phone="19900007777", pretext="快递")
    handover = await offered(world)
    brief = (await queries.briefs_of(await acting(world.colleague), handover.id))[0]
    assert [asked.text for asked in brief.asked] == ["我的手机什么时候还我？"]
    assert brief.asked[0].waits
    promised, unsaid = "".join(brief.promised), "".join(brief.do_not_say)
    for piece in ("在等答复，最晚", "领取物品"):
        assert piece in promised
    for piece in ("家庭暴力", "受保护", "嫌疑人"):
        assert piece in unsaid
    assert "9:00" in brief.safe_channels[0]
    for secret in ("19900007777", "蓝雨伞", "张三丰"):
        assert secret not in str(brief)
    read = await Event.filter(kind="case.read", actor_id=world.colleague.id).first()
    assert read is not None
    assert read.relation == "handover"


async def test_at_the_end_the_cases_come_back_with_what_happened(world: World, joined: Joined) -> None:
    second, third = [await case_with(world, (PartyRole.VICTIM, Side.A)) for _ in range(2)]
    handover = await offered(world)
    await taking.accept(await acting(world.colleague), handover.id)
    await cases.close(await acting(world.colleague), second.case.id)
    await cases.hand_over(
        SYSTEM,
        third.case.id,
        unit_id=world.other_station.id,
        steward_id=world.other_steward.id,
        deputy_id=None,
        reason="移交管辖",
    )
    member = joined.members[0]
    await inquiries.ask(Actor(ActorKind.CITIZEN, member.person_id), member, "进展呢？", channel="oa", source_key=None)
    clock.set_offset(clock.offset() + timedelta(days=7, minutes=1))
    assert await course.run_due() == 1
    assert await owner(joined.case) == world.steward.id
    assert await owner(third.case) == world.other_steward.id
    assert sorted(await states(handover)) == [ItemState.CLOSED, ItemState.RETURNED, ItemState.TRANSFERRED]
    told = {each.case_id: each for each in await queries.digest(await acting(world.steward), handover.id)}
    assert "当事人提问 1 个。" in told[joined.case.id].sentences
    assert told[second.case.id].sentences[0] == "已经办结。"
    assert told[third.case.id].sentences == ("期间已转给其他民警或单位办理。",)
    assert await Message.filter(notice="handover_returned", recipient_id=world.steward.id).count() == 1
    assert await Message.filter(notice="handler_changed", member_id=member.id).count() == 1, "told once, at the start"


async def test_an_early_return_ends_the_leave_on_the_roster_too(world: World, joined: Joined) -> None:
    handover = await offered(world)
    clock.set_offset(clock.offset() + timedelta(days=2))
    await course.come_back(await acting(world.steward), handover.id)
    await course.come_back(await acting(world.steward), handover.id)
    assert await owner(joined.case) == world.steward.id
    assert (await Shift.get(officer_id=world.steward.id)).ends_at <= clock.now()
    assert await Message.filter(notice="handler_changed").count() == 0, "nobody had accepted, nobody was told"


async def test_a_leave_that_does_not_take_place_leaves_no_trace(world: World, joined: Joined) -> None:
    handover = await offered(world, starts_in=48)
    await taking.accept(await acting(world.colleague), handover.id)
    await service.cancel(await acting(world.steward), handover.id)
    clock.set_offset(clock.offset() + timedelta(days=3))
    assert await course.run_due() == 0
    assert await owner(joined.case) == world.steward.id
    assert not await Shift.exists(officer_id=world.steward.id)
    again = await offered(world)
    assert again.state is HandoverState.IN_EFFECT


async def test_a_receiver_who_leaves_the_force_leaves_nothing_behind(world: World, joined: Joined) -> None:
    handover = await offered(world)
    await taking.accept(await acting(world.colleague), handover.id)
    await Officer.filter(id=world.colleague.id).update(active=False)
    assert await course.officer_left(world.colleague.id) == 1
    assert await course.officer_left(world.colleague.id) == 0
    assert await owner(joined.case) == world.instructor.id
    assert await states(handover) == [ItemState.REFUSED]
    await course.come_back(await acting(world.steward), handover.id)
    assert await owner(joined.case) == world.steward.id


async def test_whoever_leaves_while_on_leave_does_not_get_them_back(world: World, joined: Joined) -> None:
    handover = await offered(world)
    await taking.accept(await acting(world.colleague), handover.id)
    await Officer.filter(id=world.steward.id).update(active=False)
    await course.come_back(SYSTEM, handover.id)
    assert await owner(joined.case) == world.colleague.id
    assert await states(handover) == [ItemState.STAYED]


async def test_without_any_leader_the_cases_stay_with_their_steward(world: World, joined: Joined) -> None:
    await Officer.filter(id__in=[world.instructor.id, world.sub_instructor.id]).update(active=False)
    await offered(world)
    assert await owner(joined.case) == world.steward.id


# --- whatever happens -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_every_open_case_has_an_owner_who_is_there_to_act(world: World, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 — a story to be played again, not a secret.
    colleagues = [world.colleague, *[await colleague_of(world, name) for name in ("郑三", "冯四四")]]
    ours = [(await register(world, [draft(PartyRole.VICTIM)])).case for _ in range(8)]
    handover = await proposed(world, starts_in=dice.choice([0, 24]))
    done = 0
    for _ in range(30):
        done += await _something(dice, world, handover, colleagues, ours)
        for case in await Case.filter(id__in=[each.id for each in ours]):
            assert case.steward_id is not None
            if case.closed_at is None:
                assert await Officer.exists(id=case.steward_id, active=True)
        held = await HandoverItem.filter(handover_id=handover.id)
        assert len(held) == len({item.case_id for item in held}), "each case once"
    assert done > 5, "the sequence did something"
    await Officer.filter(id=world.steward.id).update(active=True)


async def _something(
    dice: random.Random, world: World, handover: Handover, colleagues: list[Officer], ours: list[Case]
) -> bool:
    officer, case = dice.choice(colleagues), dice.choice(ours)
    some = [each.id for each in dice.sample(ours, dice.randrange(1, len(ours)))]
    steward, leader, actor = await acting(world.steward), await acting(world.instructor), await acting(officer)
    try:
        match dice.randrange(12):
            case 0 | 1:
                await service.offer(steward, handover.id)
            case 2 | 3:
                await taking.accept(actor, handover.id, some)
            case 4:
                await taking.refuse(actor, handover.id, "太忙", some)
            case 5:
                await taking.place(leader, handover.id, some, dice.choice([officer.id, world.instructor.id]))
            case 6:
                clock.set_offset(clock.offset() + timedelta(hours=dice.choice([1, 24, 48])))
                await course.run_due()
            case 7:
                await cases.hand_over(
                    leader,
                    case.id,
                    unit_id=world.station.id,
                    steward_id=officer.id,
                    deputy_id=None,
                    reason="另行安排",
                )
            case 8:
                await cases.close(leader, case.id)
            case 9:
                await Officer.filter(id=officer.id).update(active=False)
                await course.officer_left(officer.id)
            case 10:
                await Officer.filter(id=officer.id).update(active=True)
            case 11:
                await course.come_back(leader, handover.id)
    except BusinessError:
        return False
    return True
