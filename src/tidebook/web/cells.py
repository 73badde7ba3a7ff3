"""What stands in one place of a page: a text, its sign, and a note if it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.web import figures

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


class Cell(NamedTuple):
    """A printed figure.

    Attributes:
        text: What is printed; an en dash if there is no figure.
        tone: ``plus``, ``minus`` or nothing. The text carries the sign too.
        note: The number of the note that says why there is no figure.
        reason: What that note says.
        sort: What a column is ordered by; empty sorts last.
        exact: The figure with every digit it is kept with.
    """

    text: str
    tone: str = ""
    note: int | None = None
    reason: str | None = None
    sort: str = ""
    exact: str | None = None


class Notes:
    """The reasons why figures of one page are missing, numbered as they first appear."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def missing(self, reason: str) -> Cell:
        """Return the en dash that points to this reason."""
        number = self._numbers.setdefault(reason, len(self._numbers) + 1)
        return Cell(figures.DASH, "missing", number, reason)

    def listed(self) -> tuple[tuple[int, str], ...]:
        """Return the numbered reasons, in order."""
        return tuple((number, reason) for reason, number in self._numbers.items())

    def amount(
        self, value: Decimal | None, currency: str, reason: str, *, signed: bool = False
    ) -> Cell:
        """Return an amount of money; ``signed`` marks gains with a plus and gives it a tone."""
        if value is None or not value.is_finite():
            return self.missing(reason)
        text = figures.amount(value, currency, signed=signed)
        return Cell(
            text,
            tone(text) if signed else _loss(text),
            sort=f"{value:f}",
            exact=f"{value:f} {currency}",
        )

    def percent(self, value: Decimal | float | None, reason: str, *, signed: bool = False) -> Cell:
        """Return a fraction as percent, to two places."""
        if value is None or not figures.is_number(value):
            return self.missing(reason)
        text = figures.percent(value, signed=signed)
        return Cell(text, tone(text) if signed else _loss(text), sort=str(value), exact=str(value))

    def price(self, value: Decimal | None, currency: str, reason: str) -> Cell:
        """Return a price with its currency."""
        if value is None or not value.is_finite():
            return self.missing(reason)
        return Cell(
            figures.price(value, currency), sort=f"{value:f}", exact=f"{value:f} {currency}"
        )

    def quantity(self, value: Decimal) -> Cell:
        """Return a number of units."""
        text = figures.quantity(value)
        return Cell(text, _loss(text), sort=f"{value:f}", exact=f"{value:f}")

    def day(self, value: date | None, reason: str) -> Cell:
        """Return a business date."""
        if value is None:
            return self.missing(reason)
        return Cell(figures.day(value), sort=value.isoformat())


def tone(text: str) -> str:
    """Return ``plus`` or ``minus`` for a signed figure, nothing for one without a sign."""
    return "plus" if text.startswith("+") else _loss(text)


def _loss(text: str) -> str:
    return "minus" if text.startswith(figures.MINUS) else ""
