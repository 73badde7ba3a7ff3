"""Verdicts, policies and acknowledgements on PostgreSQL (see ``engine.compliance.ports``)."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from tidebook.adapters.postgres import log
from tidebook.adapters.postgres.copying import columns, copy_rows
from tidebook.adapters.postgres.reader_facts import gather_book_facts
from tidebook.adapters.postgres.rows import moment, utc
from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.adapters.postgres.statements import statements
from tidebook.adapters.postgres.verdict_text import (
    hash_of,
    packed,
    policy_from,
    policy_text,
    text_of,
    verdicts_from,
)
from tidebook.compliance.verdicts import Status
from tidebook.engine.compliance.ports import (
    Acknowledgement,
    Household,
    Job,
    KeptVerdicts,
    Looked,
    Member,
    Stand,
    Totals,
    VerdictsPage,
)
from tidebook.errors import UnknownPortfolioError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow
    from psycopg_pool import ConnectionPool

    from tidebook.adapters.postgres.copying import Cell
    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.adapters.postgres.store import PostgresStore
    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.book_facts import Gathered
    from tidebook.engine.compliance.ports import VerdictsWrite

_SQL: Final = statements("compliance")
_COLUMNS: Final = columns(
    "portfolio_id transaction_id trade_date executed_at passed flagged failed provisional "
    "content_hash verdicts generation recorded_at"
)
_COUNTED: Final = (Status.PASS, Status.FLAG, Status.FAIL, Status.PROVISIONAL)


class PostgresComplianceUnit:
    """One database transaction of the compliance stage."""

    def __init__(self, cursor: Cursor[TupleRow], cache: MarketCache) -> None:
        """Work through one cursor; the cache spares reading the market again."""
        self._cursor = cursor
        self._cache = cache

    def hold_fence(self, consumer: str, part: tuple[str, int], fence: int) -> None:
        """Keep the stage in this worker's hands until the unit ends."""
        log.hold_fence(self._cursor, consumer, part, fence)

    def jobs(self, limit: int, spared: Collection[str], today: date) -> list[Job]:
        """Return households with trades to be judged."""
        named = {"limit": limit, "spared": list(spared), "today": today}
        found: dict[str, list[Member]] = defaultdict(list)
        for asked_by, *member in self._cursor.execute(_SQL["jobs"], named).fetchall():
            found[asked_by].append(Member(*member))
        return [Job(asked_by, tuple(members)) for asked_by, members in found.items()]

    def policies(self, ids: Collection[str]) -> dict[str, AccountPolicy]:
        """Return the policies in force."""
        return _policies(self._cursor, ids, None)

    def gather(self, households: Mapping[str, Sequence[str]]) -> Gathered:
        """Return all that the books of the portfolios of households follow from, by household."""
        return gather_book_facts(self._cursor, self._cache, households)

    def save(self, writes: Sequence[VerdictsWrite], at: datetime) -> frozenset[str]:
        """Write the verdicts that came out different, and close what they replace."""
        named = {
            "ids": [one.member.portfolio_id for one in writes],
            "generations": [one.member.generation for one in writes],
            "valuation_versions": [one.member.valuation_version for one in writes],
            "dues": [one.due_on for one in writes],
            "marks": [one.member.marks for one in writes],
        }
        rows = self._cursor.execute(_SQL["claim"], named).fetchall()
        claimed = frozenset(row[0] for row in rows)
        self._replace([one for one in writes if one.member.portfolio_id in claimed], at)
        return claimed

    def _replace(self, writes: Sequence[VerdictsWrite], at: datetime) -> None:
        """Close the verdicts that come out otherwise or not at all, and write the new ones."""
        named = {
            "ids": [one.member.portfolio_id for one in writes],
            "since": [one.since for one in writes],
        }
        found = self._cursor.execute(_SQL["stored"], named).fetchall()
        stored = {(row[0], row[1], row[2]): row[3] for row in found}
        rows: Iterable[Sequence[Cell]] = (
            row for write in writes for row in _changed(write, stored, at)
        )
        if stored:
            # What is closed has to be known before anything is written.
            rows = list(rows)
        # What was judged the same again has been taken out.
        if stored:
            ids, transactions, days = zip(*stored, strict=True)
            named = {"ids": list(ids), "transactions": list(transactions), "days": list(days)}
            self._cursor.execute(_SQL["close"], named | {"at": at})
        if rows and any(write.judged for write in writes):
            copy_rows(self._cursor, "compliance_verdicts", _COLUMNS, rows)


