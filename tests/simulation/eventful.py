"""A world with more in it: pools and taxes, chosen lots, contracts, conversions and mergers.

What is drawn here is added to a world, and so meets all that happens there: what a merger ends was
bought, split and transferred before, and sold from two portfolios of one taxpayer.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tests.fixtures.engine_cases import cancelling
from tests.simulation.wide import METHODS, perhaps_cancelled
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import LotChoice, Price, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, Portfolio, TaxRates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

_METHODS = (*METHODS, *[CostMethod.MIN_TAX] * 2, *[CostMethod.AVCO_POOLED] * 3)
_NAMES_LOTS = {T.SELL, T.TRANSFER_IN_KIND, T.TRANSFER_OUT, T.CONVERSION}
_ON_OPTION = (
    *(T.BUY_TO_OPEN, T.BUY_TO_OPEN, T.SELL_TO_OPEN, T.SELL_TO_OPEN),
    *(T.SELL_TO_CLOSE, T.BUY_TO_CLOSE, T.EXPIRY, T.EXERCISE, T.EXERCISE, T.ASSIGNMENT),
)
_ON_FUTURE = (T.BUY, T.BUY, T.SELL, T.SELL, T.MARK_TO_MARKET, T.MARK_TO_MARKET, T.EXPIRY)
_ENDS = (ActionType.MERGER, ActionType.MERGER, ActionType.IDENTIFIER_CHANGE)


def eventful(random: Random, given: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Return a world with other policies, and with some events that it did not have."""
    found: list[tuple[Any, ...]] = []
    world = _World(given)
    policies = _policies(random)
    for history in given:
        match history[0]:
            case Portfolio():
                found.append(tuple(_policy(random, each, policies) for each in history))
            case Transaction() if random.random() < 0.4:
                found.append(_once_each([_choosing(random, each, world) for each in history]))
            case _:
                found.append(history)
    if random.random() < 0.6:
        found += _contracts(random, world)
    if random.random() < 0.6:
        found += _conversions(random, world)
    if random.random() < 0.6:
        found += _ends(random, world)
    return found


class _World:
    """What is there to be added to."""

    def __init__(self, given: Sequence[tuple[Any, ...]]) -> None:
        first = [history[0] for history in given]
        self.portfolios = [each.portfolio_id for each in first if isinstance(each, Portfolio)]
        self.securities = [
            history[-1].security_id
            for history in given
            if isinstance(history[-1], Instrument) and not history[-1].is_cash
        ]
        self.transactions = [
            each for history in given for each in history if isinstance(each, Transaction)
        ]
        self.days = sorted({_day(each) for each in self.transactions})


def _day(fact: Transaction) -> date:
    if fact.trade_date is not None:
        return fact.trade_date
    assert fact.traded_at is not None
    return fact.traded_at.date()


