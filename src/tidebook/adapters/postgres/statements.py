"""The statements of an adapter, kept as SQL in files beside it.

A file holds statements, each after a line ``-- name: the_name``.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def statements(file: str) -> dict[str, LiteralString]:
    """Return the statements of ``sql/<file>.sql`` by name."""
    text = resources.files(__package__).joinpath("sql", f"{file}.sql").read_text("utf-8")
    parts = _NAME.split(text)
    # The package's own files are as constant as a literal, which is what psycopg asks for.
    return {
        name: cast("LiteralString", body.strip())
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }
