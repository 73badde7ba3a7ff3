"""Ids for transactions whose file gives none.

The id is a hash of the content and a count of its occurrences in the file. So two identical fills
in one file stay two, and the same file read again names the same transactions. What this cannot
know is said in ``docs/reference/csv.md``: identical rows of *different* files get the same id.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tidebook.adapters.csvfile.cells import pairs_of
from tidebook.adapters.csvfile.layout import LAYOUTS, FileKind, Form

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS = sorted(LAYOUTS[FileKind.TRANSACTIONS].columns, key=lambda column: column.name)
_DIGITS = 12


def content_hash(body: Mapping[str, str]) -> str:
    """Return 12 hexadecimal digits of the SHA-256 of a transaction's content.

    Spellings do not count: ``10``, ``10.00`` and ``010`` are one number, an instant is one
    instant in whichever offset. The id itself is no content, and neither is a cell left empty, so
    that a column which a later release adds changes no id.
    """
    written = "\x1f".join(
        f"{column.name}={_same(column.form, body[column.name])}"
        for column in _COLUMNS
        if column.name != "transaction_id" and body.get(column.name)
    )
    return hashlib.sha256(written.encode()).hexdigest()[:_DIGITS]


def assigned_id(body: Mapping[str, str], counts: dict[str, int]) -> str:
    """Return the next id for this content and count it in ``counts``."""
    digest = content_hash(body)
    counts[digest] = counts.get(digest, 0) + 1
    return f"csv-{digest}-{counts[digest]}"


def _same(form: Form, text: str) -> str:
    if form is Form.NUMBER:
        return _same_number(text)
    if form is Form.LOTS:
        return "|".join(f"{lot}={_same_number(number)}" for lot, number in pairs_of(text))
    if form is Form.INSTANT and "T" in text:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat()
    return text


def _same_number(text: str) -> str:
    whole, _, fraction = text.removeprefix("-").partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    magnitude = f"{whole}.{fraction}" if fraction else whole
    return f"-{magnitude}" if text.startswith("-") and magnitude != "0" else magnitude
