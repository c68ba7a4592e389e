"""A case's number, stages and officers: what may be said of it, and what may not."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest

from kit import database
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
from stewardship.casework.cases.rules import normal_number
from stewardship.foundation.errors import Conflict, Invalid
from tests.support.world import World, acting, register

NUMBER = "皖公（柳）受案字〔2026〕7号"


async def test_a_number_that_another_case_has_is_refused(world: World) -> None:
    steward, none = await acting(world.steward), frozenset[Sensitivity]()
    first, second = (await register(world, [])).case, (await register(world, [])).case
    await cases.set_kind(steward, first.id, CaseKind.PUBLIC_ORDER, none, NUMBER)
    await cases.set_kind(steward, first.id, CaseKind.PUBLIC_ORDER, none, NUMBER)
    with pytest.raises(Conflict, match="case_number_taken"):
        await cases.set_kind(steward, second.id, CaseKind.PUBLIC_ORDER, none, NUMBER)


KEPT = "合公（蜀）立字〔2026〕12345号"
TYPED = (
    "合公(蜀)立字[2026]12345号",
    "合公（蜀）立字［2026］12345号",
    "合公( 蜀) 立字【2026】12345号",
    "合公(蜀)立字(2026)12345号",
    " 合公(蜀)立字〔2026〕１２３４５ 号\u3000",
)


@pytest.mark.parametrize("typed", TYPED)
async def test_a_number_is_the_same_in_whatever_width_it_is_typed(world: World, typed: str) -> None:
    steward, none = await acting(world.steward), frozenset[Sensitivity]()
    first, second = (await register(world, [])).case, (await register(world, [])).case
    case = await cases.set_kind(steward, first.id, CaseKind.CRIMINAL, none, typed)
    assert case.number == KEPT
    with pytest.raises(Conflict, match="case_number_taken"):
        await cases.set_kind(steward, second.id, CaseKind.CRIMINAL, none, KEPT)
    with pytest.raises(Conflict, match="case_number_taken"):
        await cases.register(steward, unit_id=world.station.id, steward_id=world.steward.id, number=typed)
    found = await cases.with_number(typed)
    assert found is not None
    assert found.id == first.id


async def test_numbers_that_were_kept_as_typed_are_spelled_alike_and_no_two_become_one(world: World) -> None:
    made = [(await register(world, [])).case for _ in (*TYPED, "", "")]
    for case, typed in zip(made, (*TYPED, "A-7", " \u3000"), strict=True):
        await Case.filter(id=case.id).update(number=typed)
    for _ in range(2):
        for statement in import_module("migrations.0010_case_numbers").FORWARD:
            await database.execute(statement)
        numbers = [(await Case.get(id=case.id)).number for case in made]
        assert numbers == [KEPT, *TYPED[1:], "A-7", None], "the first that was registered takes it"


async def test_the_migration_spells_as_the_rule_does(db: None) -> None:
    spelled = import_module("migrations.0010_case_numbers").SPELLED
    every = "".join(chr(code) for code in (*range(0x20, 0x7F), *range(0xFF01, 0xFF5F), 0x3010, 0x3011, 0x3000, 0xA0))
    for text in (*TYPED, KEPT, NUMBER, every):
        query = f"select {spelled} from (select $1::text as number) t"  # noqa: S608 — a constant.
        assert await database.fetchval(query, text) == normal_number(text)


async def test_two_cases_of_a_day_never_get_the_same_reference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    digits: Iterator[int] = iter([1, 1, 2])
    monkeypatch.setattr("secrets.randbelow", lambda _: next(digits))
    references = [(await register(world, [])).case.reference for _ in range(2)]
    assert [reference[-1] for reference in references] == ["1", "2"]


@pytest.mark.parametrize("stage", ["no_such_stage", "closed", "terminated"])
async def test_a_closed_case_goes_on_in_a_stage_in_which_there_is_something_to_do(world: World, stage: str) -> None:
    steward, case = await acting(world.steward), (await register(world, [])).case
    await cases.close(steward, case.id)
    with pytest.raises(Invalid, match="stage_unknown"):
        await cases.reopen(steward, case.id, stage)
    await cases.reopen(steward, case.id, "investigating")
    assert (await Case.get(id=case.id)).closed_at is None


async def test_a_deputy_of_another_unit_is_given_no_case(world: World) -> None:
    case = (await register(world, [])).case
    with pytest.raises(Invalid, match="steward_unit"):
        await cases.hand_over(
            await acting(world.instructor),
            case.id,
            unit_id=world.station.id,
            steward_id=world.colleague.id,
            deputy_id=world.other_steward.id,
            reason="轮岗",
        )
