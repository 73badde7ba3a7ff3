"""A folder with one CSV file per benchmark: ``SPY.csv`` with a date and a level in each line.

The first line names the columns. The day is ``date`` (2024-01-31); the level is ``adj_close`` where
there is one, a close with distributions worked in, and else ``level``, which must be the same.
A plain ``close`` alone is refused: a return computed from it leaves distributions out.
"""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from tidebook.engine.benchmarks import ReturnBasis
from tidebook.errors import ProviderError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME: Final = "csv"
_LEVELS: Final = ("adj_close", "level")


class BenchmarkFolder:
    """Closing levels from files (see ``engine.benchmarks.Provider``)."""

    name: str = _NAME
    basis: ReturnBasis = ReturnBasis.TOTAL

    def __init__(self, folder: Path) -> None:
        """Keep the folder; it is read when it is asked."""
        self._folder = folder

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        """Return the levels of the days from ``start`` to ``end``, oldest first.

        Raises:
            ProviderError: If there is no such file, or a line of it cannot be read.
        """
        file = f"{symbol}.csv"
        try:
            with (self._folder / file).open(encoding="utf-8-sig", newline="") as lines:
                rows = [*csv.reader(lines)]
        except FileNotFoundError:
            raise ProviderError(_NAME, f"there is no {file} in the folder of benchmarks") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ProviderError(_NAME, f"{file} cannot be read: {error}") from None
        found = _levels_of(file, rows)
        return tuple(DatedValue(on, found[on]) for on in sorted(found) if start <= on <= end)


def _levels_of(file: str, rows: Sequence[Sequence[str]]) -> dict[date, Decimal]:
    heading = [name.strip().casefold().replace(" ", "_") for name in rows[0]] if rows else []
    level = next((name for name in _LEVELS if name in heading), None)
    if "date" not in heading or level is None:
        raise ProviderError(
            _NAME, f"the first line of {file} does not name date and {' or '.join(_LEVELS)}"
        )
    day_at, level_at = heading.index("date"), heading.index(level)
    found: dict[date, Decimal] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            on, value = date.fromisoformat(row[day_at].strip()), Decimal(row[level_at].strip())
        except (IndexError, ValueError, InvalidOperation):
            raise ProviderError(_NAME, f"line {number} of {file} has no day and level") from None
        if not (value.is_finite() and value > 0):
            raise ProviderError(_NAME, f"line {number} of {file} has a level that is none")
        if on in found:
            raise ProviderError(_NAME, f"line {number} of {file} repeats {on}")
        found[on] = value
    return found
