"""A signed batch: JSON lines between a head and an Ed25519 signature, carried one way, by hand or through a data diode.

    {"format": "steward-batch/1", "client": …, "sequence": 7, "count": 2, "written_at": …}
    {"kind": "unit", …}
    {"kind": "case", …}
    {"signature": base64 of Ed25519 over the SHA-256 of every byte above}

Nothing of a batch is read before its signature holds, nothing applied before all of it has been read.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from stewardship.exchange.records import RECORD, AnyRecord
from stewardship.foundation.errors import Invalid

FORMAT = "steward-batch/1"
BATCH_BYTES = 256 * 1024 * 1024
RECORDS = 200_000
LINE_BYTES = 64 * 1024


class Head(BaseModel):
    """The first line."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    format: str = Field(pattern=r"^steward-batch/1$")
    client: UUID
    sequence: int = Field(ge=1, le=2**53)
    count: int = Field(ge=0, le=RECORDS)
    written_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose signature holds. `digest` is what was signed."""

    head: Head
    records: tuple[AnyRecord, ...]
    digest: bytes


def _broken(detail: str) -> Invalid:
    return Invalid("batch_malformed", "批次文件不完整或格式不对", detail)


def head_of(data: bytes) -> Head:
    """Whose batch it claims to be; nothing of it is proved yet. Raises Invalid."""
    if len(data) > BATCH_BYTES:
        raise Invalid("batch_too_large", "批次文件太大", "请发送方分成几个批次。")
    first = data.split(b"\n", 1)[0]
    try:
        return Head.model_validate(orjson.loads(first[:LINE_BYTES]))
    except (orjson.JSONDecodeError, ValidationError):
        raise _broken("第 1 行不是批次头，请重新导出。") from None


def opened(data: bytes, public_key: bytes) -> Batch:
    """Verify and read a batch. Raises Invalid for a signature that does not hold, or a line that is no record."""
    head = head_of(data)
    body, mark, last = data.rstrip(b"\n").rpartition(b"\n")
    signed = body + mark
    try:
        signature = base64.b64decode(orjson.loads(last)["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, hashlib.sha256(signed).digest())
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, InvalidSignature):
        raise Invalid(
            "batch_signature", "批次签名不对", "文件可能被改动，或不是登记的系统发出的；请重新导出。"
        ) from None
    records = tuple(_record(number, line) for number, line in enumerate(body.split(b"\n")[1:], 2))
    if len(records) != head.count:
        raise _broken(f"应有 {head.count} 条记录，实有 {len(records)} 条。")
    return Batch(head, records, hashlib.sha256(signed).digest())


def _record(number: int, line: bytes) -> AnyRecord:
    try:
        if len(line) > LINE_BYTES:
            raise ValueError("too long")
        return RECORD.validate_python(orjson.loads(line), strict=False)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])[:60]
        raise _broken(f"第 {number} 行的“{where}”不对，整个批次没有导入。") from None
    except (orjson.JSONDecodeError, ValueError):
        raise _broken(f"第 {number} 行不是一条记录，整个批次没有导入。") from None


def sealed(private_key: bytes, head: Head, records: Sequence[dict[str, object]]) -> tuple[bytes, bytes]:
    """The file of a batch, and its digest. The key is 32 bytes."""
    dumped: Callable[[object], bytes] = orjson.dumps
    lines = [dumped(head.model_dump(mode="json")), *map(dumped, records)]
    signed = b"\n".join(lines) + b"\n"
    digest = hashlib.sha256(signed).digest()
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(digest)
    return signed + dumped({"signature": base64.b64encode(signature).decode()}) + b"\n", digest


def public_key_of(private_key: bytes) -> bytes:
    """What the receiving side registers."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()
