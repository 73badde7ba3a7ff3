"""The oracle's book: what each final fact does to which key, from scratch and in fractions.

Nothing here is taken from ``tidebook.book``. It is slow and plain: every key is folded from its
first posting, with lots in a list.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.simulation.oracle_rates import times
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tests.simulation.oracle_rates import Rates
    from tidebook.model.actions import CorporateAction
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_TRADES: Final = {"BUY", "SELL"}
_COSTS: Final = {"FEE", "TAX"}
_ADDS: Final = {"BUY", "DEPOSIT", "TRANSFER_IN"}
_PAYS_IN: Final = {"SELL", "DIVIDEND", "INTEREST", "DEPOSIT", "TRANSFER_IN"}
_MOVES_CASH_BESIDE: Final = {"BUY", "SELL", "DIVIDEND", "INTEREST", "FEE", "TAX"}
_IS_CASH_ITSELF: Final = {"FEE", "TAX", "DEPOSIT", "WITHDRAWAL"}
_MOVES_NO_UNITS: Final = {"DIVIDEND", "INTEREST"}
_COSTS_ON_TOP: Final = {"BUY", "FEE"}
_CROSSES_BORDER: Final = {"FEE", "TAX", "DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT"}
_AT_START: Final = {"BUY", "DEPOSIT", "TRANSFER_IN"}
_NO_GAINS: Final = False
_IN_KIND: Final = "TRANSFER_IN_KIND"
_CASH_GAINS: Final = {"BUY", "SELL", "DIVIDEND", "INTEREST"}


class Known(NamedTuple):
    """What one portfolio's book rests on."""

    portfolio: Portfolio
    instruments: Mapping[str, Instrument]
    rates: Rates
    portfolios: Mapping[str, Portfolio] = MappingProxyType({})
    """All of them, to which something may be transferred."""


class Move(NamedTuple):
    """What happens to lots that keep their ids and days."""

    what: str
    """``split``, ``leave`` (units), ``share`` (all units stay, a part of their cost leaves) or
    ``arrive``."""
    ratio: Fraction = Fraction(1)
    """New units for one old one."""
    fraction: Fraction = Fraction(0)
    """The part of the cost that leaves."""
    to_local: Fraction = Fraction(1)
    to_base: Fraction = Fraction(1)
    """Rates between what leaves and what arrives."""
    arrival: tuple[str, str] = ("", "")


class Leg(NamedTuple):
    """What one transaction wants of one key."""

    security_id: str
    identity: str
    leg: str
    kind: str
    on: date
    at: datetime
    quantity: Fraction
    amount: Fraction
    amount_base: Fraction
    currency: str
    to_base: Fraction
    gains: bool
    flow_base: Fraction | None
    portfolio_id: str = ""
    move: Move | None = None
    """What it does to lots beside adding and removing units."""
    border: str = ""
    """Where its kind does not tell: whether its flow crosses the border at the start or the end of
    the day, or is a cost."""

    @property
    def key(self) -> tuple[str, str]:
        """Its portfolio and security."""
        return self.portfolio_id, self.security_id

    @property
    def place(self) -> tuple[object, ...]:
        """Its place inside its key: the day, the instant, first what adds, then the id."""
        rank = 0 if self.quantity > 0 else 2 if self.quantity < 0 else 1
        return (self.on, self.at, 1 if self.move else rank, self.identity, self.leg, *self.key)


class Wanted(NamedTuple):
    """The legs of a transaction, or the codes of what is missing or doubtful about it."""

    legs: tuple[Leg, ...]
    codes: tuple[str, ...]


class OpenLot(NamedTuple):
    """Units acquired together, with their cost, local and base."""

    identity: str
    on: date
    quantity: Fraction
    local: Fraction
    base: Fraction

    def plus(self, quantity: Fraction, local: Fraction, base: Fraction) -> OpenLot:
        """Return it with more."""
        return self._replace(
            quantity=self.quantity + quantity, local=self.local + local, base=self.base + base
        )


class Line(NamedTuple):
    """What a leg did to its key."""

    leg: Leg
    quantity: Fraction
    cost_local: Fraction
    cost_base: Fraction
    gains: tuple[Fraction, Fraction, Fraction, Fraction] | None
    """Local, base, by price, by currency."""
    taken: tuple[OpenLot, ...]


class Key(NamedTuple):
    """A key's history and what is open in the end."""

    lines: tuple[Line, ...]
    lots: tuple[OpenLot, ...] | None
    """None for cash of the base currency, which has no lots."""


def cash_currency(security_id: str, otherwise: str) -> str | None:
    """Return the currency of a cash account that is known by its name."""
    if security_id == "CASH":
        return otherwise
    found = re.fullmatch(r"CASH_([A-Z0-9]{3,10})", security_id)
    return found.group(1) if found else None


