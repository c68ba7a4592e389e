"""Fetching what people sent us, letting it be scanned, clearing it away: jobs, because they need network or disk.

WeChat keeps temporary media for 3 days, so a fetch is tried until then; what cannot be had is marked lost, and the
party is told to send it again.
"""

from __future__ import annotations

from uuid import UUID

import structlog

from kit.jobs import Job, handler
from scheduler.process import Parts
from stewardship.foundation.errors import Conflict, Invalid
from stewardship.foundation.files import service as files
from stewardship.foundation.files.models import StoredFile
from stewardship.foundation.files.rules import MAX_BYTES
from stewardship.foundation.files.scanning import ClamdScanner, Scanner, TestFileScanner
from stewardship.foundation.files.store import FileStore
from wechat.errors import BadContent, PlatformError
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount

log = structlog.get_logger(__name__)

FETCH_RETRIES = 440
"""Ten minutes apart, three days."""


class NoScanner(RuntimeError):
    """Production has no scanner configured: nothing submitted would ever be seen."""


def install(parts: Parts) -> None:
    """Register the jobs with this process's store, clients and scanner."""
    settings = parts.settings
    store = FileStore(settings.files_directory)
    scanner = _scanner(settings.scanner, production=settings.environment == "production")
    accounts: dict[str, OfficialAccount | MiniProgram | None] = {
        "oa": parts.clients.official_account,
        "mp": parts.clients.mini_program,
    }

    @handler(files.FETCH, transactional=False, retries=FETCH_RETRIES)
    async def fetch_media(job: Job) -> None:
        await fetch(store, accounts, UUID(job.payload["file_id"]))

    @handler(files.SCAN, transactional=False)
    async def scan_file(job: Job) -> None:
        await files.scan(store, UUID(job.payload["file_id"]), scanner)

    @handler(files.SWEEP, transactional=False)
    async def sweep_files(_job: Job) -> None:
        log.info("files_swept", removed=await files.sweep(store))


def _scanner(address: str | None, *, production: bool) -> Scanner:
    if address:
        return ClamdScanner(address)
    if production:
        raise NoScanner("set STEWARD_SCANNER to clamd's address, such as unix:/run/clamav/clamd.ctl")
    return TestFileScanner()


async def fetch(store: FileStore, accounts: dict[str, OfficialAccount | MiniProgram | None], file_id: UUID) -> None:
    """Fetch one announced file. Raises what is worth another try; what is not is marked lost."""
    file = await StoredFile.get(id=file_id)
    try:
        media_id = await files.media_id_of(file)
    except Conflict:
        return
    account = accounts.get(file.origin)
    if account is None:
        await files.lost(file_id, "no_account")
        return
    try:
        async with account.download_media(media_id, limit=MAX_BYTES) as media:
            await files.fetched(store, file_id, media.parts)
    except Invalid as error:
        await files.lost(file_id, error.code)
    except BadContent as error:
        log.info("media_gone", file=str(file_id), errcode=error.errcode)
        await files.lost(file_id, f"platform:{error.errcode}")
    except PlatformError as error:
        log.warning("media_not_fetched", file=str(file_id), errcode=error.errcode)
        raise
