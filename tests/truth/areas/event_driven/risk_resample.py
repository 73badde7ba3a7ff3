"""Daily returns linked into longer periods."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from tests.truth.tolerance import assert_all_close, assert_known
from tidebook.analytics import DatedReturns, Frequency, resampled, to_days

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Link the days into the periods that the case names."""
    days, returns = zip(*case["inputs"]["daily"], strict=True)
    daily = DatedReturns(to_days(list(map(date.fromisoformat, days))), np.array(returns))
    assert_known(case["expected"], {"weekly", "monthly"})
    for name, expected in case["expected"].items():
        linked = resampled(daily, Frequency(name.upper()))
        assert_all_close(linked.returns.tolist(), expected, case["tolerance"]["abs"])
