"""A household as it stands: what an order that comes after all its facts is judged on.

A check asks what the rules would say of orders if they were booked. Building the household's book
again for each says it, in a time that grows with its history. Here the book is built once, and
orders are posted, folded, walked and matched onto its end. What is said is the same; where that
is not sure, nothing is said, and the whole book is built with the orders in it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.folding import fold
from tidebook.book.known import Known
from tidebook.book.ledger import post_by_id
from tidebook.book.lots import EMPTY
from tidebook.book.policies import key_rules
from tidebook.book.postings import Leg, in_order, order_of, settled
from tidebook.book.whole import is_cash_account
from tidebook.compliance.rulebook import BROKEN
from tidebook.compliance.trades import AccountType
from tidebook.compliance.walking import FIRST_VALUED, Walk, keeps_cash
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import (
    FUNDED_FROM_OUTSIDE,
    Markets,
    books_of,
    household_keys,
)
from tidebook.engine.compliance.pretrade import (
    found_on,
    order_check,
    supposed_trades,
    with_taxes,
)
from tidebook.engine.compliance.standing_taxes import standing_taxes
from tidebook.model.findings import Severity
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry, Holding
    from tidebook.book.postings import Posted, Posting
    from tidebook.compliance.walking import Books
    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.compliance.ports import Household
    from tidebook.engine.compliance.pretrade import FoundOrder, Order, OrderCheck, Supposed
    from tidebook.engine.compliance.standing_taxes import StandingTaxes
    from tidebook.model.findings import Finding
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes
    from tidebook.model.portfolios import Portfolio

_NO_PLACE: Final = (date.min, datetime.min.replace(tzinfo=UTC))
Key = tuple[str, str]


class _Account(NamedTuple):
    """An account up to its last day, and to its end; ``books`` are those of the last day."""

    books: Books
    before: Walk
    end: Walk


class _Booked(NamedTuple):
    """What orders come to: their entries by portfolio, and what is to be said of them."""

    entries: Mapping[str, list[Entry]]
    findings: Mapping[str, list[Finding]]


class StandingHousehold:
    """A household's books to their end; it never changes, and threads may share it."""

    def __init__(self, household: Household, at: datetime) -> None:
        """Build the books of a household and go through them to their end.

        Args:
            household: Its facts and policies.
            at: When orders are to be judged: on that day, and with an account that nothing binds
                for what it was worth before on any later one.
        """
        self.valued_from = _valued_from(at)
        made = rebuilt(household.facts)
        facts = household.facts.facts
        self.policies = household.policies
        self.given: BookFacts = household.facts._replace(
            facts=facts._replace(transactions=()), vectors={}
        )
        self.size = len(facts.transactions)
        """How many facts it was made of."""
        self._ids = frozenset(fact.transaction_id for fact in facts.transactions)
        self._holdings = {key: folded.holding for key, folded in household_keys(made).items()}
        self._keys = frozenset(made.book.postings)
        self._last = max(
            ((one.on, one.at) for found in made.book.postings.values() for one in found),
            default=_NO_PLACE,
        )
        transactions = {fact.transaction_id: fact for fact in facts.transactions}
        markets = Markets(household.facts)
        self._accounts: dict[str, _Account] = {}
        for portfolio_id in facts.portfolios:
            books = books_of(made, portfolio_id, self.policies, transactions, markets)
            self._accounts[portfolio_id] = _account(books, self.valued_from)
        self._is_bound = any(one.end.is_bound for one in self._accounts.values())
        self._prices = household.facts.prices
        self._taxes = standing_taxes(made, self.policies)

    def with_market(
        self, instruments: Mapping[str, Instrument], prices: Mapping[str, PriceQuotes]
    ) -> BookFacts:
        """Return its facts, without transactions, with instruments and prices as they now are."""
        facts = self.given.facts._replace(instruments=instruments)
        return self.given._replace(facts=facts, prices=prices)

    def serves(self, at: datetime, prices: Mapping[str, PriceQuotes]) -> bool:
        """Tell whether orders of an instant can be judged on it, with the prices of now.

        What an account was worth may bind it, by day trades and deficits: then it is of one day
        and of the prices that it was built with.
        """
        if not self._is_bound:
            return _valued_from(at) >= self.valued_from
        same = all(prices.get(each) is quotes for each, quotes in self._prices.items())
        return same and _valued_from(at) == self.valued_from

    def check(
        self, given: BookFacts, orders: Sequence[Order], at: datetime
    ) -> tuple[OrderCheck, ...] | None:
        """Return what the rules would say of orders if they were done at an instant.

        It is what ``check_orders`` says of the household's facts with this market, or None where
        the orders do not simply come after all that is known.

        Args:
            given: Its facts with the market of now, as :meth:`with_market` returns them.
            orders: The orders, each after those before it.
            at: When.

        Raises:
            UnknownPortfolioError: When one is for a portfolio outside the household.
            InvalidRequestError: When one has no price and none is known of its security.
        """
        supposed = supposed_trades(given, orders, at)
        given = given._replace(facts=given.facts._replace(instruments=supposed.instruments))
        taxes = self._taxes
        if taxes is None or not taxes.knows(supposed.instruments):
            return None
        try:
            booked = self._booked(given, supposed)
            return None if booked is None else self._judged(given, supposed, booked, taxes, at)
        except BROKEN:
            # A rule or a book that breaks says so where everything is built anew.
            return None

    def _judged(
        self,
        given: BookFacts,
        supposed: Supposed,
        booked: _Booked,
        taxes: StandingTaxes,
        at: datetime,
    ) -> tuple[OrderCheck, ...] | None:
        instruments = supposed.instruments
        events = taxes.events(booked.entries, given)
        terms = taxes.terms_with(instruments)
        said = taxes.said(events, terms, at.date())
        ids = {one.order.order_id for one in supposed.orders}
        transactions = {fact.transaction_id: fact for fact in supposed.transactions}
        markets = Markets(given)
        found: dict[str, FoundOrder] = {}
        for portfolio_id in dict.fromkeys(one.order.portfolio_id for one in supposed.orders):
            entries = _ordered(booked.entries.get(portfolio_id, ()))
            account = self._accounts[portfolio_id]
            portfolio = given.facts.portfolios[portfolio_id]
            if not _fits(account, entries, portfolio, instruments):
                return None
            books = account.books._replace(
                transactions={**account.books.transactions, **transactions},
                market=markets.in_currency(portfolio.base_currency),
            )
            with exact():
                walk = _at_end(account, books, entries, self.valued_from)
                along = walk.along(entries, date.min, self.valued_from)
                for one in found_on(walk, along, ids):
                    found[one.judged.trade.trade_id] = with_taxes(one, books.account, said)
        trades = [one.judged.trade for one in found.values()]
        risks = taxes.risks(events, trades, terms, self.policies)
        return tuple(
            order_check(one, found.get(one.order.order_id), risks, booked.findings)
            for one in supposed.orders
        )

    def _booked(self, given: BookFacts, supposed: Supposed) -> _Booked | None:
        """Book supposed facts onto the ends of their keys; None where that is not sure."""
        facts = given.facts
        ids = [fact.transaction_id for fact in supposed.transactions]
        if len(set(ids)) < len(ids) or not self._ids.isdisjoint(ids):
            return None
        known = Known(facts.instruments, facts.rates, facts.portfolios)
        posted = post_by_id(supposed.transactions, known)
        by_key: dict[Key, list[Posting]] = defaultdict(list)
        for one in posted.values():
            for posting in one.postings:
                by_key[posting.key].append(posting)
                if (posting.on, posting.at) <= self._last:
                    return None
        if any(key not in self._keys and facts.actions.touching(*key) for key in by_key):
            # An action may still come to it, or lead to it from elsewhere.
            return None
        folding = _Folding(given, self._holdings, posted)
        folding.fold([key for key in by_key if not is_cash_account(key[1])], by_key)
        folding.fold_cash([key for key in by_key if is_cash_account(key[1])], by_key)
        return _Booked(folding.entries, folding.findings) if folding.is_sure else None


