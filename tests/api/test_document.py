"""The OpenAPI document: complete, with an example for every field, and examples that hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema_rs
import pytest
from fastapi import FastAPI

import api


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    app = FastAPI(**api.APP_OPTIONS)
    api.install(app)
    return app.openapi()


def fields(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field that is no other schema, or a list of one."""
    for name, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            if "$ref" not in str({key: value for key, value in described.items() if key != "examples"}):
                yield f"{name}.{field}", described


def has_example(described: dict[str, Any]) -> bool:
    return "examples" in described or any("examples" in each for each in described.get("anyOf", []))


def test_every_schema_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    """Two of one name get their module's path before it, which then stands in every front end's types."""
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_every_field_has_an_example(document: dict[str, Any]) -> None:
    missing = [name for name, described in fields(document) if not has_example(described)]
    assert missing == []


def test_every_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    wrong = [
        f"{name}: {example!r}"
        for name, described in fields(document)
        for example in described.get("examples", [])
        if not jsonschema_rs.is_valid(described, example)
    ]
    assert wrong == []


def test_every_route_says_what_it_does_and_which_problems_it_has(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("description"), f"{method} {path}"
            problems = [status for status in operation["responses"] if status.startswith("4")]
            assert {"401", "403", "404", "422", "429"} <= set(problems), f"{method} {path}"
            for status in problems:
                assert "application/problem+json" in operation["responses"][status]["content"], f"{method} {path}"


async def test_the_document_is_served(client: Any) -> None:
    answer = await client.get("http://steward.test/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "案管家 Case Steward"


async def test_the_bureaus_own_login_is_there_only_where_it_is_configured(client: Any) -> None:
    assert (await client.post("/sessions/officer/sso", json={"assertion": "x" * 32})).status_code == 404


async def test_every_answer_tells_the_domains_time(client: Any, clock_at: Callable[[datetime], None]) -> None:
    """A page whose computer has another time, or whose demonstration is days ahead, goes by it."""
    at = datetime(2026, 3, 2, 2, tzinfo=UTC)
    clock_at(at)
    for path in ("http://steward.test/api/openapi.json", "/cases"):
        told = datetime.fromisoformat((await client.get(path)).headers["x-steward-time"])
        assert at <= told < at + timedelta(minutes=5)
