"""How often one may knock, with Valkey there and away."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from limits import parse

import api
from api.limits import Limit, Limiter
from kit.ids import new_id
from kit.valkey import Redis
from stewardship.foundation.errors import TooOften
from tests.api.city import City, citizen_token

TWICE = Limit("test_twice", parse("2/minute"))
TWICE_GUARDED = Limit("test_twice_guarded", parse("2/minute"), guarded=True)


@pytest.fixture
async def nowhere() -> AsyncIterator[Redis]:
    """A Valkey that does not answer."""
    client = Redis.from_url("unix:///nonexistent/valkey.sock")
    yield client
    await client.aclose()


async def test_the_third_try_is_one_too_many_and_others_are_not_affected(redis: Redis) -> None:
    limiter, who = Limiter(redis), new_id().hex
    await limiter.check(TWICE, who)
    await limiter.check(TWICE, who)
    with pytest.raises(TooOften) as refused:
        await limiter.check(TWICE, who)
    assert 1 <= refused.value.retry_after <= 60
    await limiter.check(TWICE, new_id().hex)


async def test_with_valkey_away_ordinary_routes_stay_open(nowhere: Redis) -> None:
    limiter = Limiter(nowhere)
    for _ in range(5):
        await limiter.check(TWICE, "somebody")


async def test_with_valkey_away_logins_are_counted_in_the_process(nowhere: Redis) -> None:
    limiter = Limiter(nowhere)
    await limiter.check(TWICE_GUARDED, "somebody")
    await limiter.check(TWICE_GUARDED, "somebody")
    with pytest.raises(TooOften) as refused:
        await limiter.check(TWICE_GUARDED, "somebody")
    assert 1 <= refused.value.retry_after <= 60


async def test_too_many_logins_are_told_when_to_come_back(client: httpx.AsyncClient, city: City) -> None:
    body = {"number": new_id().hex[-9:], "password": "wrong"}
    answers = [await client.post("/sessions/officer", json=body) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 900


async def test_asking_without_end_is_slowed_down(client: httpx.AsyncClient, city: City) -> None:
    headers = {"Authorization": f"Bearer {await citizen_token(city, 'victim')}"}
    path = f"/my/cases/{city.case.id}/inquiries"
    answers = [
        await client.post(path, json={"text": "在吗", "client_key": f"tap-{i:08}"}, headers=headers) for i in range(31)
    ]
    assert {answer.status_code for answer in answers[:30]} == {201}
    assert answers[30].status_code == 429


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "203.0.113.9", "192.0.2.7"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (2, "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (2, "203.0.113.9", "192.0.2.7"),
        (1, "nonsense", "192.0.2.7"),
    ],
)
def test_only_trusted_proxies_say_who_knocks(services: api.Services, proxies: int, forwarded: str, seen: str) -> None:
    from dataclasses import replace

    from starlette.requests import Request

    from api.deps import client_address

    scope = {
        "type": "http",
        "headers": [(b"x-forwarded-for", forwarded.encode())],
        "client": ("192.0.2.7", 1),
    }
    settings = services.settings.model_copy(update={"trusted_proxies": proxies})
    assert client_address(Request(scope), replace(services, settings=settings)) == seen
