"""Earnings: what changed a portfolio's value over a period, line by line, to the last digit.

    initial + realised + unrealised + currency + income - fees - taxes + transfers
            + unexplained = final + into_unpriced

Every lot held when the period opens enters at its value of that close, so that a gain belongs to
the period in which it arose; this restated cost measures performance and is never a tax basis.
Gains and income are told before costs, costs on lines of their own. Cash has no price: what its
value changed by beyond what moved is a gain by currency.

What cannot be valued at either end, and was held there, is left out of every value and gain and
named in ``unpriced``; what went into it is in ``into_unpriced``. ``unexplained`` is zero wherever
trades settle by themselves; where cash is booked by hand it is what that bookkeeping left open.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import RULES, Classification, flow_amount
from tidebook.book.positions import open_lots
from tidebook.book.postings import Leg
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.errors import UnusableSeriesError
from tidebook.model.facts import TransactionType
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ZERO, converted, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting
    from tidebook.book.series import Market
    from tidebook.book.valuation import MarketValue
    from tidebook.model.facts import Transaction
    from tidebook.model.periods import Span

_POOL = ""


class KeptBook(NamedTuple):
    """One portfolio's book as earnings read it.

    ``entries`` are those of every key, inside a key in their order; ``transactions`` the facts
    they were booked from, by id. ``cash`` names the keys that are cash, ``pooled`` those at
    average cost.
    """

    entries: Iterable[Entry]
    transactions: Mapping[str, Transaction]
    cash: frozenset[str]
    pooled: frozenset[str]


class KeyEarnings(NamedTuple):
    """What one key that could be valued gained over the period, in base currency.

    ``initial`` and ``final`` are its values at both ends, ``cost`` what is held at the end cost
    where lots held at the start count at their value there. The gains by currency are parts of
    the gains beside them. Of cash only ``unrealised_currency`` is told, and it is all of its gain.
    """

    security_id: str
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
        income: Dividends and interest, before costs.
        fees: Fees, positive where they were paid.
        taxes: Taxes, positive where they were paid.
        transfers: What crossed the border, positive into the portfolio. A delivery counts at the
            value it states, and its costs are brought in with it.
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


class _Lot(NamedTuple):
    quantity: Decimal
    local: Decimal
    base: Decimal


class _Gains(NamedTuple):
    realised: Decimal
    realised_currency: Decimal
    left_at_cost: Decimal
    """What left without a stated value, at its restated cost."""


class _Flows(NamedTuple):
    income: Decimal = ZERO
    fees: Decimal = ZERO
    taxes: Decimal = ZERO
    transfers: Decimal = ZERO


_NOTHING = _Lot(ZERO, ZERO, ZERO)


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
    settled: dict[str, Decimal] = {}
    for entry in book.entries:
        posting = entry.posting
        if posting.on <= span.end:
            by_key.setdefault(posting.security_id, []).append(entry)
            if posting.leg is Leg.MAIN:
                settled[posting.transaction_id] = posting.flow_base
    found: list[KeyEarnings] = []
    unpriced: list[str] = []
    into_unpriced = left_at_cost = ZERO
    with exact():
        for security_id in sorted(by_key):
            key = _Key(security_id, tuple(by_key[security_id]), book, market, settled)
            earned = key.earnings(span)
            if earned is None:
                unpriced.append(security_id)
                into_unpriced += key.moved_within(span)
                continue
            found.append(earned[0])
            left_at_cost += earned[1]
        flows = _flows(book, by_key, span, market)
        cash = [key for key in found if key.security_id in book.cash]
        held = [key for key in found if key.security_id not in book.cash]
        return PeriodEarnings(
            initial=sum((key.initial for key in found), ZERO),
            realised=sum((key.realised for key in held), ZERO),
            unrealised=sum((key.unrealised for key in held), ZERO),
            currency=sum((key.unrealised_currency for key in cash), ZERO),
            income=flows.income,
            fees=flows.fees,
            taxes=flows.taxes,
            transfers=flows.transfers - left_at_cost,
            final=sum((key.final for key in found), ZERO),
            into_unpriced=into_unpriced,
            keys=tuple(found),
            unpriced=tuple(unpriced),
        )


class _Key(NamedTuple):
    """One key: its entries up to the end of the period, oldest first, and what values them.

    ``settled`` is what each transaction moved in cash, in base currency.
    """

    security_id: str
    entries: tuple[Entry, ...]
    book: KeptBook
    market: Market
    settled: Mapping[str, Decimal]

    @property
    def currency(self) -> str:
        return self.entries[0].posting.currency

    @property
    def is_cash(self) -> bool:
        return self.security_id in self.book.cash

    @property
    def is_pooled(self) -> bool:
        return self.security_id in self.book.pooled

    def earnings(self, span: Span) -> tuple[KeyEarnings, Decimal] | None:
        """Return the key's lines and what left at cost; None where an end has no value."""
        opening = span.start - timedelta(days=1)
        initial, final = self._value(opening), self._value(span.end)
        if initial is None or final is None:
            return None
        if self.is_cash:
            by_currency = final.base - initial.base - self.moved_within(span)
            cost = final.base - by_currency
            nothing = (cost, ZERO, ZERO, by_currency, by_currency)
            return KeyEarnings(self.security_id, initial.base, final.base, *nothing), ZERO
        lots = self._restated(opening, initial)
        gains = self._replay(lots, span)
        local = sum((lot.local for lot in lots.values()), ZERO)
        base = sum((lot.base for lot in lots.values()), ZERO)
        by_price = ZERO
        if final.local != local:
            by_price = converted(final.local - local, self._rate(span.end))
        unrealised = final.base - base
        lines = (gains.realised, gains.realised_currency, unrealised, unrealised - by_price)
        key = KeyEarnings(self.security_id, initial.base, final.base, base, *lines)
        return key, gains.left_at_cost

    def moved_within(self, span: Span) -> Decimal:
        """Return what went into the key over the span, before the costs of its trades."""
        return sum((-self._value_moved(entry)[1] for entry in self._within(span)), ZERO)

    def _within(self, span: Span) -> Iterable[Entry]:
        return (entry for entry in self.entries if entry.posting.on >= span.start)

    def _value(self, on: date) -> MarketValue | None:
        quantity = sum((e.quantity for e in self.entries if e.posting.on <= on), ZERO)
        held = Held(quantity, ZERO, ZERO, self.currency)
        quote = self.market.prices.get(self.security_id, NO_PRICES).as_of(on)
        if self.is_cash:
            quote = cash_quote(self.currency, on)
        rates, base = self.market.rates, self.market.base_currency
        return value_position(held, quote, rates, base, on).value

    def _rate(self, on: date) -> Decimal:
        """Return the rate that the key was valued at on a day on which it has a value."""
        quote = self.market.rates.rate(self.currency, self.market.base_currency, on)
        if quote is None:
            msg = f"{self.security_id} was valued on {on} without a rate"
            raise LookupError(msg)
        return quote.rate

    def _restated(self, opening: date, value: MarketValue) -> dict[str, _Lot]:
        """Return the lots held at the opening, each at its part of the value there."""
        held = open_lots(self.entries, opening)
        whole = sum((lot.quantity for lot in held), ZERO)
        lots: dict[str, _Lot] = {}
        left = _Lot(whole, value.local, value.base)
        for lot in held:
            taken = _part(left, lot.quantity)
            lots[_POOL if self.is_pooled else lot.lot_id] = taken
            left = _less(left, taken)
        return lots

    def _replay(self, lots: dict[str, _Lot], span: Span) -> _Gains:
        """Book the period's entries onto the restated lots, which change, and sum its gains."""
        realised = by_currency = left_at_cost = ZERO
        for entry in self._within(span):
            matched = self._take(lots, entry)
            value_local, value_base = self._value_moved(entry)
            if not entry.quantity:
                continue
            taken = entry.quantity - entry.opened
            closing_local = share(value_local, taken, entry.quantity)
            closing_base = share(value_base, taken, entry.quantity)
            if entry.opened:
                lot_id = _POOL if self.is_pooled else entry.posting.transaction_id
                opened = _Lot(entry.opened, closing_local - value_local, closing_base - value_base)
                lots[lot_id] = _more(lots.get(lot_id, _NOTHING), opened)
            if not entry.matches:
                continue
            if not entry.posting.realises and not entry.posting.amount:
                left_at_cost += matched.base
                continue
            gain = closing_base - matched.base
            by_price = converted(closing_local - matched.local, entry.posting.fx_rate)
            realised += gain
            by_currency += gain - by_price
        return _Gains(realised, by_currency, left_at_cost)

    def _take(self, lots: dict[str, _Lot], entry: Entry) -> _Lot:
        """Take the entry's matches out of the lots and return what they were worth."""
        matched = _NOTHING
        for match in entry.matches:
            lot_id = _POOL if self.is_pooled else match.lot_id
            taken = _part(lots[lot_id], match.quantity)
            lots[lot_id] = _less(lots[lot_id], taken)
            matched = _more(matched, taken)
        return matched

    def _value_moved(self, entry: Entry) -> tuple[Decimal, Decimal]:
        """Return what an entry brought out of the key, before the costs of a trade.

        Positive for a sale, negative for a purchase; in local and in base currency.
        """
        posting = entry.posting
        if not entry.quantity:
            return ZERO, ZERO
        sign = 1 if entry.quantity < 0 else -1
        local, base = posting.amount * sign, posting.amount_base * sign
        if posting.leg is Leg.CASH:
            # What one leg brought the other one took: the rates of both may differ a little.
            return local, -self.settled[posting.transaction_id]
        transaction = self.book.transactions[posting.transaction_id]
        rule = RULES[transaction.type]
        if rule.cash_only or not rule.settles:
            return local, base
        costs = transaction.fee + transaction.tax
        if not costs:
            return local, base
        moved = flow_amount(transaction, rule)
        if transaction.trade_currency != self.currency:
            costs = share(posting.amount, costs, moved) if moved else ZERO
        return local + costs, base + sum(_costs(posting, transaction, self.market), ZERO)