def _valued_from(at: datetime) -> date:
    """Return the first day of which an order's check values an account (``Walk.go``)."""
    return at.date() - timedelta(days=1) - FIRST_VALUED


def _fits(
    account: _Account,
    entries: Sequence[Entry],
    portfolio: Portfolio,
    instruments: Mapping[str, Instrument],
) -> bool:
    """Tell whether entries at its end change nothing of how an account was walked through.

    Whether cash is in its book, and in a cash account what is paid in later, bear on days before.
    """
    known = account.books.account
    funded = portfolio.portfolio_type == FUNDED_FROM_OUTSIDE
    if not known.keeps_cash and not funded and keeps_cash(entries, instruments):
        return False
    stated = (known, *(one for _, one in account.books.accounts))
    if all(one.type is not AccountType.CASH for one in stated):
        return True
    return account.before.cash is not None and not funded


def _account(books: Books, valued_from: date) -> _Account:
    """Walk an account to its last day and to its end, judging nothing."""
    ordered = _ordered(books.entries)
    last = ordered[-1].posting.on if ordered else date.min
    tail = [entry for entry in ordered if entry.posting.on == last]
    ids = {entry.posting.transaction_id for entry in tail}
    own = {identity: fact for identity, fact in books.transactions.items() if identity in ids}
    with exact():
        before = Walk(books)
        _pass(before, ordered[: len(ordered) - len(tail)], valued_from)
        end = before.fork(books)
        _pass(end, tail, valued_from)
    kept = books._replace(entries=tuple(tail), transactions=own)
    before.rest_on(kept)
    end.rest_on(kept)
    return _Account(kept, before, end)


