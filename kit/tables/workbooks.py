"""The rows of an Excel workbook, read as a stream within bounds that are checked before anything is unpacked."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from kit.tables.cells import Fault, Formula
from kit.tables.model import BadTable

UNPACKED_BYTES = 64 * 1024 * 1024
"""Of all parts together. `zipfile` never unpacks more of a part than its directory says, so this bound holds."""
PARTS = 500
COLUMNS = 100
MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
CHUNK = 1024 * 1024
BROKEN = (
    zipfile.BadZipFile, zlib.error, SyntaxError, DefusedXmlException, InvalidFileException,
    KeyError, ValueError, TypeError, IndexError, AttributeError, OSError, EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip
"""What openpyxl and zipfile raise over a damaged or hostile workbook; they promise no smaller set."""


def broken() -> BadTable:
    """It calls itself a workbook and is none."""
    return BadTable("table_damaged", "这个 Excel 文件打不开", "请用 Excel 或 WPS 打开后另存为 .xlsx，再上传。")


def check_container(data: bytes) -> None:
    """Raises BadTable for what is no plain workbook, or would unpack to too much."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except BROKEN:
        raise broken() from None
    names = {part.filename.lower() for part in parts}
    if any(part.flag_bits & 0x1 for part in parts):
        raise BadTable("table_encrypted", "文件有密码", "请去掉密码后再上传。")
    if any(name.endswith("vbaproject.bin") or "/macrosheets/" in name for name in names):
        raise BadTable("table_macro", "文件里有宏", "请另存为不含宏的 .xlsx，再上传。")
    if "xl/workbook.xml" not in names:
        raise BadTable("table_type", "这不是 Excel 文件", "请上传 .xlsx 或 .csv 文件，可以先下载模板。")
    if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED_BYTES:
        raise BadTable("table_bomb", "文件展开后太大", "请只保留需要的一张表，删除图片和空白行后再上传。")


def workbook_rows(data: bytes) -> Iterator[tuple[int, list[object]]]:
    """The rows of the first sheet with Excel's row numbers. Raises BadTable."""
    check_container(data)
    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and extensions that it does not keep; only values matter here.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
            try:
                sheet: Any = book.worksheets[0]
                # Without the sheet's own claim about its size, which may be wrong either way.
                sheet.reset_dimensions()
                for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS), 1):
                    yield number, [_content(cell) for cell in cells]
            finally:
                book.close()
    except BadTable:
        raise
    except BROKEN:
        raise broken() from None


def _content(cell: Any) -> object:
    if cell.data_type == "f":
        return Formula()
    if cell.data_type == "e":
        return Fault()
    value: object = cell.value
    return value


def merged_below(data: bytes, header: int) -> tuple[int, str] | None:
    """The first merged range of the first sheet that reaches below the header row: its row and column letters."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_first_sheet(data)) as part:
            tail = b""
            while chunk := part.read(CHUNK):
                for found in MERGED.finditer(tail + chunk):
                    if int(found[4]) >= header:
                        return int(found[2]), found[1].decode()
                tail = chunk[-200:]
    except BROKEN:
        raise broken() from None
    return None


def _first_sheet(data: bytes) -> str:
    book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
    try:
        # Only openpyxl knows which part is the first sheet; in read-only mode it tells nothing of merged cells.
        sheet: Any = book.worksheets[0]
        return str(sheet._worksheet_path)
    finally:
        book.close()
