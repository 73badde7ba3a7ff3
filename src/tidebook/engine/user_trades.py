"""A user's trade: made into the facts that the ordinary ingestion takes, once and only once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from tidebook.engine.users import (
    FUNDED_FROM_OUTSIDE,
    default_portfolio,
    portfolio_id_of,
    trade_id_of,
)
from tidebook.errors import Fault, InvalidRequestError, UnknownPortfolioError
from tidebook.model.cancellations import TransactionRef
from tidebook.model.facts import Transaction, TransactionType, content_hash
from tidebook.model.instruments import Instrument, cash_account, listed_option
from tidebook.model.money import ONE, ZERO, converted, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from decimal import Decimal

    from tidebook.engine.ports import Commands, Reader, Receipt
    from tidebook.engine.users import UserPolicy
    from tidebook.model.portfolios import Portfolio

_Kept = TypeVar("_Kept")
_Found = TypeVar("_Found")
_REMEMBERED_MAX: Final = 10_000
_OPTIONS: Final = frozenset({"option", "options", "us_option"})
_PRODUCT_TYPES: Final = {
    "equity": "Equity",
    "us_equity": "Equity",
    "stock": "Equity",
    "etf": "ETF",
    "crypto": "Crypto",
    "fund": "Fund",
    "bond": "Bond",
}


class UserTrade(NamedTuple):
    """One trade of a user as it was reported; ``side`` is BUY or SELL.

    ``gross`` is quantity times price; what it comes to in money also takes the multiplier of the
    instrument, which is looked up when the trade is taken.

    ``asset_class`` says what an instrument is that the book does not know yet. ``raw`` is kept as
    the transaction's note.
    """

    user_id: str
    symbol: str
    side: TransactionType
    quantity: Decimal
    price: Decimal
    gross: Decimal
    executed_at: datetime
    external_id: str = ""
    fee: Decimal = ZERO
    account_id: str = ""
    asset_class: str = ""
    raw: str = ""


class TradeReceipt(NamedTuple):
    """A trade that is durable: its id, where it went, and whether it was known already."""

    trade_id: str
    portfolio_id: str
    outcome: str
    """``new``, ``known`` (the same was sent before) or ``corrected`` (another content was)."""
    transactions: tuple[Transaction, ...]
    receipt: Receipt | None
    """Also of what the trade rests on and was sent for it: booked before that, it would wait."""


class _Sent(NamedTuple, Generic[_Found]):
    """What a trade rests on, and the receipt for it where it was sent for a trade."""

    what: _Found
    receipt: Receipt | None = None


class UserTrades:
    """Takes users' trades in; the first trade of a user makes the portfolio, too."""

    def __init__(
        self,
        commands: Commands,
        reader: Reader,
        policy: UserPolicy,
        new_id: Callable[[], str],
    ) -> None:
        """Keep the two doors of the engine, and what default portfolios are made with."""
        self._commands = commands
        self._reader = reader
        self._policy = policy
        self._new_id = new_id
        self._lock = Lock()
        self._made: dict[str, _Sent[Portfolio]] = {}
        self._named: dict[str, _Sent[Instrument]] = {}
        self._taken: dict[str, str] = {}

    def take(self, trade: UserTrade, correlation_id: str) -> TradeReceipt:
        """Make a trade durable and return its id.

        With an external id the trade has one id for ever: sent again unchanged it is known and
        nothing happens, sent with another content it corrects the earlier one.

        Raises:
            InvalidRequestError: When it is of an option whose terms nobody knows.
            StoreUnavailableError: When the store cannot be reached; nothing was taken.
            OverloadedError: When too much is unbooked already; nothing was taken.
        """
        trade_id = (
            trade_id_of(trade.user_id, trade.external_id) if trade.external_id else self._new_id()
        )
        instrument, named = self._instrument(trade, correlation_id)
        portfolio, opened = self._portfolio(trade, correlation_id)
        rests_on = [receipt for receipt in (named, opened) if receipt is not None]
        if instrument.multiplier != ONE:
            trade = trade._replace(gross=converted(trade.gross, instrument.multiplier))
        facts = facts_of(trade, trade_id, portfolio, instrument)
        outcome = self._outcome(facts[-1]) if trade.external_id else "new"
        if outcome == "known":
            return TradeReceipt(trade_id, portfolio.portfolio_id, outcome, facts, None)
        if outcome == "corrected" and len(facts) == 1:
            funding = TransactionRef(funding_id_of(trade_id), portfolio.portfolio_id)
            rests_on.append(self._commands.cancel([funding], correlation_id))
        receipt = self._commands.ingest_transactions(facts, correlation_id)
        if trade.external_id:
            self._remember(self._taken, trade_id, content_hash(facts[-1]))
        whole = _with(receipt, rests_on)
        return TradeReceipt(trade_id, portfolio.portfolio_id, outcome, facts, whole)

    def _outcome(self, fact: Transaction) -> str:
        """Return what a trade with an external id is: as the book says, or as sent just now."""
        known = self._taken.get(fact.transaction_id)
        if known is None:
            view = self._reader.transaction(fact.transaction_id)
            if view is None:
                return "new"
            known = content_hash(view.transaction)
        return "known" if known == content_hash(fact) else "corrected"

    def _portfolio(self, trade: UserTrade, correlation_id: str) -> _Sent[Portfolio]:
        """Return the portfolio that a trade goes to; made, and made durable, where there is none.

        An account that is the id of a portfolio of the user's is that portfolio.
        """
        if trade.account_id:
            own = self._reader.portfolios(cif_id=trade.user_id)
            for one in own:
                if one.portfolio_id == trade.account_id:
                    return _Sent(one)
        portfolio_id = portfolio_id_of(trade.user_id, trade.account_id)
        made = self._made.get(portfolio_id)
        if made is not None:
            return made
        try:
            return _Sent(self._reader.portfolio(portfolio_id))
        except UnknownPortfolioError:
            opened = trade.executed_at.date()
            portfolio = default_portfolio(trade.user_id, trade.account_id, opened, self._policy)
            sent = _Sent(portfolio, self._commands.ingest_portfolios([portfolio], correlation_id))
            self._remember(self._made, portfolio_id, sent)
            return sent

    def _instrument(self, trade: UserTrade, correlation_id: str) -> _Sent[Instrument]:
        """Return the instrument of a symbol, as written or in capitals; made where unknown."""
        symbols = dict.fromkeys((trade.symbol, trade.symbol.upper()))
        for symbol in symbols:
            if symbol in self._named:
                return self._named[symbol]
        known = {one.security_id: one for one in self._reader.instruments(list(symbols))}
        for symbol in symbols:
            if symbol in known:
                return _Sent(known[symbol])
        symbol = trade.symbol.upper()
        made = unknown_instrument(symbol, trade.asset_class, self._policy.currency)
        sent = _Sent(made, self._commands.ingest_instruments([made], correlation_id))
        self._remember(self._named, symbol, sent)
        return sent

    def _remember(self, kept: dict[str, _Kept], key: str, value: _Kept) -> None:
        """Keep what was sent and may not be booked yet; only the latest, so that it is bounded."""
        with self._lock:
            while len(kept) >= _REMEMBERED_MAX:
                del kept[next(iter(kept))]
            kept[key] = value


