"""Round trips, long and short, closed and open."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.trades import Side, closed_trades, open_trade, stake_flows
from tidebook.book.valuation import Held, value_position
from tidebook.model.facts import before_costs
from tidebook.model.markets import PriceQuote, rate_table
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.book.trades import Trade
    from tidebook.book.valuation import Valuation
    from tidebook.model.facts import Transaction

D = Decimal
ON = date(2025, 2, 1)


def buy(identity: str, day: int, quantity: str, gross: str, **more: str) -> Transaction:
    return trade(
        identity, "BUY", "ACME", f"2025-01-{day:02}", quantity=quantity, gross=gross, **more
    )


def sell(identity: str, day: int, quantity: str, gross: str, **more: str) -> Transaction:
    return trade(
        identity, "SELL", "ACME", f"2025-01-{day:02}", quantity=quantity, gross=gross, **more
    )


def keep(*facts: Transaction, method: CostMethod = CostMethod.FIFO) -> Book:
    kept = portfolio(allow_short=True, cost_method=method)
    return keep_book(facts, kept, [security("ACME")])


def closed(book: Book) -> tuple[Trade, ...]:
    return closed_trades(book.entries_by_key["ACME"])


def valued(book: Book, price: str | None) -> Valuation:
    holding = book.holding("ACME")
    held = Held(holding.quantity, holding.cost_local, holding.cost_base, "USD")
    quote = PriceQuote(ON, D(price), "USD") if price else None
    return value_position(held, quote, rate_table([]), "USD", ON)


def test_a_sale_closes_one_trade_made_of_the_lots_it_took() -> None:
    book = keep(buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), sell("s", 9, "15", "330"))
    (trip,) = closed(book)
    assert (trip.side, trip.quantity) == (Side.LONG, 15)
    assert (trip.entered_on, trip.exited_on) == (date(2025, 1, 1), date(2025, 1, 9))
    assert trip.closed_by == "s"
    assert [lot.lot_id for lot in trip.lots] == ["a", "b"]
    assert (trip.entry_base, trip.exit_base, trip.profit_base) == (200, 330, 130)
    assert trip.return_base == D("0.65")


def test_costs_are_in_the_entry_and_out_of_the_exit() -> None:
    facts = buy("a", 1, "5", "500", fee="10", tax="10"), sell("s", 2, "5", "600", fee="4", tax="1")
    (trip,) = closed(keep(*facts))
    assert (trip.entry_base, trip.exit_base, trip.profit_base) == (520, 595, 75)
    (gross,) = closed(keep(*map(before_costs, facts)))
    assert (gross.entry_base, gross.exit_base, gross.profit_base) == (500, 600, 100)


def test_a_short_trade_is_entered_by_its_sale_and_left_by_its_cover() -> None:
    # Sold 2 for 200, 3 for 360 and 2 for 100; four are bought back for 80.
    book = keep(
        sell("a", 1, "2", "200"),
        sell("b", 2, "3", "360"),
        sell("c", 3, "2", "100"),
        buy("d", 9, "4", "80"),
    )
    (trip,) = closed(book)
    assert (trip.side, trip.quantity) == (Side.SHORT, 4)
    assert (trip.entry_base, trip.exit_base, trip.profit_base) == (440, 80, 360)
    assert trip.return_base == D("0.818181818181818182")
    rest = open_trade("ACME", book.lots("ACME"), valued(book, "20"))
    assert rest is not None
    assert (rest.side, rest.quantity, rest.entered_on) == (Side.SHORT, 3, date(2025, 1, 2))
    # One of the second sale at 120 and both of the third; 60 would buy them back.
    assert (rest.entry_base, rest.exit_base, rest.profit_base) == (220, 60, 160)
    assert rest.exited_on is None


def test_a_sale_across_zero_closes_one_trade_and_enters_the_next() -> None:
    book = keep(buy("a", 1, "10", "100"), sell("s", 2, "15", "300"), buy("c", 3, "5", "90"))
    long, short = closed(book)
    assert (long.side, long.quantity, long.exit_base, long.profit_base) == (Side.LONG, 10, 200, 100)
    assert (long.exit_local, long.profit_local) == (200, 100)
    assert (short.side, short.quantity, short.entry_base) == (Side.SHORT, 5, 100)
    assert short.profit_base == 10


def test_under_average_cost_a_trade_costs_its_share_of_the_pool() -> None:
    facts = buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), sell("s", 9, "15", "330")
    (trip,) = closed(keep(*facts, method=CostMethod.AVCO))
    assert (trip.entry_base, trip.profit_base) == (225, 105)


def test_what_has_no_price_is_open_without_an_exit_and_says_why() -> None:
    book = keep(buy("a", 1, "10", "100"))
    rest = open_trade("ACME", book.lots("ACME"), valued(book, None))
    assert rest is not None
    assert (rest.exit_base, rest.profit_base, rest.return_base) == (None, None, None)
    assert rest.reason == "no price is known on or before 2025-02-01"
    assert open_trade("ACME", (), valued(book, None)) is None


def test_a_transfer_out_leaves_at_its_stated_value_or_at_none() -> None:
    for gross, left, reason in (("150", D(150), None), ("0", None, "o states no value")):
        out = trade("o", "TRANSFER_OUT", "ACME", "2025-01-05", quantity="10", gross=gross)
        (trip,) = closed(keep(buy("a", 1, "10", "100"), out))
        assert (trip.exit_base, trip.reason) == (left, reason)


def test_a_sale_for_nothing_loses_everything() -> None:
    (trip,) = closed(keep(buy("a", 1, "10", "100"), sell("s", 2, "10", "0")))
    assert (trip.exit_base, trip.profit_base, trip.return_base) == (0, -100, -1)


def test_what_was_free_has_a_profit_and_no_return() -> None:
    (trip,) = closed(keep(buy("a", 1, "10", "0"), sell("s", 2, "10", "50")))
    assert (trip.profit_base, trip.return_base) == (50, None)


def test_the_flows_of_a_stake_go_in_lot_by_lot_and_come_back_at_once() -> None:
    long = keep(buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), sell("s", 9, "15", "330"))
    assert stake_flows(closed(long)[0]) == (
        (date(2025, 1, 1), D(-100)),
        (date(2025, 1, 2), D(-100)),
        (date(2025, 1, 9), D(330)),
    )
    short = keep(sell("s", 1, "3", "60"), buy("b", 9, "3", "15"))
    assert stake_flows(closed(short)[0]) == (
        (date(2025, 1, 1), D(-60)),
        (date(2025, 1, 9), D(105)),
    )
    still_open = open_trade("ACME", long.lots("ACME"), valued(long, "20"))
    assert still_open is not None
    assert stake_flows(still_open) == ()


def test_base_and_local_currency_tell_their_own_profits() -> None:
    facts = [
        trade(
            "a",
            "BUY",
            "SAP",
            "2025-01-01",
            quantity="1",
            gross="100",
            currency="EUR",
            fx_rate="1.10",
        ),
        trade(
            "s",
            "SELL",
            "SAP",
            "2025-01-02",
            quantity="1",
            gross="110",
            currency="EUR",
            fx_rate="0.90",
        ),
    ]
    book = keep_book(facts, portfolio(), [security("SAP", "EUR")])
    (trip,) = closed_trades(book.entries_by_key["SAP"])
    assert (trip.profit_local, trip.profit_base) == (10, -11)
