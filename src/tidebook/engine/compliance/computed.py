"""Compliance without a store of verdicts: trades are judged whenever someone asks.

It serves a book that is kept in memory. What was believed then is not kept, so that every verdict
is of now; policies and acknowledgements live as long as the process.
"""

from __future__ import annotations

from datetime import UTC, date
from typing import TYPE_CHECKING

from tidebook.compliance.verdicts import Status
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Asked, judge_household
from tidebook.engine.compliance.ports import (
    Household,
    KeptVerdicts,
    Looked,
    Totals,
    VerdictsPage,
)
from tidebook.engine.queries import FactQuery

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.compliance.ports import (
        Acknowledgement,
        Stand,
    )
    from tidebook.engine.ports import Clock, Reader


class ComputedCompliance:
    """Verdicts made of the book as it is read."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        """Read the book of ``reader``; windows are open or closed by ``clock``."""
        self._reader = reader
        self._clock = clock
        self._policies: dict[str, AccountPolicy] = {}
        self._acknowledged: list[Acknowledgement] = []

    def verdicts(
        self,
        ids: Sequence[str],
        *,
        skip: int = 0,
        limit: int = 100,
        known_at: datetime | None = None,
    ) -> VerdictsPage:
        """Return a page of the verdicts on the trades of portfolios."""
        found = [one for one in self._judged(ids, known_at) if one.portfolio_id in set(ids)]
        found.sort(key=lambda one: (one.trade_date, one.transaction_id), reverse=True)
        counts = [
            sum(verdict.status is status for one in found for verdict in one.verdicts)
            for status in (Status.PASS, Status.FLAG, Status.FAIL, Status.PROVISIONAL)
        ]
        seen = tuple(one for one in self._acknowledged if one.portfolio_id in set(ids))
        page = tuple(found[skip : skip + limit])
        return VerdictsPage(Totals(len(found), *counts), page, seen, 0)

    def history(self, ids: Sequence[str], transaction_id: str) -> tuple[KeptVerdicts, ...]:
        """Return what is said of a trade now."""
        judged = self._judged(ids, None)
        return tuple(one for one in judged if one.transaction_id == transaction_id)

    def household(self, ids: Sequence[str], securities: Collection[str] = ()) -> Household:
        """Return the policies and facts of portfolios and of those judged with them."""
        facts = self._facts(ids, None, securities)
        return Household(self._stated(facts.facts.portfolios), facts)

    def look(self, ids: Sequence[str], securities: Collection[str], known: Stand | None) -> Looked:
        """Return a household as it is; of when it will have moved, nothing is known."""
        del known
        found = self.household(ids, securities)
        return Looked(found, None, found.facts.facts.instruments, found.facts.prices)

    def policy(self, portfolio_id: str) -> AccountPolicy | None:
        """Return what is stated of an account."""
        return self._policies.get(portfolio_id)

    def save_policy(self, portfolio_id: str, policy: AccountPolicy, at: datetime) -> int:
        """Keep what is stated of an account."""
        del at
        self._reader.portfolio(portfolio_id)
        stated = self._policies.get(portfolio_id)
        if stated == policy.after(stated):
            return 0
        self._policies[portfolio_id] = policy.after(stated)
        return 1

    def acknowledge(
        self, acknowledgement: Acknowledgement, correlation_id: str, at: datetime
    ) -> int:
        """Keep an acknowledgement, and return its number."""
        del correlation_id
        number = len(self._acknowledged) + 1
        kept = acknowledgement._replace(acknowledgement_id=number, recorded_at=at)
        self._acknowledged.append(kept)
        return number

    def _facts(
        self, ids: Sequence[str], known_at: datetime | None, securities: Collection[str] = ()
    ) -> BookFacts:
        members = self._household(ids)
        query = FactQuery(tuple(sorted(members)), (), tuple(securities), known_at)
        return self._reader.book_facts(query)

    def _household(self, ids: Sequence[str]) -> set[str]:
        """Return portfolios and all that clients and stated households join to them."""
        members: set[str] = set()
        found = set(ids)
        while found != members:
            members = found
            clients = {self._reader.portfolio(each).cif_id for each in members} - {""}
            stated = self._stated(members).values()
            households = {one.household_id for one in stated} - {""}
            found = members.union(
                (
                    each.portfolio_id
                    for client in sorted(clients)
                    for each in self._reader.portfolios(cif_id=client)
                ),
                (each for each, one in self._policies.items() if one.household_id in households),
            )
        return members

    def _stated(self, ids: Collection[str]) -> dict[str, AccountPolicy]:
        """Return what is stated of portfolios."""
        return {each: self._policies[each] for each in sorted(ids) if each in self._policies}

    def _judged(self, ids: Sequence[str], known_at: datetime | None) -> list[KeptVerdicts]:
        now = self._clock.now()
        facts = self._facts(ids, known_at)
        stated = self._stated(facts.facts.portfolios)
        asked = Asked(stated, date.min, now.astimezone(UTC).date())
        found = judge_household(rebuilt(facts), asked)
        return [
            KeptVerdicts(portfolio_id, one.trade.trade_id, one.trade.on, one.verdicts, now, None)
            for portfolio_id, trades in found.items()
            for one in trades
        ]
