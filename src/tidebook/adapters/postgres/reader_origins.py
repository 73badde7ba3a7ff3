"""How facts came into the book: version, instant, request, and the line of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.rows import moment, utc
from tidebook.adapters.postgres.statements import statements
from tidebook.book.derivation import SourceKind
from tidebook.engine.views import Origin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.book.derivation import Source

_SQL: Final = statements("read_origins")
_STATEMENTS: Final = {
    SourceKind.TRANSACTION: "transaction",
    SourceKind.ENTRY: "transaction",
    SourceKind.GAIN: "transaction",
    SourceKind.ACTION: "action",
    SourceKind.PRICE: "price",
    SourceKind.RATE: "rate",
    SourceKind.DAY: "day",
}
"""The statement of each kind that came in as a fact; the others have no such origin."""


def read_origins(
    cursor: Cursor[TupleRow], sources: Sequence[Source], known_at: datetime | None
) -> dict[Source, Origin]:
    """Return the origin of each source, in one statement per kind of fact.

    A transaction is found by its version where the source names one; prices, rates and days are
    those that held at the instant.
    """
    found: dict[Source, Origin] = {}
    for kind in SourceKind:
        wanted = [source for source in sources if source.kind is kind]
        statement = _STATEMENTS.get(kind)
        if not wanted or statement is None:
            continue
        rows = cursor.execute(
            _SQL[statement],
            {
                "places": list(range(len(wanted))),
                "ids": [source.id for source in wanted],
                "days": [source.on for source in wanted],
                "versions": [source.version for source in wanted],
                "known_at": moment(known_at),
            },
        )
        for place, version, recorded_at, correlation_id, origin in rows:
            found[wanted[place]] = Origin(version, utc(recorded_at), correlation_id, origin)
    return found
