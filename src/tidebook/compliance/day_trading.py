"""The pattern day trader rule, FINRA 4210(f)(8)(B), and the count that brokers still show.

A margin account is a pattern day trader's when it makes four or more day trades within five
business days and these are more than 6 % of its executions in that time, and stays one until its
broker takes the designation back. It then needs 25,000 of equity at the close of the day before,
or may not day trade. The rule ended on 2026-06-03; a broker may
keep it for an account until 2027-10-20, and the account's policy then says so.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.bound import NO_DAY_TRADER, Designation
from tidebook.compliance.day_trades import by_date
from tidebook.compliance.rules import Findings, count, money, not_applicable, param, verdict
from tidebook.compliance.trades import AccountType, AssetClass, DayTradeRegime
from tidebook.compliance.verdicts import Amount, Evidence, Status
from tidebook.model.money import ONE, ZERO, larger, quotient
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.compliance.bound import DayTrader
    from tidebook.compliance.day_trades import DayTrade, Window
    from tidebook.compliance.rules import Context, RuleSet
    from tidebook.compliance.trades import Account, Known, Trade
    from tidebook.compliance.verdicts import Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_CASH: Final = AccountType.CASH
_CRYPTO: Final = AssetClass.CRYPTO
_LEGACY: Final = DayTradeRegime.LEGACY_PDT
_INTRADAY: Final = DayTradeRegime.INTRADAY_MARGIN
_PASS: Final = Status.PASS

PATTERN_DAY_TRADING = "pattern_day_trading"
LEGACY_ENDED_ON = date(2026, 6, 3)
"""The last day of the pattern day trader rule; firms may phase it out later."""
PHASE_IN_ENDS_ON = date(2027, 10, 20)
"""The last day on which a firm may still apply the pattern day trader rule to an account."""


class PatternRule(NamedTuple):
    """The thresholds of the rule: count and share both have to be passed for a pattern."""

    day_trades_min: Decimal
    share_above: Decimal
    equity_min: Decimal
    resets_max: int = 1
    """How often a broker takes a designation back in good faith."""


class Pattern(NamedTuple):
    """What an account's day trades come to in a window of sessions.

    ``ratio`` is day trades over executions, None where there was no execution. ``remaining`` is
    how many more day trades leave the account below the count of a pattern.
    """

    sessions: tuple[date, ...]
    day_trades: tuple[DayTrade, ...]
    by_date: Mapping[date, int]
    executions: int
    ratio: Decimal | None
    is_pattern: bool
    remaining: Decimal


def pattern_in(window: Window, rule: PatternRule) -> Pattern:
    """Return whether a window of sessions shows a pattern day trader.

    Exactly the share that is carved out is no pattern: 6 day trades among 100 executions.
    """
    sessions, day_trades, executed = window
    day_traded, executions = Decimal(len(day_trades)), Decimal(executed)
    least = rule.day_trades_min
    return made(
        Pattern,
        (
            sessions,
            day_trades,
            by_date(day_trades),
            executed,
            quotient(day_traded, executions) if executed else None,
            day_traded >= least and day_traded > rule.share_above * executions,
            larger(least - ONE - day_traded, ZERO),
        ),
    )


def designated_status(equity_prev_close: Known, rule: PatternRule) -> Status:
    """Return what the rule makes of a designated account: free with care, restricted, unknown."""
    if equity_prev_close.value is None:
        return Status.PROVISIONAL
    return Status.FLAG if equity_prev_close.value >= rule.equity_min else Status.FAIL


def why_exempt(account: Account, asset_class: AssetClass, on: date) -> str:
    """Return why the rule does not bind an account on a day; nothing where it does."""
    if account.type is _CASH:
        return "a cash account is not held to it; good-faith violations are looked at instead"
    if asset_class is _CRYPTO:
        return "coins are no securities, and trading them within a day is no day trade"
    if regime_on(account, on) is _INTRADAY:
        return (
            "the intraday margin standard has replaced it since 2026-06-04; "
            "the count of day trades is for information"
        )
    return ""


def regime_on(account: Account, on: date) -> DayTradeRegime:
    """Return which standard binds an account on a day.

    Until the intraday margin standard there was one; from its first day on it is the standard,
    unless the broker says that it keeps the old one for this account, which it may until
    2027-10-20.
    """
    if on <= LEGACY_ENDED_ON:
        return _LEGACY
    if on > PHASE_IN_ENDS_ON:
        return _INTRADAY
    policy = account.policy
    if policy is not None and policy.day_trade_regime is not None:
        return policy.day_trade_regime
    return _INTRADAY


def pattern_rule(account: Account, ruleset: RuleSet) -> PatternRule:
    """Return the thresholds for an account; a broker may ask for more equity, never for less."""
    named, policy = ruleset.params, account.policy
    if policy is None or not policy.params:
        share_above, resets_max = named["share_above"].value, int(named["resets_max"].value)
        least = named["equity_min"].value
        return made(PatternRule, (named["day_trades_min"].value, share_above, least, resets_max))
    least = max(named["equity_min"].value, param(account, ruleset, "equity_min"))
    return PatternRule(
        param(account, ruleset, "day_trades_min"),
        param(account, ruleset, "share_above"),
        least,
        int(param(account, ruleset, "resets_max")),
    )


def pattern_day_trading(trade: Trade, context: Context) -> Verdict:
    """Judge a trade by the day trades of its account up to and including it."""
    rule = pattern_rule(context.account, context.ruleset)
    known = context.bound.day_trader or NO_DAY_TRADER
    window = context.day_trades.window(trade.on).since(known.counted_from)
    pattern = pattern_in(window, rule)
    exempt = why_exempt(context.account, trade.asset_class, trade.on)
    if exempt:
        shown = () if context.account.type is _CASH else _amounts(pattern)
        return not_applicable(trade, context.ruleset, exempt, shown)
    designation = known.designation
    if designation is None and pattern.is_pattern:
        designation = Designation(trade.on, pattern.day_trades)
    if designation is None:
        told, amounts = f"{_told(pattern)}: no pattern", _amounts(pattern)
        found = (_PASS, told, _evidence(pattern), amounts, None, "")
        return verdict(trade, context.ruleset, found)
    known = known._replace(designation=designation)
    return verdict(trade, context.ruleset, _of_designated(trade, context, (pattern, known), rule))


def _of_designated(
    trade: Trade, context: Context, found: tuple[Pattern, DayTrader], rule: PatternRule
) -> Findings:
    pattern, known = found
    equity = context.standing.equity_prev_close
    status = designated_status(equity, rule)
    amounts = (
        *_amounts(pattern),
        money("equity_prev_close", equity.value, context.account, equity.why),
        money("equity_min", rule.equity_min, context.account),
    )
    evidence = (*_evidence(pattern), *_designated(known))
    told = f"{_told(pattern)}{_by_whom(pattern, known)}"
    if status is Status.PROVISIONAL:
        reason = f"{told}, and the equity is missing: {equity.why}"
        remedy = "send the prices that the value at the close before rests on"
        return Findings(status, reason, evidence, amounts, None, remedy)
    if status is Status.FLAG:
        reason = f"{told}, with equity enough to go on"
        remedy = f"keep the equity at or above {rule.equity_min}"
        return Findings(status, reason, evidence, amounts, None, remedy)
    if not any(one.closed_by == trade.trade_id for one in pattern.day_trades):
        reason = f"{told} short of equity; this trade is no day trade"
        status = Status.FLAG
    else:
        reason = f"{told}, whose equity is below {rule.equity_min}"
    remedy = (
        f"bring the equity to {rule.equity_min} before the next day trade, or state in the policy "
        "that the broker has taken the designation back"
    )
    return Findings(status, reason, evidence, amounts, None, remedy)


def _told(pattern: Pattern) -> str:
    number = len(pattern.day_trades)
    return f"{number} day trade{'' if number == 1 else 's'} in five sessions"


def _by_whom(pattern: Pattern, known: DayTrader) -> str:
    if pattern.is_pattern or known.designation is None:
        return " make a pattern day trader"
    return f", by a pattern day trader since {known.designation.on}"


def _designated(known: DayTrader) -> tuple[Evidence, ...]:
    """Return since when an account is designated, and what was not taken of it."""
    designation = known.designation
    if designation is None:
        return ()
    ids = tuple(one.closed_by for one in designation.day_trades)
    by = "" if ids else "designated by the broker"
    ignored = "the rule does not allow a further removal"
    return (
        Evidence("designated", ids, designation.on, note=by),
        *(Evidence("removal_not_taken", on=on, note=ignored) for on in known.not_taken),
    )


def _amounts(pattern: Pattern) -> tuple[Amount, ...]:
    why = "" if pattern.executions else "no execution"
    return (
        count("day_trades_in_window", Decimal(len(pattern.day_trades))),
        count("executions_in_window", Decimal(pattern.executions)),
        made(Amount, ("ratio", pattern.ratio, "fraction", why)),
        count("remaining_day_trades", pattern.remaining),
    )


def _evidence(pattern: Pattern) -> tuple[Evidence, ...]:
    if not pattern.day_trades:
        return ()
    return tuple(
        Evidence("day_trade", (*one.opened_by, one.closed_by), one.on, note=one.security_id)
        for one in pattern.day_trades
    )
