"""The oracle's carries and actions: what leaves one key with its cost, and arrives at another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.simulation.oracle_legs import Leg, Move, Wanted
from tests.simulation.oracle_rates import times
from tidebook.model.actions import ActionType
from tidebook.model.instruments import OptionRight
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from datetime import date

    from tests.simulation.oracle_legs import Known
    from tidebook.model.actions import CorporateAction
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_ABROAD: Final = "TRANSFER_IN_KIND"
_TRADES: Final = {"EXERCISE", "ASSIGNMENT"}
_CASH: Final = "transfer.cash-in-kind"
_NO_GAINS: Final = False
_ZERO: Final = Fraction(0)
_SHARES: Final = {ActionType.SPIN_OFF, ActionType.RIGHTS_ISSUE}


class _Pairs(NamedTuple):
    """The rates of a carry: of its trade currency, between both sides, and of what it pays in."""

    trade_base: Fraction
    to_trade_local: Fraction
    to_trade_base: Fraction
    own_base: Fraction
    to_own_base: Fraction
    own_own: Fraction
    base_base: Fraction
    trade_settles: Fraction
    settles_base: Fraction


def carried(fact: Transaction, on: date, instrument: Instrument, known: Known) -> Wanted:
    """Return what a transfer in kind, a conversion, an exercise or an assignment does."""
    kind, portfolio = fact.type.value, known.portfolio
    ends = _ends(fact, instrument, known)
    if isinstance(ends, str):
        return Wanted((), (ends,))
    other, target = ends
    named = target.security_id
    pairs = _pairs(fact, on, (instrument.currency, target.currency), other.base_currency, known)
    if pairs is None:
        return Wanted((), ("rate.missing",))
    main = Leg(
        instrument.security_id,
        fact.transaction_id,
        "main",
        kind,
        on,
        fact.traded_at or datetime(on.year, on.month, on.day, tzinfo=UTC),
        Fraction(fact.quantity),
        _ZERO,
        _ZERO,
        instrument.currency,
        pairs.own_base,
        _NO_GAINS,
        None,
        portfolio.portfolio_id,
        Move("leave", arrival=(other.portfolio_id, named), lots=fact.lots),
    )
    there = main._replace(
        security_id=named,
        leg="to",
        quantity=_ZERO,
        currency=target.currency,
        to_base=pairs.to_own_base,
        portfolio_id=other.portfolio_id,
    )
    if kind in _TRADES:
        return _exercised(fact, instrument, (main, there), pairs, known)
    return _moved(fact, (main, there), pairs, known)


def _ends(
    fact: Transaction, instrument: Instrument, known: Known
) -> tuple[Portfolio, Instrument] | str:
    """Return where something is carried to, or the code of why it cannot be."""
    portfolio, trades = known.portfolio, fact.type.value in _TRADES
    abroad = fact.type.value == _ABROAD
    other = known.portfolios.get(fact.to_portfolio_id) if abroad else portfolio
    if other is None:
        return "portfolio.unknown"
    named = fact.to_security_id or (instrument.underlying_id if trades else instrument.security_id)
    target = known.instruments.get(named)
    here = (portfolio.portfolio_id, fact.security_id)
    doubts = (
        (instrument.is_cash, _CASH),
        (trades and (not named or instrument.option_right is None), "instrument.terms-missing"),
        (target is None, "instrument.unknown"),
        (target is not None and target.is_cash, _CASH),
        ((other.portfolio_id, named) == here, "transfer.to-itself"),
    )
    code = next((code for holds, code in doubts if holds), None)
    if code is None and target is not None:
        return other, target
    return code or "instrument.unknown"


def _pairs(
    fact: Transaction, on: date, own: tuple[str, str], to_base: str, known: Known
) -> _Pairs | None:
    base, trade, settles = known.portfolio.base_currency, fact.trade_currency, fact.currency
    wanted = (
        (trade, own[0]),
        (trade, base),
        (trade, own[1]),
        (trade, to_base),
        (own[0], base),
        (own[1], to_base),
        own,
        (base, to_base),
        (trade, settles),
        (settles, base),
    )
    rates = [known.rates.rate(*pair, on) for pair in wanted]
    found = [rate for rate in rates if rate is not None]
    if len(found) < len(rates):
        return None
    if fact.fx_rate is not None and trade != base:
        found[1] = Fraction(fact.fx_rate)
        if settles == trade:
            found[-1] = found[1]
    return _Pairs(*found[1:])


def _moved(fact: Transaction, legs: tuple[Leg, Leg], pairs: _Pairs, known: Known) -> Wanted:
    """Lots move with their days; across a portfolio's border at the value that is stated."""
    main, there = legs
    value, abroad = Fraction(fact.gross), main.portfolio_id != there.portfolio_id
    units = Fraction(fact.to_quantity) or (None if abroad else Fraction(fact.quantity))
    there = there._replace(
        move=Move("arrive", to_local=pairs.own_own, to_base=pairs.base_base, units=units)
    )
    if abroad:
        main = main._replace(flow_base=times(-value, pairs.trade_base), border="end")
        there = there._replace(flow_base=times(value, pairs.to_trade_base), border="start")
    costs = Fraction(fact.fee) + Fraction(fact.tax)
    cash = _cash(fact, main, -costs, pairs, known) if costs else ()
    cash = tuple(
        leg._replace(flow_base=times(-costs, pairs.trade_base), border="cost") for leg in cash
    )
    return Wanted((main, there, *cash), () if value or not abroad else ("transfer.no-value",))


