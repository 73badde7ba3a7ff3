"""Corporate actions: written in versions, with the keys that they bear on folded again."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from tidebook.adapters.postgres.causes import causes_text
from tidebook.adapters.postgres.copying import columns, copy_rows
from tidebook.adapters.postgres.rows import action_from
from tidebook.adapters.postgres.statements import statements
from tidebook.engine.causes import Cause, CauseKind
from tidebook.model.actions import action_hash
from tidebook.model.instruments import cash_account

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from psycopg import Cursor

    from tidebook.adapters.postgres.copying import Cell
    from tidebook.model.actions import CorporateAction

_SQL = statements("actions")
_REFERENCE = statements("reference")
_COLUMNS = columns(
    "version content_hash cancelled recorded_at action_id type security_id ex_date new_units "
    "old_units to_security_id cost_fraction cash_per_unit cash_currency portfolio_id note"
)


class _Version(NamedTuple):
    """The current version of an action: in force, or cancelled."""

    version: int
    content_hash: str
    cancelled: bool
    action: CorporateAction


def save(cursor: Cursor[tuple[Any, ...]], actions: Sequence[CorporateAction], at: datetime) -> int:
    """Write corporate actions, have their keys folded again, return the duplicates.

    The same action with the same content is a duplicate; with other content, or after it was
    cancelled, it is the next version.
    """
    latest = {action.action_id: action for action in actions}
    known = _current(cursor, latest)
    changed: list[_Version] = []
    for identity, action in latest.items():
        before, digest = known.get(identity), action_hash(action)
        if before is None or before.content_hash != digest:
            version = before.version + 1 if before else 1
            changed.append(_Version(version, digest, cancelled=False, action=action))
    before = [known[one.action.action_id] for one in changed if one.action.action_id in known]
    _replace(cursor, changed, before, at, "a corporate action was set or corrected")
    return len(actions) - len(changed)


def cancel(cursor: Cursor[tuple[Any, ...]], ids: Sequence[str], at: datetime) -> int:
    """Cancel corporate actions and have their keys folded again; return the duplicates.

    Cancelling what is not in force is a duplicate.
    """
    before = [one for one in _current(cursor, set(ids)).values() if not one.cancelled]
    gone = [_Version(one.version + 1, "", cancelled=True, action=one.action) for one in before]
    _replace(cursor, gone, before, at, "a corporate action was cancelled")
    return len(ids) - len(gone)


def _current(cursor: Cursor[tuple[Any, ...]], ids: Collection[str]) -> dict[str, _Version]:
    rows = cursor.execute(_SQL["current"], {"ids": list(ids)}).fetchall()
    return {
        row[0]: _Version(row[1], row[2], row[14], action_from((row[0], *row[3:14]))) for row in rows
    }


def _replace(
    cursor: Cursor[tuple[Any, ...]],
    versions: Sequence[_Version],
    before: Sequence[_Version],
    at: datetime,
    reason: str,
) -> None:
    """Write the next versions of actions and mark what rests on them, as they were and are."""
    if not versions:
        return
    ids = [one.action.action_id for one in versions]
    # Whoever corrects an action within the same instant must not leave two that are believed.
    cursor.execute(_SQL["close"], {"ids": ids, "at": at})
    copy_rows(cursor, "corporate_actions", _COLUMNS, (_row(one, at) for one in versions))
    cursor.execute(_REFERENCE["move_versions"], {"subjects": ["actions"]})
    versions_now = {one.action.action_id: one.version for one in versions}
    touched = [one.action for one in (*before, *versions)]
    _refold(cursor, touched, versions_now, (at, reason))
    _mark_carried(cursor, touched, versions_now, at)


def _mark_carried(
    cursor: Cursor[tuple[Any, ...]],
    actions: Iterable[CorporateAction],
    versions: Mapping[str, int],
    at: datetime,
) -> None:
    """Mark the series of those who hold what older prices are carried over to.

    Whoever bought after the ex-date has no entry that changes, and another price all the same.
    """
    found: dict[tuple[str, str], list[date]] = defaultdict(list)
    for action in actions:
        if action.split is not None:
            found[action.action_id, action.security_id].append(action.ex_date)
    if not found:
        return
    keys = sorted(found)
    named = {
        "kind": CauseKind.CORPORATE_ACTION.value,
        "ids": [action_id for action_id, _ in keys],
        "firsts": [min(found[key]) for key in keys],
        "lasts": [max(found[key]) for key in keys],
        "versions": [versions[action_id] for action_id, _ in keys],
        "at": at,
    }
    change = min(row[0] for row in cursor.execute(_REFERENCE["log_changes"], named).fetchall())
    held = {
        "securities": [security_id for _, security_id in keys],
        "days": [min(found[key]) for key in keys],
        "change": change,
    }
    cursor.execute(_REFERENCE["dirty_holders"], held)


def _row(one: _Version, at: datetime) -> tuple[Cell, ...]:
    return (one.version, one.content_hash, one.cancelled, at, *one.action)


def _refold(
    cursor: Cursor[tuple[Any, ...]],
    actions: Iterable[CorporateAction],
    versions: Mapping[str, int],
    why: tuple[datetime, str],
) -> None:
    found = list(actions)
    at, reason = why
    causes = {
        one: Cause(CauseKind.CORPORATE_ACTION, one, version) for one, version in versions.items()
    }
    named = {"ids": [action.security_id for action in found]}
    currencies = dict(cursor.execute(_SQL["currencies"], named).fetchall())
    # As it was and as it is, an action mostly bears on the same keys: they are looked for once.
    reached: dict[tuple[str, str, str], date] = {}
    behind: dict[tuple[str, str, str], dict[Cause, None]] = defaultdict(dict)
    booked: dict[tuple[str, str, str, str], None] = {}
    for action in found:
        scope = (action.security_id, action.to_security_id, action.portfolio_id)
        reached[scope] = min(action.ex_date, reached.get(scope, action.ex_date))
        behind[scope][causes[action.action_id]] = None
        if action.cash_per_unit:
            cash_id = cash_account(action.cash_currency or currencies.get(action.security_id, ""))
            key = (action.action_id, action.security_id, action.portfolio_id, cash_id)
            booked[key] = None
    cursor.execute(
        _SQL["refold"],
        {
            "securities": [scope[0] for scope in reached],
            "to_securities": [scope[1] for scope in reached],
            "portfolios": [scope[2] for scope in reached],
            "days": list(reached.values()),
            "causes": [causes_text(tuple(behind[scope])) for scope in reached],
            "booked_ids": [key[0] for key in booked],
            "booked_securities": [key[1] for key in booked],
            "booked_portfolios": [key[2] for key in booked],
            "cash_ids": [key[3] for key in booked],
            "booked_causes": [causes_text((causes[key[0]],)) for key in booked],
            "reason": reason,
            "at": at,
        },
    )
