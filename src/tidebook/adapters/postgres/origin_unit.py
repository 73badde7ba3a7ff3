"""The files and lines that facts were imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tidebook.adapters.postgres.statements import statements
from tidebook.book.derivation import SourceKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.engine.store import FactOrigin

_SQL: Final = statements("origins")


def save(cursor: Cursor[tuple[Any, ...]], origins: Sequence[FactOrigin], since: datetime) -> None:
    """Write where the facts were read from that were recorded since a batch began.

    A fact that was known already is not recorded again, and keeps the origin that it has.
    """
    for kind in (SourceKind.TRANSACTION, SourceKind.PRICE, SourceKind.RATE):
        own = [one for one in origins if one.source.kind is kind]
        if own:
            named = {
                "ids": [one.source.id for one in own],
                "days": [one.source.on for one in own],
                "contents": [one.content_hash for one in own],
                "origins": [one.origin for one in own],
                "since": since,
            }
            cursor.execute(_SQL[kind.value], named)