def _exercised(
    fact: Transaction,
    instrument: Instrument,
    legs: tuple[Leg, Leg],
    pairs: _Pairs,
    known: Known,
) -> Wanted:
    """The underlying is traded, and what the contract cost goes into the amount of the trade."""
    main, there = legs
    units = Fraction(fact.to_quantity) or Fraction(fact.quantity) * Fraction(instrument.multiplier)
    gross, costs = Fraction(fact.gross), Fraction(fact.fee) + Fraction(fact.tax)
    if not gross and not fact.price and instrument.strike is not None:
        gross = Fraction(instrument.strike) * units
    call = instrument.option_right is OptionRight.CALL
    buys = call == (fact.type.value == "EXERCISE")
    amount = gross + costs if buys else gross - costs
    paid = -amount if buys else amount
    there = there._replace(
        quantity=units if buys else -units,
        amount=times(amount, pairs.to_trade_local),
        amount_base=times(amount, pairs.to_trade_base),
        gains=True,
        flow_base=times(paid, pairs.to_trade_base),
        move=Move("absorb", to_local=pairs.own_own, to_base=pairs.base_base),
    )
    return Wanted((main, there, *_cash(fact, main, paid, pairs, known)), ())


def _cash(
    fact: Transaction, main: Leg, paid: Fraction, pairs: _Pairs, known: Known
) -> tuple[Leg, ...]:
    """Return the leg of the account that is settled on, where cash moves by itself."""
    if known.portfolio.settlement is Settlement.EXPLICIT:
        return ()
    cash = times(paid, pairs.trade_settles)
    return (
        main._replace(
            security_id=f"CASH_{fact.currency}",
            leg="cash",
            quantity=cash,
            amount=abs(cash),
            amount_base=times(abs(cash), pairs.settles_base),
            currency=fact.currency,
            to_base=pairs.settles_base,
            gains=True,
            move=None,
        ),
    )


# Corporate actions.


def applied(action: CorporateAction, known: Known) -> Wanted:
    """Return what an action does in a portfolio, if it holds anything."""
    base, on = known.portfolio.base_currency, action.ex_date
    if action.portfolio_id not in {"", known.portfolio.portfolio_id}:
        return Wanted((), ())
    instrument = known.instruments.get(action.security_id)
    to = known.instruments.get(action.to_security_id or action.security_id)
    if instrument is None or to is None:
        return Wanted((), ("instrument.unknown",))
    if action.to_security_id and to.is_cash:
        return Wanted((), (_CASH,))
    local, paid_in = instrument.currency, action.cash_currency or instrument.currency
    pairs = ((local, base), (to.currency, base), (local, to.currency), (paid_in, local))
    rates = [known.rates.rate(*pair, on) for pair in (*pairs, (paid_in, base))]
    found = [rate for rate in rates if rate is not None]
    if len(found) < len(rates):
        return Wanted((), ("rate.missing",))
    here, there, across, cash_local, cash_base = found
    portfolio_id = known.portfolio.portfolio_id
    target = (portfolio_id, action.to_security_id) if action.to_security_id else ("", "")
    main = Leg(
        action.security_id,
        f"{action.action_id}@{portfolio_id}",
        "main",
        action.type.value,
        on,
        datetime(on.year, on.month, on.day, tzinfo=UTC) - timedelta(days=1),
        _ZERO,
        _ZERO,
        _ZERO,
        local,
        here,
        gains=True,
        flow_base=None,
        portfolio_id=portfolio_id,
        move=_acts(action)._replace(arrival=target, to_local=cash_local, to_base=cash_base),
    )
    legs = [main]
    if action.to_security_id:
        ratio = Fraction(action.new_units) / Fraction(action.old_units)
        arrives = Move("arrive", ratio, to_local=across)
        legs.append(
            main._replace(
                security_id=action.to_security_id,
                leg="to",
                currency=to.currency,
                to_base=there,
                gains=False,
                move=arrives,
            )
        )
    if action.cash_per_unit and known.portfolio.settlement is Settlement.AUTO:
        legs.append(
            main._replace(
                security_id=f"CASH_{paid_in}",
                leg="cash",
                currency=paid_in,
                to_base=cash_base,
                gains=False,
                move=Move("settle"),
            )
        )
    return Wanted(tuple(legs), ())


def _acts(action: CorporateAction) -> Move:
    """Return what an action does to the lots of the security that it acts on."""
    ratio = Fraction(action.new_units) / Fraction(action.old_units)
    if action.type is ActionType.SPLIT:
        return Move("split", ratio)
    if action.type in _SHARES:
        return Move("share", fraction=Fraction(action.cost_fraction or 0))
    stated = action.cost_fraction
    if stated is None or action.type is ActionType.IDENTIFIER_CHANGE:
        fraction = Fraction(1 if action.to_security_id else 0)
    else:
        fraction = Fraction(stated)
    return Move("end", fraction=fraction, per_unit=Fraction(action.cash_per_unit))
