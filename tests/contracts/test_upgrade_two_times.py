"""A book of the first schema is read at two times once it has been upgraded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from psycopg_pool import ConnectionPool

from tests.fixtures.reader_book import JAN_1, JAN_5, RECORDED, write_portfolio
from tests.fixtures.reader_rows import EARLY, insert, introduce
from tidebook.adapters.postgres import schema
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.engine.queries import RestatementQuery
from tidebook.engine.store import WorkItem
from tidebook.engine.views import RestatementView
from tidebook.errors import UnknownPortfolioError
from tidebook.model.instruments import Instrument

if TYPE_CHECKING:
    from tests.fixtures.reader_pg import Store

pytestmark = pytest.mark.cluster

LATER = datetime(2023, 6, 1, tzinfo=UTC)


def upgrade_to(url: str, version: str) -> None:
    """Bring a database to a version of the schema."""
    config = Config(attributes={"conninfo": url})
    migrations = files("tidebook.adapters.postgres.migrations")
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, version)


def _write(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as store:
        write_portfolio(store, "P1")
        introduce(store, "S1", "First SE")
        insert(store, "business_dates", business_date=JAN_5, recorded_at=RECORDED)
        insert(
            store,
            "restatements",
            portfolio_id="P1",
            security_id="S1",
            epoch=1,
            from_date=JAN_5,
            reason="amended",
            entries_closed=2,
            entries_written=2,
            generation=7,
            recorded_at=RECORDED,
        )
        insert(
            store,
            "book_work",
            portfolio_id="P1",
            security_id="S1",
            from_date=JAN_5,
            reason="an exchange rate was set or corrected",
            requested_at=RECORDED,
        )


def test_what_is_there_is_the_first_version_and_can_have_a_next_one(
    empty_database_url: str,
) -> None:
    upgrade_to(empty_database_url, "0001")
    _write(empty_database_url)
    assert schema.upgrade(empty_database_url).current == "0001"
    pool: ConnectionPool[Store] = ConnectionPool(
        empty_database_url, min_size=1, max_size=2, open=True
    )
    with pool:
        reader = PostgresReader(pool)
        first = reader.portfolio("P1", known_at=RECORDED)
        assert (first.name, first.open_date) == ("First", JAN_1)
        with pytest.raises(UnknownPortfolioError):
            reader.portfolio("P1", known_at=EARLY)
        assert reader.freshness("P1", known_at=RECORDED).as_of == JAN_5
        # What its release did not keep is unknown, not zero.
        (row,) = reader.restatements(RestatementQuery("P1")).restatements
        assert row == RestatementView("S1", 1, JAN_5, "amended", 2, 2, RECORDED)
        assert (row.causes, row.before, row.after) == ((), None, None)

        store = PostgresStore(pool, MarketCache(), conninfo=empty_database_url)
        second, instrument = first._replace(name="Second"), Instrument("S1", "Next", "EUR", "Fund")
        with store.unit() as unit:
            assert unit.take_work(1) == [
                WorkItem("P1", "S1", JAN_5, "an exchange rate was set or corrected")
            ]
            unit.save_portfolios([second], LATER)
            unit.save_instruments([instrument], LATER)
            assert unit.cancel_business_dates([JAN_5, date(2023, 1, 6)], LATER) == 1
        assert reader.portfolio("P1") == second
        assert reader.portfolio("P1", known_at=RECORDED) == first
        assert [one.name for one in reader.instruments(known_at=RECORDED)] == ["First SE"]
        assert reader.instruments() == (instrument,)
        assert reader.freshness("P1").as_of is None
        assert reader.freshness("P1", known_at=RECORDED).as_of == JAN_5
