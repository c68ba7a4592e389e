"""Replies in the mini-program's chat: its callbacks take no passive reply, so a customer-service message carries it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog

from kit import database
from kit.crypto import vault
from kit.jobs import Job, handler
from scheduler.process import Parts
from stewardship.conversations.said import CHAT_REPLY, REPLY_SEAL
from stewardship.foundation.people.models import WechatIdentity
from wechat.errors import Ambiguous, PlatformError

log = structlog.get_logger(__name__)


def install(parts: Parts) -> None:
    """Register the job with this process's mini-program."""

    @handler(CHAT_REPLY, transactional=False)
    async def chat_reply(job: Job) -> None:
        """Raises what is worth another try; what may have gone, or is refused, is not said twice."""
        identity = await WechatIdentity.get(id=UUID(job.payload["identity_id"]))
        sealed = await database.fetchval(
            "select reply from inbox where id = $1 and received_at = $2",
            UUID(job.payload["inbox_id"]),
            datetime.fromisoformat(job.payload["at"]),
        )
        if sealed is None:
            return
        try:
            await parts.clients.mini_program.send_text(identity.openid, vault().ring.open_text(sealed, REPLY_SEAL))
        except Ambiguous:
            log.warning("chat_reply_unknown", identity=str(identity.id))
        except PlatformError as error:
            if error.errcode == -1:
                raise
            log.warning("chat_reply_refused", identity=str(identity.id), errcode=error.errcode)
