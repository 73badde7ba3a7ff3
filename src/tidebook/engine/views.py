"""What can be read from the book: the shapes that queries answer with.

Every edge (HTTP, page, command line) renders these; none of them asks the store itself. Amounts are
decimals in the currency that the field's name says (``_local`` is the instrument's, ``_base`` the
portfolio's). ``None`` means undefined, and a ``reason`` beside it says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.checks.health_facts import CheckResult
    from tidebook.book.checks.reconcile import Reconciliation
    from tidebook.book.holding_periods import HoldingPeriod
    from tidebook.book.series import PortfolioDay
    from tidebook.book.valuation import MarketValue, Valuation
    from tidebook.engine.causes import Amounts, Cause, SeriesRestated
    from tidebook.engine.measuring.prepared import Series
    from tidebook.model.actions import ActionType, CorporateAction
    from tidebook.model.facts import Transaction, TransactionType
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes, RateTable
    from tidebook.model.portfolios import Portfolio


class Freshness(NamedTuple):
    """What an answer rests on.

    ``status`` is ``CURRENT`` when the daily series matches the book, ``REPROCESSING`` while it is
    being brought up to date, ``EMPTY`` when nothing was ever booked.
    """

    as_of: date | None
    known_at: datetime | None
    generation: int
    series_generation: int
    valuation_version: int
    status: str


class PositionView(NamedTuple):
    """One position valued as of a day."""

    security_id: str
    instrument: Instrument
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    realised_local: Decimal
    realised_base: Decimal
    position_date: date
    epoch: int
    reprocessing: bool
    valuation: Valuation


class PositionsView(NamedTuple):
    """A portfolio's positions, their total in base currency and how much of it was priced.

    ``realised_base`` is the whole portfolio's, closed positions included. Nothing was paid for
    what is held on margin: in ``market_value_base`` it counts with its unrealised gain, and in
    ``cost_base`` not at all, so that the one less the other is the unrealised gain of all that has
    a value.
    """

    portfolio: Portfolio
    freshness: Freshness
    positions: tuple[PositionView, ...]
    market_value_base: Decimal
    cost_base: Decimal
    unrealised_base: Decimal | None
    realised_base: Decimal
    coverage: Decimal | None


class ResultsView(NamedTuple):
    """What a portfolio has realised, earned (dividends, interest) and paid (costs, taxes) so far.

    In base currency, at the rates of the days on which it happened.
    """

    realised_base: Decimal
    income_base: Decimal
    costs_base: Decimal


class PositionChange(NamedTuple):
    """A key's position after one entry (one row of the position history), and what made it.

    ``type`` is that of the transaction or the corporate action of this id; ``leg`` tells its
    entries apart where it has two on the key.
    """

    on: date
    transaction_id: str
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    epoch: int
    type: TransactionType | ActionType
    leg: str = "main"


class HistoryView(NamedTuple):
    """The position history of one key, oldest first, with the valuation as of each change."""

    portfolio: Portfolio
    security_id: str
    freshness: Freshness
    changes: tuple[tuple[PositionChange, Valuation], ...]


class LotView(NamedTuple):
    """One open lot: its unit costs, how long it is held, and what it is worth.

    ``value`` is None where the position has none, and ``reason`` says why. The values of a
    position's lots sum to its own.
    """

    security_id: str
    lot_id: str
    opened_on: date
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    unit_cost_local: Decimal
    unit_cost_base: Decimal
    currency: str
    held: HoldingPeriod
    value: MarketValue | None
    reason: str | None


class LotsView(NamedTuple):
    """A portfolio's open lots and what they rest on."""

    portfolio: Portfolio
    freshness: Freshness
    lots: tuple[LotView, ...]


