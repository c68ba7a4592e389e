"""Putting the API together."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from api import access
from api.deps import gate
from api.errors import Frame, install_errors
from api.routers import ROUTERS
from api.services import Services
from api.sessions import sso_router
from kit.problems import MEDIA_TYPE, Problem

PREFIX = "/api/v1"
APP_OPTIONS: dict[str, Any] = {
    "title": "案管家 Case Steward",
    "version": "1",
    "openapi_url": "/api/openapi.json",
    "docs_url": None,
    "redoc_url": None,
}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, text in {
        400: "The values make no sense together.",
        401: "Not logged in.",
        403: "Logged in, but not allowed.",
        404: "Not there, or not yours: the two look the same.",
        409: "The state does not allow it now.",
        410: "It was used up or has expired.",
        413: "Too large.",
        422: "Malformed; `fields` says where.",
        429: "Too often; see Retry-After.",
        503: "Something outside does not answer.",
    }.items()
}


def create_router(*, with_single_sign_on: bool = False) -> APIRouter:
    """Every route, behind the gate. Raises LookupError where one is missing in the access table."""
    router = APIRouter(prefix=PREFIX, dependencies=[Depends(gate)], responses=PROBLEMS)
    for part in [*ROUTERS, *([sso_router] if with_single_sign_on else [])]:
        access.check_listed(part)
        router.include_router(part)
    return router


def install(app: FastAPI, *, with_single_sign_on: bool = False) -> None:
    """Routes, error handlers, the frame around them, and the document. Then call `provide`."""
    app.include_router(create_router(with_single_sign_on=with_single_sign_on))
    install_errors(app)
    app.add_middleware(Frame)
    _describe_problem(app)


def provide(app: FastAPI, services: Services) -> None:
    """Hand over what the routes need, once it is there."""
    app.state.services = services


def _describe_problem(app: FastAPI) -> None:
    """Put the problem's schema into the document, which FastAPI does only for a route's own models."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        problem["properties"]["fields"]["examples"] = [[{"field": "body.text", "message": "太长"}]]
        schemas.setdefault("Problem", problem)
        return document

    # FastAPI documents this way of extending the schema.
    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI documents it.
