"""The mini-program against the local platform, which enforces WeChat's rules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wechat.local_platform import LocalPlatform
from wechat.errors import BadCode, BadContent, BadRecipient, BadTemplateData, OutsideWindow, Refused
from wechat.mini_program import MiniProgram

PROGRESS = {"thing1": "案件已受理"}


@pytest.fixture
async def citizen(platform: LocalPlatform) -> dict[str, Any]:
    phone: dict[str, Any] = await platform.control(
        "PUT", "/phones/citizen", {"name": "周晓禾", "phone_number": "19900000001"}
    )
    return phone


async def decide(platform: LocalPlatform, decision: str) -> None:
    body = {"account": "mp", "decisions": {"PROGRESS": decision}}
    await platform.control("POST", "/phones/citizen/subscriptions", body)


async def approve(platform: LocalPlatform, term: str) -> None:
    fields = [{"key": "thing1", "label": "事项"}]
    template = {"id": "PROGRESS", "title": "案件进展通知", "fields": fields, "term": term}
    await platform.control("PUT", "/templates/mp_subscribe", template)


class TestLogin:
    async def test_a_code_tells_who_it_is_once(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        code = (await platform.control("POST", "/phones/citizen/mini-program/js-code", {}))["js_code"]
        login = await mini_program.login(code)
        assert (login.openid, login.unionid) == (citizen["mp_openid"], citizen["unionid"])
        assert login.session_key
        assert login.session_key not in repr(login)
        with pytest.raises(BadCode):
            await mini_program.login(code)

    async def test_logging_in_needs_no_access_token(self, platform: LocalPlatform, mini_program: MiniProgram) -> None:
        with pytest.raises(BadCode):
            await mini_program.login("invented")
        (call,) = await platform.calls("/sns/jscode2session")
        assert "access_token" not in call["query"]
        assert await platform.calls("/cgi-bin/stable_token") == []

    async def test_the_verified_phone_number(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        path = "/phones/citizen/mini-program/phone-code"
        code = (await platform.control("POST", path, {"consent": True}))["code"]
        phone = await mini_program.phone_number(code)
        assert phone.phone == "+8619900000001"
        assert phone.verified_at is not None
        assert "19900000001" not in repr(phone)
        with pytest.raises(BadCode):
            await mini_program.phone_number(code)


class TestSubscribeMessages:
    async def test_one_consent_is_one_message(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        await approve(platform, "one_time")
        with pytest.raises(Refused):
            await mini_program.send_subscribed(citizen["mp_openid"], "PROGRESS", PROGRESS)
        await decide(platform, "accept")
        await mini_program.send_subscribed(citizen["mp_openid"], "PROGRESS", PROGRESS, page="pages/case/index?id=1")
        with pytest.raises(Refused):
            await mini_program.send_subscribed(citizen["mp_openid"], "PROGRESS", PROGRESS)
        feed = await platform.control("GET", "/phones/citizen/feed?after=0&channel=notice")
        (content,) = [entry["content"] for entry in feed["entries"] if entry["direction"] == "to_phone"]
        assert (content["page"], content["miniprogram_state"]) == ("pages/case/index?id=1", "formal")

    async def test_a_long_term_consent_is_many(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        await approve(platform, "long_term")
        await decide(platform, "accept")
        for _ in range(3):
            await mini_program.send_subscribed(citizen["mp_openid"], "PROGRESS", PROGRESS)

    async def test_wrong_fields(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        await approve(platform, "one_time")
        await decide(platform, "accept")
        with pytest.raises(BadTemplateData, match="thing1"):
            await mini_program.send_subscribed(citizen["mp_openid"], "PROGRESS", {"thing1": "长" * 21})
        with pytest.raises(BadTemplateData):
            await mini_program.send_subscribed(citizen["mp_openid"], "NONE", PROGRESS)

    async def test_to_an_openid_of_the_other_account(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        await approve(platform, "one_time")
        with pytest.raises(BadRecipient):
            await mini_program.send_subscribed(citizen["oa_openid"], "PROGRESS", PROGRESS)


class TestWaysIn:
    async def test_a_code_that_is_scanned_opens_its_page(
        self, platform: LocalPlatform, mini_program: MiniProgram
    ) -> None:
        picture = await mini_program.code("join_4f2a", "pages/join/index")
        assert (picture.content_type, picture.content[:4]) == ("image/png", b"\x89PNG")
        codes = await platform.control("GET", "/qrcodes")
        assert "join_4f2a" in str(codes)

    @pytest.mark.parametrize("scene", ["", "x" * 33, "a b", "签", "a%b"])
    async def test_an_impossible_scene_is_not_asked_for(self, mini_program: MiniProgram, scene: str) -> None:
        with pytest.raises(ValueError, match="scene"):
            await mini_program.code(scene, "pages/join/index")

    async def test_a_page_the_platform_does_not_know(self, platform: LocalPlatform, mini_program: MiniProgram) -> None:
        with pytest.raises(BadContent):
            await mini_program.code("x", "/pages/join/index")

    async def test_a_link_for_an_sms(self, platform: LocalPlatform, mini_program: MiniProgram) -> None:
        link = await mini_program.url_link("pages/join/index", "token=abc", days=30)
        assert link.startswith("https://")
        for days in (0, 31):
            with pytest.raises(ValueError, match="30 days"):
                await mini_program.url_link("pages/join/index", "", days=days)


class TestTalking:
    async def test_customer_service_after_a_message_only(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        with pytest.raises(OutsideWindow):
            await mini_program.send_text(citizen["mp_openid"], "您好")
        body = {"type": "text", "content": "在吗", "account": "mp"}
        await platform.control("POST", "/phones/citizen/messages", body)
        await mini_program.send_text(citizen["mp_openid"], "您好")

    async def test_what_the_platform_thinks_of_a_text(
        self, platform: LocalPlatform, mini_program: MiniProgram, citizen: dict[str, Any]
    ) -> None:
        assert (await mini_program.check_text(citizen["mp_openid"], "谢谢民警")).suggestion == "pass"
        verdict = await mini_program.check_text(citizen["mp_openid"], "网上赌博")
        assert (verdict.suggestion, verdict.label) == ("risky", 20_006)
