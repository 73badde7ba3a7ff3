"""The oracle's book: what each final fact does to which key, from scratch and in fractions.

Nothing here is taken from ``tidebook.book``. It is slow and plain: every key is folded from its
first posting, with lots in a list.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from tests.simulation.oracle_carries import carried
from tests.simulation.oracle_legs import Leg, Move, Wanted, cash_currency
from tests.simulation.oracle_rates import times
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tests.simulation.oracle_legs import Known
    from tests.simulation.oracle_rates import Rates
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio

_BUYS: Final = {"BUY", "BUY_TO_OPEN", "BUY_TO_CLOSE"}
_SELLS: Final = {"SELL", "SELL_TO_OPEN", "SELL_TO_CLOSE"}
_CLOSES: Final = {"BUY_TO_CLOSE", "SELL_TO_CLOSE"}
_TRADES: Final = {*_BUYS, *_SELLS, "EXPIRY", "MARK_TO_MARKET"}
_COSTS: Final = {"FEE", "TAX"}
_INCOME: Final = {"DIVIDEND", "INTEREST"}
_ADDS: Final = {*_BUYS, "DEPOSIT", "TRANSFER_IN"}
_PAYS_IN: Final = {*_SELLS, *_INCOME, "DEPOSIT", "TRANSFER_IN"}
_MOVES_CASH_BESIDE: Final = {*_BUYS, *_SELLS, *_INCOME, *_COSTS}
_IS_CASH_ITSELF: Final = {*_COSTS, "DEPOSIT", "WITHDRAWAL"}
_MOVES_NO_UNITS: Final = {*_INCOME, "MARK_TO_MARKET"}
_COSTS_ON_TOP: Final = {*_BUYS, "FEE"}
_TAKEN_AS_STATED: Final = {"TRANSFER_IN", "TRANSFER_OUT", "EXPIRY", "MARK_TO_MARKET"}
"""The amount is the stated one, without costs."""
_CASH_GAINS: Final = {*_BUYS, *_SELLS, *_INCOME}
_CARRIES: Final = {"TRANSFER_IN_KIND", "CONVERSION", "EXERCISE", "ASSIGNMENT"}
_MARGINED: Final = {"future", "futures", "perpetual", "perp", "swap", "cfd"}


class _Found(NamedTuple):
    """What a fact and its instrument come to, before any conversion."""

    fact: Transaction
    on: date
    instrument: Instrument
    margin: bool


def is_margined(instrument: Instrument) -> bool:
    """Tell whether nothing is paid for it but its gains and losses."""
    return instrument.product_type.lower() in _MARGINED


def wanted(fact: Transaction, known: Known) -> Wanted:
    """Return what a transaction does."""
    portfolio, kind = known.portfolio, fact.type.value
    on = _day(fact, portfolio.time_zone)
    instrument = _instrument(fact, known)
    if instrument is None:
        return Wanted((), ("instrument.unknown",))
    if fact.gross == fact.quantity * fact.price:
        fact = fact._replace(gross=fact.gross * instrument.multiplier)
    if kind in _CARRIES:
        return carried(fact, on, instrument, known)
    margin = is_margined(instrument) and kind in _TRADES
    if kind == "MARK_TO_MARKET" and not margin:
        return Wanted((), ("instrument.terms-missing",))
    own, is_cash = instrument.currency, instrument.is_cash
    keys = _keys(fact, instrument.security_id, own if is_cash else None, portfolio)
    if margin and portfolio.settlement is Settlement.AUTO:
        keys = (keys[0], f"CASH_{fact.currency}")
    main = keys[0]
    is_own = main == instrument.security_id
    local = own if is_own else cash_currency(main, fact.currency) or own
    rates = _rates(fact, local, portfolio.base_currency, known.rates, on)
    if rates is None:
        return Wanted((), ("rate.missing",))
    if margin and local != fact.currency:
        to_cash = known.rates.rate(local, fact.currency, on)
        if to_cash is None:
            return Wanted((), ("rate.missing",))
        rates["local", "cash"] = to_cash
    found = _Found(fact, on, instrument, margin)
    legs = _legs(found, keys, local, rates)
    return Wanted(legs, _doubts(fact, instrument, portfolio))


def _doubts(fact: Transaction, instrument: Instrument, portfolio: Portfolio) -> tuple[str, ...]:
    """Return the codes of what is doubtful about a trade."""
    if fact.type.value not in _TRADES:
        return ()
    own = instrument.currency if instrument.is_cash else ""
    redundant = own == fact.currency and portfolio.settlement is Settlement.AUTO
    codes = ["settlement.redundant"] if redundant else []
    product = Fraction(fact.quantity * fact.price * instrument.multiplier)
    gap, gross = abs(product - Fraction(fact.gross)), Fraction(fact.gross)
    if product and gap > Fraction(1, 100) and gap > gross / 1000:
        codes.append("transaction.amount-mismatch")
    return tuple(codes)


def _instrument(fact: Transaction, known: Known) -> Instrument | None:
    """Return the instrument of a fact, or the cash account that it names."""
    found = known.instruments.get(fact.security_id)
    if found is not None:
        return found
    named = fact.security_id
    if named == "CASH" and fact.currency != known.portfolio.base_currency:
        named = f"CASH_{fact.currency}"
    own = cash_currency(named, fact.currency)
    return Instrument(named, named, own, "Cash") if own is not None else None


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
    found["local", "cash"] = Fraction(1)
    return found


def _legs(
    found: _Found,
    keys: tuple[str, str | None],
    local: str,
    rates: Mapping[tuple[str, str], Fraction],
) -> tuple[Leg, ...]:
    fact, on, instrument, margin = found
    kind = fact.type.value
    on_cash = instrument.is_cash or cash_currency(keys[0], "") is not None
    move = None if instrument.is_cash else _move(found, rates)
    moved = _paid(fact)
    flow = moved if kind in _PAYS_IN else -moved
    amount = Fraction(fact.gross) if kind in _TAKEN_AS_STATED or margin else moved
    if move is not None and move.what == "lapse" and not margin:
        amount = Fraction(0)
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
        fact.transaction_id,
        "main",
        kind,
        on,
        fact.traded_at or datetime(on.year, on.month, on.day, tzinfo=UTC),
        units if kind in _ADDS else -units,
        in_local,
        in_base,
        local,
        rates["local", "base"],
        kind in _TRADES,
        None if margin else times(flow, rates["trade", "base"]),
        move=move,
    )
    if keys[1] is None:
        return (main,)
    return main, _cash(main, fact, keys[1], Fraction(0) if margin else flow, rates)


def _cash(
    main: Leg,
    fact: Transaction,
    account: str,
    flow: Fraction,
    rates: Mapping[tuple[str, str], Fraction],
) -> Leg:
    """Return the leg of the cash account; on margin the main leg will say how much it is."""
    cash = times(flow, rates["trade", "settles"])
    margin = main.move is not None and main.move.margin
    return main._replace(
        security_id=account,
        leg="cash",
        quantity=cash,
        amount=abs(cash),
        amount_base=times(abs(cash), rates["settles", "base"]),
        currency=fact.currency,
        to_base=rates["settles", "base"],
        gains=main.kind in _CASH_GAINS and not margin,
        flow_base=None,
        move=Move("settle") if margin else None,
    )


def _paid(fact: Transaction) -> Fraction:
    """Return what is paid or received, costs included."""
    kind = fact.type.value
    costs, gross = Fraction(fact.fee) + Fraction(fact.tax), Fraction(fact.gross)
    accrued = Fraction(fact.accrued_interest)
    if kind in _COSTS_ON_TOP:
        return gross + costs + accrued
    return gross - costs + (accrued if kind in _SELLS else 0)


def _move(found: _Found, rates: Mapping[tuple[str, str], Fraction]) -> Move | None:
    """Return what a trade does beside adding or removing units; None for most."""
    fact, _, instrument, margin = found
    kind = fact.type.value
    what = {"EXPIRY": "lapse", "MARK_TO_MARKET": "mark"}.get(kind, "trade")
    if margin:
        to_local = rates["trade", "local"]
        price = Fraction(fact.price) * Fraction(instrument.multiplier)
        return Move(
            what,
            lots=fact.lots,
            closes=kind in _CLOSES,
            margin=True,
            costs=times(Fraction(fact.fee) + Fraction(fact.tax), to_local),
            price=times(price, to_local),
            to_cash=rates["local", "cash"],
        )
    if what == "trade" and not fact.lots and kind not in _CLOSES:
        return None
    return Move(what, lots=fact.lots, closes=kind in _CLOSES)
