"""The figures that can be explained: every number that an answer gives, under one name.

A figure's name is what it is about and what it is, such as ``lot.cost``. Where what it is about can
be told from what was named beside it, the second part is enough: ``cost`` of a security is
``position.cost``, ``cost`` of a lot is ``lot.cost``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.analytics import MEASURES, FeeBasis
from tidebook.engine.explaining import further_figures
from tidebook.errors import InvalidFigureError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from tidebook.analytics import Rebalancing
    from tidebook.book.holding_periods import Term
    from tidebook.engine.explaining.asked import AskedOrders, AskedParts
    from tidebook.model.periods import PeriodRequest


class Scope(StrEnum):
    """What a figure is about."""

    PORTFOLIO = "portfolio"
    POSITION = "position"
    LOT = "lot"
    TRANSACTION = "transaction"
    """What a transaction reported."""
    ENTRY = "entry"
    """What a transaction did to one key."""
    DAY = "day"
    """A row of the daily series."""
    PERIOD = "period"
    GAIN = "gain"
    """What one disposal gained on one lot."""
    GAINS = "gains"
    """Sums of such gains."""
    RISK = "risk"
    """A measure of the returns of a period."""
    MARKET = "market"
    """A price or an exchange rate as it was reported."""
    BRIDGE = "bridge"
    """A line between the values at both ends of a period."""
    BRIDGE_LINE = "bridge_line"
    """The same of one security."""
    CONTRIBUTION = "contribution"
    """What a group of holdings added to a return."""
    ATTRIBUTION = "attribution"
    """Why a return was another than a benchmark's."""
    USER = "user"
    """What a user traded, holds and earned."""
    USER_SYMBOL = "user_symbol"
    """The same of one security."""
    CLOSED = "closed"
    """How a user's closed trades ended."""
    COMPARISON = "comparison"
    """A user beside a benchmark."""
    VERDICT = "verdict"
    """What a rule says of a trade."""
    ORDER = "order"
    """What rules would say of an order."""
    TAX_TOTAL = "tax_total"
    """Sums of a household's sales as tax sees them."""
    TAX_LOT = "tax_lot"
    """An open lot as tax sees it."""
    TAX_SALE = "tax_sale"
    """A row of Form 8949."""
    BROKER_DIFFERENCE = "broker_difference"
    """A sale of which a broker reports another disallowed loss."""
    ACCOUNT = "account"
    """Where an account stands when a day is over."""
    HOUSEHOLD = "household"
    """Where the accounts of a household in one currency stand together."""


class Figure(NamedTuple):
    """A figure: what it is about, its name there, and what it is, in one line."""

    scope: Scope
    name: str
    definition: str

    @property
    def full_name(self) -> str:
        """The name that says what it is about."""
        return f"{self.scope}.{self.name}"


class Question(NamedTuple):
    """Which figure of what, by whose knowledge.

    ``figure`` may be a full name or the second part of one. ``leg`` tells the two entries of a
    transaction apart where both lie on one key; the main leg is meant unless it says otherwise.
    ``request`` is what was asked of a route that takes one, and ``group`` a row of its answer.
    ``row`` is a place in a list of an answer, counted from 0, ``amount`` the name of one.
    """

    figure: str
    portfolio_id: str | None = None
    security_id: str | None = None
    lot_id: str | None = None
    transaction_id: str | None = None
    leg: str | None = None
    day: date | None = None
    period: PeriodRequest | None = None
    from_currency: str | None = None
    to_currency: str | None = None
    as_of: date | None = None
    known_at: datetime | None = None
    basis: FeeBasis = FeeBasis.NET
    term: Term | None = None
    group: str | None = None
    request: AskedParts | AskedOrders | None = None
    user_id: str | None = None
    rule_id: str | None = None
    amount: str | None = None
    row: int | None = None
    currency: str | None = None
    benchmark: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    rebalancing: Rebalancing | None = None


class _Terms(NamedTuple):
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


