"""Signed batches: once, in order, untouched; and what one installation writes another takes in."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from stewardship.casework.cases.models import Case, CaseStage
from stewardship.casework.parties.models import Party, PartyRole, Side
from stewardship.exchange import batches, clients, envelope, sending
from stewardship.exchange.envelope import FORMAT, Head
from stewardship.exchange.models import MachineClient, ReceivedBatch, SentBatch
from stewardship.exchange.zones import Zone
from stewardship.foundation.errors import BusinessError, Conflict, Invalid, NotFound
from tests.exchange.conftest import CaseSystem, administrator
from tests.support.world import World, case_with

KEY = os.urandom(32)


@pytest.fixture
async def sender(world: World) -> MachineClient:
    """A system that sends batches."""
    registered = await clients.register(
        await administrator(world),
        world.sub_bureau.id,
        name="内网",
        source_system="intranet",
        public_key=envelope.public_key_of(KEY),
    )
    return registered.client


def batch(sender: MachineClient, sequence: int, *records: Any, key: bytes = KEY) -> bytes:
    head = Head(
        format=FORMAT,
        client=sender.id,
        sequence=sequence,
        count=len(records),
        written_at=datetime(2026, 3, 16, tzinfo=UTC),
    )
    return envelope.sealed(key, head, [record.model_dump(mode="json", exclude_none=True) for record in records])[0]


@pytest.fixture
def system(world: World, sender: MachineClient) -> CaseSystem:
    return CaseSystem(world, sender)


async def test_a_batch_is_taken_once(sender: MachineClient, system: CaseSystem) -> None:
    first = batch(sender, 1, system.record("case", "C1"), system.record("party", "P1", case="C1"))
    taken = await batches.take(first, Zone.SINGLE)
    assert taken.counts == {"applied": 2, "unchanged": 0, "older": 0, "refused": 0}
    again = await batches.take(first, Zone.SINGLE)
    assert (again.repeated, again.counts) == (True, taken.counts)
    assert await Case.filter(source_id="C1").count() == 1


async def test_none_is_left_out_and_none_is_written_twice(sender: MachineClient, system: CaseSystem) -> None:
    with pytest.raises(Conflict, match="batch_gap"):
        await batches.take(batch(sender, 2, system.record("case", "C1")), Zone.SINGLE)
    await batches.take(batch(sender, 1, system.record("case", "C1")), Zone.SINGLE)
    with pytest.raises(Conflict, match="batch_forked"):
        await batches.take(batch(sender, 1, system.record("case", "C2")), Zone.SINGLE)
    assert not await Case.exists(source_id="C2")


@pytest.mark.parametrize("place", [10, 150, 250, -30, -4])
async def test_a_changed_byte_is_noticed_and_nothing_applied(
    sender: MachineClient, system: CaseSystem, place: int
) -> None:
    data = bytearray(batch(sender, 1, system.record("case", "C1")))
    data[place] ^= 1
    with pytest.raises(BusinessError):
        await batches.take(bytes(data), Zone.SINGLE)
    assert not await Case.exists(source_id="C1")
    assert await ReceivedBatch.all().count() == 0


async def test_another_key_or_a_revoked_sender_is_refused(
    world: World, sender: MachineClient, system: CaseSystem
) -> None:
    record = system.record("case", "C1")
    with pytest.raises(Invalid, match="batch_signature"):
        await batches.take(batch(sender, 1, record, key=os.urandom(32)), Zone.SINGLE)
    await clients.revoke(await administrator(world), sender.id)
    with pytest.raises(NotFound, match="machine_client_not_found"):
        await batches.take(batch(sender, 1, record), Zone.SINGLE)


@pytest.mark.parametrize("data", [b"", b"{}", b"\n\n", b"[" * 10_000, b'{"format":"steward-batch/1"}\n{}\n'])
async def test_what_is_no_batch_is_said_so(world: World, data: bytes) -> None:
    with pytest.raises(Invalid, match="batch_malformed"):
        await batches.take(data, Zone.SINGLE)


async def test_a_line_that_is_no_record_refuses_the_whole_batch(sender: MachineClient, system: CaseSystem) -> None:
    head = Head(format=FORMAT, client=sender.id, sequence=1, count=2, written_at=datetime(2026, 3, 16, tzinfo=UTC))
    good = system.record("case", "C1").model_dump(mode="json", exclude_none=True)
    data, _ = envelope.sealed(KEY, head, [good, {"kind": "case", "source_id": "C2"}])
    with pytest.raises(Invalid, match="batch_malformed") as caught:
        await batches.take(data, Zone.SINGLE)
    assert "第 3 行" in caught.value.detail
    assert not await Case.exists(source_id="C1")


async def test_a_refused_record_is_kept_by_its_id_and_the_others_are_applied(
    sender: MachineClient, system: CaseSystem
) -> None:
    taken = await batches.take(
        batch(sender, 1, system.record("party", "P1", case="nowhere"), system.record("case", "C1")), Zone.SINGLE
    )
    assert taken.counts["applied"] == taken.counts["refused"] == 1
    assert (await ReceivedBatch.get()).refused == [["party", "P1", "case_not_found"]]


async def test_what_has_changed_is_written_and_nothing_else(world: World, sender: MachineClient) -> None:
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    first = await sending.write_batch(sender.id, world.sub_bureau, Zone.INTERNET, KEY)
    assert first is not None
    read = envelope.opened(first.data, envelope.public_key_of(KEY))
    kinds = [record.kind for record in read.records]
    assert kinds == sorted(kinds, key=["unit", "officer", "case", "party", "stage"].index)
    assert {"unit", "officer", "case", "party", "stage"} == set(kinds)
    assert await sending.write_batch(sender.id, world.sub_bureau, Zone.INTERNET, KEY) is None
    await Case.filter(id=joined.case.id).update(number="甲1号")
    second = await sending.write_batch(sender.id, world.sub_bureau, Zone.INTERNET, KEY)
    assert second is not None
    (changed,) = envelope.opened(second.data, envelope.public_key_of(KEY)).records
    assert (changed.kind, changed.source_id, changed.revision) == ("case", str(joined.case.id), 2)
    assert await SentBatch.all().count() == 2


async def test_what_one_zone_writes_the_other_takes_in(world: World, sender: MachineClient) -> None:
    """Both in one database: what was ours comes back under another name, as it would arrive outside."""
    joined = await case_with(world, (PartyRole.VICTIM, Side.A))
    await Case.filter(id=joined.case.id).update(number=None)
    written = await sending.write_batch(sender.id, world.sub_bureau, Zone.INTERNET, KEY)
    assert written is not None
    assert b"brief" not in written.data
    assert b"id_number" not in written.data
    taken = await batches.take(written.data, Zone.INTERNET)
    assert taken.refused == ()
    case = await Case.get(source_system="intranet")
    assert case.id != joined.case.id
    assert case.kind is joined.case.kind
    assert (await Party.get(case_id=case.id)).roles == ["victim"]
    assert await CaseStage.filter(case_id=case.id).count() >= 1


def test_a_batch_can_be_read_line_by_line_by_other_programs(world: World) -> None:
    head = Head(
        format=FORMAT, client=world.station.id, sequence=1, count=0, written_at=datetime(2026, 3, 16, tzinfo=UTC)
    )
    lines = envelope.sealed(KEY, head, [])[0].splitlines()
    assert [sorted(orjson.loads(line)) for line in lines] == [
        ["client", "count", "format", "sequence", "written_at"],
        ["signature"],
    ]
