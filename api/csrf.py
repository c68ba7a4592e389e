"""Cross-site request forgery: a cookie alone changes nothing.

The desk's session is an httpOnly, SameSite=Strict cookie. Unsafe methods must also carry the header `X-CSRF-Token`: an
HMAC of the session's token under `session_key`, which the login puts into a second, readable cookie. It is bound to the
session, so a token planted by a sibling domain does not fit. Bearer tokens are not sent by browsers on their own and
need none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from fastapi import Request, Response

from stewardship.foundation.errors import NotAllowed
from stewardship.foundation.people.sessions import OFFICER_SESSION

SESSION_COOKIE = "steward_session"
CSRF_COOKIE = "steward_csrf"
CSRF_HEADER = "X-CSRF-Token"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def csrf_token(key: bytes, session_token: str) -> str:
    """The token that belongs to a session."""
    digest = hmac.new(key, b"csrf\0" + session_token.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_csrf(request: Request, key: bytes, session_token: str) -> None:
    """Raises NotAllowed for an unsafe method without the session's token in both cookie and header."""
    if request.method in SAFE:
        return
    expected = csrf_token(key, session_token).encode()
    for given in (request.headers.get(CSRF_HEADER, ""), request.cookies.get(CSRF_COOKIE, "")):
        if not hmac.compare_digest(given.encode(errors="replace"), expected):
            raise NotAllowed("csrf", "请求来源无法确认", "请刷新页面后再试。")


def set_cookies(response: Response, key: bytes, session_token: str, *, secure: bool) -> str:
    """Put a session into the browser; answers the CSRF token."""
    token, age = csrf_token(key, session_token), int(OFFICER_SESSION.total_seconds())
    response.set_cookie(
        SESSION_COOKIE, session_token, max_age=age, path="/", secure=secure, httponly=True, samesite="strict"
    )
    response.set_cookie(CSRF_COOKIE, token, max_age=age, path="/", secure=secure, httponly=False, samesite="strict")
    return token


def clear_cookies(response: Response) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
    response.delete_cookie(CSRF_COOKIE, path="/", samesite="strict")
