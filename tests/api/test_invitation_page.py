"""The page behind an invitation's SMS and receipt: it helps to join, and tells nothing of the case."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from api.invitation_page import InvitationPage
from api.services import Services
from kit import clock
from kit.valkey import Redis
from stewardship import intake
from stewardship.casework.groups.rules import INVITATION_LIFE
from stewardship.casework.groups.service import Issued
from stewardship.casework.parties.models import PartyRole
from tests.api.city import City, acting
from wechat.errors import NotSent


@dataclass(frozen=True)
class Code:
    url: str


@dataclass
class WeChat:
    """Gives codes, counts how often it was asked, and can be away."""

    asked: int = 0
    away: bool = False

    async def url_link(self, path: str, query: str, *, days: int) -> str:
        self.asked += 1
        if self.away:
            raise NotSent("away")
        return f"https://wxaurl.example/{query}?a=1&b=2"

    async def create_qrcode(self, scene: str, seconds: int) -> Code:
        return Code(f"http://weixin.example/q/{scene}")


@pytest.fixture
async def invited(city: City) -> Issued:
    steward = await acting(city.officers["steward"])
    draft = intake.PartyDraft("王五", frozenset({PartyRole.WITNESS}), phone="13800000005")
    _, issued = await intake.enter_party(steward, city.case, draft)
    assert issued is not None
    return issued


@pytest.fixture
def wechat() -> WeChat:
    return WeChat()


@pytest.fixture
async def page(services: Services, wechat: WeChat, redis: Redis) -> AsyncIterator[httpx.AsyncClient]:
    shown = InvitationPage(services, wechat, wechat)
    app = Starlette(routes=[Route("/p/i/{token}", shown.show)])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://steward") as client:
        yield client
    async for key in redis.scan_iter("invitation-codes:*"):
        await redis.delete(key)


async def test_it_names_the_unit_and_how_to_join_and_nothing_else(
    page: httpx.AsyncClient, city: City, invited: Issued
) -> None:
    answer = await page.get(f"/p/i/{invited.token}")
    assert answer.status_code == 200
    assert "https://wxaurl.example/token=" in answer.text
    assert "&amp;b=2" in answer.text
    assert "data:image/svg+xml" in answer.text
    assert "script" not in answer.text
    for secret in (city.case.reference, str(city.case.id), "王五", "138"):
        assert secret not in answer.text


async def test_wechat_is_asked_once_for_the_codes(page: httpx.AsyncClient, invited: Issued, wechat: WeChat) -> None:
    for _ in range(3):
        await page.get(f"/p/i/{invited.token}")
    assert wechat.asked == 1


async def test_while_wechat_is_away_it_still_tells_whom_to_call(
    page: httpx.AsyncClient, invited: Issued, wechat: WeChat
) -> None:
    wechat.away = True
    answer = await page.get(f"/p/i/{invited.token}")
    assert answer.status_code == 200
    assert "派出所电话" in answer.text


async def test_an_invitation_that_is_over_says_what_to_do(page: httpx.AsyncClient, invited: Issued) -> None:
    clock.set_offset(clock.offset() + INVITATION_LIFE)
    answer = await page.get(f"/p/i/{invited.token}")
    assert answer.status_code == 410
    assert "已经过期" in answer.text
    assert "请联系民警" in answer.text


@pytest.mark.parametrize("token", ["unheard-of", "x" * 300, "%00", "<script>"])
async def test_an_unknown_invitation_is_a_page_too(page: httpx.AsyncClient, token: str) -> None:
    answer = await page.get(f"/p/i/{token}")
    assert answer.status_code == 404
    assert "没有找到这个邀请" in answer.text
    assert "<script>" not in answer.text
