"""Direct alpha, and the index account that pays in proportion."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from tidebook.analytics import (
    DatedAmounts,
    Reason,
    Undefined,
    direct_alpha,
    scaled_market,
    to_days,
    value_of,
)
from tidebook.errors import UnusableSeriesError


def flows(*amounts: float) -> DatedAmounts:
    days = [date(2021 + number, 1, 1) for number in range(len(amounts))]
    return DatedAmounts(to_days(days), np.array(amounts))


def test_a_fund_that_is_the_index_leads_by_nothing() -> None:
    # 100 grow to 110; 44 are taken out, 66 are left and grow with the index to 132.
    found = direct_alpha(flows(-100, 44, 0), np.array([100.0, 110.0, 220.0]), 132.0)
    assert value_of(found) == pytest.approx(0, abs=1e-12)


def test_a_lead_is_told_a_year() -> None:
    # The index stands still; the fund gains 10 % a year, 2021 and 2022 having 365 days each.
    found = direct_alpha(flows(-100, 0, 0), np.array([5.0, 5.0, 5.0]), 121.0)
    assert value_of(found) == pytest.approx(0.1, abs=1e-12)


def test_nothing_but_contributions_and_a_loss_of_all_has_no_rate() -> None:
    found = direct_alpha(flows(-100, -5, 0), np.array([1.0, 1.0, 1.0]), 0.0)
    assert found == Undefined(Reason.NO_SIGN_CHANGE)


def test_the_account_pays_the_share_that_the_fund_paid() -> None:
    # The index gives 100 x 1.2 = 120. The fund pays 260 and keeps 40: 260 of 300. The account
    # pays 104 of 120 and keeps 16, which become 20.
    found = scaled_market(
        flows(-100, 260, 0), np.array([100.0, 120.0, 150.0]), np.array([100.0, 40.0, 60.0])
    )
    assert found.end_value == pytest.approx(20, abs=1e-12)
    # -100 + 104 / (1 + r) + 20 / (1 + r)² = 0
    rate = 1 / ((-104 + (104**2 + 4 * 20 * 100) ** 0.5) / 40) - 1
    assert value_of(found.rate_annual) == pytest.approx(rate, abs=1e-12)


def test_what_is_put_in_is_put_in_whole() -> None:
    found = scaled_market(
        flows(-100, -50, 0), np.array([100.0, 200.0, 200.0]), np.array([100.0, 150.0, 150.0])
    )
    assert found.end_value == pytest.approx(250, abs=1e-12)


def test_a_fund_that_is_emptied_empties_the_account() -> None:
    found = scaled_market(
        flows(-100, 90, 0), np.array([100.0, 200.0, 300.0]), np.array([100.0, 0.0, 0.0])
    )
    assert found.end_value == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("levels", [[100.0], [100.0, 0.0], [100.0, np.inf]])
def test_an_index_with_holes_is_refused(levels: list[float]) -> None:
    with pytest.raises(UnusableSeriesError):
        direct_alpha(flows(-100, 5), np.array(levels), 5.0)
    with pytest.raises(UnusableSeriesError):
        scaled_market(flows(-100, 5), np.array(levels), np.array([100.0, 5.0]))


def test_values_that_are_too_few_are_refused() -> None:
    with pytest.raises(UnusableSeriesError):
        scaled_market(flows(-100, 5), np.array([1.0, 1.0]), np.array([100.0]))
