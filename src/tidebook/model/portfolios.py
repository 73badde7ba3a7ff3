"""Who holds it: a portfolio and the policies its book is kept by."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import date


class CostMethod(StrEnum):
    """How a disposal chooses the cost that leaves with it."""

    FIFO = "FIFO"
    AVCO = "AVCO"


class Settlement(StrEnum):
    """Who moves the cash of a trade."""

    AUTO = "auto"
    """Every trade, income and cost moves the cash account of its currency by itself."""
    EXPLICIT = "explicit"
    """Cash moves only when a transaction on a cash instrument says so."""


class Portfolio(NamedTuple):
    """A portfolio: the border of the book, and the rules inside it.

    ``time_zone`` (an IANA name) decides on which business date an instant falls.
    """

    portfolio_id: str
    base_currency: str
    open_date: date
    name: str = ""
    status: str = "ACTIVE"
    cost_method: CostMethod = CostMethod.FIFO
    settlement: Settlement = Settlement.AUTO
    time_zone: str = "UTC"
    allow_short: bool = False
    risk_exposure: str = ""
    investment_time_horizon: str = ""
    portfolio_type: str = ""
    objective: str | None = None
    booking_center: str = ""
    cif_id: str = ""
    is_leverage_allowed: bool = False
    advisor_id: str | None = None
    close_date: date | None = None
