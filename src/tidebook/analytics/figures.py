"""A figure, or the reason why there is none.

Nothing undefined is ever shown as 0, infinity or not-a-number: a function that may have no answer
returns ``Figure``, which is either a float or an ``Undefined`` with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why a figure is undefined; the values are stable codes."""

    NO_DATA = "no-data"
    CHAIN_RESET = "chain-reset"
    BELOW_TOTAL_LOSS = "below-total-loss"
    UNDER_ONE_YEAR = "under-one-year"
    ZERO_DURATION = "zero-duration"
    NO_SIGN_CHANGE = "no-sign-change"
    NO_ROOT = "no-root"
    MULTIPLE_ROOTS = "multiple-roots"
    TOO_LARGE = "too-large"
    TOO_FEW_RETURNS = "too-few-returns"
    ZERO_VARIANCE = "zero-variance"
    NO_DOWNSIDE = "no-downside"
    TOTAL_LOSS = "total-loss"
    NOT_MONOTONE = "not-monotone"
    NO_VALUE = "no-value"
    NO_ODDS = "no-odds"
    NEVER_RESTATED = "never-restated"
    NEGATIVE_CAPITAL = "negative-capital"
    NO_BENCHMARK = "no-benchmark"
    NOT_KEPT = "not-kept"
    NO_CAPITAL = "no-capital"
    CAPITAL_BELOW_MINIMUM = "capital-below-minimum"
    CAPITAL_CROSSED_ZERO = "capital-crossed-zero"
    FLOW_WITHOUT_VALUE = "flow-without-value"
    SHORTER_THAN_WINDOW = "shorter-than-window"
    NO_OPENING_VALUE = "no-opening-value"


_SENTENCES = {
    Reason.NO_DATA: "there is no day of the portfolio in the period",
    Reason.CHAIN_RESET: "more than everything was lost inside the period, which breaks the chain",
    Reason.BELOW_TOTAL_LOSS: "a loss of more than everything has no yearly rate",
    Reason.UNDER_ONE_YEAR: "a period of less than one year is not annualised",
    Reason.ZERO_DURATION: "all flows fall on one day, so that no time passes between them",
    Reason.NO_SIGN_CHANGE: "money flows in one direction only",
    Reason.NO_ROOT: "no rate brings the flows to a present value of zero",
    Reason.MULTIPLE_ROOTS: "more than one rate brings the flows to a present value of zero",
    Reason.TOO_LARGE: "the rate is too large to be written as a number",
    Reason.TOO_FEW_RETURNS: "there are too few returns to measure how they scatter",
    Reason.ZERO_VARIANCE: "the returns do not vary, so that nothing can be divided by their spread",
    Reason.NO_DOWNSIDE: "no return fell short of the target, so that there is no downside",
    Reason.TOTAL_LOSS: "a loss of everything has no logarithm",
    Reason.NOT_MONOTONE: "skew and kurtosis are too large for the Cornish-Fisher expansion",
    Reason.NO_VALUE: "there is no value to take shares of",
    Reason.NO_ODDS: "nothing was won, or nothing was lost, so that there are no odds",
    Reason.NEGATIVE_CAPITAL: "the capital was below zero on a day, and parts of such a day do not "
    "add up to the linked return",
    Reason.NEVER_RESTATED: "nothing in the book was ever restated, so that no period began then",
    Reason.NO_BENCHMARK: "there is no benchmark to set the returns against",
    Reason.NOT_KEPT: "it needs every return, of which a running state keeps only sums",
    Reason.NO_CAPITAL: "there was no capital at work on which a gain would be a return",
    Reason.CAPITAL_BELOW_MINIMUM: "the capital at work was below the stated minimum",
    Reason.CAPITAL_CROSSED_ZERO: "the capital passed from above zero to below, or back",
    Reason.FLOW_WITHOUT_VALUE: "money flowed on a day on which the portfolio had no value",
    Reason.SHORTER_THAN_WINDOW: "there are fewer returns than the window holds",
    Reason.NO_OPENING_VALUE: "the period opens on a day on which the portfolio had no value",
}


@dataclass(frozen=True, slots=True)
class Undefined:
    """The place of a figure that has no meaning for its inputs."""

    reason: Reason

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return _SENTENCES[self.reason]


Figure = float | Undefined
"""A float, or the reason why there is none."""


def value_of(figure: Figure) -> float | None:
    """Return the number, or None where the figure is undefined."""
    return None if isinstance(figure, Undefined) else figure
