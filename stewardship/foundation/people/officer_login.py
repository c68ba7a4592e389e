"""An officer logs in: number, password, and a code of their authenticator (TOTP, RFC 6238).

Every refusal is the same to the caller and costs the same time, whether the officer is unknown, inactive, locked, or
mistyped. Five failures lock the login for 15 minutes. A code counts once (RFC 6238 section 5.2). All of it is reckoned
in real time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

import pyotp
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.utils import strings_equal

from kit import clock
from kit.crypto import vault
from kit.database import atomic
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound, NotLoggedIn
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import TOTP, Officer
from stewardship.foundation.people import sessions
from stewardship.foundation.people.models import SessionKind, Trust, WechatIdentity

FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
STEP_SECONDS = 30
DRIFT_STEPS = (0, -1, 1)
"""A phone's clock may be half a minute off."""
PARALLEL_HASHES = asyncio.Semaphore(2)
"""Argon2 takes 64 MiB and a core each; more at once would let a flood of logins stop everybody else's work."""
_DUMMY_HASH = org.hasher.hash("nobody's password")


class LoginFailed(NotLoggedIn):
    """One of number, password, code or lock does not hold; which is not said."""

    def __init__(self) -> None:
        super().__init__("login_failed", "登录没有成功", "请核对警号、密码和动态码；连续输错 5 次会锁定 15 分钟。")


class Step(StrEnum):
    """What a right password led to."""

    OPEN = "open"
    ENROL = "enrol"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Login:
    """The outcome: a session's token, or the officer who must set up their second factor first."""

    step: Step
    officer_id: UUID | None = None
    token: str = ""


async def log_in(number: str, password: str, code: str | None, *, device: str, address: str) -> Login:
    """Log in. Raises LoginFailed. With a right password and no second factor yet, answers `enrol`."""
    officer = await Officer.get_or_none(number=number)
    right = await _verify(officer.password_hash if officer else None, password)
    if officer is None:
        raise LoginFailed
    login = await _conclude(officer.id, officer.password_hash, right, code, device, address)
    if login.step is Step.REFUSED:
        raise LoginFailed
    return login


