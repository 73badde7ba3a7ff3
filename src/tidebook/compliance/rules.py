"""Rules: one signature for all, and the versions of them that were in force on a day.

A rule is a function ``(trade, context) -> verdict``. What may change with the years, its
parameters and its source, stands in rule sets, which are data. A trade is judged by the set in
force on its trading day, in the jurisdiction of its account.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.bound import UNBOUND
from tidebook.compliance.trades import Trade
from tidebook.compliance.verdicts import Amount, Status, Verdict
from tidebook.model.money import ZERO, larger
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.bound import Bound
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.day_trades import DayTradeRecord
    from tidebook.compliance.trades import Account, Exposure, Standing
    from tidebook.compliance.verdicts import Evidence

# A member asked of its class takes as long as all the rest of a comparison.
_PASS: Final = Status.PASS
_FLAG: Final = Status.FLAG
_FAIL: Final = Status.FAIL
_NOT_APPLICABLE: Final = Status.NOT_APPLICABLE
_PROVISIONAL: Final = Status.PROVISIONAL

ANYWHERE = "any"
"""The jurisdiction of limits that an owner or a broker sets."""


class Param(NamedTuple):
    """A parameter of a rule set: its value and unit, or a word where it is a choice."""

    name: str
    value: Decimal
    unit: str


class RuleSet(NamedTuple):
    """One version of a rule: from when to when it is in force, with which parameters, and why.

    ``effective_to`` is the last day; None while no end is known.
    """

    jurisdiction: str
    rule_id: str
    version: str
    title: str
    effective_from: date
    effective_to: date | None
    params: Mapping[str, Param]
    source: str
    source_url: str

    def in_force(self, on: date) -> bool:
        """Tell whether this version is in force on a day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


class Context(NamedTuple):
    """All that a rule may look at beside the trade itself.

    ``day_trades`` are those up to and including the trade. ``earlier`` are the trades of the
    account on the same day before this one, in order. ``cash_breaches`` are what the trade breaks
    in an account that may not borrow. ``bound`` is what the account did on days before, as far as
    it binds it now.
    """

    ruleset: RuleSet
    account: Account
    standing: Standing
    exposure: Exposure
    day_trades: DayTradeRecord
    earlier: Sequence[Trade] = ()
    cash_breaches: Sequence[CashBreach] = ()
    bound: Bound = UNBOUND

    def param(self, name: str) -> Decimal:
        """Return a parameter: the broker's where it has one, or else that of the rule set."""
        return param(self.account, self.ruleset, name)

    def at_least(self, name: str) -> Decimal:
        """Return a parameter that a broker may only raise: the greater of the two."""
        ruled = self.ruleset.params[name].value
        policy = self.account.policy
        return ruled if policy is None or not policy.params else max(ruled, self.param(name))


def param(account: Account, ruleset: RuleSet, name: str) -> Decimal:
    """Return a parameter of a rule set, or what the account's policy states in place of it."""
    policy = account.policy
    if policy is not None and policy.params:
        stated = policy.params.get(f"{ruleset.rule_id}.{name}")
        if stated is not None:
            return stated
    return ruleset.params[name].value


Rule = Callable[[Trade, Context], Verdict]


class Findings(NamedTuple):
    """What a rule found, before it is told as a verdict."""

    status: Status
    reason: str
    evidence: tuple[Evidence, ...] = ()
    amounts: tuple[Amount, ...] = ()
    clears_on: date | None = None
    remedy: str = ""


Found = tuple[Status, str, "tuple[Evidence, ...]", tuple[Amount, ...], "date | None", str]
"""The fields of :class:`Findings`."""


def verdict(trade: Trade, ruleset: RuleSet, found: Found) -> Verdict:
    """Return what a rule found as a verdict of its version."""
    status, reason, evidence, amounts, clears_on, remedy = found
    return made(
        Verdict,
        (
            ruleset.rule_id,
            ruleset.version,
            status,
            trade.trade_id,
            reason,
            evidence,
            amounts,
            clears_on,
            remedy,
            ruleset.source_url,
        ),
    )


def passed(
    trade: Trade, ruleset: RuleSet, reason: str, amounts: tuple[Amount, ...] = ()
) -> Verdict:
    """Return the verdict that a rule is kept."""
    return verdict(trade, ruleset, (_PASS, reason, (), amounts, None, ""))


def flagged(
    trade: Trade, ruleset: RuleSet, reason: str, remedy: str, amounts: tuple[Amount, ...] = ()
) -> Verdict:
    """Return the verdict that a trade is permitted and needs attention."""
    return verdict(trade, ruleset, (_FLAG, reason, (), amounts, None, remedy))


def failed(
    trade: Trade, ruleset: RuleSet, reason: str, remedy: str, amounts: tuple[Amount, ...] = ()
) -> Verdict:
    """Return the verdict that a trade breaks a rule."""
    return verdict(trade, ruleset, (_FAIL, reason, (), amounts, None, remedy))


def not_applicable(
    trade: Trade, ruleset: RuleSet, reason: str, amounts: tuple[Amount, ...] = ()
) -> Verdict:
    """Return the verdict that a rule does not bind here."""
    return verdict(trade, ruleset, (_NOT_APPLICABLE, reason, (), amounts, None, ""))


def undecided(trade: Trade, ruleset: RuleSet, reason: str, remedy: str) -> Verdict:
    """Return the verdict that what the rule needs is missing: it never passes a trade."""
    return verdict(trade, ruleset, (_PROVISIONAL, reason, (), (), None, remedy))


def rule_set_on(
    sets: Iterable[RuleSet], rule_id: str, jurisdiction: str, on: date
) -> RuleSet | None:
    """Return the version of a rule that is in force on a day, where there is one."""
    return next(
        (
            one
            for one in sets
            if one.rule_id == rule_id
            and one.jurisdiction in {jurisdiction, ANYWHERE}
            and one.in_force(on)
        ),
        None,
    )


def money(name: str, value: Decimal | None, account: Account, why: str = "") -> Amount:
    """Return an amount in the account's currency."""
    return made(Amount, (name, value, account.currency, why))


def times(name: str, value: Decimal | None, why: str = "") -> Amount:
    """Return a multiple."""
    return made(Amount, (name, value, "times", why))


def count(name: str, value: Decimal) -> Amount:
    """Return a number of things."""
    return made(Amount, (name, value, "count", ""))


def short_of(needed: Decimal, there: Decimal) -> Decimal:
    """Return what is missing of what is needed; never below 0."""
    return larger(needed - there, ZERO)