_PLAIN: Final = ("as_of", "known_at")
TERMS: Final[Mapping[Scope, _Terms]] = {
    Scope.PORTFOLIO: _Terms(("portfolio_id",), _PLAIN),
    Scope.POSITION: _Terms(("portfolio_id", "security_id"), ("transaction_id", "leg", *_PLAIN)),
    Scope.LOT: _Terms(("portfolio_id", "security_id", "lot_id"), _PLAIN),
    Scope.TRANSACTION: _Terms(("portfolio_id", "transaction_id"), ("known_at",)),
    Scope.ENTRY: _Terms(
        ("portfolio_id", "transaction_id"), ("security_id", "leg", "lot_id", "known_at")
    ),
    Scope.DAY: _Terms(("portfolio_id", "day"), ("net_or_gross", "known_at")),
    Scope.PERIOD: _Terms(("portfolio_id", "period"), ("net_or_gross", *_PLAIN)),
    Scope.GAIN: _Terms(
        ("portfolio_id", "transaction_id", "lot_id"), ("security_id", "leg", "known_at")
    ),
    Scope.GAINS: _Terms(("portfolio_id",), ("security_id", "period", "term", *_PLAIN)),
    Scope.RISK: _Terms(("portfolio_id", "period"), ("net_or_gross", *_PLAIN)),
    Scope.MARKET: _Terms(("day",), ("security_id", "from_currency", "to_currency", "known_at")),
    Scope.BRIDGE: _Terms(("portfolio_id", "period"), _PLAIN),
    Scope.BRIDGE_LINE: _Terms(("portfolio_id", "period", "security_id"), _PLAIN),
    Scope.CONTRIBUTION: _Terms(("request",), ("group",)),
    Scope.ATTRIBUTION: _Terms(("request",), ("group",)),
    Scope.USER: _Terms(("user_id",), ("known_at",)),
    Scope.USER_SYMBOL: _Terms(("user_id", "security_id"), ("known_at",)),
    Scope.CLOSED: _Terms(("user_id",), ("known_at",)),
    Scope.COMPARISON: _Terms(
        ("user_id",),
        ("benchmark", "start_date", "end_date", "rebalancing", "security_id", "known_at"),
    ),
    Scope.VERDICT: _Terms(("user_id", "transaction_id", "rule_id")),
    Scope.ORDER: _Terms(("request", "group"), ("rule_id", "amount", "row")),
    Scope.TAX_TOTAL: _Terms(("user_id", "currency")),
    Scope.TAX_LOT: _Terms(("user_id", "currency", "row")),
    Scope.TAX_SALE: _Terms(("user_id", "currency", "row", "period")),
    Scope.BROKER_DIFFERENCE: _Terms(("user_id", "currency", "row", "period")),
    Scope.ACCOUNT: _Terms(("user_id", "portfolio_id"), ("as_of", "row")),
    Scope.HOUSEHOLD: _Terms(("user_id", "currency"), ("as_of", "row")),
}
"""What has to be named to ask for a figure of each scope, and what may be."""


def _of(scope: Scope, definitions: Mapping[str, str]) -> list[Figure]:
    return [Figure(scope, name, text) for name, text in definitions.items()]


