"""The working state of a household's lots while its events are gone through."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.taxes.tax_view import LotAdjustment
from tidebook.model.money import ZERO, share

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import LotKey, Opening


class Fragment(NamedTuple):
    """Shares of a lot that carry the same deferred loss and the same tacked days."""

    shares: Decimal
    amount: Decimal = ZERO
    tacked_days: int = 0
    has_replaced: bool = False


_NO_FRAGMENTS: Final[deque[Fragment]] = deque(maxlen=0)


class HeldLot:
    """A lot: shares that have replaced others, which leave first, and the rest of it.

    ``awaited`` counts the moves that will still bring shares here.
    """

    __slots__ = ("awaited", "block", "fragments", "key", "opening", "shares_left")

    def __init__(self, key: LotKey, opening: Opening, shares: Decimal) -> None:
        self.key = key
        self.opening = opening
        self.block = opening.block or opening.lot.lot_id
        self.fragments: deque[Fragment] = deque()
        self.shares_left = shares
        """Shares that have not replaced any."""
        self.awaited = 0

    @property
    def is_spent(self) -> bool:
        """Whether it can replace nothing any more."""
        return self.shares_left <= ZERO and not self.awaited

    def fork(self) -> HeldLot:
        """Return the same lot, which goes its own way from here."""
        other = HeldLot(self.key, self.opening, self.shares_left)
        other.fragments, other.awaited = deque(self.fragments), self.awaited
        return other

    def rest(self) -> None:
        """Take little room, and change no more; what is forked from here may."""
        if not self.fragments:
            self.fragments = _NO_FRAGMENTS

    def take(self, shares: Decimal) -> list[Fragment]:
        """Take shares out: those that have replaced others first, in the order in which they did.

        What is asked beyond what is there comes without a deferred loss.
        """
        taken: list[Fragment] = []
        wanted = shares
        while wanted > ZERO and self.fragments:
            first = self.fragments.popleft()
            if first.shares > wanted:
                part = first._replace(
                    shares=wanted, amount=share(first.amount, wanted, first.shares)
                )
                rest = first._replace(
                    shares=first.shares - wanted, amount=first.amount - part.amount
                )
                self.fragments.appendleft(rest)
                first = part
            taken.append(first)
            wanted -= first.shares
        if wanted > ZERO:
            taken.append(Fragment(wanted))
            self.shares_left = max(ZERO, self.shares_left - wanted)
        return taken

    def use(self, shares: Decimal, amount: Decimal, tacked_days: int) -> None:
        """Let shares replace others, and carry the loss on."""
        self.shares_left -= shares
        self.fragments.append(Fragment(shares, amount, tacked_days, has_replaced=True))

    def receive(self, fragments: list[Fragment]) -> None:
        """Take in shares that come from another place, as they were."""
        for fragment in fragments:
            if fragment.has_replaced:
                self.fragments.append(fragment)
            else:
                self.shares_left += fragment.shares

    def absorb(self, fragments: list[Fragment]) -> Decimal:
        """Let shares here carry what the contract carried that they were acquired with.

        Returns what finds no shares to be carried by.
        """
        unplaced = ZERO
        for fragment in fragments:
            shares = min(fragment.shares, self.shares_left)
            if fragment.has_replaced and shares > ZERO:
                self.use(shares, fragment.amount, 0)
            else:
                unplaced += fragment.amount
        return unplaced

    def adjustments(self) -> list[LotAdjustment]:
        """Return what is open, by what it carries."""
        rest = Fragment(self.shares_left)
        return [
            LotAdjustment(
                self.key,
                self.opening.side,
                self.opening.opened_on,
                held_since(self.opening.opened_on, fragment.tacked_days),
                fragment.shares,
                fragment.amount,
                fragment.has_replaced,
            )
            for fragment in (*self.fragments, rest)
            if fragment.shares > ZERO
        ]


def held_since(acquired_on: date, tacked_days: int) -> date:
    """Return the day from which shares count as held."""
    return acquired_on - timedelta(days=tacked_days)


def scaled(fragments: list[Fragment], shares: Decimal, into: Decimal) -> list[Fragment]:
    """Return fragments restated to other units; the last takes what rounding leaves."""
    if shares == into or not fragments:
        return fragments
    parts = [share(fragment.shares, into, shares) for fragment in fragments[:-1]]
    parts.append(into - sum(parts, ZERO))
    return [fragment._replace(shares=part) for fragment, part in zip(fragments, parts, strict=True)]
