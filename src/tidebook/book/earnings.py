"""Earnings: what changed a portfolio's value over a period, line by line, to the last digit.

    initial + realised + unrealised + currency + income - fees - taxes + transfers
            + unexplained = final + into_unpriced

Every lot held when the period opens enters at its value of that close, so that a gain belongs to
the period in which it arose; this restated cost measures performance and is never a tax basis.
Gains and income are told before costs, costs on lines of their own. Cash has no price: what its
value changed by beyond what moved is a gain by currency. A contract held on margin is worth its
unrealised gain, since nothing else was paid for it.

What cannot be valued at either end, and was held there, is left out of every value and gain and
named in ``unpriced``; what went into it is in ``into_unpriced``. ``unexplained`` is zero wherever
trades settle by themselves; where cash is booked by hand it is what that bookkeeping left open.
"""

from __future__ import annotations

from datetime import timedelta
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.positions import open_lots
from tidebook.book.postings import Leg
from tidebook.book.restated import NOTHING, Booked, Pair, Restated, moved_untold
from tidebook.book.statement import Flows, costs_inside, flows_of, total
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO, converted, exact
from tidebook.model.traced import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.restated import Transit
    from tidebook.book.series import Market
    from tidebook.model.facts import Transaction
    from tidebook.model.periods import Span


class KeptBook(NamedTuple):
    """One portfolio's book as earnings read it.

    ``entries`` are those of every key, inside a key in their order; ``transactions`` are the facts
    they were booked from, by id, and ``instruments`` what was held, by id. Cash accounts need no
    entry in it.
    """

    entries: Iterable[Entry]
    transactions: Mapping[str, Transaction]
    instruments: Mapping[str, Instrument]


class KeyEarnings(NamedTuple):
    """What one key that could be valued gained over the period, in base currency.

    ``initial`` and ``final`` are its values at both ends, ``cost`` what is held at the end cost
    where lots held at the start count at their value there. The gains by currency are parts of
    the gains beside them. Of cash only ``unrealised_currency`` is told, and it is all of its gain.
    """

    security_id: str
    is_cash: bool
    initial: Decimal
    final: Decimal
    cost: Decimal
    realised: Decimal
    realised_currency: Decimal
    unrealised: Decimal
    unrealised_currency: Decimal


class PeriodEarnings(NamedTuple):
    """What a portfolio's value consists of at the end of a period, in base currency.

    Attributes:
        initial: The value at the close of the day before the first.
        realised: Gains of what was sold, price and currency together, before costs.
        unrealised: Gains of what is held at the end, price and currency together.
        currency: Gains of cash in other currencies.
        income: Dividends and interest, before costs, less interest and funding that was charged.
        fees: Fees, positive where they were paid.
        taxes: Taxes, positive where they were paid.
        transfers: What crossed the border, positive into the portfolio. A delivery counts at the
            value it states, and its costs are brought in with it; one that states none counts at
            its restated cost where it leaves, and at its cost where it arrives.
        final: The value at the close of the last day.
        into_unpriced: What went into securities that could not be valued.
        keys: The lines of each key that could be valued, in order of their ids.
        unpriced: The keys that could not, in order.
    """

    initial: Decimal
    realised: Decimal
    unrealised: Decimal
    currency: Decimal
    income: Decimal
    fees: Decimal
    taxes: Decimal
    transfers: Decimal
    final: Decimal
    into_unpriced: Decimal
    keys: tuple[KeyEarnings, ...]
    unpriced: tuple[str, ...]

    @property
    def unexplained(self) -> Decimal:
        """What the lines leave open: zero where every trade settled by itself."""
        with exact():
            gains = self.realised + self.unrealised + self.currency
            earned = gains + self.income - self.fees - self.taxes + self.transfers
            return self.final + self.into_unpriced - self.initial - earned