_LISTED: Final = (
    *_of(
        Scope.PORTFOLIO,
        {
            "value": "the sum of the positions' market values, in base currency",
            "cost": "the sum of the positions' costs, in base currency",
            "unrealised": "the sum of the valued positions' unrealised gains, in base currency",
            "realised": "the sum of all realised gains, closed positions included, in base "
            "currency",
            "coverage": "market value / (market value + cost of what could not be valued)",
            "income": "dividends and interest at the rates of their days, in base currency",
            "costs": "costs and taxes booked as such, at the rates of their days, in base currency",
            "cash": "the market value of the cash accounts, in base currency; undefined where one "
            "cannot be converted",
            "holdings_cost": "the cost of what is held beside cash, in base currency",
            "holdings_unrealised": "the unrealised gain of what is held beside cash, in base "
            "currency; undefined where one cannot be valued",
        },
    ),
    *_of(
        Scope.POSITION,
        {
            "quantity": "what its transactions added less what they removed",
            "cost": "the sum of its open lots' costs, in base currency",
            "cost_local": "the sum of its open lots' costs, in its own currency",
            "unit_cost": "cost / quantity, in base currency",
            "unit_cost_local": "cost / quantity, in its own currency",
            "price": "the last price on or before the day, carried over the splits since",
            "fx_rate": "units of base currency for one of its own on the day",
            "value": "quantity x price x rates, in base currency",
            "value_local": "quantity x price, in its own currency",
            "counted": "what it adds to the portfolio's value, in base currency: its market value, "
            "or on margin its unrealised gain",
            "unrealised": "market value less cost, in base currency",
            "unrealised_local": "market value less cost, in its own currency",
            "realised": "the sum over its sales of what they brought less what it had cost, in "
            "base currency",
            "realised_local": "the same in its own currency",
            "realised_price": "the sum over its sales of local gain x rate of the sale",
            "realised_currency": "realised gain less what prices gained",
        },
    ),
    *_of(
        Scope.LOT,
        {
            "quantity": "what was opened less what was matched",
            "cost": "what opening it cost less what left with each match, in base currency",
            "cost_local": "the same in the security's own currency",
            "unit_cost": "cost / quantity, in base currency",
            "unit_cost_local": "cost / quantity, in the security's own currency",
            "value": "value of the position x units / units held, in base currency; the last lot "
            "takes what rounding leaves",
            "value_local": "the same in the security's own currency",
            "unrealised": "market value less cost, in base currency; on margin the local gain x "
            "rate",
            "unrealised_local": "market value less cost, in the security's own currency",
        },
    ),
    *_of(
        Scope.TRANSACTION,
        {
            "quantity": "as reported",
            "price": "as reported",
            "gross": "as reported, in the trade currency",
            "fee": "as reported, in the trade currency",
            "tax": "as reported, in the trade currency",
            "accrued_interest": "as reported, in the trade currency",
            "to_quantity": "as reported: the units of what was carried that arrive",
            "named_quantity": "as reported: what is to be taken from one lot",
            "fx_rate": "the rate it was booked at from the security's currency to the base "
            "currency; as reported while it waits",
        },
    ),
    *_of(
        Scope.ENTRY,
        {
            "quantity": "the change of the position's quantity",
            "cost": "what was opened less the cost of what was matched, in base currency",
            "cost_local": "the same in the security's own currency",
            "realised": "what closing brought less the cost of what was matched, in base currency",
            "realised_local": "the same in the security's own currency",
            "realised_price": "local gain x rate",
            "realised_currency": "realised gain less what prices gained",
            "fx_rate": "units of base currency for one of the security's on the day",
            "cash_amount": "the effect on cash, in the trade currency: plus is in",
            "position_flow": "the capital put into (+) or taken out of (-) the instrument",
            "matched_quantity": "what was taken from one lot",
            "matched_cost": "lot cost x taken / held before, in base currency",
            "matched_cost_local": "the same in the security's own currency",
        },
    ),
    *_of(
        Scope.DAY,
        {
            "bod_market_value": "the closing value of the valued day before",
            "bod_cashflow": "what crossed the portfolio's border at the start of the day",
            "eod_cashflow": "what crossed it at the end of the day, costs included",
            "eod_market_value": "per currency, the sum of quantity x price, converted once",
            "fees": "costs and taxes of the day, positive where they were paid",
            "unpriced_cost": "the cost of what could not be valued on the day",
            "coverage": "closing value / (closing value + cost of what could not be valued)",
            "twr": "(emv - ecf - (bmv + bcf)) / |bmv + bcf|, as percent",
        },
    ),
    *_of(
        Scope.PERIOD,
        {
            "twr": "the days' returns linked, as percent",
            "twr_annualised": "(1 + R) ** (365.25 / days) - 1 beyond 366 days, else R, as percent",
            "mwr": "the yearly rate r with sum(flow / (1 + r) ** (days / 365)) = 0",
            "mwr_annualised": "the same rate for periods of 365 days or more",
            "mwr_period": "the same rate over the days of the period",
            "begin_market_value": "the value before the first day, unpriced positions at cost",
            "end_market_value": "the value of the last day, unpriced positions at cost",
            "total_cashflow": "all flows across the portfolio's border, without costs",
            "bod_cashflow": "the flows at the start of the days",
            "eod_cashflow": "the flows at the end of the days, without costs",
            "fees": "costs and taxes, positive where they were paid",
            "contributions": "the flows into the portfolio",
            "withdrawals": "the flows out of the portfolio, as a positive amount",
            "cashflow_count": "how many flows there were",
            "coverage": "the lowest coverage of a day",
        },
    ),
    *_of(
        Scope.GAIN,
        {
            "quantity": "the units of the lot that were closed, positive on either side",
            "proceeds": "the lot's part, by units, of what the closed lots brought, in base "
            "currency; of a short, what its sale had brought",
            "proceeds_local": "the same in the security's own currency",
            "cost": "lot cost x taken / held before, in base currency; of a short, the lot's part "
            "of what covered it",
            "cost_local": "the same in the security's own currency",
            "realised": "proceeds less cost, in base currency; on margin the local gain x rate",
            "realised_local": "proceeds less cost, in the security's own currency",
            "realised_price": "local gain x rate; the last lot takes what rounding leaves",
            "realised_currency": "realised gain less what prices gained",
            "tax": "realised gain x the portfolio's rate for the holding period",
        },
    ),
    *_of(
        Scope.GAINS,
        {
            "count": "how many lines of gains there are",
            "proceeds": "the sum of their proceeds, in base currency",
            "cost": "the sum of their costs, in base currency",
            "realised": "the sum of their gains, in base currency",
            "realised_price": "the sum of what they gained by price",
            "realised_currency": "the sum of what they gained by exchange rates",
            "tax": "the sum of the tax on them, in base currency",
            "undated": "what was realised without any lot, in base currency",
        },
    ),
    *_of(
        Scope.RISK,
        {
            "drawdown": "the deepest fall from a peak, negative",
            "var": "var_historical as percent",
            "shortfall": "expected_shortfall as percent",
            **{
                measure.id: f"{measure.title}: {measure.formula}"
                for measure in MEASURES
                if not measure.needs_benchmark
            },
        },
    ),
    *_of(
        Scope.MARKET,
        {
            "price": "the price of a security on a day, as reported",
            "rate": "the exchange rate of a pair on a day, as reported",
        },
    ),
    *_of(Scope.BRIDGE, further_figures.BRIDGE),
    *_of(Scope.BRIDGE_LINE, further_figures.BRIDGE_LINE),
    *_of(Scope.CONTRIBUTION, further_figures.CONTRIBUTION),
    *_of(Scope.ATTRIBUTION, further_figures.ATTRIBUTION),
    *_of(Scope.USER, further_figures.USER),
    *_of(Scope.USER_SYMBOL, further_figures.USER_SYMBOL),
    *_of(Scope.CLOSED, further_figures.CLOSED),
    *_of(Scope.COMPARISON, further_figures.COMPARISON),
    *_of(Scope.VERDICT, further_figures.VERDICT),
    *_of(Scope.ORDER, further_figures.ORDER),
    *_of(Scope.TAX_TOTAL, further_figures.TAX_TOTAL),
    *_of(Scope.TAX_LOT, further_figures.TAX_LOT),
    *_of(Scope.TAX_SALE, further_figures.TAX_SALE),
    *_of(Scope.BROKER_DIFFERENCE, further_figures.BROKER_DIFFERENCE),
    *_of(Scope.ACCOUNT, further_figures.ACCOUNT),
    *_of(Scope.HOUSEHOLD, further_figures.HOUSEHOLD),
)
FIGURES: Final[Mapping[str, Figure]] = {figure.full_name: figure for figure in _LISTED}
"""Every figure by its full name, in the order in which they are listed."""


