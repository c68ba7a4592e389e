"""A stage change from another system becomes a draft; only a person speaks to the parties."""

from __future__ import annotations

from datetime import timedelta

import pytest

from delivery.models import Message
from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind
from stewardship.casework.cases.rules import STAGES
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.casework.updates import drafts, silence, templates
from stewardship.casework.updates import service as updates
from stewardship.casework.updates.models import AudienceKind, DraftState, UpdateDraft
from stewardship.casework.updates.rules import Audience
from stewardship.casework.updates.templates import Wording, wording_of
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from tests.support.world import Joined, World, acting, case_with, post

MACHINE = Actor(ActorKind.MACHINE)


async def drafted(world: World, stage: str = "accepted") -> tuple[Joined, UpdateDraft]:
    """A case that has entered a stage elsewhere."""
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))
    case = await cases.move_to(MACHINE, joined.case.id, stage)
    return joined, await drafts.draft_for_stage(MACHINE, case, "case-system")


async def test_one_tap_releases_it_and_nobody_heard_before(world: World) -> None:
    joined, draft = await drafted(world)
    assert await Message.filter(notice="update_posted").count() == 0
    steward = await acting(world.steward)
    posted = await drafts.release_draft(steward, joined.case, draft.id, expected_version=1)
    assert posted.update.author_id == world.steward.id
    seen = await updates.updates_for(joined.members[0], joined.case)
    assert [each.text for each in seen] == [wording_of(CaseKind.PUBLIC_ORDER, "accepted").text]
    with pytest.raises(Conflict, match="draft_decided"):
        await drafts.release_draft(steward, joined.case, draft.id, expected_version=1)


async def test_it_waits_in_the_stewards_queue_and_in_the_instructors(world: World) -> None:
    joined, draft = await drafted(world)
    for officer, sees in ((world.steward, True), (world.instructor, True), (world.other_steward, False)):
        lines = await drafts.queue(await acting(officer))
        assert [line.id for line in lines] == ([draft.id] if sees else [])
    assert await drafts.queue(await acting(world.instructor), own_only=True) == []
    await drafts.discard(await acting(world.steward), joined.case, draft.id, "已电话告知", expected_version=1)
    assert await drafts.queue(await acting(world.steward)) == []


async def test_an_edit_changes_what_goes_out_and_two_who_edit_do_not_overwrite_each_other(world: World) -> None:
    joined, draft = await drafted(world)
    steward = await acting(world.steward)
    content = drafts.Content(
        "已受理，请先验伤。",
        "验伤结果",
        clock.today() + timedelta(days=2),
        Audience(AudienceKind.SIDES, frozenset({Side.A})),
    )
    changed = await drafts.edit(steward, joined.case, draft.id, content, expected_version=1)
    with pytest.raises(Conflict, match="draft_changed"):
        await drafts.edit(steward, joined.case, draft.id, content, expected_version=1)
    posted = await drafts.release_draft(steward, joined.case, draft.id, expected_version=changed.version)
    assert posted.member_ids == (joined.members[0].id,)
    assert (await updates.updates_for(joined.members[0], joined.case))[0].text == "已受理，请先验伤。"


async def test_what_nobody_releases_in_time_is_silence(world: World) -> None:
    joined, draft = await drafted(world)
    assert (await Case.get(id=joined.case.id)).silent_from == draft.due_at
    clock.set_offset(clock.offset() + timedelta(days=4))
    assert await silence.remind_due() == 1
    clock.set_offset(clock.offset() + timedelta(days=1, minutes=1))
    assert await silence.remind_due() == 1
    told = await Event.filter(kind="case.silent").order_by("at", "id")
    assert [each.details["to"] for each in told] == [str(world.steward.id), str(world.instructor.id)]


async def test_the_end_of_a_case_is_owed_too_and_can_still_be_told(world: World) -> None:
    joined, draft = await drafted(world, "terminated")
    clock.set_offset(clock.offset() + timedelta(days=4))
    assert await silence.remind_due() == 1
    steward = await acting(world.steward)
    case = await Case.get(id=joined.case.id)
    await drafts.release_draft(steward, case, draft.id, expected_version=1)
    assert (await Case.get(id=case.id)).silent_from is None
    with pytest.raises(Conflict, match="case_closed"):
        await post(world, case, "还有一件事")


async def test_a_discarded_draft_leaves_the_silence_as_it_was(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await post(world, joined.case, "已委托鉴定")
    before = (await Case.get(id=joined.case.id)).silent_from
    case = await cases.move_to(MACHINE, joined.case.id, "appraisal")
    draft = await drafts.draft_for_stage(MACHINE, case, "case-system")
    with pytest.raises(Invalid, match="discard_reason"):
        await drafts.discard(await acting(world.steward), case, draft.id, " ", expected_version=1)
    await drafts.discard(await acting(world.steward), case, draft.id, "与上次重复", expected_version=1)
    assert (await Case.get(id=case.id)).silent_from == before


async def test_a_later_stage_replaces_the_draft_of_the_one_before(world: World) -> None:
    joined, first = await drafted(world)
    case = await cases.move_to(MACHINE, joined.case.id, "investigating")
    second = await drafts.draft_for_stage(MACHINE, case, "case-system")
    assert (await UpdateDraft.get(id=first.id)).state is DraftState.REPLACED
    assert [line.id for line in await drafts.queue(await acting(world.steward))] == [second.id]


async def test_a_draft_of_another_case_is_not_found(world: World) -> None:
    _, draft = await drafted(world)
    other = await case_with(world, (PartyRole.VICTIM, Side.A))
    with pytest.raises(NotFound, match="draft_not_found"):
        await drafts.release_draft(await acting(world.steward), other.case, draft.id, expected_version=1)


async def test_the_units_own_words_come_before_the_houses(world: World) -> None:
    instructor = await acting(world.instructor)
    own = Wording("本所已受理，联系电话见回执。", "开展调查", 5)
    await templates.add_template(instructor, world.station.id, CaseKind.PUBLIC_ORDER, "accepted", "受理", own)
    _, draft = await drafted(world)
    assert drafts.content_of(draft).text == own.text
    assert draft.next_contact_on == clock.today() + timedelta(days=5)
    case = await Case.get(id=draft.case_id)
    offered = await templates.templates_for(case)
    assert offered[0].wording == own
    assert {each.stage for each in offered} == {stage.code for stage in STAGES[CaseKind.PUBLIC_ORDER]}


async def test_only_the_units_instructors_change_its_words(world: World) -> None:
    kept = await templates.add_template(
        await acting(world.instructor), world.station.id, None, "reported", "登记", Wording("已登记。", "审查")
    )
    assert kept.id is not None
    changed = Wording("已登记，请等候。", "审查")
    with pytest.raises(NotFound):
        await templates.change_template(await acting(world.steward), kept.id, "登记", changed, expected_version=1)
    await templates.change_template(await acting(world.instructor), kept.id, "登记", changed, expected_version=1)
    with pytest.raises(Conflict, match="update_template_changed"):
        await templates.change_template(await acting(world.instructor), kept.id, "登记", changed, expected_version=1)
    await templates.remove_template(await acting(world.instructor), kept.id)
    assert await templates.templates_of(world.station.id) == []


def test_the_catalogue_has_words_for_every_stage_of_every_kind() -> None:
    for kind, stages in STAGES.items():
        for stage in stages:
            templates.check_template(kind, stage.code, stage.name, wording_of(kind, stage.code))


async def test_the_system_drafts_nothing_where_the_stage_is_ours(world: World) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await cases.move_to(SYSTEM, joined.case.id, "accepted")
    assert await UpdateDraft.all().count() == 0
