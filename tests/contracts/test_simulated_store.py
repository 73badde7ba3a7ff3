"""The store that is simulated keeps what PostgreSQL keeps, batch by batch and column by column.

The simulation's evidence is worth as much as its store is like the real one. Random worlds of
facts are delivered to both, through the same stages at the same instants, and after every step
all tables are compared: also those that only lead to the book, work and marks and generations.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.engine_book import Book, cancelled, record_of
from tests.fixtures.engine_cases import World, deliveries, world
from tests.simulation.database import Database
from tests.simulation.facts import histories
from tests.simulation.scheduler import Scheduler
from tests.simulation.session import Session
from tests.simulation.store import SimulatedUnit
from tests.simulation.swarm import chance
from tidebook.adapters.postgres.book_unit import LOTS_CARRIED
from tidebook.engine import topics
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book
from tidebook.engine.stages.reference import take
from tidebook.engine.stages.series import bring_up_to_date

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from random import Random

    from tidebook.engine.store import Unit

pytestmark = pytest.mark.cluster

_SEEDS = 12
_START = datetime(2024, 6, 1, tzinfo=UTC)


class _NoFaults:
    """A store that nothing happens to."""

    def at_statement(self, session: Session) -> None:
        """Let nothing happen."""

    def around_commit(self, session: Session) -> None:
        """Commit."""
        session.transaction.commit()


@pytest.fixture(scope="module")
def real(module_database_url: str) -> Iterator[Book]:
    found = Book(module_database_url)
    yield found
    found.close()


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_every_step_leaves_the_same_tables(real: Book, seed: int) -> None:
    random = chance("deliveries", seed)
    real.clear()
    database = Database(Scheduler(random, switch_chance=0.0, steps_max=1))
    at = _START
    for topic, facts in deliveries(random, _drawn(random, seed)):
        steps = [_delivery(topic, facts), *random.choices([_fold, _value], k=random.randint(0, 3))]
        for step in steps:
            at += timedelta(seconds=random.choice((1, 1, 1, -3)))
            with real.store.unit() as unit:
                step(unit, at)
            with _simulated(database) as unit:
                step(unit, at)
            assert _kept(database) == _kept_really(real)


def _drawn(random: Random, seed: int) -> World:
    """Draw a world of the simulation, or one of everything that there is."""
    return world(random) if seed % 2 else World(tuple(histories(random)))


@contextmanager
def _simulated(database: Database) -> Generator[Unit]:
    session = Session(database, None, _NoFaults())
    yield SimulatedUnit(session, LOTS_CARRIED)
    session.commit()


def _delivery(topic: str, facts: Sequence[Any]) -> Callable[[Unit, datetime], None]:
    if topic == topics.RAW_TRANSACTIONS:
        incoming = [Incoming(cancelled(fact), "case") for fact in facts]
        return lambda unit, at: _ignore(book(unit, incoming, (), at))
    given = [record_of(topic, fact) for fact in facts]
    return lambda unit, at: _ignore(take(unit, topic, given, lambda: at))  # pyright: ignore[reportArgumentType]


def _ignore(_: object) -> None:
    """Leave an answer alone: what is stored is looked at."""


def _fold(unit: Unit, at: datetime) -> None:
    work = unit.take_work(2)
    if work:
        book(unit, (), work, at)


def _value(unit: Unit, at: datetime) -> None:
    bring_up_to_date(unit, 2, lambda: at)


_REALLY = {
    "facts": """
        SELECT transaction_id, version, content_hash, portfolio_id, business_date,
               main_security_id, cash_security_id, arrival_portfolio_id, arrival_security_id,
               recorded_at, NULLIF(superseded_at, 'infinity')
        FROM transactions""",
    "entries": """
        SELECT portfolio_id, security_id, transaction_id, leg, epoch, recorded_at, business_date,
               quantity, cost_local, cost_base, realised_local, realised_base, flow_base,
               matches::text, opens::text
        FROM entries WHERE superseded_at = 'infinity'""",
    "closed": """
        SELECT portfolio_id, security_id, transaction_id, leg, epoch, recorded_at, superseded_at
        FROM entries WHERE superseded_at < 'infinity'""",
    "states": """
        SELECT portfolio_id, security_id, epoch, currency, quantity, cost_local, cost_base,
               realised_local, realised_base, changed_on, last_on, last_at, last_rank,
               last_transaction_id, last_leg, recorded_at, lots::text
        FROM position_state""",
    "findings": """
        SELECT transaction_id, code, severity, portfolio_id, security_id, business_date, waits_for
        FROM findings WHERE resolved_at = 'infinity'""",
    "work": "SELECT portfolio_id, security_id, from_date, reason, requested_at FROM book_work",
    "portfolios": """
        SELECT portfolio_id, p.version, s.generation, s.valuation_version, s.series_from,
               s.series_generation,
               EXISTS (SELECT FROM market_marks m WHERE m.portfolio_id = p.portfolio_id)
        FROM portfolios p JOIN portfolio_standings s USING (portfolio_id)""",
    "days": """
        SELECT portfolio_id, day, bod_market_value, bod_cashflow, eod_cashflow, eod_market_value,
               fees, unpriced_cost, generation, recorded_at
        FROM portfolio_days WHERE superseded_at = 'infinity'""",
    "restatements": """
        SELECT portfolio_id, security_id, epoch, from_date, reason, entries_closed,
               entries_written, generation, recorded_at
        FROM restatements""",
    "actions": """
        SELECT action_id, version, content_hash, cancelled, type, security_id, ex_date, recorded_at,
               NULLIF(superseded_at, 'infinity')
        FROM corporate_actions""",
    "dates": "SELECT business_date FROM business_dates WHERE superseded_at = 'infinity'",
    "prices": """
        SELECT security_id, price_date, version, price, currency, recorded_at,
               NULLIF(superseded_at, 'infinity')
        FROM market_prices""",
    "rates": """
        SELECT from_currency, to_currency, rate_date, version, rate, recorded_at,
               NULLIF(superseded_at, 'infinity')
        FROM fx_rates""",
}


def _kept_really(real: Book) -> dict[str, list[tuple[Any, ...]]]:
    found = {name: real.rows(statement) for name, statement in _REALLY.items()}
    found["states"] = [(*row[:-1], _lots(json.loads(row[-1] or "[]"))) for row in found["states"]]
    return {name: sorted(rows, key=str) for name, rows in found.items()}


def _lots(lots: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [tuple(lot) for lot in lots]


def _kept(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        "facts": [
            (
                *key,
                row.fact.content_hash,
                row.fact.transaction.portfolio_id,
                row.fact.business_date,
                row.fact.main_security_id,
                row.fact.cash_security_id,
                *(row.fact.arrival or (None, None)),
                row.recorded_at,
                row.superseded_at,
            )
            for key, row in database.facts.rows.items()
        ],
        "entries": [
            (
                *key[:3],
                str(key[3]),
                each.epoch,
                each.recorded_at,
                each.row.on,
                each.row.quantity,
                each.row.cost_local,
                each.row.cost_base,
                each.row.realised_local,
                each.row.realised_base,
                each.row.flow_base,
                each.row.matches,
                each.row.opens,
            )
            for key, each in database.entries.rows.items()
        ],
        "closed": [
            (*key[0][:3], str(key[0][3]), each.epoch, each.recorded_at, each.superseded_at)
            for key, each in database.closed.rows.items()
        ],
        "work": [(*key, *row) for key, row in database.work.rows.items()],
        "restatements": [(*key, *row) for key, row in database.restatements.rows.items()],
        "portfolios": [(key, *row[1:]) for key, row in database.portfolios.rows.items()],
        "days": [(key[0], *row.day, *row[1:]) for key, row in database.days.rows.items()],
        "findings": [
            (*key, str(row.finding.severity), *row[1:], row.finding.waits_for)
            for key, row in database.findings.rows.items()
        ],
        "actions": [
            (
                *key,
                row.content_hash,
                row.cancelled,
                *map(str, row.action[1:3]),
                *row[0][3:4],
                *row[3:],
            )
            for key, row in database.actions.rows.items()
        ],
        "dates": [(day,) for day in database.dates.rows],
        "prices": [(*key, *row) for key, row in database.prices.rows.items()],
        "rates": [(*key, row.value, *row[2:]) for key, row in database.rates.rows.items()],
        "states": _kept_states(database),
    }
    return {name: sorted(rows, key=str) for name, rows in found.items()}


def _kept_states(database: Database) -> list[tuple[Any, ...]]:
    return [
        (
            *key,
            row.state.epoch,
            row.state.currency,
            *row.state.holding[:3],
            row.state.realised_local,
            row.state.realised_base,
            row.state.changed_on,
            *row.state.last[:4],
            str(row.state.last[4]),
            row.recorded_at,
            [(lot[0], lot[1].isoformat(), *map(str, lot[2:])) for lot in row.state.holding.lots],
        )
        for key, row in database.states.rows.items()
    ]
