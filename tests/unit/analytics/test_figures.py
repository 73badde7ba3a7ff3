"""Figures that may be undefined."""

from __future__ import annotations

import pytest

from tidebook.analytics import Reason, Undefined, value_of


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert " " in Undefined(reason).sentence


def test_an_undefined_figure_has_no_number() -> None:
    assert value_of(Undefined(Reason.NO_DATA)) is None
    assert value_of(0.0) == 0.0
