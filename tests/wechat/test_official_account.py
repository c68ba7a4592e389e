"""The official account against the local platform, which enforces WeChat's rules."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from settings import PlatformAccount, Settings
from tests.wechat.local_platform import LocalPlatform
from wechat.errors import (
    Ambiguous,
    BadContent,
    BadRecipient,
    BadTemplateData,
    Busy,
    CallError,
    CountExceeded,
    MalformedAnswer,
    Misconfigured,
    OutsideWindow,
    PlatformError,
    QuotaExceeded,
    Refused,
)
from wechat.official_account import MenuButton, OfficialAccount
from wechat.sending import MenuItem, Page
from wechat.tokens import own_tokens
from wechat.transport import Transport
from wechat.wire import Client

SEND = "/cgi-bin/message/custom/send"
PROGRESS = {"thing1": "案件已受理", "time2": "2025年11月24日 16:00"}
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture
async def citizen(platform: LocalPlatform) -> str:
    """Somebody who follows and has just written."""
    phone = await platform.control("PUT", "/phones/citizen", {"name": "周晓禾", "phone_number": "19900000001"})
    await platform.control("POST", "/phones/citizen/follow", {})
    await write(platform)
    return str(phone["oa_openid"])


async def write(platform: LocalPlatform) -> None:
    await platform.control("POST", "/phones/citizen/messages", {"type": "text", "content": "在吗"})


async def shown(platform: LocalPlatform) -> list[Any]:
    """What the citizen's phone shows of ours, oldest first."""
    feed = await platform.control("GET", "/phones/citizen/feed?after=0")
    return [entry for entry in feed["entries"] if entry["direction"] == "to_phone" and entry["kind"] != "tip"]


async def approve(platform: LocalPlatform, kind: str) -> None:
    fields = [{"key": "thing1", "label": "事项"}, {"key": "time2", "label": "时间"}]
    await platform.control("PUT", f"/templates/{kind}", {"id": "PROGRESS", "title": "案件进展通知", "fields": fields})