class EntryView(NamedTuple):
    """What one fact did to one key.

    ``matches`` are the parts of older lots that it consumed, ``opens`` the lots that it opened or
    added to. A key of cash whose every unit costs one has no lots, whatever ``opens`` says.
    """

    security_id: str
    leg: str
    epoch: int
    quantity: Decimal
    cost_local: Decimal
    cost_base: Decimal
    realised_local: Decimal | None
    realised_base: Decimal | None
    realised_price: Decimal | None
    realised_currency: Decimal | None
    fx_rate: Decimal
    currency: str
    classification: str | None
    timing: str | None
    is_portfolio_flow: bool | None
    cash_amount: Decimal | None
    position_flow: Decimal | None
    matches: tuple[tuple[str, date, Decimal, Decimal, Decimal], ...]
    opens: tuple[tuple[str, date, Decimal, Decimal, Decimal], ...] = ()
    portfolio_id: str = ""


class BookedEntry(NamedTuple):
    """An entry and the fact that it follows from.

    ``transaction_id`` is that of a transaction, which may be one of another portfolio, or the id
    under which a corporate action is booked here (``model.actions.applied_id``).
    """

    transaction_id: str
    type: TransactionType | ActionType
    on: date
    at: datetime
    entry: EntryView


class EntriesView(NamedTuple):
    """Entries of a portfolio, or of one of its keys, each key's in their order.

    ``instruments`` are those of their keys, as far as a fact has introduced them; ``actions`` the
    mergers and changes of identifier that entries follow from, also where they were cancelled and
    the keys are not folded again yet.
    """

    portfolio: Portfolio
    freshness: Freshness
    entries: tuple[BookedEntry, ...]
    instruments: tuple[Instrument, ...] = ()
    actions: tuple[CorporateAction, ...] = ()


class ActionView(NamedTuple):
    """A corporate action, as it is in force or was cancelled."""

    action: CorporateAction
    version: int
    recorded_at: datetime
    status: str
    """``IN_FORCE`` or ``CANCELLED``."""


class AppliedActionView(NamedTuple):
    """A corporate action in one portfolio: what it did there, or what it waits for.

    ``transaction_id`` is the id under which it is booked (``model.actions.applied_id``); its
    entries are those of every key that it moved, cash among them.
    """

    action: CorporateAction
    version: int
    recorded_at: datetime
    transaction_id: str
    status: str
    """``BOOKED`` or ``WAITING``."""
    entries: tuple[EntryView, ...]
    findings: tuple[Finding, ...]


class AppliedActionsView(NamedTuple):
    """The corporate actions that did something in a portfolio, or wait there, by ex-date and id."""

    portfolio: Portfolio
    freshness: Freshness
    actions: tuple[AppliedActionView, ...]


class TransactionView(NamedTuple):
    """A transaction, what it did to the book, and what is to be said about it.

    In the list of a portfolio the entries are that portfolio's; asked for by itself, a transaction
    comes with those of every portfolio that it names.
    """

    transaction: Transaction
    version: int
    business_date: date
    recorded_at: datetime
    status: str
    """``BOOKED``, ``WAITING`` or ``CANCELLED``."""
    entries: tuple[EntryView, ...]
    findings: tuple[Finding, ...]

    @property
    def main(self) -> EntryView | None:
        """The entry of its own security; where it only arrived, that of what arrived."""
        return next(self._sides(), None)

    @property
    def gaining(self) -> EntryView | None:
        """The entry that shows a gain: of an exercise it is the trade in the underlying."""
        return next((entry for entry in self._sides() if entry.realised_base is not None), None)

    @property
    def flowing(self) -> EntryView | None:
        """The entry that shows a flow: of an exercise it is the trade in the underlying."""
        return next((entry for entry in self._sides() if entry.classification is not None), None)

    def _sides(self) -> Iterator[EntryView]:
        """Yield its entries beside those of cash legs, its own security's first."""
        yield from (entry for entry in self.entries if entry.leg == "main")
        yield from (entry for entry in self.entries if entry.leg == "to")


