"""The judgement: after a run has come to rest, the book is the oracle's, to the digit."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.simulation.oracle import FinalFacts, book_of
from tidebook.engine import topics
from tidebook.engine.commands import BOOK, REFERENCE
from tidebook.engine.runner.feeds import SHIPPING
from tidebook.model.actions import CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate, Transaction, TransactionType, content_hash
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.simulation.database import Database, Entered, StateRow
    from tests.simulation.simulation import Simulation


def judge(simulation: Simulation) -> None:
    """Judge a run.

    Raises:
        AssertionError: When something was lost, doubled, or came to another figure.
    """
    facts = final_facts(simulation)
    database = simulation.database
    _nothing_acknowledged_is_lost(simulation)
    _everything_is_passed_once(simulation)
    _unreadable_records_are_set_apart(simulation)
    _versions_are_those_that_were_sent(database, facts)
    must = book_of(standing(facts))
    entries = {key: _entry(entered) for key, entered in database.entries.rows.items()}
    _same("entries", entries, must.entries)
    positions = {key: _position(row) for key, row in database.states.rows.items()}
    _same("positions", positions, must.positions)
    lots = {
        key: _lots(row)
        for key, row in database.states.rows.items()
        if row.state.lots_known and key in must.lots
    }
    _same("lots", lots, {key: must.lots[key] for key in lots})
    findings = dict.fromkeys(database.findings.rows, ())
    _same("findings", findings, dict.fromkeys(must.findings, ()))
    days = {
        key: tuple(Fraction(figure) for figure in row.day[1:])
        for key, row in database.days.rows.items()
    }
    _same("days", days, must.days)


def _same(what: str, found: dict[Any, Any], must: dict[Any, Any]) -> None:
    differ = [
        f"{key}: is {found.get(key)}, must be {must.get(key)}"
        for key in sorted(found.keys() | must.keys(), key=str)
        if found.get(key) != must.get(key)
    ]
    assert differ == [], f"{what}: {differ[:3]}"


def final_facts(simulation: Simulation) -> FinalFacts:
    """Return the last version of every fact that is in the log."""
    last: dict[tuple[Any, ...], Any] = {}
    for correlation_id in simulation.committed:
        delivery = simulation.deliveries[correlation_id]
        for fact in delivery.facts:
            if not isinstance(fact, dict) and delivery.topic != topics.REPROCESSING_REQUESTED:
                last[_identity(fact)] = fact
    of = _by_kind(last)
    portfolios = {each.portfolio_id: each for each in of["portfolio"]}
    instruments = {each.security_id: each for each in of["instrument"]}
    transactions = {each.transaction_id: each for each in of["transaction"]}
    return FinalFacts(
        portfolios,
        instruments,
        of["rate"],
        of["price"],
        sorted(of["date"]),
        transactions,
        of["action"],
    )


def _identity(fact: Any) -> tuple[Any, ...]:  # noqa: ANN401, PLR0911 - any kind of fact
    """Return the kind of a fact, or of what is cancelled, and what it is known by."""
    match fact:
        case Transaction() | TransactionRef():
            return "transaction", fact.transaction_id
        case CorporateAction() | ActionRef():
            return "action", fact.action_id
        case Price() | PriceRef():
            return "price", fact.security_id, fact.on
        case Rate() | RateRef():
            return "rate", fact.source, fact.target, fact.on
        case Portfolio():
            return "portfolio", fact.portfolio_id
        case Instrument():
            return "instrument", fact.security_id
        case _:
            return "date", fact.on if isinstance(fact, BusinessDateRef) else fact


def _by_kind(last: dict[tuple[Any, ...], Any]) -> dict[str, list[Any]]:
    """Return what stands in the end by its kind; of transactions, what was cancelled too."""
    found: dict[str, list[Any]] = defaultdict(list)
    for place, fact in last.items():
        if not isinstance(fact, ActionRef | PriceRef | RateRef | BusinessDateRef):
            found[place[0]].append(fact)
    return found


def standing(facts: FinalFacts) -> FinalFacts:
    """Return facts without the transactions that were cancelled."""
    stand = {
        identity: fact
        for identity, fact in facts.transactions.items()
        if not isinstance(fact, TransactionRef)
    }
    return facts._replace(transactions=stand)


# Nothing lost, nothing doubled.


def _nothing_acknowledged_is_lost(simulation: Simulation) -> None:
    committed = simulation.committed
    assert len(set(committed)) == len(committed), "one request was taken twice"
    for client in simulation.clients:
        lost = [each for each in client.acknowledged if each not in committed]
        assert lost == [], f"acknowledged and lost: {lost}"
    records: dict[str, int] = defaultdict(int)
    for (topic, _, _), row in simulation.database.log.rows.items():
        if topic in {topics.RAW_TRANSACTIONS, *topics.REFERENCE_TOPICS}:
            records[row.correlation_id] += len(row.records)
    sent = {each: len(simulation.deliveries[each].facts) for each in committed}
    _same("records of requests", dict(records), sent)


def _everything_is_passed_once(simulation: Simulation) -> None:
    """The ranges of the audit have neither gap nor overlap, and end where the log does.

    What was shipped may have been shipped again where the bus lost something.
    """
    database, bus = simulation.database, simulation.swarm.bus
    ends: dict[Any, int] = {}
    for (consumer, topic, part, first), row in sorted(database.processed.rows.items()):
        if consumer == SHIPPING and bus is not None and bus.lost:
            continue
        assert first == ends.get((consumer, topic, part), 0), "a range was left out or repeated"
        ends[consumer, topic, part] = row.last_offset + 1
    must = {
        (BOOK if topic == topics.RAW_TRANSACTIONS else REFERENCE, topic, part): end
        for (topic, part), end in database.partitions.rows.items()
        if topic in {topics.RAW_TRANSACTIONS, *topics.REFERENCE_TOPICS}
    }
    if bus is not None and not bus.lost:
        must |= {(SHIPPING, *part): end for part, end in database.partitions.rows.items()}
    _same("offsets", ends, must)


def _unreadable_records_are_set_apart(simulation: Simulation) -> None:
    """Every record that cannot be read, and no other one, is among the dead letters once."""
    sent: list[str] = []
    for correlation_id in simulation.committed:
        delivery = simulation.deliveries[correlation_id]
        sent += [json.dumps(fact) for fact in delivery.facts if isinstance(fact, dict)]
    kept = [
        record["original_value"]
        for (topic, _, _), row in simulation.database.log.rows.items()
        if topic.endswith(".dlq")
        for record in row.records
    ]
    assert sorted(kept) == sorted(sent), f"dead letters: {kept}, unreadable: {sent}"


def _versions_are_those_that_were_sent(database: Database, facts: FinalFacts) -> None:
    versions: dict[str, list[Any]] = defaultdict(list)
    for (identity, version), row in sorted(database.facts.rows.items()):
        assert version == len(versions[identity]) + 1, f"the versions of {identity} have a gap"
        versions[identity].append(row)
    assert sorted(versions) == sorted(facts.transactions), "facts were lost or invented"
    for identity, rows in versions.items():
        last = facts.transactions[identity]
        assert rows[-1].superseded_at is None, f"{identity} has no current version"
        assert all(row.superseded_at is not None for row in rows[:-1]), f"{identity} has two"
        stored = rows[-1].fact.transaction
        if isinstance(last, TransactionRef):
            assert stored.type is TransactionType.CANCELLED, f"{identity} was not cancelled"
            last = stored
        assert stored == last, f"{identity} is not what was sent last"
        hashes = [row.fact.content_hash for row in rows]
        assert hashes[-1] == content_hash(last)
        assert all(one != other for one, other in itertools.pairwise(hashes)), (
            f"{identity} was counted as amended by itself"
        )


# What is stored, in fractions.


def _entry(entered: Entered) -> tuple[Any, ...]:
    row = entered.row
    gains = (row.realised_local, row.realised_base, row.realised_price, row.realised_currency)
    return (
        row.on,
        row.currency,
        Fraction(row.fx_rate),
        Fraction(row.amount),
        _fraction(row.flow_base),
        Fraction(row.quantity),
        Fraction(row.cost_local),
        Fraction(row.cost_base),
        None if gains == (None,) * 4 else tuple(_fraction(gain) for gain in gains),
        tuple(
            (lot, date.fromisoformat(on), *map(Fraction, figures))
            for lot, on, *figures in json.loads(row.matches or "[]")
        ),
    )


def _fraction(figure: Decimal | None) -> Fraction | None:
    return None if figure is None else Fraction(figure)


def _position(row: StateRow) -> tuple[Fraction, ...]:
    state, holding = row.state, row.state.holding
    return tuple(
        Fraction(figure)
        for figure in (
            holding.quantity,
            holding.cost_local,
            holding.cost_base,
            state.realised_local,
            state.realised_base,
        )
    )


def _lots(row: StateRow) -> tuple[Any, ...]:
    return tuple(
        (lot.lot_id, lot.opened_on, *map(Fraction, lot[2:])) for lot in row.state.holding.lots
    )
