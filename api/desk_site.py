"""The officers' desk at `/`: the built front end, with a policy that lets it run nothing but itself.

Assets carry a hash in their name and are kept for ever; the page itself never is. Every other path without a file is
the page too: it knows its own addresses. What was compressed by the build is sent as it lies.
"""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

NOT_OURS = ("/api/", "/p/", "/wechat/", "/sms/")
"""What lies below these is somebody else's, also where there is nothing."""
ASSETS = "assets/"
KEPT = "public, max-age=31536000, immutable"
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # Components and charts set their sizes on the element; no style sheet comes in that way.
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
NOT_BUILT = "The desk has not been built. Run `make desk`, or `npm ci && npm run build` in desk/.\n"


class DeskSite(BaseRoute):
    """The last of all routes: it takes every page that nobody else has."""

    def __init__(self, directory: Path) -> None:
        self._root = directory.resolve()

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        mine = (
            scope["type"] == "http"
            and scope["method"] in {"GET", "HEAD"}
            and not f"{scope['path']}/".startswith(NOT_OURS)
        )
        return (Match.FULL if mine else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if not (self._root / "index.html").is_file():
            return PlainTextResponse(NOT_BUILT, 503)
        path = request.scope["path"].lstrip("/")
        file = (self._root / path).resolve() if path else self._root
        if file.is_relative_to(self._root) and file.is_file() and file.name != "index.html":
            return _file(file, request.headers, KEPT if path.startswith(ASSETS) else "public, max-age=3600")
        if path.startswith(ASSETS) or "." in path.rpartition("/")[2]:
            raise HTTPException(404)
        return _file(self._root / "index.html", request.headers, "no-store")


def _file(file: Path, headers: Headers, kept: str) -> Response:
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    accepted = {each.partition(";")[0].strip() for each in headers.get("accept-encoding", "").split(",")}
    answer = {**HEADERS, "Cache-Control": kept, "Vary": "Accept-Encoding"}
    for name, suffix in ENCODINGS:
        packed = file.with_name(file.name + suffix)
        if name in accepted and packed.is_file():
            return FileResponse(packed, media_type=media_type, headers=answer | {"Content-Encoding": name})
    return FileResponse(file, media_type=media_type, headers=answer)
