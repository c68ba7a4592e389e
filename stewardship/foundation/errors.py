"""The tree of business errors. Each has a stable code, an HTTP status, and tells a person what to do next.

BusinessError
├── NotFound        404  not there, or outside the caller's scope: the two look the same
├── NotAllowed      403  known, but this role may not do this
├── NotLoggedIn     401  no session, or one that ended
├── Conflict        409  the state does not allow it now; read again and decide
├── Invalid         400  the values make no sense together (a malformed payload is 422, before it gets here)
├── Gone            410  it existed and was used up or expired
└── TooOften        429  with `retry_after` seconds
"""

from __future__ import annotations

from typing import ClassVar


class BusinessError(Exception):
    """A rule of the domain says no. `title` and `detail` are in the user's words."""

    status: ClassVar[int] = 400

    def __init__(self, code: str, title: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.title = title
        self.detail = detail


class NotFound(BusinessError):
    """Not there, or outside the caller's scope."""

    status = 404

    def __init__(self, code: str = "not_found", title: str = "没有找到", detail: str = "请核对后再试。") -> None:
        super().__init__(code, title, detail)


class NotAllowed(BusinessError):
    """This role may not do this."""

    status = 403


class NotLoggedIn(BusinessError):
    """No session, or one that ended."""

    status = 401

    def __init__(
        self, code: str = "not_logged_in", title: str = "请先登录", detail: str = "登录已失效，请重新登录。"
    ) -> None:
        super().__init__(code, title, detail)


class Conflict(BusinessError):
    """The state does not allow it now."""

    status = 409


class Invalid(BusinessError):
    """The values make no sense together."""

    status = 400


class Gone(BusinessError):
    """It existed and was used up or expired."""

    status = 410


class TooOften(BusinessError):
    """Rate limited; `retry_after` is in seconds."""

    status = 429

    def __init__(self, code: str, title: str, detail: str, retry_after: int) -> None:
        super().__init__(code, title, detail)
        self.retry_after = retry_after
