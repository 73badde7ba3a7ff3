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

from tidebook.book.postings import Leg, instant_of, order_of
from tidebook.compliance.account_standing import AccountStanding
from tidebook.compliance.bound import CashStanding
from tidebook.compliance.cash_funding import CashTrade
from tidebook.compliance.cash_record import CashRecord, Inflow, cash_rule
from tidebook.compliance.cash_rules import CASH_ACCOUNT
from tidebook.compliance.conduct import Conduct, Opening
from tidebook.compliance.day_trades import CountMethod, DayTradeRecord
from tidebook.compliance.entry_money import flow_of, incoming, outgoing
from tidebook.compliance.holdings import Holdings, Valued
from tidebook.compliance.margin_rules import maintenance_of
from tidebook.compliance.packs import version_on
from tidebook.compliance.rulebook import Situation, told
from tidebook.compliance.trades import (
    AccountType,
    Known,
    Side,
    Standing,
    Trade,
    exchange_day,
)
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ZERO, converted, exact
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Order
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.margin import MaintenanceRates
    from tidebook.compliance.market_values import MarketValues
    from tidebook.compliance.trades import Account, Position
    from tidebook.compliance.verdicts import Verdict
    from tidebook.model.actions import ActionType
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument

# A member asked of its class takes as long as all the rest of a comparison.
_CASH: Final = AccountType.CASH
_BUY: Final = Side.BUY
_MAIN: Final = Leg.MAIN

_SIDES: Final[Mapping[TransactionType | ActionType, Side]] = {
    TransactionType.BUY: Side.BUY,
    TransactionType.BUY_TO_OPEN: Side.BUY,
    TransactionType.BUY_TO_CLOSE: Side.BUY,
    TransactionType.SELL: Side.SELL,
    TransactionType.SELL_TO_OPEN: Side.SELL,
    TransactionType.SELL_TO_CLOSE: Side.SELL,
}
"""The types of transactions that are trades."""
_DAY: Final = timedelta(days=1)
_NOWHERE: Final = (date.min, datetime.min.replace(tzinfo=UTC), 0, "", "")
_CASH_ELSEWHERE: Final = Known(None, "the account's cash is not in the book")
FIRST_VALUED: Final = 2 * _DAY
"""How long before the first trade that is judged an account is valued."""


class Books(NamedTuple):
    """What the book of one account, and the market, say: all that its trades are judged from.

    ``entries`` are those of all its keys, in any order. ``market`` is in the account's currency.
    ``account`` is as stated last, ``accounts`` as stated from each day on. ``orders`` names the
    broker's order that a trade is a fill of.
    """

    account: Account
    entries: Sequence[Entry]
    transactions: Mapping[str, Transaction]
    market: MarketValues
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


