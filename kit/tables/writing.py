"""Writing a workbook row by row: it holds no formula, whatever the values say."""

from __future__ import annotations

import io
import itertools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from kit import clock

SHEET_NAME_LENGTH = 31
NOT_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\]")
CELL_LENGTH = 32_767
NARROWEST, WIDEST = 8, 48
MEASURED_ROWS = 50
TRIGGERS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a text for a formula."""
DATE_FORMAT, TIME_FORMAT, TEXT_FORMAT = "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "@"

HEADER_FONT = Font(bold=True, color="FFFFFF")
HEADER_FILL = PatternFill("solid", fgColor="1F3A5F")
HEADER_ALIGNMENT = Alignment(horizontal="center", vertical="center", wrap_text=True)
WATERMARK_FONT = Font(italic=True, color="808080")


def write_table(
    title: str,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Mapping[str, object]],
    *,
    watermark: str | None = None,
) -> bytes:
    """An .xlsx file: `columns` are (key, title) from left to right, `rows` hold values by key.

    The titles stay in view; instants are shown in Chinese time; a text is a text, also one that begins like a formula.
    `watermark` stands above the titles and on every printed page: who took this out, when.
    """
    head = list(itertools.islice(rows := iter(rows), MEASURED_ROWS))
    book = Workbook(write_only=True)
    sheet: Any = book.create_sheet(NOT_IN_SHEET_NAMES.sub(" ", title)[:SHEET_NAME_LENGTH].strip() or "表")
    for index, (key, heading) in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(index)].width = _width(heading, [row.get(key) for row in head])
    sheet.freeze_panes = "A3" if watermark else "A2"
    if watermark:
        sheet.oddFooter.center.text = watermark.replace("&", "&&")
        sheet.append([_styled(sheet, watermark, WATERMARK_FONT)])
    sheet.append([_heading(sheet, heading) for _, heading in columns])
    for row in itertools.chain(head, rows):
        sheet.append([_cell(sheet, row.get(key)) for key, _ in columns])
    return _saved(book)


def _saved(book: Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _heading(sheet: Any, text: str) -> Any:
    cell = _styled(sheet, text, HEADER_FONT)
    cell.fill, cell.alignment = HEADER_FILL, HEADER_ALIGNMENT
    return cell


def _styled(sheet: Any, text: str, font: Font) -> Any:
    cell = _text(sheet, text)
    cell.font = font
    return cell


def _cell(sheet: Any, value: object) -> Any:
    if value is None:
        return None
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        wall = clock.local(value).replace(tzinfo=None) if value.tzinfo else value
        return _formatted(sheet, wall.replace(microsecond=0), TIME_FORMAT)
    if isinstance(value, date):
        return _formatted(sheet, value, DATE_FORMAT)
    if isinstance(value, (int, float)):
        return value
    return _text(sheet, str(value))


def _formatted(sheet: Any, value: date, number_format: str) -> Any:
    cell: Any = WriteOnlyCell(sheet)
    cell.value = value
    cell.number_format = number_format
    return cell


def _text(sheet: Any, text: str) -> Any:
    clean = ILLEGAL_CHARACTERS_RE.sub("", text)[:CELL_LENGTH]
    cell: Any = WriteOnlyCell(sheet, clean)
    if clean.startswith(TRIGGERS) or cell.data_type != "s":
        # As text also once somebody edits the cell: the mark that a leading apostrophe leaves in Excel.
        cell.data_type, cell.quotePrefix, cell.number_format = "s", True, TEXT_FORMAT
    return cell


def _width(heading: str, values: Sequence[object]) -> int:
    longest = max(_columns_of(text) for text in [heading, *(str(v) for v in values if v is not None)])
    return max(NARROWEST, min(WIDEST, longest + 2))


def _columns_of(text: str) -> int:
    """A Chinese character takes the place of two digits."""
    return max(sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line) for line in text.split("\n"))
