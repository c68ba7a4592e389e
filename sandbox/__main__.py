"""`python -m sandbox`: serves the local platform. Options override the `SANDBOX_*` variables."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import uvicorn

from sandbox.app import create_app
from sandbox.config import SandboxConfig, config_from_environment


def parsed(arguments: list[str] | None = None) -> SandboxConfig:
    """The configuration from environment and command line."""
    config = config_from_environment()
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default=config.host)
    parser.add_argument("--port", type=int, default=config.port)
    parser.add_argument("--state", type=Path, default=config.state, help="directory; without it memory only")
    parser.add_argument("--product", default=config.product, help="where callbacks go")
    given = parser.parse_args(arguments)
    return dataclasses.replace(
        config, host=given.host, port=given.port, state=given.state, product=given.product.rstrip("/")
    )


def serve(config: SandboxConfig) -> None:
    """Runs until SIGTERM or SIGINT. Open pages and long polls are cut off after one second."""
    uvicorn.run(
        create_app(config),
        host=config.host,
        port=config.port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    serve(parsed())
