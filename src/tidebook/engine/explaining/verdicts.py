"""The figures of verdicts, by the rules themselves over books of leaves.

What an answer says is as it is kept; its tree is of the facts of now. Where verdicts are not up to
date the tree comes to another figure, and says so.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING

from tidebook.compliance.policies import AccountPolicy
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Asked, judge_household
from tidebook.engine.explaining.marked_book import marked_policies, marked_rebuilt
from tidebook.engine.explaining.redrawn import Told, redrawn
from tidebook.engine.users import portfolios_of
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.compliance.ports import KeptVerdicts
    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library


def explain_verdict(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under an amount, or under a piece of evidence, of a verdict.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If nothing is said of the trade by that rule, or no such amount is.
    """
    user_id, rule_id = question.user_id or "", question.rule_id or ""
    ids = [one.portfolio_id for one in portfolios_of(library.reader, user_id)]
    kept = library.compliance.history(ids, question.transaction_id or "")
    if not kept or kept[-1].superseded_at is not None:
        raise UnknownSubjectError(f"a verdict on trade {question.transaction_id!r}", None)
    verdict = by_rule(kept[-1].verdicts, rule_id)
    told = told_of(verdict, question, figure)
    again = told_of(_judged_again(library, ids, kept[-1], verdict), question, figure)
    label = f"{_name(question, figure)} of {rule_id} on {question.transaction_id}"
    return redrawn(told, again, label)


def _judged_again(
    library: Library, ids: Sequence[str], kept: KeptVerdicts, verdict: Verdict
) -> Verdict:
    """Return a verdict drawn once more, of numbers that remember where they came from."""
    household = library.compliance.household(ids)
    rule = verdict.rule_id, verdict.rule_version
    policies = marked_policies(household.policies, kept.portfolio_id, rule, AccountPolicy())
    asked = Asked(policies, date.min, library.now.astimezone(UTC).date())
    found = judge_household(marked_rebuilt(rebuilt(household.facts)), asked)
    for one in found.get(kept.portfolio_id, ()):
        if one.trade.trade_id == kept.transaction_id:
            return by_rule(one.verdicts, verdict.rule_id)
    raise UnknownSubjectError(f"trade {kept.transaction_id!r}", kept.portfolio_id)


def by_rule(verdicts: Sequence[Verdict], rule_id: str) -> Verdict:
    """Return what a rule says.

    Raises:
        UnknownSubjectError: If it says nothing.
    """
    for one in verdicts:
        if one.rule_id == rule_id:
            return one
    raise UnknownSubjectError(f"a verdict by the rule {rule_id!r} on this trade", None)


def _name(question: Question, figure: Figure) -> str:
    return (question.amount or figure.name).replace("_", " ")


def told_of(verdict: Verdict, question: Question, figure: Figure) -> Told:
    """Return what a verdict tells under a name, or in a row of its evidence."""
    if figure.name == "amount":
        for one in verdict.amounts:
            if one.name == question.amount:
                return Told(one.value, one.unit, one.why)
        names = ", ".join(one.name for one in verdict.amounts)
        raise UnknownSubjectError(f"an amount {question.amount!r} among {names or 'none'}", None)
    row = question.row or 0
    if row >= len(verdict.evidence):
        raise UnknownSubjectError(f"a piece of evidence {row}", None)
    one = verdict.evidence[row]
    if figure.name == "evidence_quantity":
        return Told(one.quantity)
    return Told(one.amount, one.currency or "")
