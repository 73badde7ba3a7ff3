"""Superficial losses: what of a loss Canada denies, and where it goes.

A loss is superficial as far as the taxpayer, or a person affiliated with the taxpayer, acquires
identical property in the 61 days around the sale and still has it at their end (Income Tax Act,
section 54 "superficial loss" and 40(2)(g)(i)). What is denied is added to the adjusted cost base
of what was acquired (53(1)(f)); in a registered account it is lost. Digital assets are property
like any other.

The law denies the whole loss. By the practice of the Canada Revenue Agency it is denied for no
more units than were sold, acquired, and kept:

    denied = loss x min(sold, acquired, held at the end) / sold
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.trades import Side
from tidebook.compliance.taxes.acquired_units import AcquiredUnits, use_up
from tidebook.compliance.taxes.lot_events import Closing, Move, Opening, Owner, in_families
from tidebook.compliance.taxes.superficial_view import (
    CostBase,
    Substitute,
    SuperficialSale,
    SuperficialView,
)
from tidebook.model.money import ZERO, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import LotEvent, LotKey
    from tidebook.compliance.taxes.superficial_view import SuperficialTerms


def match_superficial(events: Iterable[LotEvent], terms: SuperficialTerms) -> SuperficialView:
    """Return the tax view under the rule; the order of the events does not matter.

    Each unit acquired, and each unit held at the end, counts for one loss, earlier losses first;
    among what was acquired, what came first. What one owner sells on one day without buying in
    between is one sale. Sales in registered accounts are left out, and so are short sales.

    Args:
        events: Lots of all accounts; the cost of a sale should be the average over the accounts
            of its owner, as the cost method AVCO_POOLED keeps it.
        terms: The accounts, and what is identical.
    """
    sales: list[SuperficialSale] = []
    bases: list[CostBase] = []
    gone = ZERO
    with exact():
        for family in in_families(events, terms.identity):
            found = _Family(family, terms)
            found.go()
            sales.extend(found.sales)
            bases.extend(found.bases())
            gone += found.gone
    sales.sort(key=lambda sale: (sale.on, sale.sale_id))
    return SuperficialView(tuple(sales), tuple(bases), gone)


class _Pool:
    """What one owner holds of one security, and what was added to its cost base."""

    __slots__ = ("added", "units")

    def __init__(self) -> None:
        self.units = ZERO
        self.added = ZERO

    def take(self, units: Decimal) -> Decimal:
        """Take units out, and return their part of what was added."""
        part = self.added if units >= self.units else share(self.added, units, self.units)
        self.units -= min(units, self.units)
        self.added -= part
        return part


class _Sold(NamedTuple):
    """A sale's parts together, before the rule."""

    closing: Closing
    units: Decimal
    proceeds: Decimal
    cost: Decimal
    added: Decimal

    @property
    def loss(self) -> Decimal:
        return self.cost + self.added - self.proceeds


class _Held:
    """Units of one security over time, in all accounts together."""

    def __init__(self, changes: Mapping[date, Decimal]) -> None:
        self._days = sorted(changes)
        self._units = [ZERO, *accumulate(changes[day] for day in self._days)]

    def at(self, on: date) -> Decimal:
        return self._units[bisect_right(self._days, on)]


