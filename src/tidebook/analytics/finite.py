"""Returns that are numbers: what is not finite is refused before anything is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tidebook.errors import UnusableSeriesError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats


def check_returns(returns: Floats) -> None:
    """Refuse returns that are not finite numbers.

    Raises:
        UnusableSeriesError: If one of them is not.
    """
    if not bool(np.isfinite(returns).all()):
        raise UnusableSeriesError("returns", "a return is not a finite number")
