"""Records that cannot be processed, set apart once and sent again; and what is old, deleted."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import psycopg
import pytest

from tests.fixtures.engine_facts import ACME, FIRST, portfolio
from tidebook.config import Settings
from tidebook.engine.keeping import Cut
from tidebook.engine.ports import Reached, Receipt
from tidebook.engine.topics import RAW_TRANSACTIONS, partition
from tidebook.engine.verify import verify
from tidebook.errors import ForgottenError, UnknownLetterError, UnreadableMessageError
from tidebook.model.facts import Transaction, TransactionType as T
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from tidebook.engine.commands import LogCommands
    from tidebook.engine.records import Record
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster

_PART = partition("P1")
_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_PATIENCE_SECONDS = 90.0


@pytest.fixture
def system(database_url: str) -> Iterator[System]:
    with _running(database_url) as opened:
        yield opened


@contextmanager
def _running(database_url: str) -> Generator[System]:
    with open_system(Settings(Path("unused"), database_url=database_url)) as opened:
        for receipt in (
            opened.commands.ingest_portfolios([portfolio("P1")], "r"),
            opened.commands.ingest_instruments([ACME], "r"),
        ):
            assert opened.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)
        yield opened


def _rows(system: System, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def _run(system: System, statement: str) -> None:
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _buy(identity: str, price: str = "10") -> Transaction:
    units = Decimal(2)
    given = (None, FIRST, units, Decimal(price), units * Decimal(price), "USD", "USD")
    return Transaction(identity, "P1", "ACME", T.BUY, *given)


def _sent(system: System, *facts: Transaction) -> None:
    receipt = system.commands.ingest_transactions(facts, "r")
    assert system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)


def _spoil(system: System, record: Record) -> None:
    """Put a record into the log that no door would let in, and wait until it is dealt with."""
    store = cast("LogCommands", system.commands)._store
    with store.unit() as unit:
        reached = unit.append(RAW_TRANSACTIONS, [("P1", record)], "spoilt", _NOW)
    receipt = Receipt("", 1, tuple(Reached(RAW_TRANSACTIONS, *each) for each in reached))
    assert system.commands.wait(receipt, timeout_seconds=_PATIENCE_SECONDS)


def _whole(identity: str) -> Record:
    return {
        "transaction_id": identity,
        "portfolio_id": "P1",
        "security_id": "ACME",
        "transaction_type": "BUY",
        "transaction_date": FIRST.isoformat(),
        "quantity": "1",
        "price": "10",
        "gross_transaction_amount": "10",
        "trade_currency": "USD",
        "currency": "USD",
    }


def test_a_record_that_cannot_be_read_is_set_apart_once_and_the_others_are_booked(
    system: System,
) -> None:
    _spoil(system, {"transaction_id": "T0", "portfolio_id": "P1"})
    _sent(system, _buy("T1"))
    (letter,) = system.dead_letters.letters()
    assert letter.original_topic == RAW_TRANSACTIONS
    assert (letter.original_partition, letter.original_offset) == (_PART, 0)
    assert letter.correlation_id == "spoilt"
    assert "no field" in letter.reason
    assert json.loads(letter.value)["transaction_id"] == "T0"
    digest = hashlib.sha256(b"spoilt").hexdigest()
    assert json.loads(letter.headers) == {
        "event_id": f"raw_transactions-{_PART}-0",
        "correlation_id": "spoilt",
        "schema": "raw_transactions/1",
        "source_sequence": "0",
        "source": "",
        "traceparent": f"00-{digest[:32]}-{digest[32:48]}-01",
    }
    assert system.reader.transaction("T1") is not None


def test_a_letter_is_replayed_once_and_booked_when_its_cause_is_gone(system: System) -> None:
    _spoil(system, _whole("T1") | {"quantity": "many"})
    (letter,) = system.dead_letters.letters()
    # Stands for the release that reads what the one before could not.
    _run(
        system,
        "UPDATE event_log SET payload = convert_to(replace(convert_from(payload, 'UTF8'), 'many', "
        "'5'), 'UTF8') WHERE topic = 'raw_transactions.dlq'",
    )
    assert [each.letter_id for each in system.dead_letters.replay([letter.letter_id], "again")] == [
        letter.letter_id
    ]
    assert system.dead_letters.replay([letter.letter_id], "again") == []
    assert system.dead_letters.letters() == []
    (kept,) = system.dead_letters.letters(everything=True)
    assert kept.replayed_at is not None
    _sent(system, _buy("T2"))
    found = system.reader.transaction("T1")
    assert found is not None
    assert found.transaction.quantity == 5
    assert _rows(system, "SELECT count(*) FROM event_log WHERE topic LIKE '%.dlq'") == [(1,)]


def test_a_letter_that_fails_again_is_a_new_letter(system: System) -> None:
    _spoil(system, {"transaction_id": "T0", "portfolio_id": "P1"})
    (letter,) = system.dead_letters.letters()
    system.dead_letters.replay([letter.letter_id], "again")
    _sent(system, _buy("T1"))
    (second,) = system.dead_letters.letters()
    assert second.letter_id != letter.letter_id
    assert second.correlation_id == "again"


def test_what_is_no_letter_or_no_record_is_refused(system: System) -> None:
    with pytest.raises(UnknownLetterError):
        system.dead_letters.replay(["raw_transactions.dlq-0-7"], "again")
    _spoil(system, {"unreadable": "{"})
    (letter,) = system.dead_letters.letters()
    with pytest.raises(UnreadableMessageError):
        system.dead_letters.replay([letter.letter_id], "again")
    assert [each.letter_id for each in system.dead_letters.letters()] == [letter.letter_id]


def _cut(log_days: int = 30, known_days: int | None = None) -> Cut:
    known = None if known_days is None else _NOW - timedelta(days=known_days)
    return Cut(_NOW - timedelta(days=log_days), known, is_shipped=False)


def _age(system: System, statement: str) -> None:
    _run(system, statement.replace("OLD", "'2026-01-01+00'"))


def test_the_log_is_cut_from_its_beginning_and_the_book_stays_right(system: System) -> None:
    _sent(system, _buy("T1"))
    _sent(system, _buy("T2"))
    _age(system, "UPDATE event_log SET recorded_at = '2026-05-31+00'")
    _age(system, "UPDATE processed_events SET processed_at = '2026-05-31+00'")
    assert system._keeper.retire(_cut()) == {}
    _age(
        system, f"UPDATE event_log SET recorded_at = OLD WHERE part = {_PART} AND first_offset = 1"
    )
    assert system._keeper.retire(_cut()) == {}
    _age(system, "UPDATE event_log SET recorded_at = OLD")
    _age(system, "UPDATE processed_events SET processed_at = OLD")
    deleted = system._keeper.retire(_cut())
    assert deleted["event_log"] > 2
    assert deleted["processed_events"] == 1
    _sent(system, _buy("T3"))
    with system.reader.kept_books() as kept:
        assert kept.gaps == ()
        for part in kept.books:
            assert verify(part).differences == ()
    assert _rows(system, "SELECT transaction_id FROM transactions ORDER BY 1") == [
        ("T1",),
        ("T2",),
        ("T3",),
    ]


def test_what_nobody_has_read_and_letters_that_were_not_replayed_stay(database_url: str) -> None:
    with _running(database_url) as system:
        _spoil(system, {"transaction_id": "T0", "portfolio_id": "P1"})
    # Without stages: nobody reads again what is told to be unread.
    settings = Settings(Path("unused"), database_url=database_url)
    with open_system(settings, run=False) as resting:
        _run(resting, "UPDATE consumer_offsets SET next_offset = 0 WHERE topic = 'raw_instruments'")
        _age(resting, "UPDATE event_log SET recorded_at = OLD")
        resting._keeper.retire(_cut())
        left = {row[0] for row in _rows(resting, "SELECT DISTINCT topic FROM event_log")}
        assert left == {"raw_instruments", "raw_transactions.dlq"}
        (letter,) = resting.dead_letters.letters()
        resting.dead_letters.replay([letter.letter_id], "again")
        resting._keeper.retire(_cut())
        assert resting.dead_letters.letters() == []


def test_where_the_log_is_shipped_it_stays_until_it_is(system: System) -> None:
    _sent(system, _buy("T1"))
    _age(system, "UPDATE event_log SET recorded_at = OLD")
    assert system._keeper.retire(_cut()._replace(is_shipped=True)) == {}


def test_what_was_believed_then_is_refused_once_it_is_deleted(system: System) -> None:
    _sent(system, _buy("T1"))
    _sent(system, _buy("T1", price="11"))
    then = _NOW - timedelta(days=20)
    _age(system, "UPDATE transactions SET superseded_at = '2026-05-01+00' WHERE version = 1")
    _age(
        system,
        "UPDATE entries SET superseded_at = '2026-05-01+00' WHERE superseded_at < 'infinity'",
    )
    assert "transactions" not in system._keeper.retire(_cut())
    system.reader.portfolios(known_at=then)
    deleted = system._keeper.retire(_cut(known_days=10))
    assert deleted["transactions"] == 1
    assert deleted["entries"] > 0
    with pytest.raises(ForgottenError, match="2026-05-22"):
        system.reader.portfolios(known_at=then)
    system.reader.portfolios(known_at=_NOW)
    # A longer time asked for later brings nothing back.
    system._keeper.retire(_cut(known_days=100))
    with pytest.raises(ForgottenError):
        system.reader.transaction("T1", known_at=then)
    _sent(system, _buy("T1", price="12"))
    assert _rows(system, "SELECT version FROM transactions ORDER BY 1") == [(2,), (3,)]
