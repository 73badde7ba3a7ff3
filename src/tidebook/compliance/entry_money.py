"""What entries of a book bring into an account, and what they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.cashflows import Classification
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry


def flow_of(entry: Entry) -> Decimal:
    """Return what an entry brings into the account from outside; negative for what it takes."""
    flow = entry.posting.flow
    if flow is None or not flow.is_portfolio_flow:
        return ZERO
    return ZERO if flow.classification is Classification.EXPENSE else entry.posting.flow_base


def incoming(amounts: Sequence[Decimal]) -> Decimal:
    """Return what comes in of amounts."""
    return sum((one for one in amounts if one > ZERO), ZERO)


def outgoing(amounts: Sequence[Decimal]) -> Decimal:
    """Return what goes out of amounts, negative."""
    return sum((one for one in amounts if one < ZERO), ZERO)
