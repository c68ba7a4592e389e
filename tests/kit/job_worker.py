"""A worker process of its own, to be killed: `python -m tests.kit.job_worker DATABASE_URL`.

It beats faster than in production, so that what it leaves behind is taken up within a second or two.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

from kit import database, jobs

jobs.HEARTBEAT = timedelta(seconds=1)
jobs.DEQUEUE = timedelta(seconds=0.3)


@jobs.handler("test.effect")
async def effect(job: jobs.Job) -> None:
    """Leaves one row in `job_effect`, slowly enough to be interrupted between it and the commit."""
    await database.execute("insert into job_effect (job) values ($1)", job.payload["number"])
    await asyncio.sleep(0.05)


@jobs.handler("test.outside", transactional=False)
async def outside(job: jobs.Job) -> None:
    """Does something that cannot be undone, then records it with the acknowledgement."""
    await database.execute("insert into job_started (job) values ($1)", job.payload["number"])
    await asyncio.sleep(0.03)
    async with database.in_transaction():
        await database.execute("insert into job_effect (job) values ($1)", job.payload["number"])
        await job.acknowledge()


@jobs.handler("test.poison")
async def poison(job: jobs.Job) -> None:
    """Ends its process without a word."""
    os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with database.connected(sys.argv[1], pool=6):
        await jobs.work(sys.argv[1], stop)


if __name__ == "__main__":
    asyncio.run(main())
