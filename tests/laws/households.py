"""Households for the laws of the tax views: orders in several accounts, kept as real books."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from hypothesis import strategies as st

from tidebook.book.whole import Facts, build
from tidebook.compliance.taxes import Account, AccountKind, Household, Owner, household_history
from tidebook.model.facts import Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.markets import rate_table
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod, Portfolio

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidebook.book.whole import WholeBook
    from tidebook.compliance.taxes import History

FIRST = date(2024, 1, 2)
ACCOUNTS = {
    "MINE": Account("MINE"),
    "SPOUSE": Account("SPOUSE", owner=Owner.SPOUSE),
    "IRA": Account("IRA", AccountKind.IRA),
}
SECURITIES = ("VOO", "VFIAX", "OTHER")
GROUPS = {"VOO": "S&P 500", "VFIAX": "S&P 500"}


class Order(NamedTuple):
    """An order as it was filled: in whole shares, at one price, without costs."""

    order_id: str
    account_id: str
    security_id: str
    on: date
    quantity: int
    """Negative for a sale."""
    cents: int
    fills: int = 1


class Kept(NamedTuple):
    """Orders as facts, the book of them, and its lots."""

    book: WholeBook
    history: History


@st.composite
def orders(draw: st.DrawFn, most: int = 25) -> list[Order]:
    """Draw orders over some months; nobody sells more than the account holds."""
    count = draw(st.integers(2, most))
    held: dict[tuple[str, str], int] = {}
    found: list[Order] = []
    offset = 0
    for number in range(count):
        offset += draw(st.sampled_from((0, 0, 1, 5, 20, 30, 31)))
        account_id = draw(st.sampled_from(("MINE", "MINE", "SPOUSE", "IRA")))
        security_id = draw(st.sampled_from(("VOO", "VOO", "VFIAX", "OTHER")))
        key = (account_id, security_id)
        quantity = draw(st.integers(1, 12))
        if held.get(key, 0) and draw(st.booleans()):
            quantity = -min(quantity, held[key])
        held[key] = held.get(key, 0) + quantity
        cents = draw(st.sampled_from((700, 900, 999, 1000, 1001, 1100, 1333)))
        on = FIRST + timedelta(days=offset)
        found.append(Order(f"o{number:02}", account_id, security_id, on, quantity, cents))
    return found


def kept(placed: Sequence[Order], method: CostMethod = CostMethod.FIFO) -> Kept:
    """Return the books of orders, which are filled one after another."""
    portfolios = {
        name: Portfolio(name, "USD", date(2000, 1, 1), cost_method=method) for name in ACCOUNTS
    }
    instruments = {name: Instrument(name, name, "USD", "Equity") for name in SECURITIES}
    fills = [fill for place, order in enumerate(placed) for fill in _fills(place, order)]
    book = build(Facts(portfolios, instruments, [fact for fact, _ in fills], rate_table([])))
    assert not book.findings
    of_orders = {fact.transaction_id: order_id for fact, order_id in fills}
    household = Household(portfolios, instruments, orders=of_orders)
    return Kept(book, household_history(book.keys, household))


def _fills(place: int, order: Order) -> Iterable[tuple[Transaction, str]]:
    left = abs(order.quantity)
    for number in range(order.fills):
        count = left if number == order.fills - 1 else left // (order.fills - number)
        if not count:
            continue
        left -= count
        seconds = place * 60 + number
        midnight = datetime(order.on.year, order.on.month, order.on.day, tzinfo=UTC)
        price = Decimal(order.cents) / 100
        yield (
            Transaction(
                f"{order.order_id}.{number}",
                order.account_id,
                order.security_id,
                TransactionType.BUY if order.quantity > 0 else TransactionType.SELL,
                midnight + timedelta(seconds=seconds),
                order.on,
                Decimal(count),
                price,
                price * count,
                "USD",
                "USD",
            ),
            order.order_id,
        )


def gained(book: WholeBook, taxable: Iterable[str]) -> Decimal:
    """Return what the investment books of some accounts realised on securities."""
    names = set(taxable)
    return sum(
        (
            entry.realised_base
            for key, folded in book.keys.items()
            if key[0] in names and key[1] in SECURITIES
            for entry in folded.entries
            if entry.realised_base
        ),
        ZERO,
    )
