"""How much of the whole the largest positions are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tests.truth.tolerance import assert_close
from tidebook.analytics import Concentration, concentration

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the largest weight, the largest few and the index of all."""
    weights = np.array(case["inputs"]["weights"], np.float64)
    assert case["expected"], "the case expects nothing"
    for name, expected in case["expected"].items():
        top = re.fullmatch(r"top(\d+)", name)
        found = concentration(weights, top=int(top[1]) if top else 1)
        assert isinstance(found, Concentration)
        figure = found.top if top else getattr(found, name)
        assert_close(figure, expected, case["tolerance"]["abs"])
