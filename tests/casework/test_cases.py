"""A case's number, stages and officers: what may be said of it, and what may not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case, CaseKind, Sensitivity
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
