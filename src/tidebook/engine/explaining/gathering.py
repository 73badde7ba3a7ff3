"""Gathers what is booked on keys, the facts behind it, and what those facts ask of the book.

What carried lots or cost to a key is gathered with it, in whichever portfolio it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.book.actions import apply_action
from tidebook.book.known import Known
from tidebook.book.ledger import post
from tidebook.book.postings import Leg
from tidebook.engine.explaining.rates import Rates
from tidebook.engine.queries import TransactionQuery
from tidebook.model.actions import AT, ActionType

if TYPE_CHECKING:
    from datetime import date, datetime

    from tidebook.book.postings import Posting
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import ActionView, BookedEntry, MarketView, TransactionView
    from tidebook.model.portfolios import Portfolio

PlaceKey = tuple[str, str]
"""Portfolio id and security id."""
_PAGE_ROWS: Final = 5000


class Gathering:
    """The entries of keys, with facts, actions and the market, as known at an instant."""

    def __init__(
        self, reader: FigureReader, through: date | None, known_at: datetime | None
    ) -> None:
        """Begin with nothing."""
        self._reader = reader
        self._through = through
        self._known_at = known_at
        self.entries: dict[PlaceKey, list[BookedEntry]] = {}
        self._facts: dict[str, TransactionView | None] = {}
        self._owners: dict[str, Portfolio] = {}
        self._actions: dict[str, ActionView] | None = None
        self._posted: dict[tuple[str, str], tuple[Posting, ...]] = {}
        self._market: MarketView | None = None
        self._rates: Rates | None = None

    @property
    def rates(self) -> Rates:
        """The rates, whose trees are drawn once."""
        if self._rates is None:
            self._rates = Rates(self.market().rates)
        return self._rates

    def take(self, portfolio_id: str, security_id: str | None) -> None:
        """Gather a portfolio, or one of its keys, and every key that sent something there."""
        self._list_facts(portfolio_id, security_id)
        pending: list[tuple[str, str | None]] = [(portfolio_id, security_id)]
        whole: set[str] = set()
        while pending:
            owner, named = pending.pop()
            if owner in whole or (named is not None and (owner, named) in self.entries):
                continue
            if named is None:
                whole.add(owner)
            pending += self._load(owner, named)

    def _load(self, portfolio_id: str, security_id: str | None) -> list[tuple[str, str | None]]:
        """Read the entries of a key; return the keys that sent something to it."""
        view = self._reader.entries(
            portfolio_id,
            security_id=security_id,
            as_of=self._through,
            known_at=self._known_at,
        )
        self._owners.setdefault(portfolio_id, view.portfolio)
        if security_id is not None:
            self.entries[portfolio_id, security_id] = []
        sources: list[tuple[str, str | None]] = []
        for booked in view.entries:
            self.entries.setdefault((portfolio_id, booked.entry.security_id), []).append(booked)
            source = self.source(portfolio_id, booked) if booked.entry.leg == Leg.TO else None
            if source is not None:
                sources.append(source)
        return sources

    def source(self, portfolio_id: str, booked: BookedEntry) -> PlaceKey | None:
        """Return the key that a fact's main leg is on."""
        action = self.action(booked)
        if action is not None:
            return portfolio_id, action.action.security_id
        fact = self.fact(booked)
        if fact is None:
            return None
        return fact.transaction.portfolio_id, fact.transaction.security_id

    def fact(self, booked: BookedEntry) -> TransactionView | None:
        """Return the transaction behind an entry, if one is."""
        identity = booked.transaction_id
        if isinstance(booked.type, ActionType):
            return None
        if identity not in self._facts:
            self._facts[identity] = self._reader.transaction(identity, known_at=self._known_at)
        return self._facts[identity]

    def action(self, booked: BookedEntry) -> ActionView | None:
        """Return the corporate action behind an entry, if one is."""
        if not isinstance(booked.type, ActionType):
            return None
        if self._actions is None:
            found = self._reader.actions(known_at=self._known_at)
            self._actions = {one.action.action_id: one for one in found}
        return self._actions.get(booked.transaction_id.partition(AT)[0])

    def owner(self, portfolio_id: str) -> Portfolio:
        """Return a portfolio."""
        if portfolio_id not in self._owners:
            self._owners[portfolio_id] = self._reader.portfolio(portfolio_id)
        return self._owners[portfolio_id]

    def market(self) -> MarketView:
        """Return prices, rates, and every instrument that a fact gathered so far names."""
        if self._market is None:
            ids = {security_id for _, security_id in self.entries}
            facts = [fact.transaction for fact in self._facts.values() if fact is not None]
            ids.update(fact.security_id for fact in facts)
            ids.update(fact.to_security_id for fact in facts if fact.to_security_id)
            for one in (self._actions or {}).values():
                ids.update(filter(None, (one.action.security_id, one.action.to_security_id)))
            self._market = self._reader.markets(sorted(ids), known_at=self._known_at)
            under = {one.underlying_id for one in self._market.instruments.values()} - {"", *ids}
            if under:
                every = sorted(ids | under)
                self._market = self._reader.markets(every, known_at=self._known_at)
        return self._market

    def postings(self, portfolio_id: str, booked: BookedEntry) -> tuple[Posting, ...]:
        """Return what the fact behind an entry asks of the book, by what is known."""
        name = (booked.transaction_id, portfolio_id)
        if name not in self._posted:
            self._posted[name] = self._post(portfolio_id, booked)
        return self._posted[name]

    def _post(self, portfolio_id: str, booked: BookedEntry) -> tuple[Posting, ...]:
        market = self.market()
        action, fact = self.action(booked), self.fact(booked)
        if action is not None:
            known = Known(market.instruments, market.rates, self._owners)
            return apply_action(action.action, self.owner(portfolio_id), known).postings
        if fact is None:
            return ()
        transaction = fact.transaction
        owner = self.owner(transaction.portfolio_id)
        if transaction.to_portfolio_id:
            self.owner(transaction.to_portfolio_id)
        found = post(transaction, owner, market.instruments, market.rates, self._owners)
        return found.postings

    def _list_facts(self, portfolio_id: str, security_id: str | None) -> None:
        """Read the transactions of a portfolio, or of one key, page by page."""
        count = 0
        while True:
            page = self._reader.transactions(
                TransactionQuery(
                    portfolio_id,
                    security_id,
                    end=self._through,
                    skip=count,
                    limit=_PAGE_ROWS,
                    descending=False,
                    known_at=self._known_at,
                )
            )
            self._owners.setdefault(portfolio_id, page.portfolio)
            for fact in page.transactions:
                self._facts[fact.transaction.transaction_id] = fact
            count += len(page.transactions)
            if not page.transactions or count >= page.total:
                return
