"""Findings: what waits, and what is said of the facts of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidebook.adapters.postgres.copying import columns
from tidebook.adapters.postgres.statements import statements

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Insert
    from tidebook.engine.store import FindingRow, Key

_FINDING_COLUMNS = columns(
    "transaction_id code severity portfolio_id security_id business_date sentence remedy "
    "waits_for recorded_at"
)
_SQL = statements("book")


def waiting(cursor: Cursor[tuple[Any, ...]], portfolio_ids: Collection[str]) -> set[str]:
    """Return the ids of transactions of these portfolios that wait."""
    named = {"portfolios": list(portfolio_ids)}
    return {row[0] for row in cursor.execute(_SQL["waiting"], named).fetchall()}


def refusals(cursor: Cursor[tuple[Any, ...]], keys: Collection[Key]) -> dict[Key, date]:
    """Return, of these keys, the last day on which a disposal of more than was held waits."""
    subjects = {f"key:{key[0]}/{key[1]}": key for key in keys}
    if not subjects:
        return {}
    rows = cursor.execute(_SQL["refusals"], {"subjects": list(subjects)}).fetchall()
    return {subjects[row[0]]: row[1] for row in rows}


def save(
    cursor: Cursor[tuple[Any, ...]],
    findings: Sequence[FindingRow],
    resolved: Sequence[str],
    at: datetime,
    insert: Insert,
) -> None:
    """Write findings; those that say again what is open already stay as they are."""
    rows = (
        (
            row.finding.transaction_id,
            row.finding.code,
            row.finding.severity.value,
            row.portfolio_id,
            row.security_id,
            row.business_date,
            row.finding.sentence,
            row.finding.remedy,
            row.finding.waits_for,
            at,
        )
        for row in findings
    )
    if not resolved:
        if findings:
            insert(cursor, "findings", _FINDING_COLUMNS, rows)
        return
    cursor.execute(_SQL["stage_findings"])
    if findings:
        insert(cursor, "new_findings", _FINDING_COLUMNS, rows)
    cursor.execute(_SQL["resolve_findings"], {"ids": list(resolved), "at": at})
    if findings:
        cursor.execute(_SQL["insert_findings"])
