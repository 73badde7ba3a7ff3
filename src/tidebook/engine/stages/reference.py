"""The reference stage: every fact but transactions, and requests to fold again."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from tidebook.engine import topics
from tidebook.engine.records import (
    CANCELLED,
    action_from,
    assertion_from,
    business_date_from,
    instrument_from,
    portfolio_from,
    price_from,
    price_ref,
    rate_from,
    rate_ref,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from tidebook.engine.store import Unit

    Records = Sequence[Mapping[str, str]]

_BOOKINGS_REST_ON: Final = frozenset(
    {
        topics.RAW_PORTFOLIOS,
        topics.RAW_INSTRUMENTS,
        topics.RAW_FX_RATES,
        topics.RAW_CORPORATE_ACTIONS,
    }
)
_VALUES_REST_ON: Final = frozenset(
    {
        topics.RAW_INSTRUMENTS,
        topics.RAW_MARKET_PRICES,
        topics.RAW_FX_RATES,
        topics.RAW_BUSINESS_DATES,
        topics.RAW_CORPORATE_ACTIONS,
    }
)


def take(unit: Unit, topic: str, records: Records, now: Callable[[], datetime]) -> int:
    """Write a batch of one topic's facts with all they bring about; return the duplicates.

    What bookings rest on is owned while it changes, and so is what valuations rest on; whoever
    reads them waits the few milliseconds, and no wake-up can fall between. The facts are believed
    from the instant at which that wait was over. Facts and their cancellations are written in the
    order in which they were sent.
    """
    if topic in _BOOKINGS_REST_ON:
        unit.hold_reference(exclusive=True)
    if topic in _VALUES_REST_ON:
        unit.hold_market(exclusive=True)
    at = now()
    duplicates = 0
    for is_cancelled, run in groupby(records, key=lambda record: bool(record.get(CANCELLED))):
        write = _cancel if is_cancelled else _save
        duplicates += write(unit, topic, list(run), at)
    return duplicates


def _save(unit: Unit, topic: str, records: Records, at: datetime) -> int:
    match topic:
        case topics.RAW_PORTFOLIOS:
            duplicates = unit.save_portfolios([portfolio_from(record) for record in records], at)
        case topics.RAW_INSTRUMENTS:
            duplicates = unit.save_instruments([instrument_from(record) for record in records], at)
        case topics.RAW_MARKET_PRICES:
            duplicates = unit.save_prices([price_from(record) for record in records], at)
        case topics.RAW_FX_RATES:
            duplicates = unit.save_rates([rate_from(record) for record in records], at)
        case topics.RAW_BUSINESS_DATES:
            duplicates = unit.save_business_dates([business_date_from(one) for one in records], at)
        case topics.RAW_CORPORATE_ACTIONS:
            duplicates = unit.save_actions([action_from(record) for record in records], at)
        case topics.RAW_BALANCE_ASSERTIONS:
            duplicates = unit.save_assertions([assertion_from(record) for record in records], at)
        case topics.REPROCESSING_REQUESTED:
            unit.request_reprocessing([record["transaction_id"] for record in records], at)
            duplicates = 0
        case _:
            msg = f"no stage takes the topic {topic}"
            raise ValueError(msg)
    return duplicates


def _cancel(unit: Unit, topic: str, records: Records, at: datetime) -> int:
    match topic:
        case topics.RAW_MARKET_PRICES:
            return unit.cancel_prices([price_ref(record) for record in records], at)
        case topics.RAW_FX_RATES:
            return unit.cancel_rates([rate_ref(record) for record in records], at)
        case topics.RAW_BUSINESS_DATES:
            return unit.cancel_business_dates([business_date_from(one) for one in records], at)
        case topics.RAW_CORPORATE_ACTIONS:
            return unit.cancel_actions([record["actionId"] for record in records], at)
        case topics.RAW_BALANCE_ASSERTIONS:
            return unit.cancel_assertions([record["assertionId"] for record in records], at)
        case _:
            msg = f"nothing on the topic {topic} can be cancelled"
            raise ValueError(msg)
