"""From the book of an account to its trades, each with the account as it stood then.

The account is walked in the order of its book. Its equity at a trade is its worth at the close of
the day before, plus what came in from outside since; money that leaves at the instant of a trade
leaves after it. A security counts at its last quoted price; where none is quoted since, the
account's own last trade in it stands for one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.cashflows import Classification
from tidebook.book.postings import Leg
from tidebook.compliance.cash_funding import CashTrade
from tidebook.compliance.cash_record import CashRecord, Inflow, cash_rule
from tidebook.compliance.cash_rules import CASH_ACCOUNT
from tidebook.compliance.conduct import Conduct, Opening
from tidebook.compliance.day_trades import CountMethod, DayTradeRecord
from tidebook.compliance.margin_rules import maintenance_required
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rulebook import Situation, judged
from tidebook.compliance.rules import rule_set_on
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
    from tidebook.book.postings import Order
    from tidebook.compliance.bound import CashStanding
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.margin import MaintenanceRates
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
_NOWHERE: Final = (date.min, datetime.min.replace(tzinfo=UTC), 0, "", "")


class Books(NamedTuple):
    """What the book of one account, and the market, say: all that its trades are judged from.

    ``entries`` are those of all its keys, in any order. ``account`` is as stated last, ``accounts``
    as stated from each day on. ``orders`` names the broker's order that a trade is a fill of.
    """

    account: Account
    entries: Sequence[Entry]
    transactions: Mapping[str, Transaction]
    instruments: Mapping[str, Instrument]
    prices: Mapping[str, PriceQuotes]
    rates: RateTable
    count_method: CountMethod = CountMethod.DIRECTION_CHANGE
    accounts: Sequence[tuple[date, Account]] = ()
    orders: Mapping[str, str] = {}

    def account_on(self, on: date) -> Account:
        """Return the account as what was stated of it for a day says."""
        found = self.account
        for since, account in self.accounts:
            if since > on:
                break
            found = account
        return found


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
        self.account = books.account_on(date.min)
        self.conduct = Conduct(self.record, date.min)
        self.cash: CashRecord | None = None
        self.cash_close = self.cash_moved = ZERO
        self.is_valued = True
        self.place: Order = _NOWHERE

    def go(self, since: date) -> Iterator[Judged]:
        """Walk through the entries, and give the trades from a day on."""
        ordered = sorted(self.books.entries, key=lambda entry: entry.posting.order)
        self.conduct = Conduct(self.record, since)
        for (on, _), run in groupby(ordered, key=lambda e: (e.posting.on, e.posting.at)):
            together = list(run)
            if on != self.on:
                self._begin(on, since)
            flows = [_flow(entry) for entry in together]
            moves = [self._cash_move(entry) for entry in together]
            self._flow(on, _incoming(flows), _incoming(moves))
            for entry in together:
                trade = self._trade(entry)
                if trade is not None:
                    self.place = entry.posting.order
                    if trade.on >= since or on >= since:
                        yield Judged(trade, judged(trade, self.situation_of(trade)))
                    else:
                        self._pass_by(trade)
                    self.earlier.append(trade)
                self._book(entry, trade)
            self._flow(on, _outgoing(flows), _outgoing(moves))

    def _begin(self, on: date, since: date) -> None:
        """Value what is held at the close before a day, and forget the trades of the day before."""
        self.on, self.came, self.cash_moved = on, ZERO, ZERO
        self.earlier = []
        self.account = self.books.account_on(on)
        self._turn_to_cash(on)
        is_near = since == date.min or on >= since - 2 * _DAY
        self.is_valued = is_near or self.conduct.needs_values(on, self.account)
        if self.is_valued:
            self._value_all(on - _DAY if on > date.min else on)
        else:
            self.values, self.positions = {}, {}
        held = tuple(self.positions.values())
        opening = Opening(on, self.account, self.close, held, self._cash(), self._level_at)
        self.conduct.begin(opening, valued=self.is_valued)

    def _value_all(self, before: date) -> None:
        """Value what is held at the close of a day, and with it the account."""
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
        self.cash_close = ZERO
        worth = ZERO
        for security_id, value in self.values.items():
            part = converted(self.units[security_id], value or ZERO)
            known = self._instrument(security_id)
            worth += part - self.costs[security_id] if known.is_margined else part
            if known.is_cash:
                self.cash_close += part
        self.close = Known(worth + (self.account.equity_elsewhere or ZERO))

    def _level_at(self, on: date, rates: MaintenanceRates) -> Decimal | None:
        """Return equity less maintenance margin at the close of a day; None where it is unknown."""
        kept = self.values, self.positions, self.close, self.cash_close
        self._value_all(on)
        equity = self.close.value
        level = None
        if equity is not None:
            level = equity - maintenance_required(self.positions.values(), rates)
        self.values, self.positions, self.close, self.cash_close = kept
        return level

    def _cash(self) -> Known:
        """Return the cash that is there now; negative for a debit."""
        if not self.account.keeps_cash:
            return Known(None, "the account's cash is not in the book")
        if self.close.value is None:
            return Known(None, self.close.why)
        return Known(self.cash_close + self.cash_moved)

    def _turn_to_cash(self, on: date) -> None:
        """Follow the money of a cash account, from the day on which it is one."""
        if self.account.type is not AccountType.CASH:
            self.cash = None
        elif self.cash is None:
            known = ((one, self._instrument(one)) for one, units in self.units.items() if units)
            held = ((one, self._rate(each.currency, on)) for one, each in known if each.is_cash)
            there = sum((converted(self.units[one], rate or ZERO) for one, rate in held), ZERO)
            moves = ((entry, self._cash_move(entry)) for entry in self.books.entries)
            inflows = [Inflow(entry.posting.order, amount) for entry, amount in moves if amount]
            self.cash = CashRecord(there, sorted(inflows))

    def _flow(self, on: date, amount: Decimal, cash: Decimal) -> None:
        """Let money come in or go out: ``amount`` from outside, ``cash`` by whatever way."""
        self.came += amount
        self.cash_moved += cash
        self.conduct.flow(on, amount)
        if self.cash is not None and cash:
            self.cash.deposit(on, cash)

    def _cash_move(self, entry: Entry) -> Decimal:
        """Return what an entry does to the cash of the account; a trade's own cash is none."""
        posting = entry.posting
        if not self._instrument(posting.security_id).is_cash:
            return ZERO
        fact = self.books.transactions.get(posting.transaction_id)
        if fact is not None and fact.type in _SIDES:
            return ZERO
        rate = self._rate(self._instrument(posting.security_id).currency, posting.on)
        return ZERO if rate is None else converted(entry.quantity, rate)

    def _pass_by(self, trade: Trade) -> None:
        """Take a trade that nobody asks for: it may bind the account later."""
        if self.is_valued:
            self.situation_of(trade)
            return
        self.record.take(trade, self.units.get(trade.security_id, ZERO))
        self.conduct.pass_by(trade)
        self._pay(trade)

    def situation_of(self, trade: Trade) -> Situation:
        """Return the account as the next trade finds it, which counts as taken from now on."""
        close = self.close
        equity = close if close.value is None else Known(close.value + self.came)
        positions = dict(self.positions)
        if trade.security_id not in positions:
            positions[trade.security_id] = self._position(trade.security_id, ZERO)
        standing = Standing(positions, equity, close)
        self.record.take(trade, positions[trade.security_id].quantity)
        breaches, paid = self._pay(trade)
        bound = self.conduct.take(trade, standing, self._cash())
        return Situation(
            self.account,
            standing,
            self.record,
            tuple(self.earlier),
            breaches,
            bound if paid is None else bound._replace(cash=paid),
        )

    def _pay(self, trade: Trade) -> tuple[tuple[CashBreach, ...], CashStanding | None]:
        """Let a trade be paid for, and return what it breaks in a cash account."""
        if trade.rate is None:
            return (), None
        fact = self.books.transactions.get(trade.trade_id)
        amount = trade.price * trade.multiplier * trade.quantity
        if fact is not None:
            costs = fact.fee + fact.tax
            amount = fact.gross + costs if trade.side is Side.BUY else fact.gross - costs
        money = converted(amount, trade.rate)
        self.cash_moved += -money if trade.side is Side.BUY else money
        ruleset = rule_set_on(RULE_SETS, CASH_ACCOUNT, self.account.jurisdiction, trade.on)
        if self.cash is None or ruleset is None:
            return (), None
        paid = CashTrade(
            trade.trade_id, trade.on, trade.side, trade.security_id, money, trade.quantity
        )
        return self.cash.take(paid, self.place, cash_rule(self.account, ruleset))

    def _position(self, security_id: str, units: Decimal) -> Position:
        known = self._instrument(security_id)
        value = self.values.get(security_id)
        if value is None and security_id in self.traded:
            value = self.traded[security_id].price
        terms = self.account.securities.get(security_id)
        kind, sector = self._kind(security_id), known.sector or ""
        if terms is None:
            return Position(security_id, units, value, "", sector, kind)
        return Position(
            security_id,
            units,
            value,
            terms.issuer,
            sector,
            kind,
            terms.leverage_factor,
            terms.is_marginable,
            self._by_delta(known, terms.delta),
        )

    def _by_delta(self, known: Instrument, delta: Decimal | None) -> Known | None:
        """Return what one option moves like: its delta times what it is an option on."""
        if delta is None:
            return None
        if not known.underlying_id:
            return Known(None, f"a delta is stated of {known.security_id}, which has no underlying")
        value = self._value(known.underlying_id, self.on)
        if value is None:
            return Known(None, f"no price is known of {known.underlying_id}")
        return Known(converted(delta * known.multiplier, value))

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
            self.books.orders.get(fact.transaction_id, ""),
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


def _incoming(amounts: Sequence[Decimal]) -> Decimal:
    return sum((one for one in amounts if one > ZERO), ZERO)


def _outgoing(amounts: Sequence[Decimal]) -> Decimal:
    return sum((one for one in amounts if one < ZERO), ZERO)


def keeps_cash(entries: Sequence[Entry], instruments: Mapping[str, Instrument]) -> bool:
    """Tell whether an account's cash is in its book: whether anything was ever booked on cash."""
    return any(
        _is_cash(entry.posting.security_id, entry.posting.currency, instruments)
        for entry in entries
    )


def _is_cash(security_id: str, currency: str, instruments: Mapping[str, Instrument]) -> bool:
    known = instruments.get(security_id) or built_in_instrument(security_id, currency)
    return known is not None and known.is_cash
