"""From the books of a household to the verdicts on all its trades."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.day_trades import CountMethod
from tidebook.compliance.market_values import MarketValues, asset_class
from tidebook.compliance.packs import version_on
from tidebook.compliance.policies import (
    AccountPolicy,
    accounts_of,
    digital_assets_from,
    section_1256_contracts,
    superficial_window_days,
    tax_account_of,
    wash_window_days,
)
from tidebook.compliance.rulebook import BROKEN
from tidebook.compliance.rules import undecided
from tidebook.compliance.taxes import (
    AssetClass as TaxClass,
    Household,
    HouseholdReading,
    Identity,
    SuperficialTerms,
    WashTerms,
    keys_of_sales,
    match_superficial,
    washed_sales,
)
from tidebook.compliance.taxes.superficial_view import SUPERFICIAL_RULE_ID
from tidebook.compliance.taxes.wash_terms import WASH_RULE_ID
from tidebook.compliance.trades import AssetClass
from tidebook.compliance.walking import Books, Judged, judged_trades, keeps_cash
from tidebook.compliance.wash_verdicts import (
    of_superficial,
    of_washes,
    tax_verdict,
)
from tidebook.model.instruments import OptionRight

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from tidebook.book.lots import Folded
    from tidebook.compliance.trades import Account, Trade
    from tidebook.compliance.verdicts import Verdict
    from tidebook.compliance.wash_verdicts import (
        TaxVerdicts,
    )
    from tidebook.engine.book_facts import BookFacts, Rebuilt
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

FUNDED_FROM_OUTSIDE: Final = "FUNDED_FROM_OUTSIDE"
"""The type of a portfolio whose money comes and goes with each trade."""
_COUNT_METHOD: Final = f"pattern_day_trading.{CountMethod.OPENING_TRANSACTION.value}"
_TAX_CLASSES: Final = {
    AssetClass.CRYPTO: TaxClass.DIGITAL_ASSET,
    AssetClass.FUTURE: TaxClass.SECTION_1256,
}
AMERICA: Final = "US"
CANADA: Final = "CA"
_TAX_RULES: Final = {AMERICA: WASH_RULE_ID, CANADA: SUPERFICIAL_RULE_ID}
"""The rule on losses of each country."""


class Asked(NamedTuple):
    """What is to be judged: trades from a day on, as known up to ``as_of``.

    A portfolio without a policy of its own is taken as :class:`AccountPolicy` says.
    """

    policies: Mapping[str, AccountPolicy]
    since: date
    as_of: date


class Markets:
    """The market of some facts, in each currency that accounts are kept in."""

    def __init__(self, given: BookFacts) -> None:
        """Keep the prices, rates and instruments of ``given``; nothing is worked out yet."""
        self._given = given
        self._found: dict[str, MarketValues] = {}

    def known_to(self, given: BookFacts) -> Markets:
        """Return the market of other facts, with what was worked out here and still stands."""
        other = Markets(given)
        _, instruments, _, rates, _ = given.facts
        for currency, values in self._found.items():
            if values.learns(instruments, given.prices, rates):
                other._found[currency] = values
        return other

    def in_currency(self, currency: str) -> MarketValues:
        """Return what accounts in a currency are judged with."""
        found = self._found.get(currency)
        if found is None:
            _, instruments, _, rates, _ = self._given.facts
            found = MarketValues(currency, instruments, self._given.prices, rates)
            self._found[currency] = found
        return found


def judge_household(
    made: Rebuilt, asked: Asked, markets: Markets | None = None
) -> dict[str, list[Judged]]:
    """Return the trades of each portfolio from a day on, in order, each with its verdicts.

    Losses and purchases of all the portfolios count together.

    Args:
        made: Their books.
        asked: What is to be judged.
        markets: The market, where others are judged with it, too.
    """
    markets = Markets(made.rests_on) if markets is None else markets
    transactions = {fact.transaction_id: fact for fact in made.rests_on.facts.transactions}
    taxes = taxes_of(made, asked)
    found: dict[str, list[Judged]] = {}
    for portfolio_id in made.rests_on.facts.portfolios:
        books = books_of(made, portfolio_id, asked.policies, transactions, markets)
        found[portfolio_id] = [
            Judged(one.trade, one.verdicts + tax_verdicts(one.trade, books.account, taxes))
            for one in judged_trades(books, asked.since)
        ]
    return found


def books_of(
    made: Rebuilt,
    portfolio_id: str,
    policies: Mapping[str, AccountPolicy],
    transactions: Mapping[str, Transaction],
    markets: Markets,
) -> Books:
    """Return what one portfolio's trades are judged from."""
    portfolio = made.rests_on.facts.portfolios[portfolio_id]
    policy = policies.get(portfolio_id, AccountPolicy())
    entries = made.entries(portfolio_id)
    instruments = made.rests_on.facts.instruments
    has_cash = portfolio.portfolio_type != FUNDED_FROM_OUTSIDE and keeps_cash(entries, instruments)
    accounts = accounts_of(portfolio_id, portfolio.base_currency, policy, keeps_cash=has_cash)
    method = (
        CountMethod.OPENING_TRANSACTION
        if policy.params.get(_COUNT_METHOD)
        else CountMethod.DIRECTION_CHANGE
    )
    market = markets.in_currency(portfolio.base_currency)
    account = accounts[-1][1]
    return Books(account, entries, transactions, market, method, accounts, policy.fills)


