"""What an inspector exports holds in somebody else's hands, and shows every change that was made to it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from kit import database
from kit.signing import Signer
from stewardship.casework.cases import service as cases
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.audit import service as audit
from stewardship.foundation.audit.models import Event
from stewardship.foundation.errors import Invalid, NotFound
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Person
from stewardship.reports import inspection, proofs
from stewardship.reports.proofs import About
from tests.foundation.test_event_log import sealed
from tests.support.world import MONDAY_MORNING, Joined, World, acting, build_world, case_with

VICTIM = (PartyRole.VICTIM, Side.A)
SIGNER = Signer(b"a seed for tests, thirty-two bytes")
KEY = SIGNER.public_key


@pytest.fixture
async def looked_at(world: World) -> Joined:
    """A case that the steward has read, and whose party's phone was revealed."""
    joined = await case_with(world, VICTIM)
    steward = await acting(world.steward)
    case = await cases.access_case(steward, joined.case.id)
    person = await Person.get(id=joined.members[0].person_id)
    await people.reveal(steward, person, "phone", "电话告知鉴定结果", case_id=case.id, relation="steward")
    return joined


async def proof_of(world: World, joined: Joined) -> dict[str, Any]:
    made = await proofs.make(await acting(world.inspector), About("case", joined.case.id), "信访核查", SIGNER)
    read: dict[str, Any] = orjson.loads(orjson.dumps(made))
    return read


async def test_the_inspector_reads_why_something_was_revealed_and_the_log_does_not_hold_it(
    world: World, looked_at: Joined
) -> None:
    reveal, read = await inspection.who_looked_at(await acting(world.inspector), looked_at.case.id)
    assert (reveal.kind, reveal.revealed, reveal.reason) == ("person.revealed", "phone", "电话告知鉴定结果")
    assert (read.reason, read.officer_unit_name) == (None, world.station.name)
    event = await Event.get(id=reveal.id)
    assert "电话" not in orjson.dumps(event.details).decode()
    stored = await database.fetchval("select reason from event_reason where event_id = $1", reveal.id)
    assert "电话".encode() not in bytes(stored)


async def test_a_proof_holds_by_its_signature_and_in_the_log(world: World, looked_at: Joined) -> None:
    document = await proof_of(world, looked_at)
    assert [row["event"]["kind"] for row in document["rows"]] == ["person.revealed", "case.read"]
    assert document["rows"][0]["reason"] == "电话告知鉴定结果"
    assert proofs.check_document(document, KEY) == []
    assert await proofs.check_against_log(document) == []
    assert proofs.check_document(document, Signer(b"another installation's own seed...").public_key)


def _rename(document: dict[str, Any]) -> None:
    document["rows"][0]["officer_name"] = "别人"


def _drop(document: dict[str, Any]) -> None:
    del document["rows"][1]


def _backdate(document: dict[str, Any]) -> None:
    document["rows"][1]["event"]["at"] = "2020-01-01T00:00:00+00:00"


def _sign_anew(document: dict[str, Any]) -> None:
    _drop(document)
    body = {name: value for name, value in document.items() if name != "signature"}
    document["signature"] = Signer(b"somebody who has another signing key").sign(body)


@pytest.mark.parametrize("forge", [_rename, _drop, _backdate, _sign_anew])
async def test_every_change_shows(world: World, looked_at: Joined, forge: Callable[[dict[str, Any]], None]) -> None:
    document = copy.deepcopy(await proof_of(world, looked_at))
    forge(document)
    assert proofs.check_document(document, KEY) == [
        "the signature does not hold: it was changed, or signed by another installation"
    ]


async def test_an_event_that_was_changed_in_the_log_afterwards_shows(world: World, looked_at: Joined) -> None:
    document = await proof_of(world, looked_at)
    first, second = (UUID(row["event"]["id"]) for row in document["rows"])
    await database.execute("update event set relation = 'instructor' where id = $1", first)
    await database.execute("delete from event where id = $1", second)
    assert await proofs.check_against_log(document) == [
        "row 1: the event in the log is another one",
        "row 2: the event is not in the log",
    ]


async def test_a_sealed_row_names_its_seal(real_db: str, clock_at: Callable[..., None]) -> None:
    clock_at(MONDAY_MORNING)
    world = await build_world()
    joined = await case_with(world, VICTIM)
    await cases.access_case(await acting(world.steward), joined.case.id)
    await sealed(await Event.all().count())
    document = await proof_of(world, joined)
    number, head = await audit.head()
    assert document["rows"][0]["seal"] == {"no": number, "hash": head.hex()}
    assert document["chain"] == {"seals": number, "head": head.hex()}
    assert await proofs.check_against_log(document) == []
    await database.execute("update event_seal set hash = $1 where no = $2", bytes(32), number)
    assert await proofs.check_against_log(document) == ["row 1: its seal is another one"]


async def test_a_person_is_found_by_a_whole_number_and_with_all_their_cases(world: World) -> None:
    first, second = await case_with(world, VICTIM), await case_with(world, VICTIM)
    inspector, steward = await acting(world.inspector), await acting(world.steward)
    for joined in (first, second):
        await cases.access_case(steward, joined.case.id)
    [found] = await inspection.find_persons(inspector, phone=first.numbers[0])
    assert (found.name, [case.id for case in found.cases]) == ("张**", [first.case.id])
    [same] = await inspection.find_persons(inspector, reference=first.case.reference)
    assert same.id == found.id
    assert await inspection.find_persons(inspector, id_number="110101199003077777") == []
    looks = await inspection.who_looked_at_person(inspector, found.id)
    assert [(look.kind, look.case_id) for look in looks] == [("case.read", first.case.id)]
    for nobody in (steward, await acting(world.instructor)):
        assert await inspection.find_persons(nobody, phone=first.numbers[0]) == []
        with pytest.raises(NotFound, match="person_not_found"):
            await inspection.who_looked_at_person(nobody, found.id)


async def test_proofs_and_searches_leave_no_trace_that_the_unit_sees(world: World, looked_at: Joined) -> None:
    inspector = await acting(world.inspector)
    await proof_of(world, looked_at)
    await inspection.find_persons(inspector, reference=looked_at.case.reference)
    await inspection.who_looked_at_person(inspector, looked_at.members[0].person_id)
    traces = await Event.filter(actor_id=world.inspector.id, kind="inspection.read")
    assert {trace.details["question"] for trace in traces} == {"who_looked_at", "find_person", "who_looked_at_person"}
    assert not await Event.filter(actor_id=world.inspector.id).exclude(case_id=None, unit_id=None).exists()
    assert all(read.officer_id != world.inspector.id for read in await audit.reads_of_case(looked_at.case.id))


async def test_a_proof_of_an_officer_needs_a_period(world: World) -> None:
    with pytest.raises(Invalid, match="proof_period"):
        await proofs.make(await acting(world.inspector), About("officer", world.steward.id), "核查", SIGNER)