def wanted(fact: Transaction, known: Known) -> Wanted:
    """Return what a transaction does."""
    portfolio = known.portfolio
    base, kind = portfolio.base_currency, fact.type.value
    on = _day(fact, portfolio.time_zone)
    named = fact.security_id
    if named == "CASH" and fact.currency != base:
        named = f"CASH_{fact.currency}"
    instrument = known.instruments.get(fact.security_id)
    if instrument is not None:
        named, own, is_cash = instrument.security_id, instrument.currency, instrument.is_cash
    else:
        found = cash_currency(named, fact.currency)
        if found is None:
            return Wanted((), ("instrument.unknown",))
        own, is_cash = found, True
    if kind == _IN_KIND:
        return _carried(fact, on, (named, own), known, is_cash=is_cash)
    main, cash = _keys(fact, named, own if is_cash else None, portfolio)
    local = own if main == named else cash_currency(main, fact.currency) or own
    rates = _rates(fact, local, base, known.rates, on)
    if rates is None:
        return Wanted((), ("rate.missing",))
    on_cash = is_cash or cash_currency(main, "") is not None
    legs = _legs(fact, on, (main, cash), local, rates, on_cash=on_cash)
    redundant = is_cash and own == fact.currency and portfolio.settlement is Settlement.AUTO
    codes = ["settlement.redundant"] if redundant and kind in _TRADES else []
    product = Fraction(fact.quantity) * Fraction(fact.price)
    gap, gross = abs(product - Fraction(fact.gross)), Fraction(fact.gross)
    if kind in _TRADES and product and gap > Fraction(1, 100) and gap > gross / 1000:
        codes.append("transaction.amount-mismatch")
    return Wanted(legs, tuple(codes))


def _day(fact: Transaction, zone: str) -> date:
    if fact.trade_date is not None:
        return fact.trade_date
    assert fact.traded_at is not None
    return fact.traded_at.astimezone(ZoneInfo(zone)).date()


def _keys(
    fact: Transaction, named: str, cash: str | None, portfolio: Portfolio
) -> tuple[str, str | None]:
    """Return the keys of the main leg and of the cash leg; ``cash`` is a cash one's currency."""
    kind, account = fact.type.value, f"CASH_{fact.currency}"
    beside = account if kind in _MOVES_CASH_BESIDE else None
    if portfolio.settlement is Settlement.EXPLICIT:
        return named, None
    if cash is not None and kind not in _IS_CASH_ITSELF:
        return f"CASH_{cash}", beside
    if cash is not None or (kind in _IS_CASH_ITSELF and beside is None):
        return account, None
    return named, beside


def _rates(
    fact: Transaction, local: str, base: str, rates: Rates, on: date
) -> dict[tuple[str, str], Fraction] | None:
    trade, settles = fact.trade_currency, fact.currency
    found: dict[tuple[str, str], Fraction] = {}
    for pair in ((trade, local), (trade, base), (local, base), (trade, settles), (settles, base)):
        rate = rates.rate(*pair, on)
        if pair == (trade, base) and fact.fx_rate is not None and trade != base:
            rate = Fraction(fact.fx_rate)
        if rate is None:
            return None
        found[pair] = rate
    found["local", "base"] = found[local, base]
    found["trade", "local"] = found[trade, local]
    found["trade", "base"] = found[trade, base]
    found["trade", "settles"] = found[trade, settles]
    found["settles", "base"] = found[settles, base]
    return found


def _legs(
    fact: Transaction,
    on: date,
    keys: tuple[str, str | None],
    local: str,
    rates: Mapping[tuple[str, str], Fraction],
    *,
    on_cash: bool,
) -> tuple[Leg, ...]:
    kind, identity = fact.type.value, fact.transaction_id
    at = fact.traded_at or datetime(on.year, on.month, on.day, tzinfo=UTC)
    costs = Fraction(fact.fee) + Fraction(fact.tax)
    moved = Fraction(fact.gross) - costs
    if kind in _COSTS_ON_TOP:
        moved = Fraction(fact.gross) + costs + Fraction(fact.accrued_interest)
    flow = moved if kind in _PAYS_IN else -moved
    amount = Fraction(fact.gross) if kind in {"TRANSFER_IN", "TRANSFER_OUT"} else moved
    in_local = times(amount, rates["trade", "local"])
    in_base = times(amount, rates["trade", "base"])
    units = Fraction(fact.quantity)
    if kind in _IS_CASH_ITSELF:
        units = in_local if on_cash or kind not in _COSTS else Fraction(0)
        if amount < 0:
            in_local, in_base = -in_local, -in_base
    if kind in _MOVES_NO_UNITS:
        units = Fraction(0)
    main = Leg(
        keys[0],
        identity,
        "main",
        kind,
        on,
        at,
        units if kind in _ADDS else -units,
        in_local,
        in_base,
        local,
        rates["local", "base"],
        kind in _TRADES,
        times(flow, rates["trade", "base"]),
    )
    if keys[1] is None:
        return (main,)
    cash = times(flow, rates["trade", "settles"])
    size = abs(cash)
    to_base = rates["settles", "base"]
    return (
        main,
        Leg(
            keys[1],
            identity,
            "cash",
            kind,
            on,
            at,
            cash,
            size,
            times(size, to_base),
            fact.currency,
            to_base,
            kind in _CASH_GAINS,
            None,
        ),
    )


