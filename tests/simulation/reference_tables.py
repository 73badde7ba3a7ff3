"""Portfolios, instruments and the market (see ``adapters/postgres/sql/reference.sql``)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.simulation.book_tables import accounts_of, earlier
from tests.simulation.database import InstrumentRow, PortfolioRow, Quoted
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from typing import Any

    from tests.simulation.book_tables import BookTables
    from tests.simulation.session import Session
    from tests.simulation.tables import View
    from tidebook.engine.store import FactRow, Key, KeyState
    from tidebook.model.facts import Price, Rate
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_NAMED_CASH = re.compile(r"^CASH_(.+)$")


class ReferenceTables:
    """What bookings and valuations rest on, as one transaction sees it.

    Args:
        session: The transaction.
        book: The book of the same transaction, where work is asked for.
    """

    def __init__(self, session: Session, book: BookTables) -> None:
        """Work through a session."""
        self._session = session
        self._book = book
        database = session.database
        self._portfolios = session.of(database.portfolios)
        self._instruments = session.of(database.instruments)
        self._prices = session.of(database.prices)
        self._rates = session.of(database.rates)
        self._dates = session.of(database.dates)
        self._quoted = session.of(database.quoted)
        self._facts = session.of(database.facts)
        self._findings = session.of(database.findings)
        self._entries = session.of(database.entries)
        self._states = session.of(database.states)

    def instruments(self, ids: Collection[str]) -> dict[str, Instrument]:
        """Return the instruments that are known."""
        self._session.statement()
        rows = ((identity, self._instruments.get(identity)) for identity in sorted(ids))
        return {identity: row.instrument for identity, row in rows if row is not None}

    # Portfolios and instruments.

    def save_portfolios(self, portfolios: Sequence[Portfolio], at: datetime) -> int:
        """Write portfolios with all that this brings about; return the duplicates."""
        self._session.statement()
        latest = {portfolio.portfolio_id: portfolio for portfolio in portfolios}
        known = {identity: self._portfolios.get(identity) for identity in latest}
        duplicates = len(portfolios) - len(latest)
        fresh: list[str] = []
        changed: list[str] = []
        for identity, portfolio in sorted(latest.items()):
            before = known[identity]
            if before is not None and before.portfolio == portfolio:
                duplicates += 1
                continue
            self._session.statement()
            now = self._portfolios.locked(identity)
            version = before.version + 1 if before else 1
            row = now or PortfolioRow(portfolio, version)
            self._portfolios.put(identity, row._replace(portfolio=portfolio, version=version))
            if before is None:
                fresh.append(identity)
            elif _policies(before.portfolio) != _policies(portfolio):
                changed.append(identity)
        if fresh:
            subjects = [f"portfolio:{identity}" for identity in fresh]
            self.wake(subjects, "its portfolio has become known", at)
        if changed:
            self.refold_portfolios(changed, at)
        return duplicates

    def wake(self, subjects: Iterable[str], reason: str, at: datetime) -> None:
        """Have the keys of what waits for these subjects folded again."""
        self._session.statement()
        rows = self._findings.where_in("waits", subjects)
        keys = [((row.portfolio_id, row.security_id), row.business_date) for _, row in rows]
        self._book.ask_again(keys, reason, at)

    def refold_portfolios(self, ids: Sequence[str], at: datetime) -> None:
        """Have every key of portfolios folded again, and every day valued again."""
        self._session.statement()
        facts = [row.fact for _, row in self._facts.where_in("portfolio", ids)]
        self._book.ask_again(accounts_of(facts), "a policy of the portfolio has changed", at)
        self._session.statement()
        for identity in ids:
            days = [entered.row.on for _, entered in self._entries.where("portfolio", identity)]
            if days:
                self._mark(identity, min(days))

    def save_instruments(self, instruments: Sequence[Instrument], at: datetime) -> int:
        """Write instruments with all that this brings about; return the duplicates."""
        self._session.statement()
        latest = {instrument.security_id: instrument for instrument in instruments}
        known = {identity: self._instruments.get(identity) for identity in latest}
        duplicates = len(instruments) - len(latest)
        fresh: list[str] = []
        changed: list[str] = []
        for identity, instrument in latest.items():
            before = known[identity]
            if before is not None and before.instrument == instrument:
                duplicates += 1
                continue
            self._session.statement()
            row = InstrumentRow(instrument, before.version + 1 if before else 1)
            self._instruments.put(identity, row)
            if before is None:
                fresh.append(identity)
            if before is None or _kind(before.instrument) != _kind(instrument):
                changed.append(identity)
        if fresh:
            subjects = [f"instrument:{identity}" for identity in fresh]
            self.wake(subjects, "its instrument has become known", at)
        if changed:
            self.refold_securities(changed, at)
        return duplicates

    def refold_securities(self, ids: Sequence[str], at: datetime) -> None:
        """Have the keys of instruments folded again, and their holders valued again."""
        self._session.statement()
        facts = [row.fact for _, row in self._facts.where_in("security", ids)]
        keys = [
            ((fact.transaction.portfolio_id, fact.main_security_id), fact.business_date)
            for fact in facts
        ]
        self._book.ask_again(keys, "the instrument has changed", at)
        self._session.statement()
        first: dict[str, date] = {}
        for key, _ in self._states.where_in("security", ids):
            for _, entered in self._entries.where("key", key):
                first[key[0]] = min(entered.row.on, first.get(key[0], entered.row.on))
        for identity, day in first.items():
            self._mark(identity, day)

    def _mark(self, portfolio_id: str, day: date) -> None:
        """Have a portfolio valued again from a day on."""
        row = self._portfolios.locked(portfolio_id)
        if row is not None:
            after = row._replace(
                series_from=earlier(row.series_from, day),
                valuation_version=row.valuation_version + 1,
            )
            self._portfolios.put(portfolio_id, after)

    # The market.

    def save_prices(self, prices: Sequence[Price], at: datetime) -> int:
        """Write prices with all that this brings about; return the duplicates."""
        latest = {(price.security_id, price.on): (price.price, price.currency) for price in prices}
        securities = sorted({price.security_id for price in prices})
        self._session.statement()
        for (security_id, _), (_, currency) in latest.items():
            if self._quoted.get((security_id, currency)) is None:
                self._quoted.put((security_id, currency), row=True)
        mixed = self._in_several_currencies(securities)
        changed = self._replace_quotes(self._prices, latest, at)
        mixed ^= self._in_several_currencies(securities)
        earliest: dict[str, date] = {}
        for security_id, day in changed:
            earliest[security_id] = min(day, earliest.get(security_id, day))
        if earliest:
            earliest.update(dict.fromkeys(sorted(mixed), date.min))
            self.mark_holders(earliest)
        return len(prices) - len(changed)

    def _in_several_currencies(self, securities: Iterable[str]) -> set[str]:
        self._session.statement()
        return {
            security_id
            for security_id in securities
            if len({row.currency for _, row in self._prices.where("security", security_id)}) > 1
        }

    def _replace_quotes(
        self,
        view: View[Any, Quoted],
        latest: Mapping[Any, tuple[Any, str]],
        at: datetime,
    ) -> list[Any]:
        """Close the quotes that differ and write the new ones; return which were written."""
        changed: list[Any] = []
        self._session.statement()
        for point, value in latest.items():
            versions = sorted(view.where("point", point), key=lambda found: found[0])
            current = [(key, row) for key, row in versions if row.superseded_at is None]
            if current and (current[0][1].value, current[0][1].currency) == value:
                continue
            for key, row in current:
                view.put(key, row._replace(superseded_at=at))
            view.insert((*point, len(versions) + 1), Quoted(*value, at, None))
            changed.append(point)
        return changed

    def mark_holders(self, earliest: Mapping[str, date]) -> None:
        """Mark the series of exactly those who hold, or held, the securities."""
        self._session.statement()
        first: dict[str, date] = {}
        for security_id, day in earliest.items():
            for key, row in self._states.where("security", security_id):
                if _bears_on(row.state, day):
                    first[key[0]] = min(day, first.get(key[0], day))
        for identity in sorted(first):
            self._mark(identity, first[identity])

    def save_rates(self, rates: Sequence[Rate], at: datetime) -> int:
        """Write rates with all that this brings about; return the duplicates."""
        latest = {(rate.source, rate.target, rate.on): (rate.rate, "") for rate in rates}
        self._session.statement()
        changed = self._replace_quotes(self._rates, latest, at)
        if changed:
            currencies = {point[0] for point in changed} | {point[1] for point in changed}
            day = min(point[2] for point in changed)
            self.mark_foreign(currencies, day)
            self.refold_foreign(currencies, day, at)
            self.wake_rates(currencies, at)
        return len(rates) - len(changed)

    def mark_foreign(self, currencies: Collection[str], day: date) -> None:
        """Mark the series of the portfolios whose values may rest on a rate."""
        self._session.statement()
        for identity, row in self._portfolios.all():
            states = self._states.where("portfolio", identity)
            base = row.portfolio.base_currency
            if any(
                _bears_on(each.state, day) and self._rests_on(key, each.state, base, currencies)
                for key, each in states
            ):
                self._mark(identity, day)

    def _rests_on(self, key: Key, state: KeyState, base: str, currencies: Collection[str]) -> bool:
        local = state.currency
        if local != base and (local in currencies or base in currencies):
            return True
        others = [each[1] for each, _ in self._quoted.where("security", key[1])]
        return any(other in currencies or local in currencies for other in others if other != local)

    def refold_foreign(self, currencies: Collection[str], day: date, at: datetime) -> None:
        """Have the keys of foreign transactions from a day on folded again."""
        self._session.statement()
        keys: list[tuple[Key, date]] = []
        for fact in self._facts_from(day):
            transaction = fact.transaction
            row = self._portfolios.get(transaction.portfolio_id)
            if row is None:
                continue
            base = row.portfolio.base_currency
            met = {transaction.trade_currency, transaction.currency, base, *self._names(fact)}
            if met == {base} or not met & set(currencies):
                continue
            keys += accounts_of([fact])[:1]
            if transaction.currency != base:
                keys += accounts_of([fact])[1:]
        self._book.ask_again(keys, "an exchange rate was set or corrected", at)

    def _facts_from(self, day: date) -> Iterator[FactRow]:
        for _, row in self._facts.all():
            if row.superseded_at is None and row.fact.business_date >= day:
                yield row.fact

    def _names(self, fact: FactRow) -> Iterator[str]:
        instrument = self._instruments.get(fact.transaction.security_id)
        if instrument is not None:
            yield instrument.instrument.currency
        named = _NAMED_CASH.match(fact.main_security_id)
        if named is not None:
            yield named.group(1)

    def wake_rates(self, currencies: Collection[str], at: datetime) -> None:
        """Have the keys of what waits for a rate between any of these currencies folded again."""
        self._session.statement()
        keys = [
            ((row.portfolio_id, row.security_id), row.business_date)
            for _, row in self._findings.all()
            if row.finding.waits_for is not None
            and row.finding.waits_for.startswith("rate:")
            and set(row.finding.waits_for[5:].split("/")) & set(currencies)
        ]
        self._book.ask_again(keys, "an exchange rate has arrived", at)

    def save_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Write business dates with all that this brings about; return the duplicates."""
        self._session.statement()
        end = max((day for day, _ in self._dates.all()), default=None)
        self._session.statement()
        fresh = [day for day in sorted(set(dates)) if self._dates.locked(day) is None]
        for day in fresh:
            self._dates.put(day, at)
        if fresh:
            first = min(fresh)
            if end is not None:
                first = min(first, end + timedelta(days=1))
            self.mark_all(first)
        return len(dates) - len(fresh)

    def mark_all(self, day: date) -> None:
        """Mark every series from a day on."""
        self._session.statement()
        booked = [identity for identity, row in self._portfolios.all() if row.generation > 0]
        for identity in sorted(booked):
            self._mark(identity, day)


def _bears_on(state: KeyState, day: date) -> bool:
    return state.holding.quantity != ZERO or state.changed_on >= day


def _policies(portfolio: Portfolio) -> tuple[object, ...]:
    return (
        portfolio.base_currency,
        portfolio.cost_method,
        portfolio.settlement,
        portfolio.time_zone,
        portfolio.allow_short,
    )


def _kind(instrument: Instrument) -> tuple[str, str]:
    return instrument.currency, instrument.product_type
