"""Sleeves: any choice of a portfolio's keys, with the capital that went into each and came out.

Seen from one key, a purchase brings capital in at the start of the day and a sale or a dividend
takes it out at the end; seen from the cash that pays, the same amounts move the other way. What
crosses the portfolio's border does so on the key that it is booked on. So the flows of all keys
sum to those of the portfolio, and those between two keys of one sleeve to nothing: the series of
a sleeve is that of a portfolio which holds only its keys.

Units that become those of another key leave one at the value at which they close the day in the
other. A contract that is exercised ends without a flow: what it was worth shows in the underlying.
Where cash is booked by hand, a trade's capital comes from outside every key.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.cashflows import Classification, Timing
from tidebook.book.postings import EffectKind, Leg
from tidebook.book.series import DatedFlow
from tidebook.book.valuation import Held, value_position
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry
    from tidebook.book.series import Market
    from tidebook.model.instruments import Instrument


class _Moved(NamedTuple):
    """Capital into (+) or out of (-) one key."""

    security_id: str
    flow: DatedFlow


def sleeve_flows(
    entries: Iterable[Entry], instruments: Mapping[str, Instrument], market: Market
) -> Mapping[str, tuple[DatedFlow, ...]]:
    """Return the flows of each key, in base currency at the rates they were booked at.

    Args:
        entries: Every entry of one portfolio.
        instruments: What it holds, by id, for the multipliers of what is carried.
        market: Prices, rates and the base currency, for the value of what is carried.
    """
    facts: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.posting.leg not in {Leg.METHOD, Leg.POOL}:
            facts[entry.posting.transaction_id].append(entry)
    found: dict[str, list[DatedFlow]] = defaultdict(list)
    for legs in facts.values():
        moves = (
            *_across(legs),
            *_between(legs, instruments),
            *_carried(legs, instruments, market),
        )
        for moved in moves:
            if moved.flow.amount:
                found[moved.security_id].append(moved.flow)
    return {security_id: tuple(flows) for security_id, flows in found.items()}


def _across(legs: Sequence[Entry]) -> Iterable[_Moved]:
    """Yield what crossed the portfolio's border, on the key it was booked on."""
    for entry in legs:
        posting = entry.posting
        flow = posting.flow
        if flow is not None and flow.is_portfolio_flow:
            is_cost = flow.classification is Classification.EXPENSE
            dated = DatedFlow(posting.on, posting.flow_base, flow.timing, is_cost)
            yield _Moved(posting.security_id, dated)


def _between(legs: Sequence[Entry], instruments: Mapping[str, Instrument]) -> Iterable[_Moved]:
    """Yield what moved between a key and the cash that paid for it or was paid by it."""
    main = _main(legs)
    if main is None:
        return
    paid = [entry for entry in legs if entry.posting.leg is Leg.CASH]
    flow = main.posting.flow
    timing = Timing.EOD if flow is None else flow.timing
    for entry in paid:
        own = entry.posting.flow
        if own is not None and own.is_portfolio_flow:
            continue
        amount = _cash_moved(entry, main)
        on = entry.posting.on
        yield _Moved(entry.posting.security_id, DatedFlow(on, amount, timing, is_cost=False))
        yield _Moved(main.posting.security_id, DatedFlow(on, -amount, timing, is_cost=False))
    if paid or flow is None or flow.is_portfolio_flow:
        return
    instrument = instruments.get(main.posting.security_id)
    # Interest that a cash account earns or is charged by itself is its own gain.
    if flow.position_flow and not (instrument is not None and instrument.is_cash):
        same_way = flow.position_flow == flow.cash_amount
        amount = main.posting.flow_base if same_way else -main.posting.flow_base
        dated = DatedFlow(main.posting.on, amount, timing, is_cost=False)
        yield _Moved(main.posting.security_id, dated)


def _main(legs: Sequence[Entry]) -> Entry | None:
    """Return the side of a fact that cash was paid for; of an exercise it is the underlying."""
    sides = [entry for entry in legs if entry.posting.leg is not Leg.CASH]
    with_flow = (entry for entry in sides if entry.posting.flow is not None)
    return next(with_flow, sides[0] if sides else None)


def _cash_moved(entry: Entry, main: Entry) -> Decimal:
    """Return what came into a cash account: what the other side gave, whatever its rate says."""
    posting, other = entry.posting, main.posting
    if posting.flow is not None:
        return posting.flow_base
    if other.effect is not None and other.effect.on_margin:
        return main.realised_base or ZERO
    if other.flow is not None:
        return other.flow_base
    return posting.amount_base if entry.quantity > 0 else -posting.amount_base


def _carried(
    legs: Sequence[Entry], instruments: Mapping[str, Instrument], market: Market
) -> Iterable[_Moved]:
    """Yield the value of units that left one key of the portfolio for another."""
    sent = next((entry for entry in legs if _is(entry, EffectKind.CARRY)), None)
    arrived = next((entry for entry in legs if _is(entry, EffectKind.ARRIVE)), None)
    if sent is None or arrived is None or arrived.posting.flow is not None:
        return
    value = _worth(arrived, instruments.get(arrived.posting.security_id), market)
    for entry, amount in ((sent, -value), (arrived, value)):
        dated = DatedFlow(entry.posting.on, amount, Timing.EOD, is_cost=False)
        yield _Moved(entry.posting.security_id, dated)


def _is(entry: Entry, kind: EffectKind) -> bool:
    return entry.posting.effect is not None and entry.posting.effect.kind is kind


def _worth(entry: Entry, instrument: Instrument | None, market: Market) -> Decimal:
    """Return what arrived units are worth at the close of the day, or else what they cost."""
    posting = entry.posting
    held = Held(
        entry.quantity,
        entry.cost_local,
        entry.cost_base,
        posting.currency,
        ONE if instrument is None else instrument.multiplier,
        on_margin=instrument is not None and instrument.is_margined,
    )
    quote = market.prices.get(posting.security_id, NO_PRICES).as_of(posting.on)
    found = value_position(held, quote, market.rates, market.base_currency, posting.on)
    return entry.cost_base if found.value is None else found.value.counted_base
