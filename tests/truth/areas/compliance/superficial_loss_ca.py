"""Superficial losses: the units of each case, and a history of trades that comes to the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_known
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    Closing,
    LotKey,
    Opening,
    SuperficialTerms,
    denied_loss,
    match_superficial,
)
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.book.postings import Order
    from tidebook.compliance.taxes import LotEvent, SuperficialView

SALE_ON = date(2024, 6, 3)
NAMES = {
    "asset",
    "units_sold",
    "acb_per_unit",
    "sale_price",
    "units_acquired_in_61_days",
    "units_held_30_days_after",
}


def check(case: Content) -> None:
    """Compare loss, what is denied and allowed of it, and what goes into the cost base."""
    given, expected = case["input"], case["expected"]
    assert_known(given, NAMES)
    assert_known(expected, {"loss", "denied", "allowed", "acb_addition"})
    sold, acquired, held = (
        Decimal(given[name])
        for name in ("units_sold", "units_acquired_in_61_days", "units_held_30_days_after")
    )
    loss = sold * (Decimal(given["acb_per_unit"]) - Decimal(given["sale_price"]))
    denied = denied_loss(loss, sold, acquired, held)
    assert loss == Decimal(str(expected["loss"]))
    assert denied == Decimal(str(expected["denied"]))
    assert loss - denied == Decimal(str(expected["allowed"]))
    view = _view(given, sold, acquired, held)
    sale = next(each for each in view.sales if each.sale_id == "sale")
    assert (-sale.gain, sale.denied, -sale.allowed) == (loss, denied, loss - denied)
    added = sum((each.denied for each in sale.substitutes if not each.is_permanent), ZERO)
    assert added == Decimal(str(expected["acb_addition"]))


def _view(given: Content, sold: Decimal, acquired: Decimal, held: Decimal) -> SuperficialView:
    """Return the rule's view of trades with these units.

    What was sold is bought long before, together with what is held beyond what is acquired later.
    What is not held any more when the window ends is sold at the same price on its last day.
    """
    cost, price = Decimal(given["acb_per_unit"]), Decimal(given["sale_price"])
    before = sold + max(ZERO, held - acquired)
    over = before + acquired - sold - held
    after = SALE_ON + timedelta(days=10)
    events: list[LotEvent] = [
        Opening(_place(date(2024, 1, 2), "first"), _lot("first"), before),
        _closing("sale", SALE_ON, sold, (sold * price, sold * cost)),
    ]
    if acquired:
        events.append(Opening(_place(after, "again"), _lot("again"), acquired))
    if over:
        later = SALE_ON + timedelta(days=30)
        events.append(_closing("over", later, over, (over * price, over * price)))
    accounts = {"A": Account("A", AccountKind.TAXABLE)}
    return match_superficial(events, SuperficialTerms(accounts))


def _lot(lot_id: str) -> LotKey:
    return LotKey("A", "X", lot_id)


def _place(on: date, identity: str) -> Order:
    return (on, datetime(on.year, on.month, on.day, tzinfo=UTC), 0, identity, "main")


def _closing(identity: str, on: date, units: Decimal, amounts: tuple[Decimal, Decimal]) -> Closing:
    place = _place(on, identity)
    opened = date(2024, 1, 2)
    return Closing(place, identity, _lot("first"), opened, units, units, *amounts)
