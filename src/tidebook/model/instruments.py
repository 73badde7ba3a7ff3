"""What can be held, and the cash accounts that need no introduction."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final, NamedTuple

from tidebook.model.money import ONE

PLAIN_CASH = "CASH"
"""Cash in the currency of the transaction that mentions it."""
_CASH_ID = re.compile(r"CASH(?:_([A-Z0-9]{3,10}))?\Z")
_CONTRACT: Final = re.compile(r"([A-Z]{1,6}) *(\d{2})(\d{2})(\d{2})([CP])(\d{5})(\d{3})")
_CENTURY: Final = 2000
_CONTRACT_SHARES: Final = Decimal(100)


class OptionRight(StrEnum):
    """What the holder of an option may do."""

    CALL = "CALL"
    PUT = "PUT"


_MARGINED = frozenset({"future", "futures", "perpetual", "perp", "swap", "cfd"})


class Instrument(NamedTuple):
    """A security, fund, coin, contract or cash account, known by ``security_id``.

    ``currency`` is the one its price and local cost are kept in. One unit is worth its price
    times ``multiplier``: 100 for an option on 100 shares, 0.01 for a bond quoted in percent of
    its nominal. The four fields after it are the terms of an option, a right or a future.
    """

    security_id: str
    name: str
    currency: str
    product_type: str
    isin: str | None = None
    asset_class: str | None = None
    sector: str | None = None
    country_of_risk: str | None = None
    multiplier: Decimal = ONE
    underlying_id: str = ""
    option_right: OptionRight | None = None
    strike: Decimal | None = None
    expires_on: date | None = None

    @property
    def is_cash(self) -> bool:
        """Whether one unit is always worth one unit of its currency."""
        return self.product_type.casefold() == "cash"

    @property
    def is_contract(self) -> bool:
        """Whether it is an option or held on margin: it can be written as well as held."""
        return self.option_right is not None or self.is_margined

    @property
    def is_margined(self) -> bool:
        """Whether it is held against margin: nothing is paid for it but its gains and losses."""
        return self.product_type.casefold() in _MARGINED


def cash_account(currency: str) -> str:
    """Return the id of the cash account of ``currency``: ``CASH_USD``."""
    return f"CASH_{currency}"


@lru_cache(maxsize=4096)
def built_in_instrument(security_id: str, currency: str) -> Instrument | None:
    """Return the cash account that ``security_id`` names by itself, or None.

    ``CASH_USD`` is cash in US dollars; plain ``CASH`` is cash in ``currency``, that of the
    transaction which mentions it.
    """
    match = _CASH_ID.match(security_id)
    if match is None:
        return None
    code = match.group(1) or currency
    return Instrument(security_id, f"Cash {code}", code, "Cash", asset_class="Cash")


def listed_option(symbol: str, currency: str) -> Instrument | None:
    """Return the option that a symbol of the Options Symbology Initiative names, on 100 shares.

    That is the root, the day of expiry, the right and the strike. Other symbols name none: also
    one whose root has a digit, which is of a contract that was adjusted and is for something else.

    >>> found = listed_option("ABC   240621C00040500", "USD")
    >>> found.underlying_id, str(found.expires_on), found.option_right.value, str(found.strike)
    ('ABC', '2024-06-21', 'CALL', '40.500')
    """
    parts = _CONTRACT.fullmatch(symbol)
    if parts is None:
        return None
    root, year, month, day, right, whole, thousandths = parts.groups()
    try:
        expires_on = date(_CENTURY + int(year), int(month), int(day))
    except ValueError:
        return None
    return Instrument(
        symbol,
        symbol,
        currency,
        "Option",
        asset_class="Option",
        multiplier=_CONTRACT_SHARES,
        underlying_id=root,
        option_right=OptionRight.CALL if right == "C" else OptionRight.PUT,
        strike=Decimal(f"{int(whole)}.{thousandths}"),
        expires_on=expires_on,
    )
