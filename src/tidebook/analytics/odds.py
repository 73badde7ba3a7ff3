"""How often and how much is won, of results in any unit: trades in money, or returns.

A result of exactly 0 is neither won nor lost. The measures of returns take the same formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.finite import check_returns
from tidebook.errors import UnusableParameterError

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats
    from tidebook.analytics.figures import Figure


def share_won(won: int, lost: int) -> Figure:
    """Return the share of wins among wins and losses; undefined where there is neither.

    Example:
        >>> share_won(3, 1)
        0.75
    """
    return won / (won + lost) if won + lost else Undefined(Reason.TOO_FEW_RETURNS)


def won_over_lost(won: float, lost: float) -> Figure:
    """Return the sum of all wins over that of all losses; undefined where nothing was lost."""
    return won / lost if lost else Undefined(Reason.NO_DOWNSIDE)


def win_rate(results: Floats) -> Figure:
    """Return the share of wins among wins and losses; undefined where there is neither.

    Raises:
        UnusableSeriesError: If a result is not finite.
    """
    check_returns(results)
    return share_won(int((results > 0).sum()), int((results < 0).sum()))


def win_rate_of_all(results: Floats) -> Figure:
    """Return the share of wins among all results, also those of 0; undefined without any.

    Raises:
        UnusableSeriesError: If a result is not finite.
    """
    check_returns(results)
    return float((results > 0).mean()) if results.size else Undefined(Reason.TOO_FEW_RETURNS)


def profit_factor(results: Floats) -> Figure:
    """Return what was won over what was lost; undefined where nothing was lost.

    Raises:
        UnusableSeriesError: If a result is not finite.
    """
    check_returns(results)
    won, lost = results[results > 0].sum(), results[results < 0].sum()
    return won_over_lost(float(won), -float(lost))


def kelly_fraction_fixed_odds(win_probability: float, win: float, loss: float) -> float:
    """Return the share of capital to stake at fixed odds, p - (1 - p) / (win / loss).

    The stake is lost whole or not at all; what matters is the ratio of win to loss. Negative
    where the bet is against the player.

    Args:
        win_probability: p, between 0 and 1.
        win: What is won, above 0.
        loss: What is lost, above 0.

    Raises:
        UnusableParameterError: If one of them is outside its range.
    """
    _check_bet(win_probability, win, loss)
    return win_probability - (1.0 - win_probability) * loss / win


def kelly_leverage_growth_optimal(win_probability: float, win: float, loss: float) -> float:
    """Return the multiple of capital to invest that grows it fastest, p / loss - (1 - p) / win.

    Win and loss are returns of what is invested, so that small ones allow a multiple above 1.
    This is another quantity than the fraction at fixed odds, though both are called Kelly's.

    Args:
        win_probability: p, between 0 and 1.
        win: The return if won, above 0.
        loss: The return lost otherwise, above 0.

    Raises:
        UnusableParameterError: If one of them is outside its range.

    Example:
        >>> round(kelly_leverage_growth_optimal(0.6, 0.02, 0.01), 6)
        40.0
    """
    _check_bet(win_probability, win, loss)
    return win_probability / loss - (1.0 - win_probability) / win


def _check_bet(win_probability: float, win: float, loss: float) -> None:
    if not 0.0 <= win_probability <= 1.0:
        raise UnusableParameterError("win_probability", win_probability, allowed="from 0 to 1")
    for name, amount in (("win", win), ("loss", loss)):
        if not 0.0 < amount < float("inf"):
            raise UnusableParameterError(name, amount, allowed="above 0")
