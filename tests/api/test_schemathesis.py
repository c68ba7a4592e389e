"""Schemathesis over the OpenAPI document: whatever is sent, the answer is one that the document promises.

Its cases are generated first and then sent within the test's own transaction, each taken back afterwards, by callers
who may call the route and by strangers; half of them with real ids in the path, so that they reach the services.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import api
from api.access import TABLE
from api.access_rules import NONE
from tests.api.callers import ANONYMOUS, BEYOND, OFFICERS, call, request_for, token_of
from tests.api.machines import Signer
from tests.api.requests import Request
from tests.api.world import World

EXAMPLES = {GenerationMode.POSITIVE: 7, GenerationMode.NEGATIVE: 6}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Operation = APIOperation[Any, Any, Any, Any]
PREFIX = "/api/v1"
WORKERS = 4
"""The operations are shared out, so that several processes test them side by side."""


def document() -> Any:
    app = FastAPI(**api.APP_OPTIONS)
    api.install(app)
    return schemathesis.openapi.from_dict(app.openapi())


def operations(part: int) -> Iterator[Operation]:
    for number, found in enumerate(document().get_all_operations()):
        if number % WORKERS == part:
            yield found.ok()


def generated(operation: Operation) -> list[Any]:
    """What Schemathesis makes of an operation's schema: payloads that fit, and payloads that do not."""
    cases: list[Any] = []
    for mode, count in EXAMPLES.items():

        @hypothesis_settings(
            max_examples=count,
            database=None,
            derandomize=True,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def collect(case: Any) -> None:
            cases.append(case)

        try:
            collect()
        except Exception as error:
            if "Unsatisfiable" not in type(error).__name__:
                raise
    return cases


def senders(route: tuple[str, str]) -> list[str]:
    """Those of the callers who may call it, and a stranger."""
    rule = TABLE[route]
    admitted = [
        name for name in OFFICERS if name not in BEYOND and (rule.public or rule.of(OFFICERS[name]) is not NONE)
    ]
    if rule.public or rule.citizen is not NONE:
        admitted += ["victim", "unbound"]
    if rule.machine is not NONE:
        admitted.append("machine")
    return [*admitted, ANONYMOUS]


@pytest.mark.parametrize("part", range(WORKERS))
async def test_no_generated_request_meets_an_answer_that_is_not_documented(
    browser: httpx.AsyncClient, world: World, part: int
) -> None:
    tokens: dict[str, str | Signer | None] = {}
    wrong: list[str] = []
    sent = 0
    for operation in operations(part):
        route = (operation.method.upper(), operation.path.removeprefix(PREFIX))
        who = senders(route)
        for number, case in enumerate(generated(operation)):
            caller = who[number % len(who)]
            if caller not in tokens:
                tokens[caller] = await token_of(world, caller)
            if number % 2 == 0:
                real = (await request_for(world, route)).path
                case.path_parameters = {name: str(value) for name, value in real.items()}
            problem = await _send(browser, case, tokens[caller])
            sent += 1
            if problem:
                wrong.append(f"{' '.join(route)} as {caller}: {problem}")
    print(f"{sent} requests")  # noqa: T201 — how many were sent shows that it is not an empty run.
    assert sent > 100
    assert not wrong, "\n\n".join(wrong[:10])


def _bad_body(case: Any) -> bool:
    """Whether the payload breaks its schema: in a query, unknown names are passed over as everywhere on the web."""
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return body is not None and body.mode is GenerationMode.NEGATIVE


async def _send(browser: httpx.AsyncClient, case: Any, token: str | Signer | None) -> str | None:
    """Send a case; what does not conform, or None."""
    raw = requests.Request(**case.as_transport_kwargs(base_url="http://steward.test")).prepare()
    body = raw.body.encode() if isinstance(raw.body, str) else raw.body
    assert body is None or isinstance(body, bytes)
    headers = {str(k): str(v) for k, v in raw.headers.items() if k.lower() not in {"content-length", "cookie"}}
    plain = Request(content=body or b"", headers=headers)
    answer = await call(browser, raw.method or "GET", raw.path_url.removeprefix(PREFIX), plain, token)
    checks = list(CHECKS)
    if _bad_body(case):
        checks.append(negative_data_rejection)
    try:
        case.validate_response(answer, checks=checks)
    except FailureGroup as failures:
        return f"{[str(each) for each in failures.exceptions]}"[:1500]
    return None
