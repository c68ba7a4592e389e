"""Other systems write here, by signed requests; and system administrators say which."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from api.deps import ActorDep, ServicesDep
from api.once import OnceRoute
from api.schemas import EXAMPLE_ID, Done, Payload, View, words
from stewardship.exchange import clients
from stewardship.exchange.models import MachineClient
from stewardship.exchange.records import AnyRecord
from stewardship.exchange.upserts import Outcome, Result, counted, place_of, upsert_all
from stewardship.exchange.zones import Zone
from stewardship.foundation.errors import Invalid
from stewardship.foundation.org.models import Unit

router = APIRouter(tags=["exchange"], route_class=OnceRoute)

RECORDS = 200

PublicKey = Annotated[
    str,
    StringConstraints(max_length=64),
    Field(examples=["MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE="[:44]]),
]


class Upserts(Payload):
    """Records of any kind, in any order: what one names may stand behind it."""

    records: list[AnyRecord] = Field(min_length=1, max_length=RECORDS)


class OutcomeView(View):
    """What became of a record."""

    kind: str = Field(examples=["case"])
    source_id: str = Field(examples=["AJ-2026-000123"])
    result: Result = Field(examples=["applied"])
    id: UUID | None = Field(examples=[EXAMPLE_ID], description="Here; null for a refused one.")
    code: str = Field(examples=[""], description="Of a refusal.")
    title: str = Field(examples=[""])
    detail: str = Field(examples=[""])


class Outcomes(View):
    """One for each record, in the order in which they were sent."""

    items: list[OutcomeView]
    counts: dict[str, int] = Field(examples=[{"applied": 1, "unchanged": 0, "older": 0, "refused": 0}])


class ClientIn(Payload):
    name: Annotated[str, words(60)] = Field(examples=["执法办案平台"])
    source_system: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")] = Field(
        examples=["case-system"], description="Under this name it owns what it brings."
    )
    unit_id: UUID = Field(examples=[EXAMPLE_ID], description="It writes to this unit and those below.")
    public_key: PublicKey | None = Field(default=None, description="Ed25519, 32 bytes in base64: for signed batches.")


class ClientView(View):
    """Another system that may write, or might."""

    id: UUID = Field(examples=[EXAMPLE_ID])
    name: str = Field(examples=["执法办案平台"])
    source_system: str = Field(examples=["case-system"])
    unit_id: UUID = Field(examples=[EXAMPLE_ID])
    unit_name: str = Field(examples=["莲花分局"])
    takes_batches: bool = Field(examples=[True])
    last_sequence: int = Field(examples=[41], description="Of the last batch that was taken.")
    last_used_at: datetime | None = Field(examples=["2026-03-02T02:00:00Z"], description="Real time.")
    created_at: datetime = Field(examples=["2026-03-02T02:00:00Z"])
    revoked_at: datetime | None = Field(examples=[None])


class NewClient(View):
    """The client with the secret that signs its requests, shown this once."""

    client: ClientView
    secret: str = Field(examples=["Vb3yQ0b6Q1-kJ2mN8pLx5w7Zt9RcAaE4Vb3yQ0b6Q1-k"])


class Clients(View):
    """The clients of the caller's units, newest first."""

    items: list[ClientView]


@router.post("/exchange/upserts")
async def upserts(payload: Upserts, actor: ActorDep, services: ServicesDep) -> Outcomes:
    """Bring units, officers, cases, parties and stages, up to 200 at once; each is applied by itself or refused.

    The same revision again changes nothing, an older one is ignored; both are reported.

    Signed: `Authorization: Steward-HMAC client=<id>, timestamp=<seconds>, signature=<hex>`, an HMAC-SHA256 with the
    client's secret over method, path, query, timestamp and the body's SHA-256 in hex, joined by line feeds. It holds
    for five minutes.
    """
    client = await MachineClient.get(id=actor.id)
    place = await place_of(client, actor, Zone(services.settings.zone))
    outcomes = await upsert_all(place, payload.records)
    await _forget(services, outcomes)
    return Outcomes(items=[OutcomeView.model_validate(each) for each in outcomes], counts=counted(outcomes))


async def _forget(services: ServicesDep, outcomes: list[Outcome]) -> None:
    """An officer who left, or has another unit, may do less from now on."""
    for each in outcomes:
        if each.kind == "officer" and each.result is Result.APPLIED and each.id is not None:
            await services.sessions.forget_officer(each.id)


@router.get("/exchange/clients")
async def list_clients(actor: ActorDep) -> Clients:
    """Who may write below the caller's units."""
    rows = await clients.clients_of(actor)
    names = {unit.id: unit.name for unit in await Unit.filter(id__in=[row.unit_id for row in rows])}
    return Clients(items=[_view(row, names[row.unit_id]) for row in rows])


def _view(client: MachineClient, unit_name: str) -> ClientView:
    known = {name: getattr(client, name) for name in ClientView.model_fields if hasattr(client, name)}
    return ClientView(**known, unit_name=unit_name, takes_batches=client.public_key is not None)


@router.post("/exchange/clients", status_code=201)
async def register_client(payload: ClientIn, actor: ActorDep) -> NewClient:
    """Let another system write. The secret is shown this once."""
    registered = await clients.register(
        actor,
        payload.unit_id,
        name=payload.name,
        source_system=payload.source_system,
        public_key=_decoded(payload.public_key),
    )
    unit = await Unit.get(id=payload.unit_id)
    return NewClient(client=_view(registered.client, unit.name), secret=registered.secret)


def _decoded(key: str | None) -> bytes | None:
    if key is None:
        return None
    try:
        return base64.b64decode(key, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("public_key", "公钥不对", "请填写 Ed25519 公钥（32 字节，base64）。") from None


@router.post("/exchange/clients/{client_id}/revoke")
async def revoke_client(client_id: UUID, actor: ActorDep) -> Done:
    """From now on nothing of it is taken; what it brought stays."""
    await clients.revoke(actor, client_id)
    return Done()
