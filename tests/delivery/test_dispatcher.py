"""From the outbox to the platforms, on the real database; what the platforms answer is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from delivery.channels.base import ABILITIES, Parcel, Result
from delivery.hooks import Fact
from delivery.models import Channel
from delivery.notice import Notice
from delivery.quotas import Quotas
from delivery.recipients import Dropped, Protected, Recipient
from delivery.registry import REGISTRY
from kit import database
from kit.valkey import Redis, connect
from tests.delivery.town import (
    NIGHT,
    NOON,
    Killed,
    Town,
    answer,
    attempts,
    error,
    message,
    queued_jobs,
    states,
    unreachable,
)

CHAT, TEMPLATE, SUBSCRIBE, SMS = (
    Channel.OA_CUSTOMER_SERVICE,
    Channel.OA_TEMPLATE,
    Channel.MP_SUBSCRIBE,
    Channel.SMS,
)


@pytest.fixture(autouse=True)
def _noon(clock_at: Callable[[datetime], None]) -> None:
    clock_at(NOON)


async def test_whoever_wrote_just_now_reads_it_in_the_chat(town: Town) -> None:
    (id_,) = await town.tell(await town.person(chat=True), context=answer())
    await town.work()
    (parcel,) = town.air[CHAT].accepted
    assert "鉴定意见预计下周出来。" in parcel.said.chat[0]
    row = await message(id_)
    assert (row["state"], row["channel"], row["tries"]) == ("sent", "oa_customer_service", 1)
    assert await attempts(id_) == [("oa_customer_service", "sent", "")]
    assert [each.message.id for each in town.heard.sent] == [id_]
    assert await queued_jobs() == 0


async def test_outside_the_chat_a_notice_says_only_that_there_is_an_answer(town: Town) -> None:
    await town.tell(await town.person(), context=answer(answer="嫌疑人已找到"))
    await town.work()
    (parcel,) = town.air[SMS].accepted
    assert parcel.template is not None
    assert "嫌疑人" not in "".join(parcel.template.parameters(parcel.said.values))
    assert "松竹" in parcel.template.parameters(parcel.said.values)


async def test_a_refusal_goes_to_the_next_channel_at_once(town: Town) -> None:
    (id_,) = await town.tell(await town.person(chat=True, credits=1))
    town.air[CHAT].fate.append(error(45015))
    town.air[SUBSCRIBE].fate.append(error(43101))
    town.air[TEMPLATE].fate.append(error(43004))
    await town.work()
    assert await attempts(id_) == [
        ("oa_customer_service", "refused", "45015"),
        ("mp_subscribe", "refused", "43101"),
        ("oa_template", "refused", "43004"),
        ("sms", "sent", ""),
    ]
    assert [each.fact for each in town.heard.refused] == [Fact.NO_CONSENT, Fact.NOT_FOLLOWING]
    assert await database.fetchval("select message_window_used from wechat_identity where platform = 'oa'") == 5
    assert await database.fetchval("select remaining from subscription_credit") == 0


async def test_nobody_dies_silently(town: Town) -> None:
    alone = await town.person(phone=False)
    (id_,) = await town.tell(alone)
    await town.work()
    (failure,) = town.heard.failed
    assert (failure.message.id, failure.reason, failure.call_needed) == (id_, "sms:no_phone", True)
    assert await states([id_]) == ["failed"]


async def test_a_busy_platform_is_asked_again_later_and_nothing_is_used_up(town: Town) -> None:
    (id_,) = await town.tell(await town.person(chat=True))
    town.air[CHAT].fate += [error(-1), unreachable()]
    await town.work_once()
    assert (await message(id_))["state"] == "queued"
    assert await database.fetchval("select message_window_used from wechat_identity") == 0
    assert await town.work_once(waiting=False) == 0
    await town.work()
    assert (await message(id_))["state"] == "sent"
    assert await database.fetchval("select message_window_used from wechat_identity") == 1


async def test_a_platform_that_stays_busy_is_left_for_another_channel(town: Town) -> None:
    (id_,) = await town.tell(await town.person(chat=True))
    town.air[CHAT].fate += [error(-1)] * 20
    await town.work()
    assert [outcome for _, outcome, _ in await attempts(id_)] == ["retry"] * 4 + ["sent"]
    assert (await message(id_))["channel"] == "oa_template"


async def test_the_last_channel_is_tried_patiently_and_then_given_up(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate += [unreachable()] * 50
    await town.work()
    assert (await message(id_))["state"] == "failed"
    assert [failure.reason for failure in town.heard.failed] == ["exhausted"]
    assert len(town.air[SMS].tried) == 12


async def test_what_may_have_gone_is_not_repeated(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate.append("late")
    await town.work()
    assert await states([id_]) == ["unknown"]
    assert town.accepted()[id_] == 1
    assert not town.heard.failed


async def test_an_idempotent_channel_is_asked_again_until_it_answers(town: Town) -> None:
    went, lost = await town.tell(await town.person(follows=True), await town.person(follows=True))
    town.air[TEMPLATE].fate += ["late", "lost"]
    await town.work()
    assert await states([went, lost]) == ["sent", "sent"]
    assert town.accepted() == {went: 1, lost: 1}
    assert ("oa_template", "sent", "43110") in await attempts(went)


async def test_a_bug_in_a_channel_costs_one_message_not_the_chunk(town: Town) -> None:
    ids = await town.tell(await town.person(), await town.person(), await town.person())
    town.air[SMS].fate += ["accept", "broken", "accept"]
    await town.work()
    assert await states(ids) == ["sent", "unknown", "sent"]


async def test_a_bug_in_a_hook_costs_one_message_not_the_chunk(town: Town) -> None:
    ids = await town.tell(await town.person(), await town.person(), await town.person())
    town.heard.broken_for = {ids[1]}
    with pytest.raises(ZeroDivisionError):
        await town.work_once()
    assert await states(ids) == ["sent", "sending", "sent"]
    await town.work()
    assert await states(ids) == ["sent", "unknown", "sent"]
    assert await queued_jobs() == 0


async def test_a_worker_killed_after_sending_leaves_unknown_not_a_second_message(town: Town) -> None:
    ids = await town.tell(*[await town.person() for _ in range(3)])
    town.heard.kill_in = "sent"
    with pytest.raises(Killed):
        await town.work_once()
    assert await states(ids) == ["sending"] * 3
    await town.work()
    assert await states(ids) == ["unknown"] * 3
    assert set(town.accepted().values()) == {1}


async def test_a_worker_killed_while_sending_templates_repeats_them(town: Town) -> None:
    ids = await town.tell(*[await town.person(follows=True) for _ in range(3)])
    town.heard.kill_in = "sent"
    with pytest.raises(Killed):
        await town.work_once()
    await town.work()
    assert await states(ids) == ["sent"] * 3
    assert set(town.accepted().values()) == {1}


async def test_templates_are_not_repeated_once_the_platform_has_forgotten_them(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    ids = await town.tell(await town.person(follows=True))
    town.heard.kill_in = "sent"
    with pytest.raises(Killed):
        await town.work_once()
    clock_at(NOON + timedelta(minutes=10))
    await town.work()
    assert await states(ids) == ["unknown"]
    assert len(town.air[TEMPLATE].tried) == 1


async def test_a_paused_worker_that_wakes_up_late_still_records_what_it_sent(real_town: Town) -> None:
    """Its job was run by another worker meanwhile, which found SENDING and could not know."""
    town = real_town
    (id_,) = await town.tell(await town.person())
    reached, go_on = asyncio.Event(), asyncio.Event()
    sms = town.air[SMS]
    plain_send = sms.send

    async def paused(parcel: Parcel) -> Result:
        result = await plain_send(parcel)
        reached.set()
        await go_on.wait()
        return result

    sms.send = paused  # type: ignore[method-assign]  # for the length of one send.
    slow = asyncio.create_task(town.work_once())
    await reached.wait()
    sms.send = plain_send  # type: ignore[method-assign]  # as it was.
    await town.work_once()
    assert await states([id_]) == ["unknown"]
    go_on.set()
    await slow
    assert await states([id_]) == ["sent"]
    assert town.accepted()[id_] == 1


async def test_what_changed_since_it_was_enqueued_counts(town: Town) -> None:
    person = await town.person()
    (id_,) = await town.tell(person)
    town.people[person] = Dropped("removed")
    await town.work()
    row = await message(id_)
    assert (row["state"], row["reason"]) == ("cancelled", "removed")
    assert not town.accepted()
    assert not town.heard.failed


async def test_after_its_time_a_message_is_not_sent_but_somebody_calls(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    (id_,) = await town.tell(await town.person())
    clock_at(NOON + timedelta(days=8))
    await town.work()
    assert not town.accepted()
    assert [(each.message.id, each.reason, each.call_needed) for each in town.heard.failed] == [(id_, "expired", True)]


async def test_no_sms_rings_at_night_unless_it_follows_from_what_the_person_did(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(NIGHT)
    news, answered = await town.tell(await town.person()), await town.tell(await town.person(), context=answer())
    await town.work_once()
    assert await states([*news, *answered]) == ["queued", "sent"]
    assert (await message(news[0]))["reason"] == "waits_for_morning"
    due = await database.fetchval("select execute_after - now() from pgqueuer")
    assert timedelta(hours=8) < due < timedelta(hours=9)
    clock_at(NIGHT + timedelta(hours=9))
    await town.work()
    assert await states(news) == ["sent"]


async def test_a_night_sms_waits_also_where_the_chat_has_just_refused(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(NIGHT)
    ids = await town.tell(await town.person(chat=True))
    town.air[CHAT].fate.append(error(45015))
    town.air[TEMPLATE].fate.append(error(43004))
    await town.work_once()
    assert (await message(ids[0]))["reason"] == "waits_for_morning"


async def test_a_protected_person_hears_only_the_pretext_by_the_safe_phone(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    await database.execute("update template set state = 'active' where notice = 'safe_pretext'")
    person = await town.person()
    found = town.people[person]
    assert isinstance(found, Recipient)
    safe = Protected(found.phones[0], 10 * 60, 11 * 60, "您要的花到了")
    town.people[person] = Recipient(protected=safe)
    (id_,) = await town.tell(person)
    await town.work_once()
    assert (await message(id_))["reason"] == "waits_for_safe_hours"
    clock_at(NOON + timedelta(hours=22, minutes=30))
    await town.work()
    (parcel,) = town.air[SMS].accepted
    assert parcel.template is not None
    assert parcel.template.parameters(parcel.said.values) == ["您要的花到了"]


async def test_without_a_safe_phone_a_protected_person_is_called_safely(town: Town) -> None:
    person = await town.person()
    town.people[person] = Recipient(protected=Protected(None, 9 * 60, 18 * 60, ""))
    await town.tell(person)
    await town.work()
    assert [failure.reason for failure in town.heard.failed] == ["safe_call_needed"]
    assert not town.accepted()


async def test_five_messages_within_the_window_and_then_another_channel(town: Town) -> None:
    person = await town.person(chat=True)
    await town.tell(*[person] * 7)
    await town.work()
    assert (len(town.air[CHAT].accepted), len(town.air[TEMPLATE].accepted)) == (5, 2)


async def test_two_workers_never_take_more_than_the_window_allows(real_town: Town) -> None:
    town = real_town
    person = await town.person(chat=True)
    for _ in range(12):
        await town.tell(person, priority=1)
    await asyncio.gather(town.work_once(), town.work_once(), town.work_once())
    assert len(town.air[CHAT].accepted) == 5
    assert set(town.accepted().values()) == {1}
    assert len(town.accepted()) == 12


async def test_one_consent_is_one_message(real_town: Town) -> None:
    town = real_town
    person = await town.person(credits=2)
    for _ in range(5):
        await town.tell(person, priority=1)
    await asyncio.gather(town.work_once(), town.work_once())
    assert (len(town.air[SUBSCRIBE].accepted), len(town.air[SMS].accepted)) == (2, 3)
    assert await database.fetchval("select remaining from subscription_credit") == 0


async def test_elderly_people_get_an_sms_before_a_service_notification(town: Town) -> None:
    await town.tell(await town.person(credits=1, elderly=True))
    await town.work()
    assert (len(town.air[SMS].accepted), len(town.air[SUBSCRIBE].accepted)) == (1, 0)


async def test_a_misconfigured_account_keeps_the_message(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate.append(error(48001))
    await town.work_once()
    assert (await message(id_))["state"] == "queued"
    await town.work()
    assert (await message(id_))["state"] == "sent"


async def test_a_context_that_cannot_be_read_fails_alone(town: Town) -> None:
    ids = await town.tell(await town.person(), await town.person())
    await database.execute("update message set context = '\\x00' where id = $1", ids[0])
    await town.work()
    assert await states(ids) == ["failed", "sent"]
    assert town.heard.failed[0].reason == "unreadable_context"


async def test_a_chunk_waits_when_the_account_has_sent_its_share(town: Town, redis: Redis) -> None:
    await redis.flushdb()
    ids = await town.tell(*[await town.person() for _ in range(3)])
    worker = town.dispatcher(quotas=Quotas(redis, {SMS: ("4/hour",)}))
    await town.work_once(dispatcher=worker)
    more = await town.tell(*[await town.person() for _ in range(3)])
    await town.work_once(dispatcher=worker)
    assert await states([*ids, *more]) == ["sent"] * 3 + ["queued"] * 3
    assert await town.work_once(waiting=False) == 0
    assert await queued_jobs() == 1


async def test_without_valkey_nothing_is_limited(town: Town) -> None:
    away = connect("redis://127.0.0.1:1")
    ids = await town.tell(await town.person())
    await town.work(dispatcher=town.dispatcher(quotas=Quotas(away, {SMS: ("1/hour",)})))
    assert await states(ids) == ["sent"]
    await away.aclose()


@pytest.mark.parametrize("channel", sorted(Channel))
def test_every_channel_declares_what_it_can_do(channel: Channel) -> None:
    abilities = ABILITIES[channel]
    assert abilities.needs_template != abilities.carries_text
    assert abilities.rates


def test_what_matters_most_ends_in_a_call_where_it_cannot_be_delivered() -> None:
    wanted = {Notice.INVITATION, Notice.UPDATE_POSTED, Notice.INQUIRY_ANSWERED, Notice.INQUIRY_BREACHED}
    assert all(REGISTRY[notice].call_if_undelivered for notice in wanted)
    assert not REGISTRY[Notice.RATING_REQUEST].call_if_undelivered
