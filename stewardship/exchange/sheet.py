"""The table of cases and parties: its columns, and its rows as drafts. Knows no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from kit.tables import CellProblem, Column, Table, TableRow, read_table, write_table
from stewardship.casework.cases.models import CaseKind, Sensitivity
from stewardship.casework.cases.rules import normal_number
from stewardship.casework.parties.models import PartyRole, Side
from stewardship.foundation.errors import Invalid
from stewardship.foundation.people.rules import normal_phone
from stewardship.intake import MAX_PARTIES, PartyDraft

MAX_ROWS = 5_000
IMPORTED = "table"
"""The source system of cases that came with an id of their own; nothing of them is read-only here."""

KEY = Column("key", ("案件序号", "序号"), required=True, max_length=40)
STEWARD = Column("steward", ("案管家警号",), max_length=16)
DEPUTY = Column("deputy", ("协办警号",), max_length=16)
NUMBER = Column("number", ("案号",), max_length=40)
SOURCE = Column("source_id", ("来源编号",), max_length=64)
KIND = Column("kind", ("案件类型",))
BRIEF = Column("brief", ("简要案情",), max_length=500)
SENSITIVE = Column("sensitivities", ("敏感类型",))
NAME = Column("name", ("当事人姓名", "姓名"), required=True, max_length=64)
ROLES = Column("roles", ("当事人身份", "身份"), required=True)
SIDE = Column("side", ("所属一方",))
PHONE = Column("phone", ("手机号码", "电话"), max_length=24)
ID_NUMBER = Column("id_number", ("证件号码", "身份证号"), max_length=24)
MINOR = Column("minor", ("是否未成年",), max_length=2)
NOT_INVITED = Column("not_invited_reason", ("不邀请的原因",), max_length=120)
CASE_COLUMNS = (STEWARD, DEPUTY, NUMBER, SOURCE, KIND, BRIEF, SENSITIVE)
COLUMNS = (KEY, *CASE_COLUMNS, NAME, ROLES, SIDE, PHONE, ID_NUMBER, MINOR, NOT_INVITED)

KINDS = {
    "治安": CaseKind.PUBLIC_ORDER,
    "治安案件": CaseKind.PUBLIC_ORDER,
    "刑事": CaseKind.CRIMINAL,
    "刑事案件": CaseKind.CRIMINAL,
    "交通事故": CaseKind.TRAFFIC_ACCIDENT,
    "纠纷": CaseKind.DISPUTE,
}
ROLE_NAMES = {
    "受害人": PartyRole.VICTIM,
    "被害人": PartyRole.VICTIM,
    "被侵害人": PartyRole.VICTIM,
    "报案人": PartyRole.REPORTER,
    "违法嫌疑人": PartyRole.SUSPECT,
    "嫌疑人": PartyRole.SUSPECT,
    "犯罪嫌疑人": PartyRole.SUSPECT,
    "嫌疑人家属": PartyRole.SUSPECT_FAMILY,
    "家属": PartyRole.FAMILY,
    "证人": PartyRole.WITNESS,
    "监护人": PartyRole.GUARDIAN,
    "律师": PartyRole.LAWYER,
    "纠纷当事人": PartyRole.DISPUTANT,
    "驾驶人": PartyRole.DRIVER,
}
SIDES = {"": Side.NONE, "无": Side.NONE, "甲方": Side.A, "乙方": Side.B, "甲": Side.A, "乙": Side.B}
SENSITIVITIES = {
    "未成年人": Sensitivity.MINOR,
    "家庭暴力": Sensitivity.DOMESTIC_VIOLENCE,
    "性侵": Sensitivity.SEXUAL,
    "自杀": Sensitivity.SUICIDE,
    "死亡": Sensitivity.DEATH,
    "证人受威胁": Sensitivity.THREATENED_WITNESS,
}
NO_SENSITIVITY = "无"
YES_NO = {"": False, "否": False, "是": True}
HINT = (
    "带 * 的必须填写。一位当事人一行；同一案件的各行填相同的案件序号，案件内容写在第一行即可。"
    "证件号码、手机号码请设为文本格式。敏感类型没有的填“无”，不清楚的留空。"
)

E = TypeVar("E", bound=StrEnum | bool)


@dataclass(slots=True)
class DraftedParty:
    """A row as a party."""

    row: int
    draft: PartyDraft


@dataclass(slots=True)
class DraftedCase:
    """The rows of one key. Officers are numbers still."""

    key: str
    row: int
    values: dict[str, str]
    kind: CaseKind | None = None
    sensitivities: frozenset[Sensitivity] = frozenset()
    sensitivity_known: bool = False
    parties: list[DraftedParty] = field(default_factory=list)


@dataclass(slots=True)
class Sheet:
    """What the table says, and what is wrong with it. A row with a problem makes no draft."""

    rows: int = 0
    cases: dict[str, DraftedCase] = field(default_factory=dict)
    problems: list[CellProblem] = field(default_factory=list)

    @property
    def parties(self) -> int:
        return sum(len(case.parties) for case in self.cases.values())


def template() -> bytes:
    """The empty table that people fill in."""
    columns = [(column.key, column.titles[0] + ("*" if column.required else "")) for column in COLUMNS]
    return write_table("案件和当事人", columns, [], watermark=HINT)


def report(problems: Sequence[CellProblem | Sequence[object]], watermark: str) -> bytes:
    """What is wrong, as a table to work through."""
    columns = [("row", "行"), ("column", "列"), ("message", "问题"), ("advice", "怎么改")]
    rows = [dict(zip(("row", "column", "code", "message", "advice"), _values(each), strict=True)) for each in problems]
    return write_table("导入检查结果", columns, rows, watermark=watermark)


def _values(problem: CellProblem | Sequence[object]) -> Sequence[object]:
    if isinstance(problem, CellProblem):
        return (problem.row, problem.column, problem.code, problem.message, problem.advice)
    return problem


def read(data: bytes, filename: str) -> Sheet:
    """Read the table. Raises BadTable for a file that cannot be taken; a faulty row is a problem of the sheet."""
    table: Table = read_table(data, filename, columns=COLUMNS, max_rows=MAX_ROWS, collect=True)
    sheet = Sheet(rows=len(table.rows), problems=list(table.problems))
    for row in table.rows:
        _take(sheet, row)
    for case in sheet.cases.values():
        _check_parties(sheet, case)
    sheet.problems.sort(key=lambda problem: problem.row)
    return sheet


def problem(row: int, column: Column, code: str, message: str, advice: str) -> CellProblem:
    """What is wrong with a cell."""
    return CellProblem(row, column.titles[0], code, message, advice)


def _take(sheet: Sheet, row: TableRow) -> None:
    key = row.values[KEY.key]
    if not key:
        return
    row.values[NUMBER.key] = normal_number(row.values[NUMBER.key]) or ""
    case = sheet.cases.get(key)
    if case is None:
        case = sheet.cases[key] = DraftedCase(key, row.number, {c.key: row.values[c.key] for c in CASE_COLUMNS})
        _read_case(sheet, case)
    else:
        _check_same(sheet, case, row)
    party = _party(sheet, row)
    if party is not None and not row.problems:
        case.parties.append(DraftedParty(row.number, party))


def _read_case(sheet: Sheet, case: DraftedCase) -> None:
    values = case.values
    if not values["steward"]:
        sheet.problems.append(
            problem(case.row, STEWARD, "steward_missing", "没有填写", "每个案件的第一行要填案管家警号。")
        )
    if values["kind"]:
        case.kind = _one_of(sheet, case.row, KIND, values["kind"], KINDS)
    said = _split(values["sensitivities"])
    case.sensitivity_known = bool(said)
    found = [_one_of(sheet, case.row, SENSITIVE, each, SENSITIVITIES) for each in said if each != NO_SENSITIVITY]
    case.sensitivities = frozenset(each for each in found if each is not None)


def _check_same(sheet: Sheet, case: DraftedCase, row: TableRow) -> None:
    """Further rows may leave the case's facts out, and may not contradict them."""
    for column in CASE_COLUMNS:
        said = row.values[column.key]
        if said and said != case.values[column.key]:
            sheet.problems.append(
                problem(
                    row.number,
                    column,
                    "case_differs",
                    f"与第 {case.row} 行同一案件的内容不同",
                    "同一案件写一次即可；如是另一案件，请改案件序号。",
                )
            )


