"""Reading an uploaded table by its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kit.tables import cells
from kit.tables.model import BadTable, CellProblem, Column, Table, TableRow, letter
from kit.tables.texts import text_rows
from kit.tables.workbooks import merged_below, workbook_rows

FILE_BYTES = 20 * 1024 * 1024
HEADER_WITHIN = 10
"""Above the titles there may be a heading and an explanation."""
ROWS_LOOKED_AT = 20_000
"""Blank rows count here, so that a sheet which claims a million of them ends."""
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
KNOWN_OTHERS = {b"%PDF": "PDF", b"\x89PNG": "图片", b"\xff\xd8\xff": "图片", b"GIF8": "图片", b"Rar!": "压缩包"}

RawRows = Iterator[tuple[int, list[object]]]


def read_table(
    data: bytes, filename: str, *, columns: Sequence[Column], max_rows: int = 10_000, collect: bool = False
) -> Table:
    """The rows below the titles, of an .xlsx or CSV file; `filename` is only for the error.

    Raises BadTable where the file as a whole cannot be taken (another type, a password, a macro, a damaged or swollen
    file, wrong, missing or doubled columns, merged cells, more than `max_rows` rows), and for the first bad cell; with
    `collect` the rows carry their problems instead. Nothing is taken silently: a formula, an error value, a number that
    Excel has shortened, a control character or an overlong text is a problem of its cell.
    """
    rows, is_workbook = _rows(data, filename)
    header, places = _header(rows, columns)
    if is_workbook and (merged := merged_below(data, header)):
        raise BadTable(
            "table_merged",
            f"第 {merged[0]} 行 {merged[1]} 列有合并单元格",
            "请取消合并，每一格单独填写后再上传。",
            row=merged[0],
            column=merged[1],
        )
    return _body(rows, columns, places, max_rows, collect)


def _rows(data: bytes, filename: str) -> tuple[RawRows, bool]:
    if not data.strip():
        raise BadTable("table_empty", "文件是空的", "请填写后再上传，可以先下载模板。")
    if len(data) > FILE_BYTES:
        raise BadTable("table_too_large", "文件太大", f"请控制在 {FILE_BYTES // 1024 // 1024} MB 以内，分几次上传。")
    if data.startswith(ZIP):
        return workbook_rows(data), True
    if data.startswith(OLE):
        raise BadTable(
            "table_legacy", "是旧版 .xls 文件，或设了密码", "请用 Excel 或 WPS 去掉密码，另存为 .xlsx，再上传。"
        )
    for mark, name in KNOWN_OTHERS.items():
        if data.startswith(mark):
            raise BadTable("table_type", f"“{filename[:60]}”是{name}，不是表格", "请上传 .xlsx 或 .csv 文件。")
    return text_rows(data), False


def _header(rows: RawRows, columns: Sequence[Column]) -> tuple[int, dict[int, Column]]:
    """The row with the titles, and which column stands at which place. Raises BadTable."""
    by_title = {_title(title): column for column in columns for title in column.titles}
    for number, row in rows:
        titles = {index: _title(cell) for index, cell in enumerate(row) if _title(cell)}
        if any(title in by_title for title in titles.values()):
            return number, _places(number, titles, by_title, columns)
        if number >= HEADER_WITHIN:
            break
    wanted = "、".join(column.titles[0] for column in columns if column.required)
    raise BadTable("table_header", "没有找到表头", f"表头要有：{wanted}。可以先下载模板。")


def _title(cell: object) -> str:
    """As people write it: a star for "required" and blanks do not count."""
    return "".join(str(cell).split()).strip("*＊").lower() if isinstance(cell, str) else ""


def _places(
    number: int, titles: dict[int, str], by_title: dict[str, Column], columns: Sequence[Column]
) -> dict[int, Column]:
    places: dict[int, Column] = {}
    for index, title in titles.items():
        column = by_title.get(title)
        if column is None:
            raise BadTable(
                "table_column_unknown",
                f"{letter(index)} 列“{title[:20]}”不认识",
                "请删除这一列，或按模板改表头。",
                row=number,
                column=letter(index),
            )
        if column in places.values():
            raise BadTable(
                "table_column_doubled",
                f"“{column.titles[0]}”有两列",
                f"请只保留一列；{letter(index)} 列重复。",
                row=number,
                column=letter(index),
            )
        places[index] = column
    missing = [column.titles[0] for column in columns if column.required and column not in places.values()]
    if missing:
        raise BadTable(
            "table_column_missing", f"缺少：{'、'.join(missing)}", "请补上这些列，可以先下载模板。", row=number
        )
    return places


def _body(rows: RawRows, columns: Sequence[Column], places: dict[int, Column], max_rows: int, collect: bool) -> Table:
    table = Table()
    for looked, (number, row) in enumerate(rows, 1):
        if looked > max_rows + ROWS_LOOKED_AT:
            raise _too_many(max_rows)
        if all(_blank(cell) for cell in row):
            continue
        if len(table.rows) == max_rows:
            raise _too_many(max_rows)
        table.rows.append(_row(number, row, columns, places))
        if not collect and table.rows[-1].problems:
            raise BadTable.of(table.rows[-1].problems[0])
    if not table.rows:
        raise BadTable("table_no_rows", "表里没有内容", "请从表头的下一行开始填写。")
    return table


def _blank(cell: object) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _too_many(max_rows: int) -> BadTable:
    return BadTable("table_too_many_rows", f"超过 {max_rows} 行", f"请分成几个文件，每个不超过 {max_rows} 行。")


def _row(number: int, row: list[object], columns: Sequence[Column], places: dict[int, Column]) -> TableRow:
    values = {column.key: "" for column in columns}
    problems: list[CellProblem] = []
    for index, column in places.items():
        try:
            values[column.key] = cells.text_of(row[index] if index < len(row) else None, column)
            if column.required and not values[column.key]:
                raise cells.Refused("table_required", "没有填写", "这一列必须填写。")
        except cells.Refused as refused:
            problems.append(CellProblem(number, column.titles[0], refused.code, refused.message, refused.advice))
    problems += _beyond(number, row, places)
    return TableRow(number, values, tuple(problems))


def _beyond(number: int, row: list[object], places: dict[int, Column]) -> list[CellProblem]:
    """Content in a column without a title would be lost silently: a comma too many in a CSV file."""
    return [
        CellProblem(
            number, f"{letter(index)} 列", "table_cell_beyond", "这一格上面没有表头", "请删除，或移到正确的列。"
        )
        for index, cell in enumerate(row)
        if index not in places and not _blank(cell)
    ][:1]
