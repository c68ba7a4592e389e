"""What the platforms have, beside what we would send."""

from __future__ import annotations

import httpx

from delivery.models import Channel
from delivery.templates import Definition, Seed, TemplateField, seed_templates
from tests.api.city import City, officer_token
from tests.api.platform import Platform
from wechat.templates import AccountTemplate

KEPT = AccountTemplate("kept", "办理进度通知", (("thing1", "事项"), ("time2", "时间")), "one_time")
UNUSED = AccountTemplate("unused", "取件通知", (("thing1", "物品"),), "one_time")


async def test_the_account_is_compared_or_said_not_to_answer(
    client: httpx.AsyncClient, city: City, platform: Platform
) -> None:
    fields = (TemplateField(key="thing1", label="事项", value="matter"),)
    await seed_templates(
        [
            Seed(notice, Channel.MP_SUBSCRIBE, platform_id, Definition(title="办理进度通知", fields=fields))
            for notice, platform_id in (("update_posted", "kept"), ("inquiry_answered", "gone"))
        ]
    )
    platform.registered = [KEPT, UNUSED]
    headers = {"Authorization": f"Bearer {await officer_token(city, 'system_administrator')}"}
    [answer] = (await client.get("/message-templates/comparison", headers=headers)).json()["items"]
    assert (answer["answered"], answer["account"]) == (True, 2)
    assert [
        (each["template_id"], each["difference"], each["values"], each["grave"]) for each in answer["findings"]
    ] == [
        ("gone", "missing", [], True),
        ("kept", "unfilled_field", ["time2", "时间"], True),
        ("unused", "unused", ["取件通知"], False),
    ]
    platform.away = True
    [answer] = (await client.get("/message-templates/comparison", headers=headers)).json()["items"]
    assert (answer["answered"], answer["findings"]) == (False, [])
