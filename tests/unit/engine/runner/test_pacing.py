"""A batch of little from many is followed by a rest, any other by none."""

from __future__ import annotations

import pytest

from tidebook.engine.runner.consuming import Took
from tidebook.engine.runner.pacing import rest_seconds


@pytest.mark.parametrize(
    ("took", "rests"),
    [
        (Took(0, 0, 0.0), 0.0),
        (Took(1, 1, 0.05), 0.0),
        (Took(3, 3, 0.05), 0.0),
        (Took(400, 1, 0.05), 0.0),
        (Took(4, 4, 0.015), 0.015),
        (Took(499, 300, 0.015), 0.015),
        (Took(500, 300, 0.05), 0.0),
        (Took(40, 40, 0.001), 0.001),
        (Took(40, 40, 3.0), 0.02),
    ],
    ids=[
        "nothing was processed",
        "one fact",
        "a few",
        "many of one request",
        "of four requests: as long as it took",
        "just few enough",
        "so many that there is no time to lose",
        "quick: no longer than it took",
        "slow: a fiftieth of a second",
    ],
)
def test_how_long_a_worker_rests(took: Took, rests: float) -> None:
    assert rest_seconds(took) == rests
