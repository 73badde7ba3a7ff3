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
from tidebook.compliance.market_values import is_short
from tidebook.compliance.rulebook import Situation, judged
from tidebook.compliance.trades import (
    AccountType,
    Known,
    Position,
    Side,
    Standing,
    Trade,
    exchange_day,
)
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ONE, ZERO, converted, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.market_values import MarketValues, Security
    from tidebook.compliance.trades import Account
    from tidebook.compliance.verdicts import Verdict
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument

_SIDES: Final = {
    TransactionType.BUY: Side.BUY,
    TransactionType.BUY_TO_OPEN: Side.BUY,
    TransactionType.BUY_TO_CLOSE: Side.BUY,
    TransactionType.SELL: Side.SELL,
    TransactionType.SELL_TO_OPEN: Side.SELL,
    TransactionType.SELL_TO_CLOSE: Side.SELL,
}
"""The types of transactions that are trades."""
_DAY: Final = timedelta(days=1)
_FIRST_VALUED: Final = 2 * _DAY
"""How long before the first trade that is judged an account is valued."""


class Books(NamedTuple):
    """What the book of one account, and the market, say: all that its trades are judged from.

    ``entries`` are those of all its keys, in any order. ``market`` is in the account's currency.
    """

    account: Account
    entries: Sequence[Entry]
    transactions: Mapping[str, Transaction]
    market: MarketValues
    count_method: CountMethod = CountMethod.DIRECTION_CHANGE


class Judged(NamedTuple):
    """A trade and what the rules say of it."""

    trade: Trade
    verdicts: tuple[Verdict, ...]


def judged_trades(books: Books, since: date = date.min) -> list[Judged]:
    """Return the trades of an account from a day on, in order, with their verdicts."""
    with exact():
        return list(Walk(books).go(since))


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
        self.short: set[str] = set()
        """The securities whose units need few places."""
        self.traded: dict[str, _Valued] = {}
        self.on = date.min
        self.values: dict[str, Decimal | None] = {}
        self.close = Known(ZERO)
        self.came = ZERO
        self.positions: dict[str, Position] = {}
        self.earlier: list[Trade] = []
        self.record = DayTradeRecord(books.count_method)
        is_cash = books.account.type is AccountType.CASH
        self.funding = CashFunding() if is_cash else None

    def go(self, since: date) -> Iterator[Judged]:
        """Walk through the entries of its books, and give the trades from a day on."""
        ordered = sorted(self.books.entries, key=lambda entry: entry.posting.order)
        valued_from = since - _FIRST_VALUED if since > date.min else since
        return self.along(ordered, since, valued_from)

    def along(self, entries: Iterable[Entry], since: date, valued_from: date) -> Iterator[Judged]:
        """Walk on through entries in their order, and give the trades from ``since`` on.

        What is held is valued at the beginnings of the days from ``valued_from`` on.
        """
        for (on, _), run in groupby(entries, key=lambda e: (e.posting.on, e.posting.at)):
            together = list(run)
            if on != self.on:
                self._begin(on, valued=on >= valued_from)
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

    def fork(self, books: Books) -> Walk:
        """Return an account that stands where this one does and goes its own way from here.

        Args:
            books: What it is judged from; its account is the same.
        """
        other = Walk(books)
        other.units, other.costs = dict(self.units), dict(self.costs)
        other.short = set(self.short)
        other.traded, other.values = dict(self.traded), dict(self.values)
        other.on, other.close, other.came = self.on, self.close, self.came
        other.positions, other.earlier = dict(self.positions), list(self.earlier)
        other.record = self.record.fork()
        other.funding = None if self.funding is None else self.funding.fork()
        return other

    def _begin(self, on: date, *, valued: bool) -> None:
        """Value what is held at the close before a day, and forget the trades of the day before."""
        self.on, self.came = on, ZERO
        self.earlier = []
        self.values, self.positions = {}, {}
        if not valued:
            return
        before = on - _DAY if on > date.min else on
        securities, close = self.books.market.securities, self.books.market.close(before)
        values, positions, traded = self.values, self.positions, self.traded
        worth = ZERO
        missing: list[str] = []
        for security_id, units in self.units.items():
            if not units:
                continue
            quoted, last = close[security_id], traded.get(security_id)
            value = None if quoted is None else quoted.price
            is_exact = quoted is not None and quoted.is_short and security_id in self.short
            if last is not None and (quoted is None or last.on > quoted.on):
                value, is_exact = last.price, False
            values[security_id] = value
            known = securities[security_id]
            if not known.is_cash:
                shown = last.price if value is None and last is not None else value
                positions[security_id] = _position(security_id, units, shown, known)
            if value is None:
                missing.append(security_id)
                continue
            part = units * value if is_exact else converted(units, value)
            worth += part - self.costs[security_id] if known.is_margined else part
        if missing:
            self.close = Known(None, f"no price is known of {min(missing)} on or before {before}")
            return
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
        value = self.values.get(security_id)
        if value is None and security_id in self.traded:
            value = self.traded[security_id].price
        return _position(security_id, units, value, self.books.market.securities[security_id])

    def _trade(self, entry: Entry) -> Trade | None:
        """Return the trade that an entry books; nothing where it books no trade."""
        posting = entry.posting
        if posting.leg is not Leg.MAIN:
            return None
        fact = self.books.transactions.get(posting.transaction_id)
        side = None if fact is None else _SIDES.get(fact.type)
        if fact is None or side is None or not fact.quantity:
            return None
        market = self.books.market
        known = market.securities[posting.security_id]
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
            market.rate(fact.trade_currency, posting.on),
            known.multiplier,
            known.kind,
        )

    def _book(self, entry: Entry, trade: Trade | None) -> None:
        """Let an entry change what is held."""
        security_id = entry.posting.security_id
        units = self.units[security_id] = self.units.get(security_id, ZERO) + entry.quantity
        if is_short(units):
            self.short.add(security_id)
        else:
            self.short.discard(security_id)
        self.costs[security_id] = self.costs.get(security_id, ZERO) + entry.cost_base
        if trade is not None and trade.rate is not None:
            worth = converted(trade.price * trade.multiplier, trade.rate)
            self.traded[security_id] = _Valued(trade.on, worth)
        if not units:
            self.positions.pop(security_id, None)
        elif not self.books.market.securities[security_id].is_cash:
            self.positions[security_id] = self._position(security_id, units)


def _position(security_id: str, units: Decimal, value: Decimal | None, known: Security) -> Position:
    return made(Position, (security_id, units, value, "", known.sector, known.kind, ONE))


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
