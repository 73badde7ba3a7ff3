"""What the stages need of a store: one unit of work, and the log that lives in the same store.

A unit of work is one database transaction. Everything a batch does, from reading its offset to
appending what it has to say, happens in one unit or not at all.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tidebook.book.lots import EMPTY
from tidebook.engine.log_port import LogUnit
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from decimal import Decimal

    from tidebook.book.derivation import Source
    from tidebook.book.lots import Holding
    from tidebook.book.series import Market
    from tidebook.engine.book_facts import Standing
    from tidebook.engine.causes import Cause, Restated
    from tidebook.engine.signals import News
    from tidebook.engine.valuing import SeriesAsked, SeriesInput, SeriesJob, SeriesSpan, SeriesWrite
    from tidebook.model.actions import ActionTable, CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

Key = tuple[str, str]
"""Portfolio id and security id."""
Order = tuple[date, datetime, int, str, str]
"""The place of a posting inside its key."""


class StoredFact(NamedTuple):
    """What the store knows of a transaction's current version."""

    version: int
    content_hash: str
    portfolio_id: str
    business_date: date
    main_security_id: str
    cash_security_id: str | None
    waits: bool
    arrival: Key | None = None


class BookedFact(NamedTuple):
    """A current transaction, and the day and the keys it was last booked on.

    ``arrival`` is the key that its lots or its cost were carried to, in this or another portfolio.
    """

    transaction: Transaction
    business_date: date
    main_security_id: str
    cash_security_id: str | None
    arrival: Key | None = None


class FactRow(NamedTuple):
    """One version of a transaction, to be written."""

    transaction: Transaction
    version: int
    content_hash: str
    business_date: date
    main_security_id: str
    cash_security_id: str | None
    correlation_id: str
    superseded: bool
    arrival: Key | None = None


class Accounts(NamedTuple):
    """The day and the keys that a known fact is booked on, decided anew."""

    transaction_id: str
    business_date: date
    main_security_id: str
    cash_security_id: str | None
    arrival: Key | None = None


class Carry(NamedTuple):
    """A current transaction that takes lots, or their cost, from one key to another."""

    transaction_id: str
    source: Key
    arrival: Key


class PortfolioState(NamedTuple):
    """A portfolio and the generation its book stands at."""

    portfolio: Portfolio
    generation: int


NOWHERE: Final[Order] = (date.min, datetime.min.replace(tzinfo=UTC), 0, "", "")
"""The place before every posting."""


class KeyState(NamedTuple):
    """Where the fold of a key stands. ``lots_known`` is False when they must be folded anew."""

    epoch: int
    currency: str
    holding: Holding
    realised_local: Decimal
    realised_base: Decimal
    changed_on: date
    last: Order
    lots_known: bool

    @classmethod
    def emptied(cls, epoch: int) -> KeyState:
        """Return the state of a key that has lost all its entries: only its epoch is left."""
        return cls(epoch, "", EMPTY, ZERO, ZERO, NOWHERE[0], NOWHERE, lots_known=True)

    @property
    def is_emptied(self) -> bool:
        """Whether the key has no entries."""
        return self.last == NOWHERE


class EntryRow(NamedTuple):
    """One entry as it is stored; two are equal when nothing about them differs."""

    transaction_id: str
    leg: str
    type: str
    on: date
    at: datetime
    rank: int
    currency: str
    fx_rate: Decimal
    amount: Decimal
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    realised_local: Decimal | None
    realised_base: Decimal | None
    realised_price: Decimal | None
    realised_currency: Decimal | None
    matches: str | None
    """The parts of lots that it consumed, as JSON."""
    classification: str | None
    timing: str | None
    is_portfolio_flow: bool | None
    cash_amount: Decimal | None
    position_flow: Decimal | None
    flow_base: Decimal | None
    opens: str | None = None
    """The lots that it opened or added to, as JSON; None where ``book.positions.own_lot`` tells."""


class KeyWrite(NamedTuple):
    """What changes for one key."""

    key: Key
    state: KeyState
    write: tuple[EntryRow, ...]
    close: tuple[tuple[str, str], ...]
    """(transaction id, leg) of the entries that no longer hold."""
    restated_from: date | None
    reason: str
    restated: Restated | None = None
    """What the restatement came to; None where history stays as it was."""


class FindingRow(NamedTuple):
    """A finding and the key it is about."""

    finding: Finding
    portfolio_id: str
    security_id: str
    business_date: date


