"""RFC 9457 problem details: the one shape of every error an API caller sees."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong, for a program (`code`) and for a person (`title`, `detail`)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", examples=["about:blank"])
    status: int = Field(examples=[404])
    code: str = Field(description="Stable; programs branch on it.", examples=["case_not_found"])
    title: str = Field(examples=["没有找到这个案件"])
    detail: str | None = Field(default=None, description="What to do next.", examples=["请核对后再试。"])
    fields: list[dict[str, str]] | None = Field(default=None, description="For a malformed payload: field and message.")


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """Render it."""
    body: dict[str, Any] = problem.model_dump(exclude_none=True)
    return Response(orjson.dumps(body), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)
