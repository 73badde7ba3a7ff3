"""What a portfolio earned and risked: pure functions in float64 over arrays."""

from tidebook.analytics.concentration import Concentration, concentration, weights_of
from tidebook.analytics.crossing import to_date, to_days, to_float64
from tidebook.analytics.daily_values import DailyValues
from tidebook.analytics.drawdown import (
    Drawdown,
    Fall,
    Spell,
    drawdown,
    drawdown_of,
    falls,
    longest_without_high,
)
from tidebook.analytics.figures import Figure, Reason, Undefined, value_of
from tidebook.analytics.money_weighted import (
    DatedAmounts,
    InternalRate,
    MoneyWeighted,
    RootStatus,
    internal_rate,
    money_weighted,
    present_value,
)
from tidebook.analytics.rates import Compounding, periodic_rate
from tidebook.analytics.relative import beta, information_ratio, tracking_error
from tidebook.analytics.returns import (
    FeeBasis,
    Linked,
    ReturnWarning,
    WarningKind,
    annualise,
    time_weighted,
)
from tidebook.analytics.risk import (
    downside_deviation,
    semi_deviation,
    sharpe,
    sortino,
    standard_deviation,
    volatility,
)
from tidebook.analytics.sampling import (
    DatedReturns,
    Frequency,
    Paired,
    log_returns,
    paired,
    resampled,
)
from tidebook.analytics.tail import (
    TailMethod,
    cornish_fisher,
    expected_shortfall,
    gaussian_shortfall,
    mean_loss_beyond,
    over_horizon,
    value_at_risk,
)

__all__ = [
    "Compounding",
    "Concentration",
    "DailyValues",
    "DatedAmounts",
    "DatedReturns",
    "Drawdown",
    "Fall",
    "FeeBasis",
    "Figure",
    "Frequency",
    "InternalRate",
    "Linked",
    "MoneyWeighted",
    "Paired",
    "Reason",
    "ReturnWarning",
    "RootStatus",
    "Spell",
    "TailMethod",
    "Undefined",
    "WarningKind",
    "annualise",
    "beta",
    "concentration",
    "cornish_fisher",
    "downside_deviation",
    "drawdown",
    "drawdown_of",
    "expected_shortfall",
    "falls",
    "gaussian_shortfall",
    "information_ratio",
    "internal_rate",
    "log_returns",
    "longest_without_high",
    "mean_loss_beyond",
    "money_weighted",
    "over_horizon",
    "paired",
    "periodic_rate",
    "present_value",
    "resampled",
    "semi_deviation",
    "sharpe",
    "sortino",
    "standard_deviation",
    "time_weighted",
    "to_date",
    "to_days",
    "to_float64",
    "tracking_error",
    "value_at_risk",
    "value_of",
    "volatility",
    "weights_of",
]
