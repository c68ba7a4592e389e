"""A request that is repeated because its answer was lost is done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.once import HEADER, OnceRoute
from api.routers import ROUTERS
from kit import clock, database, once
from stewardship.casework.cases.models import Case
from stewardship.casework.updates.models import Update
from tests.api.city import City, citizen_token, found_city, officer_token
from tests.api.conftest import MONDAY_MORNING, own_address

KEY = "01JZX5M9K3QW8T7R6E5D4C3B2A"
WITHOUT_KEY = {
    "/bindings/officer",
    "/invitations/{token}/join",
    "/me/code-word",
    "/me/password",
    "/me/phone",
    "/me/wechat-binding",
    "/my/cases/{case_id}/files",
    "/audit/verification",
    "/audit/verifications",
    "/inspection/persons/search",
    "/inspection/proofs",
}
"""Repeated they change nothing but the record of who looked, or their code holds once, or a `client_key` is theirs."""


async def steward(city: City, key: str = KEY) -> dict[str, str]:
    return {"Authorization": f"Bearer {await officer_token(city, 'steward')}", HEADER: key}


def new_case(city: City) -> dict[str, Any]:
    return {
        "unit_id": str(city.station.id),
        "steward_id": str(city.officers["steward"].id),
        "parties": [{"name": "周一", "roles": ["victim"], "phone": "13800000011"}],
    }


def update(text: str = "已调取现场监控。") -> dict[str, Any]:
    day = clock.today().isoformat()
    return {"text": text, "awaited": "等待核对", "next_contact_on": day, "audience": {"kind": "everyone"}}


async def test_registering_twice_under_one_key_registers_once_and_shows_the_same_receipts(
    client: httpx.AsyncClient, city: City
) -> None:
    before, headers = await Case.all().count(), await steward(city)
    first = await client.post("/cases", json=new_case(city), headers=headers)
    again = await client.post("/cases", json=new_case(city), headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert await Case.all().count() == before + 1
    kept = await database.fetchval("select body from request_key")
    assert "周".encode() not in kept
    assert first.json()["receipts"][0]["token"].encode() not in kept


async def test_the_key_of_another_request_is_refused(client: httpx.AsyncClient, city: City) -> None:
    headers, path = await steward(city), f"/cases/{city.case.id}/updates"
    await client.post(path, json=update(), headers=headers)
    other = await client.post(path, json=update("别的内容"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert await Update.filter(case_id=city.case.id).count() == 1


async def test_somebody_elses_key_is_another_one(client: httpx.AsyncClient, city: City) -> None:
    path = f"/my/cases/{city.case.id}/inquiries"
    asked = {"text": "什么时候鉴定？", "client_key": "tap-00000001"}
    ids = set()
    for who in ("victim", "opponent"):
        headers = {"Authorization": f"Bearer {await citizen_token(city, who)}", HEADER: KEY}
        ids.add((await client.post(path, json=asked, headers=headers)).json()["inquiry_id"])
    assert len(ids) == 2


async def test_a_refused_request_may_be_mended_under_its_key(client: httpx.AsyncClient, city: City) -> None:
    headers, path = await steward(city), f"/cases/{city.case.id}/updates"
    late = update() | {"next_contact_on": (clock.today() + timedelta(days=400)).isoformat()}
    assert (await client.post(path, json=late, headers=headers)).json()["code"] == "update_next_contact"
    assert (await client.post(path, json=update(), headers=headers)).status_code == 201


async def test_whoever_may_not_gets_no_answer_that_another_got(client: httpx.AsyncClient, city: City) -> None:
    await client.post("/cases", json=new_case(city), headers=await steward(city))
    nobody = await client.post("/cases", json=new_case(city), headers={HEADER: KEY})
    assert nobody.json()["code"] == "not_logged_in"


@pytest.mark.parametrize("key", ["", "short", "a b c d e f", "x" * 65, "é" * 10])
async def test_a_key_that_is_none_is_malformed(client: httpx.AsyncClient, city: City, key: str) -> None:
    headers = {k.encode(): v.encode() for k, v in (await steward(city, key)).items()}
    answer = await client.post("/cases", json=new_case(city), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_key_is_forgotten_after_a_week(client: httpx.AsyncClient, city: City) -> None:
    await client.post(f"/cases/{city.case.id}/updates", json=update(), headers=await steward(city))
    assert await once.prune() == 0
    clock.set_offset(clock.offset() + timedelta(days=8))
    assert await once.prune() == 1


def test_every_post_takes_a_key_save_those_that_cannot() -> None:
    routes = [route for part in ROUTERS for route in part.routes]
    posts = {route.path: route for route in routes if "POST" in (getattr(route, "methods", None) or ())}  # type: ignore[attr-defined]  # all are API routes.
    without = {path for path, route in posts.items() if not isinstance(route, OnceRoute)}
    logging_in = {path for path in without if path.startswith(("/sessions", "/totp-enrolments"))}
    assert without - logging_in == WITHOUT_KEY


@pytest.fixture
async def real_city(real_db: str, clock_at: Callable[[datetime], None]) -> City:
    clock_at(MONDAY_MORNING)
    return await found_city()


@pytest.fixture
async def real_client(app: FastAPI, real_city: City) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(own_address(), 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test/api/v1") as browser:
        yield browser


async def test_of_eight_taps_at_once_one_counts(real_client: httpx.AsyncClient, real_city: City) -> None:
    headers, path = await steward(real_city), f"/cases/{real_city.case.id}/updates"
    answers = await asyncio.gather(*(real_client.post(path, json=update(), headers=headers) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert await Update.filter(case_id=real_city.case.id).count() == 1
