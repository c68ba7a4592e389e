"""What stewards say again and again: whose it is, for which case, and what it said before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import CaseKind
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.canned_replies import service as canned
from stewardship.dialogue.canned_replies.rules import PLACEHOLDERS, check_text, filled
from stewardship.dialogue.canned_replies.service import Draft
from stewardship.foundation.errors import Conflict, Invalid, NotFound
from tests.administration.conftest import Pair
from tests.support.world import World, acting, case_with

WAITING = Draft("鉴定中", "您的案件（{编号}）正在等鉴定意见，{下次联系}前会告诉您。{单位}，{值班电话}。")


async def test_a_reply_is_filled_in_for_the_case(world: World) -> None:
    steward = await acting(world.steward)
    reply = await canned.write(steward, WAITING, own=True)
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    case = await cases.access_case(steward, joined.case.id)
    [found] = await canned.replies_for(steward, case=case)
    words = (await canned.fill([found], case))[reply.id]
    assert words == f"您的案件（{case.reference}）正在等鉴定意见，____前会告诉您。柳堤派出所，0551-00000000。"


async def test_one_sees_the_citys_ones_units_and_own_and_nobody_elses(world: World, system: Pair) -> None:
    instructor, steward = await acting(world.instructor), await acting(world.steward)
    await canned.write(system.one, Draft("全市", "您好。"), own=False)
    await canned.write(instructor, Draft("本所", "您好。"), own=False, unit_id=world.station.id)
    await canned.write(steward, Draft("自己", "您好。"), own=True)

    async def titles(officer: object) -> set[str]:
        return {row.title for row in await canned.replies_for(await acting(officer))}  # type: ignore[arg-type]  # an officer.

    assert await titles(world.steward) == {"全市", "本所", "自己"}
    assert await titles(world.colleague) == {"全市", "本所"}
    assert await titles(world.other_steward) == {"全市"}


async def test_the_kind_of_the_case_the_words_and_the_use_decide_the_order(world: World) -> None:
    steward = await acting(world.steward)
    await canned.write(steward, Draft("立案后", "请等鉴定。"), own=True)
    often = await canned.write(steward, Draft("已联系", "已联系您。"), own=True)
    await canned.write(steward, Draft("鉴定意见", "已出。"), own=True)
    await canned.write(steward, Draft("事故鉴定", "正在鉴定。", CaseKind.TRAFFIC_ACCIDENT), own=True)
    await canned.write(steward, Draft("第一", "您好。", place=1), own=True)
    for _ in range(3):
        await canned.use(steward, often.id)
    rows = await canned.replies_for(steward, case_kind=CaseKind.DISPUTE)
    assert [row.title for row in rows][:2] == ["第一", "已联系"]
    assert "事故鉴定" not in {row.title for row in rows}
    found = await canned.replies_for(steward, case_kind=CaseKind.DISPUTE, words="鉴定")
    assert [row.title for row in found] == ["鉴定意见", "立案后"], "titles that begin with it first"
    assert await canned.replies_for(steward, words="100%_") == []


async def test_every_edit_is_a_version_and_the_slower_of_two_is_told(world: World) -> None:
    instructor = await acting(world.instructor)
    reply = await canned.write(instructor, Draft("本所", "您好。"), own=False, unit_id=world.station.id)
    await canned.edit(instructor, reply.id, Draft("本所", "您好，请稍候。"), expected_version=1)
    with pytest.raises(Conflict, match="canned_reply_changed"):
        await canned.edit(instructor, reply.id, Draft("本所", "别的。"), expected_version=1)
    said = [(row.version, row.text) for row in await canned.versions(instructor, reply.id)]
    assert said == [(2, "您好，请稍候。"), (1, "您好。")]
    await canned.retire(instructor, reply.id)
    assert await canned.replies_for(instructor) == []
    with pytest.raises(NotFound):
        await canned.edit(instructor, reply.id, Draft("本所", "您好。"), expected_version=2)


async def test_only_who_keeps_it_changes_it(world: World) -> None:
    instructor, steward = await acting(world.instructor), await acting(world.steward)
    unit = await canned.write(instructor, Draft("本所", "您好。"), own=False, unit_id=world.station.id)
    own = await canned.write(steward, Draft("自己", "您好。"), own=True)
    for attempt in (
        canned.retire(steward, unit.id),
        canned.retire(instructor, own.id),
        canned.use(await acting(world.other_steward), unit.id),
        canned.versions(await acting(world.colleague), own.id),
        canned.write(steward, Draft("本所", "您好。"), own=False, unit_id=world.station.id),
        canned.write(instructor, Draft("全市", "您好。"), own=False),
    ):
        with pytest.raises(NotFound, match="canned_reply_not_found"):
            await attempt


@pytest.mark.parametrize("text", ["您好，{姓名}", "您好，{编号", "}您好", "{}", "{{编号}}"])
def test_a_placeholder_that_nobody_fills_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="canned_placeholder"):
        check_text("问候", text)


@given(st.lists(st.sampled_from([*PLACEHOLDERS, "您好", ","]), max_size=12), st.sampled_from(["", "甲", "{编号}"]))
def test_what_passes_the_check_is_filled_without_braces_left(parts: list[str], value: str) -> None:
    text = "".join(f"{{{part}}}" if part in PLACEHOLDERS else part for part in parts)
    check_text("标题", text)
    said = filled(text, dict.fromkeys(PLACEHOLDERS, value))
    if "{" not in value:
        assert not set(said) & set("{}")
    assert said.count("____") == (0 if value else sum(part in PLACEHOLDERS for part in parts))
