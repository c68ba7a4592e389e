"""The accounts list their templates, each in its platform's own shape."""

from __future__ import annotations

from tests.wechat.local_platform import LocalPlatform
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount
from wechat.templates import AccountTemplate

FIELDS = [{"key": "thing1", "label": "事项"}, {"key": "time2", "label": "时间"}]
READ = (("thing1", "事项"), ("time2", "时间"))


async def register(platform: LocalPlatform, kind: str, template_id: str, **more: str) -> None:
    template = {"id": template_id, "title": "办理进度通知", "fields": FIELDS, **more}
    await platform.control("PUT", f"/templates/{kind}", template)


async def test_subscribe_messages_come_with_their_term(platform: LocalPlatform, mini_program: MiniProgram) -> None:
    await register(platform, "mp_subscribe", "ONCE", term="one_time")
    await register(platform, "mp_subscribe", "LONG", term="long_term")
    await register(platform, "mp_subscribe", "PENDING", state="pending")
    await register(platform, "oa_template", "OTHER")
    assert await mini_program.templates() == [
        AccountTemplate("ONCE", "办理进度通知", READ, "one_time"),
        AccountTemplate("LONG", "办理进度通知", READ, "long_term"),
    ]


async def test_template_messages_have_none(platform: LocalPlatform, official_account: OfficialAccount) -> None:
    await register(platform, "oa_template", "CARD")
    await register(platform, "mp_subscribe", "ONCE")
    assert await official_account.templates() == [AccountTemplate("CARD", "办理进度通知", READ, None)]
