"""A world for each test, and administrators in pairs: nothing that matters is changed by one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from kit.ids import new_id
from stewardship.foundation.actors import SYSTEM, Actor
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, Unit
from tests.support.world import MONDAY_MORNING, World, acting, build_world


@pytest.fixture
async def world(db: None, clock_at: Callable[[datetime], None]) -> World:
    """On an ordinary Monday at 09:00."""
    clock_at(MONDAY_MORNING)
    return await build_world()


async def officer_as(role: Role, over: Unit, name: str = "郑同") -> Officer:
    """A new officer with one role."""
    officer = await org.create_officer(SYSTEM, number=new_id().hex[-12:], name=name, unit_id=over.id)
    await org.grant_role(SYSTEM, officer.id, role, over.id)
    return officer


@dataclass
class Pair:
    """Two who may do the same."""

    one: Actor
    other: Actor


async def pair_of(role: Role, over: Unit) -> Pair:
    return Pair(await acting(await officer_as(role, over)), await acting(await officer_as(role, over, "冯异")))


@pytest.fixture
async def system(world: World) -> Pair:
    """The city's system administrators."""
    return await pair_of(Role.SYSTEM_ADMINISTRATOR, world.bureau)


@pytest.fixture
async def security(world: World) -> Pair:
    """The city's security administrators."""
    return await pair_of(Role.SECURITY_ADMINISTRATOR, world.bureau)
