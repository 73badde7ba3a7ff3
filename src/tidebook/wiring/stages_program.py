"""The program of a process that runs the stages for a server (see ``wiring.stages_process``).

It reads its orders from standard input and works until that is closed, which it is when the
server ends, in whatever way. It tells of its work on standard output, one line of JSON each.
"""

from __future__ import annotations

import json
import pickle
import signal
import sys
from collections import deque
from contextlib import ExitStack
from threading import Event, Thread
from typing import IO, TYPE_CHECKING, Final, cast

from tidebook.adapters.postgres.compliance_store import PostgresCompliance
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.engine.runner import Through
from tidebook.engine.signals import Signal
from tidebook.wiring.chosen import broker, configure_logs, traces
from tidebook.wiring.stages_process import BOOKED, STARTED
from tidebook.wiring.working import Making, working

if TYPE_CHECKING:
    from tidebook.adapters.telemetry.tracing import Traces
    from tidebook.wiring.stages_process import Orders

_UNTOLD_MAX: Final = 10_000
_MENTIONED_SECONDS: Final = 1.0


def main() -> None:
    """Run the stages until standard input ends."""
    for each in (signal.SIGINT, signal.SIGTERM):
        # Whoever signals everything at once signals the server too, which ends this in order.
        signal.signal(each, signal.SIG_IGN)
    orders = cast("Orders", pickle.load(sys.stdin.buffer))  # noqa: S301 - written by the server
    telling = Telling(sys.stdout.buffer)
    with ExitStack() as stack:
        stack.callback(telling.close)
        run(orders, telling, stack)
        telling.say(STARTED)
        sys.stdin.buffer.read()


def run(orders: Orders, telling: Telling, stack: ExitStack) -> None:
    """Begin to run the stages; the stack ends them, after the batches at hand."""
    settings, url = orders
    configure_logs(settings)
    pool = open_pool(url)
    stack.callback(pool.close)
    pool.telemetry = told = Told(telling, traces(settings, stack))
    booked = _ToldSignal(telling)
    making = Making(settings, pool, MarketCache(), url, stack, told, Signal(), booked)
    bus = broker(settings)
    through = Through(bus, making.store()) if bus else None
    compliance = PostgresCompliance(making.store(), pool, making.cache)
    working(making, settings.roles, compliance, through)


class Telling:
    """Writes lines in a thread of its own, so that no worker waits for whoever reads them.

    While nobody reads, as of a server that is frozen, the oldest are forgotten.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        """Begin to write to a stream."""
        self._stream = stream
        self._lines: deque[bytes] = deque(maxlen=_UNTOLD_MAX)
        self._more, self._ending = Event(), Event()
        self._thread = Thread(target=self._write, name="tidebook-telling", daemon=True)
        self._thread.start()

    def say(self, word: str, *given: object, **named: object) -> None:
        """Have a line written at once."""
        self.mention(word, *given, **named)
        self._more.set()

    def mention(self, word: str, *given: object, **named: object) -> None:
        """Have a line written with the next, or within a second."""
        self._lines.append(json.dumps((word, given, named)).encode() + b"\n")

    def close(self) -> None:
        """Write what is left, for a second at the most."""
        self._ending.set()
        self._more.set()
        self._thread.join(1.0)

    def _write(self) -> None:
        while True:
            self._more.wait(_MENTIONED_SECONDS)
            self._more.clear()
            ending = self._ending.is_set()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                self._stream.write(b"".join(lines))
                self._stream.flush()
            except OSError:
                return  # the server is gone, and the end of standard input says so as well
            if ending:
                return


class Told:
    """Tells the server what is to be counted (see ``engine.telemetry.Telemetry``).

    Spans are made here, where it is known which requests a batch came from.
    """

    def __init__(self, telling: Telling, spans: Traces | None) -> None:
        """Tell by ``telling``."""
        self._say, self._mention = telling.say, telling.mention
        self._spans = spans

    def batch(self, consumer: str, *, records: int, seconds: float) -> None:
        """Tell of a batch that a consumer committed."""
        self._say("batch", consumer, records=records, seconds=seconds)
        if self._spans is not None:
            self._spans.batch(consumer, records=records, seconds=seconds)

    def duplicates(self, consumer: str, count: int) -> None:
        """Tell of facts that were known already."""
        self._say("duplicates", consumer, count)

    def fenced(self, worker: str) -> None:
        """Tell of a batch that was rolled back."""
        self._say("fenced", worker)

    def failed(self, worker: str) -> None:
        """Tell of a step that failed and is tried again."""
        self._say("failed", worker)

    def set_apart(self, topic: str) -> None:
        """Tell of a record that was put with the dead letters."""
        self._say("set_apart", topic)

    def keys_restated(self, count: int) -> None:
        """Tell of keys whose history came out different."""
        self._say("keys_restated", count)

    def series_restated(self, days: int) -> None:
        """Tell of a daily series of which this many days were replaced."""
        self._say("series_restated", days)

    def transaction(self, *, waited_seconds: float, held_seconds: float) -> None:
        """Tell of a database transaction."""
        self._mention("transaction", waited_seconds=waited_seconds, held_seconds=held_seconds)


class _ToldSignal(Signal):
    """A signal that the server is given too."""

    def __init__(self, telling: Telling) -> None:
        super().__init__()
        self._telling = telling

    def give(self) -> None:
        super().give()
        self._telling.say(BOOKED)


if __name__ == "__main__":
    main()
