"""A bulk load over HTTP in the order of instants: neighbouring requests overtake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import facts
from bench.rows.ingest_http import figure, loads
from bench.rows.ingest_log import plan

if TYPE_CHECKING:
    from bench.figures import Figure


def measure(*, quick: bool) -> list[Figure]:
    """Load trades so that every portfolio occurs in every request."""
    book = facts.trades(plan(quick=quick))
    runs = loads("ingest_http_by_time", book.transactions, book, quick=quick)
    return [figure("ingest_http_by_time", runs, book, "in the order of their instants")]
