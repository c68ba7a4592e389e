"""A new officer's first login: a one-time code, given from hand to hand, stands for a password they set themselves.

The code holds for 24 hours and five tries, and only for who has no second factor yet. All of it is reckoned in real
time; every refusal is the same, as at the login.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from kit import clock
from kit.database import atomic
from kit.ids import token_hash
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict
from stewardship.foundation.org import administration
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import OfficerEnrolment, Session
from stewardship.foundation.people.officer_login import PARALLEL_HASHES, LoginFailed, check_password

LIFE = timedelta(hours=24)
TRIES = 5
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Without those that are mistaken for one another when a code is read out."""
LENGTH = 10


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """Shown once, to who hands it over."""

    code: str
    expires_at: datetime


@atomic()
async def issue(actor: Actor, officer_id: UUID) -> IssuedCode:
    """A code for an officer of one's units; codes from before stop counting.

    Raises NotFound, NotAllowed for oneself, Conflict for who has a second factor or has left.
    """
    officer = await administration.officer_in(actor, officer_id, Role.SECURITY_ADMINISTRATOR)
    administration.check_other(actor, officer.id)
    if not officer.active:
        raise Conflict("officer_inactive", "此人已停用", "请先由系统管理员启用。")
    if officer.totp_confirmed:
        raise Conflict("totp_confirmed", "动态码已经启用", "如已丢失，请先重置动态码，再发放登记码。")
    at = clock.real_now()
    await OfficerEnrolment.filter(officer_id=officer.id, used_at=None).update(expires_at=at)
    code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
    await OfficerEnrolment.create(
        officer_id=officer.id, code_hash=token_hash(code), issued_by_id=actor.id, issued_at=at, expires_at=at + LIFE
    )
    await audit.record("enrolment.issued", actor, ("officer", officer.id), unit_id=officer.unit_id)
    return IssuedCode(code, at + LIFE)


async def redeem(number: str, code: str, password: str, *, device: str, address: str) -> UUID:
    """The officer sets their password; answers who it is, who must set up their second factor next.

    Raises Invalid for a password that is too easy, LoginFailed for everything else.
    """
    check_password(password)
    async with PARALLEL_HASHES:
        hashed = await asyncio.to_thread(org.hasher.hash, password)
    officer_id = await _redeem(number, code.strip().upper(), hashed, device, address)
    if officer_id is None:
        raise LoginFailed
    return officer_id


@atomic()
async def _redeem(number: str, code: str, hashed: str, device: str, address: str) -> UUID | None:
    """None where it does not hold; answered and not raised, so that the try is counted."""
    officer = await Officer.select_for_update().get_or_none(number=number, active=True, totp_confirmed=False)
    if officer is None:
        return None
    actor = Actor(ActorKind.OFFICER, officer.id, device=device, address=address)
    found = await OfficerEnrolment.filter(officer_id=officer.id).order_by("-issued_at", "-id").first()
    at = clock.real_now()
    if found is None or found.used_at is not None or found.expires_at <= at or found.failures >= TRIES:
        return None
    if not secrets.compare_digest(bytes(found.code_hash), token_hash(code)):
        found.failures += 1
        await found.save(update_fields=["failures"])
        await audit.record("login.failed", actor, ("officer", officer.id), unit_id=officer.unit_id)
        return None
    found.used_at = at
    await found.save(update_fields=["used_at"])
    officer.password_hash, officer.failed_logins, officer.locked_until = hashed, 0, None
    await officer.save(update_fields=["password_hash", "failed_logins", "locked_until"])
    await sessions.revoke_sessions(actor, reason="enrolled_anew", officer_id=officer.id)
    await audit.record("enrolment.redeemed", actor, ("officer", officer.id), unit_id=officer.unit_id)
    return UUID(str(officer.id))


@dataclass(frozen=True, slots=True)
class Unenrolled:
    """An officer without a second factor, and until when a code of theirs holds."""

    officer: Officer
    code_until: datetime | None


async def without_second_factor(actor: Actor, limit: int = 500) -> list[Unenrolled]:
    """The active officers of one's units who have none, by number."""
    units = list(actor.units(Role.SECURITY_ADMINISTRATOR))
    officers = (
        await Officer.filter(unit_id__in=units, active=True, totp_confirmed=False).order_by("number").limit(limit)
    )
    codes = await OfficerEnrolment.filter(
        officer_id__in=[each.id for each in officers],
        used_at=None,
        expires_at__gt=clock.real_now(),
        failures__lt=TRIES,
    )
    until = {code.officer_id: code.expires_at for code in codes}
    return [Unenrolled(officer, until.get(officer.id)) for officer in officers]


async def sessions_of(actor: Actor, officer_id: UUID) -> list[Session]:
    """The logins of an officer of one's units that hold, newest first. Raises NotFound."""
    officer = await administration.officer_in(actor, officer_id, Role.SECURITY_ADMINISTRATOR)
    return await Session.filter(officer_id=officer.id, revoked_at=None, expires_at__gt=clock.real_now()).order_by(
        "-created_at"
    )
