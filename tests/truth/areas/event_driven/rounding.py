"""Figures as they are shown, digit by digit."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_known
from tidebook.model.rounding import FigureKind, round_output

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Round each figure to the places of its kind."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, set(inputs))
    for kind, texts in expected.items():
        shown = [f"{round_output(Decimal(text), FigureKind(kind)):f}" for text in inputs[kind]]
        assert shown == texts
