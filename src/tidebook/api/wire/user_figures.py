"""The answers about what a user traded, holds and won."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics import Undefined
from tidebook.api.replies import Json, instant_or_null
from tidebook.api.wire.comparative import number, number_or_null, plain, rests_on
from tidebook.api.wire.performance import percent
from tidebook.model.money import converted, exact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from tidebook.analytics import Figure
    from tidebook.engine.measuring.comparing import Earned
    from tidebook.engine.user_figures import Activity, ClosedTrades, Holdings, SymbolFigures
    from tidebook.engine.users import UserBook

    Known = tuple[datetime | None, datetime]

_CURRENCY: Final = (
    "flows and what was realised at the rate of their day, value and cost at that of the last; a "
    "portfolio in another currency counts its lots in its own, so that what rates did to their "
    "cost is in profit and pnl alone"
)


def metrics_of(
    book: UserBook, done: Activity, held: Holdings, earned: Earned, known: Known
) -> Json:
    """Return what a user traded, holds and earned."""
    return {
        "user_id": book.user_id,
        "currency": book.currency,
        "total_trades": done.trades,
        "total_invested": number(done.bought),
        "total_value": number(held.value),
        "realized_pnl": number(held.realised),
        "unrealized_pnl": number_or_null(held.unrealised),
        "income": number(done.income),
        "fees": number(done.costs),
        "profit_dollar": number_or_null(earned.profit),
        "returns_percent": percent(earned.rates),
        "returns_annual_percent": percent(earned.rates_annual),
        "twr_percent": percent(earned.twr),
        "reasons": _reasons(
            {
                "returns_percent": earned.rates,
                "returns_annual_percent": earned.rates_annual,
                "twr_percent": earned.twr,
            }
        ),
        "first_trade": instant_or_null(done.first_at),
        "last_trade": instant_or_null(done.last_at),
        "coverage": number_or_null(held.coverage),
        "data_source": "book",
        "conventions": {
            "total_invested": "what was paid for purchases, before costs",
            "total_value": "all positions and cash; one without a price counts at its cost",
            "realized_pnl": "by lots, after costs, without income",
            "currency": _CURRENCY,
            "returns_percent": "money-weighted, since the first day, not a year's rate",
        },
        **rests_on(book, *known),
    }


def portfolio_of(book: UserBook, done: Activity, held: Holdings, top: int, known: Known) -> Json:
    """Return a user's totals and symbols."""
    with exact():
        pnl = sum((one.pnl for one in done.symbols), 0 * done.bought)
    return {
        "user_id": book.user_id,
        "currency": book.currency,
        "total_trades": done.trades,
        "total_invested": number(done.bought),
        "total_sold": number(done.sold),
        "total_value": number(held.value),
        "total_cost": number(held.cost),
        "total_pnl": number(pnl),
        "realized_pnl": number(held.realised),
        "unrealized_pnl": number_or_null(held.unrealised),
        "top_performers": _symbols([one for one in done.symbols if one.pnl > 0][:top]),
        "all_symbols": _symbols(done.symbols),
        "coverage": number_or_null(held.coverage),
        "data_source": "book",
        "conventions": {
            "pnl": "value now, and what sales and income brought, less what purchases cost; all "
            "after costs",
            "return_pct": "pnl over what was paid for purchases, before costs",
            "currency": _CURRENCY,
        },
        **rests_on(book, *known),
    }


def _symbols(figures: Sequence[SymbolFigures]) -> list[Json]:
    return [
        {
            "symbol": one.symbol,
            "trades": one.trades,
            "invested": number(one.invested),
            "value": number(one.value),
            "pnl": number(one.pnl),
            "return_pct": _hundredfold(one.return_on_invested),
        }
        for one in figures
    ]


def _hundredfold(fraction: Decimal | None) -> Decimal | None:
    if fraction is None:
        return None
    return number(round(converted(fraction, fraction * 0 + 100), 10))


def win_rate_of(book: UserBook, ended: ClosedTrades, known: Known) -> Json:
    """Return how closed trades ended."""
    return {
        "user_id": book.user_id,
        "currency": book.currency,
        "win_rate": percent(ended.win_rate),
        "win_rate_of_all": percent(ended.win_rate_of_all),
        "closed_trades": ended.closed,
        "winning_trades": ended.won,
        "losing_trades": ended.lost,
        "breakeven_trades": ended.even,
        "total_symbols_traded": ended.symbols,
        "average_win": number_or_null(ended.average_win),
        "average_loss": number_or_null(ended.average_loss),
        "expectancy": number_or_null(ended.expectancy),
        "profit_factor": plain(ended.profit_factor),
        "total_pnl": number(ended.total),
        "reasons": _reasons(
            {"win_rate": ended.win_rate, "profit_factor": ended.profit_factor},
        ),
        "data_source": "book",
        "conventions": {
            "closed_trade": "one sale or cover of one security, after costs",
            "win_rate": "percent of won among won and lost; a result of 0 is neither",
            "average_loss": "negative",
            "currency": _CURRENCY,
        },
        **rests_on(book, *known),
    }


def _reasons(figures: dict[str, Figure]) -> list[Json]:
    return [
        {"figure": name, "code": figure.reason.value, "sentence": figure.sentence}
        for name, figure in figures.items()
        if isinstance(figure, Undefined)
    ]
