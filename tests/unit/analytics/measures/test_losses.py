"""The worst of it, told by the catalogue."""

from __future__ import annotations

import numpy as np
import pytest

from tidebook.analytics import Conventions, Reason, Undefined, figure
from tidebook.errors import UnusableSeriesError

CDAR = "conditional_drawdown"


def test_the_conditional_drawdown_is_the_mean_of_the_deepest_days() -> None:
    # Wealth 1.0, 0.9, 0.8, 0.7 is below the high by 0, 10, 20 and 30 percent: the deepest half of
    # four days, then all.
    returns = np.array([0.0, -0.1, -0.1 / 0.9, -0.1 / 0.8])
    half, whole = (Conventions(confidence=c) for c in (0.5, 1e-9))
    assert figure(CDAR, returns, None, half) == pytest.approx(0.25, abs=1e-15)
    assert figure(CDAR, returns, None, whole) == pytest.approx(0.15, abs=1e-9)


def test_no_days_have_no_conditional_drawdown() -> None:
    assert figure(CDAR, np.zeros(0)) == Undefined(Reason.TOO_FEW_RETURNS)
    with pytest.raises(UnusableSeriesError):
        figure(CDAR, np.array([np.nan]))
