"""What corporate actions did in one portfolio."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import TYPE_CHECKING, Final

from tidebook.adapters.postgres.reader_portfolios import read_subject
from tidebook.adapters.postgres.reader_references import read_actions
from tidebook.adapters.postgres.rows import booked_entry_from, finding_from, moment
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.views import AppliedActionsView, AppliedActionView
from tidebook.model.actions import applied_id
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from datetime import datetime

    from psycopg import Cursor
    from psycopg.rows import TupleRow

    from tidebook.engine.views import ActionView, EntryView
    from tidebook.model.findings import Finding

_SQL: Final = statements("read_transactions")


def read_applied_actions(  # noqa: PLR0913 - the question has this many parts
    cursor: Cursor[TupleRow],
    portfolio_id: str,
    *,
    security_id: str | None = None,
    start: date | None = None,
    as_of: date | None = None,
    known_at: datetime | None = None,
) -> AppliedActionsView:
    """Return the corporate actions that did something in a portfolio, or wait there.

    One that was cancelled, or whose security was not held, did nothing and is not among them.
    """
    subject = read_subject(cursor, portfolio_id, as_of=as_of, known_at=known_at)
    first, last = start or date.min, as_of or date.max
    due = {
        applied_id(view.action.action_id, portfolio_id): view
        for view in read_actions(cursor, security_id, known_at)
        if first <= view.action.ex_date <= last and view.action.portfolio_id in {"", portfolio_id}
    }
    wanted = {
        "portfolio_id": portfolio_id,
        "portfolio_ids": [portfolio_id],
        "transaction_ids": list(due),
        "known_at": moment(known_at),
    }
    entries: defaultdict[str, list[EntryView]] = defaultdict(list)
    for row in cursor.execute(_SQL["action_entries"], wanted):
        entries[row[0]].append(booked_entry_from(row).entry)
    findings: defaultdict[str, list[Finding]] = defaultdict(list)
    for row in cursor.execute(_SQL["findings"], wanted):
        findings[row[2]].append(finding_from(row))
    applied = (
        _applied(identity, view, entries[identity], findings[identity])
        for identity, view in due.items()
        if identity in entries or identity in findings
    )
    return AppliedActionsView(*subject, tuple(applied))


def _applied(
    identity: str, view: ActionView, entries: list[EntryView], findings: list[Finding]
) -> AppliedActionView:
    waits = any(finding.severity is Severity.WAITING for finding in findings)
    return AppliedActionView(
        view.action,
        view.version,
        view.recorded_at,
        identity,
        "WAITING" if waits else "BOOKED",
        tuple(entries),
        tuple(findings),
    )
