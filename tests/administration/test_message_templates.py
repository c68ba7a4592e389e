"""A template's way into use: tried with real words, kept apart from the one in use, compared with the account's."""

from __future__ import annotations

import pytest

from delivery import trying
from delivery.catalogue import starting_templates
from delivery.comparing import compare
from delivery.models import Channel, TemplateState
from delivery.notice import Notice
from delivery.samples import samples
from delivery.templates import (
    SAFE_PRETEXT,
    Definition,
    Ours,
    Parameter,
    TemplateField,
    active_templates,
    forget_templates,
    seed_templates,
)
from delivery.trying import places, try_out
from kit import database
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from stewardship.foundation.message_templates import service as templates
from stewardship.foundation.org.models import Role
from tests.administration.conftest import Pair, officer_as
from tests.support.world import World, acting
from wechat.templates import AccountTemplate, parse_fields

PLACE = ("update_posted", Channel.MP_SUBSCRIBE)
NEW = Definition(
    title="办理进度通知",
    fields=(
        TemplateField(key="thing7", label="事项", value="matter"),
        TemplateField(key="date2", label="时间", value="when"),
    ),
)


@pytest.fixture
async def in_use(world: World) -> None:
    """What the installation starts with."""
    await seed_templates(starting_templates("https://steward.example"))


async def test_the_old_template_is_used_until_the_new_one_is(in_use: None, system: Pair) -> None:
    actor = system.one
    old = (await active_templates())[PLACE]
    drafted = await templates.draft(actor, *PLACE, NEW)
    for state, step in (
        ("submitted", templates.submit(actor, drafted.id)),
        ("approved", templates.approved(actor, drafted.id, "9Aw5ZV1j9xdWTFE")),
    ):
        assert (await step).state == state
        forget_templates()
        assert (await active_templates())[PLACE] == old
    await templates.activate(actor, drafted.id)
    assert (await active_templates())[PLACE].template_id == "9Aw5ZV1j9xdWTFE"
    states = [row.state for row in await templates.versions(actor, *PLACE)]
    assert states == [TemplateState.ACTIVE, TemplateState.RETIRED]


async def test_what_an_installation_starts_with_is_used_at_once(in_use: None) -> None:
    """Set up by one process while another has looked already, and found nothing."""
    await database.execute("update template set state = 'retired'")
    forget_templates()
    assert await active_templates() == {}
    await database.execute("update template set state = 'active'")
    assert PLACE in await active_templates()


async def test_a_rejected_one_says_why_and_is_changed_and_handed_in_again(in_use: None, system: Pair) -> None:
    actor = system.one
    drafted = await templates.draft(actor, *PLACE, NEW)
    await templates.submit(actor, drafted.id)
    with pytest.raises(Conflict, match="template_state"):
        await templates.edit(actor, drafted.id, NEW)
    refused = await templates.rejected(actor, drafted.id, "关键词与类目不符")
    assert (refused.state, refused.reason) == ("rejected", "关键词与类目不符")
    await templates.edit(actor, drafted.id, NEW)
    assert (await templates.submit(actor, drafted.id)).state == "submitted"
    with pytest.raises(Conflict, match="template_under_way"):
        await templates.draft(actor, *PLACE, NEW)
    await templates.give_up(actor, drafted.id)
    assert (await templates.draft(actor, *PLACE, NEW)).version == 3


async def test_no_step_is_skipped(in_use: None, system: Pair) -> None:
    drafted = await templates.draft(system.one, *PLACE, NEW)
    for step in (
        templates.approved(system.one, drafted.id, "abc"),
        templates.rejected(system.one, drafted.id, "不符"),
        templates.activate(system.one, drafted.id),
    ):
        with pytest.raises(Conflict, match="template_state"):
            await step
    [active] = [row for row in await templates.versions(system.one, *PLACE) if row.state is TemplateState.ACTIVE]
    with pytest.raises(Conflict, match="template_state"):
        await templates.give_up(system.one, active.id)


async def test_what_cannot_be_filled_is_not_handed_in(in_use: None, system: Pair) -> None:
    wrong = Definition(fields=(TemplateField(key="phrase1", label="编号", value="reference"),))
    drafted = await templates.draft(system.one, *PLACE, wrong)
    with pytest.raises(Invalid) as refused:
        await templates.submit(system.one, drafted.id)
    assert refused.value.detail == "phrase1：内容放不下：5 个汉字以内。请修改后再试。"
    assert (await templates.access_template(system.one, drafted.id)).state == "draft"


