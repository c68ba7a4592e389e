"""A world for each test."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from tests.support.world import MONDAY_MORNING, World, build_world


@pytest.fixture
async def world(db: None, clock_at: Callable[[datetime], None]) -> World:
    """On an ordinary Monday at 09:00."""
    clock_at(MONDAY_MORNING)
    return await build_world()
