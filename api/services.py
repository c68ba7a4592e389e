"""What the API is given by the composition root, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from api.hub import Live
from api.limits import Limiter
from kit.valkey import Redis
from settings import Settings
from stewardship.foundation.files.service import FileStore
from stewardship.foundation.people.session_cache import SessionCache
from wechat.mini_program import Login, Picture, VerifiedPhone
from wechat.templates import AccountTemplate


class MiniProgram(Protocol):
    """What is asked of the mini-program's platform (`wechat.mini_program.MiniProgram` does it)."""

    async def login(self, js_code: str) -> Login: ...

    async def phone_number(self, code: str) -> VerifiedPhone: ...

    async def code(self, scene: str, page: str, *, width: int = 430) -> Picture: ...

    async def templates(self) -> list[AccountTemplate]: ...


class HasTemplates(Protocol):
    """An account on a platform that lists its message templates."""

    async def templates(self) -> list[AccountTemplate]: ...


class SingleSignOn(Protocol):
    """The bureau's own login. Its route exists only where one is configured."""

    async def officer_number(self, assertion: str) -> str | None:
        """The number of the officer whom a signed assertion names, or None where it does not hold."""


@dataclass(frozen=True, slots=True)
class Services:
    """One process's parts. `session_key` signs paging cursors and CSRF tokens."""

    settings: Settings
    redis: Redis
    mini_program: MiniProgram
    files: FileStore
    limiter: Limiter
    sessions: SessionCache
    live: Live
    session_key: bytes = field(repr=False)
    single_sign_on: SingleSignOn | None = None
    official_account: HasTemplates | None = None


def build_services(
    settings: Settings,
    redis: Redis,
    mini_program: MiniProgram,
    single_sign_on: SingleSignOn | None = None,
    official_account: HasTemplates | None = None,
) -> Services:
    """Everything from the settings, Valkey and the accounts' clients."""
    return Services(
        settings=settings,
        redis=redis,
        mini_program=mini_program,
        files=FileStore(settings.files_directory),
        limiter=Limiter(redis),
        sessions=SessionCache(redis),
        live=Live(redis),
        session_key=settings.session_key.get_secret_value().encode(),
        single_sign_on=single_sign_on,
        official_account=official_account,
    )
