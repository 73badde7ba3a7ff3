"""The oracle's book: what each final fact does to which key, from scratch and in fractions.

Nothing here is taken from ``tidebook.book``. It is slow and plain: every key is folded from its
first posting, with lots in a list.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.simulation.oracle_rates import half_even, part_of, times
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.simulation.oracle_rates import Rates
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_DUST: Final = Fraction(1, 10**12)
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
_CASH_GAINS: Final = {"BUY", "SELL", "DIVIDEND", "INTEREST"}


class Known(NamedTuple):
    """What one portfolio's book rests on."""

    portfolio: Portfolio
    instruments: Mapping[str, Instrument]
    rates: Rates


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

    @property
    def place(self) -> tuple[object, ...]:
        """Its place inside its key: the day, the instant, first what adds, then the id."""
        rank = 0 if self.quantity > 0 else 2 if self.quantity < 0 else 1
        return (self.on, self.at, rank, self.identity, self.leg)


class Wanted(NamedTuple):
    """The legs of a transaction, or the codes of what is missing or doubtful about it."""

    legs: tuple[Leg, ...]
    codes: tuple[str, ...]


class Line(NamedTuple):
    """What a leg did to its key."""

    leg: Leg
    quantity: Fraction
    cost_local: Fraction
    cost_base: Fraction
    gains: tuple[Fraction, Fraction, Fraction, Fraction] | None
    """Local, base, by price, by currency."""
    taken: tuple[tuple[str, date, Fraction, Fraction, Fraction], ...]


OpenLot = tuple[str, date, Fraction, Fraction, Fraction]


class Key(NamedTuple):
    """A key's history and what is open in the end."""

    lines: tuple[Line, ...]
    lots: tuple[OpenLot, ...] | None
    """None for cash of the base currency, which has no lots."""
    refused: tuple[str, ...]


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


def crosses_border(kind: str) -> bool:
    """Tell whether a type's flow crosses the portfolio's border."""
    return kind in _CROSSES_BORDER


def at_start(kind: str) -> bool:
    """Tell whether a type's flow joins the capital at the start of the day."""
    return kind in _AT_START


def is_cost(kind: str) -> bool:
    """Tell whether a type's flow is a cost."""
    return kind in _COSTS


def folded(security_id: str, legs: Sequence[Leg], known: Known) -> Key:
    """Fold one key from nothing."""
    portfolio = known.portfolio
    instrument = known.instruments.get(security_id)
    cash = cash_currency(security_id, portfolio.base_currency)
    if instrument is not None:
        cash = instrument.currency if instrument.is_cash else None
    ordered = sorted(legs, key=lambda leg: leg.place)
    if cash == portfolio.base_currency and portfolio.settlement is Settlement.AUTO:
        return Key(tuple(map(_plain, ordered)), None, ())
    shorts = portfolio.allow_short or cash is not None
    pooled = portfolio.cost_method is CostMethod.AVCO
    lots: list[OpenLot] = []
    lines: list[Line] = []
    refused: list[str] = []
    for leg in ordered:
        line = _booked(leg, lots, shorts=shorts, pooled=pooled)
        if line is None:
            refused.append(leg.identity)
        else:
            lines.append(line)
    return Key(tuple(lines), tuple(lots), tuple(refused))


def _plain(leg: Leg) -> Line:
    """Cash of the base currency: a unit costs a unit, and no disposal gains anything."""
    nothing = Fraction(0)
    gains = (nothing, nothing, nothing, nothing) if leg.gains and leg.quantity < 0 else None
    return Line(leg, leg.quantity, leg.quantity, leg.quantity, gains, ())


def _booked(leg: Leg, lots: list[OpenLot], *, shorts: bool, pooled: bool) -> Line | None:
    """Book a leg on the open lots; None when it takes more than is there and must not."""
    held = sum((lot[2] for lot in lots), Fraction(0))
    quantity = leg.quantity
    if quantity == 0:
        return Line(leg, quantity, quantity, quantity, None, ())
    if held * quantity >= 0:
        if quantity < 0 and not shorts:
            return None
        sign = 1 if quantity > 0 else -1
        _open(leg, lots, (quantity, sign * leg.amount, sign * leg.amount_base), pooled=pooled)
        return Line(leg, quantity, sign * leg.amount, sign * leg.amount_base, None, ())
    after = held + quantity
    if abs(after) <= _DUST:
        quantity, after = -held, Fraction(0)
    crosses = after != 0 and (after > 0) != (held > 0)
    if crosses and not shorts:
        return None
    closing = -held if crosses else quantity
    taken = _take(lots, -closing)
    cost_local = sum((lot[3] for lot in taken), Fraction(0))
    cost_base = sum((lot[4] for lot in taken), Fraction(0))
    sign = 1 if leg.quantity < 0 else -1
    value = (sign * leg.amount, sign * leg.amount_base)
    opened = (Fraction(0), Fraction(0))
    if crosses:
        closed = (
            part_of(value[0], closing, leg.quantity),
            part_of(value[1], closing, leg.quantity),
        )
        opened = (closed[0] - value[0], closed[1] - value[1])
        value = closed
        _open(leg, lots, (after, *opened), pooled=pooled)
    gains = None
    if leg.gains:
        local, base = value[0] - cost_local, value[1] - cost_base
        by_price = times(local, leg.to_base)
        gains = (local, base, by_price, base - by_price)
    moved = leg.quantity if crosses else quantity
    return Line(leg, moved, opened[0] - cost_local, opened[1] - cost_base, gains, tuple(taken))


def _open(
    leg: Leg, lots: list[OpenLot], lot: tuple[Fraction, Fraction, Fraction], *, pooled: bool
) -> None:
    if pooled and lots:
        first = lots[0]
        lots[0] = (
            first[0],
            first[1],
            first[2] + lot[0],
            first[3] + lot[1],
            first[4] + lot[2],
        )
    else:
        lots.append((leg.identity, leg.on, *lot))


def _take(lots: list[OpenLot], quantity: Fraction) -> list[OpenLot]:
    """Take from the oldest lots on; what is cut is rounded, what stays is the rest."""
    taken: list[OpenLot] = []
    while quantity:
        identity, on, size, local, base = lots[0]
        if abs(size) <= abs(quantity):
            taken.append(lots.pop(0))
            quantity -= size
            continue
        cut_local, cut_base = half_even(local * quantity / size), half_even(base * quantity / size)
        taken.append((identity, on, quantity, cut_local, cut_base))
        lots[0] = (identity, on, size - quantity, local - cut_local, base - cut_base)
        quantity = Fraction(0)
    return taken
