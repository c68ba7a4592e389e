"""`steward openapi`: the API's document, from which the front ends generate their types."""

from __future__ import annotations

import json

from fastapi import FastAPI

import api.app


def document() -> str:
    """The OpenAPI document as JSON, the same text for the same routes."""
    app = FastAPI(**api.app.APP_OPTIONS)
    api.app.install(app)
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True)
