"""HTTP for the mini-program and the desk, under `/api/v1`.

A composition root does three things: `FastAPI(**api.APP_OPTIONS)`, `api.install(app)`, and, once the process has its
database and Valkey, `api.provide(app, services)`. One module per feature holds its routes and their schemas; who may
call which is one table in `api.access`; the decisions are in `docs/decisions/api-access.md`.
"""

from api.app import APP_OPTIONS, create_router, install, provide
from api.services import Services, build_services

__all__ = ["APP_OPTIONS", "Services", "build_services", "create_router", "install", "provide"]
