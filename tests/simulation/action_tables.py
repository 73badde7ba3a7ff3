"""Corporate actions and assertions (see ``actions.sql``, ``assertions.sql`` of the adapter)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.database import ActionVersion, AssertionRow
from tidebook.model.actions import ActionTable, action_hash, applied_id
from tidebook.model.instruments import cash_account

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime

    from tests.simulation.book_tables import BookTables
    from tests.simulation.reference_tables import ReferenceTables
    from tests.simulation.session import Session
    from tidebook.engine.store import Key
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion


class ActionTables:
    """Corporate actions as one transaction sees them, and balance assertions.

    Args:
        session: The transaction.
        book: The book of the same transaction, where work is asked for.
        reference: The market of the same transaction, where series are marked.
    """

    def __init__(self, session: Session, book: BookTables, reference: ReferenceTables) -> None:
        """Work through a session."""
        self._session = session
        self._book = book
        self._reference = reference
        database = session.database
        self._actions = session.of(database.actions)
        self._assertions = session.of(database.assertions)
        self._instruments = session.of(database.instruments)
        self._states = session.of(database.states)
        self._entries = session.of(database.entries)

    def actions(self) -> ActionTable:
        """Return every corporate action in force."""
        self._session.statement()
        return ActionTable(tuple(in_force(row for _, row in self._actions.all())))

    def save(self, actions: Sequence[CorporateAction], at: datetime) -> int:
        """Write corporate actions with all that this brings about; return the duplicates."""
        latest = {action.action_id: action for action in actions}
        known = self._current(sorted(latest))
        changed: list[tuple[int, ActionVersion]] = []
        before: list[ActionVersion] = []
        for identity, action in latest.items():
            digest = action_hash(action)
            version, row = known.get(identity, (0, None))
            if row is None or row.content_hash != digest:
                changed.append(
                    (version + 1, ActionVersion(action, digest, cancelled=False, recorded_at=at))
                )
                before += [row] if row else []
        self._replace(changed, before, at, "a corporate action was set or corrected")
        return len(actions) - len(changed)

    def cancel(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel corporate actions with all that this brings about; return the duplicates."""
        known = [each for each in self._current(sorted(set(ids))).values() if not each[1].cancelled]
        gone = [
            (version + 1, ActionVersion(row.action, "", cancelled=True, recorded_at=at))
            for version, row in known
        ]
        before = [row for _, row in known]
        self._replace(gone, before, at, "a corporate action was cancelled")
        return len(ids) - len(gone)

    def _current(self, ids: Sequence[str]) -> dict[str, tuple[int, ActionVersion]]:
        self._session.statement()
        rows = self._actions.where_in("current", ids)
        return {identity: (version, row) for (identity, version), row in rows}

    def _replace(
        self,
        versions: Sequence[tuple[int, ActionVersion]],
        before: Sequence[ActionVersion],
        at: datetime,
        reason: str,
    ) -> None:
        if not versions:
            return
        self._session.statement()
        for version, row in versions:
            identity = row.action.action_id
            for key, last in self._actions.where("current", identity):
                ended = last._replace(superseded_at=max(at, last.recorded_at))
                self._actions.put(key, ended)
            self._actions.insert((identity, version), row)
        found = [row.action for row in (*before, *(row for _, row in versions))]
        self.refold(found, at, reason)
        self.mark_carried(found)

    def mark_carried(self, actions: Sequence[CorporateAction]) -> None:
        """Mark the series of those who hold what older prices are carried over to."""
        earliest: dict[str, date] = {}
        for action in actions:
            if action.split is not None:
                day = earliest.get(action.security_id, action.ex_date)
                earliest[action.security_id] = min(action.ex_date, day)
        if earliest:
            self._session.statement()
            self._reference.mark_holders(earliest)

    def refold(self, actions: Sequence[CorporateAction], at: datetime, reason: str) -> None:
        """Have the keys folded again that actions bear on, as they were and as they are."""
        self._session.statement()
        keys: list[tuple[Key, date]] = []
        for action in actions:
            keys += self._reached(action)
            keys += self._booked(action)
        self._book.ask_again(keys, reason, at)

    def _reached(self, action: CorporateAction) -> Iterator[tuple[Key, date]]:
        names = sorted({action.security_id, action.to_security_id} - {""})
        for (portfolio_id, _), _ in self._states.where_in("security", names):
            if action.portfolio_id in {"", portfolio_id}:
                for name in names:
                    yield (portfolio_id, name), action.ex_date

    def _booked(self, action: CorporateAction) -> Iterator[tuple[Key, date]]:
        if not action.cash_per_unit:
            return
        row = self._instruments.get(action.security_id)
        local = row.instrument.currency if row else ""
        account = cash_account(action.cash_currency or local)
        for (portfolio_id, _), _ in self._states.where("security", action.security_id):
            if action.portfolio_id in {"", portfolio_id}:
                identity = applied_id(action.action_id, portfolio_id)
                for key, entered in self._entries.where("key", (portfolio_id, account)):
                    if key[2] == identity:
                        yield (portfolio_id, account), entered.row.on

    # Balance assertions: nothing rests on them.

    def save_assertions(self, assertions: Sequence[BalanceAssertion]) -> int:
        """Write assertions, the next version where one says something else."""
        self._session.statement()
        written = 0
        for assertion in {each.assertion_id: each for each in assertions}.values():
            row = self._assertions.locked(assertion.assertion_id)
            if row is None or row.cancelled or row.assertion != assertion:
                after = AssertionRow(assertion, row.version + 1 if row else 1)
                self._assertions.put(assertion.assertion_id, after)
                written += 1
        return len(assertions) - written

    def cancel_assertions(self, ids: Sequence[str]) -> int:
        """Write the next version of assertions that stand, cancelled."""
        self._session.statement()
        gone = 0
        for identity in dict.fromkeys(ids):
            row = self._assertions.locked(identity)
            if row is not None and not row.cancelled:
                after = row._replace(version=row.version + 1, cancelled=True)
                self._assertions.put(identity, after)
                gone += 1
        return len(ids) - gone


def in_force(rows: Iterator[ActionVersion]) -> Iterator[CorporateAction]:
    """Yield the actions that are in force."""
    for row in rows:
        if row.superseded_at is None and not row.cancelled:
            yield row.action
