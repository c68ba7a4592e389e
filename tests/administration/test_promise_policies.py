"""A new promise: tried on what is open, proposed by one, approved by another, then taken by what is open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kit import clock, database, jobs
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import ApprovalState
from stewardship.foundation.clocks import comparison, publishing
from stewardship.foundation.clocks.models import Clock, PromisePolicy
from stewardship.foundation.clocks.policy import Allowance, AllowanceUnit, Policy
from stewardship.foundation.clocks.preview import preview
from stewardship.foundation.clocks.publishing import PolicyState, Proposal
from stewardship.foundation.errors import Conflict, Invalid, NotAllowed, NotFound
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role, RoleGrant
from tests.administration.conftest import Pair, officer_as
from tests.support.world import World, acting, case_with

VICTIM = (PartyRole.VICTIM, Side.A)


def minutes(count: int) -> Policy:
    """So many minutes of duty time to the first response, the rest as usual."""
    return Policy(0, first_response=Allowance(count, AllowanceUnit.DUTY_MINUTES))


def for_station(world: World, count: int, **more: object) -> Proposal:
    values = {"subject": "inquiry", "unit_id": world.station.id, "case_kind": None, "active_from": None}
    return Proposal(**{**values, "policy": minutes(count), "base_version": 0, **more})  # type: ignore[arg-type]  # by name.


async def asked(world: World) -> Clock:
    """A party of a new case asks; the clock of it."""
    joined = await case_with(world, VICTIM)
    member = joined.members[0]
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    found = await inquiries.ask(actor, member, "什么时候有结果？", channel="oa", source_key=None)
    return await Clock.get(subject_id=found.inquiry.id)


def pass_time(**more: int) -> None:
    clock.set_offset(clock.offset() + timedelta(**more))


async def run_jobs() -> None:
    """What was queued about policies, page by page."""
    while row := await database.fetchrow(
        "delete from pgqueuer where id = (select id from pgqueuer where entrypoint = $1 limit 1) returning payload",
        publishing.JOB,
    ):
        await jobs.run_now(publishing.JOB, jobs.payload_of(row["payload"]))


async def test_open_questions_take_a_promise_that_two_have_agreed_on(world: World, system: Pair) -> None:
    waiting = await asked(world)
    change = await publishing.propose(system.one, for_station(world, 20), "群众等得久")
    assert approvals.describe(change)[0] == "首次答复：20 分钟（值班时间）"
    await run_jobs()
    assert (await Clock.get(id=waiting.id)).first_due_at == waiting.first_due_at, "nothing before it is approved"
    decided = await approvals.approve(system.other, change.id, "同意")
    await run_jobs()
    timer = await Clock.get(id=waiting.id)
    assert waiting.started_at is not None
    assert timer.first_due_at == waiting.started_at + timedelta(minutes=20)
    assert decided.outcome["version"] == 1
    assert (await comparison.compare()).differences == ()


async def test_what_was_answered_before_stays_as_it_was(
    world: World, system: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "PAGE", 1)
    done, waiting = await asked(world), await asked(world)
    steward = await acting(world.steward)
    await inquiries.answer(steward, done.subject_id, "周五前答复您。", expected_version=1)
    before = await Clock.get(id=done.id)
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    await approvals.approve(system.other, change.id)
    await run_jobs()
    after = await Clock.get(id=done.id)
    assert (after.first_due_at, after.full_due_at) == (before.first_due_at, before.full_due_at)
    assert (await Clock.get(id=waiting.id)).first_due_at != waiting.first_due_at


async def test_a_promise_for_another_kind_or_unit_moves_nothing_here(world: World, system: Pair) -> None:
    waiting = await asked(world)
    for proposal in (
        for_station(world, 20, case_kind="criminal"),
        for_station(world, 20, unit_id=world.other_station.id),
    ):
        change = await publishing.propose(system.one, proposal, "试行")
        await approvals.approve(system.other, change.id)
    await run_jobs()
    assert (await Clock.get(id=waiting.id)).first_due_at == waiting.first_due_at


async def test_the_narrower_promise_wins_over_a_later_one_of_the_city(world: World, system: Pair) -> None:
    waiting = await asked(world)
    for proposal in (for_station(world, 20), for_station(world, 45, unit_id=None, base_version=1)):
        change = await publishing.propose(system.one, proposal, "试行")
        await approvals.approve(system.other, change.id)
    await run_jobs()
    assert waiting.started_at is not None
    assert (await Clock.get(id=waiting.id)).first_due_at == waiting.started_at + timedelta(minutes=20)


async def test_a_promise_for_later_counts_from_then_on(world: World, system: Pair) -> None:
    later = clock.now() + timedelta(days=2)
    change = await publishing.propose(system.one, for_station(world, 20, active_from=later), "下周起")
    await approvals.approve(system.other, change.id)
    [version] = await publishing.policy_versions("inquiry", world.station.id)
    assert version.state is PolicyState.TO_COME
    assert await publishing.apply_due() == 0
    pass_time(days=2, minutes=-1)
    waiting = await asked(world)
    pass_time(minutes=2)
    assert await publishing.apply_due() == 1
    assert await publishing.apply_due() == 0, "once"
    await run_jobs()
    assert (await Clock.get(id=waiting.id)).first_due_at != waiting.first_due_at
    [version] = await publishing.policy_versions("inquiry", world.station.id)
    assert version.state is PolicyState.IN_FORCE


async def test_the_preview_counts_what_would_happen_and_changes_nothing(world: World, system: Pair) -> None:
    early, late = await asked(world), await asked(world)
    pass_time(minutes=25)
    fresh = await asked(world)
    found = await preview(for_station(world, 20))
    assert (found.open, found.affected, found.first_earlier) == (3, 3, 1)
    assert (found.time_kept, found.overdue_at_once) == (2, 0), "a new promise makes no breach in the past"
    assert (found.first_later, found.full_earlier, found.overdue_no_more, found.more) == (0, 0, 0, False)
    longer = await preview(for_station(world, 60))
    assert (longer.first_later, longer.overdue_at_once) == (3, 0)
    for timer in (early, late, fresh):
        assert (await Clock.get(id=timer.id)).first_due_at == timer.first_due_at


async def test_the_preview_leaves_out_what_a_narrower_promise_keeps(world: World, system: Pair) -> None:
    await asked(world)
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    await approvals.approve(system.other, change.id)
    found = await preview(for_station(world, 45, unit_id=None, base_version=1))
    assert (found.open, found.affected) == (1, 0)


async def test_nobody_approves_their_own_and_a_proposal_is_decided_once(world: World, system: Pair) -> None:
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    for decide in (approvals.approve(system.one, change.id), approvals.refuse(system.one, change.id, "不")):
        with pytest.raises(NotAllowed, match="not_oneself"):
            await decide
    with pytest.raises(NotAllowed, match="not_proposer"):
        await approvals.withdraw(system.other, change.id)
    await approvals.refuse(system.other, change.id, "先不调整")
    with pytest.raises(Conflict, match="change_settled"):
        await approvals.approve(system.other, change.id)
    assert not await PromisePolicy.filter(unit_id=world.station.id).exists()


async def test_a_proposal_ends_after_a_week_and_another_one_may_follow(world: World, system: Pair) -> None:
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    with pytest.raises(Conflict, match="change_pending"):
        await publishing.propose(system.other, for_station(world, 25), "也想改")
    pass_time(days=7, seconds=1)
    with pytest.raises(Conflict, match="change_settled"):
        await approvals.approve(system.other, change.id)
    assert await approvals.expire_due() == 1
    assert (await approvals.access_change(system.one, change.id)).state is ApprovalState.EXPIRED
    again = await publishing.propose(system.other, for_station(world, 25), "也想改")
    assert again.state is ApprovalState.PENDING


async def test_a_proposal_falls_with_the_right_of_who_made_it(world: World, system: Pair) -> None:
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    await RoleGrant.filter(officer_id=system.one.id).update(valid_to=clock.now())
    with pytest.raises(Conflict, match="proposer_gone"):
        await approvals.approve(system.other, change.id)


async def test_who_administers_another_district_neither_sees_nor_decides(world: World, system: Pair) -> None:
    stranger = await acting(await officer_as(Role.SYSTEM_ADMINISTRATOR, world.other_station))
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    assert await approvals.changes_for(stranger) == []
    assert [seen.id for seen in await approvals.changes_for(system.other)] == [change.id]
    for attempt in (
        approvals.approve(stranger, change.id),
        approvals.access_change(stranger, change.id),
        publishing.propose(stranger, for_station(world, 1, unit_id=None, base_version=1), "全市"),
        publishing.propose(await acting(world.instructor), for_station(world, 1), "本所"),
    ):
        with pytest.raises(NotFound, match="change_not_found"):
            await attempt


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"warn_at": [80, 50]}, "提醒比例"),
        ({"escalation": [{"percent": 100, "level": "steward"}]}, "每一级只写一次"),
        ({"escalation": [{"percent": 0, "level": "instructor"}]}, "升级比例"),
        ({"first_response": None, "full_answer": None}, "至少承诺一项"),
        ({"challenge_seconds": 0}, "追问时间"),
        ({"full_answer": {"amount": 400, "unit": "working_days"}}, "时长超出范围"),
    ],
)
def test_a_promise_that_contradicts_itself_is_refused_in_plain_words(broken: dict[str, object], says: str) -> None:
    with pytest.raises(Invalid) as refused:
        publishing.policy_from(Policy(0).to_json() | broken)
    assert says in refused.value.detail


async def test_what_was_proposed_on_an_older_version_is_refused(world: World, system: Pair) -> None:
    change = await publishing.propose(system.one, for_station(world, 20), "试行")
    await approvals.approve(system.other, change.id)
    with pytest.raises(Conflict, match="policy_changed"):
        await publishing.propose(system.one, for_station(world, 25), "再改")


async def test_who_administers_a_district_changes_its_units_and_not_the_city(world: World) -> None:
    below = await acting(await officer_as(Role.SYSTEM_ADMINISTRATOR, world.sub_bureau))
    assert await org.units_below([world.sub_bureau.id]) >= {world.station.id}
    with pytest.raises(NotFound):
        await publishing.propose(below, for_station(world, 20, unit_id=None, base_version=1), "全市")
    change = await publishing.propose(below, for_station(world, 20), "本所")
    assert change.unit_id == world.station.id