def _with(receipt: Receipt, rests_on: Sequence[Receipt]) -> Receipt:
    before = tuple(place for one in rests_on for place in one.reached)
    return receipt._replace(reached=before + receipt.reached)


def unknown_instrument(symbol: str, asset_class: str, currency: str) -> Instrument:
    """Return what a symbol is taken as that the book does not know yet.

    Raises:
        InvalidRequestError: When it is said to be an option and its symbol does not tell its terms.
    """
    word = asset_class.casefold()
    option = listed_option(symbol, currency) if word in {"", *_OPTIONS} else None
    if option is not None:
        return option
    if word in _OPTIONS:
        told = (
            f"{symbol} is no symbol that tells expiry, right and strike of an option; send the "
            "contract to POST /ingest/instruments first, or its symbol as ABC240621C00040000"
        )
        raise InvalidRequestError([Fault("/symbol", "symbol.no-contract", told)])
    kind = _PRODUCT_TYPES.get(word, asset_class or "Equity")
    return Instrument(symbol, symbol, currency, kind, asset_class=asset_class or kind)


def facts_of(
    trade: UserTrade, trade_id: str, portfolio: Portfolio, instrument: Instrument
) -> tuple[Transaction, ...]:
    """Return the transactions that a trade is booked as, the trade itself last.

    A portfolio that is funded from outside gets the money of a purchase, and pays out that of a
    sale, at the same instant.
    """
    currency = instrument.currency
    booked = Transaction(
        trade_id,
        portfolio.portfolio_id,
        instrument.security_id,
        trade.side,
        trade.executed_at,
        None,
        trade.quantity,
        trade.price,
        trade.gross,
        currency,
        currency,
        fee=trade.fee,
        note=trade.raw,
    )
    if portfolio.portfolio_type != FUNDED_FROM_OUTSIDE:
        return (booked,)
    buys = trade.side is TransactionType.BUY
    with exact():
        money = trade.gross + trade.fee if buys else trade.gross - trade.fee
    if money == ZERO:
        return (booked,)
    comes_in = buys or money < 0
    funding = Transaction(
        funding_id_of(trade_id),
        portfolio.portfolio_id,
        cash_account(currency),
        TransactionType.DEPOSIT if comes_in else TransactionType.WITHDRAWAL,
        trade.executed_at,
        None,
        abs(money),
        ONE,
        abs(money),
        currency,
        currency,
        note=f"funds trade {trade_id}" if comes_in else f"proceeds of trade {trade_id}",
    )
    return (funding, booked)


def funding_id_of(trade_id: str) -> str:
    """Return the id of the deposit or withdrawal that goes with a trade."""
    return f"{trade_id}:funding"
