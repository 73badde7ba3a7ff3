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
