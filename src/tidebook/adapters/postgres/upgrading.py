"""The schema brought up to date by a process that then ends.

What does it takes 20 MB to load, and a server would keep them for good though it needs them once.
The program reads the address of the database from standard input: it may hold a password.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tidebook.adapters.postgres import schema


def upgrade_apart(conninfo: str) -> None:
    """Bring a database to this release's schema (see :func:`schema.upgrade`).

    Where the other process could not, this one tries, and says what is wrong.
    """
    if schema.check(conninfo).behind:
        subprocess.run(  # noqa: S603 - this Python, and this module
            [sys.executable, "-P", "-m", __name__],
            input=conninfo.encode(),
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )
    schema.upgrade(conninfo)


if __name__ == "__main__":
    schema.upgrade(sys.stdin.read())
