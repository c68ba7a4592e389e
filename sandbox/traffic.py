"""What the product called, for assertions: counters since the start, and a raw log of the newest calls."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

LOG_LENGTH = 5000
BODY_LENGTH = 20_000
_SECRET_FIELDS = ("access_token", "secret", "appsecret")


@dataclass(frozen=True)
class LoggedCall:
    """One call of the product. Tokens and secrets in the query are replaced by `…`."""

    seq: int
    at: str
    account: str
    method: str
    path: str
    query: dict[str, str]
    body: str
    errcode: int | str
    answer: str
    seconds: float


class Traffic:
    def __init__(self) -> None:
        self._log: deque[LoggedCall] = deque(maxlen=LOG_LENGTH)
        self._seq = 0
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.callbacks: Counter[str] = Counter()
        self.sms: Counter[str] = Counter()

    def record(
        self,
        *,
        at: str,
        account: str,
        method: str,
        path: str,
        query: dict[str, str],
        body: bytes,
        errcode: int | str,
        answer: bytes,
        seconds: float,
    ) -> None:
        self._seq += 1
        self.calls[path] += 1
        if errcode not in (0, "Ok"):
            self.errors[f"{path} {errcode}"] += 1
        shown = {key: "…" if key in _SECRET_FIELDS else value for key, value in query.items()}
        text = body[:BODY_LENGTH].decode("utf-8", "replace")
        reply = (
            answer[:BODY_LENGTH].decode("utf-8", "replace") if answer[:1] in (b"{", b"[") else f"{len(answer)} bytes"
        )
        self._log.append(
            LoggedCall(self._seq, at, account, method, path, shown, text, errcode, reply, round(seconds, 4))
        )

    def find(self, path: str = "", after: int = 0) -> list[LoggedCall]:
        return [call for call in self._log if call.seq > after and path in ("", call.path)]

    def counters(self) -> dict[str, Any]:
        return {
            "calls": dict(self.calls),
            "errors": dict(self.errors),
            "callbacks": dict(self.callbacks),
            "sms": dict(self.sms),
        }

    def clear(self) -> None:
        self._log.clear()
        for counter in (self.calls, self.errors, self.callbacks, self.sms):
            counter.clear()
