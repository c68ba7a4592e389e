"""Every notice on every channel to a phone of the local platform, which enforces the platforms' rules."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from delivery.catalogue import starting_templates
from delivery.channels.base import Sender
from delivery.channels.mp_subscribe import MpSubscribe
from delivery.channels.oa_customer_service import OaCustomerService
from delivery.channels.oa_template import OaTemplate
from delivery.channels.sms import Sms
from delivery.channels.sms_gateway import SmsGateway
from delivery.contexts import Context
from delivery.hooks import Fact
from delivery.models import Channel
from delivery.notice import Notice
from delivery.recipients import Phone, Recipient
from delivery.registry import REGISTRY
from delivery.samples import samples
from kit import database
from kit.ids import new_id
from settings import Settings
from tests.delivery.conftest import SITE
from tests.delivery.town import NOON, Town, answer, attempts, message, states
from tests.wechat.local_platform import LocalPlatform, running
from wechat.mini_program import MiniProgram
from wechat.official_account import OfficialAccount
from wechat.tokens import own_tokens
from wechat.transport import Transport
from wechat.wire import client

CHAT, TEMPLATE, SUBSCRIBE, SMS = (
    Channel.OA_CUSTOMER_SERVICE,
    Channel.OA_TEMPLATE,
    Channel.MP_SUBSCRIBE,
    Channel.SMS,
)
NUMBER = "19900000001"
SHOWN = {CHAT: "oa", TEMPLATE: "oa", SUBSCRIBE: "notice", SMS: "sms"}
"""On which of the phone's feeds a channel's messages appear."""


@pytest.fixture(autouse=True)
def _noon(clock_at: Callable[[datetime], None]) -> None:
    """By day, so that an SMS may ring; the local platform keeps its own clock."""
    clock_at(NOON)


def about(notice: Notice) -> Context:
    return samples(notice)[0]


@pytest.fixture(scope="module")
def platform_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
async def platform(platform_url: str) -> AsyncIterator[LocalPlatform]:
    """One phone that follows and has just written; every template of the house is approved."""
    async with client() as http:
        local = LocalPlatform(platform_url, http)
        await local.control("POST", "/reset", {"templates": True})
        await local.control("PUT", "/phones/victim", {"name": "周晓禾", "phone_number": NUMBER})
        await local.control("POST", "/phones/victim/follow")
        await _register_templates(local)
        yield local


async def _register_templates(local: LocalPlatform) -> None:
    kinds = {TEMPLATE: "oa_template", SUBSCRIBE: "mp_subscribe", SMS: "sms"}
    for seed in starting_templates(SITE):
        template: dict[str, Any] = {"id": seed.template_id, "title": seed.definition.title}
        if seed.channel is SMS:
            template["text"] = seed.definition.text
        else:
            template["fields"] = [{"key": each.key, "label": each.label} for each in seed.definition.fields]
        if seed.channel is SUBSCRIBE:
            template["term"] = seed.definition.term
        await local.control("PUT", f"/templates/{kinds[seed.channel]}", template)


@pytest.fixture
def channels(platform: LocalPlatform, settings: Settings) -> dict[Channel, Sender]:
    def transport(account: Any) -> Transport:
        tokens = own_tokens(account, platform.http, base_url=platform.url, redis=None)
        return Transport(platform.http, base_url=platform.url, tokens=tokens, seconds=1.0)

    official = OfficialAccount(transport(settings.oa))
    return {
        CHAT: OaCustomerService(official),
        TEMPLATE: OaTemplate(official, mp_app_id=settings.mp.app_id),
        SUBSCRIBE: MpSubscribe(MiniProgram(transport(settings.mp), settings.mp, state="formal")),
        SMS: Sms(SmsGateway(platform.http, settings.sms, base_url=platform.url)),
    }


async def reach_by(town: Town, platform: LocalPlatform, *ways: Channel) -> Any:
    """The phone's owner, reachable in these ways only."""
    phone = await platform.control("GET", "/phones/victim")
    person = await town.person(chat=CHAT in ways, follows=TEMPLATE in ways, credits=1, phone=False)
    found = town.people[person]
    assert isinstance(found, Recipient)
    oa = replace(found.oa, openid=phone["oa_openid"]) if found.oa else None
    mp = replace(found.mp, openid=phone["mp_openid"]) if found.mp and SUBSCRIBE in ways else None
    phones = (Phone(new_id(), f"+86{NUMBER}"),) if SMS in ways else ()
    town.people[person] = Recipient(oa=oa, mp=mp, phones=phones)
    return person


