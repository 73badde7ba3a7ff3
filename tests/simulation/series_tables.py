"""Daily series and what they are computed from (see ``adapters/postgres/sql/series.sql``)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.action_tables import in_force
from tests.simulation.database import DayRow
from tidebook.book.cashflows import Classification, Timing
from tidebook.book.series import DatedFlow, Market, contract_steps, cumulated
from tidebook.engine.valuing import SeriesInput, SeriesJob, SeriesSpan
from tidebook.model.actions import ActionTable
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import built_in_instrument
from tidebook.model.markets import NO_PRICES, over_splits, price_table, rate_table
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tests.simulation.session import Session
    from tidebook.book.series import HeldSteps
    from tidebook.engine.store import EntryRow
    from tidebook.engine.valuing import SeriesAsked, SeriesWrite
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
        self._actions = session.of(database.actions)

    def rates(self) -> RateTable:
        """Return every exchange rate."""
        self._session.statement()
        return rate_table(
            Rate(*key[:3], row.value) for key, row in self._rates.all() if row.superseded_at is None
        )

    def prices(self, security_ids: Collection[str]) -> dict[str, PriceQuotes]:
        """Return the prices of securities, carried over splits; of one without any, none."""
        self._session.statement()
        found = price_table(
            Price(key[0], key[1], row.value, row.currency)
            for key, row in self._prices.where_in("security", security_ids)
        )
        actions = ActionTable(tuple(in_force(row for _, row in self._actions.all())))
        return {
            identity: over_splits(found.get(identity, NO_PRICES), actions.splits(identity))
            for identity in security_ids
        }

    def market(self, base_currency: str, security_ids: Collection[str]) -> Market:
        """Return what a series is valued with."""
        return Market(self.prices(security_ids), self.rates(), base_currency, {})

    def business_dates(self) -> tuple[date, ...]:
        """Return every business date, oldest first."""
        self._session.statement()
        return tuple(sorted(day for day, _ in self._dates.all()))

    def jobs(self, limit: int, spared: Collection[str]) -> list[SeriesJob]:
        """Return portfolios whose series is not right; where the market moved, first."""
        self._session.statement()
        marked = sorted(
            (not row.moved_by_market, row.series_generation != row.generation, identity)
            for identity, row in self._portfolios.all()
            if row.series_from is not None and identity not in spared
        )
        found: list[SeriesJob] = []
        for identity in sorted(identity for *_, identity in marked[:limit]):
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

    def spans(self, jobs: Sequence[SeriesJob], *, with_prices: bool) -> list[SeriesSpan]:
        """Return what the first and the last day of each series follow from."""
        self._session.statement()
        active = [self._active_days(job.portfolio.portfolio_id) for job in jobs]
        last_prices: list[date | None] = [None] * len(jobs)
        if with_prices:
            self._session.statement()
            last_prices = [self._last_price(job.portfolio.portfolio_id) for job in jobs]
        self._session.statement()
        openings = [self._opening(job.portfolio.portfolio_id, job.from_date) for job in jobs]
        return [
            SeriesSpan(days, last_price, *opening)
            for days, last_price, opening in zip(active, last_prices, openings, strict=True)
        ]

    def _active_days(self, portfolio_id: str) -> tuple[date, ...]:
        return tuple(sorted({row.on for _, row in self._entries_of(portfolio_id)}))

    def _last_price(self, portfolio_id: str) -> date | None:
        states = self._states.where("portfolio", portfolio_id)
        held = [key[1] for key, row in states if row.state.holding.quantity]
        quotes = self.prices(held).values() if held else ()
        return max((each.days[-1] for each in quotes if each.days), default=None)

    def _opening(self, portfolio_id: str, day: date) -> tuple[date | None, Decimal]:
        rows = self._days.where("portfolio", portfolio_id)
        before = [row.day for key, row in rows if key[1] < day]
        last = max(before, key=lambda row: row.on, default=None)
        return (last.on, last.eod_market_value) if last else (None, ZERO)

    def inputs(self, asked: Sequence[SeriesAsked]) -> list[SeriesInput]:
        """Return what each series is computed from, from a day on."""
        self._session.statement()
        return [self._given(*one) for one in asked]

    def _given(self, job: SeriesJob, span: SeriesSpan, start: date) -> SeriesInput:
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

    def save(self, writes: Sequence[SeriesWrite], at: datetime) -> frozenset[str]:
        """Write the changed days of portfolios; return those whose jobs were not out of date."""
        if any(one.restated is not None for one in writes):
            self._session.statement()
        self._session.statement()
        claimed = frozenset(self._claimed(writes))
        saved = [one for one in writes if one.job.portfolio.portfolio_id in claimed]
        if any(one.close or one.write for one in saved):
            self._session.statement()
        for one in saved:
            identity = one.job.portfolio.portfolio_id
            stored = sorted(key[1] for key, _ in self._days.where("portfolio", identity))
            for first, last in one.close:
                for day in stored[bisect_left(stored, first) : bisect_right(stored, last)]:
                    self._days.delete((identity, day))
            for day in one.write:
                self._days.insert((identity, day.on), DayRow(day, one.job.generation, at))
        return claimed

    def _claimed(self, writes: Sequence[SeriesWrite]) -> Iterator[str]:
        """Lock portfolios that nobody holds, in the order of their ids; yield those as read."""
        jobs = {one.job.portfolio.portfolio_id: one.job for one in writes}
        for identity in sorted(jobs):
            if not self._portfolios.try_lock(identity):
                continue
            row = self._portfolios.get(identity)
            if row is None or self._is_stale(jobs[identity], row.generation, row.valuation_version):
                continue
            claimed = row._replace(
                series_from=None, series_generation=row.generation, moved_by_market=False
            )
            self._portfolios.put(identity, claimed)
            yield identity

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