class Walk:
    """An account while its entries are walked through, in the order of its book."""

    def __init__(self, books: Books) -> None:
        """Begin before the first entry."""
        self.rest_on(books)
        self.holdings = Holdings(books.market)
        self.valued = Valued()
        self.on = self._eve = date.min
        """The day of the walk, and the one at whose close it begins."""
        self.close = Known(ZERO)
        self.came = ZERO
        self.earlier: list[Trade] = []
        self.record = DayTradeRecord(books.count_method)
        self.account = books.account_on(date.min)
        self.conduct = Conduct(self.record)
        self.cash: CashRecord | None = None
        self.cash_close = self.cash_moved = ZERO
        self.is_valued = True
        self.is_bound = False
        """Whether what it was worth on a day before may bind it."""
        self.place: Order = _NOWHERE
        self._moved: list[tuple[str, Decimal]] = []
        """What the trades of the day left of securities, not yet among what is valued."""

    def rest_on(self, books: Books) -> None:
        """Judge from these books from here on; their account is the same."""
        self.books = books
        self._market = books.market
        self._securities = books.market.securities
        self._transactions = books.transactions

    def go(self, since: date) -> Iterator[Judged]:
        """Walk through the entries of its books, and give the trades from a day on."""
        ordered = sorted(self.books.entries, key=lambda entry: order_of(entry.posting))
        valued_from = since - FIRST_VALUED if since > date.min else since
        return self.along(ordered, since, valued_from)

    def along(self, entries: Iterable[Entry], since: date, valued_from: date) -> Iterator[Judged]:
        """Walk on through entries in their order, and give the trades from ``since`` on.

        What is held is valued at the beginnings of the days from ``valued_from`` on, and of those
        before that may bind the account later.
        """
        for (on, _), run in groupby(entries, key=lambda entry: instant_of(entry.posting)):
            together = list(run)
            if on != self.on:
                self._begin(on, valued_from)
            flows, moves = self._money_of(together)
            if flows or moves:
                self._flow(on, incoming(flows), incoming(moves))
            for entry in together:
                trade = self._trade(entry)
                if trade is not None:
                    self.place = order_of(entry.posting)
                    if trade.on >= since or on >= since:
                        yield made(Judged, (trade, told(trade, self.situation_of(trade))))
                    else:
                        self._pass_by(trade)
                    self.earlier.append(trade)
                self._book(entry, trade)
            if flows or moves:
                self._flow(on, outgoing(flows), outgoing(moves))

    def stand(self, on: date) -> AccountStanding:
        """Return where the account stands on a day before it trades; the walk goes no further.

        Everything up to the day has been walked through, and the days before are valued as far as
        they bind the account.
        """
        with exact():
            self._begin(on, on)
            bound = self.conduct.standing(on)
            if self.cash is not None:
                held = self.cash.restriction(on)
                bound = bound._replace(cash=CashStanding(restriction=held))
            return AccountStanding(
                self.account,
                on,
                self.close,
                self._cash(),
                tuple(self.valued.positions.values()),
                self.record.window(on),
                bound,
            )

    def fork(self, books: Books) -> Walk:
        """Return an account that stands where this one does and goes its own way from here.

        Args:
            books: What it is judged from; its account is the same.
        """
        other = Walk(books)
        other.holdings, other.valued = self.holdings.fork(books.market), self.valued.fork()
        other.on, other._eve = self.on, self._eve
        other.close, other.came = self.close, self.came
        other.earlier = list(self.earlier)
        other.record = self.record.fork()
        other.account, other.conduct = self.account, self.conduct.fork(other.record)
        other.cash = None if self.cash is None else self.cash.fork()
        other.cash_close, other.cash_moved = self.cash_close, self.cash_moved
        other.is_valued, other.place = self.is_valued, self.place
        other._moved = list(self._moved)
        other.is_bound = self.is_bound
        return other

    def _begin(self, on: date, valued_from: date) -> None:
        """Value what is held at the close before a day, and forget the trades of the day before."""
        self.on, self.came, self.cash_moved = on, ZERO, ZERO
        self._eve = on - _DAY if on > date.min else on
        self.earlier, self._moved = [], []
        self.account = self.books.account_on(on)
        self._turn_to_cash(on)
        needed = self.conduct.needs_values(on, self.account, valued_from)
        self.is_valued = on >= valued_from or needed
        self.is_bound = self.is_bound or needed
        self.holdings.state(self.account.securities)
        if self.is_valued:
            self.valued = self.holdings.valued(self._eve)
            self.close = self._with_elsewhere(self.valued.worth)
            self.cash_close = self.valued.cash
        else:
            self.valued = Valued()
        rest, level_at = self.valued.rest, self._level_at
        opening = Opening(on, self.account, self.close, rest, self._cash, level_at)
        self.conduct.begin(opening, valued=self.is_valued)

    def _level_at(self, on: date, rates: MaintenanceRates) -> Decimal | None:
        """Return equity less maintenance margin at the close of a day; None where it is unknown."""
        valued = self.holdings.valued(on)
        equity = self._with_elsewhere(valued.worth).value
        if equity is None:
            return None
        return equity - maintenance_of((), valued.rest(), rates)

    def _with_elsewhere(self, worth: Known) -> Known:
        """Return the equity of the account: what it is worth, and what its owner says is beside."""
        elsewhere = self.account.equity_elsewhere
        if worth.value is None or elsewhere is None:
            return worth
        return Known(worth.value + elsewhere)

    def _cash(self) -> Known:
        """Return the cash that is there now; negative for a debit."""
        if not self.account.keeps_cash:
            return _CASH_ELSEWHERE
        if self.close.value is None:
            return Known(None, self.close.why)
        return Known(self.cash_close + self.cash_moved)

    def _turn_to_cash(self, on: date) -> None:
        """Follow the money of a cash account, from the day on which it is one."""
        if self.account.type is not _CASH:
            self.cash = None
        elif self.cash is None:
            there = ZERO
            for security_id, units in self.holdings.units.items():
                known = self._securities[security_id]
                if known.is_cash and units:
                    rate = self._market.rate(known.currency, on)
                    there += converted(units, rate or ZERO)
            moves = ((entry, self._cash_move(entry)) for entry in self.books.entries)
            inflows = [Inflow(entry.posting.order, amount) for entry, amount in moves if amount]
            self.cash = CashRecord(there, sorted(inflows))

    def _flow(self, on: date, amount: Decimal, cash: Decimal) -> None:
        """Let money come in or go out: ``amount`` from outside, ``cash`` by whatever way."""
        if amount:
            self.came += amount
        self.cash_moved += cash
        self.conduct.flow(on, amount)
        if self.cash is not None and cash:
            self.cash.deposit(on, cash)

    def _money_of(self, entries: Iterable[Entry]) -> tuple[list[Decimal], list[Decimal]]:
        """Return what entries bring in or take out: from outside, and of cash by whatever way."""
        flows: list[Decimal] = []
        moves: list[Decimal] = []
        for entry in entries:
            if flow := flow_of(entry):
                flows.append(flow)
            if move := self._cash_move(entry):
                moves.append(move)
        return flows, moves

    def _cash_move(self, entry: Entry) -> Decimal:
        """Return what an entry does to the cash of the account; a trade's own cash is none."""
        posting = entry.posting
        known = self._securities[posting.security_id]
        if not known.is_cash or posting.type in _SIDES:
            return ZERO
        rate = self._market.rate(known.currency, posting.on)
        return ZERO if rate is None else converted(entry.quantity, rate)

    def _pass_by(self, trade: Trade) -> None:
        """Take a trade that nobody asks for: it may bind the account later."""
        if self.is_valued:
            self.situation_of(trade)
            return
        self.record.take(trade, self.holdings.held(trade.security_id))
        self.conduct.pass_by(trade)
        self._pay(trade)

    def situation_of(self, trade: Trade) -> Situation:
        """Return the account as the next trade finds it, which counts as taken from now on.

        It holds until the walk goes on.
        """
        equity = close = self.close
        if close.value is not None and self.came is not ZERO:
            equity = Known(close.value + self.came)
        valued, name = self._valued_now(), trade.security_id
        traded = valued.positions.of(name) or self._position(name, ZERO)
        standing = made(Standing, (valued.positions, equity, close, traded, valued.beside(name)))
        self.record.take(trade, traded.quantity)
        breaches, paid = self._pay(trade)
        bound = self.conduct.take(trade, standing, self._cash)
        if paid is not None:
            bound = bound._replace(cash=paid)
        earlier = tuple(self.earlier)
        return made(Situation, (self.account, standing, self.record, earlier, breaches, bound))

    def _valued_now(self) -> Valued:
        """Return what is held as it stands after the trades of the day so far."""
        for security_id, units in self._moved:
            if units:
                self.valued.put(self._position(security_id, units))
            else:
                self.valued.remove(security_id)
        self._moved = []
        return self.valued

    def _pay(self, trade: Trade) -> tuple[tuple[CashBreach, ...], CashStanding | None]:
        """Let a trade be paid for, and return what it breaks in a cash account."""
        if trade.rate is None:
            return (), None
        fact = self._transactions.get(trade.trade_id)
        amount = trade.price * trade.multiplier * trade.quantity
        if fact is not None:
            costs = fact.fee + fact.tax
            amount = fact.gross + costs if trade.side is _BUY else fact.gross - costs
        money = converted(amount, trade.rate)
        self.cash_moved += -money if trade.side is _BUY else money
        if self.cash is None:
            return (), None
        ruleset = version_on(CASH_ACCOUNT, self.account.jurisdiction, trade.on)
        if ruleset is None:
            return (), None
        paid = CashTrade(
            trade.trade_id, trade.on, trade.side, trade.security_id, money, trade.quantity
        )
        return self.cash.take(paid, self.place, cash_rule(self.account, ruleset))

    def _trade(self, entry: Entry) -> Trade | None:
        """Return the trade that an entry books; nothing where it books no trade."""
        posting = entry.posting
        side = _SIDES.get(posting.type)
        if side is None or posting.leg is not _MAIN:
            return None
        fact = self._transactions.get(posting.transaction_id)
        if fact is None or not fact.quantity:
            return None
        known = self._securities[posting.security_id]
        if known.is_cash:
            return None
        at, currency, identity = fact.traded_at, fact.trade_currency, fact.transaction_id
        reported = fact.trade_date is not None or at is None
        return made(
            Trade,
            (
                identity,
                posting.portfolio_id,
                posting.security_id,
                side,
                fact.quantity,
                fact.price,
                posting.on if reported or at is None else exchange_day(at),
                at,
                currency,
                self._market.rate(currency, posting.on),
                known.multiplier,
                known.kind,
                self.books.orders.get(identity, ""),
            ),
        )

    def _book(self, entry: Entry, trade: Trade | None) -> None:
        """Let an entry change what is held."""
        security_id = entry.posting.security_id
        units = self.holdings.book(security_id, entry.quantity, entry.cost_base)
        if trade is not None and trade.rate is not None:
            worth = converted(trade.price * trade.multiplier, trade.rate)
            self.holdings.trade(security_id, trade.on, worth)
        if self._securities[security_id].is_cash:
            return
        self._moved.append((security_id, units))
        came = ZERO if trade is not None or not entry.quantity else flow_of(entry)
        if came:
            self.conduct.move(self._position(security_id, units), entry.quantity, came)

    def _position(self, security_id: str, units: Decimal) -> Position:
        return self.holdings.position(security_id, units, self.valued, self._eve)


def keeps_cash(entries: Sequence[Entry], instruments: Mapping[str, Instrument]) -> bool:
    """Tell whether an account's cash is in its book: whether anything was ever booked on cash."""
    return any(
        _is_cash(entry.posting.security_id, entry.posting.currency, instruments)
        for entry in entries
    )


def _is_cash(security_id: str, currency: str, instruments: Mapping[str, Instrument]) -> bool:
    known = instruments.get(security_id) or built_in_instrument(security_id, currency)
    return known is not None and known.is_cash
