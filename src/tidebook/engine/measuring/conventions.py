"""What measures rest on, in words: the same for every answer that tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics import Compounding, Estimator, ReturnKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.engine.measuring.risk import RiskTerms

_DEVIATIONS: Final = {
    Estimator.SAMPLE: "of a sample, over n - 1",
    Estimator.POPULATION: "of a population, over n",
}

MEASURED: Final[Mapping[str, str]] = {
    "capital": "opening value plus flows at the start of the day",
    "flows": "across the border of what is measured, without fees; positive is in",
    "fees": "booked by themselves, taxes that were booked so among them; the costs of a trade are "
    "in every return",
    "currency": "amounts of a day at the rate of that day, where another than the base is asked",
    "unpriced": "a position without a price or a rate is carried at its cost; see coverage",
    "day_count": "both ends of a period belong to it",
}
"""Of every measure of a portfolio."""

TIME_WEIGHTED: Final = "(emv - ecf - (bmv + bcf)) / |bmv + bcf| a day, linked; GROSS adds fees back"
MONEY_WEIGHTED: Final = (
    "the rate r with sum(flow / (1 + r) ** (days / 365)) = 0, where it is the only one"
)
ANNUALISED: Final = (
    "(1 + R) ** (365.25 / days) - 1 beyond 366 days, else R; days up to the last valued one"
)


def risk_conventions(terms: RiskTerms) -> Mapping[str, object]:
    """Return what the measures of risk rest on under these terms."""
    is_log = terms.kind is ReturnKind.LOG
    return {
        **MEASURED,
        "returns": "time-weighted, day by day, linked to the frequency; days without capital and "
        "the gap before them are left out",
        "frequency": terms.frequency.value,
        "periods_per_year": terms.k,
        "return_type": terms.kind.value,
        "deviation": _DEVIATIONS[terms.estimator],
        "risk_free_annual": terms.risk_free_annual,
        "compounding": (Compounding.CONTINUOUS if is_log else terms.compounding).value,
        "mar_annual": terms.target_annual,
        "annual_return": f"by the calendar, {ANNUALISED}",
        "value_at_risk": "a loss is positive; the horizon is reached with the root of time",
        "benchmark": "both series linked over the days that both have; nothing is filled in",
    }
