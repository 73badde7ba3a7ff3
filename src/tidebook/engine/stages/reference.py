"""The reference stage: portfolios, instruments, prices, rates, dates and requests to fold again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.records import instrument_from, portfolio_from, price_from, rate_from

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.store import Unit

_MARKET: Final = frozenset(
    {
        topics.RAW_INSTRUMENTS,
        topics.RAW_MARKET_PRICES,
        topics.RAW_FX_RATES,
        topics.RAW_BUSINESS_DATES,
    }
)
"""What valuations rest on."""


def take(
    unit: Unit, topic: str, records: Sequence[Mapping[str, str]], now: Callable[[], datetime]
) -> int:
    """Write a batch of one topic's facts with all they bring about; return the duplicates.

    What bookings rest on is owned while it changes, and so is what valuations rest on; whoever
    reads them waits the few milliseconds, and no wake-up can fall between. The facts are believed
    from the instant at which that wait was over.
    """
    if topic in {topics.RAW_PORTFOLIOS, topics.RAW_INSTRUMENTS, topics.RAW_FX_RATES}:
        unit.hold_reference(exclusive=True)
    if topic in _MARKET:
        unit.hold_market(exclusive=True)
    at = now()
    match topic:
        case topics.RAW_PORTFOLIOS:
            return unit.save_portfolios([portfolio_from(record) for record in records], at)
        case topics.RAW_INSTRUMENTS:
            return unit.save_instruments([instrument_from(record) for record in records], at)
        case topics.RAW_MARKET_PRICES:
            return unit.save_prices([price_from(record) for record in records], at)
        case topics.RAW_FX_RATES:
            return unit.save_rates([rate_from(record) for record in records], at)
        case topics.RAW_BUSINESS_DATES:
            return _take_dates(unit, records, at)
        case topics.REPROCESSING_REQUESTED:
            unit.request_reprocessing([record["transaction_id"] for record in records], at)
            return 0
        case _:
            msg = f"no stage takes the topic {topic}"
            raise ValueError(msg)


def _take_dates(unit: Unit, records: Sequence[Mapping[str, str]], at: datetime) -> int:
    """Set business dates and take others back; of one date in a batch the last word counts."""
    latest = {
        date.fromisoformat(record["businessDate"]): bool(record.get("withdrawn"))
        for record in records
    }
    given = [day for day, is_withdrawn in latest.items() if not is_withdrawn]
    gone = [day for day, is_withdrawn in latest.items() if is_withdrawn]
    repeated = len(records) - len(latest)
    unchanged = unit.withdraw_business_dates(gone, at) if gone else 0
    return repeated + unchanged + (unit.save_business_dates(given, at) if given else 0)
