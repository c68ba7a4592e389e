"""Officers from a table: all of them, or none and what is wrong with each row."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from kit.database import atomic
from kit.tables import Column, TableRow, read_table
from stewardship.foundation.actors import Actor
from stewardship.foundation.org import service as org
from stewardship.foundation.org.models import Officer, Role, Unit

COLUMNS = (
    Column("number", ("警号",), required=True, max_length=16),
    Column("name", ("姓名",), required=True, max_length=32),
    Column("unit", ("单位代码", "单位编码"), required=True, max_length=16),
    Column("mobile", ("手机", "手机号码", "联系电话"), max_length=20),
)
MOST = 2_000
_NUMBER = re.compile(r"[0-9A-Za-z]{3,16}")
_MOBILE = re.compile(r"1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class ImportedRow:
    """One row, and what is wrong with it; nothing: an empty text."""

    row: int
    number: str
    name: str
    problem: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a table. `created` is 0 where a row was wrong, or nothing was to be written."""

    rows: tuple[ImportedRow, ...]
    created: int

    @property
    def wrong(self) -> int:
        """How many rows have to be mended."""
        return sum(bool(row.problem) for row in self.rows)


@atomic()
async def import_officers(actor: Actor, data: bytes, filename: str, *, dry_run: bool) -> Imported:
    """Create every officer of the table, without passwords: each enrols with a code of their own.

    Only where every row can be; the report names the others. Raises BadTable for a file that is no such table.
    """
    table = read_table(data, filename, columns=COLUMNS, max_rows=MOST, collect=True)
    units = {unit.code: unit for unit in await Unit.filter(id__in=list(actor.units(Role.SYSTEM_ADMINISTRATOR)))}
    numbers = [row.values["number"] for row in table.rows]
    taken = {officer.number for officer in await Officer.filter(number__in=numbers)}
    seen: set[str] = set()
    rows = []
    for row in table.rows:
        rows.append(_checked(row, units, taken, seen))
        seen.add(row.values["number"])
    found = Imported(tuple(rows), 0)
    if dry_run or found.wrong:
        return found
    for row in table.rows:
        await _create(actor, row, units[row.values["unit"]].id)
    return Imported(found.rows, len(found.rows))


async def _create(actor: Actor, row: TableRow, unit_id: UUID) -> None:
    values = row.values
    await org.create_officer(
        actor, number=values["number"], name=values["name"], unit_id=unit_id, mobile=values["mobile"] or None
    )


def _checked(row: TableRow, units: dict[str, Unit], taken: set[str], seen: set[str]) -> ImportedRow:
    values = row.values
    number, unit = values["number"], units.get(values["unit"])
    problem = ""
    if row.problems:
        problem = f"{row.problems[0].column}:{row.problems[0].message}"
    elif not _NUMBER.fullmatch(number):
        problem = "警号应为 3 至 16 位字母或数字"
    elif number in taken:
        problem = "警号已存在"
    elif number in seen:
        problem = "警号在表中重复"
    elif unit is None or unit.valid_to is not None:
        problem = "单位代码不存在，或不在您的管理范围内"
    elif values["mobile"] and not _MOBILE.fullmatch(values["mobile"]):
        problem = "手机号码应为 11 位"
    return ImportedRow(row.number, number, values["name"], problem)
