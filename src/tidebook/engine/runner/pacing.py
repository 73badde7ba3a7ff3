"""Pacing: when the next batch begins after one that held little from many.

What a batch costs is mostly the same whether it holds ten facts or a hundred. A worker that begins
the next one at once, while clients send one fact each, is busy all of the time with batches of a
few, and takes from everybody else what little it gains. So it rests for as long as it worked, a
fiftieth of a second at the most, and what comes meanwhile shares the next batch. Where little is
sent nobody rests, nor where much is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threading import Event

    from tidebook.engine.runner.consuming import Took

_REQUESTS_MIN: Final = 4
_RECORDS_MAX: Final = 500
_REST_SECONDS_MAX: Final = 0.02


def rest_seconds(took: Took) -> float:
    """Return how long to rest after a batch, in seconds; 0 when the next may begin at once."""
    if took.requests < _REQUESTS_MIN or took.records >= _RECORDS_MAX:
        return 0.0
    return min(took.seconds, _REST_SECONDS_MAX)


def rest(took: Took, stopping: Event) -> None:
    """Rest after a batch, unless the process is to end."""
    if seconds := rest_seconds(took):
        stopping.wait(seconds)
