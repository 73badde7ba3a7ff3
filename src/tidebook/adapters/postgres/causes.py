"""Causes as JSON keeps them: ``[[kind, id, version], ..]``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tidebook.engine.causes import CAUSES_MAX, Cause, CauseKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

StoredCause = tuple[str, str, int | None]


def causes_from(stored: Iterable[StoredCause]) -> tuple[Cause, ...]:
    """Return causes, each once."""
    found = (Cause(CauseKind(kind), identity, version) for kind, identity, version in stored)
    return tuple(dict.fromkeys(found))


def causes_text(causes: Sequence[Cause]) -> str:
    """Return the first of some causes as text."""
    return json.dumps([list(cause) for cause in causes[:CAUSES_MAX]], ensure_ascii=False)


def dated(subject: str, first: date, last: date) -> str:
    """Return the id of a price or a rate, or of several of one subject (see ``Cause``)."""
    days = str(first) if first == last else f"{first}..{last}"
    return f"{subject} {days}".lstrip()
