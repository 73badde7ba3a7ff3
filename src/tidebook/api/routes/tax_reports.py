"""The routes of tax: the rows of Form 8949, and what open lots cost for tax."""

from __future__ import annotations

import csv
import io
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Edge, EdgeHere, today
from tidebook.api.replies import Json, amount, reply
from tidebook.compliance.taxes import FORM_8949_COLUMNS, NOT_ADVICE, Reporting
from tidebook.engine.compliance.tax_reports import tax_reports
from tidebook.engine.users import portfolios_of

if TYPE_CHECKING:
    from tidebook.compliance.taxes import Form8949Row, TaxLot
    from tidebook.engine.compliance.tax_reports import TaxReport

router = APIRouter(tags=["compliance"])
_CENT: Final = Decimal("0.01")


class Form(StrEnum):
    """How the rows are written."""

    JSON = "json"
    CSV = "csv"


Year = Annotated[int | None, Query(ge=1950, le=9998)]


@router.get("/users/{user_id:path}/tax/form-8949", **samples.answer("form_8949"))
def form_8949(
    edge: EdgeHere,
    user_id: str,
    *,
    year: Year = None,
    reporting: Reporting = Reporting.NOT_REPORTED,
    form: Annotated[Form, Query(alias="format")] = Form.JSON,
) -> Response:
    """Return the sales of a year as rows of Form 8949, with code W where a loss was washed."""
    asked = year or today(edge).year
    reports = _reports(edge, user_id, asked, reporting)
    if form is Form.CSV:
        headers = {"Content-Disposition": f'attachment; filename="form-8949-{asked}.csv"'}
        return Response(_csv(reports), media_type="text/csv; charset=utf-8", headers=headers)
    return reply(
        {
            "user_id": user_id,
            "year": asked,
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
    )


@router.get("/users/{user_id:path}/tax/lots", **samples.answer("tax_lots"))
def lots(edge: EdgeHere, user_id: str) -> Response:
    """Return open lots of a household with their basis for tax, and what losses come to so far."""
    reports = _reports(edge, user_id, today(edge).year, Reporting.NOT_REPORTED)
    return reply(
        {
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
    )


def _reports(edge: Edge, user_id: str, year: int, reporting: Reporting) -> tuple[TaxReport, ...]:
    ids = [one.portfolio_id for one in portfolios_of(edge.reader, user_id)]
    return tax_reports(edge.compliance.household(ids), year, reporting)


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


def _csv(reports: tuple[TaxReport, ...]) -> str:
    """Return rows in cents, currency by currency; the form itself is in US dollars."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*FORM_8949_COLUMNS, "currency"])
    for one in reports:
        writer.writerows([*map(_cell, row), one.currency] for row in one.rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.quantize(_CENT, ROUND_HALF_EVEN):f}"
    return str(value)
