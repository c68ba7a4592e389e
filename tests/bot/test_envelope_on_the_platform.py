"""Envelope, reader and replies against the local platform's own callbacks, in each mode and format."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from bot.envelope import Account, Opened, RejectedEnvelope, answer_verification, open_envelope, seal_reply
from bot.replies import takes_passive_reply, text_reply
from bot.wechat_messages import Incoming, Kind, Platform, read_message
from settings import Settings
from tests.wechat.faulty_server import serving
from tests.wechat.local_platform import LocalPlatform, running

MODES = pytest.mark.parametrize("mode", ["plain", "compatible", "safe"])
FORMATS = pytest.mark.parametrize("body_format", ["xml", "json"])


class Product:
    """The smallest product there can be: reads what comes and answers a text with a text."""

    def __init__(self, accounts: dict[Platform, Account]) -> None:
        self.accounts = accounts
        self.opened: list[Opened] = []
        self.incoming: list[Incoming] = []

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        platform: Platform = "mp" if request.path.endswith("mp") else "oa"
        account = self.accounts[platform]
        try:
            if request.method == "GET":
                return web.Response(text=answer_verification(account, request.query, time.time()))
            opened = open_envelope(account, request.query, await request.read(), time.time())
        except RejectedEnvelope as refusal:
            return web.Response(status=403, text=refusal.reason)
        incoming = read_message(platform, opened.message)
        self.opened.append(opened)
        self.incoming.append(incoming)
        answers = incoming.kind is Kind.TEXT and takes_passive_reply(platform)
        reply = text_reply(incoming, f"收到：{incoming.text}", datetime.now(UTC)) if answers else None
        return web.Response(body=seal_reply(account, opened, reply))


@pytest.fixture(scope="module")
def platform_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
async def stage(platform_url: str, settings: Settings) -> AsyncIterator[tuple[LocalPlatform, Product]]:
    """A follower, and the product where both accounts' callbacks go."""
    accounts: dict[Platform, Account] = {
        "oa": Account.of(settings.oa, max_age=600),
        "mp": Account.of(settings.mp, max_age=600),
    }
    product = Product(accounts)
    async with serving(product) as served:
        local = LocalPlatform(platform_url, served.http)
        await local.control("POST", "/reset", {})
        for account, known in (("oa", settings.oa), ("mp", settings.mp)):
            key = known.aes_key.get_secret_value()
            await local.control("PATCH", f"/accounts/{account}", {"url": f"{served.url}/{account}", "aes_key": key})
        await local.control("PUT", "/phones/citizen", {"name": "周晓禾", "phone_number": "19900000001"})
        await local.control("POST", "/phones/citizen/follow?wait=5", {})
        product.opened.clear()
        product.incoming.clear()
        yield local, product


async def say(local: LocalPlatform, **message: Any) -> Any:
    return (await local.control("POST", "/phones/citizen/messages?wait=10", message))["delivery"]


