"""Lots of one share price at a time, for the tests of tax rules."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.compliance.taxes import Closing, LotKey, Opening

if TYPE_CHECKING:
    from tidebook.book.postings import Order

D = Decimal
ACCOUNT = "A"


def place(on: str, identity: str) -> Order:
    """Return the place of a trade at noon."""
    day = date.fromisoformat(on)
    return (day, datetime(day.year, day.month, day.day, 12, tzinfo=UTC), 0, identity, "main")


def bought(lot_id: str, on: str, shares: int, security_id: str = "X") -> Opening:
    """Return a purchase."""
    return Opening(place(on, lot_id), LotKey(ACCOUNT, security_id, lot_id), D(shares))


def sold(sale_id: str, on: str, lot: Opening, shares: int, amounts: tuple[int, int]) -> Closing:
    """Return a sale of a lot's shares; ``amounts`` are proceeds and cost."""
    proceeds, cost = amounts
    return Closing(
        place(on, sale_id),
        sale_id,
        lot.lot,
        lot.on,
        D(shares),
        D(shares),
        D(proceeds),
        D(cost),
    )
