"""What losses come to for tax, as JSON and as the rows of a form."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final

from tidebook.api.replies import Json, amount
from tidebook.compliance.taxes import FORM_8949_COLUMNS, NOT_ADVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.compliance.taxes import BrokerDifference, Form8949Row, TaxLot
    from tidebook.engine.compliance.tax_reports import Differences, TaxReport

_CENT: Final = Decimal("0.01")


def form_8949_of(user_id: str, year: int, reports: Sequence[TaxReport]) -> Json:
    """Return the sales of a year as rows of Form 8949."""
    return {
        "user_id": user_id,
        "year": year,
        "reports": [
            {
                "currency": one.currency,
                "rows": [_row(row) for row in one.rows],
                "left_out": list(one.left_out),
            }
            for one in reports
        ],
        "disclaimer": NOT_ADVICE,
    }


def tax_lots_of(user_id: str, reports: Sequence[TaxReport]) -> Json:
    """Return open lots with their basis for tax, and what losses come to so far."""
    return {
        "user_id": user_id,
        "reports": [
            {
                "currency": one.currency,
                "totals": {name: amount(value) for name, value in one.totals._asdict().items()},
                "lots": [_lot(lot) for lot in one.lots],
                "left_out": list(one.left_out),
            }
            for one in reports
        ],
        "disclaimer": NOT_ADVICE,
    }


def differences_of(user_id: str, year: int, found: Sequence[Differences]) -> Json:
    """Return the sales of which brokers report another disallowed loss."""
    return {
        "user_id": user_id,
        "year": year,
        "reports": [
            {
                "currency": one.currency,
                "sales": [_difference(each) for each in one.sales],
                "left_out": list(one.left_out),
            }
            for one in found
        ],
        "disclaimer": NOT_ADVICE,
    }


def _difference(one: BrokerDifference) -> Json:
    return {
        "trade_id": one.sale_id,
        "account_id": one.account_id,
        "symbol": one.security_id,
        "trade_date": one.on.isoformat(),
        "disallowed": amount(one.disallowed),
        "disallowed_by_broker": amount(one.disallowed_by_broker),
        "why": [each.value for each in one.why],
    }


def _row(row: Form8949Row) -> Json:
    return {
        "box": row.box,
        "description": row.description,
        "date_acquired": row.date_acquired.isoformat(),
        "date_sold": row.date_sold.isoformat(),
        "proceeds": amount(row.proceeds),
        "cost_or_other_basis": amount(row.cost_or_other_basis),
        "code": row.code,
        "adjustment": amount(row.adjustment),
        "gain_or_loss": amount(row.gain_or_loss),
    }


def _lot(lot: TaxLot) -> Json:
    return {
        "account_id": lot.lot.account_id,
        "security_id": lot.lot.security_id,
        "lot_id": lot.lot.lot_id,
        "side": lot.side.value,
        "acquired_on": lot.acquired_on.isoformat(),
        "held_since": lot.held_since.isoformat(),
        "quantity": amount(lot.quantity),
        "cost": amount(lot.cost),
        "deferred": amount(lot.deferred),
        "basis": amount(lot.basis),
        "has_replaced": lot.has_replaced,
    }


def form_8949_csv(reports: Sequence[TaxReport]) -> str:
    """Return rows in cents, currency by currency; the form itself is in US dollars.

    Whoever opens the file sees none of what was said beside it: each row says what it is not.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FORM_8949_COLUMNS, "currency", "disclaimer"])
    for one in reports:
        writer.writerows([*map(_cell, row), one.currency, NOT_ADVICE] for row in one.rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.quantize(_CENT, ROUND_HALF_EVEN):f}"
    return str(value)
