"""Runs queued jobs: sending messages, fetching and scanning files, and what follows from events."""

from __future__ import annotations

import asyncio
import signal

import structlog

from kit import collector, jobs
from scheduler import chat_replies, identities, keys, material, process, sending
from settings import get_settings
from stewardship.foundation.audit import verification  # noqa: F401 — registers the job that recomputes the log's chain.
from stewardship.reports.exports import service as exports  # noqa: F401 — registers the job that writes tables.

log = structlog.get_logger(__name__)


async def main() -> None:
    """The worker process: until SIGTERM or SIGINT, then what is under way is finished."""
    settings = get_settings()
    async with process.opened(settings) as parts:
        sending.install(parts)
        material.install(parts)
        identities.install(parts)
        chat_replies.install(parts)
        keys.install(parts)
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        collector.tune()
        log.info("worker_ready")
        await jobs.work(parts.database_url, stop)
