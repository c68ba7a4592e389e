"""The API in this process, on the test's own transaction and the run's Valkey."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

import api
from api.hub import Live
from kit.valkey import Redis
from settings import Settings
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.files.service import FileStore
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Role
from tests.api.city import City, found_city
from tests.api.platform import Platform
from tests.api.world import World, build_world

MONDAY_MORNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""10:00 in China, a working day: hours in which people may be called."""


@pytest.fixture
def platform() -> Platform:
    """WeChat."""
    return Platform()


@pytest.fixture
def services(settings: Settings, redis: Redis, platform: Platform, tmp_path: Path) -> api.Services:
    """What the API is given; files lie in the test's own directory, and a live line ends after its greeting."""
    built = api.build_services(settings, redis, platform)
    return replace(built, files=FileStore(tmp_path / "files"), live=Live(redis, longest=timedelta(0)))


@pytest.fixture
def app(services: api.Services) -> FastAPI:
    """The API as a composition root puts it together."""
    application = FastAPI(**api.APP_OPTIONS)
    api.install(application)
    api.provide(application, services)
    return application


def own_address() -> str:
    """An address that no other test has, so that one test's rate limits are not another's."""
    return str(ipaddress.IPv6Address(secrets.token_bytes(16)))


@pytest.fixture
async def client(app: FastAPI, db: None) -> AsyncIterator[httpx.AsyncClient]:
    """A browser."""
    transport = httpx.ASGITransport(app, client=(own_address(), 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test/api/v1") as browser:
        yield browser


@pytest.fixture
async def city(db: None, clock_at: Callable[[datetime], None]) -> City:
    """A small city with a case, on a Monday morning."""
    clock_at(MONDAY_MORNING)
    return await found_city()


class Sso:
    """The bureau's own login, which knows nobody."""

    async def officer_number(self, assertion: str) -> str | None:
        return None


@pytest.fixture
async def browser(services: api.Services, db: None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API with every route that can be mounted."""
    app = FastAPI(**api.APP_OPTIONS)
    api.install(app, with_single_sign_on=True)
    api.provide(app, replace(services, single_sign_on=Sso()))
    transport = httpx.ASGITransport(app, client=(own_address(), 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://steward.test/api/v1") as client:
        yield client


@pytest.fixture
async def world(city: City, services: api.Services, platform: Platform) -> World:
    """The city with administrators of another district as well, and something of every kind in its case."""
    for role in (Role.SYSTEM_ADMINISTRATOR, Role.SECURITY_ADMINISTRATOR):
        officer = await org.create_officer(
            SYSTEM, number=f"o{role.value[:4]}{city.case.reference[-8:]}", name="吴强", unit_id=city.other_sub_bureau.id
        )
        await org.grant_role(SYSTEM, officer.id, role, city.other_sub_bureau.id)
        city.officers[f"other_{role.value}"] = officer
    return await build_world(city, services, platform)
