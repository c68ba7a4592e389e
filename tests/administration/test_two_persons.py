"""Whatever administrators do in whatever order: no policy, rule or key is changed by one person alone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kit import clock
from kit.database import in_transaction
from stewardship.foundation.actors import Actor
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.approvals.models import Approval, ApprovalState
from stewardship.foundation.audit.models import Event
from stewardship.foundation.clocks import publishing
from stewardship.foundation.clocks.models import PromisePolicy
from stewardship.foundation.errors import BusinessError
from stewardship.foundation.keys import service as keys
from stewardship.foundation.keys.models import KeyRotation
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import Officer, Role, RoleGrant
from stewardship.opinion.ratings import administration as rating_rules
from stewardship.opinion.ratings.models import RatingRulesVersion
from stewardship.opinion.ratings.rules import DEFAULT_RULES
from tests.administration.conftest import officer_as
from tests.administration.test_promise_policies import for_station
from tests.support.world import MONDAY_MORNING, World, acting

STEPS = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.sampled_from(
            ["policy", "city", "rules", "keys", "approve", "refuse", "withdraw", "promote", "demote", "leave", "week"]
        ),
        st.integers(0, 3),
    ),
    min_size=4,
    max_size=25,
)


class Story:
    """Two system and two security administrators, a steward who is neither, and what they try."""

    def __init__(self, world: World, officers: list[Officer]) -> None:
        self.world, self.officers = world, officers
        self.proposals: list[Approval] = []

    async def step(self, who: int, what: str, which: int) -> None:
        actor = await acting(self.officers[who])
        doing = self.deeds(actor, which)[what]
        try:
            async with in_transaction():
                await doing()
        except BusinessError:
            pass

    def deeds(self, actor: Actor, which: int) -> dict[str, Callable[[], Awaitable[object]]]:
        other = self.officers[which]

        async def decide(how: str) -> object:
            if not self.proposals:
                return None
            change = self.proposals[which % len(self.proposals)]
            if how == "withdraw":
                return await approvals.withdraw(actor, change.id)
            return await getattr(approvals, how)(actor, change.id, "测试")

        async def propose(made: Awaitable[Approval]) -> None:
            self.proposals.append(await made)

        async def versions_and_propose(city: bool) -> None:
            unit = None if city else self.world.station.id
            base = await publishing.latest_version("inquiry", unit, None)
            made = publishing.propose(actor, for_station(self.world, 20, unit_id=unit, base_version=base), "测试")
            await propose(made)

        async def demote() -> None:
            grant = await RoleGrant.filter(officer_id=other.id, valid_to=None).first()
            if grant is not None:
                await administration.end_grant(actor, grant.id)

        async def later() -> None:
            clock.set_offset(clock.offset() + timedelta(days=8))

        return {
            "policy": lambda: versions_and_propose(False),
            "city": lambda: versions_and_propose(True),
            "rules": lambda: propose(rating_rules.propose(actor, DEFAULT_RULES, "测试")),
            "keys": lambda: propose(keys.propose(actor, "测试")),
            "approve": lambda: decide("approve"),
            "refuse": lambda: decide("refuse"),
            "withdraw": lambda: decide("withdraw"),
            "promote": lambda: administration.grant(actor, other.id, Role.SECURITY_ADMINISTRATOR, self.world.bureau.id),
            "demote": demote,
            "leave": lambda: administration.set_active(actor, other.id, False),
            "week": later,
        }


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
@example(steps=[(0, "policy", 0), (0, "approve", 0), (1, "approve", 0), (0, "rules", 0), (1, "approve", 1)])
@example(steps=[(2, "keys", 0), (2, "approve", 0), (3, "approve", 0), (0, "city", 0), (3, "approve", 1)])
@example(steps=[(2, "keys", 0), (3, "demote", 2), (3, "approve", 0), (1, "leave", 0), (0, "policy", 0)])
async def test_no_sequence_lets_one_person_change_anything_alone(
    world: World, steps: list[tuple[int, str, int]]
) -> None:
    class Over(Exception):
        """Takes the example back."""

    clock.set_offset(MONDAY_MORNING - clock.real_now())
    try:
        async with in_transaction():
            officers = [await officer_as(Role.SYSTEM_ADMINISTRATOR, world.bureau) for _ in range(2)]
            officers += [await officer_as(Role.SECURITY_ADMINISTRATOR, world.bureau) for _ in range(2)]
            story = Story(world, [*officers, world.steward])
            for step in steps:
                await story.step(*step)
                await check_two_for_everything()
            raise Over
    except Over:
        pass
    finally:
        clock.set_offset(timedelta(0))


async def check_two_for_everything() -> None:
    """Every version and rotation stands for an approval by somebody else; every other proposal changed nothing."""
    approved = await Approval.filter(state=ApprovalState.APPROVED)
    for change in approved:
        assert change.decided_by_id is not None
        assert change.decided_by_id != change.proposed_by_id
    # The city's first version is nobody's decision.
    policies = await PromisePolicy.filter(created_by_id__isnull=False).count()
    changed = {
        "promise_policy": policies,
        "rating_rules": await RatingRulesVersion.all().count(),
        "key_rotation": await KeyRotation.all().count(),
    }
    for kind, count in changed.items():
        assert count == sum(change.kind == kind for change in approved), kind
    events = await Event.filter(kind="change.approved").count()
    assert events == len(approved)
