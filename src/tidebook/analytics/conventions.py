"""Conventions: what a figure has to state besides its value before two of them can be compared."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import NormalDist
from typing import Final, NamedTuple

from tidebook.analytics.rates import Compounding, check_periods, periodic_rate
from tidebook.errors import UnusableParameterError

_NORMAL: Final = NormalDist()


class ReturnKind(StrEnum):
    """What scatters: the returns, or the logarithms of growth."""

    SIMPLE = "SIMPLE"
    """r, the gain over what was there before."""
    LOG = "LOG"
    """ln(1 + r), which adds up over time; yearly rates become ln(1 + a) / k."""


class Estimator(StrEnum):
    """Of what the returns are taken to be when their standard deviation is told."""

    SAMPLE = "SAMPLE"
    """A sample of more: squares over n - 1, from two returns on."""
    POPULATION = "POPULATION"
    """All there is: squares over n, as in Bacon (2008); of one return the deviation is 0."""

    @property
    def degrees_lost(self) -> int:
        """What is taken off n."""
        return 1 if self is Estimator.SAMPLE else 0


@dataclass(frozen=True, slots=True)
class Conventions:
    """How a series of returns is measured; every measure of a suite obeys the same.

    Raises:
        UnusableParameterError: If the year has no periods, a rate loses everything, the
            confidence is not between 0 and 1, or the horizon or the years are not above 0.
    """

    periods_per_year: float = 252
    """k, how many returns make a year."""
    risk_free_annual: float = 0.0
    """The yearly rate without risk, as a fraction; it may be negative."""
    target_annual: float = 0.0
    """The yearly return not to be missed: of Sortino, omega and the downside."""
    compounding: Compounding = Compounding.GEOMETRIC
    """How yearly rates become rates of a period; for log returns always continuous."""
    confidence: float = 0.95
    """c, the share of periods in which no more is lost than the value at risk."""
    horizon_periods: float = 1.0
    """How many periods a value at risk looks ahead; losses grow with its square root."""
    kind: ReturnKind = ReturnKind.SIMPLE
    """Which returns scatter. Wealth, drawdown, wins and capture are of simple returns always."""
    years: float | None = None
    """How long the series lasted by the calendar; None counts periods, n / k."""
    estimator: Estimator = Estimator.SAMPLE
    """Over what the squares of a standard deviation are averaged, n - 1 or n."""
    _rates: PerPeriod = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_periods(self.periods_per_year)
        if not 0.0 < self.confidence < 1.0:
            raise UnusableParameterError("confidence", self.confidence, allowed="between 0 and 1")
        for name, value in (("horizon_periods", self.horizon_periods), ("years", self.years)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UnusableParameterError(name, value, allowed="above 0")
        object.__setattr__(self, "_rates", self._per_period())

    def per_period(self) -> PerPeriod:
        """Return the same conventions as the measures use them: rates of one period."""
        return self._rates

    def _per_period(self) -> PerPeriod:
        compounding = self.compounding
        if self.kind is ReturnKind.LOG:
            compounding = Compounding.CONTINUOUS
        k = self.periods_per_year
        tail = 1.0 - self.confidence
        quantile = _NORMAL.inv_cdf(tail)
        return PerPeriod(
            k=k,
            root_k=math.sqrt(k),
            risk_free=periodic_rate(self.risk_free_annual, k, compounding),
            target=periodic_rate(self.target_annual, k, compounding),
            risk_free_annual=self.risk_free_annual,
            confidence=self.confidence,
            tail=tail,
            quantile=quantile,
            shortfall_quantile=-_NORMAL.pdf(quantile) / tail,
            horizon_root=math.sqrt(self.horizon_periods),
            years=self.years,
            degrees_lost=self.estimator.degrees_lost,
        )


class PerPeriod(NamedTuple):
    """Conventions brought to one period."""

    k: float
    root_k: float
    risk_free: float
    target: float
    risk_free_annual: float
    confidence: float
    tail: float
    """a = 1 - c, the mass of the tail."""
    quantile: float
    """The normal quantile at a."""
    shortfall_quantile: float
    """The mean of the normal distribution below that quantile."""
    horizon_root: float
    years: float | None
    degrees_lost: int
    """What a standard deviation takes off n: 1 of a sample, 0 of a population."""

    @property
    def spread_needs(self) -> int:
        """How many returns a standard deviation needs."""
        return self.degrees_lost + 1
