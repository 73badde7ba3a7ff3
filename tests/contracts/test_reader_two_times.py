"""What the read side says was believed at an instant, of everything that a fact can change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine import topics
from tidebook.engine.causes import Amounts, Cause, CauseKind, SeriesRestated
from tidebook.engine.queries import RestatementQuery
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tidebook.engine.ports import Reader

pytestmark = pytest.mark.cluster

D = Decimal
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(name="book")
def empty_book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    yield made
    made.close()


@pytest.fixture(name="reader")
def reader_of_the_book(book: Book) -> Reader:
    return PostgresReader(book.pool)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def test_a_portfolio_is_what_it_was_said_to_be_then(book: Book, reader: Reader) -> None:
    before = book.now()
    first = portfolio("P1")._replace(name="First", open_date=day(0))
    book.take(topics.RAW_PORTFOLIOS, [first])
    between = book.now()
    second = first._replace(
        name="Second",
        base_currency="EUR",
        cost_method=CostMethod.AVCO,
        settlement=Settlement.EXPLICIT,
        close_date=day(5),
    )
    book.take(topics.RAW_PORTFOLIOS, [second])
    after = book.now()
    for question in (
        reader.portfolio,
        reader.freshness,
        reader.positions,
        reader.lots,
        reader.series,
        reader.findings,
        reader.results,
        reader.report,
    ):
        with pytest.raises(UnknownPortfolioError, match="was not in the book at 2024-06-01"):
            question("P1", known_at=before)
    assert reader.portfolio("P1", known_at=between) == first
    assert reader.portfolio("P1", known_at=after) == reader.portfolio("P1") == second
    assert reader.portfolios(known_at=before) == ()
    assert reader.portfolios(known_at=between) == (first,)
    assert reader.portfolios() == (second,)
    # On the sixth day and after it was closed, as is known now; then it was not known.
    assert reader.portfolios(as_of=day(5)) == (second,)
    assert reader.portfolios(as_of=day(6)) == reader.portfolios(as_of=day(-1)) == ()
    assert reader.portfolios(as_of=day(6), known_at=between) == (first,)
    assert reader.overview(known_at=before) == ()
    assert [row.portfolio for row in reader.overview(known_at=between)] == [first]


def test_versions_of_one_instant_follow_each_other(book: Book, reader: Reader) -> None:
    at = book.now()
    with book.store.unit() as unit:
        unit.save_portfolios([portfolio("P1")], at)
        unit.save_instruments([ACME], at)
        unit.save_prices([Price("ACME", day(0), D(10), "USD")], at)
        unit.save_rates([Rate("EUR", "USD", day(0), D("1.1"))], at)
    # A clock that went back an hour.
    earlier = at - timedelta(hours=1)
    with book.store.unit() as unit:
        unit.save_portfolios([portfolio("P1")._replace(name="Later")], earlier)
        unit.save_instruments([ACME._replace(name="Later")], earlier)
        unit.save_prices([Price("ACME", day(0), D(11), "USD")], earlier)
        unit.save_rates([Rate("EUR", "USD", day(0), D("1.2"))], earlier)
    assert reader.portfolio("P1", known_at=at).name == ""
    assert reader.portfolio("P1").name == "Later"
    assert [one.name for one in reader.instruments(known_at=at)] == ["Acme Corporation"]
    assert [one.name for one in reader.instruments()] == ["Later"]
    assert [one.price for one in reader.prices("ACME", known_at=at)] == [10]
    assert [one.price for one in reader.prices("ACME")] == [11]
    assert [one.rate for one in reader.rates("EUR", "USD", known_at=at)] == [D("1.1")]
    assert [one.rate for one in reader.rates("EUR", "USD")] == [D("1.2")]


def test_an_instrument_is_what_it_was_said_to_be_then(book: Book, reader: Reader) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(12), "USD")])
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", day(0), D("1.25"))])
    book.book(trade("B1", 10, 10))
    book.settle()
    between = book.now()
    # It was in euros all along, and has another name.
    euros = Instrument("ACME", "Acme Europe", "EUR", "Fund")
    book.take(topics.RAW_INSTRUMENTS, [euros])
    book.settle()
    assert reader.instruments(["ACME"], known_at=LONG_AGO) == ()
    assert reader.instruments(["ACME"], known_at=between) == (ACME,)
    assert reader.instruments(["ACME"]) == (euros,)
    then, now = reader.positions("P1", known_at=between), reader.positions("P1")
    assert (then.positions[0].instrument, now.positions[0].instrument) == (ACME, euros)
    # 10 x 12 dollars; in euros, of which one is 1.25 dollars, the price is 9.60.
    assert then.positions[0].valuation.value is not None
    assert now.positions[0].valuation.value is not None
    assert then.positions[0].valuation.value.local == 120
    assert now.positions[0].valuation.value.local == 96
    assert [lot.currency for lot in reader.lots("P1", known_at=between).lots] == ["USD"]
    assert {lot.currency for lot in reader.lots("P1").lots} == {"EUR"}
    # A history is valued with what was believed as well.
    history = reader.history("P1", "ACME", known_at=between)
    assert [valuation.value.local for _, valuation in history.changes if valuation.value] == [120]


def test_lots_are_chosen_by_the_cost_method_of_then(book: Book, reader: Reader) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.book(trade("B1", 10, 10, day=0), trade("B2", 10, 20, day=1), trade("S1", -5, 30, day=2))
    book.settle()
    between = book.now()
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")._replace(cost_method=CostMethod.AVCO)])
    book.settle()
    then = reader.lots("P1", security_id="ACME", known_at=between).lots
    assert [(lot.lot_id, lot.quantity, lot.cost_base) for lot in then] == [
        ("B1", 5, 50),
        ("B2", 10, 200),
    ]
    # At average cost there is one pool: fifteen at 15.
    now = reader.lots("P1", security_id="ACME").lots
    assert [(lot.quantity, lot.cost_base) for lot in now] == [(15, 225)]


def test_findings_are_those_that_were_open_then(book: Book, reader: Reader) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    nothing = book.now()
    book.book(trade("B1", 10, 10, day=0), trade("B2", 10, 10, day=4))
    waiting = book.now()
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.settle()

    def open_then(known_at: datetime | None, as_of: date | None = None) -> list[str]:
        found = reader.findings("P1", as_of=as_of, known_at=known_at)
        return [view.finding.transaction_id for view in found]

    assert open_then(nothing) == []
    assert open_then(waiting) == ["B1", "B2"]
    assert open_then(waiting, day(3)) == ["B1"]
    assert open_then(None) == []


def test_a_business_date_counted_until_it_was_taken_back(book: Book, reader: Reader) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_BUSINESS_DATES, [day(0), day(9)])
    between = book.now()
    with book.store.unit() as unit:
        unit.cancel_business_dates([day(9)], book.now())
    assert reader.freshness("P1", known_at=between).as_of == day(9)
    assert reader.freshness("P1").as_of == day(0)


def test_an_overview_shows_the_value_that_was_believed(book: Book, reader: Reader) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.book(trade("B1", 10, 10))
    book.take(topics.RAW_BUSINESS_DATES, [day(0), day(3)])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(11), "USD")])
    book.settle()
    between = book.now()
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(15), "USD")])
    book.settle()

    def shown(known_at: datetime | None, as_of: date | None = None) -> tuple[date, Decimal]:
        (row,) = reader.overview(known_at=known_at, as_of=as_of)
        assert row.last_day is not None
        return row.last_day.on, row.last_day.eod_market_value

    # Ten shares, for which a hundred were paid.
    assert shown(between) == (day(3), 10)
    assert shown(between, day(1)) == (day(0), 10)
    assert shown(None) == (day(3), 50)


def test_restatements_are_paged_filtered_and_known_at_an_instant(
    book: Book, reader: Reader
) -> None:
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(10), "USD")])
    book.book(trade("B1", 10, 10))
    book.settle()
    start = book.now()
    book.book(trade("B1", 10, 11))
    book.settle()
    between = book.now()
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(12), "USD")])
    book.settle()

    page = reader.restatements(RestatementQuery("P1"))
    assert (page.total, page.skip, page.limit) == (3, 0, 100)
    priced, stock, cash = page.restatements
    assert priced.causes == (Cause(CauseKind.PRICE, "ACME 2024-03-01", 2),)
    # Ten shares at 10 and 110 paid, then at 12.
    assert priced.series == SeriesRestated(day(0), day(0), 1, day(0), D(-10), D(10))
    assert priced.series is not None
    assert priced.series.value_change == 20
    assert (priced.security_id, priced.before, priced.after) == (None, None, None)
    amended = (Cause(CauseKind.TRANSACTION, "B1", 2),)
    assert (stock.security_id, stock.causes, stock.epoch) == ("ACME", amended, 1)
    assert stock.before == Amounts(D(10), D(100), D(0))
    assert stock.after == Amounts(D(10), D(110), D(0))
    assert (cash.security_id, cash.before, cash.after) == (
        "CASH_USD",
        Amounts(D(-100), D(-100), D(0)),
        Amounts(D(-110), D(-110), D(0)),
    )

    def log(query: RestatementQuery) -> tuple[int, list[str | None]]:
        found = reader.restatements(query)
        return found.total, [row.security_id for row in found.restatements]

    asked = RestatementQuery("P1")
    assert log(asked._replace(skip=1, limit=1)) == (3, ["ACME"])
    assert log(asked._replace(security_id="ACME")) == (2, [None, "ACME"])
    assert log(asked._replace(security_id="CASH_USD")) == (1, ["CASH_USD"])
    assert log(asked._replace(security_id="ACM")) == (0, [])
    assert log(asked._replace(since=between)) == (1, [None])
    assert log(asked._replace(known_at=between)) == (2, ["ACME", "CASH_USD"])
    assert log(asked._replace(known_at=start)) == (0, [])
    assert log(asked._replace(as_of=day(-1))) == (0, [])
