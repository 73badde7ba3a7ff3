"""The reference stage: every fact but transactions, and requests to fold again."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tidebook.engine import topics
from tidebook.engine.records import (
    assertion_from,
    instrument_from,
    portfolio_from,
    price_from,
    rate_from,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.store import Unit


def take(  # noqa: PLR0911 - one answer for each topic
    unit: Unit, topic: str, records: Sequence[Mapping[str, str]], at: datetime
) -> int:
    """Write a batch of one topic's facts with all they bring about; return the duplicates.

    What bookings rest on is owned while it changes, and so is what valuations rest on; whoever
    reads them waits the few milliseconds, and no wake-up can fall between.
    """
    if topic in {topics.RAW_PORTFOLIOS, topics.RAW_INSTRUMENTS, topics.RAW_FX_RATES}:
        unit.hold_reference(exclusive=True)
    if topic in {topics.RAW_MARKET_PRICES, topics.RAW_FX_RATES, topics.RAW_BUSINESS_DATES}:
        unit.hold_market(exclusive=True)
    match topic:
        case topics.RAW_PORTFOLIOS:
            return unit.save_portfolios([portfolio_from(record) for record in records], at)
        case topics.RAW_INSTRUMENTS:
            unit.hold_market(exclusive=True)
            return unit.save_instruments([instrument_from(record) for record in records], at)
        case topics.RAW_MARKET_PRICES:
            return unit.save_prices([price_from(record) for record in records], at)
        case topics.RAW_FX_RATES:
            return unit.save_rates([rate_from(record) for record in records], at)
        case topics.RAW_BUSINESS_DATES:
            days = [date.fromisoformat(record["businessDate"]) for record in records]
            return unit.save_business_dates(days, at)
        case topics.RAW_BALANCE_ASSERTIONS:
            return unit.save_assertions([assertion_from(record) for record in records], at)
        case topics.REPROCESSING_REQUESTED:
            unit.request_reprocessing([record["transaction_id"] for record in records], at)
            return 0
        case _:
            msg = f"no stage takes the topic {topic}"
            raise ValueError(msg)
