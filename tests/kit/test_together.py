"""Many commands that hold or fail as a whole: what each adds is written with that of the others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from kit import database
from kit.database import atomic, in_transaction, together, write

written: list[list[int]] = []


@pytest.fixture(autouse=True)
def nothing_written() -> None:
    written.clear()


async def note(rows: Sequence[int]) -> None:
    written.append(list(rows))


@atomic()
async def command(*rows: int) -> None:
    await write(note, list(rows))


class Refused(Exception):
    """A command that fails."""


async def _refused_after(block: AbstractAsyncContextManager[object], row: int) -> None:
    async with block:
        await database.execute("insert into noted values ($1)", row)
        await command(row)
        raise Refused


async def test_a_command_by_itself_writes_at_once(db: None) -> None:
    await command(1)
    await command(2, 3)
    assert written == [[1], [2, 3]]


async def test_commands_together_write_once_at_the_end(db: None) -> None:
    async with together():
        await command(1)
        await command(2, 3)
        assert written == []
    assert written == [[1, 2, 3]]


async def test_a_thousand_rows_do_not_wait_for_the_end(db: None) -> None:
    async with together():
        for _ in range(3):
            await command(*range(400))
        assert [len(rows) for rows in written] == [1_200]
        await command(7)
    assert written[1:] == [[7]]


async def test_an_error_that_leaves_takes_everything_with_it(db: None) -> None:
    await database.execute("create temporary table noted (n int)")
    with pytest.raises(Refused):
        await _refused_after(together(), 1)
    assert written == []
    assert await database.fetchval("select count(*) from noted") == 0


async def test_what_a_savepoint_takes_back_is_not_written_later(db: None) -> None:
    await database.execute("create temporary table noted (n int)")
    async with together():
        await command(1)
        with pytest.raises(Refused):
            await _refused_after(in_transaction(), 2)
        assert written == [[2]], "within a savepoint it is written at once, and so taken back with it"
        assert await database.fetchval("select count(*) from noted") == 0
    assert written == [[2], [1]]
