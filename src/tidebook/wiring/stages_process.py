"""The stages in a process beside the doors: started, listened to, and started again.

Python runs one thread of a process at a time. Where one process answers HTTP and books as well,
each waits for the other in the middle of whatever it does. So a server that does both has the
stages run in a process of its own, which it starts, and which ends with it. What this one is told
from there comes line by line: what was done, for the metrics, and that something was booked, for
those who wait. Nothing that is booked depends on it.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import time
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from tidebook.engine.telemetry import Untold
from tidebook.errors import StagesAwayError

if TYPE_CHECKING:
    from typing import IO

    from tidebook.config import Settings
    from tidebook.engine.signals import Signal
    from tidebook.engine.telemetry import Telemetry

_log = logging.getLogger("tidebook.wiring")

_Line = tuple[str, list[object], dict[str, object]]

PROGRAM: Final = "tidebook.wiring.stages_program"
STARTED: Final = "started"
BOOKED: Final = "booked"
WORKER: Final = "stages"
"""Under which name it is counted that the process ended by itself."""

_PAUSES_SECONDS: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
_SOUND_SECONDS: Final = 60.0
_END_SECONDS: Final = 60.0


class Orders(NamedTuple):
    """What the process is told when it starts: its settings, and the database."""

    settings: Settings
    url: str


class StagesProcess:
    """Keeps a process at work that runs the stages.

    One that ends by itself is counted as a failure of the worker ``stages`` and started again,
    after a pause that grows up to five seconds. One whose starter ends, in whatever way, finishes
    the batches at hand and ends too.

    Args:
        orders: What the stages need to know.
        booked: Given whenever they have booked something.
        telemetry: Told of what they do.
    """

    def __init__(self, orders: Orders, *, booked: Signal, telemetry: Telemetry | None) -> None:
        """Keep what is needed; nothing runs before :meth:`start`."""
        self._orders = orders
        self._booked = booked
        self._telemetry: Telemetry = telemetry or Untold()
        self._process: subprocess.Popen[bytes] | None = None
        self._changing = Lock()
        self._stopping = Event()
        self._started = Event()
        self._thread = Thread(target=self._keep, name="tidebook-stages", daemon=True)

    def start(self) -> None:
        """Begin to start the process; :meth:`wait` tells when it is at work."""
        self._thread.start()

    def wait(self, timeout_seconds: float) -> bool:
        """Return whether the process is at work, after at most so long."""
        return self._started.wait(timeout_seconds)

    @property
    def process_id(self) -> int | None:
        """The number of the process; None while there is none."""
        return self._process.pid if self._process is not None else None

    def ready(self) -> None:
        """Return when the stages run.

        Raises:
            StagesAwayError: When they do not, and are being started.
        """
        if not self._started.is_set():
            raise StagesAwayError

    def stop(self) -> None:
        """Have the batches at hand finished, and return when the process has ended."""
        self._stopping.set()
        with self._changing:
            if self._process is not None:
                _close(cast("IO[bytes]", self._process.stdin))
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive() and self._process is not None:
            _log.error("the stages did not end within %s s, and are ended", _END_SECONDS)
            self._process.kill()
            self._thread.join()

    def _keep(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            self._started.clear()
            if self._stopping.is_set():
                return
            attempt = 0 if time.monotonic() - began >= _SOUND_SECONDS else attempt + 1
            pause = _PAUSES_SECONDS[min(attempt, len(_PAUSES_SECONDS) - 1)]
            self._telemetry.failed(WORKER)
            _log.error("the process of the stages ended with %s; again in %s s", code, pause)
            self._stopping.wait(pause)

    def _run(self) -> int:
        """Run the process once and return its exit code."""
        with self._changing:
            if self._stopping.is_set():
                return 0
            # A session of its own: Ctrl-C at a terminal is for the one that answers, which then
            # ends this one in order.
            self._process = process = subprocess.Popen(  # noqa: S603 - this Python, our program
                [sys.executable, "-P", "-m", PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,
            )
        told, heard = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        try:
            pickle.dump(self._orders, told)
            told.flush()
        except (OSError, ValueError) as error:
            # It has ended, or was told to end (its input is closed) before it had its orders.
            _log.warning("the process of the stages could not be told what to do: %s", error)
        for line in heard:
            self.hear(line)
        code = process.wait()
        with self._changing:
            self._process = None
        _close(told)
        heard.close()
        return code

    def hear(self, line: bytes) -> None:
        """Do what a line says: a method of the telemetry with its arguments, or one of two words.

        A line that is cut short by the end of the process is passed over. One that cannot be
        counted is logged: who listens keeps the process at work, which matters more.
        """
        try:
            word, given, named = cast("_Line", json.loads(line))
        except json.JSONDecodeError:
            return
        if word == STARTED:
            self._started.set()
        elif word == BOOKED:
            self._booked.give()
        else:
            try:
                getattr(self._telemetry, word)(*given, **named)
            except (AttributeError, TypeError, ValueError):
                _log.exception("what the stages told could not be counted: %s", line)


def _close(stream: IO[bytes]) -> None:
    """Close a stream to a process that may have ended before it took everything."""
    try:
        stream.close()
    except OSError as error:
        _log.debug("closing: %s", error)
