"""What follows from an event: one list of subscribers, each a job that is queued in the event's own transaction.

Subscribers run once for an event as far as the database goes, and are idempotent all the same.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kit.jobs import Job, handler
from stewardship.casework.cases.models import Case
from stewardship.casework.updates import service as updates
from stewardship.dialogue.inquiries import promises
from stewardship.dialogue.inquiries import service as inquiries
from stewardship.exchange import imports
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.clocks import service as clocks
from stewardship.handover import course as handovers
from stewardship.opinion.ratings import asking as ratings
from stewardship.opinion.ratings.rules import Milestone
from stewardship.opinion.visits import service as visits
from stewardship.opinion.visits import upkeep

__all__ = ["SUBSCRIBERS", "imports", "promises", "register"]
"""`imports` and `promises` bring their own jobs, which are registered when they are imported."""


@handler("react.case_closed")
async def case_closed(job: Job) -> None:
    """A case was closed: its parties are asked how it went."""
    await ratings.plan(UUID(job.payload["case_id"]), Milestone.CASE_CLOSED, int(job.payload["details"]["episode"]))


@handler("react.case_handed_over")
async def case_handed_over(job: Job) -> None:
    """A case has another steward or unit: what waits goes with it, and its clocks are bound anew."""
    await inquiries.follow_case(SYSTEM, UUID(job.payload["case_id"]))
    await upkeep.follow_case(SYSTEM, UUID(job.payload["case_id"]))


@handler("react.calendar_changed")
async def calendar_changed(job: Job) -> None:
    """A duty calendar has a new version: open clocks are reckoned again, closed ones stay as they were."""
    await clocks.calendar_changed(str(job.payload["details"]["code"]))


@handler("react.update_held")
async def update_held(job: Job) -> None:
    """An update waits until the protected person has been told: somebody calls the safe number first."""
    if job.payload["details"].get("held"):
        await visits.open_safe_notices(UUID(job.payload["case_id"]))


@handler("react.visit_done")
async def visit_done(job: Job) -> None:
    """Every protected person has been told safely: what waited for it reaches the others."""
    details = job.payload["details"]
    if details.get("releases"):
        await updates.release(SYSTEM, UUID(job.payload["case_id"]), datetime.fromisoformat(details["told_at"]))


@handler("react.case_kind_set")
async def case_kind_set(job: Job) -> None:
    """What a case is was found out after it was closed: whoever could not be asked before may be asked now."""
    case = await Case.get(id=UUID(job.payload["case_id"]))
    if case.closed_at is not None:
        await ratings.plan(case.id, Milestone.CASE_CLOSED, case.episode)


@handler("react.file_not_kept")
async def file_not_kept(job: Job) -> None:
    """A file could not be fetched, or its scan did not pass: whoever sent it is asked to send it again."""
    why = NOT_KEPT[job.payload["kind"]]
    await inquiries.tell_not_kept(UUID(job.payload["subject_id"]), why)


NOT_KEPT = {"file.lost": "文件打不开", "file.rejected": "没有通过安全检查"}


@handler("react.officer_deactivated")
async def officer_deactivated(job: Job) -> None:
    """Somebody left the force: what they had, and what they were asked to take, is their instructor's."""
    await handovers.officer_left(UUID(job.payload["subject_id"]))


SUBSCRIBERS = {
    "case.closed": "react.case_closed",
    "case.handed_over": "react.case_handed_over",
    "calendar.changed": "react.calendar_changed",
    "update.posted": "react.update_held",
    "visit.done": "react.visit_done",
    "case.kind_set": "react.case_kind_set",
    **dict.fromkeys(NOT_KEPT, "react.file_not_kept"),
    "officer.deactivated": "react.officer_deactivated",
}


def register() -> None:
    """Subscribe all of them; every composition root that records events calls it once."""
    for kind, job in SUBSCRIBERS.items():
        audit.subscribe(kind, job)
