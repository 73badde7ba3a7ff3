"""Hints that something was appended: of what others append, and not of one's own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.engine import topics

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

AT = datetime(2024, 6, 2, tzinfo=UTC)
SOON_SECONDS = 0.3
PATIENCE_SECONDS = 30.0


@pytest.fixture
def stores(database_url: str) -> Iterator[tuple[PostgresStore, PostgresStore]]:
    """Give the stores of two processes, of which the first one leads."""
    pools = [open_pool(database_url) for _ in range(2)]
    first, second = (
        PostgresStore(pool, MarketCache(), conninfo=database_url, is_own=pool.has_session)
        for pool in pools
    )
    assert first.try_lead()
    yield first, second
    first.close()
    for pool in pools:
        pool.close()


def append(store: PostgresStore) -> None:
    with store.unit() as unit:
        unit.append(topics.RAW_PORTFOLIOS, [("P1", {"portfolio_id": "P1"})], "test", AT)


def test_what_another_process_appends_is_news(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    leading, other = stores
    append(other)
    assert leading.news(PATIENCE_SECONDS)
    assert not leading.news(SOON_SECONDS)


def test_what_the_process_appends_itself_is_none(
    stores: tuple[PostgresStore, PostgresStore],
) -> None:
    leading, other = stores
    append(leading)
    assert not leading.news(SOON_SECONDS)
    append(leading)
    append(other)
    assert leading.news(PATIENCE_SECONDS)
