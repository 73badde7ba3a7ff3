"""How far the system is behind, as the database tells it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.fixtures.engine_facts import ACME, portfolio
from tidebook.adapters.postgres import schema
from tidebook.adapters.postgres.arrears import PostgresArrears
from tidebook.adapters.postgres.pool import open_pool
from tidebook.config import Settings
from tidebook.engine.telemetry import Lag, unread
from tidebook.errors import SchemaBehindError, SchemaNewerError, StoreUnavailableError
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg_pool import ConnectionPool

    from tidebook.wiring import System

pytestmark = pytest.mark.cluster

_NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class StoppedClock:
    """Noon of 1 June 2026, always."""

    def now(self) -> datetime:
        return _NOW


@pytest.fixture
def system(database_url: str) -> Iterator[System]:
    """Give a system that books nothing."""
    settings = Settings(Path("unused"), database_url=database_url)
    with open_system(settings, run=False) as opened:
        yield opened


@pytest.fixture
def pool(system: System) -> Iterator[ConnectionPool[Any]]:
    opened = open_pool(system.database_url)
    yield opened
    opened.close()


def _run(system: System, statement: str) -> None:
    with psycopg.connect(system.database_url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _arrears(pool: ConnectionPool[Any], *, is_shipped: bool = False) -> PostgresArrears:
    return PostgresArrears(pool, StoppedClock(), is_shipped=is_shipped)


def test_an_empty_book_is_nowhere_behind_and_knows_of_no_market_data(
    pool: ConnectionPool[Any],
) -> None:
    found = _arrears(pool).arrears()
    assert all((lag.records, lag.oldest_seconds) == (0, 0.0) for lag in found.lags)
    assert (found.unfolded_keys, found.unfolded_seconds) == (0, 0.0)
    assert (found.unvalued_portfolios, found.watermark_days) == (0, 0)
    assert set(found.dead_letters.values()) == {0}
    assert found.taken_seconds == {}
    assert found.benchmark_days is None


def test_what_is_acknowledged_and_not_booked_is_told_with_the_age_of_the_oldest(
    system: System, pool: ConnectionPool[Any]
) -> None:
    system.commands.ingest_portfolios([portfolio("P1"), portfolio("P2")], "r")
    system.commands.ingest_instruments([ACME], "r")
    _run(system, "UPDATE event_log SET recorded_at = '2026-06-01 11:59:00Z'")
    _run(
        system,
        "UPDATE event_log SET recorded_at = '2026-06-01 11:50:00Z' WHERE topic = 'raw_instruments'",
    )
    _run(
        system,
        "INSERT INTO consumer_offsets (consumer, topic, part) SELECT 'reference', topic, part "
        "FROM log_partitions WHERE topic IN ('raw_portfolios', 'raw_instruments') "
        "ON CONFLICT DO NOTHING",
    )
    arrears = _arrears(pool)
    found = {lag.topic: lag for lag in arrears.arrears().lags if lag.records}
    assert found == {
        "raw_portfolios": Lag("reference", "raw_portfolios", 2, 60.0),
        "raw_instruments": Lag("reference", "raw_instruments", 1, 600.0),
    }
    assert unread(arrears)["reference"] == 3


def test_a_half_read_batch_counts_from_where_the_consumer_stands(
    system: System, pool: ConnectionPool[Any]
) -> None:
    _run(
        system,
        "INSERT INTO event_log VALUES ('raw_transactions', 3, 0, 10, 'a', 1, '[]', "
        "'2026-06-01 11:00:00Z'), ('raw_transactions', 3, 10, 10, 'b', 1, '[]', "
        "'2026-06-01 11:30:00Z')",
    )
    _run(
        system,
        "UPDATE log_partitions SET next_offset = 20 WHERE topic = 'raw_transactions' AND part = 3",
    )
    for next_offset, records, seconds in ((0, 20, 3600.0), (7, 13, 3600.0), (10, 10, 1800.0)):
        _run(
            system,
            "INSERT INTO consumer_offsets (consumer, topic, part, next_offset) "
            f"VALUES ('book', 'raw_transactions', 3, {next_offset}), "
            f"('dispatcher', 'raw_transactions', 3, {next_offset}) "
            "ON CONFLICT (consumer, topic, part) DO UPDATE SET next_offset = excluded.next_offset",
        )
        (lag,) = [lag for lag in _arrears(pool).arrears().lags if lag.consumer == "book"]
        assert (lag.records, lag.oldest_seconds) == (records, seconds)
    shipped = _arrears(pool, is_shipped=True).arrears().lags
    assert "dispatcher" in {lag.consumer for lag in shipped}
    assert "dispatcher" not in {lag.consumer for lag in _arrears(pool).arrears().lags}


def test_work_series_letters_and_market_data_are_told(
    system: System, pool: ConnectionPool[Any]
) -> None:
    _run(
        system,
        "INSERT INTO book_work VALUES ('P1', 'ACME', '2024-01-02', 'rate', '2026-06-01 11:58:00Z')",
    )
    _run(
        system,
        "INSERT INTO processed_events VALUES "
        "('reference', 'raw_market_prices', 0, 0, 4, 1, 0, '2026-05-31 12:00:00Z'), "
        "('reference', 'raw_market_prices', 0, 5, 9, 1, 0, '2026-06-01 11:00:00Z')",
    )
    _run(
        system,
        "INSERT INTO consumer_offsets (consumer, topic, part, next_offset) "
        "VALUES ('reference', 'raw_market_prices', 0, 10) ON CONFLICT (consumer, topic, part) "
        "DO UPDATE SET next_offset = 10",
    )
    _run(
        system,
        "UPDATE log_partitions SET next_offset = 3 WHERE topic = 'raw_transactions.dlq' "
        "AND part = 1",
    )
    _run(
        system,
        "INSERT INTO replayed_letters VALUES ('raw_transactions.dlq', 1, 0, now(), 'r')",
    )
    _run(
        system,
        "INSERT INTO benchmarks VALUES ('SPY', 'USD', 'price', 'folder', '2020-01-01', now()), "
        "('QQQ', 'USD', 'price', 'folder', '2020-01-01', now())",
    )
    _run(
        system,
        "INSERT INTO benchmark_levels VALUES ('SPY', '2026-05-29', 1, now(), null), "
        "('SPY', '2026-05-28', 1, now(), null), ('QQQ', '2026-05-22', 1, now(), null), "
        # What a provider has taken back is no level that is known.
        "('QQQ', '2026-05-29', 1, now() - interval '1 hour', now())",
    )
    found = _arrears(pool).arrears()
    assert (found.unfolded_keys, found.unfolded_seconds) == (1, 120.0)
    assert found.taken_seconds == {"raw_market_prices": 3600.0}
    assert found.dead_letters["raw_transactions.dlq"] == 2
    assert found.benchmark_days == (date(2026, 6, 1) - date(2026, 5, 22)).days == 10


def test_an_answer_is_kept_for_two_seconds(system: System, pool: ConnectionPool[Any]) -> None:
    now = 100.0
    arrears = PostgresArrears(pool, StoppedClock(), is_shipped=False, monotonic=lambda: now)
    assert arrears.arrears().unfolded_keys == 0
    _run(
        system,
        "INSERT INTO book_work VALUES ('P1', 'ACME', '2024-01-02', 'rate', '2026-06-01 11:58:00Z')",
    )
    now = 101.9
    assert arrears.arrears().unfolded_keys == 0
    now = 102.0
    assert arrears.arrears().unfolded_keys == 1


def test_a_database_that_is_away_is_said_to_be() -> None:
    nowhere = open_pool("host=/nowhere")
    try:
        began = datetime.now(UTC)
        with pytest.raises(StoreUnavailableError):
            _arrears(nowhere).arrears()
        assert datetime.now(UTC) - began < timedelta(seconds=8)
    finally:
        nowhere.close()


def test_readiness_knows_an_older_schema_and_a_newer_one(
    system: System, pool: ConnectionPool[Any]
) -> None:
    schema.ready(pool)
    head = schema.head()
    try:
        _run(system, "UPDATE alembic_version SET version_num = '0001'")
        with pytest.raises(SchemaBehindError):
            schema.ready(pool)
        _run(system, "UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(SchemaNewerError):
            schema.ready(pool)
    finally:
        _run(system, f"UPDATE alembic_version SET version_num = '{head}'")
