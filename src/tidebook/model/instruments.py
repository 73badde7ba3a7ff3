"""What can be held, and the cash accounts that need no introduction."""

from __future__ import annotations

import re
from typing import NamedTuple

PLAIN_CASH = "CASH"
"""Cash in the currency of the transaction that mentions it."""
_CASH_ID = re.compile(r"CASH(?:_([A-Z0-9]{3,10}))?\Z")


class Instrument(NamedTuple):
    """A security, fund, coin or cash account, known by ``security_id``.

    ``currency`` is the one its price and local cost are kept in.
    """

    security_id: str
    name: str
    currency: str
    product_type: str
    isin: str | None = None
    asset_class: str | None = None
    sector: str | None = None
    country_of_risk: str | None = None

    @property
    def is_cash(self) -> bool:
        """Whether one unit is always worth one unit of its currency."""
        return self.product_type.casefold() == "cash"


def cash_account(currency: str) -> str:
    """Return the id of the cash account of ``currency``: ``CASH_USD``."""
    return f"CASH_{currency}"


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
