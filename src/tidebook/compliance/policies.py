"""What an owner says of an account, from which day on: type, broker, limits and household."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes import Account as TaxAccount, AccountKind, Owner
from tidebook.compliance.taxes.superficial_view import SUPERFICIAL_RULE_ID
from tidebook.compliance.taxes.wash_terms import WASH_RULE_ID, WASH_WINDOW_DAYS
from tidebook.compliance.trades import (
    NO_DAY_TRADER_TERMS,
    Account,
    AccountType,
    BrokerPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from tidebook.compliance.trades import (
        DayTradeRegime,
        DayTraderTerms,
        Restriction,
        SecurityTerms,
        UserLimit,
    )


class AccountPolicy(NamedTuple):
    """All that is stated of an account; what is left out is taken as an ordinary margin account.

    ``params`` replace those of rule sets, named ``rule_id.parameter``. ``household_id`` joins
    accounts whose losses and purchases count together. ``identical`` names the group of each
    security that is substantially identical to others. ``equity_elsewhere`` is in the account's
    currency, for accounts whose cash is not in the book. ``orders`` names the broker's order that
    a trade is a fill of, by the id of the trade.

    Losses on and after ``mark_to_market_from`` stand under an election of section 475(f), and those
    on digital assets can be washed from ``digital_assets_from`` on.

    It holds for trades from ``effective_from`` on; ``before`` says what held until then.
    """

    type: AccountType = AccountType.MARGIN
    jurisdiction: str = "US"
    day_trade_regime: DayTradeRegime | None = None
    confirmed_on: date | None = None
    params: Mapping[str, Decimal] = {}
    limits: tuple[UserLimit, ...] = ()
    restricted: tuple[Restriction, ...] = ()
    equity_elsewhere: Decimal | None = None
    tax_kind: AccountKind = AccountKind.TAXABLE
    owner: Owner = Owner.SELF
    household_id: str = ""
    identical: Mapping[str, str] = {}
    mark_to_market_from: date | None = None
    digital_assets_from: date | None = None
    day_trader: DayTraderTerms = NO_DAY_TRADER_TERMS
    securities: Mapping[str, SecurityTerms] = {}
    orders: Mapping[str, str] = {}
    effective_from: date = date.min
    before: AccountPolicy | None = None

    def after(self, stated: AccountPolicy | None) -> AccountPolicy:
        """Return this policy with those of ``stated`` before it that it does not replace."""
        while stated is not None and stated.effective_from >= self.effective_from:
            stated = stated.before
        return self._replace(before=stated)

    @property
    def dated(self) -> tuple[AccountPolicy, ...]:
        """All that was stated, the first days first."""
        found: list[AccountPolicy] = []
        policy: AccountPolicy | None = self
        while policy is not None:
            found.append(policy)
            policy = policy.before
        return tuple(reversed(found))

    @property
    def fills(self) -> dict[str, str]:
        """The broker's order of each trade, of all that was stated."""
        return {fill: order for one in self.dated for fill, order in one.orders.items()}


def account_of(
    account_id: str, currency: str, policy: AccountPolicy, *, keeps_cash: bool
) -> Account:
    """Return an account as rules see it under one policy."""
    broker = BrokerPolicy(account_id, policy.day_trade_regime, policy.confirmed_on, policy.params)
    return Account(
        account_id,
        policy.type,
        policy.jurisdiction,
        currency,
        broker,
        policy.limits,
        policy.restricted,
        keeps_cash,
        policy.equity_elsewhere,
        policy.day_trader,
        policy.securities,
    )


def accounts_of(
    account_id: str, currency: str, policy: AccountPolicy, *, keeps_cash: bool
) -> tuple[tuple[date, Account], ...]:
    """Return an account as rules see it from each day on, the first days first.

    Before the first day of which anything is stated it is an ordinary margin account.
    """
    dated = policy.dated
    if dated[0].effective_from > date.min:
        ordinary = AccountPolicy(jurisdiction=dated[0].jurisdiction)
        dated = (ordinary, *dated)
    return tuple(
        (one.effective_from, account_of(account_id, currency, one, keeps_cash=keeps_cash))
        for one in dated
    )


def tax_account_of(account_id: str, policy: AccountPolicy) -> TaxAccount:
    """Return an account as the tax view sees it."""
    return TaxAccount(account_id, policy.tax_kind, policy.owner, policy.mark_to_market_from)


def wash_window_days(policies: Iterable[AccountPolicy]) -> int:
    """Return how many days a wash reaches either way: the law's 30, or more where one says so."""
    return max([WASH_WINDOW_DAYS, *_windows(WASH_RULE_ID, policies)])


def superficial_window_days(policies: Iterable[AccountPolicy]) -> int:
    """Return how many days a superficial loss reaches either way: 30, or more as stated."""
    return max([WASH_WINDOW_DAYS, *_windows(SUPERFICIAL_RULE_ID, policies)])


def _windows(rule_id: str, policies: Iterable[AccountPolicy]) -> list[int]:
    name = f"{rule_id}.window_days"
    return [int(one.params[name]) for one in policies if name in one.params]


def digital_assets_from(policies: Iterable[AccountPolicy]) -> date | None:
    """Return the first day on which a household's losses on digital assets can be washed."""
    stated = [one.digital_assets_from for one in policies]
    return min((day for day in stated if day is not None), default=None)


def section_1256_contracts(policies: Iterable[AccountPolicy]) -> frozenset[str]:
    """Return the securities that the owner says are marked to market by section 1256."""
    return frozenset(
        security_id
        for one in policies
        for security_id, terms in one.securities.items()
        if terms.is_section_1256
    )
