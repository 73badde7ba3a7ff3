"""The facts that books follow from, what they become in memory, and the daily series of that.

A verification and a what-if both begin here: with everything that a set of portfolios rests on, as
one snapshot of the store has it, and with :func:`rebuilt`, which makes the whole book of it anew.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.series import Market, contract_steps, daily_series, held_steps, portfolio_flows
from tidebook.book.whole import Earlier, build
from tidebook.model.calendars import valuation_days
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry, Folded
    from tidebook.book.series import DatedFlow, HeldSteps, PortfolioDay, PricedSteps
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


class Gathered(NamedTuple):
    """The facts of several groups of portfolios, read together: of all, and of each by its name.

    A group knows the instruments that its facts need; prices and rates are the same for all.
    """

    every: BookFacts
    by_group: Mapping[str, BookFacts]


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


class KeySeries(NamedTuple):
    """What one key adds to a daily series: its days, its steps if it ever held, and its flows."""

    folded: Folded
    instrument: Instrument
    active: frozenset[date]
    held: tuple[HeldSteps, ...]
    flows: tuple[DatedFlow, ...]


NO_SERIES: Final[Mapping[str, KeySeries]] = MappingProxyType({})


def series_by_key(
    made: Rebuilt, portfolio_id: str, earlier: Mapping[str, KeySeries] = NO_SERIES
) -> dict[str, KeySeries]:
    """Return what the keys of a portfolio add to its daily series, by security.

    Of a key that is the same object as in ``earlier``, it is taken from there.
    """
    return {
        security_id: _key_series(made, security_id, folded, earlier.get(security_id))
        for security_id, folded in sorted(made.keys.get(portfolio_id, {}).items())
    }


def _key_series(
    made: Rebuilt, security_id: str, folded: Folded, earlier: KeySeries | None
) -> KeySeries:
    instruments = made.rests_on.facts.instruments
    if earlier is not None and earlier.folded is folded:
        currency = earlier.instrument.currency
        if instrument_of(security_id, currency, instruments) == earlier.instrument:
            return earlier
    currency = currency_of(folded)
    instrument = instrument_of(security_id, currency, instruments)
    cash = frozenset([security_id] if instrument.is_cash else [])
    return KeySeries(
        folded,
        instrument,
        frozenset([entry.posting.on for entry in folded.entries]),
        tuple(
            _on_terms(held, instrument, folded)
            for held in held_steps(folded.entries, {security_id: currency}, cash)
        ),
        tuple(portfolio_flows(folded.entries)),
    )


def currency_of(folded: Folded) -> str:
    """Return the currency of a key that has entries."""
    return min({entry.posting.currency for entry in folded.entries})


def rebuilt_series(
    made: Rebuilt, portfolio_id: str, keys: Mapping[str, KeySeries] | None = None
) -> tuple[PortfolioDay, ...]:
    """Return the daily series of a portfolio from its first entry to its last valued day.

    That is the last day with an entry or the last business date, whichever is later; where no
    business dates are known, the last day with an entry or with a price of what is held.

    Args:
        made: The book.
        portfolio_id: Whose series.
        keys: What its keys add to it, where that is known already.
    """
    by_key = series_by_key(made, portfolio_id) if keys is None else keys
    if not by_key:
        return ()
    active = sorted(frozenset[date]().union(*(each.active for each in by_key.values())))
    holdings = [held for each in by_key.values() for held in each.held]
    flows = [flow for each in by_key.values() for flow in each.flows]
    days = valued_days(made, portfolio_id, active)
    return daily_series(days, holdings, flows, market_of(made, portfolio_id))


def market_of(made: Rebuilt, portfolio_id: str) -> Market:
    """Return what a portfolio is valued with."""
    given = made.rests_on
    base = given.facts.portfolios[portfolio_id].base_currency
    return Market(given.prices, given.facts.rates, base, given.vectors)


def valued_days(made: Rebuilt, portfolio_id: str, active: Sequence[date]) -> tuple[date, ...]:
    """Return the days that a portfolio with entries on these days is valued on, rising."""
    if not active:
        return ()
    dates = made.rests_on.business_dates
    last = max(
        active[-1], (dates[-1] if dates else _last_price_day(made, portfolio_id)) or active[-1]
    )
    return valuation_days(active[0], last, dates, active)


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
