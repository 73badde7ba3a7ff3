"""What the client answers with: frozen values, one class a kind of row.

Amounts, prices and quantities are exact decimals. Returns and other ratios are fractions, 0.05 is
five percent. What is undefined is None, and where a ``reason`` stands beside it, it says why.
Names are those of the HTTP reference.
"""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - columns are made from the annotations
from decimal import Decimal  # noqa: TC003 - as above
from typing import NamedTuple

from tidebook.client.tables import Table


class Portfolio(NamedTuple):
    """A portfolio as it is kept."""

    portfolio_id: str
    name: str | None
    base_currency: str
    open_date: date
    close_date: date | None
    cif_id: str | None
    booking_center: str | None
    portfolio_type: str | None
    cost_basis_method: str
    settlement: str
    time_zone: str
    status: str | None


class Position(NamedTuple):
    """A position and what it is worth, in base currency unless ``local`` is said."""

    security_id: str
    instrument_name: str | None
    asset_class: str | None
    currency: str
    quantity: Decimal
    cost_basis: Decimal
    cost_basis_local: Decimal
    market_price: Decimal | None
    price_date: date | None
    fx_rate: Decimal | None
    market_value: Decimal | None
    market_value_local: Decimal | None
    unrealized_gain_loss: Decimal | None
    unrealized_gain_loss_local: Decimal | None
    realized_gain_loss: Decimal
    realized_gain_loss_local: Decimal
    position_date: date
    status: str
    """How it was valued."""
    reason: str | None


class Lot(NamedTuple):
    """An open lot."""

    security_id: str
    lot_id: str
    opened_on: date
    quantity: Decimal
    currency: str
    cost_basis: Decimal
    cost_basis_local: Decimal
    unit_cost: Decimal
    unit_cost_local: Decimal
    days_held: int
    term: str
    long_term_from: date | None
    market_value: Decimal | None
    unrealized_gain_loss: Decimal | None
    reason: str | None


class Gain(NamedTuple):
    """What was realised on one lot by one transaction."""

    security_id: str
    lot_id: str
    kind: str
    side: str
    opened_on: date
    closed_on: date
    transaction_id: str
    transaction_type: str
    quantity: Decimal
    currency: str
    proceeds: Decimal | None
    cost_basis: Decimal | None
    realized_gain_loss: Decimal
    realized_price_effect: Decimal
    realized_fx_effect: Decimal
    realized_gain_loss_local: Decimal
    days_held: int
    term: str
    tax: Decimal | None
    reason: str | None


class Transaction(NamedTuple):
    """A transaction as it was recorded, and what it realised."""

    transaction_id: str
    business_date: date
    transaction_type: str
    security_id: str
    quantity: Decimal
    price: Decimal
    gross_transaction_amount: Decimal
    trade_fee: Decimal
    tax: Decimal
    accrued_interest: Decimal
    trade_currency: str
    currency: str
    transaction_fx_rate: Decimal | None
    net_cost: Decimal | None
    realized_gain_loss: Decimal | None
    version: int
    status: str
    recorded_at: datetime
    note: str | None


class Day(NamedTuple):
    """A day of a portfolio in base currency."""

    date: date
    bod_market_value: Decimal
    bod_cashflow: Decimal
    eod_cashflow: Decimal
    eod_market_value: Decimal
    fees: Decimal
    unpriced_cost: Decimal


class Return(NamedTuple):
    """The time-weighted return of one part of a period, as a fraction."""

    start_date: date
    end_date: date
    cumulative_return: float | None


class Performance(NamedTuple):
    """The time-weighted return of a period; fractions, amounts in the measured currency."""

    period: str
    start_date: date | None
    end_date: date
    cumulative_return: float | None
    annualized_return: float | None
    """The same as the cumulative one where the period is not longer than 366 days."""
    begin_market_value: Decimal | None
    total_cashflow: Decimal | None
    fees: Decimal | None
    end_market_value: Decimal | None
    n: int
    """How many valued days it is linked of."""
    coverage: Decimal | None
    reason: str | None


class MoneyWeighted(NamedTuple):
    """The money-weighted return of a period, as fractions."""

    period: str
    start_date: date | None
    end_date: date
    mwr: float | None
    """A yearly rate, whatever the length of the period."""
    mwr_annualized: float | None
    """The same rate for periods of 365 days or more."""
    external_contributions: Decimal | None
    external_withdrawals: Decimal | None
    cashflow_count: int | None
    n: int
    """How many amounts the rate explains: flows, and the values at both ends."""
    coverage: Decimal | None
    reason: str | None


class RiskFigure(NamedTuple):
    """One measure over one period."""

    period: str
    metric: str
    value: float | None
    unit: str
    n: int
    """How many returns it rests on."""
    reason: str | None


class Contribution(NamedTuple):
    """What a group added to the return of a period; fractions that sum to it."""

    group: str
    contribution: float | None
    local_contribution: float | None
    currency_contribution: float | None
    group_return: float | None
    average_weight: float | None
    begin_market_value: Decimal | None
    end_market_value: Decimal | None
    gain: Decimal | None


