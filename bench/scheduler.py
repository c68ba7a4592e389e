"""memory-scheduler: what the scheduler holds at most while a thousand promises fall due and events are sealed."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

from bench import data
from bench.results import Result, bounded
from bench.stage import Stage, peak_megabytes, process
from kit import clock_offset, crypto, database
from kit.ids import new_id
from settings import get_settings
from stewardship.conversations.said import Said, SaidKind, Speaker
from stewardship.conversations.service import receive
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks.models import Clock

NAMES = ("memory-scheduler",)
PEOPLE, ASKED = 2_000, 1_000
LATE = timedelta(days=5)
PATIENCE = 180.0


async def run(stage: Stage, names: frozenset[str]) -> list[Result]:
    """Everybody asks, five days go by, and the scheduler carries out what fell due."""
    # In a task of its own: migrating leaves a closed ORM in the context of its task.
    url = await asyncio.create_task(data.cases(stage, PEOPLE, kind="due", anew=True))
    settings = get_settings()
    crypto.open_vault(settings.encryption_keys.get_secret_value(), settings.index_keys.get_secret_value())
    environment = {"STEWARD_DATABASE_URL": url, "STEWARD_REDIS_URL": stage.endpoints.redis_url}
    async with database.connected(url):
        await clock_offset.refresh()
        await _ask(settings.oa.app_id)
        await clock_offset.move(LATE)
        with process(["-m", "cli", "scheduler"], **environment) as scheduler:
            carried_out = await _until_nothing_is_due()
            peak = peak_megabytes(scheduler.pid)
    assert carried_out >= ASKED, f"{carried_out} marks of {ASKED} questions: not the load that was meant"
    print(f"  {carried_out:,} marks were carried out", flush=True)
    return [bounded("memory-scheduler", peak, "MB", 200)]


async def _ask(app_id: str) -> None:
    for number in range(1, ASKED + 1):
        async with database.in_transaction():
            speaker = Speaker(app_id, data.OPENID.format(number=number), "oa")
            await receive(speaker, Said(SaidKind.TEXT, f"bench:{new_id()}", text="我的手机什么时候可以还给我？"))


async def _until_nothing_is_due() -> int:
    """How many marks were carried out by then. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        await asyncio.sleep(0.5)  # The scheduler is another process: only the database can be asked.
        due = await Clock.filter(running=True, breached=False).exists()
        if not due and not (await audit.verify()).unsealed:
            return int(await database.fetchval("select count(*) from clock_mark"))
    raise TimeoutError("the scheduler did not come to the end of what was due")