@pytest.mark.parametrize("notice", list(Notice))
def test_every_notice_can_be_tried(notice: Notice) -> None:
    ordinary, longest = samples(notice)
    assert ordinary.notice is longest.notice is notice


def test_every_template_of_the_house_passes_its_trial() -> None:
    seeds = starting_templates("https://steward.example")
    assert {(seed.notice, seed.channel) for seed in seeds} == set(places())
    wrong = {
        (seed.notice, seed.channel.value): trial.problems
        for seed in seeds
        if (trial := try_out(seed.notice, seed.channel, seed.definition)).problems
    }
    assert wrong == {}


def test_a_trial_shows_the_words_and_names_what_is_wrong() -> None:
    trial = try_out(*PLACE, NEW)
    assert [(field.key, field.text) for field in trial.fields] == [
        ("thing7", "您的事项有新的办理进展"),
        ("date2", "2026年11月23日 14:30"),
    ]
    assert trial.problems == ()
    broken = Definition(
        fields=(
            TemplateField(key="thing1", value="nonsense"),
            TemplateField(key="number2", value="matter"),
            TemplateField(key="number2", value="matter"),
        )
    )
    found = {problem.field: problem.message for problem in try_out(*PLACE, broken).problems}
    assert found["thing1"] == "这类消息没有“nonsense”这项内容"
    assert found["number2"] == "字段重复"


def test_an_sms_is_shown_whole_and_measured_with_its_longest_words() -> None:
    fits = Definition(text="您好，{1}，方便时请回电。", parameters=(Parameter(value="pretext", limit=64),))
    assert try_out(SAFE_PRETEXT, Channel.SMS, fits).text == "您好，您预约的快递，方便时请回电。"
    narrow = Definition(text="您好，{1}。", parameters=(Parameter(value="pretext", limit=8),))
    [problem] = try_out(SAFE_PRETEXT, Channel.SMS, narrow).problems
    assert problem.message == "内容最长时放不下：8 个字以内"
    [empty] = try_out(SAFE_PRETEXT, Channel.SMS, Definition()).problems
    assert empty.field == "text"
    assert trying.TEMPLATED == (Channel.MP_SUBSCRIBE, Channel.OA_TEMPLATE, Channel.SMS)


async def test_templates_are_the_citys(in_use: None, world: World) -> None:
    below = await acting(await officer_as(Role.SYSTEM_ADMINISTRATOR, world.sub_bureau))
    for attempt in (templates.overview(below), templates.draft(below, *PLACE, NEW)):
        with pytest.raises(NotFound, match="template_not_found"):
            await attempt


def ours(**changed: object) -> Ours:
    values = {"notice": PLACE[0], "channel": PLACE[1], "version": 1, "state": "active", "template_id": "A"}
    return Ours(**{**values, "definition": NEW, **changed})  # type: ignore[arg-type]  # by name.


def test_what_is_missing_differs_or_is_unused_is_found() -> None:
    fields = (("thing7", "事项"), ("date2", "时间"))
    same = AccountTemplate("A", "办理进度通知", fields, "one_time")
    assert compare([ours()], Channel.MP_SUBSCRIBE, [same]) == []
    found = compare(
        [ours(), ours(template_id="B", notice="inquiry_received")],
        Channel.MP_SUBSCRIBE,
        [
            AccountTemplate("A", "进度", (("thing7", "事由"), ("time3", "时间")), "long_term"),
            AccountTemplate("C", "旧模板", (), "one_time"),
        ],
    )
    assert [(finding.template_id, finding.what, finding.grave) for finding in found] == [
        ("A", "date2 is not a field of it", True),
        ("A", "its consent is long_term there, one_time here", True),
        ("A", "its field time3 (时间) is filled by nothing", True),
        ("B", "not on the account", True),
        ("A", "its title is 进度 there, 办理进度通知 here", False),
        ("A", "thing7 is labelled 事由 there, 事项 here", False),
        ("C", "on the account (旧模板), used by no notice", False),
    ]
    assert found[0].notices == ("update_posted",)


@pytest.mark.parametrize(
    "content",
    ["会议时间:{{date2.DATA}}\n会议地点:{{thing1.DATA}}\n", "会议时间：{{date2.DATA}}\n会议地点: {{ thing1.DATA }}"],
)
def test_the_platforms_lines_are_read_as_fields(content: str) -> None:
    assert parse_fields(content) == (("date2", "会议时间"), ("thing1", "会议地点"))
