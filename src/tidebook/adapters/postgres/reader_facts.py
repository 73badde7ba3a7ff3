"""All the facts that books follow from, and beside them what the store derived, in one snapshot."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tidebook.adapters.postgres import book_unit
from tidebook.adapters.postgres.rows import (
    PORTFOLIO_COLUMNS,
    TRANSACTION_COLUMNS,
    choices_from,
    finding_from,
    moment,
    portfolio_from,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.book.series import PortfolioDay
from tidebook.book.whole import Facts
from tidebook.engine.book_facts import BookFacts, Gathered, Standing
from tidebook.engine.queries import FactQuery
from tidebook.engine.records import type_by_name
from tidebook.engine.store import Accounts, EntryRow, FindingRow
from tidebook.engine.verify import Difference, KeptBook, KeptBooks
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Transaction
from tidebook.model.money import ZERO
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache, Markets
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.store import Key, KeyState
    from tidebook.model.actions import ActionTable

FACTS_AT_ONCE: Final = 20_000
"""About how many transactions of unrelated portfolios are looked at together."""

_SQL: Final = statements("read_facts")
_GENERATION: Final = PORTFOLIO_COLUMNS
"""Where the standing begins, behind a portfolio."""


def read_book_facts(cursor: Cursor[TupleRow], market: MarketCache, query: FactQuery) -> BookFacts:
    """Return all that the books of some portfolios, and of those related, follow from."""
    ids = set(query.portfolio_ids)
    then = {"known_at": moment(query.known_at)}
    if query.transaction_ids:
        named = {"ids": list(query.transaction_ids), **then}
        ids.update(row[0] for row in cursor.execute(_SQL["booked_in"], named).fetchall())
    if query.known_at is None:
        ids = book_unit.related_portfolios(cursor, ids)
        rows = cursor.execute(_SQL["transactions"], {"ids": list(ids)}).fetchall()
    else:
        named = {"ids": list(ids), **then}
        ids = {row[0] for row in cursor.execute(_SQL["related_then"], named).fetchall()}
        named = {"ids": list(ids), **then}
        rows = cursor.execute(_SQL["transactions_then"], named).fetchall()
    facts = list(map(_transaction, rows))
    actions, dates = _actions_and_dates(cursor, market, query.known_at)
    known = _Known(actions, dates, query, with_vectors=query.known_at is None)
    return _with_market(cursor, market, ids, facts, known)


def gather_book_facts(
    cursor: Cursor[TupleRow],
    market: MarketCache,
    groups: Mapping[str, Sequence[str]],
    securities: Collection[str] = (),
) -> Gathered:
    """Return all that the books of groups of portfolios follow from, but no vectors of prices.

    A group has the facts of the portfolios that are related to it as well, and knows the securities
    that are named beside those in its facts.
    """
    pairs = [(name, identity) for name, ids in groups.items() for identity in ids]
    named = {"groups": [name for name, _ in pairs], "ids": [identity for _, identity in pairs]}
    members: dict[str, set[str]] = {name: set() for name in groups}
    for name, identity in cursor.execute(_SQL["related_groups"], named).fetchall():
        members[name].add(identity)
    ids = set[str]().union(*members.values())
    rows = cursor.execute(_SQL["transactions"], {"ids": list(ids)}).fetchall()
    facts = list(map(_transaction, rows))
    actions, dates = _actions_and_dates(cursor, market, None)
    query = FactQuery((), security_ids=tuple(securities))
    known = _Known(actions, dates, query, with_vectors=False)
    every = _with_market(cursor, market, ids, facts, known)
    if len(members) == 1:
        return Gathered(every, dict.fromkeys(members, every))
    by_portfolio: dict[str, list[Transaction]] = defaultdict(list)
    for fact in facts:
        by_portfolio[fact.portfolio_id].append(fact)
    leads = _leads(known)
    return Gathered(
        every,
        {
            name: _part(
                every, own, [fact for each in own for fact in by_portfolio[each]], leads, query
            )
            for name, own in members.items()
        },
    )


def _part(
    every: BookFacts,
    ids: Collection[str],
    transactions: Sequence[Transaction],
    leads: Mapping[str, Collection[str]],
    query: FactQuery,
) -> BookFacts:
    """Return the facts of some of the portfolios, with the instruments that they need."""
    facts = every.facts
    securities = _named(transactions, leads, query)
    instruments = {each: facts.instruments[each] for each in securities & facts.instruments.keys()}
    for each in [one.underlying_id for one in instruments.values()]:
        if each in facts.instruments:
            instruments[each] = facts.instruments[each]
    own = facts._replace(
        portfolios={each: facts.portfolios[each] for each in ids if each in facts.portfolios},
        instruments=instruments,
        transactions=transactions,
    )
    standings = {each: every.standings[each] for each in ids if each in every.standings}
    return every._replace(facts=own, standings=standings)


class _Known(NamedTuple):
    """What belongs to no portfolio, and what is asked for beside them."""

    actions: ActionTable
    dates: tuple[date, ...]
    query: FactQuery | None = None
    with_vectors: bool = True


def _actions_and_dates(
    cursor: Cursor[TupleRow], market: MarketCache, known_at: datetime | None
) -> tuple[ActionTable, tuple[date, ...]]:
    dates = market.business_dates_known(cursor, known_at)
    return market.actions_known(cursor, known_at), dates


def _with_market(
    cursor: Cursor[TupleRow],
    market: MarketCache,
    ids: Collection[str],
    transactions: Sequence[Transaction],
    known: _Known,
) -> BookFacts:
    """Return facts with the instruments, rates and prices that they need."""
    known_at = None if known.query is None else known.query.known_at
    named = {"ids": list(ids), "known_at": moment(known_at)}
    rows = cursor.execute(_SQL["portfolios"], named).fetchall()
    portfolios = {row[0]: portfolio_from(row) for row in rows}
    standings = {row[0]: Standing(*row[_GENERATION:]) for row in rows}
    securities = _securities(transactions, known)
    found = _markets(cursor, market, securities, known)
    under = {each.underlying_id for each in found.instruments.values()} - securities - {""}
    if under:
        found = _markets(cursor, market, securities | under, known)
    facts = Facts(portfolios, found.instruments, transactions, found.rates, known.actions)
    vectors = market.vectors(cursor, found.prices) if known.with_vectors else {}
    return BookFacts(facts, found.prices, known.dates, standings, vectors)


def _markets(
    cursor: Cursor[TupleRow], market: MarketCache, securities: set[str], known: _Known
) -> Markets:
    if known.query is None or known.query.known_at is None:
        return market.markets(cursor, sorted(securities))
    return market.markets_known(cursor, sorted(securities), known_at=known.query.known_at)


def _securities(transactions: Iterable[Transaction], known: _Known) -> set[str]:
    """Return the securities of facts, and those that corporate actions lead to from them."""
    return _named(transactions, _leads(known), known.query)


def _leads(known: _Known) -> dict[str, set[str]]:
    """Return the securities that corporate actions lead to, by where they lead from."""
    leads: dict[str, set[str]] = defaultdict(set)
    for action in known.actions:
        if action.to_security_id:
            leads[action.security_id].add(action.to_security_id)
    return leads


def _named(
    transactions: Iterable[Transaction],
    leads: Mapping[str, Collection[str]],
    query: FactQuery | None,
) -> set[str]:
    found = {fact.security_id for fact in transactions}
    found |= {fact.to_security_id for fact in transactions if fact.to_security_id}
    if query is not None:
        found |= set(query.security_ids)
    pending = list(found) if leads else []
    while pending:
        fresh = set(leads.get(pending.pop(), ())) - found
        found |= fresh
        pending += fresh
    return found


def _transaction(row: Sequence[Any]) -> Transaction:
    values: list[Any] = list(row[:TRANSACTION_COLUMNS])
    # Names that come again and again are found sooner where they are one object.
    values[1], values[2] = intern(row[1]), intern(row[2])
    values[9], values[10] = intern(row[9]), intern(row[10])
    values[3] = type_by_name[row[3]]
    values[11], values[12], values[13] = row[11] or ZERO, row[12] or ZERO, row[13] or ZERO
    values[18] = choices_from(row[18])
    values[21] = row[21] or ZERO
    return Transaction(*values)


def read_concerned(cursor: Cursor[TupleRow], hypothesis: Hypothesis) -> tuple[str, ...]:
    """Return the portfolios in which the facts of a hypothesis would move something, by id."""
    currencies = sorted(hypothesis.currencies)
    securities = hypothesis.security_ids
    subjects = [f"instrument:{each.security_id}" for each in hypothesis.instruments]
    subjects += [f"portfolio:{each.portfolio_id}" for each in hypothesis.portfolios]
    named = {
        "securities": sorted(securities),
        "currencies": currencies,
        "everyone": hypothesis.touches_all,
        "actions": sorted(hypothesis.action_ids),
        "subjects": subjects,
    }
    rows = cursor.execute(_SQL["concerned"], named).fetchall()
    found = {row[0] for row in rows} | hypothesis.portfolio_ids
    if hypothesis.transaction_ids:
        named = {"ids": sorted(hypothesis.transaction_ids), "known_at": moment(None)}
        found.update(row[0] for row in cursor.execute(_SQL["booked_in"], named).fetchall())
    return tuple(sorted(found))


@contextmanager
def kept_books(
    cursor: Cursor[TupleRow], market: MarketCache, portfolio_ids: Sequence[str] | None
) -> Generator[KeptBooks]:
    """Give the stored book in parts that nothing carries between, and their facts.

    Raises:
        UnknownPortfolioError: When a portfolio is named that neither a fact introduced nor any
            transaction names.
    """
    parts = _parts(cursor, portfolio_ids)
    gaps = tuple(
        Difference(row[0], tuple(row[1]), row[2], str(row[3]), str(row[4]))
        for row in cursor.execute(_SQL["gaps"]).fetchall()
    )
    known = _Known(*_actions_and_dates(cursor, market, None))
    books = (_kept(cursor, market, part, known) for part in parts)
    yield KeptBooks(sum(map(len, parts)), books, gaps)


def _parts(cursor: Cursor[TupleRow], portfolio_ids: Sequence[str] | None) -> list[list[str]]:
    """Return portfolios in parts of bounded size; related ones are in one part."""
    sizes = {row[0]: row for row in cursor.execute(_SQL["sizes"]).fetchall()}
    for identity in portfolio_ids or ():
        if identity not in sizes:
            raise UnknownPortfolioError(identity)
    groups = _Related(sizes)
    for one, other in cursor.execute(_SQL["carried"]).fetchall():
        groups.join(one, other)
    first_of: dict[str, str] = {}
    for identity, _, pool, _ in sizes.values():
        if pool is not None:
            groups.join(identity, first_of.setdefault(pool, identity))
    wanted = None if portfolio_ids is None else set(portfolio_ids)
    parts: list[list[str]] = []
    filled = FACTS_AT_ONCE
    for group in groups.all():
        if wanted is not None and not wanted & set(group):
            continue
        size = sum(sizes[identity][1] for identity in group if identity in sizes)
        if filled + size > FACTS_AT_ONCE:
            parts.append([])
            filled = 0
        parts[-1] += group
        filled += size + len(group)
    return parts


class _Related:
    """Portfolios, joined into groups."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._parents = {identity: identity for identity in ids}

    def join(self, one: str, other: str) -> None:
        first, second = self._root(one), self._root(other)
        self._parents[max(first, second)] = min(first, second)

    def _root(self, identity: str) -> str:
        root = identity
        while (parent := self._parents.setdefault(root, root)) != root:
            root = parent
        self._parents[identity] = root
        return root

    def all(self) -> list[list[str]]:
        found: dict[str, list[str]] = {}
        for identity in self._parents:
            found.setdefault(self._root(identity), []).append(identity)
        return list(found.values())


