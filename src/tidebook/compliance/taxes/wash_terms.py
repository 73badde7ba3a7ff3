"""When a loss can be washed: the window, and what the law does not reach.

Sources: Internal Revenue Code 1091(a) (stock or securities), 475(d)(1) (securities marked to
market by a trader), 1256(f)(5) (contracts marked to market by law). Notice 2014-21 calls digital
assets property, and none of the bills that would bring them under section 1091 has been enacted;
the day from which they are is therefore a term and not part of the code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, assert_never

from tidebook.compliance.taxes.identity import Identity
from tidebook.compliance.taxes.lot_events import Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

WASH_RULE_ID: Final = "wash_sale_us"
WASH_RULE_VERSION: Final = "1"
WASH_WINDOW_DAYS: Final = 30
WASH_SOURCE_URL: Final = "https://www.law.cornell.edu/uscode/text/26/1091"
NOT_ADVICE: Final = "This is not legal or tax advice."


class AssetClass(StrEnum):
    """What a security is in the eyes of section 1091."""

    SECURITY = "security"
    """Stock, a security, or a contract or option to acquire or sell one."""
    DIGITAL_ASSET = "digital_asset"
    SECTION_1256 = "section_1256"
    """A regulated future, a broad-based index option or another contract marked to market."""


MARKED_TO_MARKET: Final = "the account is marked to market under section 475(f)"
CONTRACT_MARKED: Final = "section 1256 contracts are marked to market: 1256(f)(5)"
NOT_A_SECURITY: Final = "a digital asset is property, not stock or a security"


@dataclass(frozen=True, slots=True)
class WashTerms:
    """A household's accounts and securities, and the parameters of the rule.

    ``digital_assets_from`` is the first day on which losses on digital assets can be washed; None
    while no law says so. Accounts that are not named are the taxpayer's own and taxable, and
    securities that are not named are stock. With ``excludes_block`` the rest of a block does not
    replace what was sold of it (Rev. Rul. 56-602).
    """

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    identity: Identity = field(default_factory=Identity)
    classes: Mapping[str, AssetClass] = field(default_factory=dict[str, AssetClass])
    digital_assets_from: date | None = None
    window_days: int = WASH_WINDOW_DAYS
    excludes_block: bool = True

    def account(self, account_id: str) -> Account:
        """Return an account of the household."""
        return self.accounts.get(account_id) or Account(account_id)

    def exemption(self, account_id: str, security_id: str, on: date) -> str | None:
        """Return why a loss of this day cannot be washed; None where it can."""
        marked = self.account(account_id).marked_to_market_from
        if marked is not None and on >= marked:
            return MARKED_TO_MARKET
        asset_class = self.classes.get(security_id, AssetClass.SECURITY)
        match asset_class:
            case AssetClass.SECURITY:
                return None
            case AssetClass.SECTION_1256:
                return CONTRACT_MARKED
            case AssetClass.DIGITAL_ASSET:
                since = self.digital_assets_from
                return None if since is not None and on >= since else NOT_A_SECURITY
            case _:
                assert_never(asset_class)

    def first_clean_day(self, on: date) -> date:
        """Return the first day after ``on`` that its window does not reach: 31 days later."""
        return on + timedelta(days=self.window_days + 1)
