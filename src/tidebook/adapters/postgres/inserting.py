"""Few rows in one statement: its parameters are columns, each an array as text.

COPY is the quickest way for many rows, but it has the connection to itself and takes three
exchanges with the server. A statement goes out together with those around it, which is what decides
where a batch holds some dozens of rows.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Final, cast

from psycopg import sql

from tidebook.adapters.postgres.copying import text_of
from tidebook.adapters.postgres.lists import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import LiteralString

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Cell

_TYPES: Final = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
"""
# The types of columns are the same in every database of this release's schema.
_BARE: Final = frozenset({int, Decimal, date})
_types: Final[dict[str, dict[str, str]]] = {}


def insert_rows(
    cursor: Cursor[tuple[object, ...]],
    table: str,
    into: Sequence[str],
    rows: Iterable[Sequence[Cell]],
) -> None:
    """Write rows into a table; the cells of a row are in the order of ``into``."""
    source = rows_as_query(cursor, table, into)
    names = sql.SQL(", ").join(map(sql.Identifier, into))
    statement = sql.SQL("INSERT INTO {} ({}) ").format(sql.Identifier(table), names) + source
    cursor.execute(statement, arrays(rows))


def rows_as_query(
    cursor: Cursor[tuple[object, ...]], table: str, into: Sequence[str]
) -> sql.Composed:
    """Return a query of rows with these columns of a table; :func:`arrays` are its parameters."""
    if table not in _types:
        found = cursor.execute(_TYPES, (table,)).fetchall()
        _types[table] = {str(name): str(kind) for name, kind in found}
    return _query(tuple(_types[table][name] for name in into))


@cache
def _query(types: tuple[str, ...]) -> sql.Composed:
    marks = (sql.SQL("%s::{}[]").format(sql.SQL(cast("LiteralString", each))) for each in types)
    return sql.SQL("SELECT * FROM unnest({})").format(sql.SQL(", ").join(marks))


def arrays(rows: Iterable[Sequence[Cell]]) -> list[str]:
    """Return the columns of rows, each as the text of an array.

    Example:
        >>> arrays([("a", 1), ("b", None)])
        ['{"a","b"}', '{"1",NULL}']
    """
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(column: tuple[Cell, ...]) -> str:
    kinds = set(map(type, column))
    if len(kinds) == 1:
        # Asked of a column and not of each cell: there are some hundred cells to a fact.
        kind = kinds.pop()
        if kind is str:
            return quoted(cast("list[str]", column))
        if kind in _BARE:
            return f"{{{','.join(map(str, column))}}}"
        if kind is type(None):
            return f"{{{','.join(['NULL'] * len(column))}}}"
    return f"{{{','.join(map(_element, column))}}}"


def _element(cell: Cell) -> str:
    return "NULL" if cell is None else quoted([text_of(cell)])[1:-1]
