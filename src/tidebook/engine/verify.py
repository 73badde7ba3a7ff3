"""Verification: everything that the store derived, compared with what its facts come to in memory.

The comparison is exact and row by row. What the store has not brought up to date itself yet, a
correction that waits to be folded or a daily series that is behind, is told and not compared.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from tidebook.engine.book_facts import rebuilt, rebuilt_series
from tidebook.engine.stages.keys import entry_row, state_of
from tidebook.engine.store import Accounts, FindingRow
from tidebook.model.actions import AT
from tidebook.model.facts import business_date
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tidebook.book.lots import Folded, Lot
    from tidebook.book.series import PortfolioDay
    from tidebook.engine.book_facts import BookFacts, Rebuilt
    from tidebook.engine.store import EntryRow, Key, KeyState
    from tidebook.model.facts import Transaction
    from tidebook.model.findings import Finding

ENTRIES: Final = "entries"
STATES: Final = "position_state"
TRANSACTIONS: Final = "transactions"
FINDINGS: Final = "findings"
DAYS: Final = "portfolio_days"
TABLES: Final = (TRANSACTIONS, ENTRIES, STATES, FINDINGS, DAYS)
"""The tables whose derived columns are compared."""
WHOLE_ROW: Final = "*"
"""The column of a difference that is a whole row: there is none on one of the two sides."""
_PRESENT, _ABSENT = "a row", "no row"
_BOOKED: Final = ("business_date", "main_security_id", "cash_security_id", "arrival")
_STATE: Final = (
    *("currency", "quantity", "cost_local", "cost_base"),
    *("realised_local", "realised_base", "changed_on", "last"),
)


class Difference(NamedTuple):
    """One thing that the store holds otherwise than its facts say.

    ``key`` are the values that name the row; ``stored`` and ``rebuilt`` are None for NULL.
    """

    table: str
    key: tuple[str, ...]
    column: str
    stored: str | None
    rebuilt: str | None


class KeptBook(NamedTuple):
    """Some portfolios' facts and what the store derived from them, in one snapshot.

    A portfolio that nobody introduced has facts that wait, and nothing else.
    """

    portfolio_ids: tuple[str, ...]
    facts: BookFacts
    booked: Mapping[str, Accounts]
    entries: Mapping[Key, Mapping[tuple[str, str], EntryRow]]
    states: Mapping[Key, KeyState]
    findings: tuple[FindingRow, ...]
    days: Mapping[str, Mapping[date, PortfolioDay]]


class KeptBooks(NamedTuple):
    """A stored book to be verified, portfolio by portfolio.

    ``gaps`` are offsets of the log, and of who reads it, that do not follow on each other.
    """

    portfolios: int
    books: Iterator[KeptBook]
    gaps: tuple[Difference, ...]


class Verified(NamedTuple):
    """What a verification found.

    ``compared`` counts the rows of each table. ``folding`` are portfolios whose keys wait to be
    folded again, of which only the facts' own rows exist; ``behind`` are those whose daily series
    is not up to date, of which everything else was compared.
    """

    portfolios: int
    compared: Mapping[str, int]
    differences: tuple[Difference, ...]
    folding: tuple[str, ...]
    behind: tuple[str, ...]


def verify(kept: KeptBook) -> Verified:
    """Return in what the stored book of some portfolios differs from the one rebuilt of facts."""
    standings = kept.facts.standings
    folding = {identity for identity, standing in standings.items() if standing.is_folding}
    behind = {
        identity
        for identity, standing in standings.items()
        if standing.series_from is not None and identity not in folding
    }
    made = rebuilt(kept.facts)
    # Keys that are folded together wait together, though only one portfolio may be marked.
    left_out = _related(made, folding)
    counts: Counter[str] = Counter()
    differences = [
        *_booked(made, kept, left_out, counts),
        *_entries(made, kept, left_out, counts),
        *_states(made, kept, left_out, counts),
        *_findings(made, kept, left_out, counts),
        *_days(made, kept, left_out | behind, counts),
    ]
    return Verified(
        len(kept.portfolio_ids),
        counts,
        tuple(differences),
        tuple(sorted(left_out)),
        tuple(sorted(behind)),
    )


def _related(made: Rebuilt, folding: set[str]) -> set[str]:
    """Return portfolios and those that units were carried to or from."""
    if not folding:
        return folding
    found = set(folding)
    pairs = [
        {fact.portfolio_id, posted.arrival[0]}
        for fact in made.rests_on.facts.transactions
        if (posted := made.book.posted.get(fact.transaction_id)) is not None
        and posted.arrival is not None
    ]
    taxpayers = {
        portfolio.taxpayer_id
        for identity, portfolio in made.rests_on.facts.portfolios.items()
        if identity in folding and portfolio.taxpayer_id
    }
    found |= {
        identity
        for identity, portfolio in made.rests_on.facts.portfolios.items()
        if portfolio.taxpayer_id in taxpayers
    }
    while any(pair & found and not pair <= found for pair in pairs):
        found.update(*[pair for pair in pairs if pair & found])
    return found


def _booked(
    made: Rebuilt, kept: KeptBook, left_out: set[str], counts: Counter[str]
) -> Iterator[Difference]:
    for fact in made.rests_on.facts.transactions:
        if fact.portfolio_id in left_out:
            continue
        counts[TRANSACTIONS] += 1
        stored, fresh = kept.booked[fact.transaction_id], _accounts(made, fact)
        if stored != fresh:
            yield from _columns(
                TRANSACTIONS, (fact.transaction_id,), stored[1:], fresh[1:], _BOOKED
            )


def _accounts(made: Rebuilt, fact: Transaction) -> Accounts:
    identity = fact.transaction_id
    posted = made.book.posted.get(identity)
    if posted is None:
        # Nobody introduced its portfolio, so no zone tells the day, and nothing the cash account.
        return Accounts(identity, business_date(fact, "UTC"), fact.security_id, None)
    return Accounts(
        identity, posted.on, posted.main_security_id, posted.cash_security_id, posted.arrival
    )


def _entries(
    made: Rebuilt, kept: KeptBook, left_out: set[str], counts: Counter[str]
) -> Iterator[Difference]:
    for key in sorted({*kept.entries, *made.book.keys}):
        if key[0] in left_out:
            continue
        folded = made.book.keys.get(key)
        rows = {} if folded is None else _rows(folded)
        stored = kept.entries.get(key, {})
        counts[ENTRIES] += len(stored)
        # Mostly nothing differs: then both sides are compared at once.
        for entry in sorted({*rows, *stored}) if rows != stored else ():
            yield from _row(ENTRIES, (*key, *entry), stored.get(entry), rows.get(entry))


def _rows(folded: Folded) -> dict[tuple[str, str], EntryRow]:
    rows = map(entry_row, folded.entries)
    return {(row.transaction_id, row.leg): row for row in rows}


def _states(
    made: Rebuilt, kept: KeptBook, left_out: set[str], counts: Counter[str]
) -> Iterator[Difference]:
    for key in sorted({*kept.states, *made.book.keys}):
        if key[0] in left_out:
            continue
        stored, folded = kept.states.get(key), made.book.keys.get(key)
        counts[STATES] += 0 if stored is None else 1
        if stored is None or folded is None:
            yield _missing(STATES, key, is_stored=stored is not None)
            continue
        fresh = state_of(folded, stored.epoch)
        yield from _columns(STATES, key, _state(stored), _state(fresh), _STATE)
        held, holds = stored.holding.lots, fresh.holding.lots
        if stored.lots_known and held != holds:
            yield Difference(STATES, key, "lots", _lots(held), _lots(holds))


def _state(state: KeyState) -> tuple[object, ...]:
    return (state.currency, *state.holding[:3], *state[3:7])


def _findings(
    made: Rebuilt, kept: KeptBook, left_out: set[str], counts: Counter[str]
) -> Iterator[Difference]:
    stored = {
        (row.finding.transaction_id, row.finding.code): row
        for row in kept.findings
        if row.portfolio_id not in left_out
    }
    counts[FINDINGS] += len(stored)
    fresh = {
        (row.finding.transaction_id, row.finding.code): row
        for row in placed_findings(made)
        if row.portfolio_id not in left_out
    }
    for key in sorted({*stored, *fresh}):
        one, other = stored.get(key), fresh.get(key)
        if one is None or other is None:
            yield _missing(FINDINGS, key, is_stored=one is not None)
            continue
        yield from _columns(FINDINGS, key, one.finding, other.finding, one.finding._fields)
        yield from _columns(FINDINGS, key, one[1:], other[1:], one._fields[1:])


def placed_findings(made: Rebuilt) -> Iterator[FindingRow]:
    """Give every finding of a rebuilt book with the key it is about and its day.

    A finding that the fold made is about the key that refused, any other about the fact's own.
    """
    facts = {fact.transaction_id: fact for fact in made.rests_on.facts.transactions}
    refusing: dict[tuple[str, str], Key] = {}
    for key, folded in made.book.keys.items():
        for finding in folded.findings:
            refusing[finding.transaction_id, finding.code] = key
    for identity, found in made.book.findings.items():
        for finding in found:
            key = refusing.get((identity, finding.code))
            yield _placed(made, facts, finding, key)


def _placed(
    made: Rebuilt, facts: Mapping[str, Transaction], finding: Finding, key: Key | None
) -> FindingRow:
    identity = finding.transaction_id
    posted = made.book.posted.get(identity)
    if posted is None:
        own = facts[identity]
        return FindingRow(finding, own.portfolio_id, own.security_id, business_date(own, "UTC"))
    portfolio_id = facts[identity].portfolio_id if identity in facts else identity.partition(AT)[2]
    place = key or (portfolio_id, posted.main_security_id)
    return FindingRow(finding, *place, posted.on)


def _days(
    made: Rebuilt, kept: KeptBook, left_out: set[str], counts: Counter[str]
) -> Iterator[Difference]:
    for identity in sorted(made.rests_on.standings):
        if identity in left_out:
            continue
        fresh = {day.on: day for day in rebuilt_series(made, identity)}
        stored = kept.days.get(identity, {})
        counts[DAYS] += len(stored)
        for on in sorted({*fresh, *stored}) if fresh != stored else ():
            key = (identity, on.isoformat())
            yield from _row(DAYS, key, stored.get(on), fresh.get(on))


def _row(
    table: str,
    key: tuple[str, ...],
    stored: EntryRow | PortfolioDay | None,
    fresh: EntryRow | PortfolioDay | None,
) -> Iterator[Difference]:
    if stored == fresh:
        return
    if stored is None or fresh is None:
        yield _missing(table, key, is_stored=stored is not None)
        return
    yield from _columns(table, key, stored, fresh, stored._fields)


def _missing(table: str, key: tuple[str, ...], *, is_stored: bool) -> Difference:
    sides = (_PRESENT, _ABSENT) if is_stored else (_ABSENT, _PRESENT)
    return Difference(table, key, WHOLE_ROW, *sides)


def _columns(
    table: str,
    key: tuple[str, ...],
    stored: Sequence[object],
    fresh: Sequence[object],
    names: Iterable[str],
) -> Iterator[Difference]:
    for name, one, other in zip(names, stored, fresh, strict=True):
        if one != other:
            yield Difference(table, key, name, _text(one), _text(other))


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case Decimal():
            return decimal_text(value)
        case date() | datetime():
            return value.isoformat()
        case tuple():
            return " ".join(_text(part) or "" for part in cast("tuple[object, ...]", value))
        case _:
            return str(value)


def _lots(lots: Iterable[Lot]) -> str:
    return "; ".join(_text(lot) or "" for lot in lots)
