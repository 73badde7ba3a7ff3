"""The rows of the table, each a module with one function that measures it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.figures import Figure

ROWS = {
    "fifo_fold": "what one processor folds",
    "many_open_lots": "sales from very many lots",
    "pooled": "one average over portfolios",
    "facts_to_series": "from facts to returns in memory",
    "full_history": "ten years of one portfolio",
    "risk_suite": "every measure of one series",
    "risk_batch": "every measure of 10,000 series",
    "xirr": "the rate of 1,000 flows",
    "ingest_http": "a bulk load over HTTP, and memory",
    "ingest_http_by_time": "a bulk load over HTTP that overtakes itself",
    "ingest_log": "a bulk load through the log",
    "kafka_ingest": "a bulk load through Kafka, roles apart",
    "latency": "one transaction to a request, until it can be read",
    "catch_up": "a million facts that waited for the book",
    "bank_day": "a day of 1,000 portfolios",
    "end_of_day": "10,000 portfolios valued on a new day",
    "back_dated": "one late trade among 10,000",
    "back_dated_40": "one late trade among 40",
    "split_deep_key": "a split of 10,000 lots",
    "price_correction": "one price, 100,000 portfolios",
    "returns_http": "returns and risk over HTTP, of one and of 10,000",
    "compliance": "every rule over 100,000 trades, and one order before it is sent",
    "live": "a price until it is shown, 5,000 of them a second",
    "demo_first_page": "from the command to a page",
}
"""The modules of this folder that measure, in the order of the table, and what about."""


def measure(name: str, *, quick: bool) -> list[Figure]:
    """Measure one row; it may come to more than one figure."""
    return import_module(f"bench.rows.{name}").measure(quick=quick)