def _carried(
    fact: Transaction, on: date, instrument: tuple[str, str], known: Known, *, is_cash: bool
) -> Wanted:
    """Return what a transfer of units to another portfolio does."""
    portfolio = known.portfolio
    named, own = instrument
    other = known.portfolios.get(fact.to_portfolio_id)
    if other is None:
        return Wanted((), ("portfolio.unknown",))
    if is_cash:
        return Wanted((), ("transfer.cash-in-kind",))
    if other.portfolio_id == portfolio.portfolio_id:
        return Wanted((), ("transfer.to-itself",))
    base, to_base, trade = portfolio.base_currency, other.base_currency, fact.trade_currency
    pairs = ((trade, own), (trade, base), (trade, to_base), (own, base), (own, to_base))
    rates = {pair: known.rates.rate(*pair, on) for pair in (*pairs, (base, to_base))}
    if None in rates.values():
        return Wanted((), ("rate.missing",))
    found = {pair: rate for pair, rate in rates.items() if rate is not None}
    to_own = found[trade, base]
    if fact.fx_rate is not None and trade != base:
        to_own = Fraction(fact.fx_rate)
    at = fact.traded_at or datetime(on.year, on.month, on.day, tzinfo=UTC)
    nothing, value = Fraction(0), Fraction(fact.gross)
    main = Leg(
        named,
        fact.transaction_id,
        "main",
        _IN_KIND,
        on,
        at,
        Fraction(fact.quantity),
        nothing,
        nothing,
        own,
        found[own, base],
        _NO_GAINS,
        times(-value, to_own),
        portfolio.portfolio_id,
        Move("leave", arrival=(other.portfolio_id, named)),
        "end",
    )
    there = main._replace(
        leg="to",
        quantity=nothing,
        to_base=found[own, to_base],
        flow_base=times(value, found[trade, to_base]),
        portfolio_id=other.portfolio_id,
        move=Move("arrive", to_base=found[base, to_base]),
        border="start",
    )
    costs = Fraction(fact.fee) + Fraction(fact.tax)
    legs = [main, there]
    if costs and portfolio.settlement is Settlement.AUTO:
        rate = Fraction(1) if trade == base else to_own
        legs.append(
            main._replace(
                security_id=f"CASH_{trade}",
                leg="cash",
                quantity=-costs,
                amount=costs,
                amount_base=times(costs, rate),
                currency=trade,
                to_base=rate,
                gains=True,
                flow_base=times(-costs, rate),
                move=None,
                border="cost",
            )
        )
    return Wanted(tuple(legs), () if value else ("transfer.no-value",))


def applied(action: CorporateAction, known: Known) -> Wanted:
    """Return what a split or a spin-off does in a portfolio, if it holds anything."""
    base, on = known.portfolio.base_currency, action.ex_date
    instrument = known.instruments.get(action.security_id)
    to = known.instruments.get(action.to_security_id or action.security_id)
    if instrument is None or to is None:
        return Wanted((), ("instrument.unknown",))
    local, to_local = instrument.currency, to.currency
    rates = [
        known.rates.rate(*pair, on) for pair in ((local, base), (to_local, base), (local, to_local))
    ]
    here, there, across = rates
    if here is None or there is None or across is None:
        return Wanted((), ("rate.missing",))
    nothing = Fraction(0)
    ratio = Fraction(action.new_units) / Fraction(action.old_units)
    portfolio_id, spins = known.portfolio.portfolio_id, bool(action.to_security_id)
    main = Leg(
        action.security_id,
        f"{action.action_id}@{portfolio_id}",
        "main",
        action.type.value,
        on,
        datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(days=1),
        nothing,
        nothing,
        nothing,
        local,
        here,
        _NO_GAINS,
        None,
        portfolio_id,
        Move("split", ratio),
    )
    if not spins:
        return Wanted((main,), ())
    fraction = Fraction(action.cost_fraction or 0)
    target = (portfolio_id, action.to_security_id)
    return Wanted(
        (
            main._replace(move=Move("share", fraction=fraction, arrival=target)),
            main._replace(
                security_id=action.to_security_id,
                leg="to",
                currency=to_local,
                to_base=there,
                move=Move("arrive", ratio, to_local=across),
            ),
        ),
        (),
    )


def crosses_border(leg: Leg) -> bool:
    """Tell whether a leg's flow crosses the portfolio's border."""
    return bool(leg.border) or leg.kind in _CROSSES_BORDER


def at_start(leg: Leg) -> bool:
    """Tell whether a leg's flow joins the capital at the start of the day."""
    return leg.border == "start" or leg.kind in _AT_START


def is_cost(leg: Leg) -> bool:
    """Tell whether a leg's flow is a cost."""
    return leg.border == "cost" or leg.kind in _COSTS
