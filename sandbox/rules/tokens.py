"""Access tokens and one-time codes, on real time.

Source: getStableAccessToken, getAccessToken, code2Session, getPhoneNumber. A token lives 7200 s; when a new one is
issued the old one still holds for 5 minutes. `stable_token` returns the current token until 5 minutes before its end;
force_refresh at most 20 times a day and 30 s apart. The two interfaces' tokens are independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox import ids
from sandbox.clock import Clock, day
from sandbox.errors import PlatformError
from sandbox.model import AccountKey
from sandbox.store import Store

LIFETIME = 7200.0
OVERLAP = 300.0
FORCED_PER_DAY = 20
FORCED_APART = 30.0
CODE_LIFETIME = 300.0


@dataclass
class Token:
    """`until` in real seconds since 1970; `source`: `stable` or `plain`."""

    value: str
    account: AccountKey
    source: str
    until: float
    current: bool = True


class Tokens:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._tokens = {document["value"]: Token(**document) for document in store.load("token")}
        self._forced: dict[AccountKey, tuple[str, int, float]] = {}

    def stable(self, account: AccountKey, *, force: bool) -> tuple[str, int]:
        """The token and the seconds it has left. Raises PlatformError 45009 or 45011 where forced too often."""
        now = self._clock.real()
        if force:
            self._count_forced(account, now)
        current = self._current(account, "stable")
        if force or current is None or current.until - now <= OVERLAP:
            current = self._issue(account, "stable", now)
        return current.value, int(current.until - now)

    def plain(self, account: AccountKey) -> tuple[str, int]:
        """`/cgi-bin/token`: a new token at each call."""
        now = self._clock.real()
        return self._issue(account, "plain", now).value, int(LIFETIME)

    def account(self, value: str) -> AccountKey:
        """Whose token it is. Raises PlatformError 41001, 42001 or 40001."""
        if not value:
            raise PlatformError(41001)
        token = self._tokens.get(value)
        if token is None:
            raise PlatformError(40001)
        if token.until <= self._clock.real():
            raise PlatformError(42001)
        return token.account

    def expire(self, account: AccountKey) -> None:
        """Every token of the account has run out (for tests)."""
        for token in self._tokens.values():
            if token.account == account:
                token.until = 0.0
                token.current = False
                self._store.put("token", token.value, token)

    def alive(self) -> dict[str, int]:
        now = self._clock.real()
        counts = {"oa": 0, "mp": 0}
        for token in self._tokens.values():
            counts[token.account] += token.until > now
        return counts

    def _current(self, account: AccountKey, source: str) -> Token | None:
        mine = (token for token in self._tokens.values() if (token.account, token.source) == (account, source))
        return next((token for token in mine if token.current), None)

    def _issue(self, account: AccountKey, source: str, now: float) -> Token:
        if old := self._current(account, source):
            old.current = False
            old.until = min(old.until, now + OVERLAP)
            self._store.put("token", old.value, old)
        self._forget_expired(now)
        token = Token(ids.access_token(), account, source, now + LIFETIME)
        self._tokens[token.value] = token
        self._store.put("token", token.value, token)
        return token

    def _forget_expired(self, now: float) -> None:
        """A day later nobody asks for a token any more; until then it is told apart as expired (42001)."""
        for token in [token for token in self._tokens.values() if 0 < token.until < now - 86_400]:
            del self._tokens[token.value]
            self._store.remove("token", token.value)

    def _count_forced(self, account: AccountKey, now: float) -> None:
        today = day(now)
        counted_day, count, last = self._forced.get(account, (today, 0, 0.0))
        count = count if counted_day == today else 0
        if now - last < FORCED_APART:
            raise PlatformError(45011)
        if count >= FORCED_PER_DAY:
            raise PlatformError(45009)
        self._forced[account] = (today, count + 1, now)


@dataclass
class Code:
    """A code that may be changed for something once."""

    phone: str
    purpose: str
    until: float
    used: bool = False


class Codes:
    """js_codes, phone codes and OAuth codes. Not kept over a restart: five minutes are short."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._codes: dict[str, Code] = {}

    def issue(self, phone: str, purpose: str) -> str:
        now = self._clock.real()
        self._codes = {key: code for key, code in self._codes.items() if code.until > now - 3600}
        value = ids.code()
        self._codes[value] = Code(phone, purpose, now + CODE_LIFETIME)
        return value

    def expire(self) -> None:
        """All codes given out so far are too old (for tests: codes follow real time)."""
        for code in self._codes.values():
            code.until = 0.0

    def redeem(self, value: str, purpose: str, *, used: int = 40163) -> str:
        """The phone that the code was issued to. Raises PlatformError 40029 (bad or old) or `used`."""
        code = self._codes.get(value)
        if code is None or code.purpose != purpose:
            raise PlatformError(40029)
        if code.used:
            raise PlatformError(used)
        if code.until <= self._clock.real():
            raise PlatformError(40029)
        code.used = True
        return code.phone