class TransactionsPage(NamedTuple):
    """A page of a portfolio's transactions, the total that match and what both rest on.

    Those of other portfolios that carried something here are among them, and cancelled ones.
    """

    portfolio: Portfolio
    freshness: Freshness
    total: int
    skip: int
    limit: int
    transactions: tuple[TransactionView, ...]


class SeriesView(NamedTuple):
    """A portfolio's daily series and what it rests on.

    ``prepared`` is what returns are computed from, where the whole series was read before.
    """

    portfolio: Portfolio
    freshness: Freshness
    inception: date | None
    days: tuple[PortfolioDay, ...]
    prepared: Series | None = None


class RestatementView(NamedTuple):
    """One restatement: of one position, or of the daily series because the market moved.

    A position has ``before`` and ``after``, what it came to after its last entry; None in rows
    of a release that did not keep them. A series has ``series`` and neither a security nor
    entries. ``causes`` are the first twenty.
    """

    security_id: str | None
    epoch: int | None
    from_date: date
    reason: str
    entries_closed: int | None
    entries_written: int | None
    recorded_at: datetime
    causes: tuple[Cause, ...] = ()
    before: Amounts | None = None
    after: Amounts | None = None
    series: SeriesRestated | None = None


class RestatementsPage(NamedTuple):
    """A page of a portfolio's restatements, latest first, and the total that match."""

    portfolio: Portfolio
    freshness: Freshness
    total: int
    skip: int
    limit: int
    restatements: tuple[RestatementView, ...]


class FindingView(NamedTuple):
    """An open finding and the key it is about."""

    finding: Finding
    portfolio_id: str
    security_id: str
    business_date: date
    recorded_at: datetime


class MarketView(NamedTuple):
    """What positions are valued with: every rate, and prices and instruments by security."""

    rates: RateTable
    prices: Mapping[str, PriceQuotes]
    instruments: Mapping[str, Instrument]


class Origin(NamedTuple):
    """How a fact came into the book, as far as that is kept.

    ``row`` is the file and the line it was read from, such as ``trades.csv:12``.
    """

    version: int | None
    recorded_at: datetime | None
    correlation_id: str | None = None
    row: str | None = None


class ReconciliationView(NamedTuple):
    """A portfolio's book beside what others state, and what the comparison rests on.

    ``elsewhere`` counts the assertions given that speak of other portfolios, which were left out.
    """

    portfolio: Portfolio
    freshness: Freshness
    found: Reconciliation
    elsewhere: int


class HealthView(NamedTuple):
    """What is to be said about the data that a portfolio's figures rest on."""

    portfolio: Portfolio
    freshness: Freshness
    results: tuple[CheckResult, ...]


class HealthSummaryView(NamedTuple):
    """The data health of portfolios by id, some of all ``total``.

    ``unassigned`` counts, by portfolio id, the transactions of portfolios that nobody introduced.
    ``left_out`` are the codes that were not looked for, because too many securities are held.
    """

    total: int
    portfolios: tuple[HealthView, ...]
    unassigned: tuple[tuple[str, int], ...]
    left_out: tuple[str, ...] = ()


class ReportView(NamedTuple):
    """All that a portfolio's page shows, read in one state of the book.

    ``series`` runs to the latest day whatever ``as_of`` the positions are for; of restatements
    the latest hundred are shown.
    """

    positions: PositionsView
    results: ResultsView
    series: SeriesView
    findings: tuple[FindingView, ...]
    restatements: RestatementsPage
    realised: EntriesView
    """The entries that realised something."""
    health: tuple[CheckResult, ...] = ()


class OverviewRow(NamedTuple):
    """A portfolio in the list of all; ``last_day`` is None while no day has been valued.

    ``health_count`` is how much is to be said about its data, None where that was not looked into.
    """

    portfolio: Portfolio
    freshness: Freshness
    last_day: PortfolioDay | None
    health_count: int | None = None
