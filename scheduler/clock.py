"""What happens by time: each trigger calls one command, which finds the due rows in the database.

The scheduler process triggers and does nothing else; what needs the network becomes a job for the worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from prometheus_client import Counter, Histogram

from delivery import reports
from kit import clock, database, jobs, once, partitions
from scheduler import process
from scheduler.leader import leadership, lost
from settings import Settings, get_settings
from stewardship.casework.appointments import upkeep as appointments
from stewardship.casework.groups import enrolment
from stewardship.casework.updates import silence
from stewardship.conversations import service as conversations
from stewardship.dialogue.contests import service as contests
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.exchange import imports
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.audit import anchor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import due as clocks
from stewardship.foundation.clocks import publishing
from stewardship.foundation.files import service as files
from stewardship.handover import course as handovers
from stewardship.opinion.ratings import asking as ratings
from stewardship.opinion.visits import upkeep as visits
from stewardship.reports import keeping as figures
from stewardship.reports.digests import service as digests
from stewardship.reports.exports import service as exports
from stewardship.reports.months import freezing as months

log = structlog.get_logger(__name__)

RUNS = Counter("scheduler_runs_total", "Triggers that ran", ["trigger", "outcome"])
SECONDS = Histogram("scheduler_seconds", "How long a trigger took", ["trigger"])


FIRST_RUN_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Trigger:
    """A command that is called every so many seconds; it answers how much it did, or nothing."""

    name: str
    seconds: float
    command: Callable[[], Awaitable[object]]


async def _partitions() -> None:
    async with database.raw() as connection:
        await partitions.ensure(connection)


def triggers(settings: Settings) -> list[Trigger]:
    """Every trigger. Due times are kept to the second where people can shorten them, to five in production."""
    soon = 5.0 if settings.environment == "production" else 0.5
    return [
        Trigger("promises", soon, clocks.run_due),
        Trigger("absences", 4 * soon, inquiries.pass_on_absent),
        Trigger("silence", 4 * soon, silence.remind_due),
        Trigger("ratings_due", 2 * soon, lambda: ratings.send_due(clock.now())),
        Trigger("ratings_expiry", 60, lambda: ratings.expire_due(clock.now())),
        Trigger("invitation_reminders", 4 * soon, enrolment.remind_due),
        Trigger("invitation_expiry", 60, enrolment.expire_due),
        Trigger("mandate_expiry", 60, enrolment.end_mandates),
        Trigger("visits_overdue", 4 * soon, lambda: visits.mark_overdue(clock.now())),
        Trigger("visits_pool", 4 * soon, lambda: visits.assign_pooled(clock.now())),
        Trigger("handovers", 4 * soon, handovers.run_due),
        Trigger("appointments_absent", 4 * soon, appointments.move_absent),
        Trigger("appointment_reminders", 4 * soon, appointments.remind_due),
        Trigger("appointment_expiry", 60, appointments.expire_due),
        Trigger("unchosen_cases", 2 * soon, conversations.settle_unchosen),
        Trigger("unknown_sends", 4 * soon, reports.reconcile_unknown),
        Trigger("contests", 4 * soon, contests.escalate_overdue),
        Trigger("figures", 1.0, figures.run),
        Trigger("months", 60, months.run),
        Trigger("digest", 4 * soon, digests.send_due),
        Trigger("sealing", 2.0, audit.seal),
        Trigger("policies", 5.0, publishing.apply_due),
        Trigger("changes_expiry", 60, approvals.expire_due),
        Trigger("anchor", 3600, lambda: anchor.write(settings.home / "anchors")),
        Trigger("partitions", 3600, _partitions),
        Trigger("file_expiry", 6 * 3600, files.ask_for_sweep),
        Trigger("forget_imports", 3600, imports.forget_old),
        Trigger("prune_outbox", 600, reports.prune),
        Trigger("prune_request_keys", 600, once.prune),
        Trigger("prune_exports", 600, exports.prune),
        Trigger("prune_jobs", 3600, jobs.prune_log),
    ]


async def run(trigger: Trigger) -> None:
    """Run one trigger; a failure is logged and counted, and the next run finds the same rows due."""
    with SECONDS.labels(trigger.name).time():
        try:
            await trigger.command()
            RUNS.labels(trigger.name, "done").inc()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            RUNS.labels(trigger.name, "unavailable").inc()
            log.warning("trigger_unavailable", trigger=trigger.name, error=type(error).__name__)
        except Exception:
            RUNS.labels(trigger.name, "failed").inc()
            log.exception("trigger_failed", trigger=trigger.name)


def schedule(settings: Settings, extra: Sequence[Trigger]) -> AsyncIOScheduler:
    """APScheduler with every trigger; a run that is still going is not started again.

    Each runs within seconds of the start: what is due every hour would otherwise never be where a deployment restarts
    the process more often.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    start = clock.real_now()
    for trigger in [*triggers(settings), *extra]:
        scheduler.add_job(
            run,
            "interval",
            seconds=trigger.seconds,
            args=[trigger],
            id=trigger.name,
            max_instances=1,
            coalesce=True,
            next_run_time=start + timedelta(seconds=min(trigger.seconds, FIRST_RUN_WITHIN)),
            misfire_grace_time=None,
        )
    return scheduler


async def lead(settings: Settings, url: str, stop: asyncio.Event, extra: Sequence[Trigger] = ()) -> None:
    """Lead until stopped; where leadership is lost, stand by for it again."""
    while not stop.is_set():
        standing_by = asyncio.ensure_future(_lead_once(settings, url, extra))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({standing_by, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        standing_by.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await standing_by


async def _lead_once(settings: Settings, url: str, extra: Sequence[Trigger]) -> None:
    async with leadership(url) as connection:
        scheduler = schedule(settings, extra)
        scheduler.start()
        try:
            await lost(connection)
        finally:
            scheduler.shutdown(wait=False)


async def main(extra: Sequence[Trigger] = ()) -> None:
    """The scheduler process: until SIGTERM or SIGINT. `extra`: triggers of packages that this one does not know."""
    settings = get_settings()
    async with process.opened(settings) as parts:
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await lead(settings, parts.database_url, stop, extra)
