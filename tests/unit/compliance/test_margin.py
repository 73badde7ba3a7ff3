"""Margin by hand: FINRA 4210(c) and Regulation T."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tidebook.compliance.margin import (
    InitialRates,
    Leg,
    MaintenanceRates,
    buying_power,
    gross_leverage,
    initial_margin,
    long_requirement,
    short_requirement,
)

RATES = MaintenanceRates()


@pytest.mark.parametrize(
    ("price", "required"), [("40", "1200"), ("10", "500"), ("5", "500"), ("3", "300"), ("2", "250")]
)
def test_a_hundred_shares_sold_short_need_the_greater_of_two(price: str, required: str) -> None:
    assert short_requirement(Decimal(100), Decimal(price), RATES) == Decimal(required)


@pytest.mark.parametrize(("factor", "required"), [(1, 2500), (2, 5000), (3, 7500), (5, 10000)])
def test_a_leveraged_fund_needs_the_rate_times_its_factor(factor: int, required: int) -> None:
    assert long_requirement(Decimal(10000), RATES, Decimal(factor)) == required


@pytest.mark.parametrize(
    ("leg", "required"),
    [(Leg.LONG, 5000), (Leg.SHORT, 5000), (Leg.NON_MARGINABLE, 10000), (Leg.LONG_OPTION, 10000)],
)
def test_each_leg_takes_its_part_of_the_equity(leg: Leg, required: int) -> None:
    found = initial_margin(Decimal(10000), leg, Decimal(4000), InitialRates())
    assert (found.required, found.deficit) == (required, required - 4000)


def test_free_equity_carries_twice_as_much() -> None:
    assert buying_power(Decimal(5000), InitialRates()) == 10000
    assert buying_power(Decimal(-1), InitialRates()) == 0


def test_without_equity_leverage_is_undefined() -> None:
    assert gross_leverage(Decimal(1), Decimal(0), Decimal(0)) is None
    assert gross_leverage(Decimal(60), Decimal(-40), Decimal(25)) == 4
