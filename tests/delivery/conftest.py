"""A town of recipients in the real database, and channels that a test decides about."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from delivery import templates
from delivery.catalogue import starting_templates
from delivery.templates import seed_templates
from tests.delivery.town import Town

SITE = "https://steward.example"


@pytest.fixture
async def town(db: None) -> AsyncIterator[Town]:
    """In a transaction that is rolled back."""
    await seed_templates(starting_templates(SITE))
    yield Town()
    templates.forget_templates()


@pytest.fixture
async def real_town(real_db: str) -> AsyncIterator[Town]:
    """Committed, for tests with several workers at once."""
    await seed_templates(starting_templates(SITE))
    yield Town()
    templates.forget_templates()
