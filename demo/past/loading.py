"""Giving the city its past: once, before anything happens in it; the product itself counts the figures."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from demo.city import SEED, City
from demo.past.ledger import Ledger
from demo.past.matters import SETTLED_BEFORE, add_case
from demo.past.scene import Scene, set_scene
from kit.database import atomic, in_transaction
from stewardship.casework.cases.models import Case
from stewardship.dialogue.inquiries.models import Inquiry
from stewardship.reports import keeping
from stewardship.reports.months import freezing

A_DAY_AT_LEAST = 2
"""No case is closed on the day on which it was registered, nor on the next."""
DRAWS = 5
"""At most so many cases a day at a station."""
AT_ONCE = 100_000
"""Changes that are counted in one go."""


@dataclass(frozen=True, slots=True)
class Past:
    """What came of it. `seconds` of real time; 0 cases where something had happened in the city already."""

    cases: int
    inquiries: int
    seconds: float


async def give_a_past(city: City) -> Past:
    """Write the past of a city that `load_city` has loaded, count its figures and freeze its months.

    Nothing is done where the city has a case: its past is its own by then.
    """
    started = time.monotonic()
    if await Case.exists():
        return Past(0, 0, time.monotonic() - started)
    ledger = await _write(await set_scene(city, SEED))
    await _count()
    return Past(len(ledger.rows[Case]), len(ledger.rows[Inquiry]), time.monotonic() - started)


@atomic()
async def _write(scene: Scene) -> Ledger:
    ledger = Ledger()
    for station in scene.stations:
        for ahead in range(scene.days - SETTLED_BEFORE - A_DAY_AT_LEAST):
            day = scene.first + timedelta(days=ahead)
            # Some days bring none, some several.
            for _ in range(DRAWS):
                if scene.draw.random() < station.cases_a_day / DRAWS:
                    add_case(scene, station, ledger, day)
    await ledger.write()
    return ledger


async def _count() -> None:
    """All of it at once, so that nothing is looked at twice because two of its rows are new."""
    async with in_transaction():
        await keeping.lock()
        while await keeping.keep_page(AT_ONCE):
            pass
    await freezing.run()
