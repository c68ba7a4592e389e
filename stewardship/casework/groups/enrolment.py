"""Enrolment by time: reminding who was invited and has not come, voiding what ran out."""

from __future__ import annotations

import structlog

from kit import clock
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.rules import reminder_due
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.errors import BusinessError

log = structlog.get_logger(__name__)


async def remind_due() -> int:
    """Send the reminders that are due; answers how many went. One that fails keeps no other from theirs."""
    count = 0
    for member in await groups.to_remind():
        if member.invited_at is None or not reminder_due(member.invited_at, member.reminders, clock.now()):
            continue
        try:
            count += await groups.remind(SYSTEM, member.id)
        except BusinessError as error:
            log.warning("reminder_refused", member=str(member.id), code=error.code)
    return count


async def expire_due() -> int:
    """Void the invitations that ran out; answers how many."""
    return await groups.expire_invitations()
