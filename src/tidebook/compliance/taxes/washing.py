"""Wash sales: which losses wait, in which shares, and which are lost.

A loss does not count as far as substantially identical shares are acquired within 30 days before
or after the sale (Internal Revenue Code 1091; Treas. Reg. 1.1091-1 and -2). Losses are taken in
the order of the sales, sold shares in the order in which they were acquired, and replacements in
the order in which they are; each share replaces one other. The loss is added to the basis of the
replacement, whose holding period grows by that of the share sold (1223(3)); in a retirement
account it is lost (Rev. Rul. 2008-5). The rest of the block that was sold from does not replace
it (Rev. Rul. 56-602), nor does what had left before, or leaves together with it.

What is sold on one day without an acquisition in between is one sale, so that the fills of an
order are what the order would have been.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from datetime import date, timedelta
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.trades import Side
from tidebook.compliance.taxes.held_lots import Fragment, HeldLot, held_since, scaled
from tidebook.compliance.taxes.identity import Confidence
from tidebook.compliance.taxes.lot_events import (
    Closing,
    Move,
    Opening,
    Owner,
    in_families,
    place_of,
)
from tidebook.compliance.taxes.tax_view import Replacement, TaxSale, TaxView
from tidebook.model.money import ZERO, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from decimal import Decimal

    from tidebook.book.postings import Order
    from tidebook.compliance.taxes.identity import Replacing
    from tidebook.compliance.taxes.lot_events import LotEvent, LotKey
    from tidebook.compliance.taxes.wash_terms import WashTerms

SHORT_AND_SALE = (
    "identical stock was sold within the window of this cover (1091(e)(1)), and the law does not "
    "say where the loss would go: it is left as it is"
)


def match_washes(events: Iterable[LotEvent], terms: WashTerms) -> TaxView:
    """Return the tax view of a household: every sale by what counts of it, and what lots carry.

    The order of the events does not matter. Sales in sheltered accounts are not taxed and are
    left out; purchases there do replace.

    Args:
        events: What happened to the lots of all accounts of the household, at all brokers.
        terms: Its accounts and securities, and the parameters of the rule.
    """
    with exact():
        families = _gone_through(events, terms)
        lots = [lot for family in families for lot in family.lots.values()]
        lots.sort(key=lambda lot: (lot.opening.place, lot.key))
        adjusted = tuple(chain.from_iterable(lot.adjustments() for lot in lots))
        gone = sum((family.gone for family in families), ZERO)
        return TaxView(_sales_of(families), adjusted, gone)


def washed_sales(events: Iterable[LotEvent], terms: WashTerms) -> tuple[TaxSale, ...]:
    """Return the sales of :func:`match_washes` without what lots carry."""
    with exact():
        return _sales_of(_gone_through(events, terms))


def _gone_through(events: Iterable[LotEvent], terms: WashTerms) -> list[Family]:
    families = [Family(own, terms) for own in in_families(events, terms.identity)]
    for family in families:
        family.go()
    return families


def _sales_of(families: Iterable[Family]) -> tuple[TaxSale, ...]:
    found = sorted((sale for family in families for sale in family.sales), key=itemgetter(0))
    return tuple(sale for _, sale in found)


class _Piece(NamedTuple):
    """Shares that leave in one sale from one fragment of a lot."""

    closing: Closing
    acquired: Order | None
    block: str
    fragment: Fragment
    proceeds: Decimal
    cost: Decimal

    @property
    def amounts(self) -> tuple[Decimal, Decimal]:
        """Proceeds and basis for tax, with what its shares carry."""
        if self.closing.side is Side.SHORT:
            return self.proceeds - self.fragment.amount, self.cost
        return self.proceeds, self.cost + self.fragment.amount


class _Losing(NamedTuple):
    """A sale of which a loss is left that a purchase to come could still take up."""

    place: Order
    piece: _Piece
    sale: TaxSale
    left: Decimal
    loss: Decimal


class _Replaced(NamedTuple):
    """What took up a loss, and the shares and the loss that are left."""

    by: tuple[Replacement, ...]
    left: Decimal
    loss: Decimal


class _Pool:
    """Lots that could replace a security, in the order in which they were acquired."""

    def __init__(self, lots: list[HeldLot]) -> None:
        self.lots = lots
        self.days = [lot.opening.on for lot in lots]
        self._next = list(range(len(lots) + 1))
        """From each place, where to look on: spent lots are stepped over but once."""

    def between(self, first: date, last: date) -> Iterator[HeldLot]:
        """Give the lots acquired in a period that can still replace something."""
        place = self._unspent(bisect_left(self.days, first))
        while place < len(self.lots) and self.days[place] <= last:
            yield self.lots[place]
            place = self._unspent(place + 1)

    def all_between(self, first: date, last: date) -> list[HeldLot]:
        """Return all lots acquired in a period."""
        return self.lots[bisect_left(self.days, first) : bisect_right(self.days, last)]

    def _unspent(self, place: int) -> int:
        passed: list[int] = []
        while True:
            if self._next[place] != place:
                passed.append(place)
                place = self._next[place]
            elif place < len(self.lots) and self.lots[place].is_spent:
                passed.append(place)
                self._next[place] = place + 1
            else:
                break
        for each in passed:
            self._next[each] = place
        return place


class Family:
    """One household's events on securities that could replace each other.

    It is either gone through to its end, or stands before what is sold last and says again and
    again what events to come would change.
    """

    def __init__(self, events: list[LotEvent], terms: WashTerms) -> None:
        """Keep events, given in the order of time; nothing is sold yet."""
        self.events = events
        self.terms = terms
        self.window = timedelta(days=terms.window_days)
        self._losing: list[_Losing] = []
        self._run: list[Closing] = []
        self.sales: list[tuple[Order, TaxSale]] = []
        self.gone = ZERO
        self.lots: dict[LotKey, HeldLot] = {}
        self._open_lots()
        self._by_security: dict[tuple[Side, str], list[HeldLot]] = defaultdict(list)
        for lot in self.lots.values():
            if lot.opening.acquires:
                self._by_security[lot.opening.side, lot.key.security_id].append(lot)
        self._pools: dict[tuple[Side, str], _Pool] = {}
        self._shared_pools: dict[tuple[Side, frozenset[str]], _Pool] = {}
        self.acquired_on: tuple[date, ...] = ()
        """The days of late on which something was acquired, where it stands."""
        self._replacing: dict[str, Replacing] = {}
        self._long_sales = sorted(
            event.on for event in events if isinstance(event, Closing) and event.side is Side.LONG
        )

    def _open_lots(self) -> None:
        """Set up every lot, also those to which shares will come by a move."""
        for event in self.events:
            if isinstance(event, Opening):
                self.lots[event.lot] = HeldLot(event.lot, event, event.shares)
        for event in self.events:
            if not isinstance(event, Move) or event.absorbed:
                continue
            source = self.lots.get(event.lot)
            if source is None:
                continue
            if event.into not in self.lots:
                self.lots[event.into] = HeldLot(event.into, source.opening, ZERO)
            self.lots[event.into].awaited += 1

    def go(self) -> None:
        """Go through the events in their order, what is sold in one run at once."""
        self._along(self.events)
        self._end_run()

    def stand(self) -> None:
        """Go through the events up to what is sold last, and forget what lies too far back."""
        self._along(self.events)
        since = self.events[-1].on - self.window if self.events else date.min
        self.acquired_on = tuple(
            event.on
            for event in self.events
            if isinstance(event, Opening) and event.acquires and event.on >= since
        )
        self._losing = [one for one in self._losing if one.piece.closing.on >= since]
        for name, lots in self._by_security.items():
            self._by_security[name] = [
                lot for lot in lots if lot.opening.on >= since and not lot.is_spent
            ]
        self._long_sales = [on for on in self._long_sales if on >= since]
        for lot in self.lots.values():
            lot.rest()
        self.events, self.sales = [], []
        self._pools, self._shared_pools = {}, {}

    def after(self, events: Iterable[LotEvent], terms: WashTerms) -> list[tuple[Order, TaxSale]]:
        """Return what sales come to after events that come later than all that it stands on.

        Of earlier sales there are those whose loss a purchase to come could take up; in the order
        of time. Nothing here changes.

        Args:
            events: Openings and closings, in any order.
            terms: Those that it stands on, which may know of more securities.
        """
        ordered = sorted(events, key=place_of)
        with exact():
            other = self._fork(Family(ordered, terms))
            other.go()
        return sorted(other.sales, key=lambda sale: sale[0])

    def clean_parts(
        self, events: Iterable[LotEvent], sale: Sequence[Closing], terms: WashTerms
    ) -> Iterator[bool | None]:
        """Tell of the parts of a sale, one after the other, whether each would be clean.

        A part is sold with those before it, of which none has been replaced, and without those
        after it. None is told where that rests on what earlier sales of the same run take. It is
        asked inside an exact context.

        Args:
            events: What comes before the sale, and later than all that this stands on.
            sale: The parts, which come after all others.
            terms: Those that it stands on, which may know of more securities.
        """
        other = self._fork(Family(sorted([*events, *sale], key=place_of), terms))
        return other.clean_parts_of(sale)

    def clean_parts_of(self, sale: Sequence[Closing]) -> Iterator[bool | None]:
        """Tell what :meth:`clean_parts` does, of a sale that is the last of the own events."""
        self._along(self.events)
        identity, on = sale[0].transaction_id, sale[0].on
        earlier = [one for one in self._run if one.transaction_id != identity]
        pieces = [piece for one in earlier for piece in self._pieces(one)]
        taken_at_most = sum((one.fragment.shares for one in pieces if self._is_reached(one)), ZERO)
        near = self._pool(sale[0]).all_between(on - self.window, on + self.window)
        own = {lot.key for lot in near}
        free, by_block = ZERO, defaultdict[str, "Decimal"](lambda: ZERO)
        for lot in near:
            free += lot.shares_left
            by_block[lot.block] += lot.shares_left
        for part in sale:
            lot = self.lots.get(part.lot)
            before = ZERO if lot is None else lot.shares_left
            reached = [one for one in self._pieces(part) if self._is_reached(one)]
            if lot is not None and lot.key in own:
                free -= before - lot.shares_left
                by_block[lot.block] -= before - lot.shares_left
            there = free
            if reached and self.terms.excludes_block:
                there -= by_block[reached[0].block]
            if not reached or there <= ZERO:
                yield True
            else:
                yield False if there > taken_at_most else None

    def _is_reached(self, piece: _Piece) -> bool:
        """Tell whether shares were sold at a loss that the rule can reach."""
        lot, (proceeds, basis) = piece.closing.lot, piece.amounts
        return (
            basis > proceeds
            and not self.terms.account(lot.account_id).kind.is_sheltered
            and self.terms.exemption(lot.account_id, lot.security_id, piece.closing.on) is None
        )

    def _fork(self, other: Family) -> Family:
        """Let a family of events to come stand where this one does, and return it."""
        new = list(other.lots.values())
        closings = [event for event in other.events if isinstance(event, Closing)]
        touched = {closing.lot for closing in (*self._run, *closings)}
        near = {lot.key for lots in self._by_security.values() for lot in lots}
        for key in touched | near:
            if key in self.lots:
                other.lots[key] = self.lots[key].fork()
        for name, lots in self._by_security.items():
            other._by_security[name] = [
                *(other.lots[lot.key] for lot in lots),
                *other._by_security.get(name, ()),
            ]
        other._long_sales = sorted([*self._long_sales, *other._long_sales])
        other._run = list(self._run)
        for losing in self._losing:
            closing = losing.piece.closing
            replacing = other._replacing_of(closing.lot.security_id)
            names = replacing.certain | replacing.grouped
            lots = [
                lot
                for lot in new
                if lot.opening.acquires
                and lot.opening.side is closing.side
                and lot.key.security_id in names
                and lot.opening.on <= closing.on + self.window
            ]
            found = other._fill(losing.piece, losing.left, losing.loss, lots)
            sale = losing.sale
            if found.by:
                sale = sale._replace(replacements=(*sale.replacements, *found.by))
            other.sales.append((losing.place, sale))
        return other

    def _along(self, events: Iterable[LotEvent]) -> None:
        """Go through events; what is sold in one run waits for its end."""
        for event in events:
            if isinstance(event, Closing):
                if self._run and self._run[0].on != event.on:
                    self._end_run()
                self._run.append(event)
                continue
            self._end_run()
            if isinstance(event, Move):
                self._move(event)

    def _end_run(self) -> None:
        run, self._run = self._run, []
        if run:
            self._sell(run)

    def _move(self, move: Move) -> None:
        source, into = self.lots.get(move.lot), self.lots.get(move.into)
        fragments = [] if source is None else source.take(move.shares)
        if move.absorbed:
            if into is None:
                self.gone += sum((fragment.amount for fragment in fragments), ZERO)
            else:
                self.gone += into.absorb(fragments)
            return
        if into is not None:
            into.receive(scaled(fragments, move.shares, move.into_shares))
            into.awaited -= 1

    def _sell(self, run: list[Closing]) -> None:
        pieces: list[_Piece] = []
        for closing in run:
            pieces.extend(self._pieces(closing))
        pieces.sort(key=lambda piece: piece.acquired or piece.closing.place)
        for piece in pieces:
            if not self.terms.account(piece.closing.lot.account_id).kind.is_sheltered:
                self.sales.append((piece.closing.place, self._sale(piece)))

    def _pieces(self, closing: Closing) -> Iterator[_Piece]:
        """Take the shares out of their lot; the last piece takes what rounding leaves."""
        lot = self.lots.get(closing.lot)
        fragments = [Fragment(closing.shares)] if lot is None else lot.take(closing.shares)
        if closing.proceeds is None or closing.cost is None:
            self.gone += sum((fragment.amount for fragment in fragments), ZERO)
            return
        proceeds, cost, shares = closing.proceeds, closing.cost, closing.shares
        for fragment in fragments:
            part_proceeds = share(proceeds, fragment.shares, shares)
            part_cost = share(cost, fragment.shares, shares)
            yield _Piece(
                closing,
                None if lot is None else lot.opening.place,
                closing.lot.lot_id if lot is None else lot.block,
                fragment,
                part_proceeds,
                part_cost,
            )
            proceeds -= part_proceeds
            cost -= part_cost
            shares -= fragment.shares

    def _sale(self, piece: _Piece) -> TaxSale:
        closing, fragment = piece.closing, piece.fragment
        proceeds, basis = piece.amounts
        loss = basis - proceeds
        exempt, doubt = None, ""
        found = _Replaced((), ZERO, ZERO)
        if loss > ZERO:
            exempt = self.terms.exemption(*closing.lot[:2], closing.on)
            if exempt is None:
                found = self._replace(piece, loss)
                doubt = self._doubt(closing)
        sale = TaxSale(
            closing.transaction_id,
            closing.lot,
            closing.side,
            closing.lot_opened_on,
            held_since(closing.lot_opened_on, fragment.tacked_days),
            closing.on,
            fragment.shares,
            share(closing.quantity, fragment.shares, closing.shares),
            proceeds,
            basis,
            fragment.amount,
            found.by,
            closing.on + self.window,
            exempt or "",
            doubt,
        )
        if found.left > ZERO:
            self._losing.append(_Losing(closing.place, piece, sale, found.left, found.loss))
        return sale

    def _doubt(self, closing: Closing) -> str:
        if closing.side is Side.LONG:
            return ""
        place = bisect_left(self._long_sales, closing.on - self.window)
        last = closing.on + self.window
        is_near = place < len(self._long_sales) and self._long_sales[place] <= last
        return SHORT_AND_SALE if is_near else ""

    def _replace(self, piece: _Piece, loss: Decimal) -> _Replaced:
        """Let shares of the window take up a loss, share by share, until none of either is left."""
        on = piece.closing.on
        pool = self._pool(piece.closing)
        lots = pool.between(on - self.window, on + self.window)
        return self._fill(piece, piece.fragment.shares, loss, lots)

    def _fill(
        self, piece: _Piece, left: Decimal, loss: Decimal, lots: Iterable[HeldLot]
    ) -> _Replaced:
        """Let shares of lots, given in the order in which they were acquired, take up a loss."""
        closing = piece.closing
        tacked = 0
        if closing.side is Side.LONG:
            tacked = (closing.on - closing.lot_opened_on).days + piece.fragment.tacked_days
        found: list[Replacement] = []
        block = piece.block if self.terms.excludes_block else None
        for lot in lots:
            if lot.block == block:
                continue
            shares = min(left, lot.shares_left)
            if shares <= ZERO:
                continue
            amount = share(loss, shares, left)
            account = self.terms.account(lot.key.account_id)
            is_permanent = account.kind.is_sheltered
            lot.use(shares, *((ZERO, 0) if is_permanent else (amount, tacked)))
            confidence = self._replacing_of(closing.lot.security_id).confidence(lot.key.security_id)
            if account.owner is not Owner.SELF:
                confidence = Confidence.MEDIUM
            found.append(
                Replacement(lot.key, lot.opening.on, shares, amount, is_permanent, confidence)
            )
            left -= shares
            loss -= amount
            if left <= ZERO:
                break
        return _Replaced(tuple(found), left, loss)

    def _replacing_of(self, security_id: str) -> Replacing:
        """Return by what a security can be replaced, and how sure each is."""
        replacing = self._replacing.get(security_id)
        if replacing is None:
            replacing = self._replacing[security_id] = self.terms.identity.replacing(security_id)
        return replacing

    def _pool(self, closing: Closing) -> _Pool:
        """Return the lots that could replace what is sold."""
        key = (closing.side, closing.lot.security_id)
        pool = self._pools.get(key)
        if pool is None:
            replacing = self._replacing_of(closing.lot.security_id)
            names = replacing.certain | replacing.grouped
            common = (closing.side, names)
            pool = self._shared_pools.get(common)
            if pool is None:
                lots = [lot for name in names for lot in self._by_security[closing.side, name]]
                lots.sort(key=lambda lot: (lot.opening.place, lot.key))
                pool = self._shared_pools[common] = _Pool(lots)
            self._pools[key] = pool
        return pool
