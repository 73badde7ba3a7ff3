"""Two workers at one fact: one books it from its wait while the other cancels it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.pool import open_pool
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.cli.verifying import verified
from tidebook.config import Settings
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.errors import FencedError
from tidebook.model.facts import cancellation
from tidebook.wiring import open_system

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tidebook.engine.store import PortfolioState, Unit

pytestmark = pytest.mark.cluster
AT = datetime(2025, 3, 1, 12, tzinfo=UTC)


class Interrupted:
    """A unit in which something else happens just before its portfolios are locked."""

    def __init__(self, unit: Unit, first: Callable[[], None]) -> None:
        self._unit = unit
        self._first = first

    def lock_portfolios(self, ids: Iterable[str]) -> dict[str, PortfolioState]:
        self._first()
        return self._unit.lock_portfolios(ids)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the unit has
        return getattr(self._unit, name)


@pytest.fixture(name="store")
def opened(database_url: str) -> Iterator[PostgresStore]:
    pool = open_pool(database_url)
    store = PostgresStore(pool, MarketCache(), conninfo=database_url)
    yield store
    store.close()
    pool.close()


def test_a_fact_that_was_booked_while_it_was_cancelled_leaves_no_cash(
    store: PostgresStore, database_url: str
) -> None:
    buy = trade("typo", "BUY", "ACME", "2025-01-13", quantity="9", price="10")
    with store.unit() as unit:
        unit.save_portfolios([portfolio()], AT)
    with store.unit() as unit:
        assert book(unit, [Incoming(buy, "test")], [], AT).waiting == 1
    with store.unit() as unit:
        unit.save_instruments([security("ACME")], AT)

    def book_what_waited() -> None:
        with store.unit() as other:
            assert book(other, [], other.take_work(10), AT).waiting == 0

    cancelled = Incoming(cancellation("typo", "P1", date(2025, 3, 1)), "test")
    with pytest.raises(FencedError), store.unit() as unit:
        book(Interrupted(unit, book_what_waited), [cancelled], [], AT)  # pyright: ignore[reportArgumentType]
    with store.unit() as unit:
        book(unit, [cancelled], [], AT)
    settings = Settings(data_dir=Path("unused"), database_url=database_url)
    with open_system(settings, run=False) as system:
        assert verified(system.reader, None, 10).listed == []
        assert system.reader.positions("P1", include_closed=True).positions == ()


def test_a_transfer_that_waited_for_both_its_portfolios_is_booked_when_they_come_together(
    store: PostgresStore,
) -> None:
    buy = trade("buy", "BUY", "ACME", "2025-01-07", quantity="9", price="10")
    gift = trade("gift", "TRANSFER_IN_KIND", "ACME", "2025-01-08", quantity="4", gross="40")
    facts = [Incoming(buy, "test"), Incoming(gift._replace(to_portfolio_id="P2"), "test")]
    with store.unit() as unit:
        unit.save_instruments([security("ACME")], AT)
        assert book(unit, facts, [], AT).waiting == 2
    with store.unit() as unit:
        unit.save_portfolios([portfolio(), portfolio()._replace(portfolio_id="P2")], AT)
    with store.unit() as unit:
        assert book(unit, [], unit.take_work(10), AT).waiting == 0
    with store.unit() as unit:
        held = unit.states([("P1", "ACME"), ("P2", "ACME")])
    assert {key[0]: state.holding.quantity for key, state in held.items()} == {"P1": 5, "P2": 4}
