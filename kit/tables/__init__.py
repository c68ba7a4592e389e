"""Tables that people upload and download: Excel and CSV in, Excel out; bounded, and clear about what is wrong where.

`read_table` takes a file by its content, whatever its name says. What is wrong with the file as a whole raises
`BadTable`; what is wrong with single cells raises too, or is collected per row with `collect=True` for a report that
shows everything at once. `write_table` writes what `read_table` reads.
"""

from kit.tables.model import BadTable, CellKind, CellProblem, Column, Table, TableRow
from kit.tables.reading import read_table
from kit.tables.writing import write_table

__all__ = ["BadTable", "CellKind", "CellProblem", "Column", "Table", "TableRow", "read_table", "write_table"]
