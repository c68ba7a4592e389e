"""Taking signed batches in, each once and in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kit import database
from kit.database import atomic
from stewardship.exchange import envelope
from stewardship.exchange.clients import actor_for
from stewardship.exchange.envelope import Batch
from stewardship.exchange.models import MachineClient, ReceivedBatch
from stewardship.exchange.upserts import Outcome, Result, counted, place_of, upsert_all
from stewardship.exchange.zones import Zone
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, NotFound

PAGE = 200


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch. `repeated`: it was here already, and nothing was done."""

    sequence: int
    counts: dict[str, int]
    refused: tuple[Outcome, ...] = ()
    repeated: bool = False


async def take(data: bytes, zone: Zone, *, progress: Callable[[int, int], None] = lambda _done, _of: None) -> Taken:
    """Verify a batch and apply it. Raises Invalid, NotFound, and Conflict where one before it is missing.

    Every record has its own transaction, and the batch's number moves on last: where the process ends in between, the
    same file is taken again and what is here already is left unchanged.
    """
    client = await MachineClient.get_or_none(id=envelope.head_of(data).client, revoked_at=None)
    if client is None or client.public_key is None:
        raise NotFound("machine_client_not_found", "没有登记这个发送方", "请系统管理员先登记它的公钥。")
    batch = envelope.opened(data, client.public_key)
    known = await ReceivedBatch.get_or_none(client_id=client.id, sequence=batch.head.sequence)
    if known is not None:
        return _known(known, batch)
    check_next(client, batch)
    place = await place_of(client, actor_for(client), zone)
    outcomes: list[Outcome] = []
    for start in range(0, len(batch.records), PAGE):
        outcomes += await upsert_all(place, batch.records[start : start + PAGE])
        progress(len(outcomes), len(batch.records))
    return await _finish(client, batch, outcomes)


def _known(known: ReceivedBatch, batch: Batch) -> Taken:
    if known.digest != batch.digest:
        raise Conflict("batch_forked", "同一序号的批次内容不同", "请联系发送方核对：一个序号只能用一次。")
    return Taken(known.sequence, known.counts, repeated=True)


def check_next(client: MachineClient, batch: Batch) -> None:
    """Raises Conflict for a batch that is not the next one."""
    wanted = client.last_sequence + 1
    if batch.head.sequence != wanted:
        raise Conflict("batch_gap", f"缺少第 {wanted} 个批次", "请按序号从小到大导入，一个都不能少。")


@atomic()
async def _finish(client: MachineClient, batch: Batch, outcomes: list[Outcome]) -> Taken:
    await database.advisory_lock("exchange", f"batches:{client.id}")
    known = await ReceivedBatch.get_or_none(client_id=client.id, sequence=batch.head.sequence)
    if known is not None:
        return _known(known, batch)
    refused = tuple(each for each in outcomes if each.result is Result.REFUSED)
    counts = counted(outcomes)
    await ReceivedBatch.create(
        client_id=client.id,
        sequence=batch.head.sequence,
        digest=batch.digest,
        counts=counts,
        refused=[[each.kind, each.source_id, each.code] for each in refused[:1000]],
    )
    await MachineClient.filter(id=client.id).update(last_sequence=batch.head.sequence)
    await audit.record(
        "batch.taken",
        actor_for(client),
        ("machine_client", client.id),
        unit_id=client.unit_id,
        sequence=batch.head.sequence,
        counts=counts,
    )
    return Taken(batch.head.sequence, counts, refused)
