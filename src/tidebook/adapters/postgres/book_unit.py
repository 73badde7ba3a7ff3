"""The book's reads and writes inside one transaction: sets, never a statement per row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres.causes import causes_from
from tidebook.adapters.postgres.rows import choices_from, method_changes_from
from tidebook.adapters.postgres.statements import statements
from tidebook.book.lots import Holding, Lot
from tidebook.engine.records import type_by_name
from tidebook.engine.store import (
    BookedFact,
    Carry,
    EntryRow,
    KeyState,
    PortfolioState,
    StoredFact,
    WorkItem,
)
from tidebook.model.facts import Transaction
from tidebook.model.money import ZERO
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement, TaxRates
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.engine.store import (
        Key,
        Order,
    )

POLICIES = 14
"""How many columns tell the booking policies of a portfolio."""
LOTS_CARRIED = 400
"""A key with more open lots than this does not carry them in its state; they are folded anew."""

_SQL = statements("book")


def facts(cursor: Cursor[tuple[Any, ...]], ids: Collection[str]) -> dict[str, StoredFact]:
    """Return the current versions of transactions that are known."""
    rows = cursor.execute(_SQL["facts"], {"ids": list(ids)}).fetchall()
    return {row[0]: StoredFact._make((*row[1:8], _key(row[8:]))) for row in rows}


def contents(cursor: Cursor[tuple[Any, ...]], ids: Collection[str]) -> dict[str, Transaction]:
    """Return what the current versions of transactions say."""
    rows = cursor.execute(_SQL["contents"], {"ids": list(ids)}).fetchall()
    return {row[0]: _transaction(row) for row in rows}


def _key(row: Sequence[str | None]) -> Key | None:
    portfolio_id, security_id = row
    return None if portfolio_id is None or security_id is None else (portfolio_id, security_id)


def lock_portfolios(
    cursor: Cursor[tuple[Any, ...]], ids: Iterable[str]
) -> dict[str, PortfolioState]:
    """Lock portfolios in the order of their ids and return those that are known."""
    rows = cursor.execute(_SQL["lock_portfolios"], {"ids": sorted(ids)}).fetchall()
    return {row[0]: PortfolioState(portfolio(row), row[POLICIES]) for row in rows}


def portfolio(row: Sequence[Any]) -> Portfolio:
    """Return the booking policies of a portfolio: what stages need to know of it."""
    identity, base, opened, name, status, method, settlement, zone, short = row[:9]
    changes, taxpayer_id, *rates = row[9:POLICIES]
    return Portfolio(
        identity,
        base,
        opened,
        name,
        status,
        CostMethod(method),
        Settlement(settlement),
        zone,
        short,
        cost_method_changes=method_changes_from(changes),
        taxpayer_id=taxpayer_id,
        tax_rates=TaxRates(*rates),
    )


def related_portfolios(cursor: Cursor[tuple[Any, ...]], ids: Collection[str]) -> set[str]:
    """Return these portfolios and all that must be folded with them."""
    rows = cursor.execute(_SQL["related_portfolios"], {"ids": list(ids)}).fetchall()
    return {row[0] for row in rows}


def carries(cursor: Cursor[tuple[Any, ...]], portfolio_ids: Collection[str]) -> list[Carry]:
    """Return the current carries that leave or reach these portfolios."""
    rows = cursor.execute(_SQL["carries"], {"ids": list(portfolio_ids)}).fetchall()
    return [Carry(row[0], (row[1], row[2]), (row[3], row[4])) for row in rows]


def states(cursor: Cursor[tuple[Any, ...]], keys: Collection[Key]) -> dict[Key, KeyState]:
    """Return where the folds of keys stand."""
    rows = cursor.execute(_SQL["states"], named_keys(keys)).fetchall()
    return {
        (row[0], row[1]): KeyState.emptied(row[2]) if row[3] is None else key_state(row)
        for row in rows
    }


def key_state(row: Sequence[Any]) -> KeyState:
    """Return where the fold of a key stands, of a row whose key has entries."""
    return KeyState(
        epoch=row[2],
        currency=row[3],
        holding=Holding(row[4], row[5], row[6], tuple(_lot(part) for part in row[15] or ())),
        realised_local=row[7],
        realised_base=row[8],
        changed_on=row[9],
        last=(row[10], row[11], row[12], row[13], row[14]),
        lots_known=row[15] is not None,
    )


def key_facts(cursor: Cursor[tuple[Any, ...]], keys: Collection[Key]) -> dict[str, BookedFact]:
    """Return the current transactions with a main, a cash or an arriving leg on these keys."""
    rows = cursor.execute(_SQL["key_facts"], named_keys(keys)).fetchall()
    return {
        row[0]: made(BookedFact, (_transaction(row), *row[22:25], _key(row[25:]))) for row in rows
    }


def _transaction(row: tuple[Any, ...]) -> Transaction:
    fee, tax, accrued, lots, to_quantity = row[11], row[12], row[13], row[18], row[21]
    return made(
        Transaction,
        (
            *row[:3],
            type_by_name[row[3]],
            *row[4:11],
            fee or ZERO,
            tax or ZERO,
            accrued or ZERO,
            *row[14:18],
            () if lots is None else choices_from(lots),
            row[19],
            row[20],
            to_quantity or ZERO,
        ),
    )


def last_order(cursor: Cursor[tuple[Any, ...]], key: Key, without: Collection[str]) -> Order | None:
    """Return the place of a key's last current entry, some transactions left aside."""
    named = {"portfolio_id": key[0], "security_id": key[1], "without": list(without)}
    rows: list[Order] = cursor.execute(_SQL["orders"], named).fetchall()  # pyright: ignore[reportAssignmentType]
    return max(rows, default=None)


