"""From the rows of a request to facts: what each kind of row may hold.

Every door of ingestion is a :class:`Door`. A row is taken whole or not at all, and everything that
is wrong with it is said at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar, cast

from tidebook.api.rows import checks
from tidebook.api.rows.actions import action_of
from tidebook.api.rows.cancellations import FIELDS as CANCELLATION_FIELDS, cancellation_of
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.rows.transactions import transaction_of
from tidebook.model.assertions import BalanceAssertion, assigned_id
from tidebook.model.cancellations import Cancellation
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.money import ONE, ZERO, decimal_text
from tidebook.model.portfolios import CostMethod, MethodChange, Portfolio, Settlement, TaxRates

Fact = TypeVar("Fact")

_CHANGE = Names.of(("from", "method"))
_NO_RATES = TaxRates()
_MONTHS_MAX = 1200


class Door(NamedTuple, Generic[Fact]):
    """One way into the book: the list's name in the body, its fields, and how a row is read.

    ``plural`` names the facts in answers. ``required`` fields have no default.
    """

    wrapper: str
    plural: str
    fields: tuple[str, ...]
    required: frozenset[str]
    names: Names
    read: Callable[[RowReader], Fact]


class Sifted(NamedTuple, Generic[Fact]):
    """The facts of the clean rows, in order, and the faults of the others."""

    facts: list[Fact]
    faults: Faults


def sift(
    door: Door[Fact], rows: Sequence[object], now: datetime, *, pointer: str | None = None
) -> Sifted[Fact]:
    """Return the facts that rows of loosely typed fields stand for, and all that is wrong.

    Args:
        door: What the rows are.
        rows: One mapping per row; names in snake_case or camelCase, numbers as ``Decimal``, int
            or text.
        now: The present instant in UTC; what lies more than a day after it is a fault.
        pointer: Where the rows stand in the document, for the faults; the wrapper's name unless
            said otherwise.
    """
    place = f"/{door.wrapper}" if pointer is None else pointer
    faults = Faults()
    facts: list[Fact] = []
    for index, row in enumerate(rows):
        fact = read_row(door, row, now, pointer=f"{place}/{index}", faults=faults)
        if fact is not None:
            facts.append(fact)
    return Sifted(facts, faults)


def read_row(
    door: Door[Fact], row: object, now: datetime, *, pointer: str, faults: Faults
) -> Fact | None:
    """Return the fact of one row, or None with everything wrong with it added to ``faults``."""
    if not isinstance(row, Mapping):
        faults.add(pointer, "row.expected", "it is no object; send a JSON object with fields")
        return None
    fields = cast("Mapping[str, object]", row)
    reader = RowReader(fields, door.names, pointer=pointer, faults=faults, now=now)
    fact = door.read(reader)
    return fact if reader.is_clean else None


def _door(
    wrapper: str, plural: str, required: str, optional: str, read: Callable[[RowReader], Fact]
) -> Door[Fact]:
    needed = tuple(required.split())
    fields = needed + tuple(optional.split())
    return Door(wrapper, plural, fields, frozenset(needed), Names.of(fields), read)


def _portfolio(row: RowReader) -> Portfolio:
    method = row.choice("cost_basis_method", CostMethod, CostMethod.FIFO)
    changes = _method_changes(row)
    return Portfolio(
        portfolio_id=row.identifier("portfolio_id"),
        base_currency=row.currency("base_currency"),
        open_date=row.day("open_date"),
        name=row.text("name"),
        status=row.text("status", default="ACTIVE"),
        cost_method=method,
        settlement=row.choice("settlement", Settlement, Settlement.AUTO),
        time_zone=row.time_zone("time_zone"),
        allow_short=row.flag("allow_short"),
        risk_exposure=row.text("risk_exposure"),
        investment_time_horizon=row.text("investment_time_horizon"),
        portfolio_type=row.text("portfolio_type"),
        objective=row.optional_text("objective"),
        booking_center=row.text("booking_center"),
        cif_id=row.text("cif_id"),
        is_leverage_allowed=row.flag("is_leverage_allowed"),
        advisor_id=row.optional_text("advisor_id"),
        close_date=row.optional_day("close_date"),
        cost_method_changes=changes,
        taxpayer_id=_taxpayer(row, {method, *(change.method for change in changes)}),
        tax_rates=TaxRates(
            row.fraction("short_term_tax_rate", default=ZERO),
            row.fraction("long_term_tax_rate", default=ZERO),
            row.whole("long_term_months", default=_NO_RATES.long_term_months, most=_MONTHS_MAX),
        ),
    )


def _method_changes(row: RowReader) -> tuple[MethodChange, ...]:
    """Return the changes of the cost method, oldest first."""
    name, before = "cost_basis_method_changes", row.fault_count
    changes = tuple(
        MethodChange(one.day("from"), one.word("method", CostMethod, CostMethod.FIFO))
        for one in row.each(name, _CHANGE)
    )
    if row.fault_count == before and any(b.on <= a.on for a, b in pairwise(changes)):
        row.fault(
            name,
            "changes.order",
            "they are not in the order of their days; send the oldest first, one a day",
        )
    return changes


def _taxpayer(row: RowReader, methods: set[CostMethod]) -> str:
    taxpayer_id = row.identifier("taxpayer_id", default="")
    if CostMethod.AVCO_POOLED in methods and not taxpayer_id:
        row.fault(
            "taxpayer_id",
            "field.missing",
            "AVCO_POOLED pools over the portfolios of one taxpayer, who was not named; send the "
            "same taxpayer_id with each of them, or AVCO for a pool of its own",
        )
    return taxpayer_id


def _instrument(row: RowReader) -> Instrument:
    return Instrument(
        security_id=row.identifier("security_id"),
        name=_required_text(row, "name"),
        currency=row.currency("instrument_currency"),
        product_type=_required_text(row, "product_type"),
        isin=row.optional_text("isin"),
        asset_class=row.optional_text("asset_class"),
        sector=row.optional_text("sector"),
        country_of_risk=row.optional_text("country_of_risk"),
        multiplier=row.positive("multiplier", default=ONE),
        underlying_id=row.identifier("underlying_id", default=""),
        option_right=row.choice("option_right", OptionRight, OptionRight.CALL)
        if row.has("option_right")
        else None,
        strike=row.positive("strike") if row.has("strike") else None,
        expires_on=row.optional_day("expires_on"),
    )


def _required_text(row: RowReader, name: str) -> str:
    if not row.has(name):
        row.fault(name, "field.missing", "it is required and was not given; send text")
    return row.text(name)


def _price(row: RowReader) -> Price:
    return Price(
        row.identifier("security_id"),
        row.day("price_date", future=False),
        row.positive("price"),
        row.currency("currency"),
    )


def _rate(row: RowReader) -> Rate:
    source, target = row.currency("from_currency"), row.currency("to_currency")
    on, rate = row.day("rate_date", future=False), row.positive("rate")
    if source == target and rate != ONE and row.is_clean:
        row.fault(
            "rate",
            "rate.own-currency",
            f"a rate from {source} to itself can only be 1; correct one of the currencies",
        )
    return Rate(source, target, on, rate)


def _assertion(row: RowReader) -> BalanceAssertion:
    portfolio_id, security_id = row.identifier("portfolio_id"), row.identifier("security_id")
    on, quantity = row.day("assertion_date", future=False), row.number("quantity")
    identity = row.identifier("assertion_id", default="")
    if not identity and row.is_clean:
        identity = assigned_id(portfolio_id, security_id, on)
        if not checks.is_id(identity):
            row.fault(
                "assertion_id",
                "id.underivable",
                f"it was not given, and made of portfolio, security and day it is longer than "
                f"{checks.ID_LENGTH_MAX} characters; send one",
            )
    tolerance = row.number("tolerance", default=ZERO)
    if tolerance < 0:
        row.fault(
            "tolerance",
            "number.negative",
            f"it is {decimal_text(tolerance)}, and no difference is that small; send 0 or more",
        )
    return BalanceAssertion(
        identity,
        portfolio_id,
        security_id,
        on,
        quantity,
        tolerance,
        row.text("source"),
        row.text("note"),
        row.flag("cancelled"),
    )


def _business_date(row: RowReader) -> date:
    return row.day("business_date", future=False)


TRANSACTIONS = _door(
    "transactions",
    "transactions",
    "transaction_id portfolio_id security_id transaction_date transaction_type trade_currency",
    "quantity price instrument_id gross_transaction_amount currency trade_fee tax "
    "accrued_interest transaction_fx_rate settlement_date note lots to_portfolio_id "
    "to_security_id to_quantity",
    transaction_of,
)
PORTFOLIOS = _door(
    "portfolios",
    "portfolios",
    "portfolio_id base_currency open_date",
    "close_date risk_exposure investment_time_horizon portfolio_type objective booking_center "
    "cif_id is_leverage_allowed advisor_id status cost_basis_method settlement time_zone "
    "allow_short name cost_basis_method_changes taxpayer_id short_term_tax_rate "
    "long_term_tax_rate long_term_months",
    _portfolio,
)
INSTRUMENTS = _door(
    "instruments",
    "instruments",
    "security_id name instrument_currency product_type",
    "isin asset_class sector country_of_risk multiplier underlying_id option_right strike "
    "expires_on",
    _instrument,
)
MARKET_PRICES = _door(
    "market_prices", "market prices", "security_id price_date price currency", "", _price
)
FX_RATES = _door("fx_rates", "FX rates", "from_currency to_currency rate_date rate", "", _rate)
BUSINESS_DATES = _door("business_dates", "business dates", "business_date", "", _business_date)
CORPORATE_ACTIONS = _door(
    "corporate_actions",
    "corporate actions",
    "action_id action_type security_id ex_date",
    "new_units old_units to_security_id cost_fraction cash_per_unit cash_currency portfolio_id "
    "note",
    action_of,
)
CANCELLATIONS: Door[Cancellation] = _door(
    "cancellations", "cancellations", "kind", " ".join(CANCELLATION_FIELDS), cancellation_of
)
BALANCE_ASSERTIONS = _door(
    "balance_assertions",
    "balance assertions",
    "portfolio_id security_id assertion_date quantity",
    "assertion_id tolerance source note cancelled",
    _assertion,
)
