"""What pyxirr says of the same flows."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pyxirr
from pyxirr import pe  # pyright: ignore[reportMissingModuleSource]

from tests.truth.witnesses.series import is_justified
from tidebook.analytics import (
    DatedAmounts,
    Reason,
    RootStatus,
    Undefined,
    internal_rate,
    present_value,
    public_market,
    to_days,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def drawn(seed: int, count: int) -> DatedAmounts:
    """Return flows of which most are paid in, and a last one that gives back about as much."""
    rng = np.random.default_rng(seed)
    days = np.sort(rng.choice(4000, count, replace=False)) + np.datetime64("2010-01-01", "D")
    amounts = np.where(rng.random(count) < 0.8, -1.0, 0.6) * rng.uniform(10, 1000, count)
    amounts[0] = -1000.0
    amounts[-1] = -amounts[:-1].sum() * rng.uniform(0.5, 3.0)
    return DatedAmounts(days.astype("datetime64[D]"), amounts)


@pytest.mark.parametrize("count", [2, 5, 40, 400])
def test_the_only_rate_is_the_rate(count: int) -> None:
    compared = 0
    for seed in range(25):
        flows = drawn(seed * 1000 + count, count)
        found = internal_rate(flows)
        if found.status is not RootStatus.UNIQUE:
            continue
        compared += 1
        theirs = pyxirr.xirr(flows.dates, flows.amounts)
        assert theirs is not None
        assert found.rate_annual == pytest.approx(theirs, rel=1e-7, abs=1e-9)
    assert compared >= 20


@pytest.mark.parametrize("rate", [-0.3, 0.0, 0.05, 1.5])
def test_the_present_value_at_a_rate(rate: float) -> None:
    flows = drawn(7, 50)
    theirs = pyxirr.xnpv(rate, flows.dates, flows.amounts)
    assert theirs is not None
    assert present_value(flows, rate) == pytest.approx(theirs, rel=1e-10)


def test_the_market_equivalents_of_yearly_flows() -> None:
    index = np.array([100.0, 105.0, 115.0, 117.0, 120.0])
    amounts = np.array([-100.0, -50.0, 60.0, 10.0, 0.0])
    dates = to_days([date(2011 + year, 1, 1) for year in range(5)])
    found = public_market(DatedAmounts(dates, amounts), index, 110.0)
    assert found.kaplan_schoar == pytest.approx(pe.ks_pme(amounts, index, 110.0), rel=1e-12)
    assert found.end_value == pytest.approx(pe.ln_pme_nav(amounts, index), rel=1e-12)


def test_it_gives_one_of_two_rates_without_a_word() -> None:
    assert is_justified("pyxirr", "xirr(two rates)")
    dates = to_days([date(2001, 1, 1), date(2002, 1, 1), date(2003, 1, 1)])
    flows = DatedAmounts(dates, np.array([-100.0, 230.0, -132.0]))
    found = internal_rate(flows)
    assert found.status is RootStatus.MULTIPLE
    assert found.roots_annual == pytest.approx([0.1, 0.2])
    theirs = pyxirr.xirr(flows.dates, flows.amounts)
    assert theirs is not None
    assert min(abs(theirs - 0.1), abs(theirs - 0.2)) < 1e-9


def test_it_finds_no_rate_near_a_total_loss() -> None:
    assert is_justified("pyxirr", "xirr(near -100 %)")
    dates = to_days([date(2024, 11, 21), date(2024, 11, 28), date(2024, 12, 3)])
    flows = DatedAmounts(dates, np.array([-100.0, -100.0, 100.0]))
    assert pyxirr.xirr(flows.dates, flows.amounts) is None
    found = internal_rate(flows)
    assert found.status is RootStatus.UNIQUE
    # Seven days, and five more: what 100 and 100 have come to.
    daily = np.exp(found.log_rates[0] / 365)
    assert 100 * daily**12 + 100 * daily**5 == pytest.approx(100.0, abs=1e-9)


def test_flows_of_one_day_have_no_rate() -> None:
    assert is_justified("pyxirr", "xirr(one day)")
    dates = to_days([date(2020, 1, 1), date(2020, 1, 1)])
    flows = DatedAmounts(dates, np.array([-100.0, 110.0]))
    assert internal_rate(flows).rate_annual == Undefined(Reason.ZERO_DURATION)
    theirs = pyxirr.xirr(flows.dates, flows.amounts)
    assert theirs is None or np.isinf(theirs)
