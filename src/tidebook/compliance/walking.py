"""From the book of an account to its trades, each with the account as it stood then.

The account is walked in the order of its book. Its equity at a trade is its worth at the close of
the day before, plus what came in from outside since; money that leaves at the instant of a trade
leaves after it. A security counts at its last quoted price; where none is quoted since, the
account's own last trade in it stands for one.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.postings import Leg
from tidebook.compliance.cash_funding import CashFunding, CashTrade
from tidebook.compliance.day_trades import CountMethod, DayTradeRecord
from tidebook.compliance.rulebook import Situation, judged
from tidebook.compliance.trades import (
    AccountType,
    AssetClass,
    Known,
    Position,
    Side,
    Standing,
    Trade,
    exchange_day,
)
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO, converted, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.trades import Account
    from tidebook.compliance.verdicts import Verdict
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import PriceQuotes, RateTable

_SIDES: Final = {
    TransactionType.BUY: Side.BUY,
    TransactionType.BUY_TO_OPEN: Side.BUY,
    TransactionType.BUY_TO_CLOSE: Side.BUY,
    TransactionType.SELL: Side.SELL,
    TransactionType.SELL_TO_OPEN: Side.SELL,
    TransactionType.SELL_TO_CLOSE: Side.SELL,
}
"""The types of transactions that are trades."""
_COINS: Final = frozenset({"crypto", "cryptocurrency", "digital asset", "token", "coin"})
_DAY: Final = timedelta(days=1)


class Books(NamedTuple):
    """What the book of one account, and the market, say: all that its trades are judged from.

    ``entries`` are those of all its keys, in any order.
    """

    account: Account
    entries: Sequence[Entry]
    transactions: Mapping[str, Transaction]
    instruments: Mapping[str, Instrument]
    prices: Mapping[str, PriceQuotes]
    rates: RateTable
    count_method: CountMethod = CountMethod.DIRECTION_CHANGE


class Judged(NamedTuple):
    """A trade and what the rules say of it."""

    trade: Trade
    verdicts: tuple[Verdict, ...]


def judged_trades(books: Books, since: date = date.min) -> list[Judged]:
    """Return the trades of an account from a day on, in order, with their verdicts."""
    with exact():
        return list(Walk(books).go(since))


def asset_class(instrument: Instrument | None) -> AssetClass:
    """Return what kind of thing a security is to the rules; a security where nothing says more."""
    if instrument is None:
        return AssetClass.SECURITY
    if instrument.option_right is not None:
        return AssetClass.OPTION
    if instrument.is_margined:
        return AssetClass.FUTURE
    words = {instrument.product_type.casefold(), (instrument.asset_class or "").casefold()}
    return AssetClass.CRYPTO if words & _COINS else AssetClass.SECURITY


class _Valued(NamedTuple):
    """A price of one unit in the account's currency, and the day it is of."""

    on: date
    price: Decimal


