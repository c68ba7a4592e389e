"""One answer to many who ask the same: each reads their own, and nobody is harmed by being one of many."""

from __future__ import annotations

import pytest

from stewardship.casework.parties.models import PartyRole, Side
from stewardship.dialogue.inquiries import many
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.dialogue.inquiries.many import Wanted, salutation
from stewardship.dialogue.inquiries.models import EntryKind, Inquiry, InquiryState
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Invalid
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import PersonKind
from tests.support.world import Joined, World, acting, case_with

TEXT = "{称呼}您好，查询编号 {查询编号} 的鉴定意见预计周五出具。"


async def asks(joined: Joined, which: int = 0) -> Inquiry:
    """A member asks when there is a result."""
    member = joined.members[which]
    actor = Actor(ActorKind.CITIZEN, member.person_id)
    return (await inquiries.ask(actor, member, "鉴定什么时候出结果？", channel="mp", source_key=None)).inquiry


async def victims(world: World, count: int) -> list[Joined]:
    return [await case_with(world, (PartyRole.VICTIM, Side.A)) for _ in range(count)]


async def test_each_reads_their_own_reference_as_it_was_previewed(world: World) -> None:
    cases = await victims(world, 3)
    asked = [await asks(joined) for joined in cases]
    steward = await acting(world.steward)
    rows = await many.preview(steward, [each.id for each in asked], TEXT)
    assert [row.reference for row in rows] == [joined.case.reference for joined in cases]
    assert rows[0].text == f"张先生/女士您好，查询编号 {cases[0].case.reference} 的鉴定意见预计周五出具。"
    assert await Inquiry.filter(state=InquiryState.WAITING).count() == 3, "a preview sends nothing"
    assert await Event.filter(kind="inquiry.read").count() == 3
    outcomes = await many.answer_many(steward, [Wanted(row.inquiry_id, row.version) for row in rows], TEXT)
    assert all(each.answered for each in outcomes)
    for row, joined in zip(rows, cases, strict=True):
        lines = await inquiries.thread_for(joined.members[0])
        assert [line.text for line in lines if line.kind is EntryKind.ANSWER] == [row.text]


async def test_who_wrote_again_meanwhile_is_left_and_the_others_are_answered(world: World) -> None:
    cases = await victims(world, 2)
    asked = [await asks(joined) for joined in cases]
    rows = await many.preview(await acting(world.steward), [each.id for each in asked], TEXT)
    await asks(cases[0])
    wanted = [Wanted(row.inquiry_id, row.version) for row in rows]
    outcomes = await many.answer_many(await acting(world.steward), wanted, TEXT)
    assert [(each.answered, each.code) for each in outcomes] == [(False, "inquiry_changed"), (True, "")]
    again = await many.answer_many(await acting(world.steward), wanted, TEXT)
    assert [each.code for each in again] == ["inquiry_changed", "inquiry_not_waiting"]


async def test_a_protected_person_and_the_other_side_are_left_out(world: World) -> None:
    both = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))
    (alone,) = await victims(world, 1)
    await people.protect(SYSTEM, alone.members[0].person_id, code_word="蓝雨伞", safe_phone=None, pretext="")
    asked = [await asks(both), await asks(both, 1), await asks(alone)]
    rows = await many.preview(await acting(world.steward), [each.id for each in asked], TEXT)
    assert [row.code for row in rows] == ["", "different_side", "protected"]
    assert all(row.detail and not row.text for row in rows[1:])
    outcomes = await many.answer_many(
        await acting(world.steward), [Wanted(each.id, each.version) for each in asked], TEXT
    )
    assert [each.answered for each in outcomes] == [True, False, False]


async def test_what_is_out_of_scope_looks_like_what_is_not_there(world: World) -> None:
    (joined,) = await victims(world, 1)
    asked = await asks(joined)
    (row,) = await many.preview(await acting(world.other_steward), [asked.id], TEXT)
    assert (row.code, row.text, row.reference) == ("inquiry_not_found", "", "")


@pytest.mark.parametrize("text", ["", " ", "{姓名}您好", "长" * 2001])
async def test_a_text_that_cannot_be_filled_is_refused_before_anything_is_sent(world: World, text: str) -> None:
    (joined,) = await victims(world, 1)
    asked = await asks(joined)
    with pytest.raises(Invalid):
        await many.answer_many(await acting(world.steward), [Wanted(asked.id, asked.version)], text)
    assert (await Inquiry.get(id=asked.id)).state is InquiryState.WAITING


async def test_the_same_one_twice_is_refused(world: World) -> None:
    (joined,) = await victims(world, 1)
    asked = await asks(joined)
    with pytest.raises(Invalid, match="too_many_inquiries"):
        await many.preview(await acting(world.steward), [asked.id, asked.id], TEXT)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "张三", "id_number": "340100199001010011"}, "张先生"),
        ({"name": "李梅", "id_number": "340100199001010029"}, "李女士"),
        ({"name": "王小", "minor": True}, "王同学"),
        ({"name": "云州商贸有限公司", "kind": PersonKind.COMPANY}, "云州商贸有限公司"),
        ({"name": "赵六", "id_number": "E12345678"}, "赵先生/女士"),
    ],
)
async def test_how_somebody_is_addressed(world: World, facts: dict[str, object], said: str) -> None:
    person = await people.create_person(SYSTEM, phone=None, **facts)  # type: ignore[arg-type]  # by name.
    assert salutation(person) == said
