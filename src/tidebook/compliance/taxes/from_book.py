"""From books to the lots of a household: what tax rules are told of the entries of its keys.

The book's own matching decides which lots a sale takes, whatever the cost method; average cost
takes the units of its pool in the order in which they came (Treas. Reg. 1.1012-1(e)(7)).
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.effects import spread
from tidebook.book.lots import DUST
from tidebook.book.postings import EffectKind, Leg
from tidebook.book.trades import Side
from tidebook.compliance.taxes.lot_events import (
    Closing,
    History,
    LotCost,
    LotKey,
    Move,
    Opening,
)
from tidebook.compliance.taxes.todays_shares import TodaysShares
from tidebook.model.actions import ActionTable, ActionType
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ONE, ZERO, exact, share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Folded, Lot
    from tidebook.book.postings import Posting
    from tidebook.compliance.taxes.identity import Identity
    from tidebook.compliance.taxes.lot_events import LotEvent
    from tidebook.model.instruments import Instrument
    from tidebook.model.portfolios import Portfolio

_BROUGHT_IN: Final = frozenset(
    {
        TransactionType.TRANSFER_IN,
        TransactionType.TRANSFER_IN_KIND,
        TransactionType.CONVERSION,
        *ActionType,
    }
)
"""What opens lots without being a purchase or a taxable exchange."""
_STAYS: Final = frozenset({EffectKind.SPLIT, EffectKind.RETURN, EffectKind.MARK})
"""Effects after which the same units are held, as tax rules count them."""

Key = tuple[str, str]
_Amounts = tuple["Decimal", "Decimal"]


class Household(NamedTuple):
    """The portfolios of a household as its books know them; each is an account.

    ``currency`` is the one in which it is taxed. ``orders`` names the order of a fill, by the id
    of the transaction; fills of one order are one block.
    """

    portfolios: Mapping[str, Portfolio]
    instruments: Mapping[str, Instrument]
    actions: ActionTable = ActionTable()
    currency: str = "USD"
    orders: Mapping[str, str] = {}


class _Piece(NamedTuple):
    """Units of a lot that were acquired together: a lot itself, or a part of a pool."""

    lot_id: str
    opened_on: date
    shares: Decimal


def household_history(keys: Mapping[Key, Folded], household: Household) -> History:
    """Return what happened to the lots of a household's portfolios.

    Shares are those of today: quantities are restated for later splits, and options count as the
    shares that they are for. Amounts are in base currency. Cash is no lot here; what is held on
    margin, and portfolios in another currency, are left out and named.

    Args:
        keys: What each key of the household's portfolios came to; other keys are not looked at.
        household: Its portfolios, and what is known of what they hold.
    """
    return HouseholdReading(keys, household).history(keys)


def keys_of_sales(keys: Mapping[Key, Folded], identity: Identity) -> dict[Key, Folded]:
    """Return the keys of securities that were sold, and of all that could replace them.

    In all others nothing has left or moved: they hold no sale, and change none.
    """
    moved = {
        identity.family(security_id)
        for (_, security_id), folded in keys.items()
        if any(entry.matches or entry.posting.effect is not None for entry in folded.entries)
    }
    return {key: folded for key, folded in keys.items() if identity.family(key[1]) in moved}


class HouseholdReading:
    """The lots of a household as its books tell them, to be read on from where they end."""

    def __init__(self, keys: Mapping[Key, Folded], household: Household) -> None:
        """Read the entries of the household's keys."""
        self._crossing = _Crossing(household)
        self._held: Mapping[tuple[Key, str], Sequence[_Piece]] | None = None
        entries: list[Entry] = []
        self._taken = [
            key for key in keys if key[0] in household.portfolios and self._crossing.takes(key)
        ]
        for key in self._taken:
            entries.extend(keys[key].entries)
        with exact():
            self._crossing.read(entries)
            self._crossing.leave()

    @property
    def events(self) -> tuple[LotEvent, ...]:
        """What happened to the lots."""
        return tuple(self._crossing.events)

    def history(self, keys: Mapping[Key, Folded]) -> History:
        """Return what happened, and what of each lot of the same keys is held."""
        crossing = self._crossing
        with exact():
            costs = tuple(
                cost
                for key in sorted(self._taken)
                for cost in crossing.costs(key, keys[key].holding.lots)
            )
        return History(self.events, costs, tuple(sorted(crossing.left_out)))

    def forget(self) -> None:
        """Forget what happened; what is held stays known."""
        # Very many lots have one piece: a tuple of it is a tenth of the size.
        pieces = self._crossing.pieces
        self._held = {lot: tuple(held) for lot, held in pieces.items() if held}
        self._crossing = _Crossing(self._crossing.household)

    def onward(self, entries: Iterable[Entry], household: Household) -> list[LotEvent]:
        """Return what happens to the lots by entries that come later; nothing here changes.

        Args:
            entries: Entries of keys of the household, in any order.
            household: The same household, which may know of more instruments.
        """
        crossing = _Crossing(household)
        crossing.pieces = _Held(self._crossing.pieces if self._held is None else self._held)
        with exact():
            crossing.read([entry for entry in entries if crossing.takes(entry.posting.key)])
        return crossing.events


