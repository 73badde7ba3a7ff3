"""What a user has traded, holds and has won: figures over all of a user's portfolios.

All amounts are in the currency of the user's first portfolio. Bought and sold amounts are before
costs; profits are after them. A position without a price counts at its cost.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import (
    Undefined,
    profit_factor,
    to_float64,
    win_rate,
    win_rate_of_all,
)
from tidebook.analytics.figures import Reason
from tidebook.book.cashflows import Classification
from tidebook.engine.gains import gains_report
from tidebook.engine.queries import TransactionQuery
from tidebook.engine.users import rate_between
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ZERO, converted, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.analytics import Figure
    from tidebook.engine.figure_reader import HoldingsReader
    from tidebook.engine.users import UserBook
    from tidebook.engine.views import PositionsView, PositionView, TransactionView
    from tidebook.model.portfolios import Portfolio

_ALL: Final = 1_000_000_000
_TRADED: Final = frozenset({Classification.INVESTMENT_OUTFLOW, Classification.INVESTMENT_INFLOW})
_GONE: Final = frozenset({"WAITING", "CANCELLED"})


class Traded(NamedTuple):
    """One booked transaction of a user as far as these figures go, in the user's currency.

    ``into`` is what went into the security (negative: came out of it), costs and income included.
    ``bought`` and ``sold`` are before costs, ``costs`` are fees and taxes.
    """

    on: date
    at: datetime
    symbol: str
    is_trade: bool
    bought: Decimal
    sold: Decimal
    income: Decimal
    costs: Decimal
    into: Decimal


class SymbolFigures(NamedTuple):
    """One security over a period.

    ``pnl`` is what it was worth at the end and gave on the way, less what it was worth at the start
    and took; ``return_on_invested`` is that over what was bought and held at the start, None where
    that is nothing.
    """

    symbol: str
    trades: int
    invested: Decimal
    pnl: Decimal
    value: Decimal
    return_on_invested: Decimal | None


class Activity(NamedTuple):
    """What a user did over a period, and what came of it by security, best first."""

    trades: int
    bought: Decimal
    sold: Decimal
    income: Decimal
    costs: Decimal
    first_at: datetime | None
    last_at: datetime | None
    symbols: tuple[SymbolFigures, ...]


class Holdings(NamedTuple):
    """What a user holds as of a day; ``coverage`` is the part of the value that was priced."""

    value: Decimal
    cost: Decimal
    realised: Decimal
    unrealised: Decimal | None
    coverage: Decimal | None


class ClosedTrades(NamedTuple):
    """How a user's closed trades ended. One closed trade is one sale, or cover, of one security.

    A result of exactly 0 is neither won nor lost. Averages are None where there is none; rates are
    fractions.
    """

    closed: int
    won: int
    lost: int
    even: int
    symbols: int
    win_rate: Figure
    win_rate_of_all: Figure
    average_win: Decimal | None
    average_loss: Decimal | None
    profit_factor: Figure
    expectancy: Decimal | None
    total: Decimal


def activity(
    reader: HoldingsReader,
    book: UserBook,
    *,
    start: date | None = None,
    end: date | None = None,
    known_at: datetime | None = None,
) -> Activity:
    """Return what a user did from ``start`` to ``end``, both included, and what came of it.

    Args:
        reader: Where the book is read.
        book: The user's portfolios.
        start: The first day; None for the beginning.
        end: The last day; None for the latest.
        known_at: What was believed then, not now.
    """
    done = [
        traded
        for portfolio in book.portfolios
        for traded in _traded(reader, book, portfolio, (start, end, known_at))
    ]
    opening = {} if start is None else _values(reader, book, _before(start), known_at)
    closing = _values(reader, book, end, known_at)
    symbols = sorted({one.symbol for one in done} | set(opening) | set(closing))
    figures = [_of_symbol(symbol, done, opening, closing) for symbol in symbols]
    trades = [one for one in done if one.is_trade]
    with exact():
        return Activity(
            len(trades),
            sum((one.bought for one in done), ZERO),
            sum((one.sold for one in done), ZERO),
            sum((one.income for one in done), ZERO),
            sum((one.costs for one in done), ZERO),
            min((one.at for one in trades), default=None),
            max((one.at for one in trades), default=None),
            tuple(sorted(figures, key=lambda one: (-one.pnl, one.symbol))),
        )


def holdings(
    reader: HoldingsReader,
    book: UserBook,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Holdings:
    """Return what a user holds as of a day, in all portfolios together.

    What was realised is converted at the rate of its day, as every closed trade is; cost and value
    at that of the last day.
    """
    value = cost = realised = unrealised = priced = ZERO
    known = True
    for portfolio in book.portfolios:
        view = reader.positions(portfolio.portfolio_id, as_of=as_of, known_at=known_at)
        if not view.positions and not view.realised_base:
            continue
        rate = _rate(book, portfolio, as_of)
        for position in view.positions:
            at_cost = position.valuation.value is None
            worth = converted(_worth(position), rate)
            with exact():
                value += worth
                priced += ZERO if at_cost else worth
        with exact():
            cost += converted(view.cost_base, rate)
            realised += _realised(reader, book, view, (as_of, known_at))
            if view.unrealised_base is None:
                known = known and not view.positions
            else:
                unrealised += converted(view.unrealised_base, rate)
    covered = quotient(priced, value) if value else None
    return Holdings(value, cost, realised, unrealised if known else None, covered)


def _realised(
    reader: HoldingsReader,
    book: UserBook,
    view: PositionsView,
    when: tuple[date | None, datetime | None],
) -> Decimal:
    """Return what a portfolio realised; of another currency each gain at the rate of its day."""
    portfolio, (as_of, known_at) = view.portfolio, when
    if portfolio.base_currency == book.currency:
        return view.realised_base
    entries = reader.entries(portfolio.portfolio_id, as_of=as_of, known_at=known_at, realised=True)
    with exact():
        return sum(
            (
                converted(gain.gain_base, _rate(book, portfolio, gain.closed_on))
                for gain in gains_report(entries).gains
            ),
            ZERO,
        )


def closed_trades(
    reader: HoldingsReader,
    book: UserBook,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> ClosedTrades:
    """Return how a user's closed trades ended, by their gains after costs on the lots they closed.

    What was realised on cash is no trade. A sale that was filled in several executions is as many
    trades as were reported.
    """
    return ended(trade_results(reader, book, as_of=as_of, known_at=known_at))


Results = dict[tuple[str, str, str], "Decimal"]
"""What each closed trade came to, by portfolio, transaction and security."""


def trade_results(
    reader: HoldingsReader,
    book: UserBook,
    *,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> Results:
    """Return what each of a user's closed trades came to after costs, in the user's currency."""
    results: Results = {}
    for portfolio in book.portfolios:
        view = reader.entries(portfolio.portfolio_id, as_of=as_of, known_at=known_at, realised=True)
        cash = {one.security_id for one in view.instruments if one.is_cash}
        for gain in gains_report(view).gains:
            is_cash = built_in_instrument(gain.security_id, book.currency) is not None
            if is_cash or gain.security_id in cash:
                continue
            key = portfolio.portfolio_id, gain.closed_by, gain.security_id
            amount = converted(gain.gain_base, _rate(book, portfolio, gain.closed_on))
            with exact():
                results[key] = results.get(key, ZERO) + amount
    return results


def ended(results: Mapping[tuple[str, str, str], Decimal]) -> ClosedTrades:
    """Return how closed trades ended, of what each came to."""
    won = [one for one in results.values() if one > 0]
    lost = [one for one in results.values() if one < 0]
    figures = to_float64(results.values())
    with exact():
        total = sum(results.values(), ZERO)
    nothing = Undefined(Reason.TOO_FEW_RETURNS)
    return ClosedTrades(
        len(results),
        len(won),
        len(lost),
        len(results) - len(won) - len(lost),
        len({symbol for _, _, symbol in results}),
        win_rate(figures) if results else nothing,
        win_rate_of_all(figures) if results else nothing,
        _mean(won),
        _mean(lost),
        profit_factor(figures) if results else nothing,
        _mean(list(results.values())),
        total,
    )


def _mean(amounts: Sequence[Decimal]) -> Decimal | None:
    with exact():
        total = sum(amounts, ZERO)
        return quotient(total, ZERO + len(amounts)) if amounts else None


def _traded(
    reader: HoldingsReader,
    book: UserBook,
    portfolio: Portfolio,
    when: tuple[date | None, date | None, datetime | None],
) -> list[Traded]:
    start, end, known_at = when
    query = TransactionQuery(
        portfolio.portfolio_id, start=start, end=end, limit=_ALL, known_at=known_at
    )
    views = [view for view in reader.transactions(query).transactions if view.status not in _GONE]
    found = [one for view in views if (one := _one(book, portfolio, view)) is not None]
    symbols = sorted({one.symbol for one in found})
    cash = {one.security_id for one in reader.instruments(symbols) if one.is_cash}
    return [one for one in found if one.symbol not in cash]


def _one(book: UserBook, portfolio: Portfolio, view: TransactionView) -> Traded | None:
    """Return a booked transaction that moved a security; None of one on a cash account."""
    entry, fact = view.flowing, view.transaction
    if entry is None or entry.position_flow is None or entry.classification is None:
        return None
    if built_in_instrument(entry.security_id, entry.currency) is not None:
        return None
    kind, on = Classification(entry.classification), view.business_date
    to_base = entry.fx_rate
    if entry.currency != fact.trade_currency:
        to_base = rate_between(book.rates, fact.trade_currency, portfolio.base_currency, on)
    rate = converted(to_base, _rate(book, portfolio, on))
    gross = converted(fact.gross, rate)
    with exact():
        costs = converted(fact.fee + fact.tax, rate)
    is_trade = kind in _TRADED
    buys = kind is Classification.INVESTMENT_OUTFLOW
    return Traded(
        on,
        fact.traded_at or view.recorded_at,
        entry.security_id,
        is_trade,
        gross if is_trade and buys else ZERO,
        gross if is_trade and not buys else ZERO,
        gross if kind is Classification.INCOME else ZERO,
        costs,
        converted(entry.position_flow, rate),
    )


def _values(
    reader: HoldingsReader, book: UserBook, as_of: date | None, known_at: datetime | None
) -> dict[str, Decimal]:
    """Return what each security of a user was worth at the close of a day; cash is left out."""
    found: dict[str, Decimal] = {}
    for portfolio in book.portfolios:
        view = reader.positions(portfolio.portfolio_id, as_of=as_of, known_at=known_at)
        rate = _rate(book, portfolio, as_of) if view.positions else ZERO
        for position in view.positions:
            if position.instrument.is_cash:
                continue
            worth = converted(_worth(position), rate)
            with exact():
                found[position.security_id] = found.get(position.security_id, ZERO) + worth
    return found


def _worth(position: PositionView) -> Decimal:
    value = position.valuation.value
    if value is None:
        return position.cost_base
    return value.counted_base


def _of_symbol(
    symbol: str,
    done: Sequence[Traded],
    opening: Mapping[str, Decimal],
    closing: Mapping[str, Decimal],
) -> SymbolFigures:
    mine = [one for one in done if one.symbol == symbol]
    with exact():
        bought = sum((one.bought for one in mine), ZERO)
        held, left = opening.get(symbol, ZERO), closing.get(symbol, ZERO)
        pnl = left - held - sum((one.into for one in mine), ZERO)
        invested = bought + (held if held > 0 else ZERO)
    return SymbolFigures(
        symbol,
        sum(1 for one in mine if one.is_trade),
        invested,
        pnl,
        left,
        quotient(pnl, invested) if invested else None,
    )


def _rate(book: UserBook, portfolio: Portfolio, on: date | None) -> Decimal:
    """Return the rate from a portfolio's currency into the user's."""
    day = on or book.last_on or portfolio.open_date
    return rate_between(book.rates, portfolio.base_currency, book.currency, day)


def _before(start: date) -> date:
    return start - timedelta(days=1)
