"""Which split two neighbouring prices look like."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tidebook.book.checks.split_ratios import RATIOS, ratio_of_prices

D = Decimal


@pytest.mark.parametrize(
    ("before", "after", "ratio"),
    [
        ("100", "50", "2:1"),
        ("100", "33.333333", "3:1"),
        ("90", "60", "3:2"),
        ("1000", "100", "10:1"),
        ("1000", "97", "10:1"),  # 3 % down besides
        ("5", "50", "1:10"),
        ("0.1", "5.1", "1:50"),
        ("500", "125.5", "4:1"),  # Apple, 2020: 4 for 1
        ("2000", "101", "20:1"),
    ],
)
def test_a_price_that_moves_by_a_usual_ratio_looks_like_that_split(
    before: str, after: str, ratio: str
) -> None:
    assert str(ratio_of_prices(D(before), D(after))) == ratio


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("100", "100"),
        ("100", "75"),  # 4:3, but prices fall by a quarter on their own
        ("100", "70"),
        ("100", "44"),  # between 2:1 and 5:2
        ("100", "1000000"),
        ("0", "50"),
        ("50", "0"),
    ],
)
def test_other_moves_look_like_none(before: str, after: str) -> None:
    assert ratio_of_prices(D(before), D(after)) is None


def test_ratios_are_in_lowest_terms_and_never_one() -> None:
    assert len({D(ratio.new) / ratio.old for ratio in RATIOS}) == len(RATIOS)
    assert all(ratio.new != ratio.old for ratio in RATIOS)
