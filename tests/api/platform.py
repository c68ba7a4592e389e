"""The mini-program's platform as these tests need it: codes that stand for people and hold once, as WeChat's do."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from wechat.errors import BadCode, NotSent
from wechat.mini_program import Login, Picture, VerifiedPhone
from wechat.templates import AccountTemplate


@dataclass
class Platform:
    """Hands out codes and takes each once; `away` makes it unreachable."""

    away: bool = False
    registered: list[AccountTemplate] = field(default_factory=list)
    """The message templates of the account."""
    _logins: dict[str, str] = field(default_factory=dict)
    _phones: dict[str, str] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def login_code(self, openid: str) -> str:
        """What `wx.login` gives this user."""
        code = f"login-{next(self._numbers)}"
        self._logins[code] = openid
        return code

    def phone_code(self, phone: str) -> str:
        """What the phone-number button gives a user with this number."""
        code = f"phone-{next(self._numbers)}"
        self._phones[code] = phone
        return code

    async def login(self, js_code: str) -> Login:
        self._answers()
        if js_code not in self._logins:
            raise BadCode(40029, "invalid code")
        return Login(self._logins.pop(js_code), "", "session-key")

    async def phone_number(self, code: str) -> VerifiedPhone:
        self._answers()
        if code not in self._phones:
            raise BadCode(40029, "invalid code")
        return VerifiedPhone(f"+86{self._phones.pop(code)}", None)

    async def code(self, scene: str, page: str, *, width: int = 430) -> Picture:
        self._answers()
        return Picture("image/png", f"{scene} {page} {width}".encode())

    async def templates(self) -> list[AccountTemplate]:
        self._answers()
        return list(self.registered)

    def _answers(self) -> None:
        if self.away:
            raise NotSent("unreachable")
