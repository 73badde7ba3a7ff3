"""The figures of verdicts and of tax reports, by the rules themselves over books of leaves.

What an answer says is as it is kept; its tree is of the facts of now. Where verdicts are not up to
date the tree comes to another figure, and says so.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import stated
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import Reporting
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Asked, judge_household
from tidebook.engine.compliance.tax_reports import differences_of, reports_of
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.marked_book import marked_policies, marked_rebuilt
from tidebook.engine.explaining.users import amount_tree
from tidebook.engine.users import portfolios_of
from tidebook.errors import UnknownSubjectError
from tidebook.model.traced import untraced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.compliance.taxes import Form8949Row, TaxLot
    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.compliance.ports import KeptVerdicts
    from tidebook.engine.compliance.tax_reports import Differences, TaxReport
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library


class Told(NamedTuple):
    """A figure of a verdict, in what it is counted, and why there is none."""

    value: Decimal | None
    unit: str
    why: str


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
    if again.value is None or told.value is None:
        reason = f"{label} ({told.why or again.why})" if told.why or again.why else label
        return Drawn(None, None, amount_tree(told.value, reason, told.unit))
    node = amount_tree(again.value, label, told.unit)
    return Drawn(None, None, stated(node, told.value))


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
        return Told(one.quantity, "", "")
    return Told(one.amount, one.currency or "", "")


def explain_tax(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a tax report.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If there is no report in the currency, or no such row in it.
    """
    ids = [one.portfolio_id for one in portfolios_of(library.reader, question.user_id or "")]
    household = library.compliance.household(ids)
    made = rebuilt(household.facts)
    year = _year(question) or library.now.year
    value, again = (
        _in_report(
            reports_of(one, household.policies, year, Reporting.NOT_REPORTED), question, figure
        )
        for one in (made, marked_rebuilt(made))
    )
    label = f"{figure.name.replace('_', ' ')}, {question.currency}"
    node = amount_tree(again, label, question.currency or "")
    return Drawn(None, None, stated(node, untraced(value)))


def explain_difference(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under what the law, or a broker, disallows of a sale.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If there is no report in the currency, or no such row in it.
    """
    ids = [one.portfolio_id for one in portfolios_of(library.reader, question.user_id or "")]
    household = library.compliance.household(ids)
    made = rebuilt(household.facts)
    year = _year(question) or library.now.year
    value, again = (
        _in_differences(differences_of(one, household.policies, year), question, figure)
        for one in (made, marked_rebuilt(made))
    )
    label = f"{figure.name.replace('_', ' ')}, {question.currency}"
    node = amount_tree(again, label, question.currency or "")
    return Drawn(None, None, stated(node, untraced(value)))


def _in_differences(found: Sequence[Differences], question: Question, figure: Figure) -> Decimal:
    row = question.row or 0
    for one in found:
        if one.currency == question.currency and row < len(one.sales):
            sale = one.sales[row]
            is_own = figure.name == "disallowed"
            return sale.disallowed if is_own else sale.disallowed_by_broker
    raise UnknownSubjectError(f"a row {row} of a report in {question.currency}", None)


def _year(question: Question) -> int | None:
    period = question.period
    return None if period is None else period.year


def _in_report(reports: Sequence[TaxReport], question: Question, figure: Figure) -> Decimal:
    for one in reports:
        if one.currency == question.currency:
            break
    else:
        raise UnknownSubjectError(f"a tax report in {question.currency}", None)
    if figure.scope == "tax_total":
        return one.totals._asdict()[figure.name]
    row = question.row or 0
    if figure.scope == "tax_lot" and row < len(one.lots):
        return _OF_LOT[figure.name](one.lots[row])
    if figure.scope == "tax_sale" and row < len(one.rows):
        return _OF_SALE[figure.name](one.rows[row])
    raise UnknownSubjectError(f"a row {row} in this report", None)


_OF_LOT: Final[Mapping[str, Callable[[TaxLot], Decimal]]] = {
    "quantity": lambda lot: lot.quantity,
    "cost": lambda lot: lot.cost,
    "deferred": lambda lot: lot.deferred,
    "basis": lambda lot: lot.basis,
}
_OF_SALE: Final[Mapping[str, Callable[[Form8949Row], Decimal]]] = {
    "proceeds": lambda row: row.proceeds,
    "cost_or_other_basis": lambda row: row.cost_or_other_basis,
    "adjustment": lambda row: row.adjustment,
    "gain_or_loss": lambda row: row.gain_or_loss,
}
