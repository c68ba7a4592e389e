"""The ASGI application: the platforms' APIs, the control API, pictures and the page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.callbacks.sender import Callbacks
from sandbox.config import SandboxConfig
from sandbox.control.console import accounts_router, assertions_router, templates_router
from sandbox.control.context import Context
from sandbox.control.feeds import deliveries_router, feeds_router, story_router
from sandbox.control.phones import account_router, mini_program_router, phones_router
from sandbox.errors import ControlError, PlatformError
from sandbox.people import People
from sandbox.pictures import qr_png
from sandbox.platforms import basics, menu, mini_program, official_account, service_messages
from sandbox.platforms.gateway import WechatGateway
from sandbox.platforms.sms import SmsGateway
from sandbox.world import Sandbox

STATIC = Path(__file__).parent / "static"
PAGE_HEADERS = {
    "Cache-Control": "no-cache",
    # Frames: the mini-program's pages will be shown inside a phone, from here or from the product.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "frame-src 'self' http://127.0.0.1:* http://localhost:*",
}
ENDPOINTS = [
    *basics.ENDPOINTS,
    *service_messages.ENDPOINTS,
    *official_account.ENDPOINTS,
    *menu.ENDPOINTS,
    *mini_program.ENDPOINTS,
]


def create_app(config: SandboxConfig) -> FastAPI:
    """The whole local platform as one ASGI app. Its lifespan must run: it sends callbacks in the background."""
    sandbox = Sandbox(config)
    callbacks = Callbacks(sandbox)
    sms = SmsGateway(sandbox, callbacks)
    context = Context(sandbox, callbacks, People(sandbox, callbacks), sms)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sms.resume()
        yield
        await sms.forget()
        await callbacks.close()
        sandbox.store.close()

    app = FastAPI(
        title="Case Steward's local WeChat and SMS platform: control API",
        description="See sandbox/README.md for every call by example.",
        openapi_url="/control/openapi.json",
        # The ready-made documentation page loads its parts from elsewhere; README.md and the schema stand in for it.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.add_middleware(JsonByDefault)
    app.add_exception_handler(ControlError, _control_error)
    app.router.routes.extend(WechatGateway(sandbox, callbacks, ENDPOINTS).routes())
    app.router.routes.extend(sms.routes())
    _add_control(app, context)
    _add_page(app, sandbox)
    return app


def _add_control(app: FastAPI, context: Context) -> None:
    app.state.context = context
    for router in (
        phones_router,
        account_router,
        mini_program_router,
        accounts_router,
        templates_router,
        assertions_router,
        feeds_router,
        deliveries_router,
        story_router,
    ):
        app.include_router(router, prefix="/control")

    @app.get("/control/health", tags=["clock, faults, assertions"])
    async def health() -> dict[str, bool]:
        return {"ok": True}


def _add_page(app: FastAPI, sandbox: Sandbox) -> None:
    async def page(_: Request) -> Response:
        return FileResponse(STATIC / "index.html", headers=PAGE_HEADERS)

    async def media(request: Request) -> Response:
        """PicUrl and the page's pictures; phones see media for ever, the product's API for three days."""
        try:
            found, content = sandbox.media_content(None, request.path_params["media_id"])
        except PlatformError:
            return Response(status_code=404)
        # What a person "sent" may be any bytes: the browser must not take it for a page of ours.
        safe = found.content_type if found.content_type.startswith(("image/png", "image/jpeg", "audio/")) else None
        headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"}
        return Response(content, media_type=safe or "application/octet-stream", headers=headers)

    async def qr_picture(request: Request) -> Response:
        code = sandbox.qrcodes.get(request.path_params["code_id"])
        if code is None:
            return Response(status_code=404)
        return Response(qr_png(code.url), media_type="image/png")

    app.router.routes.extend(
        [
            Route("/", page),
            Route("/media/{media_id}", media),
            Route("/qr/{code_id}.png", qr_picture),
        ]
    )
    app.mount("/static", StaticFiles(directory=STATIC))


async def _control_error(_: Request, error: Exception) -> Response:
    if not isinstance(error, ControlError):
        raise error
    return JSONResponse({"code": error.code, "detail": error.detail}, status_code=error.status)


class JsonByDefault:
    """Bodies of the control API are JSON whatever the client says, so that `curl -d` needs no header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/control"):
            others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
            scope = {**scope, "headers": [*others, (b"content-type", b"application/json")]}
        await self._app(scope, receive, send)
