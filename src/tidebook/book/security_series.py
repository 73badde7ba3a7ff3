"""The daily series of one security: its value, and the capital that went into it and came out.

Seen from the security, a purchase brings capital in at the start of the day and a sale or a
dividend takes it out at the end, whoever paid for it. Its time-weighted return is what one unit
of currency, left in it, would have earned. Costs lie in the flows: a book kept from transactions
without taxes tells the return before taxes, one without costs that before costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.series import DatedFlow, contract_steps, daily_series, held_steps
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.series import Market, PortfolioDay


def security_flows(entries: Iterable[Entry]) -> list[DatedFlow]:
    """Return the capital that moved into (+) and out of (-) one key, in base currency.

    Conversions are those at which the entries were booked.
    """
    flows: list[DatedFlow] = []
    for entry in entries:
        posting = entry.posting
        if posting.flow is None or not posting.flow.position_flow:
            continue
        # Across the portfolio's border cash and capital move the same way, inside it opposite ways.
        same_way = posting.flow.position_flow == posting.flow.cash_amount
        amount = posting.flow_base if same_way else -posting.flow_base
        flows.append(DatedFlow(posting.on, amount, posting.flow.timing, is_cost=False))
    return flows


def security_series(
    days: Sequence[date], entries: Sequence[Entry], market: Market, multiplier: Decimal = ONE
) -> tuple[PortfolioDay, ...]:
    """Return one row per day of a security, as :func:`tidebook.book.series.daily_series` does.

    What lots were carried to or from another security with is no flow here: the series of either
    ends and begins without one. A contract on margin has no capital, and no series of its own.

    Args:
        days: The days to value, rising, from before or on the first of the entries on.
        entries: One key's entries, in their order.
        market: Prices, rates and the base currency.
        multiplier: What one unit is worth at a price of one.
    """
    currencies = {entry.posting.security_id: entry.posting.currency for entry in entries}
    holdings = [
        contract_steps(held, multiplier) for held in held_steps(entries, currencies, frozenset())
    ]
    return daily_series(days, holdings, security_flows(entries), market)
