"""A message is there exactly when its reason is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from delivery.outbox import CHUNK, NoTransaction, Outgoing, enqueue, enqueue_many
from delivery.registry import REGISTRY
from delivery.reports import KEYS_KEPT, prune
from kit import clock, database
from kit.ids import new_id
from tests.delivery.town import Town, message, queued_jobs, update


class _Undone(Exception):
    """The reason did not come about."""


async def test_a_message_commits_with_its_reason_or_not_at_all(real_town: Town) -> None:
    try:
        async with database.in_transaction():
            await enqueue(Outgoing(context=update(), recipient_id=new_id(), once_key="update:1"))
            raise _Undone
    except _Undone:
        pass
    assert await database.fetchval("select count(*) from message") == 0
    assert await queued_jobs() == 0
    async with database.in_transaction():
        assert await enqueue(Outgoing(context=update(), recipient_id=new_id(), once_key="update:1"))


async def test_outside_a_transaction_nothing_is_enqueued(real_town: Town) -> None:
    with pytest.raises(NoTransaction):
        await enqueue(Outgoing(context=update(), recipient_id=new_id()))


async def test_what_was_enqueued_under_a_key_is_not_enqueued_again(db: None) -> None:
    person = new_id()
    outgoing = [Outgoing(context=update(), recipient_id=person, once_key=key) for key in ("a", "b", "a")]
    first = await enqueue_many(outgoing)
    assert [id_ is not None for id_ in first] == [True, True, False]
    assert await enqueue_many(outgoing) == [None, None, None]
    assert await database.fetchval("select count(*) from message where recipient_id = $1", person) == 2
    assert await queued_jobs() == 1


async def test_keys_are_forgotten_after_half_a_year(db: None) -> None:
    await enqueue(Outgoing(context=update(), recipient_id=new_id(), once_key="old"))
    await database.execute("update outbox_key set created_at = $1", clock.now() - KEYS_KEPT - timedelta(days=1))
    await enqueue(Outgoing(context=update(), recipient_id=new_id(), once_key="new"))
    assert await prune() == 1
    assert await database.fetchval("select once_key from outbox_key") == "new"


async def test_messages_go_in_chunks_and_urgent_ones_alone_and_first(db: None) -> None:
    person = new_id()
    await enqueue_many(
        [
            Outgoing(context=update(), recipient_id=person, priority=5 if number < 3 else 0)
            for number in range(CHUNK + 13)
        ]
    )
    rows = await database.fetch("select priority, payload from pgqueuer order by priority desc, id")
    assert [row["priority"] for row in rows] == [5, 5, 5, 0, 0]


async def test_ten_thousand_messages_are_a_few_statements(db: None) -> None:
    ids = await enqueue_many([Outgoing(context=update(), recipient_id=new_id()) for _ in range(10_000)])
    assert len(set(ids)) == 10_000
    assert await queued_jobs() == 10_000 // CHUNK


async def test_what_a_message_says_is_sealed_and_expires(db: None) -> None:
    id_ = await enqueue(Outgoing(context=update(), recipient_id=new_id()))
    assert id_ is not None
    row = await message(id_)
    assert "莲花".encode() not in row["context"]
    assert row["expires_at"] - row["created_at"] == REGISTRY[update().notice].lifetime


@pytest.mark.parametrize(
    "wrong",
    [{"once_key": ""}, {"once_key": "x" * 201}, {"priority": 10}, {"expires_at": datetime(2026, 3, 12)}],  # noqa: DTZ001 — that is the fault.
)
def test_a_wrong_message_is_refused_where_it_is_written(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"once key|priority|aware"):
        Outgoing(context=update(), recipient_id=new_id(), **wrong)  # type: ignore[arg-type]  # wrong on purpose.
    right = Outgoing(context=update(), recipient_id=new_id(), expires_at=datetime(2026, 3, 12, tzinfo=UTC))
    assert right.priority == 0