def period_earnings(book: KeptBook, span: Span, market: Market) -> PeriodEarnings:
    """Return what changed a portfolio's value over the days of a span.

    The period opens at the close of the day before the span's first and ends at the close of its
    last. Prices and rates are the last on or before either; flows convert at the rates they were
    booked at.

    Args:
        book: The portfolio's entries, with the facts they came from.
        span: The days, both included.
        market: Prices, the rates that the book was booked with, and the base currency.

    Raises:
        UnusableSeriesError: If a rate is missing that a transaction was booked with.
    """
    by_key: dict[str, list[Entry]] = {}
    for entry in book.entries:
        if entry.posting.on <= span.end:
            by_key.setdefault(entry.posting.security_id, []).append(entry)
    with exact():
        ends = _Ends(span.start - timedelta(days=1), span.end, book.instruments, market)
        keys = {security_id: ends.key(by_key[security_id]) for security_id in sorted(by_key)}
        within = [
            [entry for entry in entries if entry.posting.on >= span.start]
            for entries in by_key.values()
        ]
        flows = _replay(keys, merge(*within, key=_order), book.transactions, market)
        return _earnings(keys, flows, ends)


_UNKNOWN = Instrument("", "", "", "")


class _Key:
    """One key while its period is replayed; ``lots`` is None for cash and for the unpriced."""

    __slots__ = (
        "cost",
        "final",
        "initial",
        "instrument",
        "lots",
        "moved",
        "realised",
        "realised_currency",
    )

    def __init__(
        self,
        instrument: Instrument,
        worth: tuple[Pair | None, Pair | None],
        cost: Pair,
        lots: Restated | None,
    ) -> None:
        """Begin with nothing moved; ``cost`` is what the book says at the end."""
        self.instrument = instrument
        self.initial, self.final = worth
        self.cost = cost
        self.lots = lots
        self.moved = self.realised = self.realised_currency = ZERO

    @property
    def is_unpriced(self) -> bool:
        return self.initial is None or self.final is None


class _Ends(NamedTuple):
    """Both ends of a period, and what values a key there."""

    opening: date
    end: date
    instruments: Mapping[str, Instrument]
    market: Market

    def key(self, entries: Sequence[Entry]) -> _Key:
        """Return a key as it stands at the opening."""
        instrument = self._instrument(entries[0])
        initial, final = (self._worth(entries, instrument, on) for on in (self.opening, self.end))
        if initial is None or final is None or instrument.is_cash:
            return _Key(instrument, (initial, final), NOTHING, None)
        held = open_lots(entries, self.opening)
        worth, cost = initial, _cost(entries)
        if instrument.is_margined:
            # Its value is the gain alone; the cost stays where it is and is never part of it.
            lots_cost = Pair(
                sum((lot.cost_local for lot in held), ZERO),
                sum((lot.cost_base for lot in held), ZERO),
            )
            worth, cost = initial.plus(lots_cost), NOTHING
        lots = Restated(held, worth, is_margined=instrument.is_margined)
        return _Key(instrument, (initial, final), cost, lots)

    def _instrument(self, entry: Entry) -> Instrument:
        posting = entry.posting
        known = self.instruments.get(posting.security_id)
        return known or built_in_instrument(posting.security_id, posting.currency) or _UNKNOWN

    def _worth(self, entries: Sequence[Entry], instrument: Instrument, on: date) -> Pair | None:
        before = [entry for entry in entries if entry.posting.on <= on]
        quantity, cost = sum((entry.quantity for entry in before), ZERO), _cost(before)
        security_id, currency = entries[0].posting.security_id, entries[0].posting.currency
        on_margin = instrument.is_margined
        held = Held(quantity, *cost, currency, instrument.multiplier, on_margin)
        quote = self.market.prices.get(security_id, NO_PRICES).as_of(on)
        if instrument.is_cash:
            quote = cash_quote(currency, on)
        base = self.market.base_currency
        value = value_position(held, quote, self.market.rates, base, on).value
        if value is None:
            return None
        return Pair(value.unrealised_local if on_margin else value.local, value.counted_base)

    def rate(self, currency: str, on: date) -> Decimal:
        """Return the rate into the base currency; one where nothing is there to convert."""
        quote = self.market.rates.rate(currency, self.market.base_currency, on)
        return ONE if quote is None else quote.rate


def _cost(entries: Iterable[Entry]) -> Pair:
    total_cost = NOTHING
    for entry in entries:
        total_cost = total_cost.plus(Pair(entry.cost_local, entry.cost_base))
    return total_cost


def _order(entry: Entry) -> tuple[object, ...]:
    return entry.posting.order


