"""Balance assertions, written: versions of facts on which nothing else rests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres.copying import copy_rows
from tidebook.adapters.postgres.statements import statements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from psycopg import Cursor

    from tidebook.model.assertions import BalanceAssertion

_SQL = statements("assertions")
_COLUMNS = (
    "assertion_id",
    "portfolio_id",
    "security_id",
    "assertion_date",
    "quantity",
    "tolerance",
    "source",
    "note",
    "is_cancelled",
)


def save_assertions(
    cursor: Cursor[tuple[Any, ...]], assertions: Sequence[BalanceAssertion], at: datetime
) -> int:
    """Write assertions, the next version where one says something else; return the duplicates."""
    latest = {assertion.assertion_id: assertion for assertion in assertions}
    cursor.execute(_SQL["stage_assertions"])
    copy_rows(cursor, "new_assertions", _COLUMNS, latest.values())
    cursor.execute(_SQL["close_assertions"], {"at": at})
    cursor.execute(_SQL["insert_assertions"], {"at": at})
    written = cursor.rowcount
    cursor.execute(_SQL["clear_assertions"])
    return len(assertions) - written


def cancel_assertions(cursor: Cursor[tuple[Any, ...]], ids: Sequence[str], at: datetime) -> int:
    """Write the next version of assertions that stand, cancelled; return the duplicates."""
    distinct = list(dict.fromkeys(ids))
    cursor.execute(_SQL["cancel_assertions"], {"ids": distinct, "at": at})
    return len(ids) - cursor.rowcount
