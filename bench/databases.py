"""A system on a database of its own, and what the bare database takes for the same rows."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from bench.clocks import say
from tidebook.config import Settings
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

BOOK_TABLES = ("transactions", "entries", "position_state")
COPY_BASELINE = "COPY of the same final rows, 2 connections"
_CONNECTIONS = 2
_BLOCK_BYTES = 1 << 18
_PATIENCE_SECONDS = 600.0
_POLL_SECONDS = 0.02

_UNREAD = sql.SQL("""
SELECT coalesce(sum(p.next_offset - coalesce(c.next_offset, 0)), 0)
FROM log_partitions p
LEFT JOIN consumer_offsets c ON c.topic = p.topic AND c.part = p.part AND c.consumer = {}
WHERE p.topic = 'raw_transactions'
""")

_RIGHT = sql.SQL("SELECT count(*) FROM portfolio_standings WHERE series_from IS NULL")


@contextmanager
def private_folder() -> Generator[Path]:
    """Give a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="tidebook-bench-") as folder:
        yield Path(folder)


@contextmanager
def private_system() -> Generator[System]:
    """Give a system with the settings it is shipped with, on an embedded database of its own."""
    with private_folder() as folder, open_system(Settings(data_dir=folder / "data")) as system:
        yield system


def settle(system: System, receipts: Sequence[Receipt]) -> None:
    """Wait until everything is booked and every series is right."""
    for receipt in receipts:
        done = system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)
        assert done, f"{receipt.topic} was not booked within {_PATIENCE_SECONDS} s"


def wait_until_right(url: str, portfolios: int) -> None:
    """Wait until so many portfolios are known, all is booked and every series is right."""
    end = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while _number(connection, _RIGHT) < portfolios:
            assert time.monotonic() < end, f"not right within {_PATIENCE_SECONDS} s"
            time.sleep(_POLL_SECONDS)
    wait_until_booked(url)


def wait_until_booked(url: str) -> None:
    """Wait until every transaction in the log is in the book: its consumers' offsets say so."""
    _wait_until_read(url, "book")


def wait_until_shipped(url: str) -> None:
    """Wait until every transaction in the log is in the broker."""
    _wait_until_read(url, "dispatcher")


def _wait_until_read(url: str, consumer: str) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while _number(connection, _UNREAD.format(sql.Literal(consumer))):
            assert time.monotonic() < end, f"not read within {_PATIENCE_SECONDS} s: {consumer}"
            time.sleep(_POLL_SECONDS)


def row_count(url: str, table: str) -> int:
    """Return how many rows a table has."""
    with psycopg.connect(url) as connection:
        return _number(connection, sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))


def _number(connection: psycopg.Connection[tuple[Any, ...]], query: sql.SQL | sql.Composed) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def copy_seconds(url: str, tables: Sequence[str], repeats: int = 3) -> float:
    """Return how long COPY takes for the rows of these tables as they stand.

    The rows are read first. They are then written into empty copies of the tables, indexes and
    all, by two connections beside each other: as many processors as the measured work had.
    The median of ``repeats`` is returned.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        held = {table: _rows_of(connection, table) for table in tables}
        taken: list[float] = []
        for _ in range(repeats):
            for table in tables:
                _execute(connection, "DROP TABLE IF EXISTS {}", _copy_of(table))
                _execute(
                    connection, "CREATE TABLE {} (LIKE {} INCLUDING ALL)", _copy_of(table), table
                )
            _execute(connection, "CHECKPOINT")
            taken.append(_write_all(url, held))
        for table in tables:
            _execute(connection, "DROP TABLE {}", _copy_of(table))
    say(f"COPY of {', '.join(tables)}: {', '.join(f'{seconds:.2f}' for seconds in taken)} s")
    return median(taken)


def _rows_of(connection: psycopg.Connection[tuple[Any, ...]], table: str) -> list[bytes]:
    """Return a table as lines of COPY, in blocks that end with a line."""
    statement = sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))
    blocks: list[bytes] = []
    block = bytearray()
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in copy:
            block += line
            if len(block) >= _BLOCK_BYTES:
                blocks.append(bytes(block))
                block.clear()
    return [*blocks, bytes(block)]


def _write_all(url: str, held: dict[str, list[bytes]]) -> float:
    connections = [psycopg.connect(url, autocommit=True) for _ in range(_CONNECTIONS)]
    try:
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            start = time.perf_counter()
            shares = [
                pool.submit(_write_share, connection, held, i)
                for i, connection in enumerate(connections)
            ]
            for share in shares:
                share.result()
            return time.perf_counter() - start
    finally:
        for connection in connections:
            connection.close()


def _write_share(
    connection: psycopg.Connection[tuple[Any, ...]], held: dict[str, list[bytes]], number: int
) -> None:
    for table, blocks in held.items():
        statement = sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(_copy_of(table)))
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for block in blocks[number::_CONNECTIONS]:
                copy.write(block)


def _copy_of(table: str) -> str:
    return f"bench_{table}"


def _execute(
    connection: psycopg.Connection[tuple[Any, ...]], statement: LiteralString, *names: str
) -> None:
    composed = sql.SQL(statement).format(*map(sql.Identifier, names))
    connection.execute(composed)


def commit_seconds(url: str, repeats: int = 500) -> tuple[float, ...]:
    """Return how long each durable commit of one small row takes."""
    taken: list[float] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bench_commits (number integer PRIMARY KEY, at date)")
        for number in range(repeats):
            start = time.perf_counter()
            connection.execute("INSERT INTO bench_commits VALUES (%s, current_date)", (number,))
            taken.append(time.perf_counter() - start)
        connection.execute("DROP TABLE bench_commits")
    return tuple(taken)
