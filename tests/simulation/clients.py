"""Clients: they send facts in whatever order, again, too late and too early, until it is taken."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tests.fixtures.engine_book import topic_of
from tests.simulation.scheduler import Ended
from tests.simulation.swarm import Fault
from tidebook.engine import topics
from tidebook.errors import FencedError, StoreUnavailableError
from tidebook.model.actions import CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.simulation.processes import Process
    from tests.simulation.simulation import Simulation
    from tidebook.engine.ports import Receipt
    from tidebook.engine.records import Record

Answer = TypeVar("Answer")
_RESTS = (Portfolio, Instrument, CorporateAction, Rate)
_CANCELS = (TransactionRef, ActionRef, PriceRef, RateRef, BusinessDateRef)


class Delivery(NamedTuple):
    """One attempt to hand facts over."""

    topic: str
    facts: tuple[Any, ...]
    """The facts; ids where folding again was asked for; raw records where they are unreadable."""


class _History:
    """The versions of one fact, and how many of them were taken."""

    def __init__(self, versions: Sequence[Any]) -> None:
        self.versions = list(versions)
        self.topic = topic_of(versions[0])
        self.taken = 0
        self.receipt: Receipt | None = None
        owners = {getattr(version, "portfolio_id", "") for version in versions}
        self.moves = self.topic == topics.RAW_TRANSACTIONS and len(owners) > 1
        """Whether versions travel on different partitions, which have no order among them."""

    @property
    def left(self) -> bool:
        return self.taken < len(self.versions)

    @property
    def next(self) -> Any:  # noqa: ANN401 - any kind of fact
        return self.versions[self.taken]

    @property
    def last(self) -> Any:  # noqa: ANN401 - any kind of fact
        return self.versions[self.taken - 1]


class Client:
    """One sender, who knows only what was acknowledged.

    Args:
        simulation: Where it runs.
        name: Its name, and the beginning of its correlation ids.
        histories: The versions of the facts that it sends, each in their order.
    """

    def __init__(
        self, simulation: Simulation, name: str, histories: Sequence[Sequence[Any]]
    ) -> None:
        """Have everything still to send."""
        self.simulation = simulation
        self.name = name
        self.done = False
        self.has_introduced = False
        """Whether it has sent all that others rest on."""
        self.acknowledged: list[str] = []
        """Correlation ids of the deliveries that were taken for certain."""
        self._random = simulation.client_random
        self._histories = [_History(versions) for versions in histories]
        self._attempts = 0
        self._by_day = False
        self._last_day: dict[tuple[object, ...], date] = {}

    def run(self) -> None:
        """Send everything, and some of it more than once."""
        if self.simulation.swarm.ordered:
            self._send_what_others_rest_on()
        while any(history.left for history in self._histories):
            self._send_some([history for history in self._histories if history.left])
            self._misbehave()
            pause = self._random.random() * self.simulation.swarm.think_seconds
            self.simulation.scheduler.sleep(pause)
        self.done = True

    def _send_what_others_rest_on(self) -> None:
        rests = _RESTS if self.simulation.swarm.rates_first else _RESTS[:-1]
        while True:
            resting = [
                each for each in self._histories if each.left and isinstance(each.next, rests)
            ]
            if not resting:
                break
            self._send_some(resting)
        self.has_introduced = True
        while not self.simulation.references_are_taken():
            self.simulation.scheduler.sleep(0.2)
        if self.simulation.swarm.by_day:
            self._by_day = True
            self._histories.sort(key=lambda each: str(_day_of(each.versions[0])))

    def _send_some(self, histories: Sequence[_History]) -> None:
        """Send a batch of one topic: some versions of some histories, each in their order."""
        ordered = self._by_day
        first = histories[0] if ordered else self._random.choice(histories)
        topic, cancels = first.topic, isinstance(first.next, _CANCELS)
        fitting = [history for history in histories if history.topic == topic]
        batch: list[Any] = []
        sent: list[_History] = []
        for _ in range(self._random.choice((1, 1, 2, 4, 12))):
            open_ones = [
                each
                for each in fitting
                if each.left
                and isinstance(each.next, _CANCELS) is cancels
                and not (each.moves and each in sent)
            ]
            if not open_ones:
                break
            history = open_ones[0] if ordered else self._random.choice(open_ones)
            if history.moves and history.taken:
                self._settle(history)
            batch.append(history.next)
            sent.append(history)
            history.taken += 1
        receipt = self._deliver(topic, batch)
        for history in sent:
            history.receipt = receipt
        self._count_out_of_order(batch)

    def _settle(self, history: _History) -> None:
        """Wait until the version before is booked: the next one may overtake it."""
        receipt = history.receipt
        while receipt is not None:
            process = self._process()
            try:
                if self._at(process, partial(process.commands.wait, receipt, timeout_seconds=2.0)):
                    self._is_booked(history)
                    return
            except (StoreUnavailableError, FencedError, _ResetError):
                self.simulation.scheduler.sleep(0.1)

    def _is_booked(self, history: _History) -> None:
        """Whoever was told that it is booked finds it in the book."""
        identity = history.versions[0].transaction_id
        facts = self.simulation.database.facts
        known = [facts.rows[key] for key in facts.indexes["current"].get(identity, ())]
        if [_as_sent(row.fact.transaction) for row in known] != [history.last]:
            error = AssertionError(f"{identity} was said to be booked, and is not")
            self.simulation.scheduler.fail(error)
            raise Ended from error

    def _deliver(self, topic: str, facts: Sequence[Any]) -> Receipt:
        """Send until it is acknowledged; what was taken before is taken again."""
        while True:
            process = self._process()
            self._attempts += 1
            correlation_id = f"{self.name}-{self._attempts}"
            self.simulation.deliveries[correlation_id] = Delivery(topic, tuple(facts))
            try:
                receipt = self._at(process, partial(_send, process, topic, facts, correlation_id))
            except (StoreUnavailableError, FencedError, _ResetError):
                self.simulation.scheduler.sleep(self._random.random())
                continue
            self.acknowledged.append(correlation_id)
            return receipt

    def _process(self) -> Process:
        """Return a process that takes requests, waiting for one if none does."""
        while not self.simulation.at_work():
            self.simulation.scheduler.sleep(0.2)
        return self._random.choice(self.simulation.at_work())

    def _at(self, process: Process, request: Callable[[], Answer]) -> Answer:
        """Have a request served in a process; when it dies, so does the connection."""
        me = self.simulation.scheduler.me
        me.group = process
        try:
            return request()
        except Ended:
            if self.simulation.scheduler.ended:
                raise
            raise _ResetError from None
        finally:
            me.group = None

    # What a sender should not do, and does.

    def _misbehave(self) -> None:
        swarm, tally = self.simulation.swarm, self.simulation.tally
        taken = [each for each in self._histories if each.taken]
        if not taken:
            return
        history = self._random.choice(taken)
        if self._random.random() < swarm.sent_again:
            cancels = isinstance(history.last, _CANCELS)
            same = [
                each
                for each in taken
                if each.topic == history.topic and isinstance(each.last, _CANCELS) is cancels
            ]
            again = self._random.sample(same, min(len(same), self._random.choice((1, 2, 5))))
            receipt = self._deliver(history.topic, [each.last for each in again])
            for each in again:
                each.receipt = receipt
            tally.count(Fault.SENT_AGAIN, len(again))
        if self._random.random() < swarm.sent_old and history.taken > 1 and not history.moves:
            old = self._random.choice(history.versions[: history.taken - 1])
            self._deliver(history.topic, [old])
            tally.count(Fault.SENT_OLD)
        if self._random.random() < swarm.unreadable:
            self._send_unreadable()
        if self._random.random() < swarm.reprocessed:
            ids = [f"T{self._random.randint(0, 18):02}" for _ in range(self._random.randint(1, 3))]
            self._deliver(topics.REPROCESSING_REQUESTED, ids)
            tally.count(Fault.REPROCESSED)

    def _send_unreadable(self) -> None:
        topic = self._random.choice((topics.RAW_TRANSACTIONS, *topics.REFERENCE_TOPICS))
        record: Record = {"unreadable": f"{self.name} {self._attempts}"}
        self._deliver(topic, [record])
        self.simulation.tally.count(Fault.UNREADABLE)

    def _count_out_of_order(self, batch: Sequence[Any]) -> None:
        """Count the facts of a batch that come before one which was sent before them."""
        known = {each.versions[0] for each in self._histories if each.taken}
        late = 0
        for fact in batch:
            key, day = _place(fact), _day_of(fact)
            last = self._last_day.get(key, day)
            late += day < last
            self._last_day[key] = max(day, last)
            if isinstance(fact, _RESTS):
                late += any(isinstance(each, Transaction) for each in known)
        self.simulation.tally.count(Fault.OUT_OF_ORDER, late)


class _ResetError(Exception):
    """The process that served a request has ended."""


def _send(process: Process, topic: str, facts: Sequence[Any], correlation_id: str) -> Receipt:
    commands = process.commands
    if facts and isinstance(facts[0], dict):
        return commands._append(topic, [("nobody", fact) for fact in facts], correlation_id)
    if facts and isinstance(facts[0], _CANCELS):
        return commands.cancel(facts, correlation_id)
    takes: dict[str, Any] = {
        topics.RAW_PORTFOLIOS: commands.ingest_portfolios,
        topics.RAW_INSTRUMENTS: commands.ingest_instruments,
        topics.RAW_TRANSACTIONS: commands.ingest_transactions,
        topics.RAW_MARKET_PRICES: commands.ingest_prices,
        topics.RAW_FX_RATES: commands.ingest_rates,
        topics.RAW_BUSINESS_DATES: commands.ingest_business_dates,
        topics.RAW_CORPORATE_ACTIONS: commands.ingest_actions,
        topics.REPROCESSING_REQUESTED: commands.reprocess,
    }
    receipt: Receipt = takes[topic](facts, correlation_id)
    return receipt


def _as_sent(fact: Transaction) -> Transaction | TransactionRef:
    """Return what a client sent for a stored transaction to be so."""
    if fact.type is TransactionType.CANCELLED:
        return TransactionRef(fact.transaction_id, fact.portfolio_id)
    return fact


def _place(fact: Any) -> tuple[object, ...]:  # noqa: ANN401 - any kind of fact
    """Return inside what a fact has an order."""
    if isinstance(fact, Transaction):
        return ("key", fact.portfolio_id, fact.security_id)
    if isinstance(fact, Price):
        return ("price", fact.security_id)
    if isinstance(fact, Rate):
        return ("rate", fact.source, fact.target)
    return (type(fact).__name__,)


def _day_of(fact: Any) -> date:  # noqa: ANN401 - any kind of fact
    """Return the day of a fact; one that holds on all days has the first."""
    if isinstance(fact, Transaction):
        return fact.trade_date or (fact.traded_at.date() if fact.traded_at else date.min)
    if isinstance(fact, Price | Rate):
        return fact.on
    if isinstance(fact, CorporateAction):
        return fact.ex_date
    return fact if type(fact) is date else date.min
