"""Wins and losses one by one, and what to stake on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.truth.areas.quant.samples import compare, observed
from tidebook.analytics import (
    kelly_fraction_fixed_odds,
    kelly_leverage_growth_optimal,
    profit_factor,
    win_rate,
    win_rate_of_all,
)

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the stakes of a bet, or the figures of a list of results."""
    inputs = case["inputs"]
    if case["function"] == "kelly":
        bet = (inputs["p"], inputs["win"], inputs["loss"])
        leverage = kelly_leverage_growth_optimal(*bet)
        figures = {
            "fixed_odds_fraction": kelly_fraction_fixed_odds(*bet),
            "growth_optimal": leverage,
            "growth_optimal_leverage": leverage,
        }
        compare(figures, case)
        return
    results = observed(inputs, "pnl")
    figures = {
        "win_rate": win_rate(results),
        "win_rate_incl_flat": win_rate_of_all(results),
        "win_rate_excl_flat": win_rate(results),
        "profit_factor": profit_factor(results),
    }
    compare(figures, case)