def _part(lot: _Lot, quantity: Decimal) -> _Lot:
    local = share(lot.local, quantity, lot.quantity)
    return _Lot(quantity, local, share(lot.base, quantity, lot.quantity))


def _less(lot: _Lot, taken: _Lot) -> _Lot:
    return _Lot(lot.quantity - taken.quantity, lot.local - taken.local, lot.base - taken.base)


def _more(lot: _Lot, added: _Lot) -> _Lot:
    return _Lot(lot.quantity + added.quantity, lot.local + added.local, lot.base + added.base)


def _flows(
    book: KeptBook, by_key: Mapping[str, Sequence[Entry]], span: Span, market: Market
) -> _Flows:
    """Return the lines that are no gains, from the main legs booked within the span."""
    total = _Flows()
    for entries in by_key.values():
        for entry in entries:
            if entry.posting.flow is None or entry.posting.on < span.start:
                continue
            transaction = book.transactions[entry.posting.transaction_id]
            one = _flows_of(entry, transaction, market)
            total = _Flows(*(left + right for left, right in zip(total, one, strict=True)))
    return total


def _flows_of(entry: Entry, transaction: Transaction, market: Market) -> _Flows:
    posting = entry.posting
    if posting.flow is None:
        return _Flows()
    moved = posting.flow_base
    fees, taxes = _costs(posting, transaction, market)
    income = transfers = ZERO
    match posting.flow.classification:
        case Classification.EXPENSE:
            if transaction.type is TransactionType.TAX:
                taxes = -moved - fees
            else:
                fees = -moved - taxes
        case Classification.INCOME:
            income = moved + fees + taxes
        case Classification.TRANSFER:
            comes_in = RULES[transaction.type].cash_in
            value = posting.amount_base if comes_in else -posting.amount_base
            transfers = value + fees + taxes
        case Classification.CASHFLOW_IN | Classification.CASHFLOW_OUT:
            transfers = moved + fees + taxes
        case Classification.INVESTMENT_OUTFLOW | Classification.INVESTMENT_INFLOW:
            income = transfers = ZERO
    return _Flows(income, fees, taxes, transfers)


def _costs(posting: Posting, transaction: Transaction, market: Market) -> tuple[Decimal, Decimal]:
    """Return the fee and tax of a main leg in base currency, at the rate that it was booked at."""
    fee, tax = transaction.fee, transaction.tax
    if transaction.trade_currency == market.base_currency or not (fee or tax):
        return fee, tax
    moved = ZERO if posting.flow is None else posting.flow.cash_amount
    if moved:
        return share(posting.flow_base, fee, moved), share(posting.flow_base, tax, moved)
    quote = market.rates.rate(transaction.trade_currency, market.base_currency, posting.on)
    rate = transaction.fx_rate or (quote.rate if quote else None)
    if rate is None:
        pair = f"{transaction.trade_currency}/{market.base_currency}"
        raise UnusableSeriesError("exchange rates", f"{pair} on {posting.on} is not among them")
    return converted(fee, rate), converted(tax, rate)
