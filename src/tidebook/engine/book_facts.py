"""The facts that books follow from, what they become in memory, and the daily series of that.

A verification and a what-if both begin here: with everything that a set of portfolios rests on, as
one snapshot of the store has it, and with :func:`rebuilt`, which makes the whole book of it anew.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.series import Market, contract_steps, daily_series, held_steps, portfolio_flows
from tidebook.book.whole import Earlier, build
from tidebook.model.calendars import valuation_days
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Folded
    from tidebook.book.series import HeldSteps, PortfolioDay, PricedSteps
    from tidebook.book.whole import Facts, WholeBook
    from tidebook.model.markets import PriceQuotes


class Standing(NamedTuple):
    """Where a portfolio's stored book stands.

    ``is_folding`` says that keys of it wait to be folded again, so that its entries do not rest on
    these facts yet; ``series_from`` is the first day whose value is not right yet.
    """

    generation: int
    valuation_version: int
    is_folding: bool = False
    series_from: date | None = None


class BookFacts(NamedTuple):
    """All that the books and the daily series of some portfolios follow from."""

    facts: Facts
    prices: Mapping[str, PriceQuotes]
    business_dates: tuple[date, ...]
    standings: Mapping[str, Standing]
    """Of every portfolio that is known; what a correction names may belong to none."""
    vectors: Mapping[str, PricedSteps | None]
    """Prices as the series takes them, where they were made before."""


class Rebuilt(NamedTuple):
    """The book that facts come to, key by key of each portfolio."""

    rests_on: BookFacts
    book: WholeBook
    keys: Mapping[str, Mapping[str, Folded]]
    """Per portfolio and security; portfolios without entries are left out."""

    def entries(self, portfolio_id: str) -> list[Entry]:
        """Return a portfolio's entries, security by security and inside each in their order."""
        own = self.keys.get(portfolio_id, {})
        return [entry for security_id in sorted(own) for entry in own[security_id].entries]


def rebuilt(given: BookFacts, earlier: Rebuilt | None = None) -> Rebuilt:
    """Return the whole book of facts, built in memory; sooner where one of nearly the same is."""
    before = None if earlier is None else Earlier(earlier.rests_on.facts, earlier.book)
    book = build(given.facts, before)
    keys: dict[str, dict[str, Folded]] = defaultdict(dict)
    for (portfolio_id, security_id), folded in book.keys.items():
        keys[portfolio_id][security_id] = folded
    return Rebuilt(given, book, keys)


def instrument_of(
    security_id: str, currency: str, instruments: Mapping[str, Instrument]
) -> Instrument:
    """Return the instrument of a key; one that nobody introduced is an id and a currency."""
    return (
        instruments.get(security_id)
        or built_in_instrument(security_id, currency)
        or Instrument(security_id, security_id, currency, "")
    )


def rebuilt_series(made: Rebuilt, portfolio_id: str) -> tuple[PortfolioDay, ...]:
    """Return the daily series of a portfolio from its first entry to its last valued day.

    That is the last day with an entry or the last business date, whichever is later; where no
    business dates are known, the last day with an entry or with a price of what is held.
    """
    entries = made.entries(portfolio_id)
    if not entries:
        return ()
    held = holdings_of(made, portfolio_id, entries)
    market = market_of(made, portfolio_id)
    days = valued_days(made, portfolio_id, entries)
    return daily_series(days, held, portfolio_flows(entries), market)


def market_of(made: Rebuilt, portfolio_id: str) -> Market:
    """Return what a portfolio is valued with."""
    given = made.rests_on
    base = given.facts.portfolios[portfolio_id].base_currency
    return Market(given.prices, given.facts.rates, base, given.vectors)


def valued_days(made: Rebuilt, portfolio_id: str, entries: Sequence[Entry]) -> tuple[date, ...]:
    """Return the days that a portfolio with these entries is valued on; none without entries."""
    if not entries:
        return ()
    active = sorted({entry.posting.on for entry in entries})
    dates = made.rests_on.business_dates
    last = max(
        active[-1], (dates[-1] if dates else _last_price_day(made, portfolio_id)) or active[-1]
    )
    return valuation_days(active[0], last, dates, active)


def held_instruments(made: Rebuilt, portfolio_id: str) -> dict[str, Instrument]:
    """Return the instrument of each key of a portfolio, by security id."""
    known = made.rests_on.facts.instruments
    return {
        security_id: instrument_of(
            security_id, min(entry.posting.currency for entry in folded.entries), known
        )
        for security_id, folded in made.keys.get(portfolio_id, {}).items()
    }


def holdings_of(made: Rebuilt, portfolio_id: str, entries: Sequence[Entry]) -> list[HeldSteps]:
    """Return what each key held after each day on which it changed."""
    keys = made.keys[portfolio_id]
    currencies = {
        security_id: min(entry.posting.currency for entry in folded.entries)
        for security_id, folded in keys.items()
    }
    instruments = held_instruments(made, portfolio_id)
    cash = frozenset(
        security_id for security_id, instrument in instruments.items() if instrument.is_cash
    )
    return [
        _on_terms(held, instruments[held.security_id], keys[held.security_id])
        for held in held_steps(entries, currencies, cash)
    ]


def _on_terms(held: HeldSteps, instrument: Instrument, folded: Folded) -> HeldSteps:
    """Return the steps of a contract in units of its price, with what stands on margin."""
    if instrument.multiplier == ONE and not instrument.is_margined:
        return held
    if not instrument.is_margined:
        return contract_steps(held, instrument.multiplier)
    costs: dict[date, Decimal] = {}
    cost = ZERO
    with exact():
        for entry in folded.entries:
            cost += entry.cost_local
            costs[entry.posting.on] = cost
    return contract_steps(held, instrument.multiplier, [costs[day] for day in held.days])


def _last_price_day(made: Rebuilt, portfolio_id: str) -> date | None:
    held = [
        made.rests_on.prices.get(security_id, NO_PRICES).days
        for security_id, folded in made.keys[portfolio_id].items()
        if folded.holding.quantity
    ]
    return max((days[-1] for days in held if days), default=None)
