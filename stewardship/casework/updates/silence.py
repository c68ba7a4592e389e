"""The silence clock: parties who hear nothing by the promised date concern the steward, then the instructor."""

from __future__ import annotations

from datetime import datetime

from kit import clock
from kit.database import in_transaction
from stewardship.casework.cases import service as cases
from stewardship.casework.cases.models import Case
from stewardship.casework.updates import notices
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.audit import service as audit
from stewardship.foundation.duty_time import EscalationLevel
from stewardship.foundation.org import rosters


async def remind_due() -> int:
    """Tell whoever has to break a silence that is due; answers how many cases were silent."""
    at = clock.now()
    count = 0
    for case in await cases.silent_cases(at):
        count += await _remind(case, at)
    return count


async def _remind(case: Case, at: datetime) -> bool:
    async with in_transaction():
        level = await cases.mark_silent(case.id, at)
        if level is None:
            return False
        from_level = EscalationLevel.STEWARD if level == 1 else EscalationLevel.INSTRUCTOR
        receiver = await rosters.receiver(case.unit_id, case.steward_id, case.deputy_id, at, from_level=from_level)
        await notices.notify_silent(case, receiver.candidate.id, at)
        await audit.record(
            "case.silent",
            SYSTEM,
            ("case", case.id),
            case_id=case.id,
            unit_id=case.unit_id,
            level=level,
            to=receiver.candidate.id,
        )
    return True