def _at_end(account: _Account, books: Books, entries: Sequence[Entry], valued_from: date) -> Walk:
    """Return the account at its end; where an order is of its last day, that day is valued."""
    tail = account.books.entries
    if not tail or not entries or entries[0].posting.on > tail[-1].posting.on:
        return account.end.fork(books)
    walk = account.before.fork(books)
    _pass(walk, tail, min(valued_from, tail[-1].posting.on))
    return walk


def _pass(walk: Walk, entries: Sequence[Entry], valued_from: date) -> None:
    deque(walk.along(entries, date.max, valued_from), maxlen=0)


def _ordered(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: order_of(entry.posting))


class _Folding:
    """Postings, folded onto the ends of their keys as the whole book folds them."""

    def __init__(
        self, given: BookFacts, holdings: Mapping[Key, Holding], posted: Mapping[str, Posted]
    ) -> None:
        self.given = given
        self.holdings = holdings
        self.entries: dict[str, list[Entry]] = defaultdict(list)
        self.findings: dict[str, list[Finding]] = defaultdict(list)
        self.refused: set[str] = set()
        self.is_sure = True
        """Whether the whole book would come to the same."""
        self.settled: dict[str, Decimal] = {}
        for one in posted.values():
            for finding in one.findings:
                self._say(finding)

    def fold(self, keys: Sequence[Key], postings: Mapping[Key, Sequence[Posting]]) -> None:
        """Fold keys of securities."""
        for key in keys:
            for entry in self._folded(key, in_order(postings[key])):
                if entry.settled is not None:
                    self.settled[entry.posting.transaction_id] = entry.settled

    def fold_cash(self, keys: Sequence[Key], postings: Mapping[Key, Sequence[Posting]]) -> None:
        """Fold cash accounts: what is refused counts on none, and gains in what they came to."""
        for key in keys:
            counted = [
                settled(one, self.settled[one.transaction_id]) if one.is_settled_later else one
                for one in postings[key]
                if self._counts(one)
            ]
            before = len(self.refused)
            self._folded(key, in_order(counted))
            self.is_sure = self.is_sure and len(self.refused) == before

    def _folded(self, key: Key, postings: Sequence[Posting]) -> Sequence[Entry]:
        facts = self.given.facts
        rules = key_rules(facts.portfolios[key[0]], key[1], facts.instruments.get(key[1]))
        if rules.pool or rules.changes:
            # What others hold in the pool, or a change of the method, decides over it as well.
            self.is_sure = False
        folded = fold(self.holdings.get(key, EMPTY), postings, rules)
        self.entries[key[0]].extend(folded.entries)
        for finding in folded.findings:
            self._say(finding)
        return folded.entries

    def _counts(self, posting: Posting) -> bool:
        identity = posting.transaction_id
        if posting.leg is Leg.CASH and identity in self.refused:
            return False
        return not posting.is_settled_later or identity in self.settled

    def _say(self, finding: Finding) -> None:
        self.findings[finding.transaction_id].append(finding)
        if finding.severity is Severity.WAITING:
            self.refused.add(finding.transaction_id)
