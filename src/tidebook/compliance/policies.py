"""What an owner says of an account: type, broker, limits and household."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes import Account as TaxAccount, AccountKind, Owner
from tidebook.compliance.trades import (
    Account,
    AccountType,
    BrokerPolicy,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.trades import (
        DayTradeRegime,
        Restriction,
        UserLimit,
    )


class AccountPolicy(NamedTuple):
    """All that is stated of an account; what is left out is taken as an ordinary margin account.

    ``params`` replace those of rule sets, named ``rule_id.parameter``. ``household_id`` joins
    accounts whose losses and purchases count together. ``identical`` names the group of each
    security that is substantially identical to others. ``equity_elsewhere`` is in the account's
    currency, for accounts whose cash is not in the book.
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


def account_of(
    account_id: str, currency: str, policy: AccountPolicy, *, keeps_cash: bool
) -> Account:
    """Return an account as rules see it."""
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
    )


def tax_account_of(account_id: str, policy: AccountPolicy) -> TaxAccount:
    """Return an account as the tax view sees it."""
    return TaxAccount(account_id, policy.tax_kind, policy.owner)
