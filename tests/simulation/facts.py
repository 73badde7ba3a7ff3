"""The facts of a run: a world in which everything is tried once, or a crowded one.

A wide world has many currencies, kinds and policies and little of each. A crowded one has one or
two portfolios, few securities and few days, so that facts meet: on one key, one day, one instant.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.wide import METHODS, perhaps_cancelled, split, wide
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio, Settlement

if TYPE_CHECKING:
    from random import Random

_FIRST = date(2024, 3, 4)
_DAYS = 5
_KINDS = (
    *(T.BUY, T.BUY, T.BUY, T.SELL, T.SELL, T.DEPOSIT, T.FEE, T.DIVIDEND, T.TRANSFER_OUT),
    T.TRANSFER_IN_KIND,
)
_ACTIONS = 0.5
_CURRENCY = {"AAA": "USD", "BBB": "EUR"}


def histories(random: Random) -> list[tuple[Any, ...]]:
    """Return the versions of every fact, each in the order in which they must arrive."""
    if random.random() < 0.4:
        return wide(random)
    return _crowded(random)


def unsettled(random: Random, given: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return the same facts where policies change again and again, and much of it is cash.

    What a cash account is, and which one a transaction moves, is a matter of policy; so here most
    facts belong elsewhere every time.
    """
    found: list[tuple[Any, ...]] = []
    for history in given:
        kind = type(history[0])
        if kind is Portfolio:
            count = random.choice((2, 3, 4))
            name: str = history[0].portfolio_id
            found.append(tuple(_policy(random, name) for _ in range(count)))
        elif kind is Transaction and random.random() < 0.4:
            found.append(tuple(_on_cash(random, version) for version in history))
        elif kind is not Instrument or history[0].security_id != "MONEY":
            found.append(history)
    kinds = (random.choice(("Cash", "Equity")), "Cash")
    found.append(
        tuple(
            Instrument("MONEY", "Money", currency, kind)
            for currency, kind in zip(("USD", random.choice(("USD", "EUR"))), kinds, strict=True)
        )
    )
    return found


def _policy(random: Random, name: str) -> Portfolio:
    return _portfolio(random, name)._replace(
        base_currency=random.choice(("USD", "USD", "EUR")),
        time_zone=random.choice(("UTC", "America/New_York")),
    )


def _on_cash(random: Random, fact: Any) -> Any:  # noqa: ANN401 - it may be a cancellation
    if random.random() < 0.5 or not isinstance(fact, Transaction):
        return fact
    return fact._replace(security_id=random.choice(("MONEY", "CASH", "CASH_USD")))


def _crowded(random: Random) -> list[tuple[Any, ...]]:
    portfolios = ["P1", "P2"][: random.choice((1, 2, 2))]
    securities = ["AAA", "BBB"][: random.choice((1, 1, 2))]
    found: list[tuple[Any, ...]] = [
        tuple(_portfolio(random, name) for _ in range(random.choice((1, 1, 1, 2))))
        for name in portfolios
    ]
    found += [_instruments(random, name) for name in securities]
    if "BBB" in securities:
        for day in (_FIRST - timedelta(days=9), _day(random)):
            found.append(_rates(random, day))
    for name in securities:
        for number in range(_DAYS):
            if random.random() < 0.6:
                found.append(_prices(random, name, _FIRST + timedelta(days=number)))
    if random.random() < 0.4:
        found += [(_FIRST + timedelta(days=number),) for number in range(_DAYS + 2)]
    found += _actions(random, securities)
    count = random.choice((3, 4, 6, 12, 18))
    found += [
        _transactions(random, f"T{number:02}", portfolios, securities) for number in range(count)
    ]
    return found


def _actions(random: Random, securities: list[str]) -> list[tuple[Any, ...]]:
    """Draw a split, and where there are two securities perhaps a spin-off of one."""
    found: list[tuple[Any, ...]] = []
    if random.random() < _ACTIONS:
        versions = tuple(
            split(random, "A1", "AAA", _day(random)) for _ in range(random.choice((1, 1, 2)))
        )
        found.append(perhaps_cancelled(random, tuple(dict.fromkeys(versions))))
    if len(securities) > 1 and random.random() < _ACTIONS:
        fraction = random.choice((None, Decimal("0.25")))
        kind, day = ActionType.SPIN_OFF, _day(random)
        ratio = Decimal(1), Decimal(random.choice((1, 3)))
        action = CorporateAction("A2", kind, "AAA", day, *ratio, "BBB", fraction)
        found.append(perhaps_cancelled(random, (action,)))
    return found


def _portfolio(random: Random, name: str) -> Portfolio:
    return Portfolio(
        name,
        "USD",
        _FIRST,
        cost_method=random.choice(METHODS),
        settlement=random.choice((Settlement.AUTO, Settlement.AUTO, Settlement.EXPLICIT)),
        allow_short=random.random() < 0.2,
    )


def _instruments(random: Random, name: str) -> tuple[Instrument, ...]:
    last = Instrument(name, name, _CURRENCY[name], "Equity")
    if random.random() < 0.8:
        return (last,)
    return (last._replace(currency=random.choice(("USD", "EUR"))), last)


def _prices(random: Random, name: str, day: date) -> tuple[Price, ...]:
    count = random.choice((1, 1, 2))
    values = random.sample(range(800, 1400), count)
    return tuple(Price(name, day, Decimal(value) / 100, _CURRENCY[name]) for value in values)


def _rates(random: Random, day: date) -> tuple[Rate, ...]:
    values = random.sample(range(100, 120), random.choice((1, 2)))
    return tuple(Rate("EUR", "USD", day, Decimal(value) / 100) for value in values)


def _day(random: Random) -> date:
    return _FIRST + timedelta(days=random.randrange(_DAYS))


def _transactions(
    random: Random, identity: str, portfolios: list[str], securities: list[str]
) -> tuple[Transaction, ...]:
    versions = [_transaction(random, identity, portfolios, securities)]
    while random.random() < 0.35:
        other = _transaction(random, identity, portfolios, securities)
        last = versions[-1]
        later = random.choice(
            (
                last._replace(quantity=other.quantity, gross=other.gross),
                last._replace(traded_at=other.traded_at),
                _of_kind(last, random.choice(_KINDS), random.choice(portfolios)),
                other._replace(portfolio_id=last.portfolio_id),
                other,
            )
        )
        if later != last:
            versions.append(later)
    return perhaps_cancelled(random, tuple(versions))


def _transaction(
    random: Random, identity: str, portfolios: list[str], securities: list[str]
) -> Transaction:
    kind, name = random.choice(_KINDS), random.choice(securities)
    quantity = Decimal(random.choice((1, 1, 2, 2, 3, 5)))
    price = Decimal(random.randint(900, 1200)) / 100
    currency = _CURRENCY[name]
    day = _day(random)
    fact = Transaction(
        identity,
        random.choice(portfolios),
        f"CASH_{currency}" if kind in {T.DEPOSIT, T.FEE} else name,
        kind,
        datetime(day.year, day.month, day.day, random.choice((9, 9, 10, 15)), tzinfo=UTC),
        None,
        quantity,
        price,
        quantity * price,
        currency,
        currency,
        fee=Decimal(random.randint(0, 2)),
    )
    return _of_kind(fact, kind, random.choice(portfolios))


def _of_kind(fact: Transaction, kind: T, other: str) -> Transaction:
    """Return a transaction as one of another kind; what is carried goes to another portfolio."""
    if other == fact.portfolio_id:
        other = "P2" if other == "P1" else "P1"
    return fact._replace(type=kind, to_portfolio_id=other if kind is T.TRANSFER_IN_KIND else "")
