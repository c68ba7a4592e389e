"""Whatever is sent: an answer in the 400s that says so, never a 500 and never what was inside."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

import api
from api.cases import CaseNumber
from kit.problems import MEDIA_TYPE
from tests.api.city import City, citizen_token, officer_token

ASK = {"text": "请问进展", "client_key": "a" * 20}


@pytest.fixture
async def victim(client: httpx.AsyncClient, city: City) -> httpx.AsyncClient:
    client.headers["Authorization"] = f"Bearer {await citizen_token(city, 'victim')}"
    return client


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"text": "a"', 422),
        (b'{"text": 1, "client_key": "aaaaaaaa"}', 422),
        (b'{"text": "a", "client_key": "aaaaaaaa", "more": 1}', 422),
        (b'{"text": "\\u0000", "client_key": "aaaaaaaa"}', 422),
        (b'{"text": "\\ud800", "client_key": "aaaaaaaa"}', 422),
        (b'{"text": "\xff\xfe", "client_key": "aaaaaaaa"}', 400),
        (b'{"text": ' + b"9" * 5000 + b', "client_key": "aaaaaaaa"}', 400),
        (b"[" * 100_000 + b"]" * 100_000, 400),
        (b'{"text": "' + b"a" * (1024 * 1024) + b'"}', 413),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_malformed_payload_is_refused(victim: httpx.AsyncClient, city: City, body: bytes, status: int) -> None:
    answer = await victim.post(
        f"/my/cases/{city.case.id}/inquiries", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["code"] in {"malformed", "bad_request", "body_too_large"}


async def test_a_body_without_a_declared_length_is_bounded_too(victim: httpx.AsyncClient, city: City) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    answer = await victim.post(
        f"/my/cases/{city.case.id}/inquiries", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/my/cases/not-an-id",
        "/my/cases/%00",
        "/my/cases/..%2f..%2fetc",
        "/my/cases/" + "9" * 400,
        "/my/cases/%ff%fe",
        "/invitations/%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00%00",
        "/nothing-here",
    ],
)
async def test_a_bad_path_is_not_found_or_malformed(victim: httpx.AsyncClient, path: str) -> None:
    answer = await victim.get(path)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == MEDIA_TYPE


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=99999999999999999999999999",
        "limit=a",
        "cursor=%00",
        "cursor=AAAA",
        "number=%00",
        "number=%ed%a0%80",
        "stage=' or 1=1",
        "closed=maybe",
        "unit_id=1",
        "unknown=1",
    ],
)
async def test_a_bad_filter_is_refused(client: httpx.AsyncClient, city: City, query: str) -> None:
    headers = {"Authorization": f"Bearer {await officer_token(city, 'steward')}"}
    answer = await client.get(f"/cases?{query}", headers=headers)
    assert answer.status_code in {200, 400, 422}, answer.text
    assert answer.status_code != 200 or query == "number=%ed%a0%80", "what is no character is replaced by one that is"


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "a b c", "\x7f", "é"])
async def test_a_token_that_is_none_is_not_logged_in(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/me", headers={b"Authorization": f"Bearer {token}".encode()})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


async def test_the_wrong_method_is_said_so(client: httpx.AsyncClient) -> None:
    answer = await client.put("/sessions/citizen")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


async def test_what_breaks_inside_stays_inside(services: api.Services, caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI(**api.APP_OPTIONS)
    api.install(app)
    api.provide(app, services)

    @app.get("/api/v1/broken")
    async def broken() -> None:
        raise RuntimeError("张三 13800000001")

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test/api/v1") as browser:
        answer = await browser.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "unexpected"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "张三" not in answer.text
    assert "RuntimeError" not in answer.text


async def test_a_validation_error_names_the_field_and_not_what_was_sent(victim: httpx.AsyncClient, city: City) -> None:
    answer = await victim.post(
        f"/my/cases/{city.case.id}/inquiries", json={"text": "13800000001" * 300, "client_key": "aaaaaaaa"}
    )
    assert answer.json()["fields"] == [{"field": "body.text", "message": "太长"}]
    assert "13800000001" not in answer.text


async def test_personal_data_is_not_cached_on_the_way(victim: httpx.AsyncClient) -> None:
    answer = await victim.get("/my/cases")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("number", ["皖公（莲）受案字〔2026〕123号", "皖公（莲）受案字[2026]123号"])
def test_a_case_number_has_the_brackets_of_official_print_or_of_the_keyboard(number: str) -> None:
    assert TypeAdapter(CaseNumber).validate_python(number) == number