def _replay(
    keys: Mapping[str, _Key],
    entries: Iterable[Entry],
    transactions: Mapping[str, Transaction],
    market: Market,
) -> Flows:
    """Book the period's entries onto the keys, and return the lines that are no gains."""
    flows: list[Flows] = []
    cash: list[Entry] = []
    settled: dict[str, Decimal] = {}
    transit: Transit = {}
    for entry in entries:
        posting = entry.posting
        key = keys[posting.security_id]
        transaction = transactions.get(posting.transaction_id)
        flows.append(flows_of(entry, transaction, market))
        if posting.leg is Leg.CASH:
            cash.append(entry)
            continue
        if posting.flow is not None:
            settled[posting.transaction_id] = posting.flow_base
        costs = costs_inside(entry, transaction, market)
        if key.instrument.is_cash:
            sign = 1 if entry.quantity > 0 else -1
            key.moved += (posting.amount_base * sign if entry.quantity else ZERO) - costs.base
            continue
        booked = _book(key, entry, costs, transit)
        flows.append(Flows(transfers=-booked.left_at_cost))
        if posting.effect is not None and posting.effect.on_margin:
            settled[posting.transaction_id] = entry.realised_base or ZERO
    for entry in cash:
        keys[entry.posting.security_id].moved += _cash_moved(entry, settled)
    return total(flows)


def _book(key: _Key, entry: Entry, costs: Pair, transit: Transit) -> Booked:
    if key.lots is None:
        is_margined = key.instrument.is_margined
        key.moved += moved_untold(entry, costs, transit, is_margined=is_margined)
        return Booked(ZERO)
    booked = key.lots.book(entry, costs, transit)
    key.moved += booked.moved
    key.realised += booked.realised.base
    if booked.realised != NOTHING:
        by_price = converted(booked.realised.local, entry.posting.fx_rate)
        key.realised_currency += booked.realised.base - by_price
    return booked


def _cash_moved(entry: Entry, settled: Mapping[str, Decimal]) -> Decimal:
    """Return what came into a cash account: what the other leg gave, whatever its own rate says."""
    posting = entry.posting
    if posting.flow is not None:
        return posting.flow_base
    known = settled.get(posting.transaction_id)
    if known is not None:
        return known
    return posting.amount_base if entry.quantity > 0 else -posting.amount_base


def _earnings(keys: Mapping[str, _Key], flows: Flows, ends: _Ends) -> PeriodEarnings:
    unpriced = [security_id for security_id, key in keys.items() if key.is_unpriced]
    found = [
        line
        for line in (_lines(security_id, key, ends) for security_id, key in keys.items())
        if line is not None
    ]
    held = [line for line in found if not line.is_cash]
    return PeriodEarnings(
        initial=sum((line.initial for line in found), ZERO),
        realised=sum((line.realised for line in held), ZERO),
        unrealised=sum((line.unrealised for line in held), ZERO),
        currency=sum((line.unrealised_currency for line in found if line.is_cash), ZERO),
        income=flows.income,
        fees=flows.fees,
        taxes=flows.taxes,
        transfers=flows.transfers,
        final=sum((line.final for line in found), ZERO),
        into_unpriced=sum((keys[security_id].moved for security_id in unpriced), ZERO),
        keys=tuple(found),
        unpriced=tuple(unpriced),
    )


def _lines(security_id: str, key: _Key, ends: _Ends) -> KeyEarnings | None:
    """Return a key's lines; None where an end has no value."""
    initial, final = key.initial, key.final
    if initial is None or final is None:
        return None
    is_cash = key.instrument.is_cash
    start = named(initial.base, f"value of {security_id} at the start")
    end = named(final.base, f"value of {security_id} at the end")
    if key.lots is None:
        by_currency = named(
            end - start - named(key.moved, f"what moved on {security_id}"),
            f"gain of {security_id} by exchange rates",
        )
        lines = (end - by_currency, ZERO, ZERO, by_currency, by_currency)
        return KeyEarnings(security_id, is_cash, start, end, *lines)
    cost = key.cost.plus(key.lots.gap)
    unrealised, by_price = final.minus(cost), ZERO
    if unrealised.local:
        by_price = converted(unrealised.local, ends.rate(key.instrument.currency, ends.end))
    gain = named(unrealised.base, f"gain on what is held of {security_id}")
    return KeyEarnings(
        security_id,
        is_cash,
        start,
        end,
        cost.base,
        named(key.realised, f"gain on what was sold of {security_id}"),
        named(key.realised_currency, f"of it by exchange rates, {security_id}"),
        gain,
        named(gain - by_price, f"of it by exchange rates, held {security_id}"),
    )
