"""What was earned: growth, wins and losses, and what past odds speak for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics.figures import Reason, Undefined
from tidebook.analytics.measures.measure import (
    BELOW_TOTAL_LOSS,
    NO_DOWNSIDE,
    Direction,
    Measure,
    Unit,
)
from tidebook.analytics.odds import (
    kelly_fraction_fixed_odds as stake_of,
    kelly_leverage_growth_optimal as leverage_of,
    share_won,
    won_over_lost,
)

if TYPE_CHECKING:
    from tidebook.analytics.figures import Figure
    from tidebook.analytics.summary import Summary

_NO_ODDS = Undefined(Reason.NO_ODDS)
_UNDER_ONE_YEAR = Undefined(Reason.UNDER_ONE_YEAR)
# 252 of 252 business days are a year, whatever the calendar makes of them.
_YEAR_NOISE = 1e-9


def cumulative_return(s: Summary) -> Figure:
    """Return what the periods come to together."""
    return s.growth - 1.0 if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def annual_return(s: Summary) -> Figure:
    """Return the yearly rate at which the periods compound; never of less than a year."""
    return yearly(s, s.growth, s.worst)


def yearly(s: Summary, growth: float, worst: float) -> Figure:
    """Return the yearly rate of a growth over the summary's time."""
    if worst < -1.0:
        return BELOW_TOTAL_LOSS
    years = s.n / s.rates.k if s.rates.years is None else s.rates.years
    if years < 1.0 - _YEAR_NOISE:
        return _UNDER_ONE_YEAR
    return growth ** (1.0 / years) - 1.0


def mean_return(s: Summary) -> Figure:
    """Return the arithmetic mean per period."""
    return s.mean


def geometric_mean_return(s: Summary) -> Figure:
    """Return the rate per period that compounds to the whole."""
    return s.growth ** (1.0 / s.n) - 1.0 if s.worst >= -1.0 else BELOW_TOTAL_LOSS


def best_return(s: Summary) -> Figure:
    """Return the best period."""
    return s.best


def worst_return(s: Summary) -> Figure:
    """Return the worst period."""
    return s.worst


def win_rate(s: Summary) -> Figure:
    """Return the share of wins among wins and losses."""
    return share_won(s.gain_count, s.loss_count)


def profit_factor(s: Summary) -> Figure:
    """Return what was won over what was lost."""
    return won_over_lost(s.gains, s.losses)


def payoff_ratio(s: Summary) -> Figure:
    """Return the mean win over the mean loss."""
    if not (s.gain_count and s.loss_count):
        return _NO_ODDS
    return (s.gains / s.gain_count) / (s.losses / s.loss_count)


def d_ratio(s: Summary) -> Figure:
    """Return the losses over the gains, each weighted by how many there are."""
    return s.loss_count * s.losses / (s.gain_count * s.gains) if s.gain_count else _NO_ODDS


def gain_to_pain(s: Summary) -> Figure:
    """Return the sum of all returns over the sum of the losses."""
    return (s.gains - s.losses) / s.losses if s.losses else NO_DOWNSIDE


def kelly_fraction_fixed_odds(s: Summary) -> Figure:
    """Return the share of capital to stake at the odds of the past."""
    bet = _bet(s)
    return bet if isinstance(bet, Undefined) else stake_of(*bet)


def kelly_leverage_growth_optimal(s: Summary) -> Figure:
    """Return the multiple of capital that grows it fastest at the odds of the past."""
    bet = _bet(s)
    return bet if isinstance(bet, Undefined) else leverage_of(*bet)


def _bet(s: Summary) -> tuple[float, float, float] | Undefined:
    if not (s.gain_count and s.loss_count):
        return _NO_ODDS
    rate = s.gain_count / (s.gain_count + s.loss_count)
    return rate, s.gains / s.gain_count, s.losses / s.loss_count


_HIGHER, _NEITHER = Direction.HIGHER, Direction.NEITHER
_BACON = "Bacon (2008)"

EARNED = (
    Measure(
        "cumulative_return", "Cumulative return", Unit.FRACTION, _HIGHER,
        "Π(1 + r) - 1", "more than everything lost", "GIPS (2020)", cumulative_return,
    ),
    Measure(
        "annual_return", "Annual return", Unit.FRACTION_PER_YEAR, _HIGHER,
        "(Π(1 + r)) ** (1 / years) - 1, years by the calendar or n / k",
        "under one year; more than everything lost", "GIPS (2020)", annual_return,
    ),
    Measure(
        "mean_return", "Mean return", Unit.FRACTION_PER_PERIOD, _HIGHER,
        "Σr / n", "never", _BACON, mean_return,
    ),
    Measure(
        "geometric_mean_return", "Geometric mean return", Unit.FRACTION_PER_PERIOD, _HIGHER,
        "(Π(1 + r)) ** (1 / n) - 1", "more than everything lost", _BACON, geometric_mean_return,
    ),
    Measure(
        "best_return", "Best period", Unit.FRACTION_PER_PERIOD, _HIGHER,
        "max r", "never", "by its name", best_return,
    ),
    Measure(
        "worst_return", "Worst period", Unit.FRACTION_PER_PERIOD, _HIGHER,
        "min r", "never", "by its name", worst_return,
    ),
    Measure(
        "win_rate", "Win rate", Unit.FRACTION, _HIGHER,
        "#(r > 0) / #(r ≠ 0)", "all returns are 0", "by its name", win_rate,
    ),
    Measure(
        "profit_factor", "Profit factor", Unit.RATIO, _HIGHER,
        "Σ max(0, r) / Σ max(0, -r)", "nothing was lost", "by its name", profit_factor,
    ),
    Measure(
        "payoff_ratio", "Payoff ratio", Unit.RATIO, _HIGHER,
        "mean win / mean loss", "no win or no loss", "by its name", payoff_ratio,
    ),
    Measure(
        "d_ratio", "d ratio", Unit.RATIO, Direction.LOWER,
        "#(r < 0) · Σ max(0, -r) / (#(r > 0) · Σ max(0, r))", "nothing was won", _BACON, d_ratio,
    ),
    Measure(
        "gain_to_pain", "Gain to pain", Unit.RATIO, _HIGHER,
        "Σr / Σ max(0, -r)", "nothing was lost", "Schwager (2012)", gain_to_pain,
    ),
    Measure(
        "kelly_fraction_fixed_odds", "Kelly fraction at fixed odds", Unit.FRACTION, _NEITHER,
        "p - (1 - p) · loss / win, p the win rate, win and loss the means",
        "no win or no loss", "Kelly (1956)", kelly_fraction_fixed_odds,
    ),
    Measure(
        "kelly_leverage_growth_optimal", "Growth-optimal leverage", Unit.RATIO, _NEITHER,
        "p / loss - (1 - p) / win", "no win or no loss", "Kelly (1956)",
        kelly_leverage_growth_optimal,
    ),
)  # fmt: skip
