"""A world with another system that writes to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from stewardship.exchange.clients import actor_for, register
from stewardship.exchange.models import MachineClient
from stewardship.exchange.records import RECORD
from stewardship.exchange.upserts import Outcome, Result, place_of, upsert
from stewardship.exchange.zones import Zone
from stewardship.foundation.actors import SYSTEM, Actor, ActorKind, Grant
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role
from tests.support.world import MONDAY_MORNING, World, build_world

_ids = count(1)


@pytest.fixture
async def world(db: None, clock_at: Callable[[datetime], None]) -> World:
    """On an ordinary Monday at 09:00."""
    clock_at(MONDAY_MORNING)
    return await build_world()


@dataclass
class CaseSystem:
    """The case system: it numbers its records and sends them."""

    world: World
    client: MachineClient

    def record(self, kind: str, source_id: str | None = None, revision: int = 1, **facts: Any) -> Any:
        """A record as it is sent, with what makes it complete."""
        station, steward = self.world.station.code, self.world.steward.number
        known: dict[str, dict[str, Any]] = {
            "unit": {
                "code": f"N{next(_ids)}",
                "name": "新设派出所",
                "level": "team",
                "unit_kind": "police_station",
                "parent": self.world.sub_bureau.code,
                "valid_from": "2026-01-01",
            },
            "officer": {"number": f"N{next(_ids)}", "name": "王新", "unit": station},
            "case": {"unit": station, "steward": steward, "case_kind": "criminal"},
            "party": {"name": "张三", "roles": ["victim"], "side": "a", "phone": "13900000001"},
            "stage": {"stage": "filed", "at": "2026-03-16T00:30:00Z"},
        }
        named = {"kind": kind, "source_id": source_id or f"{kind}-{next(_ids)}", "revision": revision}
        return RECORD.validate_python({**named, **known[kind], **facts})

    async def send(self, kind: str, source_id: str | None = None, revision: int = 1, **facts: Any) -> Outcome:
        """Send one record."""
        place = await place_of(self.client, actor_for(self.client), Zone.SINGLE)
        return await upsert(place, self.record(kind, source_id, revision, **facts))

    async def sent(self, kind: str, source_id: str | None = None, revision: int = 1, **facts: Any) -> Outcome:
        """Send one that must be applied."""
        outcome = await self.send(kind, source_id, revision, **facts)
        assert outcome.result is Result.APPLIED, outcome
        return outcome


async def administrator(world: World) -> Actor:
    """Who registers machine clients."""
    units = await org.units_below([world.bureau.id])
    officer = await org.create_officer(SYSTEM, number=f"A{next(_ids)}", name="郑管", unit_id=world.bureau.id)
    return Actor(ActorKind.OFFICER, officer.id, grants=(Grant(Role.SYSTEM_ADMINISTRATOR, units),))


@pytest.fixture
async def case_system(world: World) -> CaseSystem:
    """Registered for the sub-bureau and what is below."""
    registered = await register(
        await administrator(world), world.sub_bureau.id, name="执法办案平台", source_system="case-system"
    )
    return CaseSystem(world, registered.client)
