"""Live events as they are read: every field must be what it should be; others are left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tidebook.engine import topics
from tidebook.engine.live.messages import Named, event_of
from tidebook.errors import UnreadableMessageError
from tidebook.live import Side, StopTripped, Tick, TradeClosed, TradeOpened

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMED = Named("m-1", NOW, "P1")
OPENED = {
    "trade_id": "t",
    "symbol": "A",
    "side": "BUY",
    "quantity": 2,
    "entry_price": "1.5",
    "timestamp": "2026-06-01T14:00:00+02:00",
    "unknown": [1],
}


def test_a_trade_takes_from_the_message_what_it_does_not_say() -> None:
    opened = event_of(topics.TRADE_OPENED, OPENED, NAMED)
    assert opened == TradeOpened("m-1", "P1", "t", "A", Side.LONG, 2.0, 1.5, NOW, "t")
    given = OPENED | {"event_id": "e", "portfolio_id": "Q", "transaction_id": "x", "leverage": 3}
    assert event_of(topics.TRADE_OPENED, given, NAMED) == TradeOpened(
        "e", "Q", "t", "A", Side.LONG, 2.0, 1.5, NOW, "x", 3.0
    )
    closed = OPENED | {"side": "short", "exit_price": 1, "realized_pnl": "-0.5"}
    assert event_of(topics.TRADE_CLOSED, closed, NAMED) == TradeClosed(
        "m-1", "P1", "t", "A", Side.SHORT, 2.0, 1.5, 1.0, NOW, "m-1", -0.5
    )


def test_an_instant_without_an_offset_is_utc_and_none_is_that_of_the_message() -> None:
    price = {"symbol": "A", "price": "1"}
    assert event_of(topics.MARKET_TICK, price, NAMED) == Tick("A", 1.0, NOW)
    told = price | {"timestamp": "2026-06-01T12:00:00"}
    assert event_of(topics.MARKET_TICK, told, NAMED) == Tick("A", 1.0, NOW)


def test_a_stop_that_names_no_portfolio_is_of_all() -> None:
    stop = event_of(topics.STOP_TRIPPED, {"reason": "loss"}, NAMED)
    assert stop == StopTripped("m-1", "", "loss", "", NOW)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("trade_id", "", "trade_id is no text"),
        ("symbol", 7, "symbol is no text"),
        ("side", "UP", "side is none of"),
        ("quantity", "many", "quantity is no number"),
        ("quantity", 0, "quantity is not above 0"),
        ("quantity", True, "quantity is no number"),
        ("entry_price", "nan", "entry_price is no number"),
        ("entry_price", "-1", "entry_price is not above 0"),
        ("entry_price", None, "entry_price is no number"),
        ("timestamp", "noon", "timestamp is no instant"),
        ("leverage", "high", "leverage is no number"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_refused(
    field: str, value: object, why: str
) -> None:
    with pytest.raises(UnreadableMessageError, match=why):
        event_of(topics.TRADE_OPENED, OPENED | {field: value}, NAMED)


def test_an_event_of_no_portfolio_is_refused_where_none_is_set() -> None:
    with pytest.raises(UnreadableMessageError, match="names no portfolio_id"):
        event_of(topics.TRADE_OPENED, OPENED, Named("m-1", NOW, ""))
