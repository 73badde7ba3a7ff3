"""Units and prices under a ratio."""

from __future__ import annotations

from decimal import DivisionByZero

import pytest

from tests.fixtures.booking import D
from tidebook.model.ratios import UnitRatio


def test_units_and_prices_move_opposite_ways() -> None:
    two_for_one = UnitRatio(new=D(2), old=D(1))
    assert (two_for_one.units(D(4)), two_for_one.price(D(4))) == (D(8), D(2))


def test_a_ratio_without_an_end_leaves_no_trace() -> None:
    one_for_three = UnitRatio(new=D(1), old=D(3))
    assert one_for_three.units(D(357)) == D(119)
    assert UnitRatio(new=D(10), old=D(12)).price(D(100)) == D(120)


def test_what_has_no_end_is_rounded_half_even_to_18_places() -> None:
    assert UnitRatio(new=D(2), old=D(3)).units(D(1)) == D("0.666666666666666667")


def test_a_ratio_of_nothing_is_refused() -> None:
    with pytest.raises(DivisionByZero):
        UnitRatio(new=D(1), old=D(0)).units(D(4))
    with pytest.raises(DivisionByZero):
        UnitRatio(new=D(0), old=D(1)).price(D(4))
