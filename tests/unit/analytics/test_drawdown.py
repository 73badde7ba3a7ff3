"""Falls from a high: where they start, end, and whether they end at all."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from tidebook.analytics import (
    DailyValues,
    Drawdown,
    Fall,
    FeeBasis,
    Reason,
    Spell,
    Undefined,
    drawdown,
    drawdown_of,
    falls,
    longest_without_high,
    time_weighted,
    to_days,
    worst_falls,
)
from tidebook.errors import UnusableSeriesError
from tidebook.model.periods import Span

FIRST = date(2021, 1, 1)


def _day(number: int) -> date:
    return FIRST + timedelta(days=number - 1)


def _falls(*wealth: float) -> Drawdown:
    dates = to_days([_day(number + 1) for number in range(len(wealth))])
    found = drawdown(dates, np.array(wealth) - 1.0)
    assert isinstance(found, Drawdown)
    return found


def test_a_loss_on_the_first_day_counts_from_the_start() -> None:
    found = _falls(0.9, 0.918, 0.94554)
    assert found.depth == pytest.approx(0.1, abs=1e-15)
    assert found.deepest == Fall(found.depth, None, _day(1), None)
    assert found.underwater[0] == pytest.approx(-0.1, abs=1e-15)


def test_a_fall_runs_from_its_last_high_to_its_low_and_back() -> None:
    found = _falls(1.00, 1.01, 0.99, 0.98, 0.97, 1.01, 0.99)
    assert found.depth == pytest.approx(4 / 101, abs=1e-15)
    assert found.deepest == Fall(found.depth, _day(2), _day(5), _day(6))


def test_a_level_high_is_left_on_its_last_day() -> None:
    found = _falls(1.2, 1.2, 1.2, 0.6, 0.6)
    assert found.depth == pytest.approx(0.5, abs=1e-15)
    assert found.deepest == Fall(found.depth, _day(3), _day(4), None)


def test_wealth_that_never_falls_has_no_fall() -> None:
    found = _falls(1.0, 1.1, 1.1)
    assert found.deepest is None
    assert found.depth == 0.0
    assert found.underwater.tolist() == [0.0, 0.0, 0.0]


def test_a_return_to_the_high_counts_in_spite_of_float_noise() -> None:
    # 1.1 * 0.9 / 0.9 comes back to 1.1 only up to the last bit.
    found = _falls(1.1, 1.1 * 0.9, 1.1 * (1 - 1e-15))
    assert found.deepest is not None
    assert found.deepest.recovered_on == _day(3)


def test_wealth_below_zero_has_fallen_by_more_than_everything() -> None:
    assert _falls(1.0, 1.1, 1.2, -0.4).depth == pytest.approx(4 / 3, abs=1e-14)


def test_no_day_has_no_drawdown() -> None:
    assert drawdown(to_days([]), np.zeros(0)) == Undefined(Reason.NO_DATA)


def test_what_is_no_series_is_refused() -> None:
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        drawdown(to_days([FIRST]), np.zeros(2))
    with pytest.raises(UnusableSeriesError, match="not a finite number"):
        drawdown(to_days([FIRST]), np.array([np.nan]))


def test_a_chain_that_was_reset_has_no_drawdown_and_another_has() -> None:
    dates, zeros = to_days([FIRST, _day(2)]), np.zeros(2)
    opening = np.array([100.0, 100.0])
    span = Span(FIRST, _day(2))
    for closing, expected in ((-50.0, Undefined(Reason.CHAIN_RESET)), (80.0, 0.36)):
        values = DailyValues(dates, opening, zeros, zeros, np.full(2, closing), zeros)
        found = drawdown_of(time_weighted(values, span, FeeBasis.NET))
        depth = found.depth if isinstance(found, Drawdown) else found
        assert depth == (expected if isinstance(expected, Undefined) else pytest.approx(expected))


def test_every_fall_is_listed_and_the_last_may_be_open() -> None:
    found = _falls(0.9, 1.0, 1.1, 1.1, 0.88, 0.99, 1.1, 1.045)
    first, second, third = falls(found)
    assert first.depth == pytest.approx(0.1, abs=1e-15)
    assert first == Fall(first.depth, None, _day(1), _day(2))
    assert second.depth == pytest.approx(0.2, abs=1e-15)
    assert second == Fall(second.depth, _day(4), _day(5), _day(7))
    assert third.depth == pytest.approx(0.05, abs=1e-15)
    assert third == Fall(third.depth, _day(7), _day(8), None)
    assert second == found.deepest
    assert [fall.recovery_days for fall in (first, second, third)] == [1, 2, None]


def test_wealth_that_never_falls_lists_none() -> None:
    assert falls(_falls(1.0, 1.1, 1.1)) == ()


def _wait(*wealth: float) -> Spell | Undefined:
    dates = to_days([_day(number + 1) for number in range(len(wealth))])
    return longest_without_high(dates, np.array(wealth) - 1.0, _day(0))


def test_an_equal_high_does_not_end_the_wait_for_a_new_one() -> None:
    assert _wait(2.0, 2.0, 0.5, 2.0, 2.0, 3.0, 4.0) == Spell(_day(1), _day(6), is_open=False)


def test_a_wait_that_did_not_end_lasts_to_the_last_day() -> None:
    assert _wait(1.1, 1.2, 1.0, 1.1) == Spell(_day(2), _day(4), is_open=True)
    assert _wait(0.9, 0.95) == Spell(_day(0), _day(2), is_open=True)


def test_the_first_of_equal_waits_is_told() -> None:
    found = _wait(1.1, 1.2, 1.3)
    assert found == Spell(_day(0), _day(1), is_open=False)
    assert isinstance(found, Spell)
    assert found.days == 1


def test_a_wait_of_no_days_is_undefined() -> None:
    assert _wait() == Undefined(Reason.NO_DATA)


def test_the_worst_falls_come_deepest_first() -> None:
    # Wealth 0.9, 1.0, 1.2, 0.6, 1.3, 1.04: falls of a tenth, a half, and a fifth.
    days = to_days([date(2025, 1, day) for day in range(1, 7)])
    found = drawdown(days, np.array([-0.1, 0.0, 0.2, -0.4, 0.3, 0.04]))
    assert isinstance(found, Drawdown)
    worst = worst_falls(found)
    assert [round(fall.depth, 12) for fall in worst] == [0.5, 0.2, 0.1]
    assert [fall.fall_days for fall in worst] == [1, 1, None]
    assert worst_falls(found, 1) == (found.deepest,)
