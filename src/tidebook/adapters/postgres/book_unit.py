"""The book's reads and writes inside one transaction: sets, never a statement per row."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres import findings_unit
from tidebook.adapters.postgres.causes import causes_from, causes_text
from tidebook.adapters.postgres.copying import columns, copy_rows
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
from tidebook.errors import FencedError
from tidebook.model.facts import Transaction
from tidebook.model.money import ZERO, decimal_text
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement, TaxRates
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Cell
    from tidebook.engine.causes import Restated
    from tidebook.engine.store import (
        BookWrite,
        FactRow,
        Key,
        KeyWrite,
        Order,
    )

POLICIES = 14
"""How many columns tell the booking policies of a portfolio."""
LOTS_CARRIED = 400
"""A key with more open lots than this does not carry them in its state; they are folded anew."""

_FACT_COLUMNS = columns(
    "transaction_id version content_hash portfolio_id security_id instrument_id type traded_at "
    "trade_date business_date settlement_date quantity price gross fee tax accrued_interest "
    "trade_currency currency fx_rate note main_security_id cash_security_id correlation_id "
    "recorded_at superseded_at"
)
_CARRYING = columns(
    "lots to_portfolio_id to_security_id to_quantity arrival_portfolio_id arrival_security_id"
)
"""What a fact has beside these only where it names lots or touches a second key."""
_ENTRY_COLUMNS = columns(
    "portfolio_id security_id epoch recorded_at transaction_id leg type business_date at rank "
    "currency fx_rate amount quantity cost_local cost_base realised_local realised_base "
    "realised_price realised_currency matches classification timing is_portfolio_flow "
    "cash_amount position_flow flow_base opens"
)
_STATE_COLUMNS = columns(
    "portfolio_id security_id epoch currency quantity cost_local cost_base realised_local "
    "realised_base changed_on last_on last_at last_rank last_transaction_id last_leg lots "
    "recorded_at"
)
_RESTATEMENT_COLUMNS = columns(
    "portfolio_id security_id epoch from_date reason entries_closed entries_written generation "
    "recorded_at causes quantity_before cost_base_before realised_base_before quantity_after "
    "cost_base_after realised_base_after"
)
_NOTHING_CARRIED = ((), "", "", ZERO)
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
    rows = cursor.execute(_SQL["states"], _named(keys)).fetchall()
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
    rows = cursor.execute(_SQL["key_facts"], _named(keys)).fetchall()
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
    named = {**_named(keys), "ids": None if ids is None else list(ids)}
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


def save(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> None:
    """Write a batch of the book.

    Raises:
        FencedError: When a portfolio's generation is no longer the one that was read.
    """
    at = _after_replaced(cursor, write, at)
    if write.close_facts:
        cursor.execute(_SQL["close_facts"], {"ids": list(write.close_facts), "at": at})
    if write.facts:
        _save_facts(cursor, write.facts, at.isoformat())
    if write.replaced_accounts:
        _replace_accounts(cursor, write, at)
    findings_unit.save(cursor, write.findings, write.resolved, at)
    _save_keys(cursor, write.keys, at)
    _bump(cursor, write)
    _save_restatements(cursor, write, at)


def _after_replaced(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> datetime:
    """Return an instant after those of all rows that the batch closes, or that were closed.

    Clocks step back, and batches wait for each other after they have looked at them. Two versions
    of one thing must not be believed at one instant for that, nor one end before it began. What a
    key lost before, as its restatements tell, may be written again now.
    """
    keys = [key.key for key in write.keys if key.close or key.state.epoch]
    if not keys and not write.close_facts:
        return at
    named = {**_named(keys), "ids": list(write.close_facts)}
    row = cursor.execute(_SQL["last_recorded"], named).fetchone()
    last: datetime | None = row[0] if row else None
    return at if last is None or last < at else last + timedelta(microseconds=1)


def _replace_accounts(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> None:
    ids, days, mains, cashes, arrivals = zip(*write.replaced_accounts, strict=True)
    named = {
        "ids": list(ids),
        "days": list(days),
        "mains": list(mains),
        "cashes": list(cashes),
        "to_portfolios": [None if arrival is None else arrival[0] for arrival in arrivals],
        "to_securities": [None if arrival is None else arrival[1] for arrival in arrivals],
        "at": at,
    }
    cursor.execute(_SQL["replace_accounts"], named)


def _save_facts(cursor: Cursor[tuple[Any, ...]], facts: Sequence[FactRow], at: str) -> None:
    """Write facts; the few that carry something have columns that the many leave empty."""
    carrying = [row for row in facts if row.arrival or row.transaction[18:] != _NOTHING_CARRIED]
    plain = facts
    if carrying:
        apart = {id(row) for row in carrying}
        plain = [row for row in facts if id(row) not in apart]
        rows = ((*_fact(row, at), *_carrying(row)) for row in carrying)
        copy_rows(cursor, "transactions", (*_FACT_COLUMNS, *_CARRYING), rows)
    if plain:
        copy_rows(cursor, "transactions", _FACT_COLUMNS, (_fact(row, at) for row in plain))


def _carrying(row: FactRow) -> tuple[Cell, ...]:
    fact = row.transaction
    lots = [[choice.lot_id, decimal_text(choice.quantity)] for choice in fact.lots]
    return (
        json.dumps(lots, ensure_ascii=False) if lots else None,
        fact.to_portfolio_id,
        fact.to_security_id,
        fact.to_quantity,
        *(row.arrival or (None, None)),
    )


def _fact(row: FactRow, at: str) -> tuple[Cell, ...]:
    fact = row.transaction
    return (
        fact.transaction_id,
        row.version,
        row.content_hash,
        fact.portfolio_id,
        fact.security_id,
        fact.instrument_id,
        fact.type,
        fact.traded_at,
        fact.trade_date,
        row.business_date,
        fact.settlement_date,
        fact.quantity,
        fact.price,
        fact.gross,
        fact.fee,
        fact.tax,
        fact.accrued_interest,
        fact.trade_currency,
        fact.currency,
        fact.fx_rate,
        fact.note,
        row.main_security_id,
        row.cash_security_id,
        row.correlation_id,
        at,
        at if row.superseded else "infinity",
    )


def _save_keys(cursor: Cursor[tuple[Any, ...]], keys: Sequence[KeyWrite], at: datetime) -> None:
    # The instant of the batch is written once and for all: it stands in every row.
    stamp = at.isoformat()
    closing = [(*key.key, *entry) for key in keys for entry in key.close]
    if closing:
        portfolios, securities, ids, legs = zip(*closing, strict=True)
        cursor.execute(
            _SQL["close_entries"],
            {
                "portfolios": list(portfolios),
                "securities": list(securities),
                "ids": list(ids),
                "legs": list(legs),
                "at": at,
            },
        )
    if any(key.write for key in keys):
        rows = ((*key.key, key.state.epoch, stamp, *entry) for key in keys for entry in key.write)
        copy_rows(cursor, "entries", _ENTRY_COLUMNS, rows)
    if keys:
        cursor.execute(_SQL["stage_states"])
        rows = (_state(key, stamp) for key in keys if not key.state.is_emptied)
        copy_rows(cursor, "new_states", _STATE_COLUMNS, rows)
        cursor.execute(_SQL["merge_states"])
    emptied = [key.key for key in keys if key.state.is_emptied]
    if emptied:
        cursor.execute(_SQL["drop_states"], _named(emptied))


def _state(write: KeyWrite, at: str) -> tuple[Cell, ...]:
    state, holding = write.state, write.state.holding
    return (
        *write.key,
        state.epoch,
        state.currency,
        holding.quantity,
        holding.cost_local,
        holding.cost_base,
        state.realised_local,
        state.realised_base,
        state.changed_on,
        *state.last,
        _lots_text(holding.lots) if len(holding.lots) <= LOTS_CARRIED else None,
        at,
    )


def _lots_text(lots: Sequence[Lot]) -> str:
    return json.dumps(
        [
            [
                lot.lot_id,
                lot.opened_on.isoformat(),
                str(lot.quantity),
                str(lot.cost_local),
                str(lot.cost_base),
            ]
            for lot in lots
        ]
    )


def _lot(part: Sequence[str]) -> Lot:
    lot_id, opened, quantity, local, base = part
    cost_local = Decimal(local)
    # One object for both costs marks a lot in the base currency (see book.lots).
    cost_base = cost_local if base == local else Decimal(base)
    return Lot(lot_id, date.fromisoformat(opened), Decimal(quantity), cost_local, cost_base)


def _bump(cursor: Cursor[tuple[Any, ...]], write: BookWrite) -> None:
    if not write.generations:
        return
    ids = sorted(write.generations)
    dirty: list[date | None] = [write.dirty.get(identity) for identity in ids]
    generations = [write.generations[identity] for identity in ids]
    named = {"ids": ids, "generations": generations, "dirty": dirty}
    cursor.execute(_SQL["bump_portfolios"], named)
    if cursor.rowcount != len(ids):
        raise FencedError(f"the generation of one of {len(ids)} portfolios")


def _save_restatements(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> None:
    rows = [
        (
            *key.key,
            key.state.epoch,
            key.restated_from,
            key.reason,
            len(key.close),
            len(key.write),
            write.generations.get(key.key[0], 0) + 1,
            at,
            *_came_to(key.restated),
        )
        for key in write.keys
        if key.restated_from is not None
    ]
    if rows:
        copy_rows(cursor, "restatements", _RESTATEMENT_COLUMNS, rows)


def _came_to(restated: Restated | None) -> tuple[Cell, ...]:
    if restated is None:
        return ("[]", *(None,) * 6)
    return (causes_text(restated.causes), *restated.before, *restated.after)


def request_reprocessing(
    cursor: Cursor[tuple[Any, ...]], ids: Collection[str], at: datetime
) -> None:
    """Ask for the keys of these transactions to be folded again."""
    cursor.execute(_SQL["request_reprocessing"], {"ids": list(ids), "at": at})


def unfinished(cursor: Cursor[tuple[Any, ...]], portfolio_ids: Collection[str]) -> bool:
    """Tell whether any of these portfolios (all, when empty) has work or series to do."""
    row = cursor.execute(_SQL["unfinished"], {"ids": list(portfolio_ids)}).fetchone()
    return bool(row and row[0])


def _named(keys: Collection[Key]) -> dict[str, list[str]]:
    return {
        "portfolios": [portfolio_id for portfolio_id, _ in keys],
        "securities": [security_id for _, security_id in keys],
    }
