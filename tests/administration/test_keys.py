"""New keys: everything is rewritten page by page, searches go on, and what was forgotten is counted."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from kit import crypto, database
from kit.ids import new_id
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.actors import SYSTEM
from stewardship.foundation.approvals import service as approvals
from stewardship.foundation.errors import Conflict
from stewardship.foundation.files import service as files
from stewardship.foundation.files.scanning import TestFileScanner
from stewardship.foundation.files.service import FileStore
from stewardship.foundation.keys import service as keys
from stewardship.foundation.keys.columns import sealed_tables
from stewardship.foundation.keys.models import KeyRotation, RotationState
from stewardship.foundation.people import service as people
from stewardship.foundation.people.models import Person
from tests.administration.conftest import Pair
from tests.support.world import World, case_with

OLD, NEW = (f"{version}:{base64.b64encode(bytes([version]) * 32).decode()}" for version in (1, 2))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(70_000)


@pytest.fixture
def keyrings(vault: crypto.Vault) -> Iterator[None]:
    """The process has the old keys; afterwards those of the other tests again."""
    crypto.open_vault(OLD, OLD)
    yield
    crypto._vault = vault


def renew_keys() -> None:
    """An administrator has put the new keys first, and every process was restarted."""
    crypto.open_vault(f"{NEW},{OLD}", f"{NEW},{OLD}")


def take_old_keys_away() -> None:
    crypto.open_vault(NEW, NEW)


async def rotate(store: FileStore) -> KeyRotation:
    rotation = await keys.start()
    while rotation.state is RotationState.RUNNING:
        rotation = await keys.rotate_page(rotation.id, store)
    return rotation


async def test_every_sealed_column_of_the_house_names_its_purpose(world: World) -> None:
    found = {f"{table.name}.{name}" for table in sealed_tables() for name, _ in table.sealed}
    assert {
        "person.name_sealed",
        "contact.value_sealed",
        "message.context",
        "inbox.body",
        "event_reason.reason",
    } <= found
    indexes = {f"{table.name}.{index.name}": index.of for table in sealed_tables() for index in table.indexes}
    assert indexes == {
        "person.id_number_index": "id_number_sealed",
        "contact.value_index": "value_sealed",
        "protection_plan.code_word_index": None,
    }
    unmarked = await database.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and data_type = 'bytea' and (column_name like '%sealed%' or column_name like '%_index')"
    )
    known = {(table.name, column) for table in sealed_tables() for column in table.columns}
    assert {(r["table_name"], r["column_name"]) for r in unmarked if "_20" not in r["table_name"]} <= known


async def test_after_a_rotation_the_old_keys_can_go(
    keyrings: None, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "PAGE", 2)
    joined = await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))
    person = await people.create_person(SYSTEM, name="周晓禾", phone="13800000001", id_number="110101199003077777")
    await people.protect(SYSTEM, person.id, code_word="栀子花", safe_phone="13900000000", pretext="快递")
    store = FileStore(tmp_path)
    file = await stored(store, joined.case.id)
    renew_keys()
    rotation = await rotate(store)
    assert (rotation.encryption_version, rotation.index_version) == (2, 2)
    left = [found for table in sealed_tables() for found in await keys.usage(table) if found.version == 1]
    assert [(found.column, found.renewable) for found in left] == [("code_word_index", False)]
    take_old_keys_away()
    assert (await Person.get(id=person.id)).name == "周晓禾"
    [contact] = await people.persons_with_phone("138 0000 0001")
    assert (contact.person_id, contact.value) == (person.id, "13800000001")
    assert b"".join([piece async for piece in store.read(file)]) == PNG
    [progress] = await keys.rotations(1)
    assert all(step.done for step in progress.steps)
    assert {step.table_name: step.rewritten for step in progress.steps}["files"] == 1


async def test_a_code_word_is_known_under_the_key_it_was_told_under(keyrings: None, world: World) -> None:
    person = await people.create_person(SYSTEM, name="周晓禾", phone=None)
    plan = await people.protect(SYSTEM, person.id, code_word="栀子花", safe_phone=None, pretext="")
    third = f"3:{base64.b64encode(bytes([3]) * 32).decode()}"
    crypto.open_vault(OLD, f"{third},{NEW},{OLD}")
    assert people.is_code_word(plan, "栀子花")
    assert not people.is_code_word(plan, "茉莉花")
    crypto.open_vault(OLD, third)
    assert not people.is_code_word(plan, "栀子花")


async def stored(store: FileStore, case_id: UUID) -> UUID:
    async def content() -> AsyncIterator[bytes]:
        yield PNG

    file = await files.store(SYSTEM, store, content(), origin="mp", person_id=new_id(), case_id=case_id)
    await files.scan(store, file.id, TestFileScanner())
    return UUID(str(file.id))


async def test_a_rotation_goes_on_where_it_stopped_and_a_second_one_finds_nothing(
    keyrings: None, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "PAGE", 1)
    await case_with(world, (PartyRole.VICTIM, Side.A), (PartyRole.SUSPECT, Side.B))
    renew_keys()
    store = FileStore(tmp_path)
    begun = await keys.start()
    for _ in range(3):
        await keys.rotate_page(begun.id, store)
    assert (await keys.start()).id == begun.id, "the one under way"
    await rotate(store)
    again = await rotate(store)
    assert again.id != begun.id
    [progress] = await keys.rotations(1)
    assert sum(step.rewritten for step in progress.steps) == 0


async def test_a_process_with_the_old_keys_does_not_rotate_backwards(
    keyrings: None, world: World, tmp_path: Path
) -> None:
    renew_keys()
    rotation = await keys.start()
    crypto.open_vault(OLD, OLD)
    with pytest.raises(Conflict, match="keys_changed"):
        await keys.rotate_page(rotation.id, FileStore(tmp_path))


async def test_at_the_desk_a_rotation_takes_two_security_administrators(world: World, security: Pair) -> None:
    change = await keys.propose(security.one, "每年轮换")
    assert not await KeyRotation.all().exists()
    decided = await approvals.approve(security.other, change.id)
    rotation = await KeyRotation.get()
    assert decided.outcome == {"rotation_id": str(rotation.id)}
    assert (rotation.proposed_by_id, rotation.approved_by_id) == (security.one.id, security.other.id)
    with pytest.raises(Conflict, match="rotation_running"):
        await keys.propose(security.other, "再来一次")
