"""Enrolment: which step may follow which, how long an invitation holds, when it is repeated."""

from __future__ import annotations

from datetime import datetime, timedelta

from stewardship.casework.groups.models import Invitation, MemberState

INVITATION_LIFE = timedelta(days=14)
"""Within the platform's 30 days for a QR (wechat.md section 3), and short enough that a lost receipt goes stale."""
REMIND_AFTER = (timedelta(hours=20), timedelta(days=3))
"""The first within the day in which the enrolment rate is measured (domain.md section 4)."""
WRONG_PHONES = 3

STEPS: dict[MemberState, frozenset[MemberState]] = {
    MemberState.NOT_INVITED: frozenset({MemberState.INVITED, MemberState.REMOVED}),
    MemberState.INVITED: frozenset(
        {
            MemberState.INVITED,
            MemberState.PENDING_APPROVAL,
            MemberState.JOINED,
            MemberState.REMOVED,
            MemberState.NOT_INVITED,
        }
    ),
    MemberState.PENDING_APPROVAL: frozenset({MemberState.JOINED, MemberState.INVITED, MemberState.REMOVED}),
    MemberState.JOINED: frozenset({MemberState.LEFT, MemberState.REMOVED}),
    MemberState.LEFT: frozenset({MemberState.INVITED, MemberState.JOINED, MemberState.REMOVED}),
    MemberState.REMOVED: frozenset({MemberState.INVITED}),
}


def may_become(before: MemberState, after: MemberState) -> bool:
    """Whether a member in the one state may enter the other."""
    return after in STEPS[before]


def why_unusable(invitation: Invitation, at: datetime) -> str | None:
    """`used`, `revoked`, `expired`, or None for one that still lets its member in."""
    if invitation.used_at is not None:
        return "used"
    if invitation.revoked_at is not None:
        return "revoked"
    return "expired" if invitation.expires_at <= at else None