async def _verify(stored: str | None, password: str) -> bool:
    """Argon2 in a thread, against a stand-in where there is no hash, so that the time tells nothing."""
    async with PARALLEL_HASHES:
        try:
            await asyncio.to_thread(org.hasher.verify, stored or _DUMMY_HASH, password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


@atomic()
async def _conclude(
    officer_id: UUID, hash_checked: str | None, right: bool, code: str | None, device: str, address: str
) -> Login:
    """Count, lock, open: under the officer's row lock. Refusals are answered, not raised, so that they are kept."""
    officer = await Officer.select_for_update().get(id=officer_id)
    actor = Actor(ActorKind.OFFICER, officer.id, device=device, address=address)
    at = clock.real_now()
    if not officer.active or (officer.locked_until is not None and officer.locked_until > at):
        await audit.record("login.refused", actor, ("officer", officer.id), unit_id=officer.unit_id)
        return Login(Step.REFUSED)
    if not right or officer.password_hash != hash_checked:
        return await _failed(actor, officer)
    if code is None and not officer.totp_confirmed:
        return Login(Step.ENROL, officer.id)
    step = _matching_step(officer, code or "")
    if step is None:
        return await _failed(actor, officer)
    return await _opened(officer, step, device, address)


async def _failed(actor: Actor, officer: Officer) -> Login:
    officer.failed_logins += 1
    if officer.failed_logins >= FAILURES:
        officer.failed_logins, officer.locked_until = 0, clock.real_now() + LOCKED_FOR
    await officer.save(update_fields=["failed_logins", "locked_until"])
    await audit.record("login.failed", actor, ("officer", officer.id), unit_id=officer.unit_id)
    return Login(Step.REFUSED)


async def _opened(officer: Officer, step: int, device: str, address: str) -> Login:
    officer.failed_logins, officer.locked_until = 0, None
    officer.totp_last_step, officer.totp_confirmed = step, True
    await officer.save(update_fields=["failed_logins", "locked_until", "totp_last_step", "totp_confirmed"])
    token = await sessions.open_session(SessionKind.OFFICER, officer_id=officer.id, device=device, address=address)
    return Login(Step.OPEN, officer.id, token)


def _matching_step(officer: Officer, code: str) -> int | None:
    """The 30-second step whose code this is, unless that step or a later one was used before."""
    if officer.totp_secret is None:
        return None
    totp = pyotp.TOTP(vault().ring.open_text(officer.totp_secret, TOTP))
    current = int(clock.real_now().timestamp()) // STEP_SECONDS
    matching = [current + d for d in DRIFT_STEPS if strings_equal(totp.generate_otp(current + d), code)]
    return next((step for step in matching if step > officer.totp_last_step), None)


@atomic()
async def start_totp(officer_id: UUID) -> tuple[str, str]:
    """A new second factor for who has none: its secret and its `otpauth://` address, shown once.

    Raises Conflict where there is a confirmed one: only an administrator resets it.
    """
    officer = await Officer.select_for_update().get(id=officer_id)
    if officer.totp_confirmed:
        raise Conflict("totp_confirmed", "动态码已经启用", "如需更换，请联系安全管理员。")
    secret = await org.enrol_totp(officer.id)
    return secret, pyotp.TOTP(secret).provisioning_uri(name=officer.number, issuer_name="案管家")


async def confirm_totp(officer_id: UUID, code: str, *, device: str, address: str) -> str:
    """The first right code confirms the second factor and opens a session: answers its token. Raises LoginFailed."""
    login = await _confirm(officer_id, code, device, address)
    if login.step is not Step.OPEN:
        raise LoginFailed
    return login.token


@atomic()
async def _confirm(officer_id: UUID, code: str, device: str, address: str) -> Login:
    officer = await Officer.select_for_update().get(id=officer_id)
    actor = Actor(ActorKind.OFFICER, officer.id, device=device, address=address)
    locked = officer.locked_until is not None and officer.locked_until > clock.real_now()
    if locked or not officer.active or officer.totp_confirmed:
        return Login(Step.REFUSED)
    step = _matching_step(officer, code)
    if step is None:
        return await _failed(actor, officer)
    await audit.record("totp.confirmed", actor, ("officer", officer.id), unit_id=officer.unit_id)
    return await _opened(officer, step, device, address)


@atomic()
async def reset_totp(actor: Actor, officer_id: UUID) -> None:
    """An administrator takes a lost second factor away; every session ends, and the next login sets up a new one."""
    changed = await Officer.filter(id=officer_id).update(totp_secret=None, totp_confirmed=False, totp_last_step=0)
    if not changed:
        raise NotFound("officer_not_found", "没有找到这位民警")
    await sessions.revoke_sessions(actor, reason="totp_reset", officer_id=officer_id)
    await audit.record("totp.reset", actor, ("officer", officer_id))


@atomic()
async def open_by_number(number: str, *, device: str, address: str) -> str:
    """A session for an officer whom the bureau's own login has vouched for: its token. Raises LoginFailed."""
    officer = await Officer.get_or_none(number=number, active=True)
    if officer is None:
        raise LoginFailed
    return await sessions.open_session(SessionKind.OFFICER, officer_id=officer.id, device=device, address=address)


@atomic()
async def open_by_wechat(identity: WechatIdentity, *, device: str, address: str) -> str:
    """A session for the officer whom this WeChat user was bound to: its token. Raises NotLoggedIn."""
    bound = identity.officer_id is not None and identity.trust not in {Trust.STOLEN, Trust.RECYCLED}
    officer = await Officer.get_or_none(id=identity.officer_id, active=True) if bound else None
    if officer is None:
        raise NotLoggedIn("wechat_not_bound", "这个微信没有绑定警号", "请先在电脑上登录，在“我的”里取得绑定码。")
    return await sessions.open_session(
        SessionKind.OFFICER, identity_id=identity.id, officer_id=officer.id, device=device, address=address
    )


def check_password(password: str) -> None:
    """Raises Invalid for a password that is too easy: at least 10 characters of three kinds."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    if len(password) < 10 or sum(any(kind(c) for c in password) for kind in kinds) < 3:
        raise Invalid("password_weak", "密码太简单", "至少 10 位，并含大写、小写、数字、符号中的三种。")


async def change_password(actor: Actor, officer_id: UUID, old: str, new: str) -> None:
    """Set a new password; every session ends, this one too. Raises LoginFailed where the old one is wrong."""
    check_password(new)
    officer = await Officer.get(id=officer_id)
    if not await _verify(officer.password_hash, old):
        raise LoginFailed
    async with PARALLEL_HASHES:
        hashed = await asyncio.to_thread(org.hasher.hash, new)
    await _store_password(actor, officer_id, hashed)


@atomic()
async def _store_password(actor: Actor, officer_id: UUID, hashed: str) -> None:
    await Officer.filter(id=officer_id).update(password_hash=hashed)
    await sessions.revoke_sessions(actor, reason="password_changed", officer_id=officer_id)
    await audit.record("password.changed", actor, ("officer", officer_id))
