"""Machine clients: registered by a system administrator, known by a signature over each request.

A request carries the client's id, the second at which it was signed, and an HMAC-SHA256 over method, path, query, that
second and the body's hash. Every upsert is idempotent by its revision, so a request that is replayed within the five
minutes in which its signature holds changes nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from kit import clock
from kit.crypto import vault
from kit.database import atomic
from kit.ids import new_token
from stewardship.exchange.models import SECRET, MachineClient
from stewardship.foundation.actors import Actor, ActorKind
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Conflict, Invalid, NotFound, NotLoggedIn
from stewardship.foundation.org import administration
from stewardship.foundation.org.models import Role

MAX_AGE = timedelta(minutes=5)
USED_AGAIN = timedelta(minutes=1)
PUBLIC_KEY_BYTES = 32
SCHEME = "steward-hmac"


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client with its secret, which is shown once."""

    client: MachineClient
    secret: str


@atomic()
async def register(
    actor: Actor, unit_id: UUID, *, name: str, source_system: str, public_key: bytes | None = None
) -> Registered:
    """Let another system write below a unit of the administrator's. Raises NotFound, Invalid, Conflict.

    A source system has one client at a time: two would fight over the same records.
    """
    await administration.unit_in(actor, unit_id, Role.SYSTEM_ADMINISTRATOR)
    if public_key is not None and len(public_key) != PUBLIC_KEY_BYTES:
        raise Invalid("public_key", "公钥不对", "请填写 Ed25519 公钥（32 字节，base64）。")
    if await MachineClient.exists(source_system=source_system, revoked_at=None):
        raise Conflict("source_system_taken", "这个来源系统已有接入", "请先停用原来的接入。")
    secret = new_token(32)
    client = await MachineClient.create(
        name=name,
        source_system=source_system,
        unit_id=unit_id,
        secret_sealed=vault().ring.seal_text(secret, SECRET),
        public_key=public_key,
        created_by_id=actor.id,
    )
    await audit.record("machine_client.registered", actor, ("machine_client", client.id), unit_id=unit_id)
    return Registered(client, secret)


@atomic()
async def revoke(actor: Actor, client_id: UUID) -> None:
    """From now on neither its requests nor its batches are taken. What it brought stays."""
    units = list(actor.units(Role.SYSTEM_ADMINISTRATOR))
    client = await MachineClient.get_or_none(id=client_id, unit_id__in=units)
    if client is None:
        raise NotFound("machine_client_not_found", "没有找到这个接入", "可能不在您的管理范围内。")
    client.revoked_at = client.revoked_at or clock.now()
    await client.save(update_fields=["revoked_at"])
    await audit.record("machine_client.revoked", actor, ("machine_client", client.id), unit_id=client.unit_id)


async def clients_of(actor: Actor) -> Sequence[MachineClient]:
    """The clients of the administrator's units, revoked ones too."""
    units = list(actor.units(Role.SYSTEM_ADMINISTRATOR))
    return await MachineClient.filter(unit_id__in=units).order_by("-created_at", "-id").limit(200)


def actor_for(client: MachineClient, *, device: str = "", address: str = "") -> Actor:
    """The client as who acts."""
    return Actor(ActorKind.MACHINE, client.id, home_unit_id=client.unit_id, device=device, address=address)


def signature(secret: str, method: str, path: str, query: str, timestamp: int, body: bytes) -> str:
    """What a client sends, in hex; the path as in the request line, the query without its question mark."""
    said = "\n".join([method.upper(), path, query, str(timestamp), hashlib.sha256(body).hexdigest()])
    return hmac.new(secret.encode(), said.encode(), hashlib.sha256).hexdigest()


async def authenticate(
    client_id: UUID, timestamp: int, sent: str, *, method: str, path: str, query: str, body: bytes
) -> MachineClient:
    """The client that signed this request. Raises NotLoggedIn for an unknown, revoked, late or wrong one, all alike."""
    client = await MachineClient.get_or_none(id=client_id, revoked_at=None)
    at = clock.real_now()
    if client is None or abs(at.timestamp() - timestamp) > MAX_AGE.total_seconds():
        raise NotLoggedIn
    secret = vault().ring.open_text(client.secret_sealed, SECRET)
    if not hmac.compare_digest(signature(secret, method, path, query, timestamp, body), sent.lower()):
        raise NotLoggedIn
    if client.last_used_at is None or at - client.last_used_at > USED_AGAIN:
        await MachineClient.filter(id=client.id).update(last_used_at=at)
    return client
