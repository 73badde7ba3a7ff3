"""The tables of the store, and the rows in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.tables import Locks, Table
from tidebook.model.facts import TransactionType
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from tests.simulation.scheduler import Group, Scheduler
    from tests.simulation.tables import Changes
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.store import EntryRow, FactRow, FindingRow, Key, KeyState
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

Part = tuple[str, int]
EntryKey = tuple[str, str, str, str]
"""Portfolio, security, transaction, leg."""


class PortfolioRow(NamedTuple):
    """A portfolio and the state of its book."""

    portfolio: Portfolio
    version: int
    generation: int = 0
    valuation_version: int = 0
    series_from: date | None = None
    series_generation: int = 0
    moved_by_market: bool = False


class InstrumentRow(NamedTuple):
    """An instrument and how often it was changed."""

    instrument: Instrument
    version: int


class FactVersion(NamedTuple):
    """One version of a transaction."""

    fact: FactRow
    recorded_at: datetime
    superseded_at: datetime | None


class ActionVersion(NamedTuple):
    """One version of a corporate action: in force, or cancelled."""

    action: CorporateAction
    content_hash: str
    cancelled: bool
    recorded_at: datetime
    superseded_at: datetime | None = None


class AssertionRow(NamedTuple):
    """The current version of a balance assertion."""

    assertion: BalanceAssertion
    version: int
    cancelled: bool = False


class Quoted(NamedTuple):
    """One version of a price or a rate; ``currency`` is empty for a rate."""

    value: Decimal
    currency: str
    recorded_at: datetime
    superseded_at: datetime | None


class Entered(NamedTuple):
    """An entry, current or closed."""

    row: EntryRow
    epoch: int
    recorded_at: datetime
    superseded_at: datetime | None = None


class StateRow(NamedTuple):
    """Where the fold of a key stands."""

    state: KeyState
    recorded_at: datetime


class WorkRow(NamedTuple):
    """A key to be folded again."""

    from_date: date
    reason: str
    requested_at: datetime


class RestatementRow(NamedTuple):
    """What a restatement came to."""

    from_date: date
    reason: str
    closed: int
    written: int
    generation: int
    recorded_at: datetime


class DayRow(NamedTuple):
    """A row of a daily series."""

    day: PortfolioDay
    generation: int
    recorded_at: datetime


class LogRow(NamedTuple):
    """Consecutive records of one partition, appended together."""

    records: tuple[Mapping[str, str], ...]
    correlation_id: str
    recorded_at: datetime


class OffsetRow(NamedTuple):
    """How far a consumer has come, and who may move it."""

    next_offset: int
    fence: int
    owner: Group | None
    """The process that took the partition last; known to the simulation, not to the store."""
    place: int = 0
    """How far it has read in the partition of a bus."""


class ProcessedRow(NamedTuple):
    """The audit of one batch."""

    last_offset: int
    fence: int
    duplicates: int
    processed_at: datetime


def _current(version: FactVersion) -> bool:
    return version.superseded_at is None


def _stands(version: FactVersion) -> bool:
    """Tell whether a version is current, and no cancellation: that one repeats what it cancels."""
    return _current(version) and version.fact.transaction.type is not TransactionType.CANCELLED


def _waits_for(row: FindingRow) -> str | None:
    waits = row.finding.severity is Severity.WAITING
    return row.finding.waits_for if waits else None


class Database:
    """Everything that survives a process."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Start empty."""
        self.scheduler = scheduler
        self.locks = Locks(scheduler)
        self.leader: object | None = None
        """The session that holds the lead."""
        self.observers: list[Callable[[Changes, Group | None], None]] = []
        """Called with what every commit changed, and the process that made it."""
        self.portfolios: Table[str, PortfolioRow] = Table("portfolios")
        self.instruments: Table[str, InstrumentRow] = Table("instruments")
        self.facts: Table[tuple[str, int], FactVersion] = Table(
            "facts",
            current=lambda key, row: key[0] if _current(row) else None,
            main=lambda _, row: (
                (row.fact.transaction.portfolio_id, row.fact.main_security_id)
                if _stands(row)
                else None
            ),
            cash=lambda _, row: (
                (row.fact.transaction.portfolio_id, row.fact.cash_security_id)
                if _stands(row)
                else None
            ),
            arrival=lambda _, row: row.fact.arrival if _stands(row) else None,
            receiver=lambda _, row: (
                row.fact.arrival[0] if row.fact.arrival and _stands(row) else None
            ),
            received=lambda _, row: (
                row.fact.arrival[1] if row.fact.arrival and _stands(row) else None
            ),
            portfolio=lambda _, row: row.fact.transaction.portfolio_id if _stands(row) else None,
            security=lambda _, row: row.fact.transaction.security_id if _stands(row) else None,
        )
        self.prices: Table[tuple[str, date, int], Quoted] = Table(
            "prices",
            point=lambda key, _: key[:2],
            security=lambda key, row: key[0] if row.superseded_at is None else None,
        )
        self.rates: Table[tuple[str, str, date, int], Quoted] = Table(
            "rates", point=lambda key, _: key[:3]
        )
        self.dates: Table[date, datetime] = Table("dates")
        self.actions: Table[tuple[str, int], ActionVersion] = Table(
            "actions", current=lambda key, row: key[0] if row.superseded_at is None else None
        )
        self.assertions: Table[str, AssertionRow] = Table("assertions")
        self.quoted: Table[tuple[str, str], bool] = Table("quoted", security=lambda key, _: key[0])
        self.entries: Table[EntryKey, Entered] = Table(
            "entries", key=lambda key, _: key[:2], portfolio=lambda key, _: key[0]
        )
        self.closed: Table[tuple[EntryKey, int], Entered] = Table(
            "closed", entry=lambda key, _: key[0]
        )
        self.states: Table[Key, StateRow] = Table(
            "states", security=lambda key, _: key[1], portfolio=lambda key, _: key[0]
        )
        self.findings: Table[tuple[str, str], FindingRow] = Table(
            "findings",
            fact=lambda key, _: key[0],
            portfolio=lambda _, row: row.portfolio_id,
            waits=lambda _, row: _waits_for(row),
        )
        self.restatements: Table[tuple[str, str, int], RestatementRow] = Table(
            "restatements", key=lambda key, _: key[:2]
        )
        self.work: Table[Key, WorkRow] = Table("work")
        self.days: Table[tuple[str, date], DayRow] = Table("days", portfolio=lambda key, _: key[0])
        self.partitions: Table[Part, int] = Table("partitions")
        self.log: Table[tuple[str, int, int], LogRow] = Table("log", part=lambda key, _: key[:2])
        self.offsets: Table[tuple[str, str, int], OffsetRow] = Table("offsets")
        self.processed: Table[tuple[str, str, int, int], ProcessedRow] = Table(
            "processed", consumer=lambda key, _: key[0]
        )
