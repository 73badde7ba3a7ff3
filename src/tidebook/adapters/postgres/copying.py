"""Bulk writes: rows as the text form of COPY, the quickest way in that plain Python has."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from psycopg import Cursor

Cell = str | bytes | int | bool | Decimal | date | datetime | None
_BLOCK_CHARACTERS = 1 << 16
"""How much is sent at once: the server writes it while what comes next is made."""
_KEPT = 4096
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class Insert(Protocol):
    """How new rows come into a table: :func:`copy_rows`, or ``insert_rows`` where they are few."""

    def __call__(
        self,
        cursor: Cursor[tuple[object, ...]],
        table: str,
        into: Sequence[str],
        rows: Iterable[Sequence[Cell]],
    ) -> None:
        """Write rows; the cells of a row are in the order of ``into``."""
        ...


def columns(names: str) -> tuple[str, ...]:
    """Return the names of columns, given in one text."""
    return tuple(names.split())


def copy_rows(
    cursor: Cursor[tuple[object, ...]],
    table: str,
    into: Sequence[str],
    rows: Iterable[Sequence[Cell]],
) -> None:
    """Write rows into a table; the cells of a row are in the order of ``into``."""
    copy_lines(cursor, table, into, map("\t".join, map(_cells, rows)))


def _cells(row: Sequence[Cell]) -> list[str]:
    try:
        return ["\\N" if cell is None else _WRITERS[type(cell)](cell) for cell in row]
    except KeyError as unknown:
        # A member of an enumeration is the text of its value; from now on its kind is known.
        kind = unknown.args[0]
        _WRITERS[kind] = {member: _string(member.value) for member in kind}.__getitem__
        return _cells(row)


def text_of(cell: str | bytes | int | Decimal | date | datetime) -> str:
    """Return a cell as the server reads it, with nothing escaped."""
    if isinstance(cell, Enum):
        return str(cell.value)
    if isinstance(cell, bytes):
        return f"\\x{cell.hex()}"
    return cell if isinstance(cell, str) else _WRITERS[type(cell)](cell)


def _string(cell: str) -> str:
    if "\\" in cell or "\t" in cell or "\n" in cell or "\r" in cell:
        return cell.translate(_ESCAPES)
    return cell


def _bytes(cell: bytes) -> str:
    return f"\\\\x{cell.hex()}"


def _boolean(cell: bool) -> str:  # noqa: FBT001 - a cell of the table
    return "t" if cell else "f"


_WRITERS: dict[type, Callable[..., str]] = {
    str: _string,
    bytes: _bytes,
    int: str,
    bool: _boolean,
    Decimal: str,
    # The legs of a fact share its day and its instant, and an instant takes as long as ten numbers.
    date: lru_cache(_KEPT)(date.isoformat),
    datetime: lru_cache(_KEPT)(datetime.isoformat),
}


def copy_lines(
    cursor: Cursor[tuple[object, ...]], table: str, into: Sequence[str], lines: Iterable[str]
) -> None:
    """Write rows that are lines of COPY's text already, each without its end."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, into))
    )
    with cursor.copy(statement) as copy:
        block: list[str] = []
        size = 0
        for line in lines:
            block.append(line)
            size += len(line)
            if size >= _BLOCK_CHARACTERS:
                copy.write("\n".join(block) + "\n")
                block.clear()
                size = 0
        if block:
            copy.write("\n".join(block) + "\n")


def escaped(cell: str) -> str:
    """Return a text as a cell of such a line."""
    return cell.translate(_ESCAPES)
