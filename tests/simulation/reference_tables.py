"""Portfolios, instruments and the market (see ``adapters/postgres/sql/reference.sql``)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

from tests.simulation.action_tables import in_force
from tests.simulation.book_tables import accounts_of, arrivals_of, earlier, pools_with
from tests.simulation.database import InstrumentRow, PortfolioRow, Quoted
from tidebook.model.actions import applied_id
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import cash_account
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
        self._actions = session.of(database.actions)

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
        pools: set[str] = set()
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
                pools |= {pools_with(before.portfolio) or "", portfolio.taxpayer_id}
        if fresh:
            subjects = [f"portfolio:{identity}" for identity in fresh]
            self.wake(subjects, "its portfolio has become known", at)
        if changed:
            self._session.statement()
            pooled = [
                identity
                for identity, row in self._portfolios.all()
                if pools_with(row.portfolio) in pools - {""}
            ]
            self.refold_portfolios(sorted({*changed, *pooled}), at)
            self.value_again(changed)
        return duplicates

    def wake(self, subjects: Iterable[str], reason: str, at: datetime) -> None:
        """Have the keys of what waits for these subjects folded again."""
        self._session.statement()
        rows = self._findings.where_in("waits", subjects)
        keys = [((row.portfolio_id, row.security_id), row.business_date) for _, row in rows]
        self._book.ask_again(keys, reason, at)

    def refold_portfolios(self, ids: Sequence[str], at: datetime) -> None:
        """Have every key of portfolios folded again, and every day valued again.

        Those whose pools they share, or shared, are folded again with them.
        """
        self._session.statement()
        facts = [row.fact for _, row in self._facts.where_in("portfolio", ids)]
        arriving = [row.fact for _, row in self._facts.where_in("receiver", ids)]
        entries = self._entries.where_in("portfolio", ids)
        keys = [(key[:2], entered.row.on) for key, entered in entries]
        keys += [*accounts_of(facts), *arrivals_of(arriving)]
        self._book.ask_again(keys, "a policy of the portfolio has changed", at)

    def value_again(self, ids: Sequence[str]) -> None:
        """Have every day of portfolios valued again."""
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
            if before is None or _terms(before.instrument) != _terms(instrument):
                changed.append(identity)
        if fresh:
            subjects = [f"instrument:{identity}" for identity in fresh]
            self.wake(subjects, "its instrument has become known", at)
        if changed:
            others = [f"instrument:{identity}" for identity in changed if identity not in fresh]
            if others:
                self.wake(others, "the instrument has changed", at)
            self.refold_securities(changed, at)
        return duplicates

    def refold_securities(self, ids: Sequence[str], at: datetime) -> None:
        """Have the keys of instruments folded again, and their holders valued again."""
        self._session.statement()
        facts = [row.fact for _, row in self._facts.where_in("security", ids)]
        keys = [place for fact in facts for place in _all_accounts(fact)]
        for _, row in self._facts.where_in("received", ids):
            fact = row.fact
            main = fact.transaction.portfolio_id, fact.main_security_id
            keys += [(main, fact.business_date), *arrivals_of([fact])]
        for action in in_force(row for _, row in self._actions.all()):
            for key, _ in self._states.where("security", action.to_security_id):
                if action.to_security_id in ids:
                    identity = applied_id(action.action_id, key[0])
                    keys += [
                        (key, entered.row.on)
                        for place, entered in self._entries.where("key", key)
                        if place[2] == identity
                    ]
        keys += self._waiting_to_become(ids)
        self._book.ask_again(keys, "the instrument has changed", at)
        self._session.statement()
        first: dict[str, date] = {}
        for key, _ in self._states.where_in("security", ids):
            for _, entered in self._entries.where("key", key):
                first[key[0]] = min(entered.row.on, first.get(key[0], entered.row.on))
        for identity, day in first.items():
            self._mark(identity, day)

    def _waiting_to_become(self, ids: Sequence[str]) -> list[tuple[Key, date]]:
        """Return where something waits for a rate because of what it is to become."""
        found: list[tuple[Key, date]] = []
        for (identity, _), row in self._findings.all():
            if not (row.finding.waits_for or "").startswith("rate:"):
                continue
            becomes = {
                action.to_security_id
                for action in in_force(each for _, each in self._actions.all())
                if applied_id(action.action_id, row.portfolio_id) == identity
            }
            for _, stored in self._facts.where("current", identity):
                transaction = stored.fact.transaction
                contract = self._instruments.get(transaction.security_id)
                becomes |= {transaction.to_security_id}
                becomes |= {contract.instrument.underlying_id} if contract else set()
            if becomes & set(ids):
                found.append(((row.portfolio_id, row.security_id), row.business_date))
        return found

    def _mark(self, portfolio_id: str, day: date) -> None:
        """Have a portfolio valued again from a day on."""
        row = self._portfolios.locked(portfolio_id)
        if row is not None:
            after = row._replace(
                series_from=earlier(row.series_from, day),
                valuation_version=row.valuation_version + 1,
                moved_by_market=True,
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
        self._mark_prices(changed, mixed)
        return len(prices) - len(changed)

    def cancel_prices(self, prices: Sequence[tuple[str, date]], at: datetime) -> int:
        """Cancel prices with all that this brings about; return the duplicates."""
        securities = sorted({price[0] for price in prices})
        mixed = self._in_several_currencies(securities)
        gone = self._close_quotes(self._prices, prices, at)
        mixed ^= self._in_several_currencies(securities)
        self._mark_prices(gone, mixed)
        return len(prices) - len(gone)

    def _mark_prices(self, changed: Sequence[tuple[str, date]], mixed: Collection[str]) -> None:
        earliest: dict[str, date] = {}
        for security_id, day in changed:
            earliest[security_id] = min(day, earliest.get(security_id, day))
        if earliest:
            earliest.update(dict.fromkeys(sorted(mixed), date.min))
            self.mark_holders(earliest)

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
                view.put(key, row._replace(superseded_at=_ended(row, at)))
            before = [row for _, row in view.where("point", point)]
            since = max([at, *(row.superseded_at for row in before if row.superseded_at)])
            view.insert((*point, len(versions) + 1), Quoted(*value, since, None))
            changed.append(point)
        return changed

    def _close_quotes(
        self, view: View[Any, Quoted], points: Iterable[Any], at: datetime
    ) -> list[Any]:
        """Close the quotes of points; return of which there were any."""
        self._session.statement()
        gone: list[Any] = []
        for point in dict.fromkeys(points):
            for key, row in view.where("point", point):
                if row.superseded_at is None:
                    view.put(key, row._replace(superseded_at=_ended(row, at)))
                    gone.append(point)
        return gone

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
            currencies = self._mark_rates(changed, at, "an exchange rate was set or corrected")
            self.wake_rates(currencies, at)
        return len(rates) - len(changed)

    def cancel_rates(self, rates: Sequence[tuple[str, str, date]], at: datetime) -> int:
        """Cancel rates with all that this brings about; return the duplicates."""
        gone = self._close_quotes(self._rates, rates, at)
        if gone:
            self._mark_rates(gone, at, "an exchange rate was cancelled")
        return len(rates) - len(gone)

    def _mark_rates(
        self, changed: Sequence[tuple[str, str, date]], at: datetime, reason: str
    ) -> set[str]:
        currencies = {point[0] for point in changed} | {point[1] for point in changed}
        day = min(point[2] for point in changed)
        self.mark_foreign(currencies, day)
        self.refold_foreign(currencies, day, (at, reason))
        return currencies

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

    def refold_foreign(
        self, currencies: Collection[str], day: date, why: tuple[datetime, str]
    ) -> None:
        """Have the keys of foreign facts from a day on folded again."""
        self._session.statement()
        keys: list[tuple[Key, date]] = []
        for fact in self._facts_from(day):
            transaction = fact.transaction
            base = self._base(transaction.portfolio_id)
            if base is None:
                continue
            met = {transaction.trade_currency, transaction.currency, base, *self._names(fact)}
            if _is_met(base, met, currencies):
                keys += accounts_of([fact])[:1]
                if transaction.currency != base:
                    keys += accounts_of([fact])[1:]
            if fact.arrival is not None and self._is_carried(fact, base, currencies):
                main = transaction.portfolio_id, fact.main_security_id
                keys += [(main, fact.business_date), (fact.arrival, fact.business_date)]
        keys += self._foreign_actions(currencies, day)
        self._book.ask_again(keys, why[1], why[0])

    def _base(self, portfolio_id: str) -> str | None:
        row = self._portfolios.get(portfolio_id)
        return row.portfolio.base_currency if row else None

    def _currency(self, security_id: str) -> set[str]:
        row = self._instruments.get(security_id)
        return {row.instrument.currency} if row else set()

    def _is_carried(self, fact: FactRow, base: str, currencies: Collection[str]) -> bool:
        arrival = fact.arrival or ("", "")
        other = self._base(arrival[0])
        if other is None:
            return False
        met = {fact.transaction.trade_currency, base, other}
        met |= self._currency(fact.main_security_id) | self._currency(arrival[1])
        return _is_met(base, met, currencies)

    def _foreign_actions(
        self, currencies: Collection[str], day: date
    ) -> Iterator[tuple[Key, date]]:
        for action in in_force(row for _, row in self._actions.all()):
            local = self._currency(action.security_id)
            if action.ex_date < day or not local:
                continue
            cash = action.cash_currency or next(iter(local))
            names = [action.security_id, action.to_security_id]
            names += [cash_account(cash)] if action.cash_per_unit else []
            for (portfolio_id, _), _ in self._states.where("security", action.security_id):
                base = self._base(portfolio_id)
                if base is None or action.portfolio_id not in {"", portfolio_id}:
                    continue
                met = {action.cash_currency, base} - {""}
                met |= local | self._currency(action.to_security_id)
                if _is_met(base, met, currencies):
                    for name in filter(None, names):
                        yield (portfolio_id, name), action.ex_date

    def _facts_from(self, day: date) -> Iterator[FactRow]:
        for _, row in self._facts.all():
            is_real = row.fact.transaction.type is not TransactionType.CANCELLED
            if is_real and row.superseded_at is None and row.fact.business_date >= day:
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

    def cancel_business_dates(self, dates: Sequence[date], at: datetime) -> int:
        """Cancel business dates with all that this brings about; return the duplicates."""
        del at
        self._session.statement()
        gone = [day for day in sorted(set(dates)) if self._dates.locked(day) is not None]
        for day in gone:
            self._dates.delete(day)
        if gone:
            end = max((day for day, _ in self._dates.all()), default=None)
            self.mark_all(date.min if end is None else min(*gone, end + timedelta(days=1)))
        return len(dates) - len(gone)

    def mark_all(self, day: date) -> None:
        """Mark every series from a day on."""
        self._session.statement()
        booked = [identity for identity, row in self._portfolios.all() if row.generation > 0]
        for identity in sorted(booked):
            self._mark(identity, day)


def _bears_on(state: KeyState, day: date) -> bool:
    return state.holding.quantity != ZERO or state.changed_on >= day


def _is_met(base: str, met: Collection[str], currencies: Collection[str]) -> bool:
    """Tell whether anything is converted, and any of these currencies takes part."""
    return set(met) != {base} and bool(set(met) & set(currencies))


def _ended(row: Quoted, at: datetime) -> datetime:
    """Return when a quote ends: clocks step back, and a correction comes later all the same."""
    return max(at, row.recorded_at + timedelta(microseconds=1))


def _all_accounts(fact: FactRow) -> list[tuple[Key, date]]:
    """Return the keys of the main and cash legs of a fact, cancelled or not."""
    names = (fact.main_security_id, fact.cash_security_id)
    return [
        ((fact.transaction.portfolio_id, name), fact.business_date)
        for name in names
        if name is not None
    ]


def _policies(portfolio: Portfolio) -> tuple[object, ...]:
    return (
        portfolio.base_currency,
        portfolio.cost_method,
        portfolio.settlement,
        portfolio.time_zone,
        portfolio.allow_short,
        portfolio.cost_method_changes,
        portfolio.taxpayer_id,
        portfolio.tax_rates,
    )


def _terms(instrument: Instrument) -> tuple[object, ...]:
    return (
        instrument.currency,
        instrument.product_type,
        instrument.multiplier,
        instrument.option_right,
        instrument.underlying_id,
        instrument.strike,
    )
