"""The routes of tax: the rows of Form 8949, open lots, and where brokers report otherwise."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Edge, EdgeHere, today
from tidebook.api.replies import reply
from tidebook.api.wire import taxes as wire
from tidebook.compliance.taxes import Reporting
from tidebook.engine.compliance.tax_reports import tax_differences, tax_reports
from tidebook.engine.users import portfolios_of

if TYPE_CHECKING:
    from tidebook.engine.compliance.ports import Household
    from tidebook.engine.compliance.tax_reports import TaxReport

router = APIRouter(tags=["compliance"])


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
        return Response(
            wire.form_8949_csv(reports), media_type="text/csv; charset=utf-8", headers=headers
        )
    return reply(wire.form_8949_of(user_id, asked, reports))


@router.get("/users/{user_id:path}/tax/lots", **samples.answer("tax_lots"))
def lots(edge: EdgeHere, user_id: str) -> Response:
    """Return open lots of a household with their basis for tax, and what losses come to so far."""
    reports = _reports(edge, user_id, today(edge).year, Reporting.NOT_REPORTED)
    return reply(wire.tax_lots_of(user_id, reports))


@router.get("/users/{user_id:path}/tax/broker-differences", **samples.answer("broker_differences"))
def differences(edge: EdgeHere, user_id: str, year: Year = None) -> Response:
    """Return the sales of a year of which brokers report another disallowed loss, and why."""
    asked = year or today(edge).year
    found = tax_differences(_household(edge, user_id), asked)
    return reply(wire.differences_of(user_id, asked, found))


def _household(edge: Edge, user_id: str) -> Household:
    ids = [one.portfolio_id for one in portfolios_of(edge.reader, user_id)]
    return edge.compliance.household(ids)


def _reports(edge: Edge, user_id: str, year: int, reporting: Reporting) -> tuple[TaxReport, ...]:
    return tax_reports(_household(edge, user_id), year, reporting)
