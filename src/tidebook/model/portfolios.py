"""Who holds it: a portfolio and the policies its book is kept by."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


class CostMethod(StrEnum):
    """How a disposal that names no lots chooses the cost that leaves with it."""

    FIFO = "FIFO"
    """The oldest lot first."""
    LIFO = "LIFO"
    """The newest lot first."""
    HIFO = "HIFO"
    """The lot with the highest cost per unit, in base currency, first."""
    MIN_TAX = "MIN_TAX"
    """The lot whose sale brings the least tax, at the portfolio's rates, first."""
    AVCO = "AVCO"
    """One pool per portfolio and security; every unit carries its average cost."""
    AVCO_POOLED = "AVCO_POOLED"
    """One pool per security over all portfolios of a taxpayer that use this method and have the
    same base currency."""


class MethodChange(NamedTuple):
    """From a day on, disposals follow another cost method."""

    on: date
    method: CostMethod


class TaxRates(NamedTuple):
    """Tax on a realised gain as fractions, by holding period.

    A lot is held long term when it is sold later than ``long_term_months`` after it was opened.
    """

    short_term: Decimal = ZERO
    long_term: Decimal = ZERO
    long_term_months: int = 12


class Settlement(StrEnum):
    """Who moves the cash of a trade."""

    AUTO = "auto"
    """Every trade, income and cost moves the cash account of its currency by itself."""
    EXPLICIT = "explicit"
    """Cash moves only when a transaction on a cash instrument says so."""


class Portfolio(NamedTuple):
    """A portfolio: the border of the book, and the rules inside it.

    ``time_zone`` (an IANA name) decides on which business date an instant falls.
    ``cost_method`` holds until the first of ``cost_method_changes``, which are in order of their
    days. Portfolios with the same ``taxpayer_id`` share pools where their method says so.
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
    cost_method_changes: tuple[MethodChange, ...] = ()
    taxpayer_id: str = ""
    tax_rates: TaxRates = TaxRates()
