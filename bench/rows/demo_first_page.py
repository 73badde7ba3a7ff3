"""The demo: from the command to the first full page."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bench.clocks import say, wall_seconds
from bench.databases import private_folder
from bench.figures import Bar, Baseline, Figure
from bench.serving import Served, started
from tidebook.adapters.postgres import EmbeddedCluster

if TYPE_CHECKING:
    from typing import IO

_BAR = Bar("at most", 10.0)
_REPEATS = 3
_TRADING = b"DEMO-001"


def measure(*, quick: bool) -> list[Figure]:
    """Start the demo and ask for its page until all of it is there."""
    repeats = 1 if quick else _REPEATS
    _first_page()  # a warm install: everything was read from the disk once
    taken = tuple(_first_page() for _ in range(repeats))
    bare = min(wall_seconds(_bare_database, repeats))
    baseline = Baseline("making, starting and stopping the bare database", bare)
    return [Figure("demo_first_page", "s", taken, baseline, _BAR, "ten years of example data")]


def _first_page() -> float:
    start = time.perf_counter()
    with started(["demo", "--port", "0", "--output", "json", "--quiet"]) as process:
        assert process.stdout is not None
        places = _document(process.stdout)
        page = urlsplit(places["page"])
        body = Served(places["page"], process.pid).get(page.path)
        taken = time.perf_counter() - start
    assert _TRADING in body
    say(f"demo_first_page: {taken:.1f} s, {len(body):,} bytes")
    return taken


def _document(lines: IO[str]) -> dict[str, str]:
    """Return the JSON document at the beginning of a stream that stays open."""
    text = ""
    for line in lines:
        text += line
        if line.startswith("}"):
            return json.loads(text)
    raise AssertionError(f"the demo ended and had said only {text!r}")


def _bare_database() -> None:
    with private_folder() as folder, EmbeddedCluster.start(folder / "data"):
        pass