class _Family:
    """The events on securities that are identical to each other."""

    def __init__(self, events: list[LotEvent], terms: SuperficialTerms) -> None:
        self.events = [event for event in events if not _is_short(event)]
        self.terms = terms
        self.sales: list[SuperficialSale] = []
        self.gone = ZERO
        self.pools: dict[tuple[str, str], _Pool] = defaultdict(_Pool)
        self.waiting: dict[LotKey, Decimal] = defaultdict(lambda: ZERO)
        """What is added to a cost base as soon as its units are acquired."""
        bought: dict[str, list[Opening]] = defaultdict(list)
        for event in self.events:
            if isinstance(event, Opening) and event.acquires:
                bought[event.lot.security_id].append(event)
        self.acquired = {name: AcquiredUnits(known) for name, known in bought.items()}
        changes: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        for event in self.events:
            for security_id, units in _changes(event):
                changes[security_id][event.on] += units
        self.held = {security_id: _Held(known) for security_id, known in changes.items()}

    def _owner(self, account_id: str) -> str:
        account = self.terms.account(account_id)
        if account.kind.is_sheltered or account.owner is Owner.CONTROLLED:
            return account_id
        return account.owner.value

    def _pool(self, lot: LotKey) -> _Pool:
        return self.pools[self._owner(lot.account_id), lot.security_id]

    def go(self) -> None:
        """Go through the events, what an owner sells in one run at once."""
        run: list[Closing] = []
        for event in self.events:
            if isinstance(event, Closing):
                if run and not self._is_same_run(run[-1], event):
                    self._sell(run)
                    run = []
                run.append(event)
                continue
            if run:
                self._sell(run)
                run = []
            if isinstance(event, Opening):
                pool = self._pool(event.lot)
                pool.units += event.shares
                pool.added += self.waiting.pop(event.lot, ZERO)
            elif not event.absorbed:
                self._move(event)
        if run:
            self._sell(run)

    def _is_same_run(self, one: Closing, other: Closing) -> bool:
        return (
            one.on == other.on
            and one.lot.security_id == other.lot.security_id
            and self._owner(one.lot.account_id) == self._owner(other.lot.account_id)
        )

    def _move(self, move: Move) -> None:
        added = self._pool(move.lot).take(move.shares)
        into = self._pool(move.into)
        into.units += move.into_shares
        if self.terms.account(move.into.account_id).kind.is_sheltered:
            self.gone += added
        else:
            into.added += added

    def _sell(self, run: list[Closing]) -> None:
        """Take what is sold in one run out of its pool, and deny what is superficial of it."""
        sold = [found for found in map(self._sold, _by_sale(run)) if found is not None]
        if self.terms.account(run[0].lot.account_id).kind.is_sheltered:
            return
        units = sum((each.units for each in sold if each.loss > ZERO), ZERO)
        losses = sum((each.loss for each in sold if each.loss > ZERO), ZERO)
        window = timedelta(days=self.terms.window_days)
        first, last = run[0].on - window, run[0].on + window
        names = self._names(run[0])
        bought = [self.acquired[name] for name in names if name in self.acquired]
        acquired = sum((known.unused(first, last) for known in bought), ZERO)
        used_up = sum((known.used(first, last) for known in bought), ZERO)
        held = sum((self.held[name].at(last) for name in names if name in self.held), ZERO)
        # What is held at the end counts for one loss; earlier ones count on some of it.
        held = max(ZERO, held - used_up)
        counted = max(ZERO, min(units, acquired, held))
        denied = share(losses, counted, units) if units else ZERO
        used = list(use_up(bought, first, last, counted))
        for each in sold:
            substitutes: tuple[Substitute, ...] = ()
            if each.loss > ZERO and counted:
                part = share(denied, each.loss, losses)
                substitutes = tuple(self._substitutes(each, used, part))
                denied -= part
                losses -= each.loss
            self.sales.append(
                SuperficialSale(
                    each.closing.transaction_id,
                    each.closing.lot.account_id,
                    each.closing.lot.security_id,
                    each.closing.on,
                    each.units,
                    each.proceeds,
                    each.cost + each.added,
                    each.added,
                    acquired,
                    held,
                    substitutes,
                    each.closing.on + window,
                )
            )

    def _sold(self, parts: list[Closing]) -> _Sold | None:
        units = sum((part.shares for part in parts), ZERO)
        added = self._pool(parts[0].lot).take(units)
        proceeds = cost = ZERO
        for part in parts:
            if part.proceeds is None or part.cost is None:
                self.gone += added
                return None
            proceeds += part.proceeds
            cost += part.cost
        return _Sold(parts[0], units, proceeds, cost, added)

    def _names(self, closing: Closing) -> frozenset[str]:
        replacing = self.terms.identity.replacing(closing.lot.security_id)
        return replacing.certain | replacing.grouped

    def _substitutes(
        self, sold: _Sold, used: list[tuple[Opening, Decimal]], denied: Decimal
    ) -> Iterator[Substitute]:
        """Divide what is denied of one sale over the units acquired, and add it to their cost."""
        left = sum((units for _, units in used), ZERO)
        for event, units in used:
            part = share(denied, units, left)
            denied -= part
            left -= units
            is_permanent = self.terms.account(event.lot.account_id).kind.is_sheltered
            if not is_permanent:
                if event.place <= sold.closing.place:
                    self._pool(event.lot).added += part
                else:
                    self.waiting[event.lot] += part
            yield Substitute(event.lot, event.on, units, part, is_permanent)

    def bases(self) -> Iterator[CostBase]:
        """Give what every owner's cost bases carry."""
        for (owner, security_id), pool in sorted(self.pools.items()):
            if pool.units or pool.added:
                yield CostBase(owner, security_id, pool.units, pool.added)


def _is_short(event: LotEvent) -> bool:
    return not isinstance(event, Move) and event.side is Side.SHORT


def _changes(event: LotEvent) -> Iterator[tuple[str, Decimal]]:
    match event:
        case Opening():
            yield event.lot.security_id, event.shares
        case Closing():
            yield event.lot.security_id, -event.shares
        case Move():
            yield event.lot.security_id, -event.shares
            if not event.absorbed:
                yield event.into.security_id, event.into_shares


def _by_sale(run: list[Closing]) -> list[list[Closing]]:
    """Return the parts of each sale of a run together, in order."""
    sales: dict[tuple[str, str], list[Closing]] = {}
    for closing in run:
        sales.setdefault((closing.lot.account_id, closing.transaction_id), []).append(closing)
    return list(sales.values())
