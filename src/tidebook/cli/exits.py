"""What the process says when it ends."""

from __future__ import annotations

from enum import IntEnum
from http import HTTPStatus

from tidebook.errors import (
    ConflictError,
    InputError,
    MarketDataError,
    NotFoundError,
    OverloadedError,
    ServerRefusedError,
    ServerUnreachableError,
    StoreError,
    TidebookError,
    UnknownMeasureError,
    UnusableParameterError,
)


class Exit(IntEnum):
    """The exit codes; a script may rely on each."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    INVALID_INPUT = 3
    NOT_FOUND = 4
    CONFLICT = 5
    NOT_AUTHORISED = 6
    DEPENDENCY_DOWN = 7
    CHECK_FAILED = 8
    PARTIAL = 9
    DIVERGED = 10
    INTERRUPTED = 130


_BY_ERROR: tuple[tuple[type[TidebookError], Exit], ...] = (
    (InputError, Exit.INVALID_INPUT),
    (UnknownMeasureError, Exit.INVALID_INPUT),
    (UnusableParameterError, Exit.INVALID_INPUT),
    (NotFoundError, Exit.NOT_FOUND),
    (ConflictError, Exit.CONFLICT),
    (StoreError, Exit.DEPENDENCY_DOWN),
    (OverloadedError, Exit.DEPENDENCY_DOWN),
    (MarketDataError, Exit.DEPENDENCY_DOWN),
    (ServerUnreachableError, Exit.DEPENDENCY_DOWN),
)


def exit_of(error: TidebookError) -> Exit:
    """Return the code that a refusal ends the process with."""
    if isinstance(error, ServerRefusedError):
        return _exit_of_status(error.problem.status)
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    return Exit.UNEXPECTED


def _exit_of_status(status: int) -> Exit:
    named = {401: Exit.NOT_AUTHORISED, 403: Exit.NOT_AUTHORISED, 404: Exit.NOT_FOUND}
    named |= {409: Exit.CONFLICT, 429: Exit.DEPENDENCY_DOWN}
    if status in named:
        return named[status]
    return (
        Exit.DEPENDENCY_DOWN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Exit.INVALID_INPUT
    )
