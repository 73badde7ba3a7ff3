"""The smallest equity with which an account may borrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import judge, order_of
from tests.truth.tolerance import assert_known
from tidebook.compliance.margin_rules import MINIMUM_EQUITY, minimum_equity

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Judge each order of the case by itself."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, {"results"})
    results = {
        row["id"]: judge((MINIMUM_EQUITY, minimum_equity), order_of(row), given["equity"]).status
        for row in given["orders"]
    }
    assert results == expected["results"]
