"""Which figure explains which field: every number of every answer has one.

Answers are named by their route; a path is the names on the way to the field, ``*`` for each row of
a list or each period of a summary, a number for one place of a list. What is no figure but an
identity or the bookkeeping of a page (versions, epochs, generations, counts of rows) is listed
apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tidebook.analytics import MEASURES
from tidebook.engine.explaining import further_figures

_VALUATION: Final = {
    "market_price": "position.price",
    "fx_rate": "position.fx_rate",
    "market_value": "position.value",
    "counted_value": "position.counted",
    "unrealized_gain_loss": "position.unrealised",
    "market_value_local": "position.value_local",
    "unrealized_gain_loss_local": "position.unrealised_local",
}
_DAY_COLUMNS: Final = (
    "bod_market_value",
    "bod_cashflow",
    "eod_cashflow",
    "eod_market_value",
    "fees",
    "unpriced_cost",
)
_OWN_RETURNS: Final = (
    "dailyReturn",
    "weeklyReturn",
    "monthlyReturn",
    "quarterlyReturn",
    "yearlyReturn",
)
_ENTRY: Final = {
    "quantity": "entry.quantity",
    "cost_basis": "entry.cost",
    "cost_basis_local": "entry.cost_local",
    "realized_gain_loss": "entry.realised",
    "realized_gain_loss_local": "entry.realised_local",
    "realized_price_effect": "entry.realised_price",
    "realized_fx_effect": "entry.realised_currency",
    "fx_rate": "entry.fx_rate",
    "matches.*.quantity": "entry.matched_quantity",
    "matches.*.cost_local": "entry.matched_cost_local",
    "matches.*.cost_base": "entry.matched_cost",
}
_TRANSACTION: Final = {
    "quantity": "transaction.quantity",
    "price": "transaction.price",
    "gross_transaction_amount": "transaction.gross",
    "trade_fee": "transaction.fee",
    "tax": "transaction.tax",
    "accrued_interest": "transaction.accrued_interest",
    "transaction_fx_rate": "transaction.fx_rate",
    "to_quantity": "transaction.to_quantity",
    "lots.*.quantity": "transaction.named_quantity",
    "net_cost": "entry.cost",
    "net_cost_local": "entry.cost_local",
    "realized_gain_loss": "entry.realised",
    "realized_gain_loss_local": "entry.realised_local",
    "cashflow.amount": "entry.cash_amount",
    "cashflow.position_flow": "entry.position_flow",
}
_GAIN: Final = {
    "quantity": "gain.quantity",
    "proceeds": "gain.proceeds",
    "proceeds_local": "gain.proceeds_local",
    "cost_basis": "gain.cost",
    "cost_basis_local": "gain.cost_local",
    "realized_gain_loss": "gain.realised",
    "realized_gain_loss_local": "gain.realised_local",
    "realized_price_effect": "gain.realised_price",
    "realized_fx_effect": "gain.realised_currency",
    "tax": "gain.tax",
}
_GAINS: Final = {
    "gain_count": "gains.count",
    "proceeds": "gains.proceeds",
    "cost_basis": "gains.cost",
    "realized_gain_loss": "gains.realised",
    "realized_price_effect": "gains.realised_price",
    "realized_fx_effect": "gains.realised_currency",
    "tax": "gains.tax",
}
_HELD: Final = {
    "quantity": "position.quantity",
    "cost_basis": "position.cost",
    "cost_basis_local": "position.cost_local",
    "market_value": "position.value",
    "unrealized_gain_loss": "position.unrealised",
}
_LOT: Final = {
    "quantity": "lot.quantity",
    "cost_basis": "lot.cost",
    "cost_basis_local": "lot.cost_local",
}
_TERMS: Final = {
    "realised": "position.realised",
    "short_term": "gains.realised",
    "long_term": "gains.realised",
    "undated": "gains.undated",
}
_SYMBOL: Final = {
    "invested": "user_symbol.invested",
    "value": "user_symbol.value",
    "pnl": "user_symbol.pnl",
    "return_pct": "user_symbol.return",
}
_USER_SIDE: Final = (
    "buy_value",
    "sell_value",
    "profit_percent",
    "opening_value",
    "closing_value",
    "income",
    "fees",
    "contributions",
    "withdrawals",
    "mwr_annual_percent",
    "twr_percent",
    "coverage",
    "coverage_at_start",
)
_INDEX_SIDE: Final = (
    "start_price",
    "end_price",
    "returns_percent",
    "end_value_same_flows",
    "value_added",
    "ks_pme",
    "direct_alpha_percent",
)
_BETWEEN: Final = (
    "difference_percent",
    "twr_difference_percent",
    "tracking_error_annual_percent",
    "beta",
    "alpha_annual_percent",
    "information_ratio",
    "capture_up",
    "capture_down",
)
_INTERVALS: Final = (
    "alpha_annual_percent",
    "beta",
    "tracking_error_annual_percent",
    "information_ratio",
)
_RETURN: Final = {"cumulative_return": "period.twr", "coverage": "period.coverage"}


def _under(prefix: str, fields: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}.{name}": figure for name, figure in fields.items()}


def _beside(prefix: str, fields: Mapping[str, str]) -> dict[str, str]:
    """Return fields that are told without supposed facts and with them."""
    return {**_under(f"{prefix}.before", fields), **_under(f"{prefix}.after", fields)}


def _changing(prefix: str, figure: str) -> dict[str, str]:
    return {f"{prefix}.{side}": figure for side in ("before", "after", "change")}


_OF_HOUSEHOLD: Final = {
    "equity.value": "equity",
    "positions.*.value": "position_value",
    "positions.*.percent": "position_percent",
    "positions.*.limit_pct": "position_limit",
}
_OF_ACCOUNT: Final = {
    "cash.value": "cash",
    "day_trading_buying_power.value": "buying_power",
    "day_trading_buying_power.multiple": "multiple",
    "day_trading_buying_power.calls.*.amount": "call",
    "day_trading_buying_power.calls.*.brought": "call_brought",
    "intraday_margin.open.*.amount": "deficit",
    "intraday_margin.open.*.brought": "deficit_brought",
}
FIGURE_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "/positions": {
        "positions.*.quantity": "position.quantity",
        "positions.*.cost_basis": "position.cost",
        "positions.*.cost_basis_local": "position.cost_local",
        "positions.*.realized_gain_loss": "position.realised",
        "positions.*.realized_gain_loss_local": "position.realised_local",
        **_under("positions.*.valuation", _VALUATION),
        "totals.market_value": "portfolio.value",
        "totals.cost_basis": "portfolio.cost",
        "totals.unrealized_gain_loss": "portfolio.unrealised",
        "totals.realized_gain_loss": "portfolio.realised",
        "freshness.coverage": "portfolio.coverage",
    },
    "/position-history": {
        "positions.*.quantity": "position.quantity",
        "positions.*.cost_basis": "position.cost",
        "positions.*.cost_basis_local": "position.cost_local",
        **_under("positions.*.valuation", _VALUATION),
    },
    "/lots": {
        "lots.*.quantity": "lot.quantity",
        "lots.*.cost_basis": "lot.cost",
        "lots.*.cost_basis_local": "lot.cost_local",
        "lots.*.unit_cost": "lot.unit_cost",
        "lots.*.unit_cost_local": "lot.unit_cost_local",
        "lots.*.market_value": "lot.value",
        "lots.*.market_value_local": "lot.value_local",
        "lots.*.unrealized_gain_loss": "lot.unrealised",
        "lots.*.unrealized_gain_loss_local": "lot.unrealised_local",
    },
    "/gains": {
        **_under("gains.*", _GAIN),
        **_under("totals", _GAINS),
        **_under("by_term.*", _GAINS),
        **_under("by_security.*", _GAINS),
        **_under("by_year.*", _GAINS),
    },
    "/what-if": {
        **_beside("positions.*", _HELD),
        **_beside("lots.*", _LOT),
        **_beside("realized_gains.*", _TERMS),
        **_changing("cash.*", "position.quantity"),
        **_changing("income", "portfolio.income"),
        **_changing("costs", "portfolio.costs"),
        **_changing("market_value", "portfolio.value"),
        "market_value.coverage.before": "portfolio.coverage",
        "market_value.coverage.after": "portfolio.coverage",
        **_beside("returns.*", _RETURN),
    },
    "/transactions": {
        **_under("transactions.*", _TRANSACTION),
        **_under("transactions.*.entries.*", _ENTRY),
    },
    "/transactions/{transaction_id}": {**_TRANSACTION, **_under("entries.*", _ENTRY)},
    "/series": {
        **{f"days.*.{name}": f"day.{name}" for name in _DAY_COLUMNS},
        "freshness.coverage": "day.coverage",
    },
    "/performance": {
        "summary.*.cumulative_return": "period.twr",
        "summary.*.annualized_return": "period.twr_annualised",
        "summary.*.coverage": "period.coverage",
        "summary.*.attributes.begin_market_value": "period.begin_market_value",
        "summary.*.attributes.end_market_value": "period.end_market_value",
        "summary.*.attributes.total_cashflow": "period.total_cashflow",
        "summary.*.attributes.bod_cashflow": "period.bod_cashflow",
        "summary.*.attributes.eod_cashflow": "period.eod_cashflow",
        "summary.*.attributes.fees": "period.fees",
        "breakdowns.*.results.*.cumulative_return": "period.twr",
        **{f"breakdowns.*.results.*.{name}": "period.twr" for name in _OWN_RETURNS},
        "freshness.coverage": "day.coverage",
    },
    "/risk": {
        **{
            f"results.*.metrics.{measure.id.upper()}.value": f"risk.{measure.id}"
            for measure in MEASURES
            if not measure.needs_benchmark
        },
        "results.*.metrics.DRAWDOWN.value": "risk.drawdown",
        "results.*.metrics.DRAWDOWN.details.max_drawdown": "risk.drawdown",
        "results.*.metrics.VAR.value": "risk.var",
        "results.*.metrics.VAR.details.tail_observations": "risk.tail_observations",
        "results.*.metrics.VAR.details.expected_shortfall": "risk.shortfall",
        "results.*.coverage": "period.coverage",
    },
    "/performance/mwr": {
        "summary.*.mwr": "period.mwr",
        "summary.*.mwr_annualized": "period.mwr_annualised",
        "summary.*.coverage": "period.coverage",
        "summary.*.attributes.begin_market_value": "period.begin_market_value",
        "summary.*.attributes.end_market_value": "period.end_market_value",
        "summary.*.attributes.external_contributions": "period.contributions",
        "summary.*.attributes.external_withdrawals": "period.withdrawals",
        "summary.*.attributes.cashflow_count": "period.cashflow_count",
        "freshness.coverage": "day.coverage",
    },
    "/bridge": {
        **{name: f"bridge.{name}" for name in further_figures.BRIDGE},
        **{f"securities.*.{name}": f"bridge_line.{name}" for name in further_figures.BRIDGE_LINE},
    },
    "/contribution": {
        "results.*.cumulative_return": "contribution.cumulative_return",
        "results.*.coverage": "contribution.coverage",
        **{
            f"results.*.contributions.*.{name}": f"contribution.{name}"
            for name in further_figures.CONTRIBUTION
            if f"contribution.{name}" in further_figures.OF_GROUPS
        },
    },
    "/attribution": {
        **{
            f"results.*.{name}": f"attribution.{name}"
            for name in further_figures.ATTRIBUTION
            if f"attribution.{name}" not in further_figures.OF_GROUPS
        },
        **{
            f"results.*.effects.*.{name}": f"attribution.{name}"
            for name in further_figures.ATTRIBUTION
            if f"attribution.{name}" in further_figures.OF_GROUPS
        },
    },
    "/users/{user_id}/metrics": {
        "total_invested": "user.invested",
        "total_value": "user.value",
        "realized_pnl": "user.realised",
        "unrealized_pnl": "user.unrealised",
        "income": "user.income",
        "fees": "user.fees",
        "profit_dollar": "user.profit",
        "returns_percent": "user.returns",
        "returns_annual_percent": "user.returns_annual",
        "twr_percent": "user.twr",
        "coverage": "user.coverage",
    },
    "/users/{user_id}/portfolio": {
        "total_invested": "user.invested",
        "total_sold": "user.sold",
        "total_value": "user.value",
        "total_cost": "user.cost",
        "total_pnl": "user.pnl",
        "realized_pnl": "user.realised",
        "unrealized_pnl": "user.unrealised",
        "coverage": "user.coverage",
        **_under("all_symbols.*", _SYMBOL),
        **_under("top_performers.*", _SYMBOL),
    },
    "/users/{user_id}/win-rate": {
        "win_rate": "closed.win_rate",
        "win_rate_of_all": "closed.win_rate_of_all",
        "average_win": "closed.average_win",
        "average_loss": "closed.average_loss",
        "expectancy": "closed.expectancy",
        "profit_factor": "closed.profit_factor",
        "total_pnl": "closed.pnl",
    },
    "/users/{user_id}/comparative": {
        **{f"user_performance.{name}": f"comparison.{name}" for name in _USER_SIDE},
        "user_performance.profit_dollar": "comparison.profit",
        **{f"benchmark_performance.{name}": f"comparison.{name}" for name in _INDEX_SIDE},
        "benchmark_performance.mwr_percent": "comparison.benchmark_mwr_percent",
        "benchmark_performance.mwr_annual_percent": "comparison.benchmark_mwr_annual_percent",
        "benchmark_performance.scaled.end_value": "comparison.scaled_end_value",
        "benchmark_performance.scaled.mwr_annual_percent": "comparison.scaled_mwr_annual_percent",
        **{f"comparison.{name}": f"comparison.{name}" for name in _BETWEEN},
        **{
            f"comparison.intervals.{name}.{end}": f"comparison.{name}_{word}"
            for name in _INTERVALS
            for end, word in enumerate(("low", "high"))
        },
        "user_pnl": "comparison.profit",
        "user_return_pct": "comparison.profit_percent",
        "benchmark_return_pct": "comparison.benchmark_mwr_percent",
        "difference_pct": "comparison.difference_percent",
        "invested": "comparison.invested",
        "coverage": "comparison.coverage",
        "per_symbol_pnl.*": "comparison.symbol_pnl",
    },
    "/users/{user_id}/compliance": {
        "audits.*.metadata.amounts.*.value": "verdict.amount",
        "audits.*.metadata.evidence.*.quantity": "verdict.evidence_quantity",
        "audits.*.metadata.evidence.*.amount": "verdict.evidence_amount",
    },
    "/users/{user_id}/compliance/check": {
        "orders.*.price": "order.price",
        "orders.*.max_additional_qty": "order.max_additional_qty",
        "orders.*.clean_qty": "order.clean_qty",
        "orders.*.wash.disallowed": "order.wash_disallowed",
        "orders.*.wash.permanent": "order.wash_permanent",
        "orders.*.wash.clean_qty": "order.clean_qty",
        "orders.*.wash.loss": "order.wash_loss",
        "orders.*.wash.replacements.*.qty": "order.replaced_qty",
        "orders.*.wash.replacements.*.disallowed": "order.replaced_disallowed",
        "orders.*.wash.washed.*.qty": "order.replaced_qty",
        "orders.*.wash.washed.*.disallowed": "order.replaced_disallowed",
        "orders.*.checks.*.metadata.amounts.*.value": "order.amount",
        "orders.*.checks.*.metadata.evidence.*.quantity": "order.evidence_quantity",
        "orders.*.checks.*.metadata.evidence.*.amount": "order.evidence_amount",
    },
    "/users/{user_id}/tax/lots": {
        **{f"reports.*.totals.{name}": f"tax_total.{name}" for name in further_figures.TAX_TOTAL},
        **{f"reports.*.lots.*.{name}": f"tax_lot.{name}" for name in further_figures.TAX_LOT},
    },
    "/users/{user_id}/tax/form-8949": {
        f"reports.*.rows.*.{name}": f"tax_sale.{name}" for name in further_figures.TAX_SALE
    },
    "/users/{user_id}/tax/broker-differences": {
        f"reports.*.sales.*.{name}": f"broker_difference.{name}"
        for name in further_figures.BROKER_DIFFERENCE
    },
    "/users/{user_id}/compliance/accounts": {
        f"accounts.*.{path}": f"account.{name}" for path, name in _OF_ACCOUNT.items()
    }
    | {f"accounts.*.{path}": f"account.{name}" for path, name in _OF_HOUSEHOLD.items()}
    | {f"household.*.{path}": f"household.{name}" for path, name in _OF_HOUSEHOLD.items()},
    "/prices/": {"prices.*.price": "market.price"},
    "/fx-rates/": {"rates.*.rate": "market.rate"},
}
"""By route and path, the figure that explains a field; a day of a breakdown is ``day.twr``.
Those of ``/what-if`` are asked for with its facts, of ``/what-if/explain``."""

NO_FIGURES: Final = frozenset(
    {
        "epoch",
        "version",
        "generation",
        "series_generation",
        "valuation_version",
        "total",
        "skip",
        "limit",
        "entries_closed",
        "entries_written",
        "days_held",
        "n",
        "trades",
        "total_trades",
        "closed_trades",
        "winning_trades",
        "losing_trades",
        "breakeven_trades",
        "total_symbols_traded",
        "days",
        "age_days",
        "weight",
        "qty",
        "potential_day_trades",
        "rule_version",
        "total_checks",
        "passed",
        "flagged",
        "failed",
        "provisional",
        "year",
        "day_trades_in_window",
        "unknown_days",
    }
)
"""Numbers that name a state of the book, a version of a rule or the year of a row, repeat a term of
the request, or count: the rows of a page, trades, checks, returns, or the days between two that
stand beside them."""


def fields_of(figure: str) -> list[str]:
    """Return the fields that a figure explains, each as ``route: path``."""
    return [
        f"{route}: {path}"
        for route, fields in FIGURE_FIELDS.items()
        for path, name in fields.items()
        if name == figure
    ]
