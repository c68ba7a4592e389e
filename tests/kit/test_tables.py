"""Tables as people upload them: what is taken, and what is said about what is not."""

from __future__ import annotations

import csv
import io
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from kit.tables import BadTable, CellKind, Column, read_table, write_table

NAME = Column("name", ("姓名", "当事人"), required=True, max_length=20)
PHONE = Column("phone", ("手机号码",))
DAY = Column("day", ("报案日期",), kind=CellKind.DATE)
COLUMNS = (NAME, PHONE, DAY)
TITLES = ["姓名*", "手机号码", "报案日期"]


def workbook(*rows: Sequence[object], change: Callable[[Any], object] | None = None) -> bytes:
    """A real workbook with these rows, after `change` has had the sheet."""
    book = Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    if change:
        change(sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def refused(data: bytes, name: str = "名单.xlsx", **options: Any) -> BadTable:
    with pytest.raises(BadTable) as caught:
        read_table(data, name, columns=COLUMNS, **options)
    assert caught.value.title
    assert caught.value.detail
    return caught.value


def rezipped(data: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    """The workbook with other parts."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_workbook_reads_as_people_see_it() -> None:
    data = workbook(
        ["城东派出所 2026 年 3 月"],
        TITLES,
        ["张三", 13800000000, datetime(2026, 3, 2)],  # noqa: DTZ001 — Excel knows no zones.
        [],
        ["李 四", "010-1234", 46083],
        [" 王五\n", None, "2026年3月2日"],
    )
    rows = read_table(data, "a.xlsx", columns=COLUMNS).rows
    assert [row.number for row in rows] == [3, 5, 6]
    assert [row.values["name"] for row in rows] == ["张三", "李 四", "王五"]
    assert [row.values["phone"] for row in rows] == ["13800000000", "010-1234", ""]
    assert {row.values["day"] for row in rows} == {"2026-03-02"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_reads_in_every_encoding_and_separator(encoding: str, separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerows([TITLES, ["张三", "13800000000", "2026/3/2"], ["李,四;五", "", ""]])
    rows = read_table(out.getvalue().encode(encoding), "a.csv", columns=COLUMNS).rows
    assert [row.values for row in rows] == [
        {"name": "张三", "phone": "13800000000", "day": "2026-03-02"},
        {"name": "李,四;五", "phone": "", "day": ""},
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "table_empty"),
        (b"%PDF-1.7\n1 0 obj", "table_type"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "table_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "table_legacy"),
        (b"PK\x03\x04 no archive", "table_damaged"),
        (b"\x00\x01\x02\x03", "table_type"),
        (b"\xff\xff\xff\xff\x80", "table_encoding"),
        ("别的,表头\n1,2\n".encode(), "table_header"),
        ("姓名,手机号码\n".encode(), "table_no_rows"),
        ('姓名,手机号码\n"张三,1\n'.encode(), "table_csv"),
    ],
)
def test_what_is_no_table_is_refused_by_its_content(data: bytes, code: str) -> None:
    assert refused(data, "看起来是表.xlsx").code == code


def test_macros_passwords_and_other_archives_are_refused() -> None:
    good = workbook(TITLES, ["张三", None, None])
    assert refused(rezipped(good, lambda parts: parts.update({"xl/vbaProject.bin": b"x"}))).code == "table_macro"
    assert refused(rezipped(good, lambda parts: parts.pop("xl/workbook.xml"))).code == "table_type"
    assert refused(rezipped(good, lambda parts: parts.update({"xl/workbook.xml": b"<no"}))).code == "table_damaged"


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    good = workbook(TITLES, ["张三", None, None])
    bomb = rezipped(good, lambda parts: parts.update({"xl/sharedStrings.xml": b" " * (200 * 1024 * 1024)}))
    assert len(bomb) < 1024 * 1024
    tracemalloc.start()
    assert refused(bomb).code == "table_bomb"
    assert tracemalloc.get_traced_memory()[1] < 10 * 1024 * 1024
    tracemalloc.stop()


def test_entities_are_not_expanded() -> None:
    def swell(parts: dict[str, bytes]) -> None:
        lol = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><worksheet>&b;</worksheet>'
        parts["xl/worksheets/sheet1.xml"] = lol

    assert refused(rezipped(workbook(TITLES, ["张三"]), swell)).code == "table_damaged"


def test_a_hundred_thousand_rows_are_refused_quickly() -> None:
    rows = [{"name": f"张{n}", "phone": "13800000000"} for n in range(100_000)]
    data = write_table("名单", [("name", "姓名"), ("phone", "手机号码")], rows)
    begun = time.process_time()
    problem = refused(data)
    assert problem.code == "table_too_many_rows"
    assert "10000" in problem.title
    assert time.process_time() - begun < 10


def test_a_sheet_that_claims_a_million_rows_ends() -> None:
    def far(sheet: Any) -> None:
        sheet.cell(row=1_048_576, column=1, value="张三")

    assert refused(workbook(TITLES, ["李四"], change=far)).code == "table_too_many_rows"


@pytest.mark.parametrize(
    ("titles", "code", "column"),
    [
        (["姓名", "手机号码", "爱好"], "table_column_unknown", "C"),
        (["姓名", "手机号码", "当事人"], "table_column_doubled", "C"),
        (["手机号码"], "table_column_missing", None),
    ],
)
def test_wrong_columns_are_named(titles: list[str], code: str, column: str | None) -> None:
    problem = refused(workbook(titles, ["1", "2", "3"][: len(titles)]))
    assert (problem.code, problem.row, problem.column) == (code, 1, column)


def test_merged_cells_are_named_below_the_titles_only() -> None:
    rows: list[list[Any]] = [["三月名单"], TITLES, ["张三", None, None], ["李四", None, None]]
    assert refused(workbook(*rows, change=lambda sheet: sheet.merge_cells("B3:B4"))).code == "table_merged"
    heading = workbook(*rows, change=lambda sheet: sheet.merge_cells("A1:C1"))
    assert len(read_table(heading, "a.xlsx", columns=COLUMNS).rows) == 2


@pytest.mark.parametrize(
    ("row", "code", "column"),
    [
        (["=A1&B1", None, None], "table_formula", "姓名"),
        (["#N/A", None, None], "table_cell_error", "姓名"),
        (["", "1", None], "table_required", "姓名"),
        (["张" * 21, None, None], "table_cell_too_long", "姓名"),
        (["张‮三", None, None], "table_control_character", "姓名"),  # noqa: PLE2502 — that is what is refused.
        (["张三", 340111199001011234, None], "table_number_too_long", "手机号码"),
        (["张三", None, "三月二号"], "table_date", "报案日期"),
        (["张三", None, "2026-02-30"], "table_date", "报案日期"),
        (["张三", None, "46083"], "table_date_serial", "报案日期"),
        (["张三", None, 5], "table_date", "报案日期"),
        (["张三", None, None, "多余"], "table_cell_beyond", "D 列"),
    ],
)
def test_a_bad_cell_is_named_with_row_and_column(row: list[Any], code: str, column: str) -> None:
    data = workbook(TITLES, ["李四", "1", None], row)
    problem = refused(data)
    assert (problem.code, problem.row, problem.column) == (code, 3, column)
    table = read_table(data, "a.xlsx", columns=COLUMNS, collect=True)
    assert [(p.code, p.row, p.column) for p in table.problems] == [(code, 3, column)]
    assert len(table.rows) == 2


def test_control_characters_in_csv_are_refused() -> None:
    assert refused("姓名\n张\x07三\n".encode()).code == "table_control_character"


TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=30).map(str.strip)
STARTS = st.sampled_from(["", "=", "+", "-", "@", "=cmd|", "\t"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.tuples(STARTS, TEXT).map("".join), st.dates(date(1901, 1, 1), date(2199, 1, 1))),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
)
def test_what_is_written_reads_back(rows: list[tuple[str, date]], marked: bool) -> None:
    columns = (
        Column("id", ("编号",), required=True),
        Column("text", ("内容",)),
        Column("day", ("日期",), kind=CellKind.DATE),
    )
    written = [{"id": n, "text": text, "day": day} for n, (text, day) in enumerate(rows)]
    data = write_table(
        "表", [("id", "编号"), ("text", "内容"), ("day", "日期")], written, watermark="警号 012345" if marked else None
    )
    read = read_table(data, "a.xlsx", columns=columns).rows
    expected = [{"id": str(n), "text": text.strip(), "day": day.isoformat()} for n, (text, day) in enumerate(rows)]
    assert [row.values for row in read] == expected


def test_an_export_holds_no_formula_and_shows_chinese_time() -> None:
    data = write_table(
        "一览[1]/2",
        [("text", "内容"), ("at", "时间")],
        [{"text": "=1+1", "at": datetime(2026, 3, 2, 16, 30, tzinfo=UTC)}],
        watermark="警号 012345 & 打印",
    )
    sheet: Any = load_workbook(io.BytesIO(data)).worksheets[0]
    assert (sheet["A3"].value, sheet["A3"].data_type, sheet["A3"].quotePrefix) == ("=1+1", "s", True)
    assert f"{sheet['B3'].value:%Y-%m-%d %H:%M}" == "2026-03-03 00:30"
    assert sheet.freeze_panes == "A3"
    assert sheet["A2"].font.bold
    assert sheet.column_dimensions["B"].width > 15
