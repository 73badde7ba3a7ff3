"""The figures of tax reports, by the rules of washes over books of leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.compliance.taxes import Reporting
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.tax_reports import differences_of, reports_of
from tidebook.engine.explaining.marked_book import marked_rebuilt
from tidebook.engine.explaining.redrawn import Told, redrawn
from tidebook.engine.users import portfolios_of
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal
    from typing import TypeAlias

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.taxes import Form8949Row, TaxLot
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.engine.compliance.tax_reports import Differences, TaxReport
    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library

    _Find: TypeAlias = Callable[[Rebuilt, Mapping[str, AccountPolicy], int], Decimal]


def explain_tax(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of a tax report.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If there is no report in the currency, or no such row in it.
    """

    def find(made: Rebuilt, policies: Mapping[str, AccountPolicy], year: int) -> Decimal:
        reports = reports_of(made, policies, year, Reporting.NOT_REPORTED)
        return _in_report(reports, question, figure)

    return _of_year(library, question, figure, find)


def explain_broker_difference(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under what the law, or a broker, disallows of a sale.

    Raises:
        UnknownUserError: If the user has no portfolio.
        UnknownSubjectError: If there is no report in the currency, or no such row in it.
    """

    def find(made: Rebuilt, policies: Mapping[str, AccountPolicy], year: int) -> Decimal:
        return _in_differences(differences_of(made, policies, year), question, figure)

    return _of_year(library, question, figure, find)


def _of_year(library: Library, question: Question, figure: Figure, find: _Find) -> Drawn:
    ids = [one.portfolio_id for one in portfolios_of(library.reader, question.user_id or "")]
    household = library.compliance.household(ids)
    made, unit = rebuilt(household.facts), question.currency or ""
    year = _year(question) or library.now.year
    told, again = (
        Told(find(one, household.policies, year), unit) for one in (made, marked_rebuilt(made))
    )
    return redrawn(told, again, f"{figure.name.replace('_', ' ')}, {question.currency}")


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
