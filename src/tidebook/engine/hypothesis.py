"""Facts that might be sent: what books would rest on with them, and the name of such a preview."""

from __future__ import annotations

import json
from collections import defaultdict
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.engine import records
from tidebook.model.actions import ActionTable
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    FactKind,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import TransactionType, content_hash
from tidebook.model.markets import NO_PRICES, corrected_prices, over_splits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from tidebook.engine.book_facts import BookFacts, Standing
    from tidebook.model.actions import CorporateAction
    from tidebook.model.cancellations import Cancellation
    from tidebook.model.facts import Price, Rate, Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import PriceQuotes
    from tidebook.model.portfolios import Portfolio

_PART: Final = "."
_DIGEST_BYTES: Final = 16
_STANDING_BYTES: Final = 6
_STANDINGS_TOLD_MAX: Final = 100


class Hypothesis(NamedTuple):
    """Facts as they would be sent: new ones, other content of known ones, and cancellations.

    Cancellations count after everything else, as if they were sent last. A cancelled transaction
    names its portfolio.
    """

    transactions: tuple[Transaction, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()
    actions: tuple[CorporateAction, ...] = ()
    prices: tuple[Price, ...] = ()
    rates: tuple[Rate, ...] = ()
    portfolios: tuple[Portfolio, ...] = ()
    instruments: tuple[Instrument, ...] = ()
    business_dates: tuple[date, ...] = ()

    @property
    def portfolio_ids(self) -> frozenset[str]:
        """The portfolios that are named."""
        named = {fact.portfolio_id for fact in (*self.transactions, *self.portfolios)}
        named.update(fact.to_portfolio_id for fact in self.transactions)
        named.update(action.portfolio_id for action in self.actions)
        named.update(
            each.portfolio_id for each in self.cancellations if isinstance(each, TransactionRef)
        )
        return frozenset(named - {""})

    @property
    def transaction_ids(self) -> frozenset[str]:
        """The transactions that are named; each may be booked in another portfolio as yet."""
        named = {fact.transaction_id for fact in self.transactions}
        named.update(
            each.transaction_id for each in self.cancellations if isinstance(each, TransactionRef)
        )
        return frozenset(named)

    @property
    def security_ids(self) -> frozenset[str]:
        """The securities whose holders would see a difference."""
        named = {price.security_id for price in self.prices}
        named.update(instrument.security_id for instrument in self.instruments)
        for action in self.actions:
            named.update((action.security_id, action.to_security_id))
        named.update(each.security_id for each in self.cancellations if isinstance(each, PriceRef))
        return frozenset(named - {""})

    @property
    def action_ids(self) -> frozenset[str]:
        """The corporate actions that are named."""
        named = {action.action_id for action in self.actions}
        named.update(each.action_id for each in self.cancellations if isinstance(each, ActionRef))
        return frozenset(named)

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies of the pairs whose rates are named."""
        named = {currency for rate in self.rates for currency in (rate.source, rate.target)}
        for each in self.cancellations:
            if isinstance(each, RateRef):
                named.update((each.source, each.target))
        return frozenset(named)

    @property
    def touches_all(self) -> bool:
        """Whether every portfolio's series would be looked at: the calendar is everyone's."""
        return bool(self.business_dates) or any(
            isinstance(each, BusinessDateRef) for each in self.cancellations
        )


class Novelty(StrEnum):
    """What a fact would be to the store."""

    NEW = "new"
    AMENDED = "amended"
    DUPLICATE = "duplicate"
    """The store has it with the same content: nothing would happen."""
    CANCELLED = "cancelled"
    """It is there and would be taken back; of a balance assertion it is not looked up."""
    NOT_IN_FORCE = "not-in-force"
    """A cancellation of what is not there: nothing would happen."""


class Sent(NamedTuple):
    """One fact of a hypothesis, and what it would be to the store."""

    kind: FactKind
    fact_id: str
    novelty: Novelty


def supposed(given: BookFacts, hypothesis: Hypothesis) -> BookFacts:
    """Return what books would rest on if the facts of a hypothesis were sent."""
    facts, cancelled = given.facts, _Cancelled(hypothesis.cancellations)
    transactions = {fact.transaction_id: fact for fact in facts.transactions}
    transactions.update((fact.transaction_id, fact) for fact in hypothesis.transactions)
    actions = {action.action_id: action for action in facts.actions}
    actions.update((action.action_id, action) for action in hypothesis.actions)
    rates = facts.rates
    if hypothesis.rates or cancelled.rates:
        rates = rates.corrected(_kept_rates(hypothesis.rates, cancelled.rates), cancelled.rates)
    named = {instrument.security_id: instrument for instrument in hypothesis.instruments}
    after = facts._replace(
        portfolios={
            **facts.portfolios,
            **{portfolio.portfolio_id: portfolio for portfolio in hypothesis.portfolios},
        },
        instruments={**facts.instruments, **named},
        transactions=[
            fact
            for identity, fact in transactions.items()
            if identity not in cancelled.transactions
        ],
        rates=rates,
        actions=ActionTable(
            tuple(action for key, action in actions.items() if key not in cancelled.actions)
        )
        if hypothesis.actions or cancelled.actions
        else facts.actions,
    )
    prices = _carried(
        given, _prices(given.prices, hypothesis.prices, cancelled.prices), after.actions
    )
    days = (set(given.business_dates) | set(hypothesis.business_dates)) - cancelled.dates
    return given._replace(
        facts=after,
        prices=prices,
        business_dates=tuple(sorted(days)),
        vectors={
            security_id: vector
            for security_id, vector in given.vectors.items()
            if prices.get(security_id) is given.prices.get(security_id)
        },
    )


class _Cancelled:
    """What cancellations name, by kind."""

    def __init__(self, cancellations: Iterable[Cancellation]) -> None:
        self.transactions: set[str] = set()
        self.actions: set[str] = set()
        self.prices: dict[str, set[date]] = defaultdict(set)
        self.rates: set[tuple[str, str, date]] = set()
        self.dates: set[date] = set()
        for each in cancellations:
            match each:
                case TransactionRef(transaction_id):
                    self.transactions.add(transaction_id)
                case ActionRef(action_id):
                    self.actions.add(action_id)
                case PriceRef(security_id, on):
                    self.prices[security_id].add(on)
                case RateRef(source, target, on):
                    self.rates.add((source, target, on))
                case BusinessDateRef(on):
                    self.dates.add(on)
                case AssertionRef():
                    # What others say is held is compared with the book, and is no part of it.
                    continue


def _kept_rates(rates: Iterable[Rate], cancelled: set[tuple[str, str, date]]) -> list[Rate]:
    return [rate for rate in rates if tuple(rate[:3]) not in cancelled]


def _prices(
    quoted: Mapping[str, PriceQuotes],
    given: Iterable[Price],
    cancelled: Mapping[str, set[date]],
) -> Mapping[str, PriceQuotes]:
    by_security: dict[str, list[Price]] = defaultdict(list)
    for price in given:
        if price.on not in cancelled.get(price.security_id, ()):
            by_security[price.security_id].append(price)
    changed = {
        security_id: corrected_prices(
            quoted.get(security_id, NO_PRICES),
            by_security.get(security_id, ()),
            cancelled.get(security_id, ()),
        )
        for security_id in {*by_security, *cancelled}
    }
    return {**quoted, **changed}


def _carried(
    given: BookFacts, quoted: Mapping[str, PriceQuotes], actions: ActionTable
) -> Mapping[str, PriceQuotes]:
    """Return prices carried over splits; where neither has changed they are the very same."""
    before = given.facts.actions
    return {
        security_id: quotes
        if quotes is given.prices.get(security_id)
        and actions.splits(security_id) == before.splits(security_id)
        else over_splits(quotes, actions.splits(security_id))
        for security_id, quotes in quoted.items()
    }


def novelties(given: BookFacts, hypothesis: Hypothesis) -> tuple[Sent, ...]:
    """Return what each transaction, action, price, rate and cancellation would be to the store."""
    found: list[Sent] = []
    known = {fact.transaction_id: fact for fact in given.facts.transactions}
    for fact in hypothesis.transactions:
        stored = known.get(fact.transaction_id)
        if stored is None or stored.type is TransactionType.CANCELLED:
            what = Novelty.NEW
        else:
            what = _compared(content_hash(stored) == content_hash(fact))
        found.append(Sent(FactKind.TRANSACTION, fact.transaction_id, what))
    actions = {action.action_id: action for action in given.facts.actions}
    for action in hypothesis.actions:
        before = actions.get(action.action_id)
        what = Novelty.NEW if before is None else _compared(before == action)
        found.append(Sent(FactKind.CORPORATE_ACTION, action.action_id, what))
    for price in hypothesis.prices:
        quote = given.prices.get(price.security_id, NO_PRICES).as_of(price.on)
        what = Novelty.NEW
        if quote is not None and quote.on == price.on:
            what = _compared(quote[1:3] == price[2:])
        found.append(Sent(FactKind.MARKET_PRICE, f"{price.security_id} {price.on}", what))
    for rate in hypothesis.rates:
        quoted = given.facts.rates.quoted_on(rate.source, rate.target, rate.on)
        what = Novelty.NEW if quoted is None else _compared(quoted == rate.rate)
        found.append(Sent(FactKind.FX_RATE, f"{rate.source}/{rate.target} {rate.on}", what))
    found += [_cancelled(given, each, known, actions) for each in hypothesis.cancellations]
    return tuple(found)


def _compared(same: bool) -> Novelty:  # noqa: FBT001 - the outcome of the comparison itself
    return Novelty.DUPLICATE if same else Novelty.AMENDED


def _cancelled(
    given: BookFacts,
    each: Cancellation,
    transactions: Mapping[str, Transaction],
    actions: Mapping[str, CorporateAction],
) -> Sent:
    match each:
        case TransactionRef(identity):
            stored = transactions.get(identity)
            in_force = stored is not None and stored.type is not TransactionType.CANCELLED
            sent = (FactKind.TRANSACTION, identity, in_force)
        case ActionRef(identity):
            sent = (FactKind.CORPORATE_ACTION, identity, identity in actions)
        case PriceRef(security_id, on):
            known = on in given.prices.get(security_id, NO_PRICES).days
            sent = (FactKind.MARKET_PRICE, f"{security_id} {on}", known)
        case RateRef(source, target, on):
            quoted = given.facts.rates.quoted_on(source, target, on)
            sent = (FactKind.FX_RATE, f"{source}/{target} {on}", quoted is not None)
        case BusinessDateRef(on):
            sent = (FactKind.BUSINESS_DATE, on.isoformat(), on in given.business_dates)
        case AssertionRef(identity):
            sent = (FactKind.BALANCE_ASSERTION, identity, True)
    return Sent(*sent[:2], Novelty.CANCELLED if sent[2] else Novelty.NOT_IN_FORCE)


def preview_hash(hypothesis: Hypothesis, standings: Mapping[str, Standing]) -> str:
    """Return the name of a preview: of the facts, and of where the books stood.

    It is one digest of the facts and one of each portfolio's id, generation and valuation version,
    in the order of the ids, so that a later look can tell which of them has changed; of more than
    a hundred related portfolios it is one digest of all.
    """
    return _PART.join([_facts_digest(hypothesis), *_stood(standings)])


def moved(presented: str, hypothesis: Hypothesis, standings: Mapping[str, Standing]) -> list[str]:
    """Return, in words, what is no longer as it was when a preview was made; nothing if all is."""
    facts, *stood = presented.split(_PART)
    found: list[str] = []
    if facts != _facts_digest(hypothesis):
        found.append("the facts sent are not those that were previewed")
    now = _stood(standings)
    if stood == now:
        return found
    if len(standings) <= _STANDINGS_TOLD_MAX:
        for identity, digest in zip(sorted(standings), now, strict=True):
            if digest not in stood:
                standing = standings[identity]
                found.append(
                    f"portfolio {identity} stands at generation {standing.generation} and "
                    f"valuation version {standing.valuation_version} now"
                )
    return found or ["the portfolios that belong together are not those of then, or have moved"]


def _stood(standings: Mapping[str, Standing]) -> list[str]:
    each = [_standing_digest(identity, standings[identity]) for identity in sorted(standings)]
    if len(each) <= _STANDINGS_TOLD_MAX:
        return each
    return [blake2b("".join(each).encode(), digest_size=_DIGEST_BYTES).hexdigest()]


def _standing_digest(portfolio_id: str, standing: Standing) -> str:
    text = f"{portfolio_id}\x1f{standing.generation}\x1f{standing.valuation_version}"
    return blake2b(text.encode(), digest_size=_STANDING_BYTES).hexdigest()


def _facts_digest(hypothesis: Hypothesis) -> str:
    """Return a digest that is equal for the same facts in any order, however they were written."""
    written = {
        "transactions": [records.transaction_record(fact) for fact in hypothesis.transactions],
        "actions": [records.action_record(fact) for fact in hypothesis.actions],
        "prices": [records.price_record(fact) for fact in hypothesis.prices],
        "rates": [records.rate_record(fact) for fact in hypothesis.rates],
        "portfolios": [records.portfolio_record(fact) for fact in hypothesis.portfolios],
        "instruments": [records.instrument_record(fact) for fact in hypothesis.instruments],
        "dates": [day.isoformat() for day in hypothesis.business_dates],
        "cancellations": [
            [type(each).__name__, *map(str, each)] for each in hypothesis.cancellations
        ],
    }
    text = json.dumps(
        {
            name: sorted(json.dumps(each, sort_keys=True) for each in facts)
            for name, facts in written.items()
        },
        sort_keys=True,
    )
    return blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
