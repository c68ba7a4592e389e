"""Rules of asking, changed by two: what they decide holds for what is asked from then on, and safety stays."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from kit import clock
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.opinion.ratings import administration, asking
from stewardship.opinion.ratings.models import Rating
from stewardship.opinion.ratings.rules import DEFAULT_RULES, NOT_ASKED, Milestone, RatingRules, why_not
from tests.administration.conftest import Pair
from tests.opinion.test_rating_rules import ASKED, NOON
from tests.support.world import World, acting, case_with

VICTIM = (PartyRole.VICTIM, Side.A)


async def agreed(system: Pair, **changed: object) -> RatingRules:
    """Two administrators make these rules hold."""
    rules = dataclasses.replace(await administration.rules_in_force(), **changed)  # type: ignore[arg-type]  # by name.
    change = await administration.propose(system.one, rules, "测试")
    await approvals.approve(system.other, change.id)
    return await administration.rules_in_force()


async def closed(world: World) -> Rating:
    """The rating of the only party of a case that was just closed."""
    joined = await case_with(world, VICTIM)
    await cases.close(await acting(world.steward), joined.case.id)
    await asking.plan(joined.case.id, Milestone.CASE_CLOSED, joined.case.episode)
    return await Rating.get(case_id=joined.case.id)


async def sent(rating: Rating) -> Rating:
    clock.set_offset(clock.offset() + (rating.due_at - clock.now()) + timedelta(seconds=1))
    await asking.send_due(clock.now())
    return await Rating.get(id=rating.id)


async def test_delay_and_life_are_what_two_have_decided(world: World, system: Pair) -> None:
    rules = await agreed(system, delay=timedelta(hours=2), life=timedelta(days=3))
    assert rules.version == 1
    planned = await closed(world)
    assert timedelta(hours=1, minutes=59) < planned.due_at - clock.now() <= timedelta(hours=2)
    asked = await sent(planned)
    assert asked.expires_at is not None
    assert asked.sent_at is not None
    assert asked.expires_at - asked.sent_at == timedelta(days=3)


async def test_a_kind_that_is_not_rated_any_more_is_not_asked_and_says_why(world: World, system: Pair) -> None:
    await agreed(system, kinds={Milestone.CASE_CLOSED: frozenset({CaseKind.DISPUTE})})
    rating = await sent(await closed(world))
    assert (rating.state, rating.reason) == ("not_sent", "kind_not_rated")


async def test_exclusions_are_widened_and_never_narrowed(world: World, system: Pair) -> None:
    await agreed(system, excluded_roles=NOT_ASKED | {PartyRole.VICTIM})
    rating = await sent(await closed(world))
    assert (rating.state, rating.reason) == ("not_sent", "role")
    with pytest.raises(Invalid, match="rating_exclusions"):
        dataclasses.replace(DEFAULT_RULES, excluded_roles=frozenset({PartyRole.LAWYER}))


def test_no_rules_ask_whoever_is_at_risk() -> None:
    widest = RatingRules(delay=timedelta(0), cap=timedelta(days=1))
    for sensitivity in Sensitivity:
        facts = dataclasses.replace(ASKED, sensitivities=frozenset({sensitivity.value}))
        assert why_not(facts, NOON, widest) == sensitivity.value
    assert why_not(dataclasses.replace(ASKED, protected=True), NOON, widest) == "protected"
    assert why_not(dataclasses.replace(ASKED, sensitivity_known=False), NOON, widest) == "sensitivity_unknown"


async def test_rules_on_an_older_version_are_refused_and_said_in_plain_words(world: World, system: Pair) -> None:
    assert administration.rules_lines(DEFAULT_RULES) == [
        "办结时评价：治安、刑事、交通事故、纠纷",
        "节点后 30 分钟发送（只在 9:00 至 20:00），7 天内有效",
        "同一人 7 天内最多评价一次",
        "不发送：嫌疑人家属、证人、律师；未成年人、被保护人和敏感案件始终不发送",
    ]
    await agreed(system, cap=timedelta(days=30))
    with pytest.raises(Conflict, match="rating_rules_changed"):
        await administration.propose(system.one, DEFAULT_RULES, "改回", base_version=0)


@pytest.mark.parametrize(
    "wrong", [{"delay": timedelta(days=8)}, {"life": timedelta(0)}, {"cap": timedelta(0)}, {"cap": timedelta(days=366)}]
)
def test_rules_out_of_bounds_are_refused(wrong: dict[str, timedelta]) -> None:
    with pytest.raises(Invalid):
        dataclasses.replace(DEFAULT_RULES, **wrong)  # type: ignore[arg-type]  # by name.
    assert RatingRules.from_json(DEFAULT_RULES.to_json()) == DEFAULT_RULES
