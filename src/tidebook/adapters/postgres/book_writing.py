"""What a batch of the book writes: new rows, what they close, and where keys stand now.

Many rows go by COPY. Few, as most batches hold while clients send one fact each, go by statements
that need no answer before the next, so that they go out together.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, cast

from psycopg import sql

from tidebook.adapters.postgres import book_unit, findings_unit
from tidebook.adapters.postgres.book_unit import named_keys
from tidebook.adapters.postgres.causes import causes_text
from tidebook.adapters.postgres.copying import columns, copy_rows
from tidebook.adapters.postgres.inserting import arrays, insert_rows, rows_as_query
from tidebook.adapters.postgres.statements import statements
from tidebook.errors import FencedError
from tidebook.model.money import ZERO, decimal_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from typing import LiteralString

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Cell, Insert
    from tidebook.book.lots import Lot
    from tidebook.engine.causes import Restated
    from tidebook.engine.store import BookWrite, FactRow, KeyWrite


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
_LITTLE = 500
"""Up to so many rows of each kind are written by statements that go out together."""
_NOTHING_CARRIED = ((), "", "", ZERO)
_SQL: Final = statements("book")
_MERGE = sql.SQL(cast("LiteralString", _SQL["merge_states"].decode()))


def is_little(write: BookWrite) -> bool:
    """Tell whether a batch writes so few rows that they go out in statements."""
    entries = sum(len(key.write) for key in write.keys)
    return max(entries, len(write.facts), len(write.keys)) <= _LITTLE


def save(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> None:
    """Write a batch of the book.

    Raises:
        FencedError: When a portfolio's generation is no longer the one that was read.
    """
    insert: Insert = insert_rows if is_little(write) else copy_rows
    at = _after_replaced(cursor, write, at)
    if write.close_facts:
        cursor.execute(_SQL["close_facts"], {"ids": list(write.close_facts), "at": at})
    if write.facts:
        _save_facts(cursor, write.facts, at.isoformat(), insert)
    if write.replaced_accounts:
        _replace_accounts(cursor, write, at)
    findings_unit.save(cursor, write.findings, write.resolved, at, insert)
    _save_keys(cursor, write.keys, at, insert)
    _save_restatements(cursor, write, at, insert)
    _bump(cursor, write)


def _after_replaced(cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime) -> datetime:
    """Return an instant after those of all rows that the batch closes, or that were closed.

    Clocks step back, and batches wait for each other after they have looked at them. Two versions
    of one thing must not be believed at one instant for that, nor one end before it began. What a
    key lost before, as its restatements tell, may be written again now.
    """
    keys = [key.key for key in write.keys if key.close or key.state.epoch]
    if not keys and not write.close_facts:
        return at
    named = {**named_keys(keys), "ids": list(write.close_facts)}
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


def _save_facts(
    cursor: Cursor[tuple[Any, ...]], facts: Sequence[FactRow], at: str, insert: Insert
) -> None:
    """Write facts; the few that carry something have columns that the many leave empty."""
    carrying = [row for row in facts if row.arrival or row.transaction[18:] != _NOTHING_CARRIED]
    plain = facts
    if carrying:
        apart = {id(row) for row in carrying}
        plain = [row for row in facts if id(row) not in apart]
        rows = ((*_fact(row, at), *_carrying(row)) for row in carrying)
        insert(cursor, "transactions", (*_FACT_COLUMNS, *_CARRYING), rows)
    if plain:
        insert(cursor, "transactions", _FACT_COLUMNS, (_fact(row, at) for row in plain))


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


def _save_keys(
    cursor: Cursor[tuple[Any, ...]],
    keys: Sequence[KeyWrite],
    at: datetime,
    insert: Insert,
) -> None:
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
        insert(cursor, "entries", _ENTRY_COLUMNS, rows)
    _merge_states(cursor, [_state(key, stamp) for key in keys if not key.state.is_emptied])
    emptied = [key.key for key in keys if key.state.is_emptied]
    if emptied:
        cursor.execute(_SQL["drop_states"], named_keys(emptied))


def _merge_states(cursor: Cursor[tuple[Any, ...]], rows: Sequence[Sequence[Cell]]) -> None:
    """Write where keys stand now; many at once by way of a table that lives for the batch."""
    if not rows:
        return
    if len(rows) > _LITTLE:
        cursor.execute(_SQL["stage_states"])
        copy_rows(cursor, "new_states", _STATE_COLUMNS, rows)
        cursor.execute(_SQL["merge_states"])
        return
    source = rows_as_query(cursor, "position_state", _STATE_COLUMNS)
    merge = sql.SQL("WITH new_states AS ({}) ").format(source) + _MERGE
    cursor.execute(merge, arrays(rows))


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
        _lots_text(holding.lots) if len(holding.lots) <= book_unit.LOTS_CARRIED else None,
        at,
    )


def _lots_text(lots: Sequence[Lot]) -> str:
    """Return lots as text; a zero is told alike, however many places it was reckoned to."""
    return json.dumps(
        [
            [
                lot.lot_id,
                lot.opened_on.isoformat(),
                str(lot.quantity),
                str(lot.cost_local or ZERO),
                str(lot.cost_base or ZERO),
            ]
            for lot in lots
        ]
    )


def _bump(cursor: Cursor[tuple[Any, ...]], write: BookWrite) -> None:
    if not write.generations:
        return
    ids = sorted(write.generations)
    dirty: list[date | None] = [write.dirty.get(identity) for identity in ids]
    generations = [write.generations[identity] for identity in ids]
    named = {"ids": ids, "generations": generations, "dirty": dirty}
    if len(cursor.execute(_SQL["bump_portfolios"], named).fetchall()) != len(ids):
        raise FencedError(f"the generation of one of {len(ids)} portfolios")


def _save_restatements(
    cursor: Cursor[tuple[Any, ...]], write: BookWrite, at: datetime, insert: Insert
) -> None:
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
        insert(cursor, "restatements", _RESTATEMENT_COLUMNS, rows)


def _came_to(restated: Restated | None) -> tuple[Cell, ...]:
    if restated is None:
        return ("[]", *(None,) * 6)
    return (causes_text(restated.causes), *restated.before, *restated.after)
