"""Why history was written anew, and by how much: what the restatement log keeps."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.model.money import exact

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

CAUSES_MAX: Final = 20
"""How many causes a restatement names; of more, the first ones."""


class CauseKind(StrEnum):
    """What kind of thing made history change."""

    TRANSACTION = "transaction"
    """A transaction: one that came late, or a later version of one."""
    PRICE = "price"
    RATE = "rate"
    INSTRUMENT = "instrument"
    PORTFOLIO = "portfolio"
    CORPORATE_ACTION = "corporate_action"
    BUSINESS_DATE = "business_date"
    REQUEST = "request"
    """Somebody asked for a transaction's keys to be folded again."""
    BOOK = "book"
    """The book of the portfolio moved meanwhile, see its own restatements and transactions."""


class Cause(NamedTuple):
    """What made history change: a fact by its kind, its id and its version.

    A price is known as ``ACME 2024-03-28``, a rate as ``EUR/USD 2024-03-28``. Where one batch
    brought several of a security or pair, the id names the first and the last day,
    ``ACME 2024-01-02..2024-03-28``, and the version is left open. What was cancelled is named by
    the version that is gone, or by that of the cancellation where it has one.
    """

    kind: CauseKind
    id: str
    version: int | None = None


class Amounts(NamedTuple):
    """What a key came to after its last entry, gains over its whole life."""

    quantity: Decimal
    cost_base: Decimal
    realised_base: Decimal

    def less(self, before: Amounts) -> Amounts:
        """Return by how much these amounts differ from earlier ones."""
        with exact():
            return Amounts(*(mine - other for mine, other in zip(self, before, strict=True)))


class Restated(NamedTuple):
    """What a restatement of a key did in the end, and because of what.

    ``after`` leaves out what only came after the rest: a new trade is no restatement.
    """

    causes: tuple[Cause, ...]
    before: Amounts
    after: Amounts


class SeriesRestated(NamedTuple):
    """Which days of a daily series came out different that had been valued before.

    ``value_on`` is the last day that was valued before and still is; the two values are its
    closing values. It need not be one of the days that changed.
    """

    from_date: date
    to_date: date
    days: int
    value_on: date | None
    value_before: Decimal | None
    value_after: Decimal | None

    @property
    def value_change(self) -> Decimal | None:
        """By how much the closing value of ``value_on`` moved."""
        if self.value_before is None or self.value_after is None:
            return None
        with exact():
            return self.value_after - self.value_before
