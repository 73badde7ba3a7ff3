"""The rulebook: every rule under its id, and the one place where rules are run.

A rule that cannot be run says so in a verdict of its own; the others go on.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance import limits, margin_rules
from tidebook.compliance.bound import UNBOUND
from tidebook.compliance.buying_power import DAY_TRADING_BUYING_POWER, day_trading_buying_power
from tidebook.compliance.cash_rules import CASH_ACCOUNT, cash_account
from tidebook.compliance.day_trading import PATTERN_DAY_TRADING, pattern_day_trading
from tidebook.compliance.intraday_rules import INTRADAY_MARGIN, intraday_margin
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import Context, rule_set_on, undecided
from tidebook.compliance.trades import exposure_after
from tidebook.compliance.verdicts import Status
from tidebook.errors import TidebookError
from tidebook.model.money import exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tidebook.compliance.bound import Bound
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.day_trades import DayTradeRecord
    from tidebook.compliance.rules import Rule, RuleSet
    from tidebook.compliance.trades import Account, Standing, Trade
    from tidebook.compliance.verdicts import Verdict

RULES: Final[Mapping[str, Rule]] = {
    PATTERN_DAY_TRADING: pattern_day_trading,
    DAY_TRADING_BUYING_POWER: day_trading_buying_power,
    margin_rules.LEVERAGE_LIMIT: margin_rules.leverage_limit,
    limits.POSITION_SIZE_LIMIT: limits.position_size_limit,
    INTRADAY_MARGIN: intraday_margin,
    margin_rules.REG_T_INITIAL: margin_rules.reg_t_initial,
    margin_rules.MAINTENANCE_MARGIN: margin_rules.maintenance_margin,
    margin_rules.MINIMUM_EQUITY: margin_rules.minimum_equity,
    CASH_ACCOUNT: cash_account,
    limits.SECTOR_CONCENTRATION: limits.sector_concentration,
    limits.RESTRICTED_LIST: limits.restricted_list,
    limits.ORDER_VALUE_LIMIT: limits.order_value_limit,
    limits.OPPOSITE_TRADE: limits.opposite_trade,
    limits.USER_LIMITS: limits.user_limits,
}
"""Every rule that judges one trade in its account, in the order in which verdicts are told."""

BROKEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, TidebookError)
"""What a rule that cannot be run raises; the verdict then says so, and never passes."""


_ON_EQUITY = frozenset(
    {
        PATTERN_DAY_TRADING,
        DAY_TRADING_BUYING_POWER,
        INTRADAY_MARGIN,
        margin_rules.REG_T_INITIAL,
        margin_rules.MAINTENANCE_MARGIN,
        margin_rules.MINIMUM_EQUITY,
        margin_rules.LEVERAGE_LIMIT,
        limits.POSITION_SIZE_LIMIT,
        limits.SECTOR_CONCENTRATION,
    }
)
"""Rules by which more equity could make a breach into none."""


class Situation(NamedTuple):
    """The account around a trade: all of a context but the rule set."""

    account: Account
    standing: Standing
    day_trades: DayTradeRecord
    earlier: Sequence[Trade] = ()
    cash_breaches: Sequence[CashBreach] = ()
    bound: Bound = UNBOUND


def judged(
    trade: Trade, situation: Situation, rules: Mapping[str, Rule] = RULES
) -> tuple[Verdict, ...]:
    """Return what every rule in force on the day of a trade says of it.

    A rule without a version in force on the day, or for the jurisdiction, says nothing.
    """
    with exact():
        return told(trade, situation, rules)


def told(
    trade: Trade, situation: Situation, rules: Mapping[str, Rule] = RULES
) -> tuple[Verdict, ...]:
    """Return the same as :func:`judged`, inside an exact context."""
    account, standing, *history = situation
    common = (account, standing, exposure_after(trade, standing), *history)
    found = [
        run(rules[rule_id], trade, made(Context, (ruleset, *common)))
        for rule_id, ruleset in _in_force(account.jurisdiction, trade.on)
        if rule_id in rules
    ]
    return tuple(map(_tempered, found) if account.is_floor else found)


def run(rule: Rule, trade: Trade, context: Context) -> Verdict:
    """Return what one rule says; that it could not be run, where it breaks."""
    try:
        return rule(trade, context)
    except BROKEN as error:
        reason = f"the rule could not be run: {type(error).__name__}: {error}"
        remedy = "report it with the trade; the verdict is made again when its facts change"
        return undecided(trade, context.ruleset, reason, remedy)


def _tempered(found: Verdict) -> Verdict:
    """Return a verdict on equity as what it can be where the book knows but a part of that."""
    if found.rule_id not in _ON_EQUITY:
        return found
    if found.status not in {Status.FAIL, Status.FLAG}:
        return found
    return found._replace(
        status=Status.FLAG,
        reason=f"{found.reason}; the account's cash is not in the book, so its equity may be more",
        remedy=f"state what the account has beside its positions; {found.remedy}",
    )


@lru_cache(maxsize=4096)
def _in_force(jurisdiction: str, on: date) -> tuple[tuple[str, RuleSet], ...]:
    """Return the versions in force on a day, in the order in which verdicts are told."""
    found = ((rule_id, rule_set_on(RULE_SETS, rule_id, jurisdiction, on)) for rule_id in RULES)
    return tuple((rule_id, ruleset) for rule_id, ruleset in found if ruleset is not None)
