"""A household's book as tax sees it: the rows of Form 8949, and what open lots cost for tax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

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
    from tidebook.compliance.taxes import (
        BrokerDifference,
        Form8949Row,
        Household as TaxHousehold,
        TaxLot,
        TaxTotals,
    )
    from tidebook.engine.book_facts import Rebuilt
    from tidebook.engine.compliance.ports import Household

_HOME: Final = "US"


class TaxReport(NamedTuple):
    """What the accounts of a household in one currency come to for tax.

    ``rows`` are the sales of one year in the taxpayer's own taxable accounts, ``lots`` what is
    open in all accounts. ``totals`` are of the household's whole history. ``left_out`` names what
    the rule does not reach, accounts that are taxed in another country among it.
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
        history, abroad = household_history(keys, one), _abroad(one, policies)
        # A purchase abroad replaces what was sold at home; with nothing at home there is no report.
        is_home = len(abroad) < len(one.portfolios)
        view = match_washes(history.events if is_home else (), terms)
        own = [
            sale
            for sale in view.sales
            if sale.on.year == year
            and terms.account(sale.lot.account_id).owner is Owner.SELF
            and sale.lot.account_id not in abroad
        ]
        rows = form_8949(own, reporting, coins)
        held = tuple(each for each in history.held if each.lot.account_id not in abroad)
        lots = tax_lots(view, history._replace(held=held))
        left_out = (*history.left_out, *abroad.values())
        reports.append(TaxReport(one.currency, year, rows, lots, view.totals, left_out))
    return tuple(reports)


def _abroad(one: TaxHousehold, policies: Mapping[str, AccountPolicy]) -> dict[str, str]:
    """Return the accounts that are taxed by another country than the United States, and so told."""
    found = {
        portfolio_id: policies[portfolio_id].jurisdiction
        for portfolio_id in sorted(one.portfolios)
        if portfolio_id in policies and policies[portfolio_id].jurisdiction != _HOME
    }
    return {
        portfolio_id: f"portfolio {portfolio_id} is taxed by {country}; what the rule of that "
        "country says of its losses stands in its verdicts"
        for portfolio_id, country in found.items()
    }


class Differences(NamedTuple):
    """The sales of a year of which brokers report another disallowed loss, in one currency."""

    currency: str
    sales: tuple[BrokerDifference, ...]
    left_out: tuple[str, ...]


def tax_differences(household: Household, year: int) -> tuple[Differences, ...]:
    """Return where the law and what brokers report differ, one report for each currency."""
    return differences_of(rebuilt(household.facts), household.policies, year)


def differences_of(
    made: Rebuilt, policies: Mapping[str, AccountPolicy], year: int
) -> tuple[Differences, ...]:
    """Return the same of books that were made already."""
    terms, keys = wash_terms(made, policies), household_keys(made)
    found: list[Differences] = []
    for one in household_of(made, policies):
        history, abroad = household_history(keys, one), _abroad(one, policies)
        sales = broker_differences(history.events, terms)
        of_year = tuple(
            each for each in sales if each.on.year == year and each.account_id not in abroad
        )
        left_out = (*history.left_out, *abroad.values())
        found.append(Differences(one.currency, of_year, left_out))
    return tuple(found)
