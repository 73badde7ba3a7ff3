"""A traced decimal is the same number, and knows the operation and the operands it came from."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.book.derivation import Formula, evaluate
from tidebook.book.traced_trees import DEPTH_MAX, tree_of
from tidebook.model.money import ONE, ZERO, converted, exact, larger, quotient, rounded, share
from tidebook.model.traced import LEAF, Traced, marked, named, untraced

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.book.derivation import Node

D = Decimal
TEN, THREE = marked(D(10), "ten", "EUR"), marked(D(3), "three")


@pytest.mark.parametrize(
    ("compute", "value", "formula"),
    [
        (lambda: TEN + THREE, "13", "sum"),
        (lambda: 1 + TEN, "11", "sum"),
        (lambda: TEN - THREE, "7", "difference"),
        (lambda: 1 - TEN, "-9", "difference"),
        (lambda: TEN * THREE, "30", "product"),
        (lambda: 2 * TEN, "20", "product"),
        (lambda: -TEN, "-10", "negative"),
        (lambda: abs(-TEN), "10", "absolute"),
        (lambda: TEN // THREE, "3", "whole_quotient"),
        (lambda: D(100) // THREE, "33", "whole_quotient"),
        (lambda: TEN.scaleb(-2), "0.1", "product"),
        (lambda: quotient(TEN, THREE), "3.333333333333333333", "quotient"),
        (lambda: converted(TEN, THREE), "30", "converted"),
        (lambda: share(TEN, ONE, THREE), "3.333333333333333333", "share"),
        (lambda: larger(THREE, TEN), "10", "maximum"),
        (lambda: larger(-TEN, ZERO), "0", "maximum"),
        (lambda: rounded(marked(D("1E-19"), "little")), "0", "half_even"),
    ],
)
def test_an_operation_is_remembered(
    compute: Callable[[], Decimal], value: str, formula: str
) -> None:
    with exact():
        found = compute()
    assert found == D(value)
    tree = tree_of(found, "found", "")
    assert tree.formula == Formula(formula)
    assert evaluate(tree) == D(value)


def test_nothing_is_remembered_of_what_changes_nothing() -> None:
    for found in (TEN + 0, 0 + TEN, TEN - 0, TEN * 1, 1 * TEN, converted(TEN, ONE)):
        assert found is TEN
    assert sum([TEN], ZERO) is TEN
    assert share(TEN, THREE, THREE) is TEN


def test_plain_numbers_stay_plain() -> None:
    assert type(converted(D(2), D(3))) is Decimal
    assert type(share(D(1), D(1), D(3))) is Decimal
    assert type(larger(D(1), ZERO)) is Decimal
    assert named(D(2), "two") == D(2)
    assert type(named(D(2), "two")) is Decimal
    assert type(untraced(TEN)) is Decimal
    assert (TEN.rule, TEN.operands) == (LEAF, ())


def test_sums_of_sums_are_one_sum_unless_they_have_a_name() -> None:
    with exact():
        tree = tree_of(TEN + THREE + TEN + THREE, "all", "EUR")
        told = tree_of(named(TEN + THREE, "a pair") + TEN, "all", "EUR")
    assert [child.label for child in tree.children] == ["ten", "three", "ten", "three"]
    assert [child.label for child in told.children] == ["a pair", "ten"]


def test_what_is_used_twice_is_drawn_once() -> None:
    value: Decimal = TEN
    with exact():
        for _ in range(60):
            value = value + share(value, ONE, THREE)
    tree = tree_of(value, "grown", "EUR")
    assert count(tree) < 1000
    assert evaluate(tree) == untraced(value)


def count(tree: Node) -> int:
    return 1 + sum(count(child) for child in tree.children)


def test_a_long_chain_ends_in_a_leaf() -> None:
    value: Decimal = TEN
    with exact():
        for _ in range(3 * DEPTH_MAX):
            value = -(value + THREE)
    tree = tree_of(value, "far", "EUR")
    assert evaluate(tree) == untraced(value)
    assert isinstance(value, Traced)
