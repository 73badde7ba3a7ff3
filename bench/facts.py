"""The facts that are measured with: the same from the same seed, and never an oversold key."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.facts import Price, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 20241121
FIRST_DAY = date(2014, 1, 1)
NOTHING = Decimal(0)
TEN_YEARS = 2617
"""The weekdays of ten years: 2014-01-01 to 2024-01-10."""
_SATURDAY = 5
_OPENING = time(10, tzinfo=UTC)
_LONGEST_DAY = timedelta(hours=8)


class Trades(NamedTuple):
    """Transactions in the order of their instants, and what every key holds after them."""

    transactions: tuple[Transaction, ...]
    held: dict[tuple[str, str], Decimal]


class Plan(NamedTuple):
    """How many portfolios trade how often, in how many securities, over which days."""

    portfolios: int
    trades_each: int
    securities: int
    days: tuple[date, ...]


def weekdays(count: int, first: date = FIRST_DAY) -> tuple[date, ...]:
    """Return the first ``count`` days from Monday to Friday, from ``first`` on."""
    days: list[date] = []
    day = first
    while len(days) < count:
        if day.weekday() < _SATURDAY:
            days.append(day)
        day += timedelta(days=1)
    return tuple(days)


def portfolios(count: int) -> list[Portfolio]:
    """Return portfolios in US dollars, known as P0000 and so on."""
    return [Portfolio(portfolio_id(i), "USD", FIRST_DAY) for i in range(count)]


def instruments(count: int) -> list[Instrument]:
    """Return equities in US dollars, known as S00 and so on."""
    return [
        Instrument(security_id(i), f"Equity {i}", "USD", "Equity", asset_class="Equity")
        for i in range(count)
    ]


def portfolio_id(number: int) -> str:
    """Return the id of a portfolio."""
    return f"P{number:04d}"


def security_id(number: int) -> str:
    """Return the id of a security."""
    return f"S{number:02d}"


def prices(securities: int, days: Sequence[date]) -> list[Price]:
    """Return a price for every security and day: a walk of up to one percent a day."""
    chance = random.Random(SEED)  # noqa: S311 - prices to measure with, not a secret
    found: list[Price] = []
    for i in range(securities):
        cents = chance.randint(2_000, 20_000)
        for day in days:
            cents += chance.randint(-cents // 100, cents // 100)
            found.append(Price(security_id(i), day, Decimal(cents) / 100, "USD"))
    return found


def trades(plan: Plan) -> Trades:
    """Return buys and sells, evenly spread over the days, at random quantities and prices.

    Every portfolio trades at the same instants. A key sells in half of the cases in which it
    holds enough; a fee of 1.50 is charged on every trade.
    """
    chance = random.Random(SEED)  # noqa: S311 - trades to measure with, not a secret
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    found: list[Transaction] = []
    for n, at in enumerate(_instants(plan.days, plan.trades_each)):
        for i in range(plan.portfolios):
            key = (portfolio_id(i), security_id(chance.randrange(plan.securities)))
            quantity = Decimal(chance.randint(1, 100))
            sells = held[key] > quantity and chance.random() < 0.5  # noqa: PLR2004 - half
            kind = TransactionType.SELL if sells else TransactionType.BUY
            held[key] += -quantity if sells else quantity
            price = Decimal(chance.randint(1_000, 20_000)) / 100
            found.append(trade(f"T{i:04d}-{n:06d}", key, kind, at, (quantity, price)))
    return Trades(tuple(found), dict(held))


def trade(
    identity: str,
    key: tuple[str, str],
    kind: TransactionType,
    at: datetime,
    terms: tuple[Decimal, Decimal],
) -> Transaction:
    """Return one trade in US dollars; ``terms`` are its quantity and its price."""
    quantity, price = terms
    gross = quantity * price
    fee = Decimal("1.50")
    return Transaction(identity, *key, kind, at, None, quantity, price, gross, "USD", "USD", fee)


def deposit(identity: str, portfolio: str, at: datetime, amount: Decimal) -> Transaction:
    """Return a deposit in US dollars."""
    kind, one = TransactionType.DEPOSIT, Decimal(1)
    return Transaction(
        identity, portfolio, "CASH_USD", kind, at, None, amount, one, amount, "USD", "USD"
    )


def opening(day: date) -> datetime:
    """Return the instant of a day's first trade."""
    return datetime.combine(day, _OPENING)


def _instants(days: Sequence[date], count: int) -> list[datetime]:
    """Return ``count`` rising instants, evenly spread over the days."""
    per_day = -(-count // len(days))
    step = _LONGEST_DAY / per_day
    by_day: dict[int, int] = defaultdict(int)
    found: list[datetime] = []
    for n in range(count):
        index = n * len(days) // count
        found.append(opening(days[index]) + by_day[index] * step)
        by_day[index] += 1
    return found


def by_portfolio(transactions: Sequence[Transaction]) -> list[Transaction]:
    """Return transactions one portfolio after the other, as a bulk load sends them."""
    return sorted(transactions, key=lambda fact: (fact.portfolio_id, fact.transaction_id))