def chosen(question: Question) -> Figure:
    """Return the figure that a question asks for.

    Raises:
        InvalidFigureError: If there is none of that name, if something that it needs was not
            named, or if something was named that it does not take.
    """
    figure = FIGURES.get(question.figure) or _by_context(question)
    if figure is None:
        raise _no_such_figure(question)
    terms, given, needs = TERMS[figure.scope], _given(question), needs_of(figure)
    missing = [name for name in needs if name not in given]
    if missing:
        raise InvalidFigureError(
            figure.full_name,
            f"needs {' and '.join(missing)}",
            hint=f"name {' and '.join(missing)} beside it",
        )
    idle = [name for name in given if name not in {*needs, *terms.takes}]
    if idle:
        known = ", ".join((*needs, *terms.takes))
        raise InvalidFigureError(
            figure.full_name, f"takes no {idle[0]}", hint=f"it is told by {known}"
        )
    return figure


def needs_of(figure: Figure) -> tuple[str, ...]:
    """Return what has to be named to ask for a figure."""
    return (*TERMS[figure.scope].needs, *_MORE.get(figure.full_name, ()))


_MORE: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("entry.matched_quantity", "entry.matched_cost", "entry.matched_cost_local"), ("lot_id",)
    ),
    "transaction.named_quantity": ("lot_id",),
    **dict.fromkeys(further_figures.OF_GROUPS, ("group",)),
    "comparison.symbol_pnl": ("security_id",),
    "order.amount": ("rule_id", "amount"),
    "order.evidence_quantity": ("rule_id", "row"),
    "order.evidence_amount": ("rule_id", "row"),
    "order.replaced_qty": ("row",),
    "order.replaced_disallowed": ("row",),
    "verdict.amount": ("amount",),
    "verdict.evidence_quantity": ("row",),
    "verdict.evidence_amount": ("row",),
    "market.price": ("security_id",),
    "market.rate": ("from_currency", "to_currency"),
}


