"""Work that comes by portfolio, and the portfolio that makes it fail.

Keys to fold and series to value are taken a few portfolios at a time. When that fails they are
taken singly, and the one that fails by itself is passed over for a minute, so that it holds up
nobody else.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

from tidebook.errors import FencedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

_log = logging.getLogger("tidebook.runner")

SPARED_SECONDS: Final = 60.0


class Sparing:
    """Runs a step that takes portfolios, and spares the others the failure of one.

    Args:
        limit: How much is taken at once when all is well.
        clock: Seconds that only ever grow.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with everything being well."""
        self._limit = limit
        self._clock = clock
        self._singly = 0
        self._spared: dict[str, float] = {}

    def run(
        self,
        step: Callable[[int, Collection[str], list[str]], None],
        limit: int | None = None,
    ) -> bool:
        """Run a step; tell whether it did anything, or must be run again because it failed.

        It is given how much to take at the most (one portfolio where that is 1), the portfolios to
        pass over, and a list to put those into that it takes, before it does anything with them.
        ``limit`` says for once how much is taken when all is well.
        """
        now = self._clock()
        self._spared = {each: until for each, until in self._spared.items() if until > now}
        taken: list[str] = []
        try:
            step(1 if self._singly else limit or self._limit, self._spared.keys(), taken)
        except (StoreUnavailableError, FencedError):
            raise
        except Exception:
            portfolio_ids = set(taken)
            if not portfolio_ids:
                raise
            if len(portfolio_ids) == 1:
                _log.exception("portfolio %s is passed over for a while", *portfolio_ids)
                self._spared[portfolio_ids.pop()] = now + SPARED_SECONDS
            self._singly = max(self._singly - 1, len(portfolio_ids))
            return True
        self._singly = max(self._singly - 1, 0)
        return bool(taken)
