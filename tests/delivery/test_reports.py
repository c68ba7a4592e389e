"""What is learnt after a send: in whatever order, however often, or never."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import orjson
import pytest

from delivery.models import Channel
from delivery.recipients import Recipient
from delivery.reports import REPORT, apply_report, reconcile
from kit import clock, database, jobs
from tests.delivery.town import NIGHT, NOON, Killed, Town, attempts, message, states
from wechat.errors import NotSent

SMS, TEMPLATE = Channel.SMS, Channel.OA_TEMPLATE


@pytest.fixture(autouse=True)
def _noon(clock_at: Callable[[datetime], None]) -> None:
    clock_at(NOON)


async def take_reports(*, times: int = 1) -> None:
    """Run the jobs that reports enqueue, those for later included."""
    for _ in range(times):
        rows = await database.fetch("delete from pgqueuer where entrypoint = $1 returning id, payload", REPORT)
        for row in rows:
            await jobs.run_now(REPORT, orjson.loads(row["payload"]))


async def platform_id(id_: UUID) -> str:
    return str((await message(id_))["platform_id"])


async def test_a_delivered_sms_is_known_as_delivered(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    await town.work()
    for _ in range(2):
        await apply_report(await platform_id(id_), delivered=True, code="DELIVRD")
        await take_reports()
    row = await message(id_)
    assert row["state"] == "delivered"
    assert row["delivered_at"] >= NOON
    assert await attempts(id_) == [("sms", "sent", ""), ("sms", "delivered", "DELIVRD")]


async def test_an_undelivered_sms_ends_in_a_call(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    await town.work()
    for _ in range(2):
        await apply_report(await platform_id(id_), delivered=False, code="MK:0012")
        await take_reports()
    await town.work()
    assert [(each.message.id, each.reason) for each in town.heard.failed] == [(id_, "sms:tried")]
    assert await states([id_]) == ["failed"]
    assert town.accepted()[id_] == 1


async def test_a_blocked_template_message_goes_on_by_sms(town: Town) -> None:
    (id_,) = await town.tell(await town.person(follows=True))
    await town.work()
    await apply_report(await platform_id(id_), delivered=False, code="failed:user block")
    await take_reports()
    await town.work()
    row = await message(id_)
    assert (row["state"], row["channel"]) == ("sent", "sms")
    # The report comes once more, about the channel that the message has left.
    await apply_report(f"oa_templ-{id_.hex}", delivered=False, code="failed:user block")
    await take_reports(times=6)
    assert await states([id_]) == ["sent"]


async def test_a_report_may_come_before_its_send_is_recorded(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    await apply_report(f"sms-{id_.hex}", delivered=True, code="DELIVRD")
    await take_reports()
    await town.work()
    await take_reports()
    assert await states([id_]) == ["delivered"]


async def test_a_report_on_a_send_whose_answer_was_lost_is_matched_by_its_recipient(town: Town) -> None:
    person = await town.person()
    (id_,) = await town.tell(person)
    town.air[SMS].fate.append("late")
    await town.work()
    found = town.people[person]
    assert isinstance(found, Recipient)
    await apply_report("unheard-of", delivered=True, target_ids=[found.phones[0].contact_id])
    await take_reports(times=6)
    assert await states([id_]) == ["delivered"]


async def test_a_report_about_nothing_of_ours_changes_nothing(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate.append("late")
    await town.work()
    await apply_report("unheard-of", delivered=True)
    await apply_report("x" * 65, delivered=True)
    await apply_report("", delivered=True)
    await take_reports(times=6)
    assert await states([id_]) == ["unknown"]
    assert await database.fetchval("select count(*) from pgqueuer where entrypoint = $1", REPORT) == 0


async def test_an_unknown_outcome_is_reported_after_a_day_once(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate.append("lost")
    await town.work()
    await reconcile(NOON + timedelta(hours=23))
    assert not town.heard.failed
    for hours in (25, 26):
        await reconcile(NOON + timedelta(hours=hours))
    assert [(each.message.id, each.reason, each.call_needed) for each in town.heard.failed] == [
        (id_, "unknown_outcome", True)
    ]
    assert await states([id_]) == ["unknown"]


async def test_an_sms_that_nobody_reports_on_ends_in_a_call(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    await town.work()
    assert await states([id_]) == ["sent"]
    await reconcile(NOON + timedelta(hours=23))
    assert await states([id_]) == ["sent"]
    await reconcile(NOON + timedelta(hours=25))
    assert await states([id_]) == ["unknown"]
    assert [each.call_needed for each in town.heard.failed] == [True]


async def test_what_a_dead_worker_left_sending_without_a_job_becomes_unknown(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    town.air[SMS].fate.append("killed_after")
    with pytest.raises(Killed):
        await town.work_once()
    await database.execute("delete from pgqueuer")
    await reconcile(NOON + timedelta(minutes=14))
    assert await states([id_]) == ["sending"]
    assert (await reconcile(NOON + timedelta(minutes=16)))["interrupted"] == 1
    assert await states([id_]) == ["unknown"]
    assert await attempts(id_) == [("sms", "unknown", "interrupted")]


async def test_a_message_whose_job_was_lost_gets_another(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    await database.execute("delete from pgqueuer")
    await reconcile(NOON + timedelta(minutes=30))
    assert await town.work_once() == 0
    for _ in range(3):
        await reconcile(NOON + timedelta(hours=2))
    assert await town.work_once() == 1
    assert await states([id_]) == ["sent"]


async def test_a_message_waiting_for_its_next_try_is_left_alone(town: Town) -> None:
    await town.tell(await town.person())
    town.air[SMS].fate += [_unreachable()] * 3
    await town.work_once()
    assert (await reconcile(NOON + timedelta(hours=2)))["woken"] == 0


async def test_who_waits_for_the_morning_is_woken_by_the_domains_clock(
    town: Town, clock_at: Callable[[datetime], None]
) -> None:
    clock_at(NIGHT)
    (id_,) = await town.tell(await town.person())
    await town.work_once()
    assert (await reconcile(clock.now()))["woken"] == 0
    clock_at(NIGHT + timedelta(hours=9))
    assert (await reconcile(clock.now()))["woken"] == 1
    await town.work_once(waiting=False)
    assert await states([id_]) == ["sent"]
    await town.work()
    assert town.accepted()[id_] == 1


async def test_a_queued_message_expires_even_without_a_worker(town: Town) -> None:
    (id_,) = await town.tell(await town.person())
    assert (await reconcile(NOON + timedelta(days=8)))["expired"] == 1
    assert [failure.reason for failure in town.heard.failed] == ["expired"]
    await town.work()
    assert await states([id_]) == ["failed"]
    assert not town.accepted()


def _unreachable() -> NotSent:
    return NotSent("ClientConnectorError")