_Stored = dict[tuple[str, str, "date"], str]
"""What is stored of trades: a hash, by portfolio, transaction and trade date."""


def _changed(write: VerdictsWrite, stored: _Stored, at: datetime) -> Iterator[Sequence[Cell]]:
    """Give the rows that differ from what is stored, and take out of it those that do not."""
    portfolio_id, generation = write.member.portfolio_id, write.member.generation
    for one in write.judged:
        text = text_of(one.verdicts)
        content_hash = hash_of(text)
        key = (portfolio_id, one.transaction_id, one.trade_date)
        if stored.get(key) == content_hash:
            del stored[key]
            continue
        yield (
            *(portfolio_id, one.transaction_id, one.trade_date, one.executed_at),
            *_counts(one.verdicts),
            *(content_hash, packed(text), generation, at),
        )


class PostgresCompliance:
    """Verdicts kept and read over a pool of connections."""

    def __init__(self, store: PostgresStore, pool: ConnectionPool[Any], cache: MarketCache) -> None:
        """Write through ``store``, read through ``pool``; ``cache`` is that of the process."""
        self._store = store
        self._pool = pool
        self._cache = cache

    @contextmanager
    def unit(self) -> Generator[PostgresComplianceUnit]:
        """Begin a unit; it commits when the block ends and rolls back when it raises.

        Raises:
            FencedError: When another unit wrote the same thing first; trying again is safe.
            StoreUnavailableError: When the database cannot be reached or went away.
        """
        with self._store.cursor() as cursor:
            yield PostgresComplianceUnit(cursor, self._cache)

    def verdicts(
        self,
        ids: Sequence[str],
        *,
        skip: int = 0,
        limit: int = 100,
        known_at: datetime | None = None,
    ) -> VerdictsPage:
        """Return a page of the verdicts on the trades of portfolios."""
        named = {"ids": list(ids), "known_at": moment(known_at), "skip": skip, "limit": limit}
        with snapshot(self._pool) as cursor:
            totals = cursor.execute(_SQL["totals"], named).fetchone() or (0, 0, 0, 0, 0)
            rows = cursor.execute(_SQL["verdicts"], named).fetchall()
            seen = cursor.execute(_SQL["acknowledgements"], named).fetchall()
            together = {"ids": _members(cursor, ids)}
            unjudged = cursor.execute(_SQL["unjudged"], together).fetchone() or (0,)
        return VerdictsPage(
            Totals(*map(int, totals)),
            tuple(map(_kept, rows)),
            tuple(map(_acknowledgement, seen)),
            int(unjudged[0]),
        )

    def history(self, ids: Sequence[str], transaction_id: str) -> tuple[KeptVerdicts, ...]:
        """Return all that was ever said of a trade, oldest first."""
        named = {"ids": list(ids), "transaction_id": transaction_id}
        with snapshot(self._pool) as cursor:
            return tuple(map(_kept, cursor.execute(_SQL["history"], named).fetchall()))

    def household(self, ids: Sequence[str], securities: Collection[str] = ()) -> Household:
        """Return the policies and facts of portfolios and of those judged with them."""
        with snapshot(self._pool) as cursor:
            members = _members(cursor, ids)
            facts = gather_book_facts(cursor, self._cache, {"": members}, securities).every
            return Household(_policies(cursor, members, None), facts)

    def look(self, ids: Sequence[str], securities: Collection[str], known: Stand | None) -> Looked:
        """Return a household, or only its market where it stands as it is known to."""
        with snapshot(self._pool) as cursor:
            rows = cursor.execute(_SQL["standing"], {"ids": list(ids)}).fetchall()
            versions = tuple(map(tuple, rows))
            if known is not None and known.versions == versions:
                looked = _market_of(cursor, self._cache, known, securities)
                if looked is not None:
                    return looked
            members = [row[0] for row in rows if row[1]]
            facts = gather_book_facts(cursor, self._cache, {"": members}, securities).every
            found = Household(_policies(cursor, members, None), facts)
        _, instruments, _, rates, actions = facts.facts
        stand = Stand(versions, instruments, rates, actions, frozenset(facts.prices))
        return Looked(found, stand, instruments, facts.prices)

    def policy(self, portfolio_id: str) -> AccountPolicy | None:
        """Return what is stated of an account."""
        with snapshot(self._pool) as cursor:
            return _policies(cursor, [portfolio_id], None).get(portfolio_id)

    def save_policy(self, portfolio_id: str, policy: AccountPolicy, at: datetime) -> int:
        """Keep what is stated of an account, and have its trades judged again."""
        with self._store.cursor() as cursor:
            whose = {"portfolio_id": portfolio_id}
            if cursor.execute(_SQL["lock_portfolio"], whose).fetchone() is None:
                raise UnknownPortfolioError(portfolio_id)
            stated = _policies(cursor, [portfolio_id], None).get(portfolio_id)
            named = {
                "portfolio_id": portfolio_id,
                "household_id": policy.household_id,
                "policy": policy_text(policy.after(stated)),
                "at": at,
            }
            row = cursor.execute(_SQL["save_policy"], named).fetchone()
            if row is None:
                return 0
            cursor.execute(_SQL["judge_again"], named)
            if stated is not None and stated.household_id != policy.household_id:
                cursor.execute(_SQL["judge_left"], named | {"left": stated.household_id})
            return int(row[0])

    def acknowledge(
        self, acknowledgement: Acknowledgement, correlation_id: str, at: datetime
    ) -> int:
        """Keep an acknowledgement for ever, and return its number."""
        named = {**acknowledgement._asdict(), "correlation_id": correlation_id, "at": at}
        with self._store.cursor() as cursor:
            row = cursor.execute(_SQL["acknowledge"], named).fetchone()
            return int(row[0]) if row else 0


