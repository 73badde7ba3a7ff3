"""Ten years of real market data, small enough to ship with the package.

The demo, the tutorials and the tests stand on these two files, so that everything they show can
be repeated by anyone without a network. ``README.md`` beside them names the sources and says what
the closes are adjusted for.
"""

from __future__ import annotations

import csv
import gzip
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import NamedTuple

__all__ = ["ExamplePrice", "ExampleRate", "load_prices", "load_rates"]


class ExamplePrice(NamedTuple):
    """One close: ``close`` is in ``currency`` for one share (index points for ``SP500``)."""

    on: date
    symbol: str
    currency: str
    close: Decimal


class ExampleRate(NamedTuple):
    """One reference rate: ``rate`` units of ``to_currency`` for one of ``from_currency``."""

    on: date
    from_currency: str
    to_currency: str
    rate: Decimal


def load_prices() -> tuple[ExamplePrice, ...]:
    """Return the daily closes of ten US stocks and the S&P 500 index, 2013 to 2022.

    Every trading day from 2013-01-02 to 2022-12-28 holds one row per symbol, oldest day first
    and symbols in alphabetical order within a day except for ``SP500``, which closes the day.

    Returns:
        27,676 rows; every close is the decimal that the file writes, digit for digit.
    """
    return tuple(
        ExamplePrice(date.fromisoformat(on), symbol, currency, Decimal(close))
        for on, symbol, currency, close in _rows("prices.csv.gz")
    )


def load_rates() -> tuple[ExampleRate, ...]:
    """Return the euro reference rates of the European Central Bank, 2013 to 2022.

    From EUR to USD, GBP, JPY and CHF, oldest first. The bank publishes none on its holidays, so
    22 trading days of the price file (Easter Monday, the first of May and the like) have no rate
    of their own.

    Returns:
        10,232 rows; every rate is the decimal that the file writes, digit for digit.
    """
    return tuple(
        ExampleRate(date.fromisoformat(on), from_currency, to_currency, Decimal(rate))
        for on, from_currency, to_currency, rate in _rows("rates.csv.gz")
    )


def _rows(name: str) -> list[list[str]]:
    packed = files(__name__).joinpath(name).read_bytes()
    lines = gzip.decompress(packed).decode("ascii").splitlines()
    return list(csv.reader(lines[1:]))
