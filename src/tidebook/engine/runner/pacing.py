"""Pacing: when the next batch begins after one that held little from many.

What a batch costs is mostly the same whether it holds ten facts or a hundred. A worker that begins
the next one at once, while clients send one fact each, is busy all of the time with batches of a
few, and keeps the door and everybody else waiting. So it rests for about as long as it worked, and
what comes meanwhile shares the next batch. Where little is sent nobody rests, nor where much is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from threading import Event

    from tidebook.engine.runner.consuming import Took

_REQUESTS_MIN: Final = 4
_RECORDS_MAX: Final = 500
_REST_SECONDS_MIN: Final = 0.02
_REST_SECONDS_MAX: Final = 0.1


def rest_seconds(took: Took) -> float:
    """Return how long to rest after a batch, in seconds; 0 when the next may begin at once."""
    if v := __import__("os").environ.get("RESTMAX"):
        return min(float(v), took.seconds) if took.requests >= _REQUESTS_MIN and took.records < _RECORDS_MAX else 0.0
    if took.requests < _REQUESTS_MIN or took.records >= _RECORDS_MAX:
        return 0.0
    return min(max(took.seconds, _REST_SECONDS_MIN), _REST_SECONDS_MAX)


def rest(took: Took, stopping: Event) -> None:
    """Rest after a batch, unless the process is to end."""
    if seconds := rest_seconds(took):
        stopping.wait(seconds)
