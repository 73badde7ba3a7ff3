"""Daily series and what they are computed from (see ``adapters/postgres/sql/series.sql``)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.database import DayRow
from tidebook.book.cashflows import Classification, Timing
from tidebook.book.series import DatedFlow, Market, contract_steps, cumulated
from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import built_in_instrument
from tidebook.model.markets import NO_PRICES, price_table, rate_table
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tests.simulation.session import Session
    from tidebook.book.series import HeldSteps, PortfolioDay
    from tidebook.engine.causes import SeriesRestated
    from tidebook.engine.store import EntryRow
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes, RateTable

_DAY = timedelta(days=1)


class SeriesTables:
    """Series, prices and rates as one transaction sees them."""

    def __init__(self, session: Session) -> None:
        """Work through a session."""
        self._session = session
        database = session.database
        self._portfolios = session.of(database.portfolios)
        self._instruments = session.of(database.instruments)
        self._prices = session.of(database.prices)
        self._rates = session.of(database.rates)
        self._dates = session.of(database.dates)
        self._entries = session.of(database.entries)
        self._states = session.of(database.states)
        self._days = session.of(database.days)

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        self._session.statement()
        return rate_table(
            Rate(*key[:3], row.value) for key, row in self._rates.all() if row.superseded_at is None
        )

    def prices(self, security_ids: Collection[str]) -> dict[str, PriceQuotes]:
        """Return the prices of securities; of one without any, none."""
        self._session.statement()
        found = price_table(
            Price(key[0], key[1], row.value, row.currency)
            for key, row in self._prices.where_in("security", security_ids)
        )
        return {identity: found.get(identity, NO_PRICES) for identity in security_ids}

    def market(self, base_currency: str, security_ids: Collection[str]) -> Market:
        """Return what a series is valued with."""
        return Market(self.prices(security_ids), self.rates(), base_currency, {})

    def business_dates(self) -> tuple[date, ...]:
        """Return every business date, oldest first."""
        self._session.statement()
        return tuple(sorted(day for day, _ in self._dates.all()))

    def jobs(self, limit: int, spared: Collection[str]) -> list[SeriesJob]:
        """Return portfolios whose series is not right; where only the market moved, first."""
        self._session.statement()
        marked = sorted(
            (row.series_generation != row.generation, identity)
            for identity, row in self._portfolios.all()
            if row.series_from is not None and identity not in spared
        )
        found: list[SeriesJob] = []
        for identity in sorted(identity for _, identity in marked[:limit]):
            row = self._portfolios.get(identity)
            if row is not None and row.series_from is not None:
                job = SeriesJob(
                    row.portfolio, row.generation, row.valuation_version, row.series_from
                )
                found.append(job)
        return found

    def _entries_of(self, portfolio_id: str) -> list[tuple[str, EntryRow]]:
        rows = self._entries.where("portfolio", portfolio_id)
        return [(key[1], entered.row) for key, entered in rows]

    def span(self, job: SeriesJob, *, with_prices: bool) -> SeriesSpan:
        """Return what the first and the last day of a series follow from."""
        self._session.statement()
        portfolio_id = job.portfolio.portfolio_id
        active = tuple(sorted({row.on for _, row in self._entries_of(portfolio_id)}))
        last_price: date | None = None
        if with_prices:
            self._session.statement()
            states = self._states.where("portfolio", portfolio_id)
            held = [key[1] for key, row in states if row.state.holding.quantity]
            quotes = self.prices(held).values() if held else ()
            last_price = max((each.days[-1] for each in quotes if each.days), default=None)
        before, closing = self._opening(portfolio_id, job.from_date)
        return SeriesSpan(active, last_price, before, closing)

    def _opening(self, portfolio_id: str, day: date) -> tuple[date | None, Decimal]:
        self._session.statement()
        rows = self._days.where("portfolio", portfolio_id)
        before = [row.day for key, row in rows if key[1] < day]
        last = max(before, key=lambda row: row.on, default=None)
        return (last.on, last.eod_market_value) if last else (None, ZERO)

    def given(self, job: SeriesJob, span: SeriesSpan, start: date) -> SeriesInput:
        """Return what a series is computed from, from a day on."""
        self._session.statement()
        portfolio_id = job.portfolio.portfolio_id
        entries = self._entries_of(portfolio_id)
        stored = {
            key[1]: row.day
            for key, row in self._days.where("portfolio", portfolio_id)
            if key[1] >= start
        }
        opening = span.closing_before
        if span.stored_before is not None and span.stored_before >= start:
            opening = self._opening(portfolio_id, start)[1]
        flows = tuple(
            DatedFlow(
                row.on,
                row.flow_base or ZERO,
                Timing(row.timing or ""),
                row.classification == Classification.EXPENSE,
            )
            for _, row in entries
            if row.is_portfolio_flow and row.on >= start
        )
        return SeriesInput(self._holdings(entries, start), flows, opening, stored)

    def _holdings(
        self, entries: Sequence[tuple[str, EntryRow]], start: date
    ) -> tuple[HeldSteps, ...]:
        changes: dict[str, dict[date, tuple[Decimal, Decimal]]] = {}
        paid: dict[str, dict[date, Decimal]] = {}
        currencies: dict[str, str] = {}
        with exact():
            for security_id, row in sorted(entries, key=lambda each: each[1].on):
                if not row.quantity and not row.cost_base:
                    continue
                day = row.on if row.on >= start else start - _DAY
                days = changes.setdefault(security_id, {})
                quantity, cost = days.get(day, (ZERO, ZERO))
                days[day] = (quantity + row.quantity, cost + row.cost_base)
                costs = paid.setdefault(security_id, {})
                costs[day] = costs.get(day, ZERO) + row.cost_local
                currencies[security_id] = row.currency
        self._session.statement()
        return tuple(
            self._held(name, currencies[name], changes[name], list(_running(paid[name])))
            for name in sorted(changes)
        )

    def _held(
        self,
        name: str,
        currency: str,
        changes: Mapping[date, tuple[Decimal, Decimal]],
        costs: Sequence[Decimal],
    ) -> HeldSteps:
        row = self._instruments.get(name)
        known: Instrument | None = row.instrument if row else built_in_instrument(name, currency)
        held = cumulated(name, currency, known is not None and known.is_cash, changes)
        if known is None or (known.multiplier == ONE and not known.is_margined):
            return held
        return contract_steps(held, known.multiplier, costs if known.is_margined else ())

    def save(
        self,
        job: SeriesJob,
        write: Sequence[PortfolioDay],
        close: Sequence[date],
        at: datetime,
        *,
        restated: SeriesRestated | None = None,
    ) -> bool:
        """Write a portfolio's changed days; False, and nothing, when the job is out of date."""
        if restated is not None:
            self._session.statement()
        self._session.statement()
        identity = job.portfolio.portfolio_id
        row = self._portfolios.locked(identity)
        if row is None or self._is_stale(job, row.generation, row.valuation_version):
            return False
        claimed = row._replace(series_from=None, series_generation=row.generation)
        self._portfolios.put(identity, claimed)
        if close or write:
            self._session.statement()
        for day in close:
            self._days.delete((identity, day))
        for day in write:
            self._days.insert((identity, day.on), DayRow(day, job.generation, at))
        return True

    @staticmethod
    def _is_stale(job: SeriesJob, generation: int, valuation_version: int) -> bool:
        return (job.generation, job.valuation_version) != (generation, valuation_version)


def _running(changes: Mapping[date, Decimal]) -> Iterator[Decimal]:
    """Yield the sums of changes up to each of their days."""
    with exact():
        total = ZERO
        for day in sorted(changes):
            total += changes[day]
            yield total