async def shown(platform: LocalPlatform, feed: str) -> list[dict[str, Any]]:
    entries = (await platform.control("GET", "/phones/victim/feed?after=0"))["entries"]
    return [entry for entry in entries if entry["channel"] == feed and entry["direction"] == "to_phone"]


WAYS = [
    (notice, channel)
    for notice, entry in REGISTRY.items()
    for channel in entry.channels
]  # fmt: skip


@pytest.mark.parametrize(("notice", "channel"), WAYS, ids=lambda each: each.value)
async def test_it_arrives(
    town: Town, platform: LocalPlatform, channels: dict[Channel, Sender], notice: Notice, channel: Channel
) -> None:
    if channel is CHAT:
        await platform.control("POST", "/phones/victim/messages", {"type": "text", "content": "您好"})
    if channel is SUBSCRIBE:
        await _consent(platform, notice)
    person = await reach_by(town, platform, channel)
    await database.execute("update subscription_credit set template_id = $1", await _template_id(notice, SUBSCRIBE))
    # The other channel of the official account is not to help out.
    worker = town.dispatcher()
    worker._channels, worker._connected = {channel: channels[channel]}, frozenset({channel})
    (id_,) = await town.tell(person, context=about(notice))
    await town.work(dispatcher=worker)
    assert await attempts(id_) == [(channel.value, "sent", "")]
    entry = (await shown(platform, SHOWN[channel]))[-1]
    assert "鉴定意见预计周五" not in entry["text"] or channel is CHAT
    assert "{" not in entry["text"]


async def _consent(platform: LocalPlatform, notice: Notice) -> None:
    body = {"account": "mp", "decisions": {await _template_id(notice, SUBSCRIBE): "accept"}}
    await platform.control("POST", "/phones/victim/subscriptions", body)


async def _template_id(notice: Notice, channel: Channel) -> str:
    found = await database.fetchval(
        "select template_id from template where notice = $1 and channel = $2", notice.value, channel.value
    )
    return str(found or "none")


@pytest.fixture
def worker(town: Town, channels: dict[Channel, Sender]) -> Any:
    made = town.dispatcher()
    made._channels = channels
    return made


async def test_books_and_platform_disagree_and_the_message_arrives_all_the_same(
    town: Town, platform: LocalPlatform, worker: Any
) -> None:
    """We think the person has just written, consented and follows; the platform knows better."""
    await platform.control("POST", "/phones/victim/unfollow")
    person = await reach_by(town, platform, CHAT, SUBSCRIBE, SMS)
    (id_,) = await town.tell(person)
    await town.work(dispatcher=worker)
    assert await attempts(id_) == [
        ("oa_customer_service", "refused", "43004"),
        ("mp_subscribe", "refused", "43101"),
        ("oa_template", "refused", "43004"),
        ("sms", "sent", ""),
    ]
    assert {each.fact for each in town.heard.refused} == {Fact.NOT_FOLLOWING, Fact.NO_CONSENT}
    assert "松竹" in (await shown(platform, "sms"))[-1]["text"]


async def test_a_lost_answer_of_a_template_message_shows_it_once(
    town: Town, platform: LocalPlatform, worker: Any
) -> None:
    person = await reach_by(town, platform, TEMPLATE)
    await platform.fault("timeout_after", "/cgi-bin/message/template/send", seconds=1.5)
    (id_,) = await town.tell(person)
    await town.work(dispatcher=worker)
    assert await states([id_]) == ["sent"]
    cards = [entry for entry in await shown(platform, "oa") if entry["kind"] == "template_message"]
    assert len(cards) == 1


async def test_an_sms_whose_answer_is_lost_is_not_sent_again(town: Town, platform: LocalPlatform, worker: Any) -> None:
    person = await reach_by(town, platform, SMS)
    await platform.fault("timeout_after", account="sms", seconds=0.2)
    (id_,) = await town.tell(person, context=answer())
    await town.work(dispatcher=worker)
    assert await states([id_]) == ["unknown"]
    assert len(await shown(platform, "sms")) == 1


async def test_a_busy_platform_gets_it_the_next_time(town: Town, platform: LocalPlatform, worker: Any) -> None:
    await platform.control("POST", "/phones/victim/messages", {"type": "text", "content": "您好"})
    person = await reach_by(town, platform, CHAT)
    await platform.fault("error", "/cgi-bin/message/custom/send", errcode=-1, times=2)
    (id_,) = await town.tell(person, context=answer())
    await town.work(dispatcher=worker)
    row = await message(id_)
    assert (row["state"], row["tries"]) == ("sent", 3)