def _once_each(versions: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(version for version, _ in groupby(versions))


def _policies(random: Random) -> Sequence[CostMethod]:
    """Draw the methods of a world: mostly several, so that they are changed between."""
    alone = random.choice((None, None, CostMethod.MIN_TAX, CostMethod.AVCO_POOLED))
    return (alone,) if alone else [each for each in _METHODS if random.random() < 0.6] or _METHODS


def _policy(random: Random, portfolio: Portfolio, methods: Sequence[CostMethod]) -> Portfolio:
    rates = (Decimal("0.4"), Decimal(random.choice(("0", "0.1", "0.2", "0.4"))))
    base = portfolio.base_currency
    return portfolio._replace(
        base_currency="USD" if random.random() < 0.7 else base,
        cost_method=random.choice(methods),
        taxpayer_id=random.choice(("TAXPAYER", "TAXPAYER", "TAXPAYER", "")),
        tax_rates=TaxRates(*rates, random.choice((0, 0, 1))),
    )


def _choosing(random: Random, fact: Any, world: _World) -> Any:  # noqa: ANN401 - or a cancellation
    """Return a disposal as one that names lots, mostly lots that are there."""
    if not isinstance(fact, Transaction) or fact.type not in _NAMES_LOTS:
        return fact
    bought = [
        each.transaction_id
        for each in world.transactions
        if each.type is T.BUY and each.security_id == fact.security_id
    ]
    if not bought:
        return fact
    names = random.sample(sorted(set(bought)), min(len(set(bought)), random.choice((1, 1, 2))))
    lots = tuple(LotChoice(name, Decimal(random.choice((1, 1, 2))) / 2) for name in names)
    quantity = sum((lot.quantity for lot in lots), Decimal(0))
    if random.random() < 0.1:
        quantity += 1
    return fact._replace(quantity=quantity, gross=quantity * fact.price, lots=lots)


def _versions(random: Random) -> int:
    return random.choice((1, 1, 1, 2))


def _traded(random: Random, world: _World, identity: str, security: str, kind: T) -> Transaction:
    """Draw a transaction at the place of one that is there, or of one of its kind."""
    day = random.choice(world.days)
    at = datetime(day.year, day.month, day.day, random.choice((9, 9, 10, 15)), tzinfo=UTC)
    quantity = Decimal(random.choice((1, 1, 2, 3)))
    price = Decimal(random.randint(900, 1200)) / 100
    currency = random.choice(("USD", "USD", "USD", "EUR"))
    return Transaction(
        identity,
        random.choice(world.portfolios),
        security,
        kind,
        at,
        None,
        quantity,
        price,
        quantity * price,
        currency,
        random.choice((currency, currency, "USD")),
        fee=Decimal(random.randint(0, 1)),
    )


# Contracts.


def _contracts(random: Random, world: _World) -> list[tuple[Any, ...]]:
    """Draw an option on a share, a future, their prices, and what is done with them."""
    on = random.choice(world.securities or ["AAA"])
    option, future = _option(random, on), _future(random)
    found: list[tuple[Any, ...]] = []
    for instrument in (option, future):
        others = (instrument._replace(multiplier=Decimal(2)), instrument._replace(currency="EUR"))
        before = (random.choice(others),) if random.random() < 0.3 else ()
        found.append(_once_each((*before, instrument)))
        for day in sorted(set(random.choices(world.days, k=random.choice((0, 1, 2))))):
            price = Decimal(random.randint(100, 1400)) / 100
            found.append((Price(instrument.security_id, day, price, instrument.currency),))
    for number in range(random.choice((2, 4, 8))):
        identity = f"C{number:02}"
        versions = [_contract(random, world, identity) for _ in range(_versions(random))]
        found.append(perhaps_cancelled(random, _once_each(versions)))
    return found


def _option(random: Random, on: str) -> Instrument:
    return Instrument(
        "OPT",
        "Option",
        "USD",
        "Option",
        multiplier=Decimal(random.choice((1, 1, 3))),
        underlying_id=on,
        option_right=random.choice(tuple(OptionRight)),
        strike=random.choice((None, Decimal(10))),
    )


def _future(random: Random) -> Instrument:
    multiplier = Decimal(random.choice((1, 5)))
    currency = random.choice(("USD", "USD", "EUR"))
    return Instrument("FUT", "Future", currency, "Future", multiplier=multiplier)


def _contract(random: Random, world: _World, identity: str) -> Transaction:
    security = random.choice(("OPT", "FUT"))
    kind = random.choice(_ON_OPTION if security == "OPT" else _ON_FUTURE)
    fact = _traded(random, world, identity, security, kind)
    nothing = Decimal(0)
    if kind is T.MARK_TO_MARKET:
        return fact._replace(quantity=nothing, gross=nothing)
    if kind is T.EXPIRY:
        price = random.choice((nothing, fact.price)) if security == "FUT" else nothing
        quantity = random.choice((nothing, fact.quantity))
        return fact._replace(quantity=quantity, price=price, gross=nothing, fee=nothing)
    if kind in {T.EXERCISE, T.ASSIGNMENT} and random.random() < 0.5:
        return fact._replace(price=nothing, gross=nothing)
    return fact


# Conversions, and what ends a holding.


def _conversions(random: Random, world: _World) -> list[tuple[Any, ...]]:
    """Draw units of one security that become units of another."""
    found: list[tuple[Any, ...]] = []
    targets = [*world.securities, "MONEY"]
    for number in range(random.choice((1, 2))):
        versions: list[Transaction] = []
        for _ in range(_versions(random)):
            security = random.choice(world.securities or ["AAA"])
            fact = _traded(random, world, f"V{number:02}", security, T.CONVERSION)
            versions.append(
                fact._replace(
                    to_security_id=random.choice(targets),
                    to_quantity=Decimal(random.choice((0, 1, 2, 7))),
                )
            )
        chosen = [_choosing(random, each, world) for each in versions]
        found.append(perhaps_cancelled(random, _once_each(chosen)))
    return found


def _ends(random: Random, world: _World) -> list[tuple[Any, ...]]:
    """Draw a merger for units, for cash or for both, or another name for a security."""
    versions = _once_each([_end(random, world) for _ in range(_versions(random))])
    if random.random() < 0.25:
        # One that waits for a rate is cancelled while it waits, or acts on something else.
        return [(*versions, cancelling(versions[-1]))]
    return [perhaps_cancelled(random, versions)]


def _end(random: Random, world: _World) -> CorporateAction:
    names = world.securities or ["AAA"]
    security = random.choice(names)
    others = [name for name in names if name != security]
    kind = random.choice(_ENDS if others else (ActionType.MERGER,))
    leads_to = random.choice(others) if others else ""
    per_unit = Decimal(0)
    if kind is ActionType.MERGER:
        leads_to = random.choice((leads_to, leads_to, ""))
        per_unit = Decimal(random.choice((0, 350, 1100))) / 100
    return CorporateAction(
        "M1",
        kind,
        security,
        random.choice(world.days),
        Decimal(random.choice((1, 2))),
        Decimal(random.choice((1, 3))),
        leads_to,
        random.choice((None, Decimal("0.25"), Decimal(1))),
        per_unit,
        random.choice(("", "USD", "EUR")) if per_unit else "",
        random.choice(("", "", *world.portfolios)),
    )