class BookWrite(NamedTuple):
    """Everything that one batch of the book changes, written in sets."""

    facts: tuple[FactRow, ...]
    close_facts: tuple[str, ...]
    """Ids whose current version ends."""
    replaced_accounts: tuple[Accounts, ...]
    """The booking keys of known facts that are decided anew."""
    keys: tuple[KeyWrite, ...]
    findings: tuple[FindingRow, ...]
    resolved: tuple[str, ...]
    """Ids whose open findings end."""
    dirty: Mapping[str, date]
    """Per portfolio, the earliest day whose series row may be wrong now."""
    generations: Mapping[str, int]
    """Per touched portfolio, the generation that was read; the write presents it."""


class FactOrigin(NamedTuple):
    """A fact, and the file and line that it was read from.

    ``content_hash`` tells the versions of a transaction apart; it is empty for other facts.
    """

    source: Source
    origin: str
    content_hash: str = ""


class WorkItem(NamedTuple):
    """A key to be folded again from its facts."""

    portfolio_id: str
    security_id: str
    from_date: date
    reason: str
    causes: tuple[Cause, ...] = ()


class Unit(LogUnit, Protocol):
    """One database transaction."""

    def hold_reference(self, *, exclusive: bool) -> None:
        """Share, or own, what bookings rest on: portfolios, instruments, rates.

        The book shares it and those who change it own it, so that a fact can never start to wait
        for something that has just arrived.
        """
        ...

    def hold_market(self, *, exclusive: bool) -> None:
        """Share, or own, what valuations rest on: prices, rates, business dates."""
        ...

    def hold_fence(self, consumer: str, part: tuple[str, int], fence: int) -> None:
        """Keep a partition in this worker's hands until the unit ends.

        Raises:
            FencedError: When another worker owns the partition now.
        """
        ...

    def facts(self, ids: Collection[str]) -> dict[str, StoredFact]:
        """Return the current versions of transactions that are known."""
        ...

    def contents(self, ids: Collection[str]) -> dict[str, Transaction]:
        """Return what the current versions of transactions say."""
        ...

    def lock_portfolios(self, ids: Iterable[str]) -> dict[str, PortfolioState]:
        """Lock portfolios in the order of their ids and return those that are known."""
        ...

    def related_portfolios(self, ids: Collection[str]) -> set[str]:
        """Return these portfolios and all that must be folded with them.

        Those that units were transferred to or from in kind, and those that share a taxpayer's
        pools, and so on from these: whatever is connected.
        """
        ...

    def standings(self, ids: Collection[str]) -> dict[str, Standing]:
        """Return where the stored books of portfolios stand; unknown ones are left out."""
        ...

    def carries(self, portfolio_ids: Collection[str]) -> list[Carry]:
        """Return the current carries that leave or reach these portfolios."""
        ...

    def actions(self) -> ActionTable:
        """Return every corporate action in force."""
        ...

    def instruments(self, ids: Collection[str]) -> dict[str, Instrument]:
        """Return the instruments that are known."""
        ...

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        ...

    def states(self, keys: Collection[Key]) -> dict[Key, KeyState]:
        """Return where the folds of keys stand."""
        ...

    def key_facts(self, keys: Collection[Key]) -> dict[str, BookedFact]:
        """Return the current transactions with a leg on these keys.

        The main leg, the cash leg, or what they carried there.
        """
        ...

    def waiting(self, portfolio_ids: Collection[str]) -> set[str]:
        """Return the ids of transactions of these portfolios that wait."""
        ...

    def refusals(self, keys: Collection[Key]) -> dict[Key, date]:
        """Return, of these keys, the last day on which a disposal of more than was held waits."""
        ...

    def key_entries(self, keys: Collection[Key]) -> dict[Key, dict[tuple[str, str], EntryRow]]:
        """Return the current entries of keys by (transaction id, leg)."""
        ...

    def entries_of(self, key: Key, ids: Collection[str]) -> dict[tuple[str, str], EntryRow]:
        """Return the current entries of some transactions on one key."""
        ...

    def last_order(self, key: Key, without: Collection[str]) -> Order | None:
        """Return the place of a key's last current entry, some transactions left aside."""
        ...

    def take_work(self, limit: int, spared: Collection[str] = ()) -> list[WorkItem]:
        """Take keys to be folded again; they are taken for good when the unit commits.

        The keys of a portfolio are taken together, so that no half of a correction can be seen:
        ``limit`` keys at the most, or those of one portfolio. ``spared`` ones are passed over.
        """
        ...

    def save_book(self, write: BookWrite, at: datetime) -> None:
        """Write a batch of the book.

        Raises:
            FencedError: When a portfolio's generation is no longer the one that was read.
        """
        ...

    def save_portfolios(self, portfolios: Sequence[Portfolio], at: datetime) -> int:
        """Write portfolios, wake what waited for them, and return how many were duplicates."""
        ...

    def save_instruments(self, instruments: Sequence[Instrument], at: datetime) -> int:
        """Write instruments, wake what waited for them, and return how many were duplicates."""
        ...

    def save_prices(self, prices: Sequence[Price], at: datetime) -> int:
        """Write prices, mark the series of those who hold them, return the duplicates."""
        ...

    def save_rates(self, rates: Sequence[Rate], at: datetime) -> int:
        """Write rates, mark what rests on them, wake what waited, return the duplicates."""
        ...

    def save_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Write business dates, mark every series from there on, return the duplicates."""
        ...

    def save_origins(self, origins: Sequence[FactOrigin], since: datetime) -> None:
        """Write where the facts of a batch, begun then, were read from: a file and a line."""
        ...

    def save_actions(self, actions: Sequence[CorporateAction], at: datetime) -> int:
        """Write corporate actions, have their keys folded again, return the duplicates.

        The keys are those of every portfolio that ever held the security, or the one it leads to,
        of the action as it is and as it was; with cash, the cash accounts it was booked on too.
        """
        ...

    def cancel_actions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel corporate actions and have their keys folded again; return the duplicates.

        Cancelling what is not in force is a duplicate.
        """
        ...

    def cancel_prices(self, prices: Sequence[tuple[str, date]], at: datetime) -> int:
        """Cancel the prices of securities on days; mark the series of those who hold them."""
        ...

    def cancel_rates(self, rates: Sequence[tuple[str, str, date]], at: datetime) -> int:
        """Cancel the rates of pairs on days, and mark what rests on them."""
        ...

    def cancel_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Cancel business dates, and mark every series from there on."""
        ...

    def cancel_assertions(self, ids: Sequence[str], at: datetime) -> int:
        """Cancel balance assertions, which are kept; return the duplicates.

        Cancelling what does not stand is a duplicate.
        """
        ...

    def save_assertions(self, assertions: Sequence[BalanceAssertion], at: datetime) -> int:
        """Write balance assertions, on which nothing rests, and return the duplicates."""
        ...

    def request_reprocessing(self, ids: Collection[str], at: datetime) -> None:
        """Ask for the keys of these transactions to be folded again."""
        ...

    def series_jobs(self, limit: int, spared: Collection[str] = ()) -> list[SeriesJob]:
        """Return portfolios whose series is not right, in the order of their ids.

        Those whose book has been valued before and only the market has moved come first;
        ``spared`` ones are passed over.
        """
        ...

    def series_spans(self, jobs: Sequence[SeriesJob], *, with_prices: bool) -> list[SeriesSpan]:
        """Return what the first and the last day of each portfolio's series follow from."""
        ...

    def series_inputs(self, asked: Sequence[SeriesAsked]) -> list[SeriesInput]:
        """Return what the series of portfolios, each from its start on, are computed from."""
        ...

    def market(self, base_currency: str, security_ids: Collection[str]) -> Market:
        """Return prices and rates for the series of portfolios in one base currency."""
        ...

    def business_dates(self) -> tuple[date, ...]:
        """Return every business date, oldest first."""
        ...

    def save_series(self, writes: Sequence[SeriesWrite], at: datetime) -> frozenset[str]:
        """Write the changed days of portfolios.

        Returns the ids of those that were written; of a job that is out of date nothing is. What
        was restated is logged with the facts of the market that are behind it, where there are
        any.
        """
        ...


class Store(Protocol):
    """The store: units of work, and ownership of partitions."""

    def unit(self) -> AbstractContextManager[Unit]:
        """Begin a unit; it commits when the block ends and rolls back when it raises."""
        ...

    def try_lead(self) -> bool:
        """Become the process that runs the stages, unless another one is; until it ends."""
        ...

    def news(self, timeout_seconds: float) -> News:
        """Wait for a hint that something was appended; return what was heard.

        That is nothing when the time ran out.

        Raises:
            StoreUnavailableError: When the connection that holds the lead has ended.
        """
        ...

    def take_partitions(
        self, consumer: str, parts: Sequence[tuple[str, int]]
    ) -> dict[tuple[str, int], int]:
        """Become the owner of partitions; return the fence to present for each."""
        ...

    def progress(self, consumer: str) -> dict[tuple[str, int], int]:
        """Return the consumer's next offset per partition."""
        ...

    def unfinished(self, portfolio_ids: Collection[str]) -> bool:
        """Tell whether any of these portfolios (all, when empty) has work or series to do."""
        ...
