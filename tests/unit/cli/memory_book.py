"""A book kept in memory: facts as given, everything else computed by the book's own functions."""

# ruff: noqa: ARG002 - a port has the parameters that its real implementations need

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.unit.cli.memory_letters import MemoryLetters
from tidebook.book.checks.health import checked
from tidebook.book.checks.health_facts import STALE_DAYS, HeldPosition, PortfolioBasis
from tidebook.book.checks.reconcile import reconcile
from tidebook.book.checks.reconcile_causes import KeyRecord, Movement
from tidebook.book.holding_periods import holding_period, lot_values
from tidebook.book.lots import LotRule
from tidebook.book.policies import key_rules
from tidebook.book.positions import open_lots, positions
from tidebook.book.series import (
    Market,
    contract_steps,
    daily_series,
    held_steps,
    portfolio_flows,
)
from tidebook.book.valuation import Held, cash_quote, coverage, total, value_position
from tidebook.book.whole import Facts, build
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import Benchmarks, NoProvider
from tidebook.engine.book_facts import BookFacts, Standing, rebuilt, rebuilt_series
from tidebook.engine.compliance.computed import ComputedCompliance
from tidebook.engine.ports import HEALTH_MAX, OVERVIEW_MAX, Reached, Receipt
from tidebook.engine.queries import FactQuery, RestatementQuery
from tidebook.engine.stages.keys import entry_row, state_of
from tidebook.engine.store import Accounts
from tidebook.engine.turning import turning_of
from tidebook.engine.verify import KeptBook, KeptBooks, placed_findings
from tidebook.engine.views import (
    ActionView,
    AppliedActionsView,
    BookedEntry,
    EntriesView,
    EntryView,
    FindingView,
    Freshness,
    HealthSummaryView,
    HealthView,
    HistoryView,
    LotsView,
    LotView,
    MarketView,
    Origin,
    PositionChange,
    PositionsView,
    PositionView,
    ReconciliationView,
    ReportView,
    RestatementsPage,
    ResultsView,
    SeriesView,
    TransactionsPage,
    TransactionView,
)
from tidebook.errors import UnknownPortfolioError
from tidebook.model.actions import ActionTable
from tidebook.model.assertions import asserted_key
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES, price_table, rate_table
from tidebook.model.money import exact, quotient
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from tidebook.book.cashflows import Cashflow
    from tidebook.book.derivation import Source
    from tidebook.book.lots import Entry
    from tidebook.book.series import HeldSteps, PortfolioDay
    from tidebook.book.valuation import Valuation
    from tidebook.book.whole import WholeBook
    from tidebook.config import Settings
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.queries import TransactionQuery
    from tidebook.engine.series_port import TurningDays
    from tidebook.engine.views import (
        AppliedActionView,
        OverviewRow,
        RestatementView,
    )
    from tidebook.model.actions import CorporateAction
    from tidebook.model.assertions import BalanceAssertion
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.findings import Finding

NOW = datetime(2024, 2, 1, 12, tzinfo=UTC)


class Booked(NamedTuple):
    """A portfolio's entries, in order inside each key, and its findings with their keys."""

    entries: list[Entry]
    findings: list[tuple[Finding, str, date]]