class TestCustomerServiceMessages:
    async def test_text_arrives(self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str) -> None:
        await official_account.send_text(citizen, "您好，您的案件正在办理。")
        assert [entry["text"] for entry in await shown(platform)] == ["您好，您的案件正在办理。"]

    async def test_a_menu_arrives_and_can_be_tapped(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        items = [MenuItem("case-1", "盗窃案"), MenuItem("case-2", "纠纷")]
        await official_account.send_menu(citizen, "您要问哪一件？", items, "点一下即可")
        (entry,) = await shown(platform)
        assert (entry["kind"], [item["id"] for item in entry["content"]["items"]]) == ("msgmenu", ["case-1", "case-2"])
        await platform.control("POST", "/phones/citizen/msgmenu", {"entry": entry["seq"], "item": "case-2"})

    async def test_five_answers_to_a_message_and_no_sixth(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        # Following opened a window of three within a minute, which is used up first or runs out beside the other.
        await platform.control("PUT", "/clock", {"offset_seconds": 61})
        for _ in range(5):
            await official_account.send_text(citizen, "您好")
        with pytest.raises(CountExceeded):
            await official_account.send_text(citizen, "您好")
        assert len(await shown(platform)) == 5
        await write(platform)
        await official_account.send_text(citizen, "您又写了，我们又能答。")

    async def test_after_48_hours_the_window_is_closed(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await platform.control("PUT", "/clock", {"offset_seconds": 48 * 3600 + 1})
        with pytest.raises(OutsideWindow):
            await official_account.send_text(citizen, "您好")

    async def test_to_a_stranger(self, official_account: OfficialAccount, citizen: str) -> None:
        with pytest.raises(BadRecipient):
            await official_account.send_text("o" * 28, "您好")

    async def test_to_somebody_who_blocks_us(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await platform.control("POST", "/phones/citizen/block", {"blocked": True})
        with pytest.raises(Refused):
            await official_account.send_text(citizen, "您好")

    async def test_too_long(self, official_account: OfficialAccount, citizen: str) -> None:
        with pytest.raises(BadContent):
            await official_account.send_text(citizen, "长" * 683)


class TestTemplateMessages:
    async def test_arrives_with_its_fields_and_leads_to_the_page(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str, settings: Settings
    ) -> None:
        await approve(platform, "oa_template")
        page = Page(settings.mp.app_id, "pages/case/index?id=1")
        sent = await official_account.send_template(citizen, "PROGRESS", PROGRESS, client_msg_id="m1", page=page)
        (entry,) = await shown(platform)
        assert {field["key"]: field["value"] for field in entry["content"]["fields"]} == PROGRESS
        assert sent.message_id == str(entry["content"]["msgid"])
        assert entry["content"]["miniprogram"] == {"path": "pages/case/index?id=1"}

    async def test_repeating_it_shows_it_once(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await approve(platform, "oa_template")
        first = await official_account.send_template(citizen, "PROGRESS", PROGRESS, client_msg_id="m1")
        again = await official_account.send_template(citizen, "PROGRESS", PROGRESS, client_msg_id="m1")
        assert again == first
        assert len(await shown(platform)) == 1

    async def test_a_field_that_is_too_long_is_named(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await approve(platform, "oa_template")
        values = PROGRESS | {"thing1": "长" * 21}
        with pytest.raises(BadTemplateData, match="thing1") as refusal:
            await official_account.send_template(citizen, "PROGRESS", values, client_msg_id="m1")
        assert refusal.value.request_id

    async def test_an_unknown_template(self, official_account: OfficialAccount, citizen: str) -> None:
        with pytest.raises(BadTemplateData):
            await official_account.send_template(citizen, "NONE", PROGRESS, client_msg_id="m1")

    async def test_to_somebody_who_left(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await approve(platform, "oa_template")
        await platform.control("POST", "/phones/citizen/unfollow", {})
        with pytest.raises(Refused):
            await official_account.send_template(citizen, "PROGRESS", PROGRESS, client_msg_id="m1")

    async def test_the_days_quota(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await approve(platform, "oa_template")
        await platform.fault("error", "/cgi-bin/message/template/send", errcode=45009)
        with pytest.raises(QuotaExceeded):
            await official_account.send_template(citizen, "PROGRESS", PROGRESS, client_msg_id="m1")


async def test_a_subscribe_notification_needs_consent_each_time(
    platform: LocalPlatform, official_account: OfficialAccount, citizen: str
) -> None:
    await approve(platform, "oa_subscribe")
    with pytest.raises(Refused):
        await official_account.send_subscribed(citizen, "PROGRESS", PROGRESS)
    decision = {"account": "oa", "decisions": {"PROGRESS": "accept"}}
    await platform.control("POST", "/phones/citizen/subscriptions", decision)
    assert (await official_account.send_subscribed(citizen, "PROGRESS", PROGRESS)).message_id == ""
    with pytest.raises(Refused):
        await official_account.send_subscribed(citizen, "PROGRESS", PROGRESS)


class TestQrCodesMenusAndPeople:
    async def test_who_scans_a_code_has_come_by_it(
        self, platform: LocalPlatform, official_account: OfficialAccount
    ) -> None:
        phone = await platform.control("PUT", "/phones/new", {"name": "新", "phone_number": "19900000002"})
        code = await official_account.create_qrcode("join_4f2a", 3600)
        assert (code.seconds, code.url.startswith("http")) == (3600, True)
        await platform.control("POST", "/phones/new/scan", {"ticket": code.ticket})
        follower = await official_account.user_info(phone["oa_openid"])
        assert (follower.follows, follower.scene, follower.unionid) == (True, "join_4f2a", phone["unionid"])
        assert follower.followed_at is not None

    async def test_who_does_not_follow(self, platform: LocalPlatform, official_account: OfficialAccount) -> None:
        phone = await platform.control("PUT", "/phones/new", {"name": "新", "phone_number": "19900000002"})
        follower = await official_account.user_info(phone["oa_openid"])
        assert (follower.follows, follower.followed_at, follower.scene) == (False, None, "")

    @pytest.mark.parametrize(("scene", "seconds"), [("", 60), ("x" * 65, 60), ("x", 0), ("x", 2_592_001)])
    async def test_an_impossible_code_is_not_asked_for(
        self, official_account: OfficialAccount, scene: str, seconds: int
    ) -> None:
        with pytest.raises(ValueError, match="QR"):
            await official_account.create_qrcode(scene, seconds)

    async def test_the_menu_is_set_and_can_be_tapped(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str, settings: Settings
    ) -> None:
        await official_account.set_menu(
            [
                MenuButton("我的案件", key="MY_CASES"),
                MenuButton(
                    "更多", below=[MenuButton("请给我回电", key="CALL_ME"), MenuButton("说明", url="https://x.cn/")]
                ),
                MenuButton("小程序", page=Page(settings.mp.app_id, "pages/index/index")),
            ]
        )
        await platform.control("POST", "/phones/citizen/menu", {"key": "CALL_ME"})
        await platform.control("POST", "/phones/citizen/menu", {"name": "我的案件"})

    async def test_a_menu_the_platform_refuses(self, official_account: OfficialAccount) -> None:
        with pytest.raises(BadContent):
            await official_account.set_menu([MenuButton(f"菜单{number}", key="K") for number in range(4)])


class TestMedia:
    async def upload(self, platform: LocalPlatform, kind: str, content: bytes) -> str:
        """What the citizen sends becomes temporary media; its id is in the callback."""
        await platform.control(
            "POST",
            "/phones/citizen/messages",
            {"type": kind, "data_base64": base64.b64encode(content).decode(), "filename": f"evidence.{kind}"},
        )
        feed = await platform.control("GET", "/phones/citizen/feed?after=0")
        return str(feed["entries"][-1]["content"]["media_id"])

    @pytest.mark.parametrize("kind", ["image", "video"])
    async def test_what_a_person_sent_is_fetched(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str, kind: str
    ) -> None:
        media_id = await self.upload(platform, kind, PICTURE)
        async with official_account.download_media(media_id, limit=100_000) as media:
            content = b"".join([part async for part in media.parts])
        assert content == PICTURE

    async def test_a_file_beyond_the_limit_is_cut_off(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        media_id = await self.upload(platform, "image", PICTURE)
        with pytest.raises(MalformedAnswer, match="too long"):
            async with official_account.download_media(media_id, limit=len(PICTURE) - 1) as media:
                assert [part async for part in media.parts] == []

    async def test_an_expired_file(self, platform: LocalPlatform, official_account: OfficialAccount) -> None:
        with pytest.raises(BadContent):
            async with official_account.download_media("no-such-media", limit=10):
                raise AssertionError("nothing to read")

    async def test_with_an_expired_token(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        media_id = await self.upload(platform, "image", PICTURE)
        await platform.fault("stale_token", "/cgi-bin/media/get")
        async with official_account.download_media(media_id, limit=100_000) as media:
            assert b"".join([part async for part in media.parts]) == PICTURE


class TestFaults:
    async def test_busy(self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str) -> None:
        await platform.fault("error", SEND, errcode=-1)
        with pytest.raises(Busy):
            await official_account.send_text(citizen, "您好")
        await official_account.send_text(citizen, "您好")
        assert len(await shown(platform)) == 1

    async def test_a_stale_token_is_renewed_and_the_message_sent_once(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await platform.fault("stale_token", SEND)
        await official_account.send_text(citizen, "您好")
        assert len(await shown(platform)) == 1

    async def test_expired_tokens(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await official_account.send_text(citizen, "一")
        await platform.control("POST", "/accounts/oa/expire-tokens", {})
        await official_account.send_text(citizen, "二")
        assert [entry["text"] for entry in await shown(platform)] == ["一", "二"]

    @pytest.mark.parametrize(("kind", "arrived"), [("timeout_before", 0), ("timeout_after", 1)])
    async def test_nobody_can_tell_these_two_apart(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str, kind: str, arrived: int
    ) -> None:
        await official_account.user_info(citizen)
        await platform.fault(kind, SEND, seconds=1.5)
        with pytest.raises(Ambiguous):
            await official_account.send_text(citizen, "您好")
        assert len(await shown(platform)) == arrived

    async def test_a_broken_proxy(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await platform.fault("http_error", SEND, status=502)
        with pytest.raises(Ambiguous):
            await official_account.send_text(citizen, "您好")

    @pytest.mark.parametrize("change", [{"secret": "wrong"}, {"app_id": "wxunknown00000000"}])
    async def test_a_wrong_secret_is_for_the_administrator(
        self, platform: LocalPlatform, http: Client, settings: Settings, change: dict[str, str]
    ) -> None:
        account = PlatformAccount.model_validate(settings.oa.model_dump() | change)
        tokens = own_tokens(account, http, base_url=platform.url, redis=None)
        wrong = OfficialAccount(Transport(http, base_url=platform.url, tokens=tokens))
        with pytest.raises(Misconfigured) as refusal:
            await wrong.send_text("o" * 28, "您好")
        assert "wrong" not in str(refusal.value)

    async def test_an_errcode_we_do_not_know_is_a_refusal_and_not_retried(
        self, platform: LocalPlatform, official_account: OfficialAccount, citizen: str
    ) -> None:
        await platform.fault("error", SEND, errcode=59999)
        with pytest.raises(CallError) as refusal:
            await official_account.send_text(citizen, "您好")
        assert type(refusal.value) is PlatformError
