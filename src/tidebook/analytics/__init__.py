"""What a portfolio earned and risked: pure functions in float64 over arrays."""

from tidebook.analytics.crossing import to_date, to_days, to_float64
from tidebook.analytics.daily_values import DailyValues
from tidebook.analytics.drawdown import Drawdown, Fall, drawdown, drawdown_of
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
from tidebook.analytics.returns import (
    FeeBasis,
    Linked,
    ReturnWarning,
    WarningKind,
    annualise,
    time_weighted,
)

__all__ = [
    "DailyValues",
    "DatedAmounts",
    "Drawdown",
    "Fall",
    "FeeBasis",
    "Figure",
    "InternalRate",
    "Linked",
    "MoneyWeighted",
    "Reason",
    "ReturnWarning",
    "RootStatus",
    "Undefined",
    "WarningKind",
    "annualise",
    "drawdown",
    "drawdown_of",
    "internal_rate",
    "money_weighted",
    "present_value",
    "time_weighted",
    "to_date",
    "to_days",
    "to_float64",
    "value_of",
]
