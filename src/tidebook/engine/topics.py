"""Topics of the event log, and which partition a key belongs to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.model.cancellations import Cancellation

RAW_PORTFOLIOS: Final = "raw_portfolios"
RAW_INSTRUMENTS: Final = "raw_instruments"
RAW_TRANSACTIONS: Final = "raw_transactions"
RAW_MARKET_PRICES: Final = "raw_market_prices"
RAW_FX_RATES: Final = "raw_fx_rates"
RAW_BUSINESS_DATES: Final = "raw_business_dates"
RAW_CORPORATE_ACTIONS: Final = "raw_corporate_actions"
RAW_BALANCE_ASSERTIONS: Final = "raw_balance_assertions"
REPROCESSING_REQUESTED: Final = "transactions_reprocessing_requested"
TRANSACTIONS_COMPLETED: Final = "raw_transactions_completed"
MARKET_PRICE_PERSISTED: Final = "market_price_persisted"
PROCESSED_TRANSACTIONS: Final = "processed_transactions_completed"
SNAPSHOT_PERSISTED: Final = "daily_position_snapshot_persisted"

TRADE_OPENED: Final = "trade.opened"
TRADE_CLOSED: Final = "trade.closed"
ORDER_EXECUTED: Final = "order.executed"
STOP_TRIPPED: Final = "ess.tripped"
MARKET_TICK: Final = "market.tick"
SNAPSHOT_UPDATED: Final = "portfolio.snapshot_updated"
PNL_UPDATED: Final = "portfolio.pnl_updated"
DRAWDOWN_UPDATED: Final = "portfolio.drawdown_updated"
EXPOSURE_UPDATED: Final = "portfolio.exposure_updated"

LIVE_INPUT_TOPICS: Final = (
    TRADE_OPENED,
    TRADE_CLOSED,
    ORDER_EXECUTED,
    STOP_TRIPPED,
    MARKET_TICK,
)
LIVE_OUTPUT_TOPICS: Final = (SNAPSHOT_UPDATED, PNL_UPDATED, DRAWDOWN_UPDATED, EXPOSURE_UPDATED)

REFERENCE_TOPICS: Final = (
    RAW_PORTFOLIOS,
    RAW_INSTRUMENTS,
    RAW_MARKET_PRICES,
    RAW_FX_RATES,
    RAW_BUSINESS_DATES,
    RAW_BALANCE_ASSERTIONS,
    RAW_CORPORATE_ACTIONS,
    REPROCESSING_REQUESTED,
)

OUTPUT_TOPICS: Final = (
    TRANSACTIONS_COMPLETED,
    PROCESSED_TRANSACTIONS,
    MARKET_PRICE_PERSISTED,
    SNAPSHOT_PERSISTED,
)
INPUT_TOPICS: Final = (RAW_TRANSACTIONS, *REFERENCE_TOPICS)

DEAD_LETTERS: Final = ".dlq"
"""What the name of a topic ends in that keeps the records of another that cannot be processed."""

DURABLE_TOPICS: Final = (
    *INPUT_TOPICS,
    *OUTPUT_TOPICS,
    *(topic + DEAD_LETTERS for topic in INPUT_TOPICS),
)
"""Every topic of the log, and so of a broker that the log is shipped to."""

EVERYWHERE: Final = "GLOBAL"
"""The key of what belongs to no one."""

PARTITIONS: Final = 16
"""Partitions of every topic: a power of two, the same in every transport, never changed."""

_SEED: Final = 0x9747B28C
_MULTIPLIER: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF


@lru_cache(maxsize=100_000)
def partition(key: str) -> int:
    """Return the partition of a key, as Kafka's default partitioner would place it."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % PARTITIONS


_KEY_FIELDS: Final = {
    RAW_PORTFOLIOS: "portfolioId",
    RAW_INSTRUMENTS: "securityId",
    RAW_TRANSACTIONS: "portfolio_id",
    RAW_MARKET_PRICES: "securityId",
    RAW_CORPORATE_ACTIONS: "actionId",
    RAW_BALANCE_ASSERTIONS: "assertionId",
    REPROCESSING_REQUESTED: "transaction_id",
    TRANSACTIONS_COMPLETED: "portfolio_id",
    PROCESSED_TRANSACTIONS: "portfolio_id",
    SNAPSHOT_PERSISTED: "portfolio_id",
    MARKET_PRICE_PERSISTED: "security_id",
    MARKET_TICK: "symbol",
    **dict.fromkeys(
        (TRADE_OPENED, TRADE_CLOSED, ORDER_EXECUTED, STOP_TRIPPED, *LIVE_OUTPUT_TOPICS),
        "portfolio_id",
    ),
}


def key_of(topic: str, record: Mapping[str, object]) -> str:
    """Return the key that a record of the log was appended under.

    A record without the field has the empty key: it cannot be processed either, and is set apart.
    """
    if topic == RAW_FX_RATES:
        return pair_key(str(record.get("fromCurrency", "")), str(record.get("toCurrency", "")))
    if topic == RAW_BUSINESS_DATES:
        return EVERYWHERE
    if topic.endswith(DEAD_LETTERS):
        return f"{record.get('original_topic', '')}-{record.get('original_partition', '')}"
    return str(record.get(_KEY_FIELDS[topic], ""))


def murmur2(data: bytes) -> int:
    """Return the 32-bit MurmurHash2 of ``data`` with the seed that Kafka's clients use.

    Source: Austin Appleby, MurmurHash2 (public domain); the same function places a key on the
    same partition in every Kafka client library.
    """
    length = len(data)
    value = (_SEED ^ length) & _WORD
    whole = length - length % 4
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little")
        word = (word * _MULTIPLIER) & _WORD
        word ^= word >> 24
        word = (word * _MULTIPLIER) & _WORD
        value = ((value * _MULTIPLIER) & _WORD) ^ word
    tail = data[whole:]
    if tail:
        value ^= int.from_bytes(tail, "little")
        value = (value * _MULTIPLIER) & _WORD
    value ^= value >> 13
    value = (value * _MULTIPLIER) & _WORD
    return value ^ (value >> 15)


def pair_key(source: str, target: str) -> str:
    """Return the key of a pair of currencies, as it is quoted."""
    return f"{source}-{target}"


def place_of(cancelled: Cancellation) -> tuple[str, str]:
    """Return the topic and the key of what is cancelled: those under which it was taken in."""
    match cancelled:
        case TransactionRef():
            return RAW_TRANSACTIONS, cancelled.portfolio_id
        case ActionRef():
            return RAW_CORPORATE_ACTIONS, cancelled.action_id
        case PriceRef():
            return RAW_MARKET_PRICES, cancelled.security_id
        case RateRef():
            return RAW_FX_RATES, pair_key(cancelled.source, cancelled.target)
        case BusinessDateRef():
            return RAW_BUSINESS_DATES, EVERYWHERE
        case AssertionRef():
            return RAW_BALANCE_ASSERTIONS, cancelled.assertion_id
