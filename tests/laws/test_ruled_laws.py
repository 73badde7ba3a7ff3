"""What holds for returns under the rules of a house, whatever the rules are."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tidebook.analytics import (
    DailyValues,
    FeeBasis,
    FlowTiming,
    ReturnRules,
    Undefined,
    ruled_returns,
    time_weighted,
    to_days,
)
from tidebook.model.periods import Span

FIRST = date(2024, 1, 1)
RULES = st.builds(
    ReturnRules,
    timing=st.sampled_from(FlowTiming),
    large_flow_share=st.sampled_from([None, 0.1]),
    basis=st.sampled_from(FeeBasis),
)


def history(seed: int, size: int, scale: float = 1.0) -> DailyValues:
    """Return a portfolio above zero with flows on some days, each smaller than what is there."""
    rng = np.random.default_rng(seed)
    bmv, bcf, ecf, emv, fees = (np.zeros(size) for _ in range(5))
    worth = 1000.0
    for day in range(size):
        bmv[day] = worth
        bcf[day], ecf[day] = rng.uniform(-0.3, 0.5, 2) * worth * (rng.random(2) < 0.3)
        fees[day] = 0.001 * worth
        worth = (worth + bcf[day]) * (1 + rng.normal(0, 0.02)) + ecf[day] - fees[day]
        emv[day] = worth
    dates = to_days([FIRST + timedelta(days=offset) for offset in range(size)])
    return DailyValues(dates, *(scale * column for column in (bmv, bcf, ecf, emv, fees)))


def total(values: DailyValues, rules: ReturnRules) -> float:
    found = ruled_returns(values, rules).total
    assert not isinstance(found, Undefined)
    return found


@given(st.integers(0, 2**32), st.integers(2, 40), RULES, st.data())
def test_the_parts_of_a_span_link_to_the_whole(
    seed: int, size: int, rules: ReturnRules, data: st.DataObject
) -> None:
    values = history(seed, size)
    cut = FIRST + timedelta(days=data.draw(st.integers(0, size - 2)))
    last = FIRST + timedelta(days=size)
    one = total(values.within(Span(FIRST, cut)), rules)
    other = total(values.within(Span(cut + timedelta(days=1), last)), rules)
    assert total(values, rules) == pytest.approx((1 + one) * (1 + other) - 1, abs=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 40), RULES, st.sampled_from([1e-3, 1e6]))
def test_the_unit_of_money_does_not_matter(
    seed: int, size: int, rules: ReturnRules, scale: float
) -> None:
    scaled = total(history(seed, size, scale), rules)
    assert scaled == pytest.approx(total(history(seed, size), rules), abs=1e-10)


@given(st.integers(0, 2**32), st.integers(1, 40), st.sampled_from(FeeBasis))
def test_without_a_rule_it_is_the_time_weighted_return(
    seed: int, size: int, basis: FeeBasis
) -> None:
    values = history(seed, size)
    span = Span(FIRST, FIRST + timedelta(days=size))
    plain = time_weighted(values, span, basis).total
    assert total(values, ReturnRules(basis=basis)) == pytest.approx(plain, abs=1e-12)


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_without_flows_the_timing_does_not_matter(seed: int, size: int) -> None:
    told = history(seed, size)
    nothing = np.zeros(size)
    values = DailyValues(told.dates, told.bmv, nothing, nothing, told.bmv * 1.01, nothing)
    found = {total(values, ReturnRules(timing)) for timing in FlowTiming}
    assert len(found) == 1
