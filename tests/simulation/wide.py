"""A world in which everything is tried once: many currencies, kinds and policies."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.fixtures.engine_cases import cancelling
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

METHODS = (CostMethod.FIFO, CostMethod.AVCO, CostMethod.LIFO, CostMethod.HIFO)
"""The cost methods that the oracle knows."""
_FIRST = date(2024, 3, 1)
_DAYS = 14
_SECURITIES = ("AAA", "BBB", "CCC", "MONEY", "CASH_USD", "CASH_EUR", "CASH")
_USUAL = ("AAA", "BBB", "CCC")
_KINDS = (
    *(T.BUY, T.SELL, T.DIVIDEND, T.INTEREST, T.DEPOSIT, T.WITHDRAWAL, T.FEE, T.TAX),
    *(T.TRANSFER_IN, T.TRANSFER_OUT, T.TRANSFER_IN_KIND),
)
_CURRENCIES = ("USD", "EUR", "GBP")


def wide(random: Random) -> list[tuple[Any, ...]]:
    """Draw a world of many currencies, kinds and policies, and little of each."""
    portfolios = [f"P{number}" for number in range(1, random.randint(2, 3) + 1)]
    histories: list[tuple[Any, ...]] = [_portfolios(random, name) for name in portfolios]
    histories.extend(_instruments(random))
    histories.extend(_rates(random))
    histories.extend(_prices(random))
    if random.random() < 0.6:
        days = [day for day in map(_day, range(_DAYS)) if random.random() < 0.5]
        histories.extend(perhaps_cancelled(random, (day,)) for day in days)
    if random.random() < 0.4:
        histories.append(
            perhaps_cancelled(random, (split(random, "A1", "AAA", _some_day(random)),))
        )
    count = random.randint(3, 18)
    histories.extend(_transactions(random, f"T{each:02}", portfolios) for each in range(count))
    return histories


def _day(number: int) -> date:
    return _FIRST + timedelta(days=number)


def _some_day(random: Random) -> date:
    return _day(random.randint(0, _DAYS - 1))


def _number(random: Random, low: int, high: int) -> Decimal:
    return Decimal(random.randint(low * 100, high * 100)) / random.choice((100, 100, 125))


def _versions(random: Random) -> int:
    return random.choice((1, 1, 1, 1, 2, 3))


def _portfolios(random: Random, name: str) -> tuple[Portfolio, ...]:
    return tuple(
        Portfolio(
            name,
            random.choice(("USD", "USD", "USD", "EUR")),
            _FIRST,
            cost_method=random.choice(METHODS),
            settlement=random.choice((Settlement.AUTO, Settlement.AUTO, Settlement.EXPLICIT)),
            time_zone=random.choice(("UTC", "UTC", "America/New_York")),
            allow_short=random.random() < 0.3,
        )
        for _ in range(_versions(random))
    )


def _instruments(random: Random) -> list[tuple[Instrument, ...]]:
    own = {"AAA": "USD", "BBB": "EUR", "CCC": "GBP", "MONEY": "USD"}
    found: list[tuple[Instrument, ...]] = []
    for name, currency in own.items():
        kind = "Cash" if name == "MONEY" else "Equity"
        if random.random() < 0.1:
            continue
        versions = [Instrument(name, name, currency, kind)]
        if random.random() < 0.15:
            other = random.choice(_CURRENCIES)
            versions.insert(0, Instrument(name, name, other, random.choice(("Cash", "Equity"))))
        found.append(tuple(versions))
    return found


def _rates(random: Random) -> list[tuple[Rate, ...]]:
    found: list[tuple[Rate, ...]] = []
    pairs = (("EUR", "USD", 108), ("USD", "EUR", 92), ("GBP", "EUR", 117))
    for source, target, around in pairs:
        for day in sorted({_some_day(random) for _ in range(random.randint(0, 3))}):
            rates = (
                Decimal(around + random.randint(-9, 9)) / 100 for _ in range(_versions(random))
            )
            history = tuple(Rate(source, target, day, rate) for rate in rates)
            found.append(perhaps_cancelled(random, history))
    return found


def _prices(random: Random) -> list[tuple[Price, ...]]:
    found: list[tuple[Price, ...]] = []
    for name, currency in (("AAA", "USD"), ("BBB", "EUR"), ("CCC", "GBP")):
        for day in sorted({_some_day(random) for _ in range(random.randint(0, 4))}):
            history = tuple(_price(random, name, day, currency) for _ in range(_versions(random)))
            found.append(perhaps_cancelled(random, history))
    return found


def _price(random: Random, name: str, day: date, currency: str) -> Price:
    quoted = currency if random.random() < 0.9 else random.choice(_CURRENCIES)
    return Price(name, day, _number(random, 8, 14), quoted)


def _transactions(
    random: Random, identity: str, portfolios: Sequence[str]
) -> tuple[Transaction, ...]:
    first = _transaction(random, identity, portfolios)
    versions = [first]
    for _ in range(_versions(random) - 1):
        last = versions[-1]
        other = _transaction(random, identity, portfolios)
        versions.append(
            random.choice(
                (
                    last._replace(gross=other.gross, quantity=other.quantity),
                    last._replace(traded_at=other.traded_at, trade_date=other.trade_date),
                    last._replace(security_id=other.security_id),
                    last._replace(portfolio_id=other.portfolio_id),
                    other,
                )
            )
        )
    return perhaps_cancelled(random, tuple(version for version, _ in groupby(versions)))


def _transaction(random: Random, identity: str, portfolios: Sequence[str]) -> Transaction:
    kind = random.choice((T.BUY, T.BUY, T.BUY, T.SELL, T.SELL, T.SELL, *_KINDS))
    cash = kind in {T.DEPOSIT, T.WITHDRAWAL, T.FEE, T.TAX} and random.random() < 0.8
    names = _SECURITIES[3:] if cash else _USUAL if random.random() < 0.9 else _SECURITIES
    security = random.choice(names)
    local = {"BBB": "EUR", "CCC": "GBP", "CASH_EUR": "EUR"}.get(security, "USD")
    trade = local if random.random() < 0.85 else random.choice(_CURRENCIES)
    settles = trade if random.random() < 0.8 else random.choice(_CURRENCIES)
    day = _some_day(random)
    hour = random.choice((0, 2, 9, 15, 23))
    at = datetime(day.year, day.month, day.day, hour, random.choice((0, 30)), tzinfo=UTC)
    whole = random.random() < 0.3
    quantity = Decimal(random.randint(1, 12)) / random.choice((1, 1, 2))
    price = _number(random, 9, 12)
    return Transaction(
        identity,
        random.choice(portfolios) if random.random() < 0.97 else "NOBODY",
        security,
        kind,
        None if whole else at,
        day if whole else None,
        quantity,
        price,
        quantity * price if random.random() < 0.8 else _number(random, 20, 120),
        trade,
        settles,
        fee=Decimal(random.randint(0, 3)),
        fx_rate=Decimal("1.05") if random.random() < 0.05 else None,
        to_portfolio_id=random.choice(portfolios) if kind is T.TRANSFER_IN_KIND else "",
    )


# Shared with the crowded worlds.


def perhaps_cancelled(random: Random, history: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a history in which the fact may have been cancelled, for good or until sent again."""
    if random.random() > 0.15:
        return history
    last = history[-1]
    again = (last,) if random.random() < 0.3 else ()
    return (*history, cancelling(last), *again)


def split(random: Random, identity: str, name: str, day: date) -> CorporateAction:
    """Draw a split of a security."""
    ratio = random.sample((1, 2, 3), 2)
    return CorporateAction(
        identity, ActionType.SPLIT, name, day, Decimal(ratio[0]), Decimal(ratio[1])
    )
