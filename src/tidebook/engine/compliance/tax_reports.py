"""A household's book as tax sees it: the rows of Form 8949, and what open lots cost for tax."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes import (
    AssetClass,
    Owner,
    Reporting,
    broker_differences,
    form_8949,
    household_history,
    match_washes,
    tax_lots,
)
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import household_keys, household_of, wash_terms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.taxes import BrokerDifference, Form8949Row, TaxLot, TaxTotals
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.engine.compliance.ports import Household


class TaxReport(NamedTuple):
    """What the accounts of a household in one currency come to for tax.

    ``rows`` are the sales of one year in the taxpayer's own taxable accounts, ``lots`` what is
    open in all accounts. ``totals`` are of the household's whole history. ``left_out`` names what
    the rule does not reach.
    """

    currency: str
    year: int
    rows: tuple[Form8949Row, ...]
    lots: tuple[TaxLot, ...]
    totals: TaxTotals
    left_out: tuple[str, ...]


def tax_reports(
    household: Household, year: int, reporting: Reporting = Reporting.NOT_REPORTED
) -> tuple[TaxReport, ...]:
    """Return a household's reports, one for each currency that its books are kept in."""
    return reports_of(rebuilt(household.facts), household.policies, year, reporting)


def reports_of(
    made: Rebuilt, policies: Mapping[str, AccountPolicy], year: int, reporting: Reporting
) -> tuple[TaxReport, ...]:
    """Return the same of books that were made already."""
    terms, keys = wash_terms(made, policies), household_keys(made)
    coins = {one for one, kind in terms.classes.items() if kind is AssetClass.DIGITAL_ASSET}
    reports: list[TaxReport] = []
    for one in household_of(made, policies):
        history = household_history(keys, one)
        view = match_washes(history.events, terms)
        own = [
            sale
            for sale in view.sales
            if sale.on.year == year and terms.account(sale.lot.account_id).owner is Owner.SELF
        ]
        rows = form_8949(own, reporting, coins)
        lots = tax_lots(view, history)
        reports.append(TaxReport(one.currency, year, rows, lots, view.totals, history.left_out))
    return tuple(reports)


class Differences(NamedTuple):
    """The sales of a year of which brokers report another disallowed loss, in one currency."""

    currency: str
    sales: tuple[BrokerDifference, ...]
    left_out: tuple[str, ...]


def tax_differences(household: Household, year: int) -> tuple[Differences, ...]:
    """Return where the law and what brokers report differ, one report for each currency."""
    made = rebuilt(household.facts)
    terms, keys = wash_terms(made, household.policies), household_keys(made)
    found: list[Differences] = []
    for one in household_of(made, household.policies):
        history = household_history(keys, one)
        sales = broker_differences(history.events, terms)
        of_year = tuple(each for each in sales if each.on.year == year)
        found.append(Differences(one.currency, of_year, history.left_out))
    return tuple(found)
