"""What groups add to a return, worked by hand on two days of two holdings."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.edges.memory_book import freshness
from tidebook.analytics import FeeBasis, Undefined
from tidebook.book.series import PortfolioDay
from tidebook.engine.measuring.attributing import BenchmarkGroup, Terms, attribution
from tidebook.engine.measuring.broken_down import UNALLOCATED, BrokenDown, Sleeve, rate_returns
from tidebook.engine.measuring.contributing import contribution
from tidebook.engine.measuring.measured import Measured
from tidebook.engine.measuring.performance import NamedPeriod, Request
from tidebook.engine.measuring.prepared import daily_values, series_from
from tidebook.model.markets import rate_table
from tidebook.model.periods import PeriodRequest, PeriodType

D = Decimal
FIRST, SECOND, THIRD = date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12)
NOTHING = D(0)


def day(on: date, before: str, closing: str, start: str = "0") -> PortfolioDay:
    return PortfolioDay(on, D(before), D(start), NOTHING, D(closing), NOTHING, NOTHING)


def broken(whole: list[PortfolioDay], **sleeves: list[PortfolioDay]) -> BrokenDown:
    days = tuple(whole)
    measured = Measured(("P-1",), "USD", "UTC", freshness(THIRD), series_from(days, days[0].on))
    rates = rate_returns([D(1)] * len(days))
    parts = tuple(
        Sleeve(name, "USD", tuple(rows), daily_values(rows), rates)
        for name, rows in sorted(sleeves.items())
    )
    return BrokenDown(measured, parts, rate_table([]))


SI = Request(THIRD, (NamedPeriod("SI", PeriodRequest(PeriodType.SI)),))
# 60 and 40 are brought in; A makes 66 and then 66, B stays 40 and makes 44: 106 % and 110 / 106.
A = [day(FIRST, "0", "60", "60"), day(SECOND, "60", "66"), day(THIRD, "66", "66")]
B = [day(FIRST, "0", "40", "40"), day(SECOND, "40", "40"), day(THIRD, "40", "44")]
WHOLE = [day(FIRST, "0", "100", "100"), day(SECOND, "100", "106"), day(THIRD, "106", "110")]


def test_contributions_add_up_to_the_linked_return() -> None:
    # On the second day A gains 6 of 100, on the third B 4 of 106; linked by Carino each day is
    # weighed with ln(1 + r) / r, over ln(1.1) / 0.1: A 0.06 * 0.97114818 / 0.95310180.
    (found,) = contribution(broken(WHOLE, A=A, B=B), SI)
    assert found.total == pytest.approx(0.10, abs=1e-12)
    rows = {row.group: row for row in found.groups}
    assert set(rows) == {"A", "B"}
    assert rows["A"].contribution == pytest.approx(0.061136, abs=1e-6)
    assert rows["B"].contribution == pytest.approx(0.038864, abs=1e-6)
    assert rows["A"].own_return == pytest.approx(0.10, abs=1e-12)
    assert rows["A"].gain == D(6)
    assert rows["B"].end_market_value == D(44)
    # Of the capital 60 %, 60 % and 66 / 106.
    assert rows["A"].weight_average == pytest.approx((0.6 + 0.6 + 66 / 106) / 3, abs=1e-12)


def test_what_no_group_accounts_for_is_told_apart() -> None:
    whole = [day(FIRST, "0", "100", "100"), day(SECOND, "100", "107"), day(THIRD, "107", "111")]
    (found,) = contribution(broken(whole, A=A, B=B), SI)
    assert [row.group for row in found.groups] == ["A", "B", UNALLOCATED]
    told = [row.contribution for row in found.groups]
    assert not any(isinstance(figure, Undefined) for figure in told)
    assert sum(figure for figure in told if isinstance(figure, float)) == pytest.approx(
        0.11, abs=1e-12
    )


def test_a_rate_is_told_apart_from_the_local_gain() -> None:
    # 100 of capital in a currency that rises from 1.00 to 1.02; in all 3 are gained.
    days = [day(FIRST, "0", "100", "100"), day(SECOND, "100", "103")]
    found = broken(days, A=days)
    moved = rate_returns([D("1.00"), D("1.02")])
    found = found._replace(sleeves=(found.sleeves[0]._replace(rate_returns=moved),))
    (period,) = contribution(found, SI)
    (row,) = period.groups
    assert row.contribution == pytest.approx(0.03, abs=1e-12)
    assert row.currency == pytest.approx(0.02, abs=1e-12)
    assert row.local == pytest.approx(0.01, abs=1e-12)


def test_attribution_with_returns_is_one_period() -> None:
    # Weights 0.6 and 0.4 against halves that earned 8 % and 12 %: B = 10 %. A earned 10 %, B 10 %.
    # Allocation 0.1 (0.08 - 0.10) and -0.1 (0.12 - 0.10), selection 0.5 (0.10 - 0.08) and
    # 0.5 (0.10 - 0.12), interaction 0.1 * 0.02 and -0.1 * -0.02: in all 0, as 10 % is 10 %.
    groups = [BenchmarkGroup("A", 0.5, total=0.08), BenchmarkGroup("B", 0.5, total=0.12)]
    (found,) = attribution(broken(WHOLE, A=A, B=B), groups, SI, Terms())
    rows = {row.group: row for row in found.groups}
    assert rows["A"].allocation == pytest.approx(-0.002, abs=1e-12)
    assert rows["B"].allocation == pytest.approx(-0.002, abs=1e-12)
    assert rows["A"].selection == pytest.approx(0.01, abs=1e-12)
    assert rows["B"].selection == pytest.approx(-0.01, abs=1e-12)
    assert rows["A"].interaction == pytest.approx(0.002, abs=1e-12)
    assert rows["B"].interaction == pytest.approx(0.002, abs=1e-12)
    assert found.other == pytest.approx(0.0, abs=1e-12)
    assert found.portfolio == pytest.approx(0.10, abs=1e-12)


def test_a_period_without_a_day_has_no_contribution() -> None:
    before = Request(date(2025, 3, 1), SI.periods, FeeBasis.NET)
    (found,) = contribution(broken(WHOLE, A=A, B=B), before)
    assert isinstance(found.total, Undefined)
    assert found.groups == ()


def test_a_portfolio_below_zero_has_no_contributions() -> None:
    days = [day(FIRST, "0", "-10", "-10"), day(SECOND, "-10", "-9")]
    (found,) = contribution(broken(days, A=days), SI)
    assert isinstance(found.groups[0].contribution, Undefined)
    assert found.groups[0].contribution.reason.value == "negative-capital"
