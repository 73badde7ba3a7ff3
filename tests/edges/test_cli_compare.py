"""``tidebook compare``: a user, or a portfolio, beside a benchmark that got the same money.

u1 buys 10 ACME at 100 on 2 January 2024 and sells 4 at 120 on 10 January; the 6 left close at 130
on 31 January. SPY stood at 200, 210 and 220: 1000 / 200 - 480 / 210 = 2.714286 units are worth
597.142857.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.unit.cli.memory_book import MemoryBook, Openings
from tests.unit.cli.terminal import terminal
from tidebook.engine.benchmarks import KeptLevels, ReturnBasis
from tidebook.engine.user_trades import UserTrade, UserTrades
from tidebook.engine.users import UserPolicy
from tidebook.model.facts import Price, TransactionType
from tidebook.model.markets import DatedValue

D = Decimal
BOUGHT, SOLD, LAST = date(2024, 1, 2), date(2024, 1, 10), date(2024, 1, 31)
JANUARY = ("--from", "2024-01-01", "--to", "2024-01-31")


@pytest.fixture(name="store")
def traded() -> Openings:
    book = MemoryBook()
    trades = UserTrades(book, book, UserPolicy(), lambda: "never asked")
    done = ((BOUGHT, TransactionType.BUY, 10, 100), (SOLD, TransactionType.SELL, 4, 120))
    for on, side, quantity, price in done:
        at = datetime(on.year, on.month, on.day, 15, 30, tzinfo=UTC)
        gross = D(quantity * price)
        trades.take(
            UserTrade("u1", "ACME", side, D(quantity), D(price), gross, at, f"{on}"), "test"
        )
    closes = ((BOUGHT, 100), (SOLD, 120), (LAST, 130))
    book.ingest_prices([Price("ACME", on, D(close), "USD") for on, close in closes], "test")
    opened = Openings(book)
    levels = ((BOUGHT, 200), (SOLD, 210), (LAST, 220))
    points = tuple(DatedValue(on, D(level)) for on, level in levels)
    at = datetime(2024, 2, 1, 11, tzinfo=UTC)
    opened.benchmarks.store.replace(
        KeptLevels("SPY", "USD", ReturnBasis.TOTAL, "csv", date(2014, 1, 1), at, points)
    )
    return opened


def test_both_sides_and_their_difference_as_a_table(store: Openings) -> None:
    result = terminal(store, "compare", "u1", *JANUARY, "-o", "table")
    assert result.exit_code == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "u1 beside SPY, 2024-01-02 to 2024-01-31"
    assert lines[1] == "side begin USD net flows USD end USD money-weighted a year time-weighted"
    assert lines[2].startswith("u1 0.00 520.00 780.00 ")
    assert lines[2].endswith(" 30.00 %")
    assert lines[3].startswith("SPY, same flows 0.00 520.00 597.14 ")
    assert lines[3].endswith(" 10.00 %")
    assert lines[4].startswith("difference – – 182.86 ")
    assert lines[4].endswith(" 20.00 %")
    assert lines[5] == "outperformed"
    assert lines[6] == "profit 260.00 USD, all fees included"
    # (480 x 220 / 210 + 780) / (1000 x 220 / 200) = 1.166234
    assert lines[7].startswith("KS-PME 1.166234, direct alpha ")
    assert lines[8] == "SPY: total_return in USD, from csv (cache), last level of 2024-01-31"


def test_json_tells_the_same_in_fractions(store: Openings) -> None:
    document = json.loads(terminal(store, "compare", "u1", *JANUARY).stdout)
    user, benchmark, difference = document["sides"]
    assert (document["status"], document["profit"]) == ("outperformed", "260")
    assert user["twr"] == pytest.approx(0.3, abs=1e-12)
    assert benchmark["twr"] == pytest.approx(0.1, abs=1e-12)
    assert difference["mwr"] == pytest.approx(user["mwr"] - benchmark["mwr"], abs=1e-12)
    assert document["levels"][0]["data_source"] == "cache"


def test_a_portfolio_is_compared_as_its_user_is(store: Openings) -> None:
    by_user = json.loads(terminal(store, "compare", "u1", *JANUARY).stdout)
    by_portfolio = json.loads(terminal(store, "compare", "user:u1", *JANUARY).stdout)
    assert by_portfolio["user_id"] == "user:u1"
    assert by_portfolio["sides"][0]["mwr"] == by_user["sides"][0]["mwr"]


def test_a_period_without_days_is_said_to_be_one(store: Openings) -> None:
    ago = ("--from", "2022-01-01", "--to", "2022-12-31")
    document = json.loads(terminal(store, "compare", "u1", *ago).stdout)
    assert (document["status"], document["sides"]) == ("insufficient_data", [])
    assert document["reasons"][0]["code"] == "no-days"


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (("nobody",), 4, "user.unknown"),
        (("u1", "--benchmark", "60% SPY"), 3, "benchmark.invalid"),
        (("u1", "--benchmark", "GLD"), 7, "benchmark_unavailable"),
        (("u1", "--rebalancing", "yearly"), 2, "daily or monthly"),
    ],
)
def test_what_cannot_be_compared_ends_with_its_code(
    store: Openings, args: tuple[str, ...], code: int, said: str
) -> None:
    result = terminal(store, "compare", *args)
    assert result.exit_code == code
    assert said in result.stderr
