"""Cash that the holding of another key determined: what stands of it when an account is folded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.postings import Leg
from tidebook.engine.stages.keys import posting_of
from tidebook.model.instruments import cash_account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.book.postings import Posting
    from tidebook.engine.stages.changes import Change
    from tidebook.engine.stages.reposting import Reposting
    from tidebook.engine.store import EntryRow, Key


def still_settled(
    key: Key,
    stored: Mapping[tuple[str, str], EntryRow],
    changes: Mapping[Key, Change],
    again: Reposting,
) -> dict[tuple[str, Leg], Posting]:
    """Return the cash that holdings determined before, and that nothing determines anew.

    Args:
        key: A cash account.
        stored: Its current entries.
        changes: What the batch does to which key.
        again: What the facts of the batch's keys are posted as now.
    """
    removed = changes[key].removed if key in changes else ()
    found: dict[tuple[str, Leg], Posting] = {}
    for row in stored.values():
        if row.leg == Leg.CASH and row.transaction_id not in removed:
            main = _determined_by(key, row, again)
            if main is not None and not (main in changes and changes[main].anew):
                found[row.transaction_id, Leg.CASH] = posting_of(key, row)
    return found


def _determined_by(key: Key, row: EntryRow, again: Reposting) -> Key | None:
    """Return the key whose holding determined a cash entry; None where the fact did."""
    action = again.actions.applied(row.transaction_id, key[0])
    if action is not None:
        # An action that names no currency pays in that of its security, whose key is folded anew
        # when that changes.
        paid_in = action.cash_currency
        pays_here = not paid_in or cash_account(paid_in) == key[1]
        return (key[0], action.security_id) if pays_here else None
    posted = again.posted.get(row.transaction_id)
    if posted is None or not any(each.is_settled_later for each in posted.postings):
        return None
    return (key[0], posted.main_security_id)
