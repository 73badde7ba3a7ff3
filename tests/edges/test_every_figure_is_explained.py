"""Every number that the API gives has a figure, and the figure's tree comes to that number.

The books are walked number by number: two currencies and a third quoted through another, partial
sales, a short position, an overdraft, dividends, fees, a position without a price, average cost.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from tests.fixtures.figure_walk import disputed, fields_of, unexplained
from tests.unit.cli.memory_book import MemoryBook, StoppedClock, worked_book
from tidebook.api import create_app
from tidebook.api.wire.figure_fields import FIGURE_FIELDS
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.engine.views import SeriesView

D = Decimal
LAST = "2024-01-12"


def fact(identity: str, kind: T, day: int, terms: str, place: str, **more: object) -> Transaction:
    """Return a transaction from "quantity price fee tax" and "security trade-ccy settle-ccy"."""
    quantity, price, fee, tax = (D(term) for term in terms.split())
    security_id, trade, settle = place.split()
    gross = quantity * price
    if kind in {T.DIVIDEND, T.INTEREST, T.FEE, T.TAX}:
        quantity, gross = D(0), price
    return Transaction(
        identity,
        "P1",
        security_id,
        kind,
        None,
        date(2024, 1, day),
        quantity,
        price,
        gross,
        trade,
        settle,
        fee=fee,
        tax=tax,
        **more,  # type: ignore[arg-type]
    )


def wide_book(cost_method: CostMethod = CostMethod.FIFO) -> MemoryBook:
    """Return a EUR portfolio with all that makes a figure hard to follow."""
    book = MemoryBook()
    owner = Portfolio(
        "P1", "EUR", date(2024, 1, 1), "Wide", cost_method=cost_method, allow_short=True
    )
    book.ingest_portfolios([owner], "test")
    book.ingest_instruments(
        [
            Instrument("ACME", "Acme Corp.", "USD", "EQUITY"),
            Instrument("ROCK", "Rock plc", "GBP", "EQUITY"),
            Instrument("HOME", "Home SE", "EUR", "EQUITY"),
            Instrument("DARK", "Dark SA", "EUR", "EQUITY"),
            Instrument("MIXED", "Mixed NV", "EUR", "EQUITY"),
        ],
        "test",
    )
    quoted = [
        ("USD", "EUR", 1, "0.91"),
        ("USD", "EUR", 8, "0.937"),
        ("GBP", "USD", 1, "1.27"),
        ("GBP", "USD", 9, "1.31"),
        ("EUR", "CHF", 2, "0.93"),
    ]
    book.ingest_rates([Rate(a, b, date(2024, 1, d), D(r)) for a, b, d, r in quoted], "test")
    priced = [
        ("ACME", 2, "100.07", "USD"),
        ("ACME", 5, "104.5", "USD"),
        ("ACME", 12, "99.99", "USD"),
        ("ROCK", 3, "11.13", "GBP"),
        ("ROCK", 10, "12.77", "GBP"),
        ("HOME", 2, "50", "EUR"),
        ("HOME", 9, "53.21", "EUR"),
        ("MIXED", 4, "7", "EUR"),
        ("MIXED", 8, "8.1", "USD"),
    ]
    book.ingest_prices([Price(s, date(2024, 1, d), D(p), c) for s, d, p, c in priced], "test")
    book.ingest_transactions(_facts(), "test")
    return book


def _facts() -> list[Transaction]:
    return [
        fact("D1", T.DEPOSIT, 1, "10000 1 0 0", "CASH_EUR EUR EUR"),
        fact("A1", T.BUY, 2, "7 100.07 3 0.5", "ACME USD USD"),
        fact("A2", T.BUY, 3, "3 101.01 1 0", "ACME USD EUR"),
        fact("R1", T.BUY, 3, "100 11.13 2 0", "ROCK GBP GBP"),
        fact("H1", T.BUY, 3, "9 50 0 0", "HOME EUR EUR"),
        fact("A3", T.SELL, 5, "4 104.5 2 1", "ACME USD USD"),
        fact("K1", T.BUY, 5, "5 20 0 0", "DARK EUR EUR"),
        fact("M1", T.BUY, 5, "11 7 0.1 0", "MIXED EUR EUR"),
        fact("V1", T.DIVIDEND, 6, "0 12.5 0 1.25", "ACME USD USD"),
        fact("F1", T.FEE, 8, "0 7.5 0 0", "CASH_EUR EUR EUR"),
        fact("A4", T.SELL, 8, "13 103 1 0", "ACME USD USD", fx_rate=D("0.93")),
        fact("W1", T.WITHDRAWAL, 9, "500 1 0 0", "CASH_EUR EUR EUR"),
        fact("H2", T.TRANSFER_OUT, 9, "2 0 0 0", "HOME EUR EUR"),
        fact("R2", T.SELL, 10, "33 12.5 0 0", "ROCK USD USD"),
        fact("A5", T.BUY, 11, "2 101 0 0", "ACME USD USD"),
        fact("H3", T.SELL, 12, "7 53 0 0", "HOME EUR EUR"),
        fact("X1", T.BUY, 12, "1 1 0 0", "NONE EUR EUR"),
    ]


def explicit_book() -> MemoryBook:
    """Return the wide book where no cash moves by itself."""
    book = wide_book()
    book.owners["P1"] = book.owners["P1"]._replace(settlement=Settlement.EXPLICIT)
    return book


def average_book() -> MemoryBook:
    """Return the wide book at average cost."""
    return wide_book(CostMethod.AVCO)


@pytest.mark.parametrize("make", [worked_book, wide_book, average_book, explicit_book])
def test_every_number_of_every_answer_follows_from_its_tree(make: Callable[[], MemoryBook]) -> None:
    book = make()
    last = max(fact.trade_date for _, fact in book.facts.values() if fact.trade_date)
    last = max([last, *(price.on for price in book.quoted)])
    client = TestClient(create_app(book, book, clock=StoppedClock()))
    found = fields_of(client, "P1", last.isoformat())
    assert unexplained(found) == []
    assert disputed(client, "P1", found, last.isoformat()) == []
    assert len({field.pattern for field in found}) > 60


NUMBERLESS = {
    "/portfolios/": "names and policies",
    "/portfolios/{portfolio_id}": "names and policies",
    "/portfolios/{portfolio_id}/findings": "sentences",
    "/portfolios/{portfolio_id}/restatements": "what keys and days came to, which the figures of "
    "positions and days explain as known at the instants before and after",
    "/portfolios/{portfolio_id}/what-if/explain": "the explanations themselves",
    "/portfolios/{portfolio_id}/what-if/commit": "counts of facts",
    "/portfolios/{portfolio_id}/reconciliation": "what others state, beside quantities of "
    "positions on other days, which position.quantity explains as of those days",
    "/portfolios/{portfolio_id}/health": "ages, counts and estimates of what is doubtful",
    "/health/data": "counts of portfolios and of what is to be said about them",
    "/instruments/": "names",
    "/portfolios/performance": "groups and parts of portfolios: sums of days that are explained "
    "under the id of each portfolio",
    "/portfolios/performance/mwr": "the same",
    "/portfolios/risk": "measures of such returns, by the formulas of the catalogue",
    "/portfolios/contribution": "as of one portfolio, explained by the same figures",
    "/portfolios/attribution": "the same",
    "/trades": "ids of facts",
    "/compliance/rules": "parameters of rules, as their sources state them",
    "/users/{user_id}/compliance/trades/{trade_id}": "versions: the present one is explained",
    "/users/{user_id}/compliance/acknowledgements": "words",
    "/portfolios/{portfolio_id}/compliance/policy": "what the owner states, as it was sent",
    "/benchmarks": "ages of levels of others",
    "/benchmarks/update": "the state of an update",
    "/benchmarks/updates/{update_id}": "the state of an update",
    "/corporate-actions/": "terms as they were sent: leaves of the trees",
    "/portfolios/{portfolio_id}/corporate-actions": "entries, which entry.* explains under the id "
    "of the action in the portfolio",
    "/explain": "the explanations themselves",
    "/explain/figures": "the explanations themselves",
    "/health/live": "the state of the process",
    "/health/ready": "the state of the process",
    "/health/startup": "the state of the process",
    "/version": "the version",
}


def test_every_reading_route_is_walked_or_gives_no_figure() -> None:
    app = create_app(MemoryBook(), MemoryBook(), clock=StoppedClock())
    addresses = TestClient(app).get("/openapi.json").json()["paths"]
    reading = {address for address in addresses if not address.startswith(("/ingest", "/reproc"))}
    about = "/portfolios/{portfolio_id}"
    apart = ("/prices/", "/fx-rates/", "/transactions/{", "/users/")
    walked = {route if route.startswith(apart) else about + route for route in FIGURE_FIELDS}
    assert reading == walked | set(NUMBERLESS)


def test_a_return_of_ten_years_is_explained_from_one_series(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = [date(2014, 1, 1) + timedelta(days=offset) for offset in range(3653)]
    weekdays = [day for day in days if day.weekday() < 5]
    book = worked_book()
    book.quoted = [
        Price("ACME", day, D(100 + (place * 7) % 13), "USD") for place, day in enumerate(weekdays)
    ]
    book.exchange.append(Rate("USD", "EUR", weekdays[0], D("0.9")))
    first = book.facts["D1"][1]._replace(trade_date=weekdays[0])
    book.facts["D1"] = (1, first)
    view = book.series("P1", end=weekdays[-1])
    assert len(view.days) >= 2609

    read: list[SeriesView] = []

    def counted(*_: object, **__: object) -> SeriesView:
        read.append(view)
        return view

    monkeypatch.setattr(book, "series", counted)
    client = TestClient(create_app(book, book, clock=StoppedClock()))
    asked = {"figure": "twr", "portfolio_id": "P1", "period": "SI", "as_of": "2024-01-01"}
    found = client.get("/explain", params=asked).json()
    assert len(read) == 1
    (linked,) = found["tree"]["children"]
    assert len(linked["children"]) + linked["folded"]["children"] == len(view.days)
    assert found["agrees"]
