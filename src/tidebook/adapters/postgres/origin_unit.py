"""The files and lines that facts were imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tidebook.adapters.postgres.statements import statements
from tidebook.book.derivation import SourceKind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.book.derivation import Source

_SQL: Final = statements("origins")


def save(
    cursor: Cursor[tuple[Any, ...]], origins: Sequence[tuple[Source, str]], since: datetime
) -> None:
    """Write where the facts were read from that were recorded since a batch began.

    A fact that was known already is not recorded again, and keeps the origin that it has.
    """
    for kind in (SourceKind.TRANSACTION, SourceKind.PRICE, SourceKind.RATE):
        own = [(source, origin) for source, origin in origins if source.kind is kind]
        if own:
            named = {
                "ids": [source.id for source, _ in own],
                "days": [source.on for source, _ in own],
                "origins": [origin for _, origin in own],
                "since": since,
            }
            cursor.execute(_SQL[kind.value], named)
