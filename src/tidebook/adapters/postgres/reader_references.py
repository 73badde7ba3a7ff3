"""Instruments, corporate actions, prices and rates as they were reported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.rows import action_from, instrument_from, moment, span, utc
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.views import ActionView
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.model.cancellations import Cancellation
    from tidebook.model.instruments import Instrument

_SQL: Final = statements("read_references")


def read_instruments(
    cursor: Cursor[TupleRow], security_ids: Sequence[str] | None, known_at: datetime | None
) -> tuple[Instrument, ...]:
    """Return instruments, by id: those named, or all."""
    ids = None if security_ids is None else list(security_ids)
    wanted = {"security_ids": ids, "known_at": moment(known_at)}
    return tuple(map(instrument_from, cursor.execute(_SQL["instruments"], wanted)))


def read_actions(
    cursor: Cursor[TupleRow], security_id: str | None, known_at: datetime | None
) -> tuple[ActionView, ...]:
    """Return corporate actions by ex-date and id: all, or those on a security or to it."""
    wanted = {"security_id": security_id, "known_at": moment(known_at)}
    return tuple(
        ActionView(action_from(row), row[12], utc(row[13]), "CANCELLED" if row[14] else "IN_FORCE")
        for row in cursor.execute(_SQL["actions"], wanted)
    )


def read_unknown(
    cursor: Cursor[TupleRow], cancellations: Sequence[Cancellation]
) -> tuple[int, ...]:
    """Return the places of those cancellations whose fact was never known.

    Those of transactions are looked up with their portfolios, and count as known here.
    """
    count = len(cancellations)
    # Every kind is asked for in columns of full length, so that a place is the same in all.
    columns: dict[str, list[str | date | None]] = {
        name: [None] * count
        for name in ("actions", "securities", "sources", "targets", "days", "dates", "assertions")
    }
    looked: list[int] = []
    for place, each in enumerate(cancellations):
        match each:
            case TransactionRef():
                continue
            case ActionRef(action_id):
                columns["actions"][place] = action_id
            case PriceRef(security_id, day):
                columns["securities"][place], columns["days"][place] = security_id, day
            case RateRef(source, target, day):
                columns["sources"][place], columns["targets"][place] = source, target
                columns["days"][place] = day
            case BusinessDateRef(day):
                columns["dates"][place] = day
            case AssertionRef(assertion_id):
                columns["assertions"][place] = assertion_id
        looked.append(place)
    if not looked:
        return ()
    known = {row[0] - 1 for row in cursor.execute(_SQL["ever_known"], columns)}
    return tuple(place for place in looked if place not in known)


def read_prices(
    cursor: Cursor[TupleRow],
    security_id: str,
    start: date | None,
    end: date | None,
    known_at: datetime | None,
) -> tuple[Price, ...]:
    """Return a security's prices, oldest first."""
    wanted = {"security_id": security_id, "known_at": moment(known_at), **span(start, end)}
    return tuple(map(Price._make, cursor.execute(_SQL["prices"], wanted)))


def read_rates(
    cursor: Cursor[TupleRow],
    pair: tuple[str, str],
    start: date | None,
    end: date | None,
    known_at: datetime | None,
) -> tuple[Rate, ...]:
    """Return the rates of a pair as it was quoted, oldest first; the opposite pair is another."""
    known = {"known_at": moment(known_at)}
    wanted = {"source": pair[0], "target": pair[1], **known, **span(start, end)}
    return tuple(map(Rate._make, cursor.execute(_SQL["rates"], wanted)))
