"""One cell as text, or what is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from openpyxl.utils.datetime import from_excel

from kit.tables.model import CellKind, Column

SAFE_DIGITS = 10**15
"""Excel keeps 15 digits of a number; of an identity number written as one it has lost the last three."""
FIRST_DAY, LAST_DAY = date(1900, 3, 1), date(2199, 12, 31)
"""Serials before March 1900 mean different days to different programs."""
DATE = re.compile(r"^(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]0{1,2}:00(?::00)?)?$")
HIDDEN = frozenset("\u200b\u2060\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SERIAL = re.compile(r"^\d{5}(\.\d+)?$")


class Refused(Exception):
    """A cell cannot be taken: code, what is wrong, what to do."""

    def __init__(self, code: str, message: str, advice: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.advice = advice


class Formula:
    """Stands for the content of a cell that holds a formula."""


class Fault:
    """Stands for the content of a cell that shows an error such as #N/A."""


def text_of(value: object, column: Column) -> str:
    """The cell's text. Raises Refused."""
    if isinstance(value, Formula):
        raise Refused("table_formula", "是公式，不是文字", "请复制后选择“粘贴为数值”，再上传。")
    if isinstance(value, Fault):
        raise Refused("table_cell_error", "显示为错误值", "请改成正确的内容，例如不要出现 #N/A。")
    if column.kind is CellKind.DATE:
        return _date(value, column)
    return _bounded(_plain(value), column)


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}" if value.time() == time() else f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, (date, time, timedelta)):
        return str(value)
    if isinstance(value, (int, float)):
        return _number(value)
    return str(value)


def _number(value: float) -> str:
    if abs(value) >= SAFE_DIGITS:
        raise Refused(
            "table_number_too_long",
            "数字太长，Excel 已经丢失末尾几位",
            "请先把这一列的格式设为“文本”，再重新填写号码。",
        )
    return str(int(value)) if value == int(value) else repr(value)


def _bounded(raw: str, column: Column) -> str:
    text = raw.replace("\r\n", "\n").replace("\r", "\n").strip()
    if any(_invisible(character) for character in text):
        raise Refused("table_control_character", "含有看不见的特殊字符", "请删除后重新输入这一格。")
    if len(text) > column.max_length:
        raise Refused(
            "table_cell_too_long", f"超过 {column.max_length} 个字", f"请缩短到 {column.max_length} 个字以内。"
        )
    return text


def _invisible(character: str) -> bool:
    """Control characters, and those that turn the direction of writing: a name must look like what it is."""
    return (unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\t") or character in HIDDEN


def _date(value: object, column: Column) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _serial(value)
    text = _bounded(_plain(value), column)
    if not text:
        return ""
    if SERIAL.match(text):
        raise Refused("table_date_serial", "是 Excel 内部的日期数字", "请写成年月日，例如 2026-03-02。")
    return _written(text)


def _serial(value: float) -> str:
    """A day as Excel counts it, in a cell that is not formatted as a date."""
    try:
        day = from_excel(value)
    except (ValueError, OverflowError):
        day = None
    if not isinstance(day, datetime) or not FIRST_DAY <= day.date() <= LAST_DAY:
        raise _no_date()
    return f"{day:%Y-%m-%d}"


def _written(text: str) -> str:
    found = DATE.match(text)
    if found is None:
        raise _no_date()
    year, month, day = (int(each) for each in found.groups())
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        raise _no_date() from None


def _no_date() -> Refused:
    return Refused("table_date", "不是有效的日期", "请写成年月日，例如 2026-03-02。")