def _party(sheet: Sheet, row: TableRow) -> PartyDraft | None:
    values, before = row.values, len(sheet.problems)
    roles = [_one_of(sheet, row.number, ROLES, each, ROLE_NAMES) for each in _split(values["roles"])]
    side = _one_of(sheet, row.number, SIDE, values["side"], SIDES)
    minor = _one_of(sheet, row.number, MINOR, values["minor"], YES_NO)
    _check_phone(sheet, row)
    _check_id_number(sheet, row)
    if len(sheet.problems) > before or not values["name"]:
        return None
    return PartyDraft(
        name=values["name"],
        roles=frozenset(role for role in roles if role is not None),
        phone=values["phone"] or None,
        id_number=values["id_number"].upper() or None,
        side=side or Side.NONE,
        minor=bool(minor),
        not_invited_reason=values["not_invited_reason"] or None,
    )


def _split(text: str) -> list[str]:
    for mark in ",,;;/ 和":
        text = text.replace(mark, "、")
    return [each.strip() for each in text.split("、") if each.strip()]


def _one_of(sheet: Sheet, row: int, column: Column, said: str, known: dict[str, E]) -> E | None:
    if said in known:
        return known[said]
    choices = "、".join(dict.fromkeys(name for name in known if name))
    sheet.problems.append(problem(row, column, "not_a_choice", f"“{said[:12]}”不在可选范围内", f"可以填：{choices}。"))
    return None


def _check_phone(sheet: Sheet, row: TableRow) -> None:
    try:
        if row.values["phone"]:
            normal_phone(row.values["phone"])
    except Invalid as error:
        sheet.problems.append(problem(row.number, PHONE, error.code, error.title, error.detail))


def _check_id_number(sheet: Sheet, row: TableRow) -> None:
    said = row.values["id_number"]
    if said and not (said.isascii() and said.isalnum() and 5 <= len(said) <= 24):
        sheet.problems.append(
            problem(row.number, ID_NUMBER, "id_number", "证件号码不对", "只能是 5 到 24 位数字和字母，不要有空格。")
        )


def _check_parties(sheet: Sheet, case: DraftedCase) -> None:
    seen: dict[object, int] = {}
    for party in case.parties:
        who: object = party.draft.id_number or (party.draft.name, party.draft.phone)
        if who in seen:
            sheet.problems.append(
                problem(
                    party.row,
                    NAME,
                    "party_twice",
                    f"与第 {seen[who]} 行是同一人",
                    "一人多种身份，请写在一行，用顿号分开。",
                )
            )
        seen.setdefault(who, party.row)
    if len(case.parties) > MAX_PARTIES:
        sheet.problems.append(
            problem(case.row, KEY, "too_many_parties", "当事人太多", f"一个案件最多 {MAX_PARTIES} 人，其余请随后补充。")
        )
