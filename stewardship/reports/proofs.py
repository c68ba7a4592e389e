"""Signed proof of who looked at what: for whoever has to rely on it outside the system, and cannot look inside.

A document in JSON. A reader who has the installation's public key (`steward audit proof-key`, to be published by the
bureau) can check that not a character was changed. Each row carries the event as it stands in the log, its digest, and
the seal it lies under with that seal's hash, which the daily anchors outside the database confirm; on the installation
`steward audit check-proof FILE` holds every row and seal against the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from kit import clock, database
from kit.database import atomic
from kit.signing import BadSignature, Signer, check
from stewardship.foundation.actors import Actor
from stewardship.foundation.audit import service as audit
from stewardship.foundation.errors import Invalid
from stewardship.foundation.org.models import Officer
from stewardship.reports import inspection
from stewardship.reports.inspection import Look
from stewardship.reports.rules import Period

FORMAT = "case-steward-proof/1"
MOST_ROWS = 2_000

_EVENTS = """
select e.id, e.at, e.kind, e.actor_kind, e.actor_id, e.subject_kind, e.subject_id, e.case_id, e.unit_id, e.details,
  e.device, e.address, e.relation, e.xid, s.no as seal_no, s.hash as seal_hash
from event e left join event_seal s on s.era = e.era and s.from_xid <= e.xid and e.xid < s.to_xid
where e.id = any($1::uuid[])
"""
_LOGGED = (
    "id",
    "at",
    "kind",
    "actor_kind",
    "actor_id",
    "subject_kind",
    "subject_id",
    "case_id",
    "unit_id",
    "details",
    "device",
    "address",
    "relation",
    "xid",
)
"""What of an event is hashed into its seal; see `audit.service`."""


@dataclass(frozen=True, slots=True)
class About:
    """What is proven: the looks at a case or a person, or those of an officer or a unit in a period."""

    kind: str
    id: UUID
    period: Period | None = None


@atomic()
async def make(actor: Actor, about: About, reason: str, signer: Signer) -> dict[str, Any]:
    """The signed document, with every look up to 2,000. Making it is recorded like every inspection.

    Raises NotFound out of scope, Invalid where there are more rows than fit or the period is missing.
    """
    looks = await _looks(actor, about)
    if len(looks) > MOST_ROWS:
        raise Invalid("proof_too_long", "记录太多", f"一份证明最多 {MOST_ROWS} 条，请缩短时间段，分几份导出。")
    officer = await Officer.get(id=actor.id)
    number, head = await audit.head()
    document = {
        "format": FORMAT,
        "about": _about(about),
        "made_at": clock.now().isoformat(),
        "made_by": {"officer_id": str(officer.id), "number": officer.number, "name": officer.name},
        "made_because": reason,
        "chain": {"seals": number, "head": head.hex()},
        "rows": await _rows(looks),
    }
    return document | {"signature": signer.sign(document)}


def _about(about: About) -> dict[str, Any]:
    period = about.period
    return {
        "kind": about.kind,
        "id": str(about.id),
        "first": period.first.isoformat() if period else None,
        "last": period.last.isoformat() if period else None,
    }


async def _looks(actor: Actor, about: About) -> list[Look]:
    limit = MOST_ROWS + 1
    if about.kind == "case":
        return await inspection.who_looked_at(actor, about.id, limit=limit, proof=True)
    if about.kind == "person":
        return await inspection.who_looked_at_person(actor, about.id, limit=limit, proof=True)
    if about.period is None:
        raise Invalid("proof_period", "请选择时间段", "按民警或单位出具证明，需要起止日期。")
    if about.kind == "officer":
        return await inspection.looked_at_by(actor, about.id, about.period, limit=limit, proof=True)
    return await inspection.without_relation(actor, about.id, about.period, limit=limit, proof=True)


async def _rows(looks: Sequence[Look]) -> list[dict[str, Any]]:
    events = {row["id"]: row for row in await database.fetch(_EVENTS, [look.id for look in looks])}
    return [_row(look, events[look.id]) for look in looks]


def _row(look: Look, event: asyncpg.Record) -> dict[str, Any]:
    logged = _logged(event)
    return {
        "event": logged,
        "digest": digest_of(logged),
        "seal": {"no": event["seal_no"], "hash": bytes(event["seal_hash"]).hex()} if event["seal_no"] else None,
        "officer_name": look.officer_name,
        "officer_unit": look.officer_unit_name,
        "case_reference": look.reference,
        "reason": look.reason,
    }


def _logged(event: asyncpg.Record) -> dict[str, Any]:
    """The event as plain JSON values."""
    values = {name: event[name] for name in _LOGGED} | {"details": orjson.loads(event["details"])}
    plain: dict[str, Any] = orjson.loads(orjson.dumps(values, default=str))
    return plain


def digest_of(logged: Mapping[str, Any]) -> str:
    """SHA-256 over an event's canonical JSON."""
    return hashlib.sha256(orjson.dumps(dict(logged), option=orjson.OPT_SORT_KEYS)).hexdigest()


def check_document(document: dict[str, Any], public_key: str) -> list[str]:
    """What is wrong with a proof by itself: nothing but the key is needed. Empty: it is what was signed."""
    if document.get("format") != FORMAT:
        return ["it is no proof of this format"]
    signed = {name: value for name, value in document.items() if name != "signature"}
    try:
        check(signed, document.get("signature") or {}, public_key)
    except BadSignature:
        return ["the signature does not hold: it was changed, or signed by another installation"]
    return [
        f"row {number}: its digest is not its event's"
        for number, row in enumerate(signed["rows"], start=1)
        if digest_of(row["event"]) != row["digest"]
    ]


async def check_against_log(document: dict[str, Any]) -> list[str]:
    """What of a proof is not, or not any more, in this installation's log. Empty: all of it is."""
    wanted = [UUID(row["event"]["id"]) for row in document["rows"]]
    events = {str(row["id"]): row for row in await database.fetch(_EVENTS, wanted)}
    found = []
    for number, row in enumerate(document["rows"], start=1):
        event = events.get(row["event"]["id"])
        if event is None:
            found.append(f"row {number}: the event is not in the log")
        elif digest_of(_logged(event)) != row["digest"]:
            found.append(f"row {number}: the event in the log is another one")
        elif row["seal"] and (event["seal_no"], bytes(event["seal_hash"]).hex()) != (
            row["seal"]["no"],
            row["seal"]["hash"],
        ):
            found.append(f"row {number}: its seal is another one")
    return found
