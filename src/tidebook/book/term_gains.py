"""Realised gains by how long was held what was disposed of.

A disposal takes parts of several lots. What it brought is theirs by their units, half even to 18
places with the remainder on the last, and each part's gain is that less the cost which left with
it; so the parts add up to the gain that was booked. A pool of average cost is one lot, as old as
the day on which it was opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.choosing import is_long_term
from tidebook.book.postings import EffectKind
from tidebook.model.money import ZERO, converted, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from tidebook.book.lots import Entry


class Gains(NamedTuple):
    """What was realised in base currency, and its parts by holding period.

    ``undated`` was realised without any lot: cash in the base currency, for instance.
    """

    realised: Decimal = ZERO
    short_term: Decimal = ZERO
    long_term: Decimal = ZERO
    undated: Decimal = ZERO


NO_GAIN = Gains()


def gains(entries: Iterable[Entry], long_term_months: int) -> Gains:
    """Return what entries realised; long term is what was held for more than so many months."""
    short = long = undated = ZERO
    with exact():
        for entry in entries:
            if not entry.realised_base:
                continue
            if not entry.matches:
                undated += entry.realised_base
                continue
            for match, gain in zip(entry.matches, _by_match(entry), strict=True):
                if is_long_term(match.opened_on, entry.posting.on, long_term_months):
                    long += gain
                else:
                    short += gain
        return Gains(short + long + undated, short, long, undated)


def _by_match(entry: Entry) -> list[Decimal]:
    """Return the gain of each matched part of a lot, in base currency."""
    if len(entry.matches) == 1:
        return [entry.realised_base or ZERO]
    if entry.settled is None or entry.posting.effect is None or _pays_for_cost(entry):
        return _parted(entry.realised_base or ZERO, _costs(entry, local=False), entry)
    # The gain of a contract held on margin is the local one at the day's rate.
    local = _parted(entry.realised_local or ZERO, _costs(entry, local=True), entry)
    gained = [converted(gain, entry.posting.fx_rate) for gain in local[:-1]]
    return [*gained, (entry.realised_base or ZERO) - sum(gained, ZERO)]


def _pays_for_cost(entry: Entry) -> bool:
    effect = entry.posting.effect
    return effect is not None and effect.kind in {EffectKind.RETURN, EffectKind.CARRY}


def _costs(entry: Entry, *, local: bool) -> list[Decimal]:
    """Return the cost that left with each match: not what stayed in its lot, or was carried."""
    effect = entry.posting.effect
    costs = [match.cost_local if local else match.cost_base for match in entry.matches]
    if effect is not None and effect.kind is EffectKind.CARRY:
        return [cost - converted(cost, effect.fraction) for cost in costs]
    stayed = {lot.lot_id: lot.cost_local if local else lot.cost_base for lot in entry.opens}
    return [
        cost - stayed.get(match.lot_id, ZERO)
        for cost, match in zip(costs, entry.matches, strict=True)
    ]


def _parted(gain: Decimal, costs: Sequence[Decimal], entry: Entry) -> list[Decimal]:
    """Return a gain in parts: what came in by units, less the cost of each."""
    units = [match.quantity for match in entry.matches]
    whole = sum(units, ZERO)
    if not whole:
        return [*[ZERO] * (len(units) - 1), gain]
    brought = gain + sum(costs, ZERO)
    parts = [share(brought, each, whole) for each in units[:-1]]
    parts.append(brought - sum(parts, ZERO))
    return [part - cost for part, cost in zip(parts, costs, strict=True)]
