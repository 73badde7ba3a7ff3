"""What a holding is worth when its last price is older than a split, booked by hand beside it.

The book: 10,000 dollars paid in on 6 January 2025 and 100 ACME bought at 80 for 8,000, so that
2,000 are left in cash. ACME is quoted at 100 on that day and not again before the 15th.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.positions import positions
from tidebook.book.series import Market, daily_series, held_steps, portfolio_flows
from tidebook.book.valuation import Held, ValuationStatus, value_position
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import Price
from tidebook.model.markets import over_splits, price_table, rate_table

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.book.valuation import Valuation
    from tidebook.model.facts import Transaction

D = Decimal
RATES = rate_table([])
BOOKED = (
    trade("deposit", "DEPOSIT", "CASH", "2025-01-06", gross="10000"),
    trade("purchase", "BUY", "ACME", "2025-01-06", quantity="100", price="80"),
)


def on(day: int) -> date:
    return date(2025, 1, day)


DAYS = [on(6), on(9), on(10), on(13), on(14), on(15)]
QUOTED = [Price("ACME", on(6), D(100), "USD"), Price("ACME", on(15), D(52), "USD")]
SPLIT = CorporateAction("split", ActionType.SPLIT, "ACME", on(10), D(2), D(1))


def kept(*actions: CorporateAction, more: tuple[Transaction, ...] = ()) -> Book:
    return keep_book((*BOOKED, *more), portfolio(), [security("ACME")], actions=actions)


def market(*actions: CorporateAction, quoted: list[Price] = QUOTED) -> Market:
    splits = ActionTable(actions).splits("ACME")
    prices = {"ACME": over_splits(price_table(quoted)["ACME"], splits)}
    return Market(prices, RATES, "USD", {})


def closes(book: Book, seen: Market) -> list[Decimal]:
    steps = held_steps(book.entries, book.currencies(), book.cash_keys())
    rows = daily_series(DAYS, steps, portfolio_flows(book.entries), seen)
    return [row.eod_market_value for row in rows]


def valued(book: Book, seen: Market, day: int) -> Valuation:
    held = positions(book.entries, on(day))["ACME"]
    position = Held(held.quantity, held.cost_local, held.cost_base, "USD")
    return value_position(position, seen.prices["ACME"].as_of(on(day)), RATES, "USD", on(day))


def test_a_split_makes_nobody_richer_while_no_price_of_the_new_shares_is_known() -> None:
    # 100 at 100 and 2,000; from the 10th 200 at 50 and 2,000; on the 15th 200 at 52 and 2,000.
    assert closes(kept(SPLIT), market(SPLIT)) == [12000, 12000, 12000, 12000, 12000, 12400]


def test_a_position_says_that_its_price_is_old_and_of_which_day_it_is() -> None:
    book, seen = kept(SPLIT), market(SPLIT)
    stale = valued(book, seen, 13)
    assert stale.status is ValuationStatus.VALUED_STALE
    assert stale.quote is not None
    assert (stale.quote.on, stale.quote.price) == (on(6), 50)
    assert stale.quote.carried is not None
    assert stale.quote.carried.quoted == (on(6), 100)
    assert stale.value is not None
    # 200 at 50, and 8,000 were paid.
    assert (stale.value.base, stale.value.unrealised_base) == (10000, 2000)
    current = valued(book, seen, 15)
    assert current.status is ValuationStatus.VALUED_CURRENT
    assert current.value is not None
    assert current.value.base == 10400


def test_the_ex_date_itself_is_stale_unless_it_has_a_price_of_its_own() -> None:
    assert valued(kept(SPLIT), market(SPLIT), 10).status is ValuationStatus.VALUED_STALE
    quoted = [*QUOTED, Price("ACME", on(10), D(49), "USD")]
    own = valued(kept(SPLIT), market(SPLIT, quoted=quoted), 10)
    assert (own.status, own.quote) == (ValuationStatus.VALUED_CURRENT, (on(10), 49, "USD", None))


def test_who_buys_after_the_split_is_not_valued_at_the_price_of_the_old_shares() -> None:
    # 20 more at 50 on the 13th, out of cash: 220 at 50 and 1,000.
    later = trade("later", "BUY", "ACME", "2025-01-13", quantity="20", price="50")
    worth = closes(kept(SPLIT, more=(later,)), market(SPLIT))
    assert worth == [12000, 12000, 12000, 12000, 12000, 220 * 52 + 1000]


def test_a_stock_dividend_behind_a_split_is_carried_over_as_well() -> None:
    # One more for four: 250 shares, each worth 100 / 2 x 4 / 5 = 40.
    bonus = CorporateAction("bonus", ActionType.STOCK_DIVIDEND, "ACME", on(13), D(1), D(4))
    seen = market(SPLIT, bonus)
    assert [valued(kept(SPLIT, bonus), seen, day).quote for day in (9, 10, 13)] == [
        (on(6), 100, "USD", None),
        (on(6), 50, "USD", seen.prices["ACME"].carried[0]),
        (on(6), 40, "USD", seen.prices["ACME"].carried[1]),
    ]
    assert closes(kept(SPLIT, bonus), seen)[:5] == [12000] * 5


def test_a_reverse_split_makes_nobody_poorer() -> None:
    # One for ten: 10 shares at 1,000, and at 52 each on the 15th, as the quote has it.
    reverse = CorporateAction("reverse", ActionType.SPLIT, "ACME", on(10), D(1), D(10))
    assert closes(kept(reverse), market(reverse)) == [12000] * 5 + [2520]


def test_what_one_portfolio_is_given_alone_changes_no_price() -> None:
    # The others' shares are what they were: 200 at 100 and 2,000.
    own = SPLIT._replace(portfolio_id="P1")
    assert closes(kept(own), market(own))[1:3] == [12000, 22000]


def test_a_spin_off_leaves_the_price_for_the_market_to_say() -> None:
    spin = CorporateAction("spin", ActionType.SPIN_OFF, "ACME", on(10), to_security_id="NEW")
    assert market(spin).prices["ACME"].carried == ()
