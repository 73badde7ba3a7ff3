"""Records that cannot be processed: set apart once, with the reason; nothing else is held up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pytest

from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.config import Settings
from tidebook.engine import topics
from tidebook.engine.ports import Reached, Receipt
from tidebook.engine.records import transaction_record
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.wiring import System

pytestmark = pytest.mark.cluster

_WAIT_SECONDS = 90.0


class Running(NamedTuple):
    """A system at work, and its database."""

    system: System
    url: str

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def append(self, records: list[object], *, payload: bytes | None = None) -> Receipt:
        """Append records to the partition of P1 as a careless producer would."""
        part = topics.partition("P1")
        named = {
            "topic": topics.RAW_TRANSACTIONS,
            "part": part,
            "count": len(records),
            "payload": payload if payload is not None else json.dumps(records).encode(),
        }
        with psycopg.connect(self.url) as connection:
            connection.execute(
                "INSERT INTO log_partitions (topic, part) VALUES (%(topic)s, %(part)s) "
                "ON CONFLICT DO NOTHING",
                named,
            )
            end = connection.execute(
                "UPDATE log_partitions SET next_offset = next_offset + %(count)s "
                "WHERE topic = %(topic)s AND part = %(part)s RETURNING next_offset",
                named,
            ).fetchall()[0][0]
            connection.execute(
                "INSERT INTO event_log VALUES (%(topic)s, %(part)s, %(first)s, %(count)s, 'r', 1, "
                "%(payload)s, now())",
                {**named, "first": end - len(records)},
            )
        reached = (Reached(topics.RAW_TRANSACTIONS, part, end),)
        return Receipt(topics.RAW_TRANSACTIONS, len(records), reached, ("P1",))

    def dead_letters(self) -> list[dict[str, str]]:
        """Return what was set apart."""
        rows = self.rows("SELECT payload FROM event_log WHERE topic = 'raw_transactions.dlq'")
        return [record for (payload,) in rows for record in json.loads(payload)]

    def booked(self) -> list[str]:
        """Return the ids of the transactions that are in the book."""
        found = self.rows(
            "SELECT DISTINCT transaction_id FROM entries WHERE superseded_at = 'infinity' "
            "ORDER BY transaction_id"
        )
        return [row[0] for row in found]


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Running]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        commands = system.commands
        commands.ingest_instruments([ACME], "r")
        receipt = commands.ingest_portfolios([portfolio("P1"), portfolio("P2")], "r")
        assert commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
        yield Running(system, database_url)


def _record(transaction_id: str, **changes: object) -> dict[str, object]:
    return {**transaction_record(trade(transaction_id, 10, 5)), **changes}


_POISON: dict[str, object] = {
    "no id": {"portfolio_id": "P1"},
    "an unknown type": _record("BAD", transaction_type="GIFT"),
    "no number": _record("BAD", quantity="many"),
    "not a number": _record("BAD", price="NaN"),
    "too large a number": _record("BAD", quantity="1E+30"),
    "a number that was no text": _record("BAD", quantity=1.5),
    "no date": _record("BAD", transaction_date="someday"),
    "a character no text may hold": _record("BAD", note="a\x00b"),
    "no object": 17,
    "nothing": None,
    "a list": ["T1"],
}


@pytest.mark.parametrize("record", _POISON.values(), ids=_POISON.keys())
def test_a_bad_record_is_set_apart_and_its_neighbours_are_booked(
    running: Running, record: object
) -> None:
    receipt = running.append([_record("A"), record, _record("B")])
    assert running.system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
    assert running.booked() == ["A", "B"]
    (letter,) = running.dead_letters()
    assert json.loads(letter["original_value"]) == record
    assert letter["original_offset"] == "1"
    assert letter["original_topic"] == "raw_transactions"
    assert letter["error_reason"]
    later = running.system.commands.ingest_transactions([trade("C", 1, 5)], "r")
    assert running.system.commands.wait(later, timeout_seconds=_WAIT_SECONDS)
    assert running.booked() == ["A", "B", "C"]
    assert len(running.dead_letters()) == 1


@pytest.mark.parametrize("payload", [b"\xff\xfe not JSON", b"{}", b"[1]", b""])
def test_a_row_that_cannot_be_read_is_set_apart_and_what_follows_is_booked(
    running: Running, payload: bytes
) -> None:
    running.append([1, 2], payload=payload)
    receipt = running.append([_record("A")])
    assert running.system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
    assert running.booked() == ["A"]
    assert [letter["original_offset"] for letter in running.dead_letters()] == ["0", "1"]


def test_a_bad_record_of_one_portfolio_leaves_another_alone(running: Running) -> None:
    running.append([_record("BAD", price="NaN")])
    other = running.system.commands.ingest_transactions([trade("A", 3, 5, portfolio_id="P2")], "r")
    assert running.system.commands.wait(other, timeout_seconds=_WAIT_SECONDS)
    assert running.booked() == ["A"]


def test_a_bad_price_stops_no_rate_and_no_other_price(running: Running) -> None:
    with psycopg.connect(running.url) as connection:
        connection.execute(
            "INSERT INTO log_partitions VALUES ('raw_market_prices', 3, 2) "
            "ON CONFLICT (topic, part) DO UPDATE SET next_offset = 2"
        )
        good = {"securityId": "ACME", "priceDate": "2024-03-01", "price": "7", "currency": "USD"}
        payload = json.dumps([{**good, "price": "-Infinity"}, good]).encode()
        connection.execute(
            "INSERT INTO event_log VALUES ('raw_market_prices', 3, 0, 2, 'r', 1, %s, now())",
            (payload,),
        )
    reached = (Reached(topics.RAW_MARKET_PRICES, 3, 2),)
    receipt = Receipt(topics.RAW_MARKET_PRICES, 2, reached)
    assert running.system.commands.wait(receipt, timeout_seconds=_WAIT_SECONDS)
    assert running.rows("SELECT price FROM market_prices") == [(7,)]
    letters = running.rows("SELECT count(*) FROM event_log WHERE topic = 'raw_market_prices.dlq'")
    assert letters == [(1,)]