class MemoryBook:
    """Commands and reader over lists of facts; what is taken in is booked at once."""

    def __init__(self) -> None:
        self.owners: dict[str, Portfolio] = {}
        self.known: dict[str, Instrument] = {}
        self.facts: dict[str, tuple[int, Transaction]] = {}
        self.quoted: list[Price] = []
        self.exchange: list[Rate] = []
        self.asserted: dict[str, BalanceAssertion] = {}
        self.batches: list[tuple[str, int]] = []
        self.generation = 0
        self.today = NOW.date()
        self.read_from: list[str] = []
        self.acted: dict[str, CorporateAction] = {}
        self.cancelled: list[Cancellation] = []
        self.reprocessed: list[str] = []
        self.committed: list[tuple[str, Hypothesis, str]] = []
        self.misstated: dict[str, PortfolioDay] = {}
        """Days that the store is to hold otherwise than they are, by portfolio."""
        self.folding: frozenset[str] = frozenset()
        self._whole: tuple[int, WholeBook] | None = None
        self.logged: list[RestatementView] = []
        self.kept_actions: list[ActionView] = []
        self.kept_applied: list[AppliedActionView] = []
        self.kept_unknown: set[Cancellation] = set()
        self.asked: list[object] = []

    # ---- commands

    def _took(self, topic: str, count: int) -> Receipt:
        self.batches.append((topic, count))
        self.generation += 1
        return Receipt(topic, count, (Reached(topic, 0, len(self.batches)),))

    def ingest_portfolios(self, portfolios: Sequence[Portfolio], correlation_id: str) -> Receipt:
        self.owners |= {one.portfolio_id: one for one in portfolios}
        return self._took("portfolios", len(portfolios))

    def ingest_instruments(self, instruments: Sequence[Instrument], correlation_id: str) -> Receipt:
        self.known |= {one.security_id: one for one in instruments}
        return self._took("instruments", len(instruments))

    def ingest_transactions(
        self,
        transactions: Sequence[Transaction],
        correlation_id: str,
        origins: Sequence[str] = (),
    ) -> Receipt:
        self.read_from += origins
        for fact in transactions:
            version, before = self.facts.get(fact.transaction_id, (0, None))
            if before != fact:
                self.facts[fact.transaction_id] = (version + 1, fact)
        return self._took("transactions", len(transactions))

    def ingest_prices(
        self, prices: Sequence[Price], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        self.read_from += origins
        self.quoted += prices
        return self._took("prices", len(prices))

    def ingest_rates(
        self, rates: Sequence[Rate], correlation_id: str, origins: Sequence[str] = ()
    ) -> Receipt:
        self.read_from += origins
        self.exchange += rates
        return self._took("rates", len(rates))

    def ingest_business_dates(self, dates: Sequence[date], correlation_id: str) -> Receipt:
        return self._took("business dates", len(dates))

    def ingest_actions(self, actions: Sequence[CorporateAction], correlation_id: str) -> Receipt:
        self.acted |= {one.action_id: one for one in actions}
        return self._took("actions", len(actions))

    def cancel(self, cancellations: Sequence[Cancellation], correlation_id: str) -> Receipt:
        for one in cancellations:
            self.cancelled.append(one)
            match one:
                case TransactionRef():
                    self.facts.pop(one.transaction_id, None)
                case ActionRef():
                    self.acted.pop(one.action_id, None)
                case PriceRef():
                    found = (one.security_id, one.on)
                    self.quoted = [p for p in self.quoted if (p.security_id, p.on) != found]
                case AssertionRef():
                    self.asserted.pop(one.assertion_id, None)
                case RateRef():
                    self.exchange = [r for r in self.exchange if r[:3] != tuple(one)]
                case BusinessDateRef():
                    pass
        return self._took("cancellations", len(cancellations))

    def ingest_assertions(
        self, assertions: Sequence[BalanceAssertion], correlation_id: str
    ) -> Receipt:
        self.asserted |= {one.assertion_id: one for one in assertions}
        return self._took("assertions", len(assertions))

    def reprocess(self, transaction_ids: Sequence[str], correlation_id: str) -> Receipt:
        self.reprocessed += transaction_ids
        return self._took("reprocess", len(transaction_ids))

    def commit(
        self, portfolio_id: str, hypothesis: Hypothesis, preview_hash: str, correlation_id: str
    ) -> Receipt:
        self.committed.append((portfolio_id, hypothesis, preview_hash))
        return self._took("what-if", len(hypothesis.transactions))

    def wait(self, receipt: Receipt, *, timeout_seconds: float) -> bool:
        return True

    # ---- reader

    def ready(self) -> None:
        return

    def portfolios(
        self,
        *,
        cif_id: str | None = None,
        booking_center: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Portfolio, ...]:
        owners = (self.owners[one] for one in sorted(self.owners))
        return tuple(one for one in owners if cif_id in {None, one.cif_id})

    def portfolio(self, portfolio_id: str, *, known_at: datetime | None = None) -> Portfolio:
        if portfolio_id not in self.owners:
            raise UnknownPortfolioError(portfolio_id)
        return self.owners[portfolio_id]

    def freshness(
        self, portfolio_id: str, *, as_of: date | None = None, known_at: datetime | None = None
    ) -> Freshness:
        self.portfolio(portfolio_id)
        last = max((price.on for price in self.quoted), default=None)
        generation = self.generation
        return Freshness(last, None, generation, generation, 1, "CURRENT")

    def instrument(self, security_id: str) -> Instrument:
        known = self.known.get(security_id) or built_in_instrument(security_id, "USD")
        assert known is not None
        return known

    def booked(self, portfolio_id: str, as_of: date) -> Booked:
        """Fold every key of a portfolio from its facts, up to a day."""
        self.portfolio(portfolio_id)
        whole = self.whole()
        entries = [
            entry
            for key, folded in sorted(whole.keys.items())
            if key[0] == portfolio_id
            for entry in folded.entries
            if entry.posting.on <= as_of
        ]
        findings = [
            (one, fact.security_id, posted.on)
            for identity, said in whole.findings.items()
            if (found := self.facts.get(identity)) is not None
            and (fact := found[1]).portfolio_id == portfolio_id
            and (posted := whole.posted[identity]).on <= as_of
            for one in said
        ]
        return Booked(entries, findings)

    def whole(self) -> WholeBook:
        """Fold everything, once for each state of the facts."""
        if self._whole is None or self._whole[0] != self.generation:
            facts = [fact for _, fact in self.facts.values()]
            rates, acted = rate_table(self.exchange), ActionTable(tuple(self.acted.values()))
            known = Facts(self.owners, self.known, facts, rates, acted)
            self._whole = (self.generation, build(known))
        return self._whole[1]

    def positions(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        include_closed: bool = False,
    ) -> PositionsView:
        freshness = self.freshness(portfolio_id)
        day = as_of or freshness.as_of or self.today
        owner = self.portfolio(portfolio_id)
        quotes, rates = price_table(self.quoted), rate_table(self.exchange)
        views: list[PositionView] = []
        everything = positions(self.booked(portfolio_id, day).entries, day)
        for key, held in everything.items():
            if not held.quantity and not include_closed:
                continue
            instrument = self.instrument(key)
            currency = instrument.currency
            quote = quotes.get(key, NO_PRICES).as_of(day)
            if instrument.is_cash:
                quote = cash_quote(currency, day)
            terms = instrument.multiplier, instrument.is_margined
            amounts = Held(held.quantity, held.cost_local, held.cost_base, currency, *terms)
            valuation = value_position(amounts, quote, rates, owner.base_currency, day)
            views.append(
                PositionView(
                    key, instrument, *held[1:], epoch=0, reprocessing=False, valuation=valuation
                )
            )
        values = [one.valuation.value for one in views if one.valuation.value]
        whole = total(values)
        paid = [one for one in views if not one.instrument.is_margined]
        with exact():
            unpriced = sum((one.cost_base for one in paid if not one.valuation.value), Decimal(0))
            return PositionsView(
                owner,
                freshness._replace(as_of=day, known_at=known_at),
                tuple(views),
                whole.base,
                sum((one.cost_base for one in paid), Decimal(0)),
                whole.unrealised_base if values else None,
                sum((one.realised_base for one in everything.values()), Decimal(0)),
                coverage(whole.base, unpriced),
            )

    def lots(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> LotsView:
        day = as_of or self.freshness(portfolio_id).as_of or self.today
        owner = self.portfolio(portfolio_id)
        by_key: dict[str, list[Entry]] = {}
        for entry in self.booked(portfolio_id, day).entries:
            by_key.setdefault(entry.posting.security_id, []).append(entry)
        found: list[LotView] = []
        for key, entries in by_key.items():
            rule = key_rules(owner, key, self.known.get(key)).lots
            if security_id not in {None, key} or rule is LotRule.UNIT:
                continue
            lots = [lot for lot in open_lots(entries, day) if lot.quantity]
            if not lots:
                continue
            valuation = next(
                one.valuation
                for one in self.positions(portfolio_id, as_of=day).positions
                if one.security_id == key
            )
            found += [
                LotView(
                    key,
                    *lot,
                    quotient(lot.cost_local, lot.quantity),
                    quotient(lot.cost_base, lot.quantity),
                    self.instrument(key).currency,
                    holding_period(lot, day, owner.tax_rates),
                    value,
                    valuation.reason,
                )
                for lot, value in zip(lots, lot_values(lots, valuation), strict=True)
            ]
        return LotsView(owner, self._rests_on(portfolio_id, as_of, known_at), tuple(found))

    def transactions(self, query: TransactionQuery) -> TransactionsPage:
        day = query.end or self.today
        entries = self.booked(query.portfolio_id, day).entries
        views = [
            self._view(version, fact, entries)
            for version, fact in self.facts.values()
            if query.portfolio_id in {fact.portfolio_id, fact.to_portfolio_id}
            and query.security_id in {None, fact.security_id, fact.to_security_id}
        ]
        first = query.start or date.min
        views = [view for view in views if first <= view.business_date <= day]
        views.sort(key=lambda view: view.business_date, reverse=query.descending)
        page = tuple(views[query.skip : query.skip + query.limit])
        owner = self.portfolio(query.portfolio_id)
        rests_on = self._rests_on(query.portfolio_id, query.end, query.known_at)
        return TransactionsPage(owner, rests_on, len(views), query.skip, query.limit, page)

    def _rests_on(
        self, portfolio_id: str, as_of: date | None, known_at: datetime | None
    ) -> Freshness:
        found = self.freshness(portfolio_id)
        return found._replace(as_of=as_of or found.as_of, known_at=known_at)

    def _view(self, version: int, fact: Transaction, entries: list[Entry]) -> TransactionView:
        own = [entry for entry in entries if entry.posting.transaction_id == fact.transaction_id]
        on = fact.trade_date or fact.traded_at
        assert on is not None
        day = on.date() if isinstance(on, datetime) else on
        legs = tuple(_entry_view(entry) for entry in own)
        return TransactionView(fact, version, day, NOW, "BOOKED" if own else "WAITING", legs, ())

    def entries(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
        realised: bool = False,
    ) -> EntriesView:
        booked = [
            one
            for one in self.booked(portfolio_id, as_of or self.today).entries
            if start is None or one.posting.on >= start
            if not realised or one.realised_base is not None
        ]
        return EntriesView(
            self.portfolio(portfolio_id),
            self.freshness(portfolio_id),
            tuple(
                BookedEntry(
                    one.posting.transaction_id,
                    one.posting.type,
                    one.posting.on,
                    one.posting.at,
                    _entry_view(one),
                )
                for one in sorted(booked, key=lambda one: (one.posting.key, one.posting.order))
                if security_id in {None, one.posting.security_id}
            ),
            tuple(self.known.values()),
            tuple(self.acted.values()),
        )

    def actions(
        self, security_id: str | None = None, *, known_at: datetime | None = None
    ) -> tuple[ActionView, ...]:
        self.asked.append((security_id, known_at))
        if self.kept_actions:
            return tuple(self.kept_actions)
        found = [
            one
            for one in self.acted.values()
            if security_id in {None, one.security_id, one.to_security_id}
        ]
        found.sort(key=lambda one: (one.ex_date, one.action_id))
        return tuple(ActionView(one, 1, NOW, "IN_FORCE") for one in found)

    def unknown(self, cancellations: Sequence[Cancellation]) -> tuple[int, ...]:
        return tuple(place for place, each in enumerate(cancellations) if each in self.kept_unknown)

    def applied_actions(
        self,
        portfolio_id: str,
        *,
        security_id: str | None = None,
        start: date | None = None,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> AppliedActionsView:
        self.asked.append((portfolio_id, security_id, start, as_of, known_at))
        rests_on = self._rests_on(portfolio_id, as_of, known_at)
        owner = self.portfolio(portfolio_id)
        return AppliedActionsView(owner, rests_on, tuple(self.kept_applied))

    def series_of(
        self, portfolio_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> tuple[SeriesView, ...]:
        return tuple(self.series(one, known_at=known_at) for one in portfolio_ids)

    def turning_days(
        self, portfolio_ids: Sequence[str], spans: Sequence[tuple[date, date]]
    ) -> TurningDays:
        return turning_of(self.series_of(portfolio_ids), spans)

    def state(self, portfolio_id: str, *, prices_of: Sequence[str] = ()) -> str | None:
        del portfolio_id, prices_of
        return None

    def series(
        self,
        portfolio_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> SeriesView:
        owner, last = self.portfolio(portfolio_id), end or self.today
        entries = self.booked(portfolio_id, last).entries
        quoted = {price.on for price in self.quoted if price.on <= last}
        days = sorted(quoted | {entry.posting.on for entry in entries})
        currencies = {e.posting.security_id: "USD" for e in entries}
        currencies |= {key: self.instrument(key).currency for key in currencies}
        cash = frozenset(key for key in currencies if self.instrument(key).is_cash)
        market = Market(
            price_table(self.quoted), rate_table(self.exchange), owner.base_currency, {}
        )
        holdings = [self._contract(one, entries) for one in held_steps(entries, currencies, cash)]
        rows = daily_series(days, holdings, portfolio_flows(entries), market)
        freshness = self.freshness(portfolio_id)
        inception = days[0] if days else None
        return SeriesView(owner, freshness._replace(as_of=end or freshness.as_of), inception, rows)

    def _contract(self, held: HeldSteps, entries: Sequence[Entry]) -> HeldSteps:
        instrument = self.instrument(held.security_id)
        if not instrument.is_margined:
            return contract_steps(held, instrument.multiplier)
        own = [one for one in entries if one.posting.security_id == held.security_id]
        with exact():
            costs = [
                sum((one.cost_local for one in own if one.posting.on <= day), Decimal(0))
                for day in held.days
            ]
        return contract_steps(held, instrument.multiplier, costs)

    def findings(
        self,
        portfolio_id: str | None = None,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[FindingView, ...]:
        self.asked.append((as_of, known_at))
        if portfolio_id is None:
            owners = sorted({fact.portfolio_id for _, fact in self.facts.values()})
            return tuple(
                view for one in owners if one in self.owners for view in self.findings(one)
            )
        found = self.booked(portfolio_id, as_of or self.today).findings
        return tuple(FindingView(one, portfolio_id, key, on, NOW) for one, key, on in found)

    def transaction(
        self, transaction_id: str, *, known_at: datetime | None = None
    ) -> TransactionView | None:
        if transaction_id not in self.facts:
            return None
        version, fact = self.facts[transaction_id]
        named = {fact.portfolio_id, fact.to_portfolio_id or fact.portfolio_id}
        entries = [entry for one in sorted(named) for entry in self.booked(one, self.today).entries]
        return self._view(version, fact, entries)

    def history(
        self,
        portfolio_id: str,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> HistoryView:
        owner, instrument = self.portfolio(portfolio_id), self.instrument(security_id)
        quotes, rates = price_table(self.quoted), rate_table(self.exchange)
        quantity = local = base = Decimal(0)
        changes: list[tuple[PositionChange, Valuation]] = []
        for entry in self.booked(portfolio_id, end or self.today).entries:
            posting = entry.posting
            if posting.security_id != security_id:
                continue
            with exact():
                quantity, local = quantity + entry.quantity, local + entry.cost_local
                base += entry.cost_base
            quote = quotes.get(security_id, NO_PRICES).as_of(posting.on)
            if instrument.is_cash:
                quote = cash_quote(instrument.currency, posting.on)
            terms = instrument.multiplier, instrument.is_margined
            held = Held(quantity, local, base, instrument.currency, *terms)
            valuation = value_position(held, quote, rates, owner.base_currency, posting.on)
            row = PositionChange(
                posting.on,
                posting.transaction_id,
                quantity,
                local,
                base,
                0,
                posting.type,
                posting.leg,
            )
            if start is None or posting.on >= start:
                changes.append((row, valuation))
        rests_on = self._rests_on(portfolio_id, end, known_at)
        return HistoryView(owner, security_id, rests_on, tuple(changes))

    def restatements(self, query: RestatementQuery) -> RestatementsPage:
        self.asked.append(query)
        rests_on = self._rests_on(query.portfolio_id, query.as_of, query.known_at)
        owner, found = self.portfolio(query.portfolio_id), tuple(self.logged)
        page = found[query.skip : query.skip + query.limit]
        return RestatementsPage(owner, rests_on, len(found), query.skip, query.limit, page)

    def results(
        self, portfolio_id: str, *, as_of: date | None = None, known_at: datetime | None = None
    ) -> ResultsView:
        entries = self.booked(portfolio_id, as_of or self.today).entries
        flows = [
            (flow.classification, entry.posting.flow_base)
            for entry in entries
            if (flow := entry.posting.flow) is not None
        ]
        with exact():
            return ResultsView(
                sum((entry.realised_base or Decimal(0) for entry in entries), Decimal(0)),
                sum((amount for kind, amount in flows if kind == "INCOME"), Decimal(0)),
                -sum((amount for kind, amount in flows if kind == "EXPENSE"), Decimal(0)),
            )

    def markets(
        self, security_ids: Sequence[str], *, known_at: datetime | None = None
    ) -> MarketView:
        known = {one: self.known[one] for one in security_ids if one in self.known}
        return MarketView(rate_table(self.exchange), price_table(self.quoted), known)

    def origins(
        self, sources: Sequence[Source], *, known_at: datetime | None = None
    ) -> dict[Source, Origin]:
        return {source: Origin(1, NOW, "test") for source in sources}

    def overview(
        self,
        *,
        limit: int = OVERVIEW_MAX,
        as_of: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[OverviewRow, ...]:
        raise AssertionError("the command line asks for no overview")

    def report(
        self, portfolio_id: str, *, as_of: date | None = None, known_at: datetime | None = None
    ) -> ReportView:
        return ReportView(
            self.positions(portfolio_id, as_of=as_of, known_at=known_at),
            self.results(portfolio_id, as_of=as_of, known_at=known_at),
            self.series(portfolio_id, known_at=known_at),
            self.findings(portfolio_id, as_of=as_of, known_at=known_at),
            self.restatements(RestatementQuery(portfolio_id, as_of=as_of, known_at=known_at)),
            self.entries(portfolio_id, as_of=as_of, known_at=known_at, realised=True),
        )

    def reconciliation(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        stated: Sequence[BalanceAssertion] | None = None,
    ) -> ReconciliationView:
        owner = self.portfolio(portfolio_id)
        given = list(self.asserted.values()) if stated is None else stated
        own = [one for one in given if one.portfolio_id == portfolio_id]
        entries = self.booked(portfolio_id, self.today).entries
        asserted: dict[str, list[BalanceAssertion]] = {}
        records: dict[str, KeyRecord] = {}
        for one in own:
            key = asserted_key(owner, one.security_id, self.known.get(one.security_id))
            asserted.setdefault(key, []).append(one)
            moves = [
                Movement(e.posting.transaction_id, str(e.posting.type), e.posting.on, e.quantity)
                for e in entries
                if e.posting.security_id == key and e.quantity
            ]
            records[key] = KeyRecord(key, self.instrument(key).is_cash, tuple(moves))
        held = {key: one.quantity for key, one in positions(entries, self.today).items()}
        return ReconciliationView(
            owner,
            self._rests_on(portfolio_id, as_of, known_at),
            reconcile(asserted, records, held),
            len(given) - len(own),
        )

    def health(
        self,
        portfolio_id: str,
        *,
        as_of: date | None = None,
        known_at: datetime | None = None,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthView:
        rests_on = self._rests_on(portfolio_id, as_of, known_at)
        view = self.positions(portfolio_id, as_of=rests_on.as_of)
        held = [
            HeldPosition(
                one.security_id,
                one.instrument.currency,
                one.quantity,
                one.cost_base,
                one.instrument.is_cash,
                is_known=True,
                quote=one.valuation.quote,
            )
            for one in view.positions
        ]
        data = PortfolioBasis(
            view.portfolio,
            rests_on.as_of,
            held,
            (),
            (),
            (),
            (),
            {},
            rate_table(self.exchange),
            (),
            today,
            stale_days,
        )
        return HealthView(view.portfolio, rests_on, checked(data))

    def health_summary(
        self,
        *,
        skip: int = 0,
        limit: int = HEALTH_MAX,
        today: date | None = None,
        stale_days: int = STALE_DAYS,
    ) -> HealthSummaryView:
        chosen = sorted(self.owners)[skip : skip + limit]
        views = [self.health(one, today=today, stale_days=stale_days) for one in chosen]
        return HealthSummaryView(len(self.owners), tuple(views), ())

    def instruments(
        self, security_ids: Sequence[str] | None = None, *, known_at: datetime | None = None
    ) -> tuple[Instrument, ...]:
        return tuple(
            self.known[one] for one in sorted(self.known) if one in (security_ids or self.known)
        )

    def prices(
        self,
        security_id: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Price, ...]:
        return tuple(price for price in self.quoted if price.security_id == security_id)

    def rates(
        self,
        source: str,
        target: str,
        *,
        start: date | None = None,
        end: date | None = None,
        known_at: datetime | None = None,
    ) -> tuple[Rate, ...]:
        return tuple(r for r in self.exchange if (r.source, r.target) == (source, target))

    def book_facts(self, query: FactQuery) -> BookFacts:
        """Return everything, whatever was asked for: all portfolios are taken for related."""
        facts = Facts(
            self.owners,
            self.known,
            [fact for _, fact in self.facts.values()],
            rate_table(self.exchange),
            ActionTable(tuple(self.acted.values())),
        )
        standings = {
            identity: Standing(self.generation, 0, identity in self.folding)
            for identity in self.owners
        }
        return BookFacts(facts, price_table(self.quoted), (), standings, {})

    def concerned(self, hypothesis: Hypothesis) -> tuple[str, ...]:
        return tuple(sorted({*self.owners, *hypothesis.portfolio_ids}))

    @contextmanager
    def kept_books(self, portfolio_ids: Sequence[str] | None = None) -> Generator[KeptBooks]:
        """Give a stored book that is what the facts come to, but for the misstated days."""
        for identity in portfolio_ids or ():
            self.portfolio(identity)
        given = self.book_facts(FactQuery(()))
        made = rebuilt(given)
        days = {
            identity: {day.on: day for day in rebuilt_series(made, identity)}
            for identity in self.owners
        }
        for identity, day in self.misstated.items():
            days[identity][day.on] = day
        kept = KeptBook(
            tuple(self.owners),
            given,
            {
                identity: Accounts(
                    identity,
                    posted.on,
                    posted.main_security_id,
                    posted.cash_security_id,
                    posted.arrival,
                )
                for identity, posted in made.book.posted.items()
            },
            {
                key: {(row.transaction_id, row.leg): row for row in map(entry_row, folded.entries)}
                for key, folded in made.book.keys.items()
            },
            {key: state_of(folded, 0) for key, folded in made.book.keys.items()},
            tuple(placed_findings(made)),
            days,
        )
        yield KeptBooks(len(self.owners), iter([kept]), ())


class StoppedClock:
    """A clock that always shows the same instant."""

    def now(self) -> datetime:
        return NOW


def _entry_view(entry: Entry) -> EntryView:
    return EntryView(
        entry.posting.security_id,
        str(entry.posting.leg),
        0,
        entry.quantity,
        entry.cost_local,
        entry.cost_base,
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
        entry.posting.fx_rate,
        entry.posting.currency,
        *_flow(entry.posting.flow),
        tuple(
            (m.lot_id, m.opened_on, m.quantity, m.cost_local, m.cost_base) for m in entry.matches
        ),
        entry.opens,
        entry.posting.portfolio_id,
    )


class MemorySystem(NamedTuple):
    """A system whose commands and reader are one memory book."""

    commands: MemoryBook
    reader: MemoryBook
    clock: StoppedClock
    benchmarks: Benchmarks
    compliance: ComputedCompliance
    dead_letters: MemoryLetters
    retired: Mapping[str, int]

    def retire(self) -> Mapping[str, int]:
        """Delete nothing, and say what a test said."""
        return self.retired


class Openings:
    """Opens one memory book and remembers with which settings."""

    def __init__(self, book: MemoryBook) -> None:
        self.book = book
        self.seen: list[tuple[Settings, bool]] = []
        clock = StoppedClock()
        self.benchmarks = Benchmarks(MemoryBenchmarks(), NoProvider(), book, clock)
        self.compliance = ComputedCompliance(book, clock)
        self.letters = MemoryLetters()
        self.retired: Mapping[str, int] = {}

    @contextmanager
    def __call__(self, settings: Settings, *, run: bool) -> Generator[MemorySystem]:
        self.seen.append((settings, run))
        yield MemorySystem(
            self.book,
            self.book,
            StoppedClock(),
            self.benchmarks,
            self.compliance,
            self.letters,
            self.retired,
        )


def _flow(
    flow: Cashflow | None,
) -> tuple[str | None, str | None, bool | None, Decimal | None, Decimal | None]:
    if flow is None:
        return None, None, None, None, None
    return (
        flow.classification.value,
        flow.timing.value,
        flow.is_portfolio_flow,
        flow.cash_amount,
        flow.position_flow,
    )


def worked_book() -> MemoryBook:
    """Return a EUR portfolio that trades in USD: two purchases, two partial sales, one deposit.

    T1 buys 10 at 100 with a fee of 5 (rate 0.90), T2 buys 10 at 110 (0.80), T3 sells 4 at 120
    with a fee of 2 (0.85), T4 sells 8 at 130 (0.95); the last price is 140. Nothing funds the
    dollar account, so it is overdrawn by 587.
    """
    book = MemoryBook()
    book.ingest_portfolios([Portfolio("P1", "EUR", date(2024, 1, 1), "Worked case")], "test")
    book.ingest_instruments([Instrument("ACME", "Acme Corp.", "USD", "EQUITY")], "test")
    rates = {2: "0.9", 3: "0.8", 4: "0.85", 5: "0.95"}
    book.ingest_rates(
        [Rate("USD", "EUR", date(2024, 1, day), Decimal(rate)) for day, rate in rates.items()],
        "test",
    )
    prices = {2: "100", 3: "110", 4: "120", 5: "140"}
    book.ingest_prices(
        [Price("ACME", date(2024, 1, day), Decimal(p), "USD") for day, p in prices.items()], "test"
    )
    book.ingest_transactions(
        [
            _fact("D1", T.DEPOSIT, 2, "5000 1 0", ("CASH_EUR", "EUR")),
            _fact("T1", T.BUY, 2, "10 100 5"),
            _fact("T2", T.BUY, 3, "10 110 0"),
            _fact("T3", T.SELL, 4, "4 120 2"),
            _fact("T4", T.SELL, 5, "8 130 0"),
        ],
        "test",
    )
    return book


def _fact(
    identity: str, kind: T, day: int, terms: str, place: tuple[str, str] = ("ACME", "USD")
) -> Transaction:
    security_id, currency = place
    quantity, price, fee = (Decimal(term) for term in terms.split())
    return Transaction(
        identity,
        "P1",
        security_id,
        kind,
        None,
        date(2024, 1, day),
        quantity,
        price,
        quantity * price,
        currency,
        currency,
        fee=fee,
    )
