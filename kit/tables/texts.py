"""The rows of a CSV file in the encodings and with the separators that Chinese offices use."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from kit.tables.model import BadTable

SEPARATORS = ",;\t"
FIELD_CHARACTERS = 131_072
"""The csv module's own bound on a cell."""


def text_rows(data: bytes) -> Iterator[tuple[int, list[object]]]:
    """The rows with their numbers as Excel would show them. Raises BadTable."""
    text = _decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise BadTable(
                "table_csv", f"第 {number} 行的引号不完整", "请检查这一行的双引号，或另存为 .xlsx 再上传。", row=number
            ) from None
        yield number, list(cells)


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif b"\0" in data:
        raise BadTable("table_type", "这不是表格文件", "请上传 .xlsx 或 .csv 文件，可以先下载模板。")
    else:
        candidates = ["utf-8-sig", "gb18030"]
    for encoding in candidates:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadTable("table_encoding", "看不懂文件里的文字", "请用 Excel 打开后另存为 .xlsx，或“CSV UTF-8”，再上传。")


def _separator(text: str) -> str:
    """The one that splits the first lines most; a comma where none does."""
    head = text[:4096]
    return max(SEPARATORS, key=lambda each: (head.count(each), each == ","))