def key_entries(
    cursor: Cursor[tuple[Any, ...]], keys: Collection[Key], ids: Collection[str] | None = None
) -> dict[Key, dict[tuple[str, str], EntryRow]]:
    """Return the current entries of keys by (transaction id, leg), all or of some ids."""
    found: dict[Key, dict[tuple[str, str], EntryRow]] = {key: {} for key in keys}
    named = {**named_keys(keys), "ids": None if ids is None else list(ids)}
    for row in cursor.execute(_SQL["key_entries"], named).fetchall():
        entry = made(EntryRow, row[2:])
        found[row[0], row[1]][entry.transaction_id, entry.leg] = entry
    return found


def take_work(
    cursor: Cursor[tuple[Any, ...]], limit: int, spared: Collection[str]
) -> list[WorkItem]:
    """Take keys to be folded again."""
    named = {"limit": limit, "spared": list(spared)}
    rows = cursor.execute(_SQL["take_work"], named).fetchall()
    return [WorkItem(row[0], row[1], row[2], row[3], causes_from(row[4])) for row in rows]


def _lot(part: Sequence[str]) -> Lot:
    lot_id, opened, quantity, local, base = part
    cost_local = Decimal(local)
    # One object for both costs marks a lot in the base currency (see book.lots).
    cost_base = cost_local if base == local else Decimal(base)
    return Lot(lot_id, date.fromisoformat(opened), Decimal(quantity), cost_local, cost_base)


def request_reprocessing(
    cursor: Cursor[tuple[Any, ...]], ids: Collection[str], at: datetime
) -> None:
    """Ask for the keys of these transactions to be folded again."""
    cursor.execute(_SQL["request_reprocessing"], {"ids": list(ids), "at": at})


def unfinished(cursor: Cursor[tuple[Any, ...]], portfolio_ids: Collection[str]) -> bool:
    """Tell whether any of these portfolios (all, when empty) has work or series to do."""
    row = cursor.execute(_SQL["unfinished"], {"ids": list(portfolio_ids)}).fetchone()
    return bool(row and row[0])


def named_keys(keys: Collection[Key]) -> dict[str, list[str]]:
    """Return keys as the parameters of a statement."""
    return {
        "portfolios": [portfolio_id for portfolio_id, _ in keys],
        "securities": [security_id for _, security_id in keys],
    }
