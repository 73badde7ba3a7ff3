"""The steps of keys, each with what another key sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Source, SourceKind
from tidebook.book.events import CARRIES
from tidebook.book.lots import Lot
from tidebook.book.postings import Leg
from tidebook.book.trees.lots import replay
from tidebook.book.trees.steps import Brought, Exercise, Flow, Side, Step, StepRates
from tidebook.engine.explaining.rates import Used
from tidebook.model.facts import TransactionType
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from tidebook.book.postings import Posting
    from tidebook.book.trees.lots import Replayed
    from tidebook.book.trees.steps import Key
    from tidebook.engine.explaining.gathering import Gathering, PlaceKey
    from tidebook.engine.views import BookedEntry, EntryView
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio

_EXERCISES = frozenset({TransactionType.EXERCISE, TransactionType.ASSIGNMENT})


class Linked:
    """Forms the steps of keys; what one key sends another is drawn once, from the sender's lots."""

    def __init__(self, gathered: Gathering, key_of: Callable[[Portfolio, str, str], Key]) -> None:
        """Keep what was gathered, and how a key is told."""
        self._gathered = gathered
        self._key_of = key_of
        self._bare: dict[PlaceKey, list[Step]] = {}
        self._whole: dict[tuple[PlaceKey, int], list[Step]] = {}
        self._full: dict[tuple[PlaceKey, int], tuple[Replayed, Replayed]] = {}
        self._senders: dict[PlaceKey, set[PlaceKey]] = {}

    def steps(self, place: PlaceKey, count: int | None = None) -> list[Step]:
        """Return the steps of a key, or the first of them, with what was sent to each."""
        bare = self._steps(place)
        count = len(bare) if count is None else count
        if (place, count) not in self._whole:
            self._whole[place, count] = [self._with_brought(place, index) for index in range(count)]
        return self._whole[place, count]

    def _steps(self, place: PlaceKey) -> list[Step]:
        if place not in self._bare:
            booked = _in_order(self._gathered.entries.get(place, []))
            self._bare[place] = [
                self._step(place[0], one, index) for index, one in enumerate(booked)
            ]
        return self._bare[place]

    def _with_brought(self, place: PlaceKey, index: int) -> Step:
        step = self._steps(place)[index]
        arrives = step.leg is Leg.TO
        settles = step.posting is not None and step.posting.is_settled_later
        if not arrives and not settles:
            return step
        booked = _in_order(self._gathered.entries[place])[index]
        source = self._gathered.source(place[0], booked)
        if source is None:
            return step
        sender = self._gathered.entries.get(source)
        if sender is None and settles:
            return step
        main = next(
            (
                number
                for number, one in enumerate(self._steps(source))
                if one.name == (step.name[0], Leg.MAIN)
            ),
            None,
        )
        if main is None:
            return step
        trees = self._sent(source, place, main)
        local, base = (one.steps[step.name[0], Leg.MAIN] for one in trees)
        name = source[1]
        if source[0] != place[0]:
            name = f"{source[1]} of portfolio {source[0]}"
        return step._replace(brought=Brought(name, local.carried, base.carried, local.settled))

    def _sent(self, source: PlaceKey, target: PlaceKey, main: int) -> tuple[Replayed, Replayed]:
        """Return the trees of a sender, as far as they are needed.

        Where what the sender holds may have come from the key that it sends to, it is walked no
        further than the step that sends: what lies before lies before in time.
        """
        count = len(self._steps(source))
        if target in self._reached(source):
            count = main + 1
        if (source, count) not in self._full:
            steps = self.steps(source, count)
            owner = self._gathered.owner(source[0])
            key = self._key_of(owner, source[1], steps[0].currency)
            self._full[source, count] = (
                replay(key, steps, Side.LOCAL),
                replay(key, steps, Side.BASE),
            )
        return self._full[source, count]

    def _reached(self, place: PlaceKey) -> set[PlaceKey]:
        """Return the keys that anything in a key may have come from, itself included."""
        if place not in self._senders:
            found, pending = {place}, [place]
            while pending:
                current = pending.pop()
                for booked in self._gathered.entries.get(current, []):
                    if booked.entry.leg != Leg.TO:
                        continue
                    source = self._gathered.source(current[0], booked)
                    if source is not None and source not in found:
                        found.add(source)
                        pending.append(source)
            self._senders[place] = found
        return self._senders[place]

    def _step(self, portfolio_id: str, booked: BookedEntry, place: int) -> Step:
        gathered, entry, leg = self._gathered, booked.entry, Leg(booked.entry.leg)
        by_rule = leg in {Leg.METHOD, Leg.POOL}
        fact = None if by_rule else gathered.fact(booked)
        action = None if by_rule else gathered.action(booked)
        transaction = None if fact is None else fact.transaction
        postings = () if by_rule else gathered.postings(portfolio_id, booked)
        posting = _posting(postings, portfolio_id, entry)
        version = None
        if fact is not None or action is not None:
            version = fact.version if fact is not None else action and action.version
        return Step(
            transaction,
            version,
            leg,
            booked.on,
            entry.currency,
            entry.quantity,
            entry.cost_local,
            entry.cost_base,
            entry.realised_local,
            entry.realised_base,
            entry.realised_price,
            entry.realised_currency,
            entry.fx_rate,
            tuple(Lot(*match) for match in entry.matches),
            _flow(entry),
            self._rates(portfolio_id, booked, transaction),
            tuple(Lot(*lot) for lot in entry.opens),
            posting,
            None if action is None else action.action,
            booked.transaction_id,
            str(booked.type),
            place,
            self._contract(transaction),
            None,
            self._exercise(transaction, postings),
        )

    def _contract(self, transaction: Transaction | None) -> Decimal:
        if transaction is None:
            return ONE
        known = self._gathered.market().instruments.get(transaction.security_id)
        return ONE if known is None else known.multiplier

    def _exercise(
        self, transaction: Transaction | None, postings: Sequence[Posting]
    ) -> Exercise | None:
        if transaction is None or transaction.type not in _EXERCISES:
            return None
        known = self._gathered.market().instruments.get(transaction.security_id)
        arrival = next((one for one in postings if one.leg is Leg.TO), None)
        if known is None or arrival is None:
            return None
        units = arrival.quantity
        return Exercise(arrival.security_id, abs(units), known.strike, buys=units > 0)

    def _rates(
        self, portfolio_id: str, booked: BookedEntry, transaction: Transaction | None
    ) -> StepRates:
        entry, leg, on = booked.entry, Leg(booked.entry.leg), booked.on
        base = self._gathered.owner(portfolio_id).base_currency
        rates = self._gathered.rates
        if transaction is None:
            return self._action_rates(booked, base)
        fact = Source(SourceKind.TRANSACTION, transaction.transaction_id)
        trade = transaction.trade_currency
        used = market = Used(rates, base, on, fact)
        if transaction.fx_rate is not None:
            used = used._replace(recorded=transaction.fx_rate, pair=(trade, base))
        from_local = from_base = None
        at = used
        if transaction.type in CARRIES and leg is not Leg.CASH:
            at = market
        if leg is Leg.TO:
            used = market
            source = self._gathered.source(portfolio_id, booked)
            if source is not None:
                from_local = market.tree(self._currency(source), entry.currency)
                from_base = market.tree(self._gathered.owner(source[0]).base_currency, base)
        return StepRates(
            at.tree(trade, entry.currency),
            used.tree(trade, base),
            at.agreed(entry.currency, entry.fx_rate),
            from_local,
            from_base,
            used.tree(trade, transaction.currency),
        )

    def _action_rates(self, booked: BookedEntry, base: str) -> StepRates:
        entry, on = booked.entry, booked.on
        action = self._gathered.action(booked)
        rates = self._gathered.rates
        identity = booked.transaction_id if action is None else action.action.action_id
        used = Used(rates, base, on, Source(SourceKind.ACTION, identity))
        to_base = used.agreed(entry.currency, entry.fx_rate)
        if action is None:
            return StepRates(to_base=to_base)
        instruments = self._gathered.market().instruments
        acted = instruments.get(action.action.security_id)
        own = entry.currency if acted is None else acted.currency
        cash = action.action.cash_currency or own
        return StepRates(
            used.tree(cash, entry.currency),
            used.tree(cash, base),
            to_base,
            used.tree(own, entry.currency),
        )

    def _currency(self, place: PlaceKey) -> str:
        """Return the currency that a key's costs are kept in."""
        booked = self._gathered.entries.get(place, [])
        known = self._gathered.market().instruments.get(place[1])
        if known is not None:
            return known.currency
        return booked[0].entry.currency if booked else ""


def _in_order(booked: Sequence[BookedEntry]) -> list[BookedEntry]:
    """Return a key's entries as they were booked: a pool is levelled before it is taken from."""
    ordered: list[BookedEntry] = []
    for one in booked:
        place = len(ordered)
        if one.entry.leg == Leg.POOL:
            while place and ordered[place - 1].transaction_id == one.transaction_id:
                place -= 1
        ordered.insert(place, one)
    return ordered


def _posting(postings: Sequence[Posting], portfolio_id: str, entry: EntryView) -> Posting | None:
    wanted = (portfolio_id, entry.security_id, entry.leg)
    return next(
        (one for one in postings if (one.portfolio_id, one.security_id, one.leg) == wanted), None
    )


def _flow(entry: EntryView) -> Flow | None:
    if (
        entry.classification is None
        or entry.timing is None
        or entry.cash_amount is None
        or entry.position_flow is None
    ):
        return None
    return Flow(
        entry.classification,
        entry.timing,
        bool(entry.is_portfolio_flow),
        entry.cash_amount,
        entry.position_flow,
    )
