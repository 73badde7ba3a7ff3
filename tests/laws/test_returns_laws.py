"""What holds for returns whatever the figures are."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from tidebook.analytics import (
    DailyValues,
    DatedAmounts,
    Drawdown,
    FeeBasis,
    RootStatus,
    drawdown_of,
    internal_rate,
    time_weighted,
    to_days,
)
from tidebook.model.periods import Span

FIRST = date(2020, 1, 1)
amounts = st.floats(1.0, 1e6)
returns = st.floats(-0.5, 0.5)


class Day(NamedTuple):
    """A day told by what the market did, so that its return is known beforehand."""

    earned: float
    inflow: float
    outflow: float
    fees: float


days = st.builds(Day, returns, st.floats(0.0, 1e5), st.floats(0.0, 0.5), st.floats(0.0, 0.01))


def _on(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def _table(rows: list[tuple[float, float, float, float, float]], scale: float = 1.0) -> DailyValues:
    bmv, bcf, ecf, emv, fees = (scale * np.array(column) for column in zip(*rows, strict=True))
    dates = to_days([_on(offset) for offset in range(len(rows))])
    return DailyValues(dates, bmv, bcf, ecf, emv, fees)


def _history(opening: float, told: list[Day], scale: float = 1.0) -> DailyValues:
    """Return the daily values of a long portfolio in which each day earns what it is told to."""
    rows: list[tuple[float, float, float, float, float]] = []
    for day in told:
        capital = opening + day.inflow
        worth = capital * (1 + day.earned)
        out, fees = day.outflow * worth, day.fees * worth
        closing = worth - out - fees
        rows.append((opening, day.inflow, -out, closing, fees))
        opening = closing
    return _table(rows, scale)


def _total(values: DailyValues, first: int, last: int, basis: FeeBasis = FeeBasis.NET) -> float:
    total = time_weighted(values, Span(_on(first), _on(last)), basis).total
    assert isinstance(total, float)
    return total


@given(amounts, st.lists(days, min_size=1, max_size=30))
def test_the_gross_return_is_what_the_market_did_whatever_flowed(
    opening: float, told: list[Day]
) -> None:
    growth = math.prod(1 + day.earned for day in told)
    total = _total(_history(opening, told), 0, len(told) - 1, FeeBasis.GROSS)
    assert total == pytest.approx(growth - 1, rel=1e-9, abs=1e-9)


@given(amounts, st.lists(days, min_size=2, max_size=30), st.data())
def test_the_parts_of_a_span_link_to_the_whole(
    opening: float, told: list[Day], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(told) - 2))
    values, last = _history(opening, told), len(told) - 1
    first_part, second_part = _total(values, 0, cut), _total(values, cut + 1, last)
    linked = (1 + first_part) * (1 + second_part) - 1
    assert _total(values, 0, last) == pytest.approx(linked, rel=1e-12, abs=1e-12)


@given(amounts, st.lists(days, min_size=1, max_size=30), st.floats(1e-3, 1e6))
def test_the_unit_of_money_does_not_matter(opening: float, told: list[Day], scale: float) -> None:
    last = len(told) - 1
    total = _total(_history(opening, told), 0, last)
    assert _total(_history(opening, told, scale), 0, last) == pytest.approx(total, abs=1e-9)


@given(amounts, st.lists(st.floats(0.0, 1e6), min_size=1, max_size=30))
def test_flows_at_the_start_of_the_day_earn_nothing_by_themselves(
    opening: float, inflows: list[float]
) -> None:
    values = _history(opening, [Day(0.0, inflow, 0.0, 0.0) for inflow in inflows])
    assert _total(values, 0, len(inflows) - 1) == 0.0


@given(amounts, st.lists(days, min_size=1, max_size=30))
def test_fees_never_raise_a_return(opening: float, told: list[Day]) -> None:
    values, last = _history(opening, told), len(told) - 1
    assert _total(values, 0, last) <= _total(values, 0, last, FeeBasis.GROSS) + 1e-12


values_of_any_sign = st.integers(-5, 5).map(float)


@given(st.lists(st.tuples(values_of_any_sign, values_of_any_sign, values_of_any_sign), max_size=40))
def test_linking_in_vectors_is_linking_day_by_day(
    told: list[tuple[float, float, float]],
) -> None:
    assume(told)
    values = _table([(bmv, bcf, 0.0, emv, 0.0) for bmv, bcf, emv in told])
    linked = time_weighted(values, Span(FIRST, _on(len(told))), FeeBasis.NET)
    expected: list[float] = []
    resets: list[date] = []
    kept, long, owed = 1.0, 1.0, 1.0
    for offset, (bmv, bcf, emv) in enumerate(told):
        capital = bmv + bcf
        gain = (emv - capital) / abs(capital) if capital else 0.0
        if capital > 0:
            long *= 1 + gain if abs(1 + gain) > 1e-12 else 0.0
        elif capital < 0:
            owed *= 1 - gain if abs(1 - gain) > 1e-12 else 0.0
        if long < 0 or owed > 2 + 1e-12:
            kept, long, owed = 1.0, 1.0, 1.0
            resets.append(_on(offset))
        elif owed < 0:
            kept, long, owed = kept * long * (2 - owed), 1.0, 1.0
        expected.append(kept * long * (2 - owed) - 1)
    assert linked.resets == tuple(resets)
    assert linked.cumulative == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(amounts, st.lists(days, min_size=1, max_size=30))
def test_the_deepest_fall_is_the_worst_stretch_of_the_period(
    opening: float, told: list[Day]
) -> None:
    values = _history(opening, told)
    falls = drawdown_of(time_weighted(values, Span(FIRST, _on(len(told))), FeeBasis.NET))
    assert isinstance(falls, Drawdown)
    worst = min(
        _total(values, first, last)
        for first in range(len(told))
        for last in range(first, len(told))
    )
    assert falls.depth == pytest.approx(max(0.0, -worst), abs=1e-9)


class Investment(NamedTuple):
    """Money that earns a known yearly rate while part of it comes and goes."""

    log_rate: float
    flows: list[tuple[int, float]]


# Each step: days since the last one, and the share of the capital put in (+) or taken out (-).
steps = st.lists(st.tuples(st.integers(1, 400), st.floats(-0.6, 1.5)), min_size=1, max_size=30)


@st.composite
def investments(draw: st.DrawFn) -> Investment:
    log_rate = draw(st.floats(-2.0, 2.0))
    capital, day = draw(amounts), 0
    flows = [(0, -capital)]
    for wait, share in draw(steps):
        capital *= math.exp(log_rate * wait / 365)
        day += wait
        flows.append((day, -share * capital))
        capital += share * capital
    day += 30
    flows.append((day, capital * math.exp(log_rate * 30 / 365)))
    return Investment(log_rate, flows)


def _dated(flows: list[tuple[int, float]]) -> DatedAmounts:
    dates = to_days([_on(day) for day, _ in flows])
    return DatedAmounts(dates, np.array([amount for _, amount in flows]))


def _present_value(flows: list[tuple[int, float]], log_rate: float) -> float:
    """Return the present value as a share of all that is discounted."""
    terms = [amount * math.exp(-log_rate * day / 365) for day, amount in flows]
    return math.fsum(terms) / math.fsum(map(abs, terms))


@given(investments())
def test_the_rate_that_money_earned_is_found_and_is_the_only_one(case: Investment) -> None:
    found = internal_rate(_dated(case.flows))
    assert found.status is RootStatus.UNIQUE
    assert found.log_rates[0] == pytest.approx(case.log_rate, abs=1e-8)


any_flows = st.lists(
    st.tuples(st.integers(0, 3000), st.floats(-1e6, 1e6).filter(lambda x: abs(x) > 1)),
    min_size=2,
    max_size=12,
    unique_by=lambda flow: flow[0],
)


@given(any_flows)
def test_every_rate_found_brings_any_flows_to_zero(flows: list[tuple[int, float]]) -> None:
    found = internal_rate(_dated(flows))
    first = min(day for day, _ in flows)
    for log_rate in found.log_rates:
        # Discounted to the nearer end, so that nothing overflows at steep rates.
        origin = first if log_rate > 0 else max(day for day, _ in flows)
        moved = [(day - origin, amount) for day, amount in flows]
        assert _present_value(moved, log_rate) == pytest.approx(0.0, abs=1e-9)


@given(any_flows)
def test_flows_that_end_as_they_did_not_begin_have_a_rate(flows: list[tuple[int, float]]) -> None:
    in_order = sorted(flows)
    assume(in_order[0][1] * in_order[-1][1] < 0)
    assert len(internal_rate(_dated(flows)).log_rates) % 2 == 1


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=2, max_size=8))
def test_every_rate_of_yearly_flows_is_a_root_of_their_polynomial(yearly: list[int]) -> None:
    # The witness is numpy's eigenvalue solver; where two of its roots lie so close that it
    # cannot tell a double root from a pair of complex ones, it bears no witness.
    roots = np.roots(np.array(yearly, dtype=np.float64))
    gaps = [abs(one - other) for at, one in enumerate(roots) for other in roots[at + 1 :]]
    assume(not gaps or min(gaps) > 1e-3)
    real = sorted(float(root.real) for root in roots if abs(root.imag) < 1e-9 and root.real > 0)
    found = internal_rate(_dated([(365 * year, flow) for year, flow in enumerate(yearly)]))
    assert found.roots_annual == pytest.approx([growth - 1 for growth in real], abs=1e-6)


@given(investments(), st.floats(1.001, 2.0))
def test_a_higher_closing_value_is_a_higher_rate(case: Investment, factor: float) -> None:
    (day, closing) = case.flows[-1]
    higher = internal_rate(_dated([*case.flows[:-1], (day, closing * factor)]))
    assert higher.log_rates[-1] > case.log_rate


@given(investments(), st.floats(0.01, 3.0))
def test_the_present_value_changes_sign_at_the_rate_and_nowhere_else(
    case: Investment, distance: float
) -> None:
    assert _present_value(case.flows, case.log_rate - distance) > 0
    assert _present_value(case.flows, case.log_rate + distance) < 0