@MODES
@FORMATS
class TestModes:
    async def test_a_text_is_read_and_its_answer_shown(
        self, stage: tuple[LocalPlatform, Product], mode: str, body_format: str
    ) -> None:
        local, product = stage
        await local.control("PATCH", "/accounts/oa", {"mode": mode, "format": body_format})
        delivery = await say(local, type="text", content="在吗 ]]> <b>")
        assert [attempt["outcome"] for attempt in delivery["tries"]] == ["reply"]
        assert [(opened.mode, opened.body_format) for opened in product.opened] == [(mode, body_format)]
        feed = await local.control("GET", "/phones/citizen/feed?after=0")
        assert feed["entries"][-1]["text"] == "收到：在吗 ]]> <b>"

    async def test_the_mini_program_is_acknowledged(
        self, stage: tuple[LocalPlatform, Product], mode: str, body_format: str
    ) -> None:
        local, product = stage
        await local.control("PATCH", "/accounts/mp", {"mode": mode, "format": body_format})
        delivery = await say(local, type="text", content="在吗", account="mp")
        assert [attempt["outcome"] for attempt in delivery["tries"]] == ["empty"]
        (incoming,) = product.incoming
        assert (incoming.platform, incoming.kind, incoming.text) == ("mp", Kind.TEXT, "在吗")

    async def test_the_address_is_verified(
        self, stage: tuple[LocalPlatform, Product], mode: str, body_format: str
    ) -> None:
        local, _ = stage
        await local.control("PATCH", "/accounts/oa", {"mode": mode, "format": body_format})
        assert (await local.control("POST", "/accounts/oa/verify", {}))["verified"] is True

    async def test_a_changed_key_is_accepted_while_the_old_one_still_is(
        self, stage: tuple[LocalPlatform, Product], settings: Settings, mode: str, body_format: str
    ) -> None:
        local, product = stage
        new = {"aes_key": "demoAesKeyThatTheConsoleShowsFromNowOn0000x"[:43]}
        old = {"previous_aes_key": settings.oa.aes_key.get_secret_value()}
        changed = settings.oa.model_validate(settings.oa.model_dump() | new | old)
        product.accounts["oa"] = Account.of(changed, max_age=600)
        for key in (settings.oa.aes_key.get_secret_value(), new["aes_key"]):
            change = {"mode": mode, "format": body_format, "aes_key": key}
            await local.control("PATCH", "/accounts/oa", change)
            assert [attempt["outcome"] for attempt in (await say(local, type="text", content="在吗"))["tries"]] == [
                "reply"
            ]


@FORMATS
async def test_everything_a_person_can_do(stage: tuple[LocalPlatform, Product], body_format: str) -> None:
    local, product = stage
    await local.control("PATCH", "/accounts/oa", {"mode": "safe", "format": body_format})
    for message in (
        {"type": "voice", "recognition": "案子到哪一步了"},
        {"type": "image"},
        {"type": "video"},
        {"type": "shortvideo"},
        {"type": "location", "latitude": 31.8, "longitude": 117.2, "label": "蜀山区"},
        {"type": "link", "title": "公告", "url": "https://x.cn/"},
        {"type": "miniprogrampage", "title": "案件", "path": "pages/case"},
        {"type": "file", "filename": "a.pdf"},
    ):
        await say(local, **message)
    await local.control("POST", "/phones/citizen/location?wait=5", {"latitude": 31.8, "longitude": 117.2})
    await local.control("POST", "/phones/citizen/unfollow?wait=5", {})
    kinds = [incoming.kind for incoming in product.incoming]
    assert kinds == [
        Kind.VOICE, Kind.IMAGE, Kind.VIDEO, Kind.SHORT_VIDEO, Kind.LOCATION, Kind.LINK, Kind.MINI_PROGRAM_PAGE,
        Kind.FILE, Kind.REPORT_LOCATION, Kind.UNSUBSCRIBE,
    ]  # fmt: skip
    assert product.incoming[0].recognition == "案子到哪一步了"
    assert (product.incoming[4].latitude, product.incoming[4].title) == (31.8, "蜀山区")
    assert len({incoming.once_key for incoming in product.incoming}) == len(kinds)
    assert all(incoming.openid and incoming.created_at for incoming in product.incoming)


@FORMATS
async def test_the_platforms_repetition_has_the_same_key(
    stage: tuple[LocalPlatform, Product], body_format: str
) -> None:
    local, product = stage
    await local.control("PATCH", "/accounts/oa", {"mode": "safe", "format": body_format, "timeout": 0.5})
    await local.fault("lose_answer", account="oa")
    await say(local, type="text", content="在吗")
    first, second = product.incoming
    assert first == second


async def test_a_stranger_is_refused(stage: tuple[LocalPlatform, Product]) -> None:
    local, product = stage
    address = (await local.control("GET", "/accounts"))["oa"]["url"]
    request = local.http.post(f"{address}?signature=0&timestamp=1&nonce=1").body_bytes(b"<xml/>")
    response = await request.build().send()
    assert response.status == 403
    assert product.incoming == []
