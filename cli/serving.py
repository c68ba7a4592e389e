"""Runs the HTTP server with the options it is made for."""

from __future__ import annotations

from types import FrameType

import uvicorn

from api import hub
from settings import Settings


class _Server(uvicorn.Server):
    """uvicorn waits for open answers before it stops; the live lines of open pages would never end by themselves."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        hub.end_all()
        super().handle_exit(sig, frame)


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        "server:create_app",
        factory=True,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_config=None,  # Ours is set already.
        proxy_headers=False,  # Which proxies are believed is the application's setting.
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    _Server(config).run()