def _given(question: Question) -> list[str]:
    """Return the names of what a question names beside its figure."""
    fields = question._asdict()
    named = [name for name, value in fields.items() if value is not None and name not in _NOT_NAMED]
    return [*named, *(("net_or_gross",) if question.basis is not FeeBasis.NET else ())]


_NOT_NAMED: Final = frozenset({"figure", "basis"})


def _by_context(question: Question) -> Figure | None:
    """Return the figure of a bare name, about the narrowest thing that was named."""
    scopes = (
        (question.lot_id, (Scope.LOT, Scope.GAIN)),
        (question.transaction_id, (Scope.ENTRY, Scope.TRANSACTION)),
        (question.day, (Scope.DAY,)),
        (question.term, (Scope.GAINS,)),
        (question.period, (Scope.PERIOD, Scope.RISK)),
        (question.security_id, (Scope.POSITION,)),
    )
    about = next((found for named, found in scopes if named is not None), (Scope.PORTFOLIO,))
    names = (f"{scope}.{question.figure}" for scope in about)
    return next((FIGURES[name] for name in names if name in FIGURES), None)


def _no_such_figure(question: Question) -> InvalidFigureError:
    alike = [figure for figure in _LISTED if figure.name == question.figure]
    if alike:
        ways = "; ".join(f"{one.full_name} needs {' and '.join(needs_of(one))}" for one in alike)
        return InvalidFigureError(question.figure, "is not told of what was named", hint=ways)
    return InvalidFigureError(
        question.figure,
        "is none that can be explained",
        hint=f"ask for one of {', '.join(FIGURES)}",
    )