def _market_of(
    cursor: Cursor[TupleRow], cache: MarketCache, known: Stand, securities: Collection[str]
) -> Looked | None:
    """Return the market of a household that stands as it did; None where the book may not."""
    _, instruments, rates, actions, named = known
    found = cache.markets(cursor, named.union(securities))
    under = {one.underlying_id for one in found.instruments.values()} - {""}
    stands = (
        found.rates is rates
        and found.actions is actions
        and under <= found.prices.keys()
        and all(found.instruments.get(each) == instruments.get(each) for each in named)
    )
    return Looked(None, known, found.instruments, found.prices) if stands else None


def _members(cursor: Cursor[TupleRow], ids: Sequence[str]) -> list[str]:
    """Return some portfolios and all that are judged with them."""
    rows = cursor.execute(_SQL["household"], {"ids": list(ids)}).fetchall()
    return [row[0] for row in rows]


def _policies(
    cursor: Cursor[TupleRow], ids: Collection[str], known_at: datetime | None
) -> dict[str, AccountPolicy]:
    named = {"ids": list(ids), "known_at": moment(known_at)}
    rows = cursor.execute(_SQL["policies"], named).fetchall()
    return {portfolio_id: policy_from(text) for portfolio_id, text in rows}


def _acknowledgement(row: TupleRow) -> Acknowledgement:
    *said, number, at = row
    return Acknowledgement._make((*said, number, utc(at)))


def _counts(verdicts: tuple[Verdict, ...]) -> list[int]:
    statuses = [verdict.status for verdict in verdicts]
    return [statuses.count(status) for status in _COUNTED]


def _kept(row: TupleRow) -> KeptVerdicts:
    portfolio_id, transaction_id, on, kept, recorded_at, superseded_at = row
    return KeptVerdicts(
        portfolio_id,
        transaction_id,
        on,
        verdicts_from(kept),
        utc(recorded_at),
        None if superseded_at is None else utc(superseded_at),
    )
