"""The log of what was written anew: because of which facts, and by how much, to the digit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader_restatements import read_restatements
from tidebook.engine import topics
from tidebook.engine.queries import RestatementQuery
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

D = Decimal
_EURO_STOCK = Instrument("EURO", "Euro Stock", "EUR", "Equity")


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1")])
    made.take(topics.RAW_INSTRUMENTS, [ACME, _EURO_STOCK])
    yield made
    made.close()


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _log(book: Book, security_id: str = "ACME") -> list[tuple[Any, ...]]:
    """Return (causes, quantity, cost and gain before, the same after), oldest first."""
    return book.rows(
        "SELECT causes, quantity_before, cost_base_before, realised_base_before, quantity_after, "
        "cost_base_after, realised_base_after FROM restatements WHERE security_id = %s "
        "ORDER BY epoch",
        security_id,
    )


def _series_log(book: Book) -> list[tuple[Any, ...]]:
    return book.rows(
        "SELECT from_date, to_date, days, value_on, value_before, value_after, causes "
        "FROM series_restatements ORDER BY recorded_at"
    )


def test_a_back_dated_purchase_is_named_with_what_it_did(book: Book) -> None:
    book.book(trade("B1", 100, 10, day=1), trade("S1", -100, 15, day=3))
    # Ten cheaper ones turn up before: the sale takes them first, and ten of the others are left.
    book.book(trade("LATE", 10, 4, day=0))
    assert _log(book) == [([["transaction", "LATE", 1]], 0, 0, 500, 10, 100, 560)]
    # Cash of the base currency: 500 in the end, of which forty are gone.
    ((causes, *amounts),) = _log(book, "CASH_USD")
    assert causes == [["transaction", "LATE", 1]]
    assert amounts == [500, 500, 0, 460, 460, 0]


def test_what_only_came_after_is_no_part_of_a_restatement(book: Book) -> None:
    book.book(trade("B1", 100, 10, day=1))
    # One batch corrects the first purchase and brings a second.
    book.book(trade("B1", 100, 12, day=1), trade("B2", 7, 20, day=5))
    assert _log(book) == [([["transaction", "B1", 2]], 100, 1000, 0, 100, 1200, 0)]
    assert book.rows("SELECT quantity FROM position_state WHERE security_id = 'ACME'") == [(107,)]


def test_a_key_that_loses_everything_comes_to_nothing(book: Book) -> None:
    book.book(trade("B1", 100, 10, day=1))
    book.take(topics.RAW_INSTRUMENTS, [Instrument("OTHER", "Other", "USD", "Equity")])
    book.book(trade("B1", 100, 10, day=1, security_id="OTHER"))
    assert _log(book) == [([["transaction", "B1", 2]], 100, 1000, 0, 0, 0, 0)]


def test_a_changed_cost_method_names_the_portfolio_and_its_version(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=1), trade("B2", 10, 20, day=2), trade("S1", -10, 30, day=3))
    book.take(topics.RAW_PORTFOLIOS, [portfolio("P1")._replace(cost_method=CostMethod.AVCO)])
    book.settle()
    # First in first out: 300 for 100. At average cost: 300 for 150.
    assert _log(book) == [([["portfolio", "P1", 2]], 10, 200, 200, 10, 150, 150)]
    assert _log(book, "CASH_USD") == []


def test_a_corrected_rate_is_named_and_moves_cost(book: Book) -> None:
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.10"))])
    euros = trade("B1", 10, 10, day=1, security_id="EURO")
    book.book(euros._replace(trade_currency="EUR", currency="EUR"))
    book.take(
        topics.RAW_FX_RATES,
        [Rate("EUR", "USD", FIRST, D("1.20")), Rate("GBP", "CHF", FIRST, D("1.30"))],
    )
    book.settle()
    # 100 euros: 110 dollars before, 120 after. Pounds and francs have nothing to do with it.
    cause = [["rate", "EUR/USD 2024-03-01", 2]]
    assert _log(book, "EURO") == [(cause, 10, 110, 0, 10, 120, 0)]
    assert _log(book, "CASH_EUR") == [(cause, -100, -110, 0, -100, -120, 0)]


def test_a_late_instrument_is_the_cause_of_what_it_wakes(book: Book) -> None:
    book.book(trade("D1", 50, 1, day=0)._replace(type=TransactionType.DEPOSIT, security_id="CASH"))
    book.book(trade("B1", 10, 3, day=0, security_id="NEW"), trade("B2", 1, 1, day=2))
    book.take(topics.RAW_INSTRUMENTS, [Instrument("NEW", "New", "USD", "Equity")])
    book.settle()
    # The purchase comes before the other one's entry in the cash account.
    ((causes, *amounts),) = _log(book, "CASH_USD")
    assert causes == [["instrument", "NEW", 1]]
    assert amounts == [49, 49, 0, 19, 19, 0]


def test_a_request_is_logged_only_where_it_changes_anything(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=1))
    with book.store.unit() as unit:
        unit.request_reprocessing(["B1"], book.now())
    book.settle()
    assert _log(book) == []


def test_a_corrected_price_is_logged_with_the_days_and_the_value_it_moved(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_BUSINESS_DATES, [_day(0), _day(3), _day(4), _day(5)])
    book.take(
        topics.RAW_MARKET_PRICES,
        [Price("ACME", _day(0), D(10), "USD"), Price("ACME", _day(4), D(12), "USD")],
    )
    book.settle()
    assert _series_log(book) == []
    # 12 was wrong; it was carried on to the last day. Ten shares, a hundred paid for them.
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(4), D(11), "USD")])
    book.settle()
    corrected = (_day(4), _day(5), 2, _day(5), 20, 10, [["price", "ACME 2024-03-05", 2]])
    assert _series_log(book) == [corrected]
    # A correction before the last price moves its own days, the opening of the day after them,
    # and leaves the last value alone.
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(9), "USD")])
    book.settle()
    (_, second) = _series_log(book)
    cause = [["price", "ACME 2024-03-01", 2]]
    assert second == (_day(0), _day(4), 3, _day(5), 10, 10, cause)


def test_a_price_of_a_new_day_restates_nothing(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(10), "USD")])
    book.settle()
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(3), D(12), "USD")])
    book.settle()
    assert _series_log(book) == []
    assert len(book.held().days) == 2


def test_a_series_names_the_rates_that_join_its_currencies(book: Book) -> None:
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.25"))])
    euros = trade("B1", 10, 10, day=0, security_id="EURO")
    book.book(
        euros._replace(type=TransactionType.TRANSFER_IN, trade_currency="EUR", currency="EUR")
    )
    book.take(topics.RAW_MARKET_PRICES, [Price("EURO", _day(0), D(10), "EUR")])
    book.settle()
    others = [Rate(*pair, FIRST, D(2)) for pair in (("EUR", "GBP"), ("USD", "CHF"), ("GBP", "CHF"))]
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.5")), *others])
    book.settle()
    # A hundred euros; at that rate they were booked anew as well.
    causes = [["rate", "EUR/USD 2024-03-01", 2], ["book", "generation 2..2", None]]
    assert _series_log(book) == [(FIRST, FIRST, 1, FIRST, 125, 150, causes)]


def test_a_series_without_a_direct_rate_names_those_it_is_crossed_through(book: Book) -> None:
    crossed = [Rate("EUR", "CHF", FIRST, D(1)), Rate("CHF", "USD", FIRST, D("1.25"))]
    book.take(topics.RAW_FX_RATES, crossed)
    euros = trade("B1", 10, 10, day=0, security_id="EURO")
    book.book(
        euros._replace(type=TransactionType.TRANSFER_IN, trade_currency="EUR", currency="EUR")
    )
    book.take(topics.RAW_MARKET_PRICES, [Price("EURO", _day(0), D(10), "EUR")])
    book.settle()
    book.take(topics.RAW_FX_RATES, [Rate("CHF", "USD", FIRST, D("1.5"))])
    book.settle()
    cause = [["rate", "CHF/USD 2024-03-01", 2]]
    again = [*cause, ["book", "generation 2..2", None]]
    assert _series_log(book) == [(FIRST, FIRST, 1, FIRST, 125, 150, again)]
    assert _log(book, "EURO") == [(cause, 10, 125, 0, 10, 150, 0)]


def test_several_days_of_one_batch_are_one_cause(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(n), D(10), "USD") for n in (0, 3, 4)])
    book.settle()
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(n), D(11), "USD") for n in (4, 0)])
    book.settle()
    # The 4th keeps its price.
    cause = [["price", "ACME 2024-03-01..2024-03-05", None]]
    assert _series_log(book) == [(_day(0), _day(4), 3, _day(4), 0, 10, cause)]


def test_a_security_that_turns_out_to_be_cash_is_the_cause_of_its_value(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(10), "USD")])
    book.settle()
    book.take(topics.RAW_INSTRUMENTS, [ACME._replace(product_type="Cash")])
    book.settle()
    # Ten units worth one each, and a hundred were paid for them.
    ((first, _, days, _, before, after, causes),) = _series_log(book)
    assert (first, days, before) == (FIRST, 1, 0)
    assert after == -90
    assert ["instrument", "ACME", 2] in causes


def test_a_trade_beside_a_correction_is_owned_up_to(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(10), "USD")])
    book.settle()
    ((generation,),) = book.rows("SELECT generation FROM portfolios")
    book.book(trade("B2", 5, 10, day=0))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(11), "USD")])
    book.settle()
    # Fifteen shares at 11, 150 paid; before, ten at 10 and a hundred paid.
    ((*_, before, after, causes),) = _series_log(book)
    assert (before, after) == (0, 15)
    moved = f"generation {generation + 1}..{generation + 1}"
    assert causes == [["price", "ACME 2024-03-01", 2], ["book", moved, None]]


def test_a_business_date_that_is_taken_back_takes_its_day_along(book: Book) -> None:
    book.book(trade("B1", 10, 10, day=0))
    saturday = date(2024, 3, 2)
    book.take(topics.RAW_BUSINESS_DATES, [_day(0), saturday, _day(3)])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(10), "USD")])
    book.settle()
    assert [row[1] for row in book.held().days] == [_day(0), saturday, _day(3)]
    with book.store.unit() as unit:
        assert unit.cancel_business_dates([saturday, date(2030, 1, 1)], book.now()) == 1
    book.settle()
    assert [row[1] for row in book.held().days] == [_day(0), _day(3)]
    cause = [["business_date", "2024-03-02", None]]
    assert _series_log(book) == [(saturday, saturday, 1, _day(3), 0, 0, cause)]
    # Given again, it is its own next version.
    book.take(topics.RAW_BUSINESS_DATES, [saturday])
    given = (
        "SELECT version, superseded_at = 'infinity' FROM business_dates WHERE business_date = %s"
    )
    assert book.rows(given + " ORDER BY version", saturday) == [(1, False), (2, True)]


@pytest.mark.parametrize(("security_id", "count"), [("ACME", 1), ("EURO", 0), (None, 1)])
def test_a_split_is_found_by_its_security_where_it_changed_values(
    book: Book, security_id: str | None, count: int
) -> None:
    # Ten at 5 the day after a split that nobody has heard of: its price of before says 10.
    book.take(topics.RAW_BUSINESS_DATES, [_day(0), _day(3), _day(4)])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", _day(0), D(10), "USD")])
    book.book(trade("B1", 10, 5, day=4))
    book.settle()
    two_for_one = CorporateAction("S1", ActionType.SPLIT, "ACME", _day(3), D(2), D(1))
    book.take(topics.RAW_CORPORATE_ACTIONS, [two_for_one])
    book.settle()
    with book.pool.connection() as connection, connection.cursor() as cursor:
        page = read_restatements(cursor, RestatementQuery("P1", security_id))
    assert page.total == count
    series = [one.series for one in page.restatements if one.series is not None]
    # 100 - 50 was shown, and 50 - 50 is right.
    assert [(one.value_before, one.value_after) for one in series] == [(50, 0)] * count