def _kept(
    cursor: Cursor[TupleRow], market: MarketCache, ids: Sequence[str], known: _Known
) -> KeptBook:
    named = {"ids": list(ids)}
    rows = cursor.execute(_SQL["transactions"], named).fetchall()
    booked = {row[0]: _accounts(row) for row in rows}
    facts = _with_market(cursor, market, ids, list(map(_transaction, rows)), known)
    entries: dict[Key, dict[tuple[str, str], EntryRow]] = defaultdict(dict)
    for row in cursor.execute(_SQL["entries"], named).fetchall():
        entry = made(EntryRow, row[2:])
        entries[row[0], row[1]][entry.transaction_id, entry.leg] = entry
    states: dict[Key, KeyState] = {
        (row[0], row[1]): book_unit.key_state(row)
        for row in cursor.execute(_SQL["states"], named).fetchall()
    }
    findings = tuple(
        FindingRow(finding_from(row), *row[6:])
        for row in cursor.execute(_SQL["findings"], named).fetchall()
    )
    return KeptBook(tuple(ids), facts, booked, entries, states, findings, _days(cursor, named))


def _accounts(row: TupleRow) -> Accounts:
    on, main, cash, *arrival = row[TRANSACTION_COLUMNS:]
    carried = None if arrival[0] is None else (arrival[0], arrival[1])
    return Accounts(row[0], on, main, cash, carried)


def _days(
    cursor: Cursor[TupleRow], named: dict[str, list[str]]
) -> dict[str, dict[date, PortfolioDay]]:
    found: dict[str, dict[date, PortfolioDay]] = defaultdict(dict)
    for identity, on, opening, *flows in cursor.execute(_SQL["days"], named).fetchall():
        starts, ends, closing, fees, unpriced = flows
        found[identity][on] = PortfolioDay(
            on,
            opening,
            starts or ZERO,
            ends or ZERO,
            closing,
            fees or ZERO,
            unpriced or ZERO,
        )
    return found


def standings(cursor: Cursor[TupleRow], ids: Collection[str]) -> dict[str, Standing]:
    """Return where the stored books of portfolios stand."""
    rows = cursor.execute(_SQL["standings"], {"ids": list(ids)}).fetchall()
    return {row[0]: Standing(*row[1:]) for row in rows}