class Walk:
    """An account while its entries are walked through, in the order of its book."""

    def __init__(self, books: Books) -> None:
        """Begin before the first entry."""
        self.books = books
        self.units: dict[str, Decimal] = {}
        self.costs: dict[str, Decimal] = {}
        self.traded: dict[str, _Valued] = {}
        self.on = date.min
        self.values: dict[str, Decimal | None] = {}
        self.close = Known(ZERO)
        self.came = ZERO
        self.positions: dict[str, Position] = {}
        self.known: dict[str, Instrument] = {}
        self.kinds: dict[str, AssetClass] = {}
        self.earlier: list[Trade] = []
        self.record = DayTradeRecord(books.count_method)
        is_cash = books.account.type is AccountType.CASH
        self.funding = CashFunding() if is_cash else None

    def go(self, since: date) -> Iterator[Judged]:
        """Walk through the entries, and give the trades from a day on."""
        ordered = sorted(self.books.entries, key=lambda entry: entry.posting.order)
        for (on, _), run in groupby(ordered, key=lambda e: (e.posting.on, e.posting.at)):
            together = list(run)
            if on != self.on:
                self._begin(on, valued=on >= since - 2 * _DAY if since > date.min else True)
            flows = [_flow(entry) for entry in together]
            self._flow(on, sum((flow for flow in flows if flow > ZERO), ZERO))
            for entry in together:
                trade = self._trade(entry)
                if trade is not None:
                    if trade.on >= since or on >= since:
                        yield Judged(trade, judged(trade, self.situation_of(trade)))
                    else:
                        self.record.take(trade, self.units.get(trade.security_id, ZERO))
                        self._breaches(trade)
                    self.earlier.append(trade)
                self._book(entry, trade)
            self._flow(on, sum((flow for flow in flows if flow < ZERO), ZERO))

    def _begin(self, on: date, *, valued: bool) -> None:
        """Value what is held at the close before a day, and forget the trades of the day before."""
        self.on, self.came = on, ZERO
        self.earlier = []
        if not valued:
            self.values, self.positions = {}, {}
            return
        before = on - _DAY if on > date.min else on
        self.values = {
            security_id: self._value(security_id, before)
            for security_id, units in self.units.items()
            if units
        }
        self.positions = {
            security_id: self._position(security_id, self.units[security_id])
            for security_id in self.values
            if not self._instrument(security_id).is_cash
        }
        missing = sorted(one for one, value in self.values.items() if value is None)
        if missing:
            self.close = Known(None, f"no price is known of {missing[0]} on or before {before}")
            return
        worth = ZERO
        for security_id, value in self.values.items():
            part = converted(self.units[security_id], value or ZERO)
            known = self._instrument(security_id)
            worth += part - self.costs[security_id] if known.is_margined else part
        self.close = Known(worth + (self.books.account.equity_elsewhere or ZERO))

    def _flow(self, on: date, amount: Decimal) -> None:
        """Let money come in or go out."""
        self.came += amount
        if self.funding is not None and amount:
            self.funding.deposit(on, amount)

    def situation_of(self, trade: Trade) -> Situation:
        """Return the account as the next trade finds it, which counts as taken from now on."""
        close = self.close
        equity = close if close.value is None else Known(close.value + self.came)
        positions = dict(self.positions)
        if trade.security_id not in positions:
            positions[trade.security_id] = self._position(trade.security_id, ZERO)
        held = positions[trade.security_id].quantity
        self.record.take(trade, held)
        return Situation(
            self.books.account,
            Standing(positions, equity, close),
            self.record,
            tuple(self.earlier),
            self._breaches(trade),
        )

    def _breaches(self, trade: Trade) -> tuple[CashBreach, ...]:
        if self.funding is None or trade.rate is None:
            return ()
        fact = self.books.transactions.get(trade.trade_id)
        amount = trade.price * trade.multiplier * trade.quantity
        if fact is not None:
            costs = fact.fee + fact.tax
            amount = fact.gross + costs if trade.side is Side.BUY else fact.gross - costs
        money = converted(amount, trade.rate)
        return self.funding.take(
            CashTrade(
                trade.trade_id, trade.on, trade.side, trade.security_id, money, trade.quantity
            )
        )

    def _position(self, security_id: str, units: Decimal) -> Position:
        known = self._instrument(security_id)
        value = self.values.get(security_id)
        if value is None and security_id in self.traded:
            value = self.traded[security_id].price
        return Position(security_id, units, value, "", known.sector or "", self._kind(security_id))

    def _trade(self, entry: Entry) -> Trade | None:
        """Return the trade that an entry books; nothing where it books no trade."""
        posting = entry.posting
        if posting.leg is not Leg.MAIN:
            return None
        fact = self.books.transactions.get(posting.transaction_id)
        side = None if fact is None else _SIDES.get(fact.type)
        if fact is None or side is None or not fact.quantity:
            return None
        known = self._instrument(posting.security_id)
        if known.is_cash:
            return None
        at = fact.traded_at
        reported = fact.trade_date is not None or at is None
        return Trade(
            fact.transaction_id,
            posting.portfolio_id,
            posting.security_id,
            side,
            fact.quantity,
            fact.price,
            posting.on if reported or at is None else exchange_day(at),
            at,
            fact.trade_currency,
            self._rate(fact.trade_currency, posting.on),
            known.multiplier,
            self._kind(posting.security_id),
        )

    def _book(self, entry: Entry, trade: Trade | None) -> None:
        """Let an entry change what is held."""
        security_id = entry.posting.security_id
        self.units[security_id] = self.units.get(security_id, ZERO) + entry.quantity
        self.costs[security_id] = self.costs.get(security_id, ZERO) + entry.cost_base
        if trade is not None and trade.rate is not None:
            unit = converted(trade.price * trade.multiplier, trade.rate)
            self.traded[security_id] = _Valued(trade.on, unit)
        units = self.units[security_id]
        if not units:
            self.positions.pop(security_id, None)
        elif not self._instrument(security_id).is_cash:
            self.positions[security_id] = self._position(security_id, units)

    def _value(self, security_id: str, on: date) -> Decimal | None:
        """Return what one unit was worth at the close of a day, in the account's currency."""
        known = self._instrument(security_id)
        if known.is_cash:
            return self._rate(known.currency, on)
        quote = self.books.prices.get(security_id, NO_PRICES).as_of(on)
        traded = self.traded.get(security_id)
        if quote is None or (traded is not None and traded.on > quote.on):
            return None if traded is None else traded.price
        rate = self._rate(quote.currency, on)
        return None if rate is None else converted(quote.price * known.multiplier, rate)

    def _rate(self, currency: str, on: date) -> Decimal | None:
        if currency == self.books.account.currency:
            return ONE
        found = self.books.rates.rate(currency, self.books.account.currency, on)
        return None if found is None else found.rate

    def _kind(self, security_id: str) -> AssetClass:
        kind = self.kinds.get(security_id)
        if kind is None:
            kind = self.kinds[security_id] = asset_class(self._instrument(security_id))
        return kind

    def _instrument(self, security_id: str) -> Instrument:
        known = self.known.get(security_id)
        if known is None:
            currency = self.books.account.currency
            known = self.known[security_id] = (
                self.books.instruments.get(security_id)
                or built_in_instrument(security_id, currency)
                or Instrument(security_id, security_id, currency, "")
            )
        return known


def _flow(entry: Entry) -> Decimal:
    """Return what an entry brings into the account from outside; negative for what it takes."""
    flow = entry.posting.flow
    if flow is None or not flow.is_portfolio_flow:
        return ZERO
    return ZERO if flow.classification is Classification.EXPENSE else entry.posting.flow_base


def keeps_cash(entries: Sequence[Entry], instruments: Mapping[str, Instrument]) -> bool:
    """Tell whether an account's cash is in its book: whether anything was ever booked on cash."""
    return any(
        _is_cash(entry.posting.security_id, entry.posting.currency, instruments)
        for entry in entries
    )


def _is_cash(security_id: str, currency: str, instruments: Mapping[str, Instrument]) -> bool:
    known = instruments.get(security_id) or built_in_instrument(security_id, currency)
    return known is not None and known.is_cash
