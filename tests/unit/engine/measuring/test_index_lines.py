"""Benchmarks and blends as one line in the user's currency."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tidebook.analytics import Rebalancing
from tidebook.engine.benchmarks import DataSource, Levels, ReturnBasis
from tidebook.engine.measuring.index_lines import Blend, Part, blend_of, line_of
from tidebook.errors import BenchmarkUnavailableError, InvalidBenchmarkError
from tidebook.model.facts import Rate
from tidebook.model.markets import DatedValue, rate_table

D = Decimal
NO_RATES = rate_table([])


def day(number: int, month: int = 1) -> date:
    return date(2024, month, number)


def levels(symbol: str, *points: tuple[date, str], currency: str = "USD") -> Levels:
    table = tuple(DatedValue(on, D(level)) for on, level in points)
    source, basis = DataSource.CACHE, ReturnBasis.TOTAL
    return Levels(symbol, symbol, currency, basis, source, "test", None, table)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("SPY", [("SPY", "1")]),
        (" SPY ", [("SPY", "1")]),
        ("BRK B", [("BRK B", "1")]),
        ("60% SPY + 40% AGG", [("SPY", "0.6"), ("AGG", "0.4")]),
        ("60%SPY+40%AGG", [("SPY", "0.6"), ("AGG", "0.4")]),
        ("60% SPY   40% AGG", [("SPY", "0.6"), ("AGG", "0.4")]),
        ("33.5% A + 33.5% B + 33% C", [("A", "0.335"), ("B", "0.335"), ("C", "0.33")]),
        ("100% SPY", [("SPY", "1")]),
    ],
)
def test_a_text_names_a_blend(text: str, parts: list[tuple[str, str]]) -> None:
    expected = tuple(Part(symbol, D(weight)) for symbol, weight in parts)
    assert blend_of(text, Rebalancing.DAILY) == Blend(expected, Rebalancing.DAILY)


@pytest.mark.parametrize(
    "text", ["", "%", "60% SPY", "60% SPY + 50% AGG", "50% SPY + 50% SPY", "SPY + 40% AGG", "0% A"]
)
def test_what_is_no_blend_is_refused(text: str) -> None:
    with pytest.raises(InvalidBenchmarkError):
        blend_of(text)


def test_a_line_begins_at_the_last_level_before_its_opening() -> None:
    spy = levels("SPY", (day(2), "200"), (day(4), "210"), (day(8), "220"))
    line = line_of(blend_of("SPY"), [spy], NO_RATES, "USD", day(5))
    assert line.days == (day(4), day(8))
    assert (line.at(day(5)), line.at(day(9)), line.at(day(3))) == (210, 220, None)
    assert line.returns(day(8)).returns.tolist() == pytest.approx([220 / 210 - 1])


def test_every_level_is_converted_at_the_rate_of_its_own_day() -> None:
    spy = levels("SPY", (day(2), "200"), (day(4), "210"))
    rates = rate_table([Rate("EUR", "USD", day(2), D("1.25")), Rate("EUR", "USD", day(4), D("1"))])
    line = line_of(blend_of("SPY"), [spy], rates, "EUR", day(2))
    # 200 USD are 160 EUR at 1.25; 210 USD are 210 EUR at 1.
    assert line.levels.tolist() == [160, 210]
    assert line.currency == "EUR"


def test_without_a_rate_there_is_no_line() -> None:
    with pytest.raises(BenchmarkUnavailableError, match="no exchange rate from USD to CHF"):
        line_of(blend_of("SPY"), [levels("SPY", (day(2), "1"))], NO_RATES, "CHF", day(2))


def test_a_blend_takes_the_days_that_all_parts_have() -> None:
    spy = levels("SPY", (day(2), "100"), (day(3), "150"), (day(4), "200"))
    agg = levels("AGG", (day(2), "50"), (day(4), "50"))
    line = line_of(blend_of("50% SPY + 50% AGG"), [spy, agg], NO_RATES, "USD", day(2))
    assert line.days == (day(2), day(4))
    # Half of it doubles.
    assert line.levels.tolist() == pytest.approx([100, 150])


def test_parts_without_a_day_in_common_are_no_blend() -> None:
    parts = [levels("SPY", (day(2), "1")), levels("AGG", (day(3), "1"))]
    with pytest.raises(BenchmarkUnavailableError, match="no day in common"):
        line_of(blend_of("50% SPY + 50% AGG"), parts, NO_RATES, "USD", day(2))