class Effect(NamedTuple):
    """What a group did to an active return; fractions that sum, with ``other``, to it."""

    group: str
    weight: float | None
    benchmark_weight: float | None
    allocation: float | None
    selection: float | None
    interaction: float | None
    currency: float | None
    """What rates did, where currency effects were asked for."""
    total: float | None


class Attribution(NamedTuple):
    """Why a period returned something else than a benchmark; fractions."""

    period: str
    start_date: date | None
    end_date: date
    portfolio_return: float | None
    benchmark_return: float | None
    active_return: float | None
    other: float | None
    """What no weight accounts for."""
    n: int
    """How many days they rest on."""
    coverage: Decimal | None
    reason: str | None
    effects: Table[Effect] = Table(Effect, ())


class SecurityGain(NamedTuple):
    """What a security gained in a period, in base currency, costs not taken off."""

    security_id: str
    start: Decimal | None
    end: Decimal | None
    realised: Decimal | None
    realised_currency: Decimal | None
    """The part of what was realised that rates did."""
    unrealised: Decimal | None
    unrealised_currency: Decimal | None


class Bridge(NamedTuple):
    """How the value at the start of a period became that at its end, exact, in base currency.

    start + flows + price + currency + income - fees - taxes + unexplained = end + into_unpriced
    """

    portfolio_id: str
    base_currency: str
    start_date: date
    end_date: date
    start: Decimal
    flows: Decimal
    price: Decimal
    currency: Decimal
    income: Decimal
    fees: Decimal
    taxes: Decimal
    unexplained: Decimal
    end: Decimal
    into_unpriced: Decimal
    unpriced: tuple[str, ...] = ()
    """The securities without a price at either end."""
    securities: Table[SecurityGain] = Table(SecurityGain, ())


class UserMetrics(NamedTuple):
    """What a user traded, holds and earned since the first trade; returns are fractions."""

    user_id: str
    currency: str
    total_trades: int
    total_invested: Decimal
    """What was paid for purchases, before costs."""
    total_value: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    income: Decimal
    fees: Decimal
    profit: Decimal | None
    mwr: float | None
    """Money-weighted since the first day, not a year's rate."""
    mwr_annual: float | None
    twr: float | None
    first_trade: datetime | None
    last_trade: datetime | None
    coverage: Decimal | None
    as_of: date | None
    known_at: datetime | None
    reasons: tuple[str, ...] = ()
    """Why what is None is so."""


class SymbolResult(NamedTuple):
    """What a user did in one symbol, and what it came to."""

    symbol: str
    trades: int
    invested: Decimal
    value: Decimal
    pnl: Decimal
    return_on_invested: float | None
    """As a fraction of what was paid for purchases, before costs."""


class UserPortfolio(NamedTuple):
    """A user's totals, and every symbol ever traded, best first."""

    user_id: str
    currency: str
    total_trades: int
    total_invested: Decimal
    total_sold: Decimal
    total_value: Decimal
    total_cost: Decimal
    total_pnl: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal | None
    coverage: Decimal | None
    as_of: date | None
    known_at: datetime | None
    symbols: Table[SymbolResult] = Table(SymbolResult, ())


class WinRate(NamedTuple):
    """How a user's closed trades ended: one sale or cover of one security each, after costs."""

    user_id: str
    currency: str
    win_rate: float | None
    """The fraction won among won and lost; a result of 0 is neither."""
    win_rate_of_all: float | None
    closed_trades: int
    winning_trades: int
    losing_trades: int
    breakeven_trades: int
    total_symbols_traded: int
    average_win: Decimal | None
    average_loss: Decimal | None
    """Negative."""
    expectancy: Decimal | None
    profit_factor: float | None
    total_pnl: Decimal
    as_of: date | None
    known_at: datetime | None
    reasons: tuple[str, ...] = ()


class Comparison(NamedTuple):
    """A user beside a benchmark that got the same money on the same days; returns are fractions."""

    user_id: str
    currency: str
    benchmark: str
    start_date: date | None
    """The first and the last day that were measured."""
    end_date: date | None
    status: str
    profit: Decimal | None
    mwr: float | None
    mwr_annual: float | None
    twr: float | None
    benchmark_mwr: float | None
    benchmark_mwr_annual: float | None
    benchmark_return: float | None
    """What the benchmark earned by itself, without flows."""
    end_value: Decimal | None
    end_value_same_flows: float | None
    value_added: float | None
    ks_pme: float | None
    direct_alpha: float | None
    difference: float | None
    """The money-weighted return less that of the benchmark."""
    twr_difference: float | None
    tracking_error_annual: float | None
    alpha_annual: float | None
    beta: float | None
    information_ratio: float | None
    capture_up: float | None
    capture_down: float | None
    n: int
    reasons: tuple[str, ...] = ()
    """Why what is None is so."""
    warnings: tuple[str, ...] = ()
