"""The reference of live events says what the code reads and tells."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.fixtures.patience import until
from tests.unit.engine.live_fixture import MemoryLiveBus, followed
from tidebook.engine import topics
from tidebook.engine.correlating import correlated
from tidebook.engine.envelope import schema_of
from tidebook.engine.live import drawdown_record, exposure_record, pnl_record, snapshot_record
from tidebook.engine.live.messages import Named, event_of
from tidebook.errors import UnreadableMessageError

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "asyncapi-live.yaml"
_NAMED = Named("m-1", datetime(2026, 6, 1, tzinfo=UTC), "P1")
_SAID: dict[str, str] = {
    "trade_id": "t",
    "order_id": "o",
    "symbol": "A",
    "side": "SHORT",
    "quantity": "2",
    "entry_price": "10",
    "exit_price": "9",
    "price": "9.5",
    "timestamp": "2026-06-01T09:30:00Z",
}


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return yaml.safe_load(_PAGE.read_text("utf-8"))


def _schema(page: dict[str, Any], topic: str) -> dict[str, Any]:
    return page["components"]["schemas"][topic.replace(".", "_")]


def test_every_topic_is_there_with_its_direction_and_its_schema(page: dict[str, Any]) -> None:
    channels = {name: each["address"] for name, each in page["channels"].items()}
    told = {
        (each["action"], channels[each["channel"]["$ref"].rpartition("/")[2]])
        for each in page["operations"].values()
    }
    read = {*topics.LIVE_INPUT_TOPICS, topics.DRAWDOWN_UPDATED}
    assert told == {
        *(("receive", topic) for topic in read),
        *(("send", topic) for topic in topics.LIVE_OUTPUT_TOPICS),
    }
    for message in page["components"]["messages"].values():
        assert message["x-schema"] == schema_of(message["name"])


def test_the_key_of_an_event_is_the_field_that_is_named(page: dict[str, Any]) -> None:
    for channel in page["channels"].values():
        record = {channel["x-key"]: "its key"}
        assert topics.key_of(channel["address"], record) == "its key"


@pytest.mark.parametrize("topic", topics.LIVE_INPUT_TOPICS)
def test_an_event_needs_the_fields_that_are_required_and_no_others(
    page: dict[str, Any], topic: str
) -> None:
    required = _schema(page, topic)["required"]
    record = {name: _SAID[name] for name in required}
    jsonschema.validate(record, _schema(page, topic))
    event_of(topic, record, _NAMED)
    for name in required:
        lacking = {field: value for field, value in record.items() if field != name}
        with pytest.raises(UnreadableMessageError, match=name):
            event_of(topic, lacking, _NAMED)


def test_what_is_told_is_as_its_schema_says_and_can_be_read_again(page: dict[str, Any]) -> None:
    live = followed()
    try:
        told: dict[str, dict[str, object]] = {
            topics.SNAPSHOT_UPDATED: snapshot_record(live.snapshot("P1")),
            topics.PNL_UPDATED: pnl_record("P1", live.profit_and_loss("P1")),
            topics.DRAWDOWN_UPDATED: drawdown_record("P1", live.drawdown("P1")),
            topics.EXPOSURE_UPDATED: exposure_record("P1", live.exposure("P1")),
        }
    finally:
        live.stop()
    assert sorted(told) == sorted(topics.LIVE_OUTPUT_TOPICS)
    for topic, record in told.items():
        schema = _schema(page, topic)
        jsonschema.validate(record, schema)
        assert list(record) == list(schema["properties"]) == schema["required"]
    again = json.loads(json.dumps(told[topics.DRAWDOWN_UPDATED]))
    assert event_of(topics.DRAWDOWN_UPDATED, again, _NAMED).portfolio_id == "P1"  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def test_messages_say_what_the_page_says_that_they_say(page: dict[str, Any]) -> None:
    bus = MemoryLiveBus()
    service = followed(bus=bus)
    with correlated(["desk-7"]):
        service.publish([(topics.TRADE_OPENED, _SAID | {"event_id": "e-1", "portfolio_id": "P1"})])
    try:
        service.start()
        until(lambda: bool(bus.told(topics.SNAPSHOT_UPDATED)))
    finally:
        service.stop()
    sent, told = bus.told(topics.TRADE_OPENED)[0], bus.told(topics.SNAPSHOT_UPDATED)[0]
    assert sent.headers == {
        "event_id": "e-1",
        "correlation_id": "desk-7",
        "schema": "trade.opened/1",
        # The digest of "desk-7", by sha256sum.
        "traceparent": "00-bfb7994c8a63559cd1bb380caa3e6d74-2db6155ce61d4bd6-01",
    }
    at = json.loads(told.value)["timestamp"]
    assert told.headers == {
        "event_id": f"portfolio.snapshot_updated-P1-{at}",
        "schema": "portfolio.snapshot_updated/1",
    }
    named = page["components"]["messageTraits"]["ours"]["headers"]["properties"]
    assert named.keys() == sent.headers.keys()
    for message in page["components"]["messages"].values():
        assert message["traits"] == [{"$ref": "#/components/messageTraits/ours"}]
