"""What a load costs: processor time by process, and bytes (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Mapping

_MILLION = 1_000_000
_PARENT, _USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 11, 12, 13, 14


class Spending:
    """Looks at processes and at a database now, and tells later what was spent since.

    Args:
        processes: The number of each process, by what it is called; its children count as well.
        url: The database.
    """

    def __init__(self, processes: Mapping[str, int], url: str) -> None:
        """Look for the first time."""
        self._processes = processes
        self._url = url
        self._seconds = self._look()
        self._bytes = _bytes_of(url)

    def _look(self) -> dict[str, float]:
        return {name: processor_seconds(pid) for name, pid in self._processes.items()}

    def per_million(self, count: int) -> str:
        """Return what a million would have cost at the rate of these ``count``."""
        now, (stored, logged) = self._look(), _bytes_of(self._url)
        seconds = {name: now[name] - self._seconds[name] for name in now}
        seconds["together"] = sum(seconds.values())
        share = _MILLION / count
        spent = ", ".join(f"{name} {each * share:,.0f}" for name, each in seconds.items())
        grown, written = (stored - self._bytes[0]) * share, (logged - self._bytes[1]) * share
        return (
            f"a million costs processor seconds: {spent}; "
            f"stored {grown / 1e9:.2f} GB, write-ahead log {written / 1e9:.2f} GB"
        )


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process and its children have had, those ended included."""
    ticks = os.sysconf("SC_CLK_TCK")
    own = _stat(pid)
    total = sum(own[field] for field in (_USER, _SYSTEM, _CHILDREN_USER, _CHILDREN_SYSTEM))
    for found in children(pid).values():
        total += found[_USER] + found[_SYSTEM]
    return total / ticks


def children(pid: int) -> dict[int, list[int]]:
    """Return the processes that a process has started, with the numbers that Linux tells of each.

    One that has just ended is left out: its time is counted with that of its parent.
    """
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                numbers = _stat(int(entry.name))
                if numbers[_PARENT] == pid:
                    found[int(entry.name)] = numbers
    return found


def postmaster_id(folder: Path) -> int:
    """Return the number of the database server of a data directory."""
    return int((folder / "pg" / "postmaster.pid").read_text(encoding="ascii").split()[0])


def _stat(pid: int) -> list[int]:
    """Return the numbers of a process after its name; its state, a letter, is told as 0."""
    text = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    return [
        int(each) if each.lstrip("-").isdigit() else 0 for each in text.rpartition(")")[2].split()
    ]


def _bytes_of(url: str) -> tuple[int, int]:
    """Return how large the database is, and how much it has written to its write-ahead log."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT pg_database_size(current_database()), pg_current_wal_lsn() - '0/0'::pg_lsn"
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
