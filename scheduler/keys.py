"""The job that rewrites what is sealed, page by page, in the worker, which has the files at hand."""

from __future__ import annotations

from uuid import UUID

from kit.jobs import Job, enqueue, handler
from scheduler.process import Parts
from stewardship.foundation.files.store import FileStore
from stewardship.foundation.keys import service as keys
from stewardship.foundation.keys.models import RotationState


def install(parts: Parts) -> None:
    """Register the job with this process's files."""
    files = FileStore(parts.settings.files_directory)

    @handler(keys.JOB)
    async def rotate(job: Job) -> None:
        """One page; the next one is a job of its own, so that a stop of the worker loses nothing."""
        rotation = await keys.rotate_page(UUID(job.payload["rotation_id"]), files)
        if rotation.state is RotationState.RUNNING:
            await enqueue(keys.JOB, dict(job.payload))
