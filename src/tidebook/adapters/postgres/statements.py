"""Statements by name, from the ``.sql`` files beside this module.

A file holds blocks that each begin with a line ``-- name: some_name``; what stands before the first
is a comment.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER: Final = Path(__file__).parent / "sql"
_NAME: Final = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(file: str) -> Mapping[str, bytes]:
    """Return the statements of ``sql/<file>.sql``; the file is read once."""
    parts = _NAME.split((_FOLDER / f"{file}.sql").read_text("utf-8"))
    bodies = (body.strip().encode() for body in parts[2::2])
    return MappingProxyType(dict(zip(parts[1::2], bodies, strict=True)))
