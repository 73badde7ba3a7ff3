"""What judging trades needs of a store, and the shapes in which verdicts are kept and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import date, datetime

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.book_facts import BookFacts, Gathered
    from tidebook.model.actions import ActionTable
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes, RateTable


class Member(NamedTuple):
    """A portfolio of a household, and where its book stood when it was looked at.

    ``unjudged_from`` is the first day from which its trades are to be judged again, ``due_on`` the
    day on which a window of one of them ends. ``marks`` counts how often it was marked so: one more
    while it is judged has it judged again.
    """

    portfolio_id: str
    generation: int
    valuation_version: int
    unjudged_from: date | None
    due_on: date | None
    marks: int = 0


class Job(NamedTuple):
    """A household with trades to be judged: the portfolio that asks for it, and all members."""

    asked_by: str
    members: tuple[Member, ...]


class TradeVerdicts(NamedTuple):
    """What the rules say of one trade."""

    transaction_id: str
    trade_date: date
    executed_at: datetime | None
    verdicts: tuple[Verdict, ...]


class VerdictsWrite(NamedTuple):
    """The verdicts on a member's trades from a day on, and when to look again."""

    member: Member
    since: date
    judged: tuple[TradeVerdicts, ...]
    due_on: date | None


class ComplianceUnit(Protocol):
    """One database transaction, as the compliance stage sees it."""

    def hold_fence(self, consumer: str, part: tuple[str, int], fence: int) -> None:
        """Keep the stage in this worker's hands until the unit ends.

        Raises:
            FencedError: When another worker owns it now.
        """
        ...

    def jobs(self, limit: int, spared: Collection[str], today: date) -> list[Job]:
        """Return households with trades to be judged, of ``limit`` portfolios that ask."""
        ...

    def policies(self, ids: Collection[str]) -> dict[str, AccountPolicy]:
        """Return the policies in force; portfolios without one are left out."""
        ...

    def gather(self, households: Mapping[str, Sequence[str]]) -> Gathered:
        """Return all that the books of the portfolios of households follow from, by household."""
        ...

    def save(self, writes: Sequence[VerdictsWrite], at: datetime) -> frozenset[str]:
        """Write the verdicts that came out different, close what they replace.

        Returns the ids of the portfolios that were written; one whose book has moved since is
        left for the next time.
        """
        ...


class VerdictStore(Protocol):
    """Where the stage keeps verdicts."""

    def unit(self) -> AbstractContextManager[ComplianceUnit]:
        """Begin a unit; it commits when the block ends and rolls back when it raises."""
        ...


class Acknowledgement(NamedTuple):
    """That someone has seen a verdict and lets it stand, and why.

    ``said`` is the sentence of the verdict that was seen; older ones have none.
    """

    portfolio_id: str
    transaction_id: str
    rule_id: str
    rule_version: str
    status: str
    actor: str
    reason: str
    said: str = ""
    acknowledgement_id: int = 0
    recorded_at: datetime | None = None

    def is_of(self, verdict: Verdict, since: datetime) -> bool:
        """Tell whether it is of what a verdict says now, and not of what one said before.

        Args:
            verdict: The verdict that stands.
            since: When the trade was last judged otherwise, for one that did not keep what it saw.
        """
        same = (verdict.rule_version, verdict.status.value) == (self.rule_version, self.status)
        if self.said:
            return same and verdict.reason == self.said
        return same and self.recorded_at is not None and self.recorded_at >= since


class KeptVerdicts(NamedTuple):
    """The verdicts on one trade as they were believed from one instant to another."""

    portfolio_id: str
    transaction_id: str
    trade_date: date
    verdicts: tuple[Verdict, ...]
    recorded_at: datetime
    superseded_at: datetime | None


class Totals(NamedTuple):
    """How many checks came out how; those that do not apply are no checks."""

    trades: int
    passed: int
    flagged: int
    failed: int
    provisional: int

    @property
    def checks(self) -> int:
        """All checks that apply."""
        return self.passed + self.flagged + self.failed + self.provisional


class VerdictsPage(NamedTuple):
    """Verdicts on trades, latest trade first, with the totals over all of them.

    ``unjudged`` counts the portfolios whose verdicts are not up to date.
    """

    totals: Totals
    trades: tuple[KeptVerdicts, ...]
    acknowledgements: tuple[Acknowledgement, ...]
    unjudged: int


class Household(NamedTuple):
    """The policies and the facts of portfolios that are judged together."""

    policies: Mapping[str, AccountPolicy]
    facts: BookFacts


class Stand(NamedTuple):
    """What a reading of a household rests on: it is the same as long as this is.

    ``versions`` are those of its portfolios, their books and their policies. The book follows from
    the instruments, rates and actions; its prices may move meanwhile.
    """

    versions: tuple[tuple[object, ...], ...]
    instruments: Mapping[str, Instrument]
    rates: RateTable
    actions: ActionTable
    securities: frozenset[str]


class Looked(NamedTuple):
    """A household when it was looked at.

    Where it stands as it was known to, ``household`` is None, and there are only the instruments
    and prices of now. Without a ``stand`` nothing is known of when it will have moved.
    """

    household: Household | None
    stand: Stand | None
    instruments: Mapping[str, Instrument]
    prices: Mapping[str, PriceQuotes]


class Compliance(Protocol):
    """What may be asked of verdicts, and what may be told of accounts."""

    def verdicts(
        self,
        ids: Sequence[str],
        *,
        skip: int = 0,
        limit: int = 100,
        known_at: datetime | None = None,
    ) -> VerdictsPage:
        """Return a page of the verdicts on the trades of portfolios, as known at an instant."""
        ...

    def history(self, ids: Sequence[str], transaction_id: str) -> tuple[KeptVerdicts, ...]:
        """Return all that was ever said of a trade, oldest first."""
        ...

    def household(self, ids: Sequence[str], securities: Collection[str] = ()) -> Household:
        """Return the policies and facts of portfolios and of those judged together with them.

        The market knows the securities that are named beside those in the facts.
        """
        ...

    def look(self, ids: Sequence[str], securities: Collection[str], known: Stand | None) -> Looked:
        """Return what :meth:`household` does, but only where it stands otherwise than is known."""
        ...

    def policy(self, portfolio_id: str) -> AccountPolicy | None:
        """Return what is stated of an account; nothing where nobody stated anything."""
        ...

    def save_policy(self, portfolio_id: str, policy: AccountPolicy, at: datetime) -> int:
        """Keep what is stated of an account, and have its trades judged again.

        What was stated for days before those of the policy stands.

        Returns the version; 0 where the same was stated already.

        Raises:
            UnknownPortfolioError: When no fact has introduced the portfolio.
        """
        ...

    def acknowledge(
        self, acknowledgement: Acknowledgement, correlation_id: str, at: datetime
    ) -> int:
        """Keep an acknowledgement for ever, and return its number."""
        ...
