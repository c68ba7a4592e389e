"""Enrolment by time: reminding who was invited and has not come, voiding what ran out, ending what was for a time."""

from __future__ import annotations

import structlog

from stewardship.casework.cases.models import Case
from stewardship.casework.groups import service as groups
from stewardship.casework.groups.models import Member
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.errors import BusinessError

log = structlog.get_logger(__name__)

MANDATE_ENDED = "代理期限已到"


async def remind_due() -> int:
    """Send the reminders that are due; answers how many went. One that fails keeps no other from theirs."""
    count = 0
    for member in await groups.to_remind():
        try:
            count += await groups.remind(SYSTEM, member.id)
        except BusinessError as error:
            log.warning("reminder_refused", member=str(member.id), code=error.code)
    return count


async def expire_due() -> int:
    """Void the invitations that ran out; answers how many."""
    return await groups.expire_invitations()


async def end_mandates() -> int:
    """Take out who acted for a party by a mandate that has ended; answers how many."""
    ended = await groups.mandates_over()
    for member_id in ended:
        case = await Case.get(id=(await Member.get(id=member_id)).case_id)
        await groups.remove(SYSTEM, case, member_id, MANDATE_ENDED)
    return len(ended)
