"""What a live book tells of a portfolio: snapshot, profit and loss, exposure, drawdown.

Amounts are in the portfolio's base currency, ratios in percent where the name says so. What is
undefined is None, and ``reasons`` says why, by the name of the field.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.live.trades import statistics

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from tidebook.live.account import Account, Line, Stop
    from tidebook.live.book import LiveBook, Mark
    from tidebook.live.equities import Standing
    from tidebook.live.trades import TradeStatistics

STALE_AFTER: Final = timedelta(minutes=15)
"""A price without a newer one for so long is stale."""
OTHER: Final = "OTHER"
"""The sector of what has none."""
_PERCENT: Final = 100.0
_NOTHING_WORTH: Final = "the portfolio is worth nothing"


class PositionNow(NamedTuple):
    """A position now. ``price`` is None where no price is known; it is then carried at its cost.

    ``trade`` is None for what is booked, whose ``entry_price`` is its average cost at the present
    exchange rate.
    """

    line: Line
    entry_price: float | None
    mark: Mark | None
    is_stale: bool
    unrealised: float | None
    unrealised_pct: float | None
    exposure: float


class Snapshot(NamedTuple):
    """A portfolio now.

    ``daily_simple`` is what was realised today plus all that is unrealised, whenever it arose;
    ``daily`` is equity less that at the end of the last valued day less what flowed in since.
    ``coverage`` is the part of the exposure that has a price.
    """

    portfolio_id: str
    currency: str
    generation: int
    at: datetime
    standing: Standing
    cash: float
    positions: tuple[PositionNow, ...]
    exposure: float
    unrealised: float
    realised_today: float
    daily: float | None
    daily_simple: float
    daily_drawdown_pct: float | None
    coverage: float | None
    stop: Stop | None
    reasons: Mapping[str, str]


class ProfitAndLoss(NamedTuple):
    """What was realised today, this week (from Monday), this month and in all, and what is not."""

    at: datetime
    today: float
    week: float
    month: float
    total: float
    unrealised: float
    daily: float | None
    daily_simple: float
    statistics: TradeStatistics
    reasons: Mapping[str, str]


class ExposureNow(NamedTuple):
    """What is at work: gross, by direction, by symbol and by sector.

    By symbol it is net, below 0 for what is short; by sector it is gross.
    """

    at: datetime
    total: float
    long: float
    short: float
    net: float
    by_symbol: Mapping[str, float]
    by_sector: Mapping[str, float]
    pct_of_equity: float | None
    without_sector: tuple[str, ...]
    reasons: Mapping[str, str]


class DrawdownNow(NamedTuple):
    """How far equity stands below its highest points; flows are in neither.

    ``weekly_pct`` looks at seven days, today the last. ``recovery_pct`` is how much of the way from
    the lowest point since the peak back to the peak is done: 100 at a new high.
    """

    at: datetime
    daily_pct: float | None
    weekly_pct: float | None
    max_pct: float
    standing: Standing
    flows: float
    recovery_pct: float | None
    reasons: Mapping[str, str]


def snapshot(book: LiveBook, portfolio_id: str, at: datetime) -> Snapshot | None:
    """Return a portfolio now, or None when it is not followed."""
    account = book.accounts.get(portfolio_id)
    if account is None:
        return None
    book.turn(at)
    standing = book.settle(account)
    positions = tuple(_position(line, book.marks.get(line.symbol), at) for line in account.lines)
    unrealised = sum((one.unrealised or 0.0 for one in positions), 0.0)
    realised = account.realised_since(account.today)
    daily_drawdown = _below(standing.equity, standing.day_peak)
    reasons: dict[str, str] = {}
    daily = _daily(account, standing, reasons)
    if daily_drawdown is None:
        reasons["daily_drawdown_pct"] = _NOTHING_WORTH
    return Snapshot(
        portfolio_id,
        account.start.currency,
        account.start.generation,
        at,
        standing,
        account.cash,
        positions,
        sum((one.exposure for one in positions), 0.0),
        unrealised,
        realised,
        daily,
        realised + unrealised,
        daily_drawdown,
        _coverage(positions),
        account.stop,
        reasons,
    )


def profit_and_loss(book: LiveBook, account: Account, at: datetime) -> ProfitAndLoss:
    """Return what a portfolio has gained and lost, up to now."""
    book.turn(at)
    today = account.today
    standing = book.settle(account)
    gains = (_gain(line, book.marks.get(line.symbol)) or 0.0 for line in account.lines)
    unrealised = sum(gains, 0.0)
    realised = account.realised_since(today)
    told = statistics([account.gain(one) for one in account.closings()])
    reasons = dict(told.reasons)
    return ProfitAndLoss(
        at,
        realised,
        account.realised_since(today - timedelta(days=today.weekday())),
        account.realised_since(today.replace(day=1)),
        account.realised_since(None),
        unrealised,
        _daily(account, standing, reasons),
        realised + unrealised,
        told,
        reasons,
    )


def exposure(book: LiveBook, account: Account, at: datetime) -> ExposureNow:
    """Return what is at work in a portfolio."""
    by_symbol: dict[str, float] = {}
    by_sector: dict[str, float] = {}
    long = short = 0.0
    for line in account.lines:
        value = _value(line, book.marks.get(line.symbol))
        by_symbol[line.symbol] = by_symbol.get(line.symbol, 0.0) + value
        sector = line.sector or OTHER
        by_sector[sector] = by_sector.get(sector, 0.0) + abs(value)
        long, short = long + max(value, 0.0), short + max(-value, 0.0)
    equity = book.settle(account).equity
    return ExposureNow(
        at,
        long + short,
        long,
        short,
        long - short,
        by_symbol,
        by_sector,
        _PERCENT * (long + short) / equity if equity > 0 else None,
        tuple(sorted({line.symbol for line in account.lines if line.sector is None})),
        {} if equity > 0 else {"exposure_pct_of_equity": _NOTHING_WORTH},
    )


def drawdown(book: LiveBook, account: Account, at: datetime) -> DrawdownNow:
    """Return how far a portfolio stands below its highest points."""
    book.turn(at)
    standing = book.settle(account)
    daily = _below(standing.equity, standing.day_peak)
    weekly = _below(standing.equity, account.week_peak(standing.day_peak))
    depth = standing.peak - standing.trough
    recovery = _PERCENT * (standing.equity - standing.trough) / depth if depth > 0 else _PERCENT
    undefined = {} if standing.peak > 0 else {"daily_drawdown_pct": _NOTHING_WORTH}
    if weekly is None:
        undefined["weekly_drawdown_pct"] = _NOTHING_WORTH
    return DrawdownNow(
        at,
        daily,
        weekly,
        _PERCENT * standing.max_drawdown,
        standing,
        account.start.flows,
        recovery,
        undefined,
    )


def _position(line: Line, mark: Mark | None, at: datetime) -> PositionNow:
    gain = _gain(line, mark)
    stale = mark is None or not mark.is_live or at - mark.at > STALE_AFTER
    return PositionNow(
        line,
        line.cost / line.weight if line.weight else None,
        mark,
        stale,
        gain,
        _PERCENT * gain / abs(line.cost) if gain is not None and line.cost else None,
        abs(_value(line, mark)),
    )


def _value(line: Line, mark: Mark | None) -> float:
    return line.cost if mark is None or not line.factor else line.weight * mark.price


def _gain(line: Line, mark: Mark | None) -> float | None:
    return None if mark is None or not line.factor else line.weight * mark.price - line.cost


def _below(equity: float, peak: float) -> float | None:
    return _PERCENT * (peak - equity) / peak if peak > 0 else None


def _daily(account: Account, standing: Standing, reasons: dict[str, str]) -> float | None:
    if account.opening is None:
        reasons["daily_pnl"] = "no value of an earlier day is known"
        return None
    return standing.equity - account.opening - account.flows_today


def _coverage(positions: Iterable[PositionNow]) -> float | None:
    priced = unpriced = 0.0
    for one in positions:
        if one.unrealised is None:
            unpriced += one.exposure
        else:
            priced += one.exposure
    return priced / (priced + unpriced) if priced + unpriced else None
