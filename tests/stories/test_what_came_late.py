"""Stories of facts that came late or were wrong at first, as an accountant would tell them.

In each the book is closed once, then the late fact arrives, and the book is what it would have
been had everything come in time.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.analytics import DailyValues, FeeBasis, time_weighted, to_days, to_float64
from tidebook.book.positions import open_lots
from tidebook.book.series import (
    Market,
    daily_series,
    held_steps,
    portfolio_flows,
)
from tidebook.engine.stages.admission import Incoming, admit
from tidebook.model.facts import Price
from tidebook.model.markets import price_table, rate_table
from tidebook.model.money import exact
from tidebook.model.periods import Span

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.book.series import (
        PortfolioDay,
    )
    from tidebook.model.facts import Transaction

D = Decimal
ACME = security("ACME")


def on(month: int, day: int) -> date:
    return date(2025, month, day)


def books_of(arrivals: list[Transaction]) -> Book:
    """Return the book after facts have arrived in this order, amendments among them."""
    current = admit([Incoming(fact, "") for fact in arrivals], {}).current
    return keep_book([found.transaction for found in current.values()], portfolio(), [ACME])


def series_of(book: Book, days: list[date], prices: list[Price]) -> tuple[PortfolioDay, ...]:
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    market = Market(price_table(prices), rate_table([]), "USD", {})
    return daily_series(days, steps, portfolio_flows(book.entries), market)


def test_a_sale_that_was_reported_late_moves_the_lots_behind_it() -> None:
    # Two purchases and the sale of June are booked, and the June sale shows a gain of 300:
    # it took the old lot at 10.
    booked = [
        trade("january", "BUY", "ACME", "2025-01-10", quantity="100", price="10"),
        trade("march", "BUY", "ACME", "2025-03-10", quantity="100", price="12"),
        trade("june", "SELL", "ACME", "2025-06-10", quantity="100", price="13"),
    ]
    before = books_of(booked)
    assert before.entry("june").realised_base == 300
    assert [lot.lot_id for lot in before.lots("ACME")] == ["march"]

    # In July the broker reports a sale of April that had been forgotten. It, and not June's, took
    # the first sixty of the old lot: 60 x (11 - 10).
    april = trade("april", "SELL", "ACME", "2025-04-10", quantity="60", price="11")
    after = books_of([*booked, april])
    assert after.entry("april").realised_base == 60
    # June had forty of the old lot and sixty of the new: 1300 - (400 + 720).
    assert after.entry("june").realised_base == 180
    (left,) = after.lots("ACME")
    assert (left.lot_id, left.quantity, left.cost_base) == ("march", 40, 480)
    # What was true at the end of March has not moved.
    march = on(3, 31)
    assert open_lots(after.entries_by_key["ACME"], march) == open_lots(
        before.entries_by_key["ACME"], march
    )


def test_a_sale_that_came_before_its_purchase_waits_and_then_books_itself() -> None:
    sale = trade("sale", "SELL", "ACME", "2025-03-10", quantity="10", price="15")
    alone = books_of([sale])
    assert [finding.code for finding in alone.findings] == ["position.oversold"]
    assert alone.findings[0].waits_for == "key:P1/ACME"
    assert alone.holding("CASH_USD").quantity == 0

    purchase = trade("purchase", "BUY", "ACME", "2025-02-10", quantity="10", price="10")
    both = books_of([sale, purchase])
    assert both.findings == ()
    assert both.entry("sale").realised_base == 50
    assert both.holding("CASH_USD").quantity == 50


def test_a_forgotten_dividend_raises_cash_and_return_from_its_day_on() -> None:
    days = [on(5, 5), on(5, 6), on(5, 7), on(5, 8)]
    prices = [Price("ACME", on(5, 5), D(10), "USD")]
    booked = [
        trade("deposit", "DEPOSIT", "CASH", "2025-05-05", gross="1000"),
        trade("purchase", "BUY", "ACME", "2025-05-05", quantity="100", price="10"),
    ]
    before = series_of(books_of(booked), days, prices)
    assert [row.eod_market_value for row in before] == [1000, 1000, 1000, 1000]

    # 60 cents a share, of which 15 percent was withheld: 51 arrive.
    dividend = trade("dividend", "DIVIDEND", "ACME", "2025-05-07", gross="60", tax="9")
    book = books_of([*booked, dividend])
    after = series_of(book, days, prices)
    assert [row.eod_market_value for row in after] == [1000, 1000, 1051, 1051]
    assert book.holding("CASH_USD").quantity == 51
    # It was earned, not paid in: no flow, and a return of 5.1 percent on its day.
    assert [row.bod_cashflow + row.eod_cashflow for row in after] == [1000, 0, 0, 0]
    assert round(twr(after), 12) == 0.051
    # Its cost and its lots are what they were.
    assert book.holding("ACME").cost_base == 1000


def test_a_wrong_price_that_is_corrected_changes_that_day_and_the_days_that_carried_it() -> None:
    days = [on(5, 5), on(5, 6), on(5, 7), on(5, 8)]
    book = books_of([trade("in", "TRANSFER_IN", "ACME", "2025-05-05", quantity="50", gross="500")])
    # On the 6th 110 was keyed in for 11.0; the 7th had no price and carried it on.
    keyed = [
        Price("ACME", on(5, 5), D(10), "USD"),
        Price("ACME", on(5, 6), D(110), "USD"),
        Price("ACME", on(5, 8), D(12), "USD"),
    ]
    wrong = series_of(book, days, keyed)
    assert [row.eod_market_value for row in wrong] == [500, 5500, 5500, 600]

    corrected = [*keyed, Price("ACME", on(5, 6), D(11), "USD")]
    right = series_of(book, days, corrected)
    assert [row.eod_market_value for row in right] == [500, 550, 550, 600]
    # The return over all days is the same; only the way there was wrong.
    assert round(twr(wrong), 12) == round(twr(right), 12) == 0.2


def test_a_trade_that_was_keyed_wrong_is_sent_again_and_everything_behind_it_moves() -> None:
    wrong = trade("purchase", "BUY", "ACME", "2025-05-05", quantity="100", price="10")
    sale = trade("sale", "SELL", "ACME", "2025-05-08", quantity="50", price="14")
    assert books_of([wrong, sale]).entry("sale").realised_base == 200

    right = trade("purchase", "BUY", "ACME", "2025-05-05", quantity="100", price="12", fee="20")
    for arrivals in ([wrong, sale, right], [wrong, right, sale], [wrong, sale, right, right]):
        book = books_of(arrivals)
        # 700 came in for half of 1220.
        assert book.entry("sale").realised_base == 90
        assert book.holding("ACME").cost_base == 610
        assert book.holding("CASH_USD").quantity == -520


def test_sending_everything_a_second_time_changes_nothing() -> None:
    booked = [
        trade("deposit", "DEPOSIT", "CASH", "2025-05-05", gross="1000"),
        trade("purchase", "BUY", "ACME", "2025-05-05", quantity="10", price="10", fee="1"),
        trade("sale", "SELL", "ACME", "2025-05-06", quantity="4", price="11", tax="0.1"),
    ]
    assert books_of([*booked, *reversed(booked)]) == books_of(booked)


def twr(rows: tuple[PortfolioDay, ...]) -> float:
    """Return the time-weighted return of all days after the first."""
    with exact():
        flows = [row.eod_cashflow + row.fees for row in rows]
    values = DailyValues(
        to_days([row.on for row in rows]),
        to_float64(row.bod_market_value for row in rows),
        to_float64(row.bod_cashflow for row in rows),
        to_float64(flows),
        to_float64(row.eod_market_value for row in rows),
        to_float64(row.fees for row in rows),
    )
    linked = time_weighted(values, Span(rows[1].on, rows[-1].on), FeeBasis.NET)
    assert isinstance(linked.total, float)
    return linked.total
