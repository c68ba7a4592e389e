"""What a table is once it is read, and what may be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from openpyxl.utils import get_column_letter

CELL_LENGTH = 500


class CellKind(StrEnum):
    """What a column holds; `date` is read as `2026-03-02`, however the file writes it."""

    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a table may have: the key of its values, and the titles that people write above it."""

    key: str
    titles: tuple[str, ...]
    required: bool = False
    kind: CellKind = CellKind.TEXT
    max_length: int = CELL_LENGTH


@dataclass(frozen=True, slots=True)
class CellProblem:
    """What is wrong with one cell, and what to do about it. `row` counts as Excel does; `column` is the title."""

    row: int
    column: str
    code: str
    message: str
    advice: str


class BadTable(ValueError):
    """The file, or a cell of it, cannot be taken. Shaped like a business error: code, title, and what to do next."""

    status = 400

    def __init__(
        self, code: str, title: str, detail: str, *, row: int | None = None, column: str | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.title = title
        self.detail = detail
        self.row = row
        self.column = column

    @classmethod
    def of(cls, problem: CellProblem) -> BadTable:
        """The same for a single cell."""
        title = f"第 {problem.row} 行“{problem.column}”：{problem.message}"
        return cls(problem.code, title, problem.advice, row=problem.row, column=problem.column)


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row that is not empty. Every column has a value, `""` where the cell is empty or could not be taken."""

    number: int
    values: dict[str, str]
    problems: tuple[CellProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """What was read, in the file's order."""

    rows: list[TableRow] = field(default_factory=list)

    @property
    def problems(self) -> list[CellProblem]:
        """What is wrong with single cells, from top to bottom."""
        return [problem for row in self.rows for problem in row.problems]


def letter(index: int) -> str:
    """A column as Excel calls it; counted from 0."""
    return str(get_column_letter(index + 1))
