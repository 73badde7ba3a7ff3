"""The amounts of funds that bring classes to their targets."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from tests.fixtures.booking import D
from tidebook.errors import UnusableSeriesError
from tidebook.strategy.rebalancing import Rebalanced, rebalance


def solve(weights: list[list[str]], *targets: str) -> Rebalanced:
    rows = [[D(weight) for weight in row] for row in weights]
    return rebalance(rows, [D(target) for target in targets])


def test_plain_funds_take_their_targets() -> None:
    found = solve([["1", "0"], ["0", "1"]], "70", "30")
    assert (found.amounts, found.is_exact) == ((D(70), D(30)), True)


def test_a_mixed_fund_serves_both_classes() -> None:
    found = solve([["1", "0.5"], ["0", "0.5"]], "300", "100")
    assert (found.amounts, found.shortfalls) == ((D(200), D(200)), (D(0), D(0)))


def test_a_target_beyond_the_mixture_needs_a_short_position() -> None:
    # Half of the mixed fund is shares: 100 of bonds bring 100 of shares, 40 too many.
    assert solve([["1", "0.5"], ["0", "0.5"]], "60", "100").amounts == (D(-40), D(200))


def test_two_funds_of_one_class_leave_the_choice_open() -> None:
    found = solve([["1", "1", "0"], ["0", "0", "1"]], "70", "30")
    assert (found.amounts, found.is_exact) == ((None, None, D(30)), True)


def test_targets_that_contradict_each_other_are_met_half_way() -> None:
    # One fund, half and half: 150 is as near to 100 and 50 as both shortfalls allow.
    found = solve([["0.5"], ["0.5"]], "100", "50")
    assert (found.amounts, found.shortfalls) == ((D(150),), (D(25), D(-25)))
    assert not found.is_exact


def test_a_class_that_no_fund_serves_stays_short() -> None:
    found = solve([["1"], ["0"]], "70", "30")
    assert (found.amounts, found.shortfalls) == ((D(70),), (D(0), D(30)))


def test_a_third_has_18_places() -> None:
    assert solve([["3"]], "1").amounts == (D("0.333333333333333333"),)


def test_nothing_needs_nothing() -> None:
    assert rebalance([], []) == Rebalanced((), ())


@pytest.mark.parametrize(
    ("weights", "targets"), [([["1"]], ["1", "2"]), ([["1", "0"], ["1"]], ["1", "2"])]
)
def test_a_table_with_holes_is_refused(weights: list[list[str]], targets: list[str]) -> None:
    with pytest.raises(UnusableSeriesError, match="differ in length"):
        solve(weights, *targets)


hundredths = st.integers(0, 100).map(lambda number: Decimal(number) / 100)


@given(
    st.lists(st.lists(hundredths, min_size=3, max_size=3), min_size=3, max_size=3),
    st.lists(st.integers(-1000, 1000).map(Decimal), min_size=3, max_size=3),
)
def test_the_targets_of_amounts_lead_back_to_them(
    weights: list[list[Decimal]], amounts: list[Decimal]
) -> None:
    targets = [
        sum((w * x for w, x in zip(row, amounts, strict=True)), Decimal(0)) for row in weights
    ]
    found = rebalance(weights, targets)
    assert found.is_exact
    assert all(one in {None, own} for one, own in zip(found.amounts, amounts, strict=True))
