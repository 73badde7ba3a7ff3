"""Run measurements and print the table: ``python -m bench [--row NAME] [--quick] [--peers]``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bench import peers
from bench.clocks import say
from bench.figures import table, write_file
from bench.rows import ROWS, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.figures import Figure

_FILE = Path("build") / "bench.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the rows asked for, print the table and write the file.

    A row whose answer is wrong, or whose server fails, has no figure; it is named below the
    table, and the exit code is 1.
    """
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--row", action="append", choices=sorted(ROWS), help="one line (again for more)"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it runs at all")
    parser.add_argument("--peers", action="store_true", help="fetch what rows are compared with")
    parser.add_argument(
        "--file", type=Path, default=_FILE, help=f"where to write (default {_FILE})"
    )
    chosen = parser.parse_args(arguments)
    names: Sequence[str] = chosen.row or list(ROWS)
    if chosen.peers:
        peers.fetch()
    load = ", ".join(f"{part:.1f}" for part in os.getloadavg())
    say(f"Python {platform.python_version()}, {os.cpu_count()} processors, load before {load}")
    figures: list[Figure] = []
    failed: list[str] = []
    for name in names:
        say(name)
        try:
            figures.extend(_in_its_own_process(name, quick=chosen.quick))
        except (AssertionError, OSError) as error:
            failed.append(f"{name} has no figure: {type(error).__name__}: {error}")
            say(failed[-1])
        # After every row, so that a run cut short keeps what it has measured.
        write_file(chosen.file, figures, quick=chosen.quick)
    print(table(figures, quick=chosen.quick))
    print("\n".join(failed), end="\n" if failed else "")
    return 1 if failed else 0


def _in_its_own_process(name: str, *, quick: bool) -> list[Figure]:
    """Measure one row in a fresh process, so that no row warms or burdens the next."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, name, quick=quick).result()


if __name__ == "__main__":
    sys.exit(main())
