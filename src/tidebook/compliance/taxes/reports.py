"""What the tax view is shown as: the lots that are open, and the rows of Form 8949."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.holding_periods import Term
from tidebook.book.trades import Side
from tidebook.model.money import ZERO, decimal_text, exact, share

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.lot_events import History, LotCost, LotKey
    from tidebook.compliance.taxes.tax_view import LotAdjustment, TaxSale, TaxView

WASH_CODE: Final = "W"
FORM_8949_COLUMNS: Final = (
    "box",
    "description",
    "date_acquired",
    "date_sold",
    "proceeds",
    "cost_or_other_basis",
    "code",
    "adjustment",
    "gain_or_loss",
)
"""The box under which a row stands, and columns (a) to (h) of the form."""


class TaxLot(NamedTuple):
    """Shares of an open lot with what they cost for tax.

    ``cost`` is that of the investment book, ``basis`` the cost with what was deferred into it; of
    a short lot both are proceeds, and ``deferred`` is taken off. ``held_since`` counts with the
    days that tack.
    """

    lot: LotKey
    side: Side
    acquired_on: date
    held_since: date
    shares: Decimal
    quantity: Decimal
    cost: Decimal
    deferred: Decimal
    basis: Decimal
    has_replaced: bool


def tax_lots(view: TaxView, history: History) -> tuple[TaxLot, ...]:
    """Return the open lots of a household as they are for tax, in order of acquisition.

    The quantity and the cost of a lot are divided by shares among the parts of it that differ;
    the last takes what rounding leaves.
    """
    parts: dict[LotKey, list[LotAdjustment]] = defaultdict(list)
    for adjusted in view.lots:
        parts[adjusted.lot].append(adjusted)
    with exact():
        return tuple(
            lot
            for held in sorted(history.held, key=lambda held: _age(parts[held.lot], held))
            for lot in _lots(held, parts[held.lot])
        )


def _age(parts: list[LotAdjustment], held: LotCost) -> tuple[str, LotKey]:
    return (parts[0].acquired_on.isoformat() if parts else "", held.lot)


def _lots(held: LotCost, parts: list[LotAdjustment]) -> Iterable[TaxLot]:
    quantity, cost = held.quantity, held.cost
    shares = sum((part.shares for part in parts), ZERO)
    for part in parts:
        own = share(quantity, part.shares, shares), share(cost, part.shares, shares)
        deferred = -part.amount if part.side is Side.SHORT else part.amount
        yield TaxLot(
            part.lot,
            part.side,
            part.acquired_on,
            part.held_since,
            part.shares,
            *own,
            part.amount,
            own[1] + deferred,
            part.has_replaced,
        )
        quantity, cost, shares = quantity - own[0], cost - own[1], shares - part.shares


class Reporting(StrEnum):
    """What a broker reported of sales, which decides on the box of the form."""

    BASIS_REPORTED = "basis_reported"
    """On Form 1099-B or 1099-DA, with the basis."""
    BASIS_NOT_REPORTED = "basis_not_reported"
    """On one of these, without the basis."""
    NOT_REPORTED = "not_reported"
    """Not at all."""


_BOXES: Final = {
    (Term.SHORT, False): "ABC",
    (Term.LONG, False): "DEF",
    (Term.SHORT, True): "GHI",
    (Term.LONG, True): "JKL",
}
"""Boxes by term and whether it is a digital asset, in the order of ``Reporting``."""


class Form8949Row(NamedTuple):
    """One line of Form 8949; amounts are exact, and rounded where they are shown.

    ``adjustment`` is column (g): the loss that is disallowed, positive. ``gain_or_loss`` is
    proceeds less basis plus adjustment.
    """

    box: str
    description: str
    date_acquired: date
    date_sold: date
    proceeds: Decimal
    cost_or_other_basis: Decimal
    code: str
    adjustment: Decimal
    gain_or_loss: Decimal


def form_8949(
    sales: Iterable[TaxSale],
    reporting: Reporting = Reporting.NOT_REPORTED,
    digital_assets: Collection[str] = (),
) -> tuple[Form8949Row, ...]:
    """Return the rows of Form 8949 for sales, in their order: one per sale, lot and term.

    The box follows the holding period with the days that tack, while the date acquired is that of
    the lot. Of a short sale both dates are that of the cover, as the instructions ask. Digital
    assets have boxes of their own from tax year 2025 on.

    Args:
        sales: Those of one tax year and one taxpayer.
        reporting: What the broker reported of them.
        digital_assets: The securities among them that are digital assets.
    """
    together: dict[tuple[LotKey, str, str], list[TaxSale]] = {}
    for sale in sales:
        box = _box(sale, reporting, digital_assets)
        together.setdefault((sale.lot, sale.sale_id, box), []).append(sale)
    with exact():
        return tuple(_row(box, parts) for (_, _, box), parts in together.items())


_DIGITAL_BOXES_FROM: Final = 2025


def _box(sale: TaxSale, reporting: Reporting, digital_assets: Collection[str]) -> str:
    is_digital = sale.lot.security_id in digital_assets and sale.on.year >= _DIGITAL_BOXES_FROM
    return _BOXES[sale.term, is_digital][list(Reporting).index(reporting)]


def _row(box: str, parts: list[TaxSale]) -> Form8949Row:
    first = parts[0]
    quantity = sum((part.quantity for part in parts), ZERO)
    disallowed = sum((part.disallowed for part in parts), ZERO)
    return Form8949Row(
        box,
        f"{decimal_text(quantity)} {first.lot.security_id}",
        first.on if first.side is Side.SHORT else first.acquired_on,
        first.on,
        sum((part.proceeds for part in parts), ZERO),
        sum((part.basis for part in parts), ZERO),
        WASH_CODE if disallowed else "",
        disallowed,
        sum((part.recognised for part in parts), ZERO),
    )