def wash_terms(made: Rebuilt, policies: Mapping[str, AccountPolicy]) -> WashTerms:
    """Return the accounts and securities of a household as the tax view sees them."""
    facts = made.rests_on.facts
    instruments = facts.instruments
    groups = {
        security: group
        for policy in policies.values()
        for security, group in policy.identical.items()
    }
    return WashTerms(
        {
            portfolio_id: tax_account_of(portfolio_id, policies[portfolio_id])
            for portfolio_id in facts.portfolios
            if portfolio_id in policies
        },
        Identity(groups, _calls(instruments)),
        tax_classes(instruments)
        | dict.fromkeys(section_1256_contracts(policies.values()), TaxClass.SECTION_1256),
        digital_assets_from(policies.values()),
        wash_window_days(policies.values()),
    )


def tax_classes(instruments: Mapping[str, Instrument]) -> dict[str, TaxClass]:
    """Return what the tax rules tell apart from stock, by security."""
    return {
        security_id: _TAX_CLASSES[kind]
        for security_id, instrument in instruments.items()
        if (kind := asset_class(instrument)) in _TAX_CLASSES
    }


def household_keys(made: Rebuilt) -> dict[tuple[str, str], Folded]:
    """Return every key of every portfolio."""
    return {
        (portfolio_id, security_id): folded
        for portfolio_id, keys in made.keys.items()
        for security_id, folded in keys.items()
    }


def household_of(made: Rebuilt, policies: Mapping[str, AccountPolicy]) -> list[Household]:
    """Return the portfolios by the currency that they are kept, and taxed, in."""
    facts = made.rests_on.facts
    orders = {fill: order for policy in policies.values() for fill, order in policy.fills.items()}
    by_currency: dict[str, dict[str, Portfolio]] = defaultdict(dict)
    for portfolio_id, portfolio in facts.portfolios.items():
        by_currency[portfolio.base_currency][portfolio_id] = portfolio
    return [
        Household(portfolios, facts.instruments, facts.actions, currency, orders)
        for currency, portfolios in by_currency.items()
    ]


def country_of(policies: Mapping[str, AccountPolicy], portfolio_id: str) -> str:
    """Return the country that taxes an account."""
    return policies.get(portfolio_id, AccountPolicy()).jurisdiction


def superficial_terms(terms: WashTerms, policies: Mapping[str, AccountPolicy]) -> SuperficialTerms:
    """Return the terms of superficial losses for the accounts and securities of a household."""
    days = superficial_window_days(policies.values())
    return SuperficialTerms(terms.accounts, terms.identity, days)


Taxes = dict[tuple[str, str], "TaxVerdicts | Exception"]
"""What each tax rule says of the accounts in each currency, or what kept it from being run."""


def taxes_of(made: Rebuilt, asked: Asked) -> Taxes:
    """Return what the tax rules say of all sales and purchases of a household."""
    terms = wash_terms(made, asked.policies)
    keys = keys_of_sales(household_keys(made), terms.identity)
    countries = {country_of(asked.policies, each) for each in made.rests_on.facts.portfolios}
    found: Taxes = {}
    for household in household_of(made, asked.policies):
        currency = household.currency
        for country, rule_id in _TAX_RULES.items():
            if country not in countries:
                continue
            try:
                events = HouseholdReading(keys, household).events
                if country == CANADA:
                    common = superficial_terms(terms, asked.policies)
                    view = match_superficial(events, common)
                    found[rule_id, currency] = of_superficial(view, asked.as_of, currency)
                else:
                    sales = washed_sales(events, terms)
                    found[rule_id, currency] = of_washes(sales, asked.as_of, currency)
            except BROKEN as error:
                found[rule_id, currency] = error
    return found


def tax_verdicts(trade: Trade, account: Account, taxes: Taxes) -> tuple[Verdict, ...]:
    """Return what the tax rule of an account's country says of a trade; nothing without one."""
    rule_id = _TAX_RULES.get(account.jurisdiction, "")
    ruleset = version_on(rule_id, account.jurisdiction, trade.on)
    found = taxes.get((rule_id, account.currency))
    if ruleset is None or found is None:
        return ()
    if isinstance(found, Exception):
        reason = f"the rule could not be run: {type(found).__name__}: {found}"
        return (undecided(trade, ruleset, reason, "report it with the trade"),)
    return (tax_verdict(trade, account, ruleset, found),)


def _calls(instruments: Mapping[str, Instrument]) -> dict[str, str]:
    return {
        security_id: instrument.underlying_id
        for security_id, instrument in instruments.items()
        if instrument.option_right is OptionRight.CALL and instrument.underlying_id
    }
