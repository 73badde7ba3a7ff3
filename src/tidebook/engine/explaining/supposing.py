"""A book that was built in memory, as explanations read it: what a what-if comes to, and why."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.derivation import SourceKind
from tidebook.book.holding_periods import holding_period, lot_values
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.book.positions import open_lots, positions
from tidebook.book.valuation import Held, cash_quote, coverage, total, value_position
from tidebook.engine.book_facts import instrument_of, rebuilt_series, series_by_key
from tidebook.engine.queries import TransactionQuery
from tidebook.engine.views import (
    ActionView,
    BookedEntry,
    EntriesView,
    EntryView,
    HistoryView,
    LotsView,
    LotView,
    MarketView,
    PositionChange,
    PositionsView,
    PositionView,
    ResultsView,
    SeriesView,
    TransactionsPage,
    TransactionView,
)
from tidebook.errors import UnknownPortfolioError
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.derivation import Source
    from tidebook.book.lots import Entry
    from tidebook.book.positions import Position
    from tidebook.book.series import PortfolioDay
    from tidebook.book.valuation import Valuation
    from tidebook.engine.book_facts import KeySeries, Rebuilt
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.views import Freshness, Origin
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_PAGE_ROWS = 5000


class Supposition(NamedTuple):
    """What was supposed, and when it was asked."""

    hypothesis: Hypothesis
    at: datetime


class SupposedBook:
    """The book that facts would come to if some of them were sent, asked as the real one is.

    Its knowledge is that of now. Versions are those that the store has, or would give; where a
    fact came from is told of those that the store has.
    """

    def __init__(self, made: Rebuilt, real: FigureReader, supposition: Supposition) -> None:
        """Keep the book that was built, and the real one beside it."""
        self._made = made
        self._facts = made.rests_on.facts
        self._real = real
        self._supposed, self._now = supposition
        self._by_id = {fact.transaction_id: fact for fact in self._facts.transactions}
        self._keys: dict[str, dict[str, KeySeries]] = {}
        self._series: dict[str, tuple[PortfolioDay, ...]] = {}
        self._stored: dict[str, dict[str, TransactionView]] = {}
        self._entries: dict[str, list[EntryView]] | None = None

    def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
        """Return one portfolio."""
        del known_at
        found = self._facts.portfolios.get(portfolio_id)
        if found is None:
            raise UnknownPortfolioError(portfolio_id)
        return found

    def freshness(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> Freshness:
        """Return what the real book rests on just now."""
        return self._real.freshness(portfolio_id, as_of=as_of, known_at=known_at)

    def last_day(self, portfolio_id: str) -> date | None:
        """Return the last valued day of a portfolio; None without any."""
        days = self._days(portfolio_id)
        return days[-1].on if days else None

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        """Return the valued positions of a portfolio."""
        owner, rests_on = self._subject(portfolio_id, as_of, known_at)
        every = self._positions(portfolio_id, rests_on.as_of)
        found = [
            PositionView(
                one.security_id,
                self._instrument(portfolio_id, one.security_id),
                *one[1:],
                epoch=0,
                reprocessing=False,
                valuation=self._valued(owner, one[:4], rests_on.as_of or one.changed_on),
            )
            for one in every.values()
            if one.quantity or include_closed
        ]
        values = [one.valuation.value for one in found if one.valuation.value is not None]
        whole = total(values)
        paid = [one for one in found if not one.instrument.is_margined]
        with exact():
            cost = sum((one.cost_base for one in paid), ZERO)
            unpriced = sum((one.cost_base for one in paid if one.valuation.value is None), ZERO)
            realised = sum((one.realised_base for one in every.values()), ZERO)
        return PositionsView(
            owner,
            rests_on,
            tuple(found),
            whole.base,
            cost,
            whole.unrealised_base if values else None,
            realised,
            coverage(whole.base, unpriced),
        )

    def results(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> ResultsView:
        """Return what a portfolio has realised, earned and paid so far."""
        _, rests_on = self._subject(portfolio_id, as_of, known_at)
        postings = [one.posting for one in self._until(portfolio_id, rests_on.as_of)]
        flows = [(one.flow.classification, one.flow_base) for one in postings if one.flow]
        every = self._positions(portfolio_id, rests_on.as_of).values()
        with exact():
            return ResultsView(
                sum((one.realised_base for one in every), ZERO),
                sum((base for kind, base in flows if kind is Classification.INCOME), ZERO),
                -sum((base for kind, base in flows if kind is Classification.EXPENSE), ZERO),
            )

    def history(
        self,
        portfolio_id: str,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> HistoryView:
        """Return how one position came to be, change by change."""
        owner, rests_on = self._subject(portfolio_id, end, known_at)
        quantity = local = base = ZERO
        changes: list[tuple[PositionChange, Valuation]] = []
        for entry in self._until(portfolio_id, end):
            posting = entry.posting
            if posting.security_id != security_id:
                continue
            with exact():
                quantity, local = quantity + entry.quantity, local + entry.cost_local
                base += entry.cost_base
            identity, on = posting.transaction_id, posting.on
            row = (on, identity, quantity, local, base, 0, posting.type, str(posting.leg))
            valued = self._valued(owner, (security_id, quantity, local, base), on)
            if start is None or on >= start:
                changes.append((PositionChange(*row), valued))
        return HistoryView(owner, security_id, rests_on, tuple(changes))

    def lots(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> LotsView:
        """Return the open lots of a portfolio."""
        owner, rests_on = self._subject(portfolio_id, as_of, known_at)
        found: list[LotView] = []
        for one in self._positions(portfolio_id, rests_on.as_of).values():
            if one.quantity and security_id in {None, one.security_id}:
                found += self._lots(owner, one, rests_on.as_of or one.changed_on)
        return LotsView(owner, rests_on, tuple(found))

    def entries(  # noqa: PLR0913 - the question has this many parts
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
        realised: bool = False,
    ) -> EntriesView:
        """Return entries of a portfolio, each key's in their order."""
        owner, rests_on = self._subject(portfolio_id, as_of, known_at)
        found = tuple(
            _booked(one)
            for one in self._until(portfolio_id, as_of)
            if security_id in {None, one.posting.security_id}
            if (start is None or one.posting.on >= start)
            if not realised or one.realised_base is not None
        )
        named = {one.entry.security_id for one in found}
        instruments = tuple(self._facts.instruments[one] for one in sorted(named & self._known))
        return EntriesView(owner, rests_on, found, instruments, tuple(self._facts.actions))

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        """Return every transaction of a portfolio, or of one of its keys, up to a day."""
        owner, rests_on = self._subject(query.portfolio_id, query.end, query.known_at)
        views = [
            self._view(fact)
            for fact in self._by_id.values()
            if query.portfolio_id in {fact.portfolio_id, fact.to_portfolio_id}
            if query.security_id in {None, fact.security_id, fact.to_security_id}
        ]
        kept = tuple(one for one in views if query.end is None or one.business_date <= query.end)
        return TransactionsPage(owner, rests_on, len(kept), 0, len(kept), kept[query.skip :])

    def transaction(
        self, transaction_id: str, *, known_at: datetime | None = None
    ) -> TransactionView | None:
        """Return one transaction with its entries; None where there would be none."""
        del known_at
        fact = self._by_id.get(transaction_id)
        return None if fact is None else self._view(fact)

    def actions(
        self, security_id: str | None = None, *, known_at: datetime | None = None
    ) -> tuple[ActionView, ...]:
        """Return corporate actions in force; one that is supposed follows what the store has."""
        real = {one.action.action_id: one for one in self._real.actions(known_at=known_at)}
        found: list[ActionView] = []
        for action in self._facts.actions:
            if security_id not in {None, action.security_id, action.to_security_id}:
                continue
            stored = real.get(action.action_id)
            if stored is not None and stored.action == action:
                found.append(stored)
            else:
                version = 1 if stored is None else stored.version + 1
                found.append(ActionView(action, version, self._now, "IN_FORCE"))
        return tuple(found)

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        """Return instruments."""
        del known_at
        named = self._known if security_ids is None else self._known & set(security_ids)
        return tuple(self._facts.instruments[one] for one in sorted(named))

    def series(
        self,
        portfolio_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> SeriesView:
        """Return the daily series of a portfolio."""
        owner, rests_on = self._subject(portfolio_id, end, known_at)
        days = self._days(portfolio_id)
        inception = days[0].on if days else None
        shown = [
            day
            for day in days
            if (start is None or day.on >= start) and (end is None or day.on <= end)
        ]
        return SeriesView(owner, rests_on, inception, tuple(shown))

    def markets(
        self, security_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> MarketView:
        """Return every exchange rate, and prices and instruments of the securities named."""
        found = self.instruments(security_ids, known_at=known_at)
        prices = self._made.rests_on.prices
        named = {one: prices[one] for one in security_ids if one in prices}
        return MarketView(self._facts.rates, named, {one.security_id: one for one in found})

    def origins(
        self, sources: Sequence[Source], *, known_at: datetime | None = None
    ) -> Mapping[Source, Origin]:
        """Return how facts came into the book; what is supposed never did."""
        known = [source for source in sources if not self._is_supposed(source)]
        return self._real.origins(known, known_at=known_at)

    @property
    def _known(self) -> set[str]:
        return set(self._facts.instruments)

    def _is_supposed(self, source: Source) -> bool:
        made_up = self._supposed
        match source.kind:
            case SourceKind.TRANSACTION | SourceKind.ENTRY | SourceKind.GAIN:
                return source.id in made_up.transaction_ids
            case SourceKind.ACTION:
                return source.id in made_up.action_ids
            case SourceKind.PRICE:
                return (source.id, source.on) in {
                    (one.security_id, one.on) for one in made_up.prices
                }
            case SourceKind.RATE:
                pairs = {(f"{one.source}/{one.target}", one.on) for one in made_up.rates}
                return (source.id, source.on) in pairs
            case SourceKind.DAY | SourceKind.POSITION | SourceKind.PORTFOLIO:
                return True
            case SourceKind.LEVEL | SourceKind.RULE:
                return False

    def _subject(
        self, portfolio_id: str, as_of: date | None, known_at: datetime | None
    ) -> tuple[Portfolio, Freshness]:
        owner = self.portfolio(portfolio_id)
        rests_on = self.freshness(portfolio_id, as_of=as_of, known_at=known_at)
        return owner, rests_on._replace(as_of=as_of or self.last_day(portfolio_id))

    def _series_keys(self, portfolio_id: str) -> dict[str, KeySeries]:
        if portfolio_id not in self._keys:
            self._keys[portfolio_id] = series_by_key(self._made, portfolio_id)
        return self._keys[portfolio_id]

    def _days(self, portfolio_id: str) -> tuple[PortfolioDay, ...]:
        if portfolio_id not in self._series:
            keys = self._series_keys(portfolio_id)
            self._series[portfolio_id] = rebuilt_series(self._made, portfolio_id, keys)
        return self._series[portfolio_id]

    def _until(self, portfolio_id: str, as_of: date | None) -> list[Entry]:
        every = self._made.entries(portfolio_id)
        return [one for one in every if as_of is None or one.posting.on <= as_of]

    def _positions(self, portfolio_id: str, as_of: date | None) -> dict[str, Position]:
        if as_of is None:
            return {}
        return positions(self._made.entries(portfolio_id), as_of)

    def _instrument(self, portfolio_id: str, security_id: str) -> Instrument:
        key = self._series_keys(portfolio_id).get(security_id)
        if key is not None:
            return key.instrument
        base = self.portfolio(portfolio_id).base_currency
        return instrument_of(security_id, base, self._facts.instruments)

    def _valued(
        self, owner: Portfolio, held: tuple[str, Decimal, Decimal, Decimal], on: date
    ) -> Valuation:
        security_id, quantity, cost_local, cost_base = held
        known = self._instrument(owner.portfolio_id, security_id)
        prices = self._made.rests_on.prices.get(security_id, NO_PRICES)
        quote = cash_quote(known.currency, on) if known.is_cash else prices.as_of(on)
        terms = known.currency, known.multiplier, known.is_margined
        holding = Held(quantity, cost_local, cost_base, *terms)
        return value_position(holding, quote, self._facts.rates, owner.base_currency, on)

    def _lots(self, owner: Portfolio, held: Position, on: date) -> list[LotView]:
        security_id = held.security_id
        known = self._instrument(owner.portfolio_id, security_id)
        if key_rules(owner, security_id, known).lots is LotRule.UNIT:
            return []
        own = [
            one
            for one in self._until(owner.portfolio_id, on)
            if one.posting.security_id == security_id
        ]
        lots = [lot for lot in open_lots(own, on) if lot.quantity]
        valuation = self._valued(owner, held[:4], on)
        return [
            LotView(
                security_id,
                *lot,
                quotient(lot.cost_local, lot.quantity),
                quotient(lot.cost_base, lot.quantity),
                known.currency,
                holding_period(lot, on, owner.tax_rates),
                value,
                valuation.reason,
            )
            for lot, value in zip(lots, lot_values(lots, valuation), strict=True)
        ]

    def _view(self, fact: Transaction) -> TransactionView:
        stored = self._stored_views(fact.portfolio_id).get(fact.transaction_id)
        version, recorded_at = 1, self._now
        if stored is not None:
            is_same = stored.transaction == fact
            version = stored.version if is_same else stored.version + 1
            recorded_at = stored.recorded_at if is_same else self._now
        entries = tuple(self._entries_of(fact.transaction_id))
        posted = self._made.book.posted[fact.transaction_id]
        findings = tuple(self._made.book.findings.get(fact.transaction_id, ()))
        status = "BOOKED" if entries else "WAITING"
        return TransactionView(fact, version, posted.on, recorded_at, status, entries, findings)

    def _entries_of(self, transaction_id: str) -> list[EntryView]:
        if self._entries is None:
            self._entries = defaultdict(list)
            for owner in self._made.keys:
                for entry in self._made.entries(owner):
                    self._entries[entry.posting.transaction_id].append(_entry(entry))
        return self._entries.get(transaction_id, [])

    def _stored_views(self, portfolio_id: str) -> dict[str, TransactionView]:
        """Return the transactions that the store has of a portfolio, by id."""
        if portfolio_id not in self._stored:
            found: dict[str, TransactionView] = {}
            skip = 0
            while True:
                query = TransactionQuery(portfolio_id, skip=skip, limit=_PAGE_ROWS)
                page = self._real.transactions(query)
                found.update((one.transaction.transaction_id, one) for one in page.transactions)
                skip += len(page.transactions)
                if not page.transactions or skip >= page.total:
                    break
            self._stored[portfolio_id] = found
        return self._stored[portfolio_id]


def _booked(entry: Entry) -> BookedEntry:
    posting = entry.posting
    return BookedEntry(posting.transaction_id, posting.type, posting.on, posting.at, _entry(entry))


def _entry(entry: Entry) -> EntryView:
    posting, flow = entry.posting, entry.posting.flow
    return EntryView(
        posting.security_id,
        str(posting.leg),
        0,
        entry.quantity,
        entry.cost_local,
        entry.cost_base,
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
        posting.fx_rate,
        posting.currency,
        None if flow is None else flow.classification.value,
        None if flow is None else flow.timing.value,
        None if flow is None else flow.is_portfolio_flow,
        None if flow is None else flow.cash_amount,
        None if flow is None else flow.position_flow,
        entry.matches,
        entry.opens,
        posting.portfolio_id,
    )
