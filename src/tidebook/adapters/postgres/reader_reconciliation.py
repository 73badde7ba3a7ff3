"""What others state about a portfolio, compared with what the book has for the same keys."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.rows import (
    INFINITY,
    TRANSACTION_COLUMNS,
    moment,
    transaction_from,
)
from tidebook.adapters.postgres.statements import statements
from tidebook.book.checks.reconcile import reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement, WaitingMovement
from tidebook.book.checks.reconcile_effects import moves, touches
from tidebook.engine.views import ReconciliationView
from tidebook.model.assertions import BalanceAssertion, asserted_key
from tidebook.model.instruments import built_in_instrument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.adapters.postgres.market_cache import MarketCache
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_SQL: Final = statements("read_reconciliation")


def read_reconciliation(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    market: MarketCache,
    portfolio_id: str,
    *,
    as_of: date | None,
    known_at: datetime | None,
    stated: Sequence[BalanceAssertion] | None,
) -> ReconciliationView:
    """Return a portfolio's book beside its balance assertions, or beside those stated here."""
    subject = read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    wanted: dict[str, object] = {
        "portfolio_id": portfolio_id,
        "as_of": as_of or INFINITY,
        "known_at": moment(known_at),
    }
    if stated is None:
        rows = cursor.execute(_SQL["assertions"], wanted).fetchall()
        given = [BalanceAssertion._make(row) for row in rows]
    else:
        given = [one for one in stated if as_of is None or one.on <= as_of]
    own = [one for one in given if one.portfolio_id == portfolio_id and not one.is_cancelled]
    elsewhere = sum(one.portfolio_id != portfolio_id for one in given)
    named = {one.security_id for one in own}
    asserted = _by_key(market.instruments_known(cursor, named, known_at), subject.portfolio, own)
    waiting = cursor.execute(_SQL["waiting"], wanted).fetchall()
    known = market.instruments_known(cursor, asserted, known_at)
    records = _records(cursor, subject.portfolio, (sorted(asserted), known), waiting, wanted)
    held = {}
    if own:
        on = max(one.on for one in own)
        held = dict(cursor.execute(_SQL["held"], {**wanted, "on": on}).fetchall())
    found = reconcile(asserted, records, held, waiting=len({row[0] for row in waiting}))
    return ReconciliationView(*subject, found, elsewhere)


def _by_key(
    known: Mapping[str, Instrument],
    portfolio: Portfolio,
    assertions: Iterable[BalanceAssertion],
) -> dict[str, list[BalanceAssertion]]:
    """Return assertions by the key that they speak of."""
    found: dict[str, list[BalanceAssertion]] = defaultdict(list)
    for one in assertions:
        instrument = known.get(one.security_id)
        found[asserted_key(portfolio, one.security_id, instrument)].append(one)
    return found


def _records(
    cursor: Cursor[TupleRow],
    portfolio: Portfolio,
    of: tuple[Sequence[str], Mapping[str, Instrument]],
    waiting: Sequence[TupleRow],
    wanted: Mapping[str, object],
) -> dict[str, KeyRecord]:
    """Return what the book knows of keys, given with the instruments known among them."""
    keys, known = of
    movements: dict[str, list[Movement]] = defaultdict(list)
    # Also what is booked after the last day compared: the other side may have had it before.
    every = {**wanted, "as_of": INFINITY, "security_ids": list(keys)}
    for row in cursor.execute(_SQL["movements"], every) if keys else ():
        movements[row[0]].append(Movement(*row[1:]))
    facts = [(transaction_from(row), *row[TRANSACTION_COLUMNS:]) for row in waiting]
    return {
        key: KeyRecord(
            key,
            known[key].is_cash if key in known else _names_cash(key, portfolio),
            tuple(movements[key]),
            tuple(
                WaitingMovement(
                    fact.transaction_id,
                    fact.type.value,
                    on,
                    moves(fact, main, key),
                    why,
                )
                for fact, on, main, why in facts
                if touches(fact, portfolio, main, key)
            ),
        )
        for key in keys
    }


def _names_cash(key: str, portfolio: Portfolio) -> bool:
    return built_in_instrument(key, portfolio.base_currency) is not None