_Pieces = dict[tuple[Key, str], deque[_Piece]]


class _Held(defaultdict[tuple[Key, str], deque[_Piece]]):
    """What is held of lots, taken from another reading as far as it is looked at."""

    def __init__(self, base: Mapping[tuple[Key, str], Sequence[_Piece]]) -> None:
        super().__init__(deque)
        self._base = base

    def __missing__(self, lot: tuple[Key, str]) -> deque[_Piece]:
        held = self[lot] = deque(self._base.get(lot, ()))
        return held


class _Crossing:
    """The working state of one reading of books."""

    def __init__(self, household: Household) -> None:
        self.household = household
        self.events: list[LotEvent] = []
        self.left_out: set[str] = set()
        self.pieces: _Pieces = defaultdict(deque)
        """What of each lot of the book is held, in the order in which it came."""
        self.carried: dict[str, tuple[Entry, list[list[_Piece]]]] = {}
        self.units = TodaysShares(household.instruments, household.actions)

    def takes(self, key: Key) -> bool:
        """Tell whether a key is of interest; note what is left out."""
        portfolio_id, security_id = key
        portfolio = self.household.portfolios[portfolio_id]
        known = self.household.instruments.get(security_id)
        if built_in_instrument(security_id, "") is not None or (known and known.is_cash):
            return False
        if portfolio.base_currency != self.household.currency:
            self.left_out.add(
                f"portfolio {portfolio_id}: its book is kept in {portfolio.base_currency}, and "
                f"the household is taxed in {self.household.currency}"
            )
            return False
        if known is not None and known.is_margined:
            self.left_out.add(
                f"{security_id} in {portfolio_id}: it is held on margin, where nothing is sold "
                "but gains and losses are settled"
            )
            return False
        return True

    def read(self, entries: list[Entry]) -> None:
        """Book entries in the order of time."""
        for entry in sorted(entries, key=lambda one: (one.posting.order, one.posting.key)):
            self.book(entry)

    def book(self, entry: Entry) -> None:
        posting = entry.posting
        kind = None if posting.effect is None else posting.effect.kind
        if posting.leg is Leg.METHOD:
            self._pool(entry)
        elif kind in _STAYS or posting.leg is Leg.POOL:
            return
        elif kind is EffectKind.CARRY:
            self._carry(entry)
        elif kind is EffectKind.ARRIVE:
            self._arrive(entry)
        else:
            self._close(entry)
            for lot in entry.opens:
                self._open(entry, lot)
            if kind is EffectKind.ABSORB:
                self._absorb(entry)

    def _pool(self, entry: Entry) -> None:
        key = entry.posting.key
        together: deque[_Piece] = deque()
        for match in entry.matches:
            together.extend(self.pieces.pop((key, match.lot_id), ()))
        self.pieces[key, entry.opens[0].lot_id] = together

    def _open(self, entry: Entry, lot: Lot) -> None:
        posting = entry.posting
        identity = posting.transaction_id
        shares = self.units.shares(posting, abs(lot.quantity))
        side = Side.SHORT if lot.quantity < ZERO else Side.LONG
        # A written option is not a short sale of stock or securities.
        acquires = posting.type not in _BROUGHT_IN and not (
            side is Side.SHORT and self.units.is_option(posting.security_id)
        )
        self.pieces[posting.key, lot.lot_id].append(_Piece(identity, posting.on, shares))
        self.events.append(
            Opening(
                posting.order,
                LotKey(*posting.key, identity),
                shares,
                side,
                acquires,
                self.household.orders.get(identity, ""),
            )
        )

    def _close(self, entry: Entry) -> None:
        """Let units leave: sold where the entry realised something, taken away where not."""
        for match, amounts in zip(entry.matches, _amounts(entry), strict=True):
            self._leave(entry, match, self._taken(entry, match), amounts)

    def _leave(
        self, entry: Entry, match: Lot, pieces: Sequence[_Piece], amounts: _Amounts | None
    ) -> None:
        posting = entry.posting
        side = Side.SHORT if match.quantity < ZERO else Side.LONG
        quantity, shares = abs(match.quantity), _sum(pieces)
        proceeds = cost = part_proceeds = part_cost = None
        if amounts is not None:
            proceeds, cost = amounts
        for piece in pieces:
            part = share(quantity, piece.shares, shares)
            if proceeds is not None and cost is not None:
                part_proceeds = share(proceeds, piece.shares, shares)
                part_cost = share(cost, piece.shares, shares)
                proceeds -= part_proceeds
                cost -= part_cost
            self.events.append(
                Closing(
                    posting.order,
                    posting.transaction_id,
                    LotKey(posting.portfolio_id, posting.security_id, piece.lot_id),
                    piece.opened_on,
                    piece.shares,
                    part,
                    part_proceeds,
                    part_cost,
                    side,
                )
            )
            quantity -= part
            shares -= piece.shares

    def _taken(self, entry: Entry, match: Lot) -> list[_Piece]:
        """Take units of a lot of the book out of what is held, oldest first."""
        held = self.pieces[entry.posting.key, match.lot_id]
        wanted = self.units.shares(entry.posting, abs(match.quantity))
        taken: list[_Piece] = []
        while wanted > DUST:
            if not held:
                taken.append(_Piece(match.lot_id, match.opened_on, wanted))
                break
            first = held.popleft()
            if first.shares - wanted > DUST:
                held.appendleft(first._replace(shares=first.shares - wanted))
                first = first._replace(shares=wanted)
            taken.append(first)
            wanted -= first.shares
        return taken

    def _carry(self, entry: Entry) -> None:
        effect = entry.posting.effect
        if effect is not None and effect.stays:
            parts = [list(self.pieces[entry.posting.key, lot.lot_id]) for lot in entry.matches]
            self.carried[entry.posting.transaction_id] = (entry, parts)
            return
        if effect is not None and not effect.fraction:
            # Everything ended for cash; whatever arrives elsewhere brings no cost along.
            self._close(entry)
            return
        if entry.realised_base:
            self.left_out.add(
                f"{entry.posting.transaction_id}: what was paid beside the units that carry the "
                "cost on; whether its gain or loss counts, the terms of the exchange decide"
            )
        parts = [self._taken(entry, match) for match in entry.matches]
        self.carried[entry.posting.transaction_id] = (entry, parts)

    def _arrive(self, entry: Entry) -> None:
        posting = entry.posting
        left = self.carried.pop(posting.transaction_id, None)
        if left is None:
            for lot in entry.opens:
                self._bring(posting, lot, [_Piece(lot.lot_id, lot.opened_on, ONE)])
            return
        source, parts = left
        effect = source.posting.effect
        for lot, pieces in zip(entry.opens, parts, strict=True):
            if effect is not None and effect.stays:
                self._bring(posting, lot, pieces)
            else:
                self._move(source.posting, posting, lot, pieces)

    def _bring(self, posting: Posting, lot: Lot, pieces: Sequence[_Piece]) -> None:
        """Open units that come with the days of others, as in a spin-off."""
        side = Side.SHORT if lot.quantity < ZERO else Side.LONG
        identity = posting.transaction_id
        for piece, shares in self._parted(posting, lot, pieces):
            brought = LotKey(*posting.key, f"{piece.lot_id} by {identity}")
            held = _Piece(brought.lot_id, piece.opened_on, shares)
            self.pieces[posting.key, lot.lot_id].append(held)
            self.events.append(
                Opening(
                    posting.order,
                    brought,
                    shares,
                    side,
                    acquires=False,
                    held_from=piece.opened_on,
                )
            )

    def _move(self, source: Posting, posting: Posting, lot: Lot, pieces: Sequence[_Piece]) -> None:
        for piece, shares in self._parted(posting, lot, pieces):
            self.pieces[posting.key, lot.lot_id].append(piece._replace(shares=shares))
            self.events.append(
                Move(
                    posting.order,
                    LotKey(*source.key, piece.lot_id),
                    LotKey(*posting.key, piece.lot_id),
                    piece.shares,
                    shares,
                )
            )

    def _parted(
        self, posting: Posting, lot: Lot, pieces: Sequence[_Piece]
    ) -> Iterable[tuple[_Piece, Decimal]]:
        """Give the shares that each piece comes to where it arrives."""
        into, shares = self.units.shares(posting, abs(lot.quantity)), _sum(pieces)
        for piece in pieces:
            part = share(into, piece.shares, shares)
            yield piece, part
            into -= part
            shares -= piece.shares

    def _absorb(self, entry: Entry) -> None:
        posting = entry.posting
        left = self.carried.pop(posting.transaction_id, None)
        if left is None:
            return
        source, parts = left
        for piece in (piece for pieces in parts for piece in pieces):
            self.events.append(
                Move(
                    posting.order,
                    LotKey(*source.posting.key, piece.lot_id),
                    LotKey(*posting.key, posting.transaction_id),
                    piece.shares,
                    piece.shares,
                    absorbed=True,
                )
            )

    def leave(self) -> None:
        """Let what was carried to a portfolio outside the household be gone."""
        for entry, parts in self.carried.values():
            effect = entry.posting.effect
            if effect is not None and effect.stays:
                continue
            for match, pieces in zip(entry.matches, parts, strict=True):
                self._leave(entry, match, pieces, None)

    def costs(self, key: Key, lots: Iterable[Lot]) -> Iterable[LotCost]:
        """Give what is held of each lot of a key, with its cost in the book."""
        for lot in lots:
            pieces = self.pieces[key, lot.lot_id]
            shares, quantity, cost = _sum(pieces), abs(lot.quantity), abs(lot.cost_base)
            for piece in pieces:
                parts = share(quantity, piece.shares, shares), share(cost, piece.shares, shares)
                yield LotCost(LotKey(*key, piece.lot_id), piece.shares, *parts)
                quantity -= parts[0]
                cost -= parts[1]
                shares -= piece.shares


def _amounts(entry: Entry) -> Sequence[_Amounts | None]:
    """Return the proceeds and the cost of each matched lot, as the book divides them by units.

    A short sale was paid for first, and costs what covers it.
    """
    gain = entry.realised_base
    if gain is None or not entry.matches:
        return (None,) * len(entry.matches)
    costs = [lot.cost_base for lot in entry.matches]
    values = spread(gain + sum(costs, ZERO), entry.matches)
    if entry.matches[0].quantity < ZERO:
        return [(-cost, -value) for value, cost in zip(values, costs, strict=True)]
    return list(zip(values, costs, strict=True))


def _sum(pieces: Iterable[_Piece]) -> Decimal:
    return sum((piece.shares for piece in pieces), ZERO)
