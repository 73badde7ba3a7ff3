"""The values that the pages are made of.

``assembly`` fills these in from what a reader answers; nothing here reads a store or a clock.
Amounts are exact and unrounded, ratios are fractions, and what is undefined is ``None``: the page
draws it as an en dash and says why. Sequences are drawn in the order in which they are given; days
ascend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from tidebook.web.policy import content_security_policy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

INDEX_PATH = "/"
PORTFOLIO_PATH_PREFIX = "/view/"
TEAR_SHEET_PATH = "/tearsheet"


def portfolio_path(portfolio_id: str, *, root_path: str = "") -> str:
    """Return the path of a portfolio's page; every character of the id is escaped, slashes too."""
    return f"{root_path}{PORTFOLIO_PATH_PREFIX}{quote(portfolio_id, safe='')}"


def tear_sheet_path(portfolio_id: str, *, root_path: str = "") -> str:
    """Return the path of a portfolio's tear sheet, over all its days."""
    return f"{root_path}{TEAR_SHEET_PATH}?portfolio_id={quote(portfolio_id, safe='')}"


class CurvePoint(NamedTuple):
    """One day of the portfolio: what it was worth and what had been put in by then."""

    day: date
    value: Decimal
    contributed: Decimal


class DrawdownPoint(NamedTuple):
    """How far below its highest point so far the portfolio was: -0.2 is a fifth below."""

    day: date
    fraction: float


class WorstDrawdown(NamedTuple):
    """The deepest fall from a peak; ``recovered`` is the day the peak was seen again, if it was."""

    fraction: float
    peak: date
    trough: date
    recovered: date | None


class PeriodRow(NamedTuple):
    """The returns of one period, as fractions; ``reason`` says why one of them is missing.

    The paths lead to their explanations; empty where there is none.
    """

    name: str
    start: date
    end: date
    twr: float | None
    twr_annualised: float | None
    mwr: float | None
    reason: str | None
    twr_path: str = ""
    annualised_path: str = ""
    mwr_path: str = ""


class Explained(NamedTuple):
    """Where a figure is explained, and its formula in one line."""

    path: str
    formula: str


class PositionRow(NamedTuple):
    """One holding. ``price`` and the local value are in ``currency``, the rest in the base."""

    security_id: str
    name: str
    currency: str
    quantity: Decimal
    price: Decimal | None
    price_date: date | None
    price_status: str
    market_value_local: Decimal | None
    market_value: Decimal | None
    cost: Decimal | None
    unrealised: Decimal | None
    weight: Decimal | None
    asset_class: str | None


class GainRow(NamedTuple):
    """What was realised under one heading, in base currency.

    A term in which nothing was realised is None. ``tax_reason`` says why there is no tax.
    """

    name: str
    long_term: Decimal | None
    short_term: Decimal | None
    gain: Decimal
    tax: Decimal | None
    tax_reason: str | None


class FindingRow(NamedTuple):
    """Something in the data that wants attention: what, what to do about it, and where."""

    code: str
    sentence: str
    remedy: str
    where: str


class HealthRow(NamedTuple):
    """One result of the checks on the data; ``at_stake`` is in base currency.

    Where the money at stake is not known, ``basis`` says why, else how it was measured.
    """

    code: str
    severity: str
    subject: str
    since: date | None
    at_stake: Decimal | None
    basis: str
    sentence: str
    remedy: str


class RestatementRow(NamedTuple):
    """A piece of history that was written anew, from which day on, why, and by how much.

    ``security_id`` is None for the daily series. Of a position its quantity, cost and realised
    gain moved, of the series the value of ``value_on``. None: not kept, or it does not apply.
    """

    recorded_at: datetime
    security_id: str | None
    from_date: date
    reason: str
    causes: Sequence[str] = ()
    quantity: Decimal | None = None
    cost: Decimal | None = None
    realised: Decimal | None = None
    value: Decimal | None = None
    value_on: date | None = None


class IndexRow(NamedTuple):
    """One portfolio in the list of all; ``health_count`` is None where it was not looked into."""

    portfolio_id: str
    name: str
    base_currency: str
    value: Decimal | None
    as_of: date | None
    status: str
    health_count: int | None = None


@dataclass(frozen=True, slots=True)
class PortfolioPage:
    """One generation of one portfolio, with what its figures rest on.

    Attributes:
        status: ``CURRENT``, ``REPROCESSING`` or ``EMPTY``.
        coverage: The part of the value that had a price and a rate, as a fraction.
        conventions: Term and meaning, for instance flow timing or the treatment of fees.
        gains: What was realised in each year, oldest first; ``gains_total`` is their sum.
        reasons: Why a figure of the summary is missing, by the name of its field.
        restatements_total: How many there are, listed or not.
        root_path: Where the application is mounted, without a closing slash.
        offers_time_travel: Whether the address takes ``as_of`` and ``known_at``; if so the page
            has a form for them.
        explained: Where figures of the summary are explained, by the name of their field.
    """

    portfolio_id: str
    name: str
    base_currency: str
    as_of: date | None
    known_at: datetime | None
    generation: int
    status: str
    coverage: Decimal | None
    value: Decimal | None
    cash: Decimal | None
    cost: Decimal | None
    unrealised: Decimal | None
    realised: Decimal | None
    income: Decimal | None
    fees: Decimal | None
    net_contributions: Decimal | None
    curve: Sequence[CurvePoint] = ()
    drawdown: Sequence[DrawdownPoint] = ()
    worst_drawdown: WorstDrawdown | None = None
    periods: Sequence[PeriodRow] = ()
    positions: Sequence[PositionRow] = ()
    findings: Sequence[FindingRow] = ()
    health: Sequence[HealthRow] = ()
    restatements: Sequence[RestatementRow] = ()
    gains: Sequence[GainRow] = ()
    gains_total: GainRow | None = None
    restatements_total: int = 0
    conventions: Sequence[tuple[str, str]] = ()
    reasons: Mapping[str, str] = field(default_factory=dict[str, str])
    root_path: str = ""
    offers_time_travel: bool = False
    explained: Mapping[str, Explained] = field(default_factory=dict[str, Explained])

    @property
    def tear_sheet_path(self) -> str:
        """Where the portfolio's tear sheet is."""
        return tear_sheet_path(self.portfolio_id, root_path=self.root_path)

    def csp(self, nonce: str) -> str:
        """Return the Content-Security-Policy header this page was written for."""
        return content_security_policy(nonce)


@dataclass(frozen=True, slots=True)
class IndexPage:
    """The portfolios in the book, or the first of them; ``has_more`` says that others follow.

    ``as_of`` and ``known_at`` are the two times that were asked for, None for the latest.
    """

    portfolios: Sequence[IndexRow]
    version: str
    root_path: str = ""
    has_more: bool = False
    as_of: date | None = None
    known_at: datetime | None = None

    def csp(self, nonce: str) -> str:
        """Return the Content-Security-Policy header this page was written for."""
        return content_security_policy(nonce)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """A refusal: the HTTP status, what and why, what to do, and the id to quote when asking."""

    status: int
    title: str
    detail: str
    hint: str | None
    request_id: str | None
    root_path: str = ""

    def csp(self, nonce: str) -> str:
        """Return the Content-Security-Policy header this page was written for."""
        return content_security_policy(nonce)
