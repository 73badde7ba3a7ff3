"""``tidebook demo``: a full book on this machine, loaded through the front door."""

from __future__ import annotations

import signal
import socket
import tempfile
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit
from tidebook.errors import ServerUnreachableError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tidebook.cli.demo_facts import Request
    from tidebook.client.remote import Remote

_HOST: Final = "127.0.0.1"
_PORTS_TRIED: Final = 50
_WAIT_SECONDS: Final = 60
_PORTFOLIO: Final = "DEMO-001"


@app.command()
def demo(
    ctx: typer.Context,
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; the next free one if it is taken.")
    ] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop when all is loaded.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in a browser.")] = False,
) -> None:
    """Try it with ten years of example data.

    Prints where to look when all is loaded. Nothing is asked, and nothing outside this machine
    is used. The book lives in a temporary directory until the command ends, or in the new
    directory that --data names.
    """
    invocation: Invocation = ctx.obj
    started = time.monotonic()
    with _directory(invocation.data_dir) as directory:
        chosen = free_port(port)
        _say(invocation, f"data in {directory}")
        if port not in {0, chosen}:
            _say(invocation, f"port {port} is taken, so this is port {chosen}")
        settings = replace(
            invocation.settings(),
            data_dir=directory,
            database_url=None,
            host=_HOST,
            port=chosen,
            log_level="warning",
        )
        showing = _Showing(
            invocation, f"http://{_HOST}:{chosen}", directory, started, no_serve, open_
        )
        with suppress(KeyboardInterrupt):  # Ctrl-C is how the demo is meant to end
            invocation.doors.serve(settings, on_ready=showing.begin)
        showing.finish()


def free_port(wanted: int) -> int:
    """Return ``wanted``, or the first free port after it, or any free port for 0.

    Raises:
        ServerUnreachableError: If none of the next fifty is free.
    """
    for port in range(wanted, min(wanted + _PORTS_TRIED, 65536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerUnreachableError(
        f"{_HOST}:{wanted}", why=f"this port and the {_PORTS_TRIED - 1} after it are taken"
    )


@contextmanager
def _directory(named: Path | None) -> Generator[Path]:
    if named is None:
        with tempfile.TemporaryDirectory(
            prefix="tidebook-demo-", ignore_cleanup_errors=True
        ) as fresh:
            yield Path(fresh)
        return
    if named.exists() and (not named.is_dir() or any(named.iterdir())):
        raise typer.BadParameter(
            f"{named} is not an empty directory, and example data does not belong in a book; "
            f"name a new one, or look at this one with: tidebook serve --data {named}",
            param_hint="--data",
        )
    yield named


@dataclass(slots=True)
class _Showing:
    """The demo while it runs: loads in a thread of its own, because the server has the first."""

    invocation: Invocation
    url: str
    directory: Path
    started: float
    no_serve: bool
    open_browser: bool
    _loaded: Future[None] | None = None
    _over: threading.Event | None = None

    def begin(self, url: str) -> None:
        """Start loading; the server answers now."""
        self.url = url
        self._over = threading.Event()
        pool = ThreadPoolExecutor(1, "demo")
        self._loaded = pool.submit(self._load, self._over)
        self._loaded.add_done_callback(self._end_if_done)
        pool.shutdown(wait=False)

    def finish(self) -> None:
        """Say how it went, after the server has ended.

        Raises:
            ServerUnreachableError: If the server ended before it answered.
        """
        if self._loaded is None or self._over is None:
            raise ServerUnreachableError(self.url, why="the server ended before it was ready")
        if not self._loaded.done():
            self._over.set()
            raise typer.Exit(Exit.INTERRUPTED)
        self._loaded.result()

    def _load(self, over: threading.Event) -> None:
        from tidebook.cli.demo_facts import demo_requests
        from tidebook.client.remote import Remote

        post_all(self.invocation, Remote(self.url, sleep=over.wait), demo_requests(), over)
        _say(self.invocation, f"ready after {time.monotonic() - self.started:.1f} s")
        self._show()

    def _show(self) -> None:
        from tidebook.cli.output import json_text

        places = {
            "page": f"{self.url}/ui/portfolios/{_PORTFOLIO}",
            "all_portfolios": f"{self.url}/ui/",
            "documentation": f"{self.url}/docs",
            "positions": f"{self.url}/portfolios/{_PORTFOLIO}/positions",
            "performance": f"{self.url}/portfolios/{_PORTFOLIO}/performance",
            "data": str(self.directory),
        }
        if self.invocation.output is Output.JSON:
            typer.echo(json_text(places))
        else:
            for name, place in places.items():
                note = " (POST)" if name == "performance" else ""
                typer.echo(f"{name.replace('_', ' '):15}{place}{note}")
        if self.open_browser:
            self.invocation.doors.open_browser(places["page"])
        if not self.no_serve:
            _say(self.invocation, "Ctrl-C ends the demo")

    def _end_if_done(self, loaded: Future[None]) -> None:
        """End the server when there is nothing more to show, or when loading failed."""
        first = threading.main_thread().ident
        if first is not None and (self.no_serve or loaded.exception() is not None):
            signal.pthread_kill(first, signal.SIGINT)


def post_all(
    invocation: Invocation, remote: Remote, requests: Sequence[Request], over: threading.Event
) -> None:
    """Post requests in their order, each until it is booked, and say each step."""
    for number, request in enumerate(requests, start=1):
        if over.is_set():
            return
        started = time.monotonic()
        reply = remote.post(request.path, request.body, wait_seconds=_WAIT_SECONDS)
        booked = "" if reply.document.get("status") == "BOOKED" else ", not booked yet"
        seconds = time.monotonic() - started
        _say(
            invocation,
            f"{number:>2}/{len(requests)}  {request.title}{booked}  {seconds:.1f} s",
        )


def _say(invocation: Invocation, line: str) -> None:
    if not invocation.quiet:
        typer.echo(line, err=True)
