"""The rule sets: every version of every rule, from when to when, with parameters and source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tidebook.compliance.buying_power import DAY_TRADING_BUYING_POWER
from tidebook.compliance.cash_rules import CASH_ACCOUNT
from tidebook.compliance.day_trades import CountMethod
from tidebook.compliance.day_trading import (
    LEGACY_ENDED_ON,
    PATTERN_DAY_TRADING,
    PHASE_IN_ENDS_ON,
)
from tidebook.compliance.intraday_rules import INTRADAY_MARGIN
from tidebook.compliance.limits import (
    OPPOSITE_TRADE,
    ORDER_VALUE_LIMIT,
    POSITION_SIZE_LIMIT,
    RESTRICTED_LIST,
    SECTOR_CONCENTRATION,
    USER_LIMITS,
)
from tidebook.compliance.margin_rules import (
    LEVERAGE_LIMIT,
    MAINTENANCE_MARGIN,
    MINIMUM_EQUITY,
    REG_T_INITIAL,
)
from tidebook.compliance.rules import ANYWHERE, Param, RuleSet, rule_set_on
from tidebook.compliance.taxes.superficial_view import (
    SUPERFICIAL_RULE_ID,
    SUPERFICIAL_RULE_VERSION,
    SUPERFICIAL_SOURCE_URL,
)
from tidebook.compliance.taxes.wash_terms import (
    WASH_RULE_ID,
    WASH_RULE_VERSION,
    WASH_SOURCE_URL,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_RN_21_13: Final = "https://www.finra.org/rules-guidance/notices/21-13"
_APPROVAL: Final = "https://www.govinfo.gov/content/pkg/FR-2026-04-17/html/2026-07485.htm"
_RULE_4210: Final = "https://www.finra.org/rules-guidance/rulebooks/finra-rules/4210"
_REG_T: Final = "https://www.ecfr.gov/current/title-12/chapter-II/subchapter-A/part-220"


def _param(name: str, value: str, unit: str) -> Param:
    return Param(name, Decimal(value), unit)


def _params(*params: Param) -> Mapping[str, Param]:
    return {param.name: param for param in params}


_PATTERN: Final = _params(
    _param("day_trades_min", "4", "count"),
    _param("share_above", "0.06", "fraction"),
    _param("equity_min", "25000", "USD"),
    _param("resets_max", "1", "count"),
)
_MAINTENANCE: Final = _params(
    _param("long", "0.25", "fraction"),
    _param("short", "0.3", "fraction"),
    _param("short_low", "1", "fraction"),
    _param("short_per_share", "5", "USD"),
    _param("short_low_per_share", "2.5", "USD"),
)


def _limit(rule_id: str, title: str, *params: Param) -> RuleSet:
    """Return the rule set of a limit that a house or an owner sets, in force on any day."""
    return RuleSet(
        ANYWHERE, rule_id, "1", title, date.min, None, _params(*params), "a limit of the house", ""
    )


RULE_SETS: Final[tuple[RuleSet, ...]] = (
    RuleSet(
        "US",
        PATTERN_DAY_TRADING,
        "2001-09-28",
        "Pattern day trader",
        date(2001, 9, 28),
        date(2021, 3, 23),
        _PATTERN,
        "FINRA 4210(f)(8)(B), before it NASD 2520(f)(8)(B)",
        _RULE_4210,
    ),
    RuleSet(
        "US",
        PATTERN_DAY_TRADING,
        "2021-03-24",
        "Pattern day trader, day trades counted by changes of direction",
        date(2021, 3, 24),
        PHASE_IN_ENDS_ON,
        _PATTERN,
        "FINRA 4210(f)(8)(B), Interpretation /02, Regulatory Notice 21-13",
        _RN_21_13,
    ),
    RuleSet(
        "US",
        PATTERN_DAY_TRADING,
        "2027-10-21",
        "Day trades, counted for information",
        date.fromordinal(PHASE_IN_ENDS_ON.toordinal() + 1),
        None,
        _PATTERN,
        "FINRA 4210(f)(8)(B), deleted by SR-FINRA-2025-017, Regulatory Notice 26-10",
        _APPROVAL,
    ),
    RuleSet(
        "US",
        DAY_TRADING_BUYING_POWER,
        "2001-09-28",
        "Day-trading buying power of a pattern day trader",
        date(2001, 9, 28),
        PHASE_IN_ENDS_ON,
        _params(
            _param("multiple", "4", "times"),
            _param("multiple_on_call", "2", "times"),
            _param("rate", "0.25", "fraction"),
            _param("call_sessions", "5", "sessions"),
            _param("hold_sessions", "2", "sessions"),
            _param("freeze_days", "90", "days"),
        ),
        "FINRA 4210(f)(8)(B)(iii) and (iv), before it NASD 2520(f)(8)(B)",
        _RULE_4210,
    ),
    RuleSet(
        "US",
        INTRADAY_MARGIN,
        "2026-06-04",
        "Intraday margin standard",
        date.fromordinal(LEGACY_ENDED_ON.toordinal() + 1),
        None,
        _params(
            _param("minor_share", "0.05", "fraction"),
            _param("minor_max", "1000", "USD"),
            _param("due_sessions", "5", "sessions"),
            _param("expires_sessions", "15", "sessions"),
            _param("freeze_days", "90", "days"),
            _param("practice_min", "4", "count"),
            *_MAINTENANCE.values(),
        ),
        "FINRA 4210(a)(17) to (19) and (d)(2), SR-FINRA-2025-017, Regulatory Notice 26-10",
        _APPROVAL,
    ),
    RuleSet(
        "US",
        REG_T_INITIAL,
        "1974-01-03",
        "Initial margin",
        date(1974, 1, 3),
        None,
        _params(
            _param("long", "0.5", "fraction"),
            _param("short", "1.5", "fraction"),
            _param("full", "1", "fraction"),
        ),
        "Regulation T, 12 CFR 220.12",
        f"{_REG_T}/section-220.12",
    ),
    RuleSet(
        "US",
        MAINTENANCE_MARGIN,
        "2010-12-02",
        "Maintenance margin",
        date(2010, 12, 2),
        None,
        _MAINTENANCE,
        "FINRA 4210(c), before it NYSE 431",
        _RULE_4210,
    ),
    RuleSet(
        "US",
        MINIMUM_EQUITY,
        "2010-12-02",
        "Smallest equity of a margin account",
        date(2010, 12, 2),
        None,
        _params(_param("equity_min", "2000", "USD")),
        "FINRA 4210(b)",
        _RULE_4210,
    ),
    RuleSet(
        "US",
        CASH_ACCOUNT,
        "2024-05-28",
        "Cash accounts: good faith and free riding",
        date(1998, 4, 1),
        None,
        _params(
            _param("freeze_days", "90", "days"),
            _param("good_faith_min", "3", "count"),
            _param("liquidation_min", "3", "count"),
        ),
        "Regulation T, 12 CFR 220.8; settlement by 17 CFR 240.15c6-1",
        f"{_REG_T}/section-220.8",
    ),
    RuleSet(
        "US",
        WASH_RULE_ID,
        WASH_RULE_VERSION,
        "Wash sales",
        date(1954, 8, 16),
        None,
        _params(_param("window_days", "30", "days")),
        "Internal Revenue Code 1091, Treas. Reg. 1.1091-1 and -2, Rev. Rul. 2008-5 and 56-602",
        WASH_SOURCE_URL,
    ),
    RuleSet(
        "CA",
        SUPERFICIAL_RULE_ID,
        SUPERFICIAL_RULE_VERSION,
        "Superficial losses",
        date(1972, 1, 1),
        None,
        _params(_param("window_days", "30", "days")),
        'Income Tax Act s. 54 "superficial loss", 40(2)(g)(i) and 53(1)(f)',
        SUPERFICIAL_SOURCE_URL,
    ),
    _limit(
        LEVERAGE_LIMIT,
        "Gross exposure over equity",
        _param("intraday_max", "4", "times"),
        _param("overnight_max", "2", "times"),
    ),
    _limit(POSITION_SIZE_LIMIT, "Size of one position", _param("limit_pct", "20", "percent")),
    _limit(SECTOR_CONCENTRATION, "Size of one sector", _param("limit_pct", "40", "percent")),
    _limit(RESTRICTED_LIST, "Restricted securities"),
    _limit(ORDER_VALUE_LIMIT, "Value of one order", _param("value_max", "1000000", "currency")),
    _limit(OPPOSITE_TRADE, "Trades against itself", _param("window_seconds", "60", "seconds")),
    _limit(USER_LIMITS, "Limits that the owner has set"),
)
"""Every rule set, the older versions of a rule before the newer ones."""


@lru_cache(maxsize=4096)
def version_on(rule_id: str, jurisdiction: str, on: date) -> RuleSet | None:
    """Return the version of a rule that is in force on a day, where there is one."""
    return rule_set_on(RULE_SETS, rule_id, jurisdiction, on)


PARAM_NAMES: Final = frozenset(
    {
        f"{PATTERN_DAY_TRADING}.{CountMethod.OPENING_TRANSACTION.value}",
        *(f"{one.rule_id}.{name}" for one in RULE_SETS for name in one.params),
    }
)
"""What the policy of an account may state in place of a rule set, as ``rule_id.parameter``."""
