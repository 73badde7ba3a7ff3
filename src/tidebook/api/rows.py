"""From the rows of a request to facts: what each kind of row may hold.

Every door of ingestion is a :class:`Door`. A row is taken whole or not at all, and everything that
is wrong with it is said at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar, cast

from tidebook.api import checks
from tidebook.api.faults import Faults
from tidebook.api.rowreader import Names, RowReader
from tidebook.model.assertions import BalanceAssertion, assigned_id
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.money import ONE, ZERO, decimal_text, exact
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

Fact = TypeVar("Fact")

TYPES = {kind.value: kind for kind in TransactionType}
MOVES_UNITS = frozenset(
    {
        TransactionType.BUY,
        TransactionType.SELL,
        TransactionType.TRANSFER_IN,
        TransactionType.TRANSFER_OUT,
    }
)
"""The types that mean nothing without a quantity."""

_UNKNOWN = TransactionType.BUY


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


def _transaction(row: RowReader) -> Transaction:
    kind = _transaction_type(row)
    traded_at, trade_date = row.day_or_instant("transaction_date")
    trade_currency = row.currency("trade_currency")
    quantity, price = row.not_negative("quantity"), row.not_negative("price")
    if kind in MOVES_UNITS and not quantity and row.is_sound("transaction_type", "quantity"):
        row.fault(
            "quantity",
            "quantity.zero",
            f"it is 0, and a {kind} moves units; send how many, above 0",
        )
    return Transaction(
        transaction_id=row.identifier("transaction_id"),
        portfolio_id=row.identifier("portfolio_id"),
        security_id=row.identifier("security_id"),
        type=kind,
        traded_at=traded_at,
        trade_date=trade_date,
        quantity=quantity,
        price=price,
        gross=_gross(row, quantity, price),
        trade_currency=trade_currency,
        currency=row.currency("currency", default=trade_currency),
        fee=row.not_negative("trade_fee", default=ZERO),
        tax=row.not_negative("tax", default=ZERO),
        accrued_interest=row.not_negative("accrued_interest", default=ZERO),
        fx_rate=row.positive("transaction_fx_rate") if row.has("transaction_fx_rate") else None,
        instrument_id=row.identifier("instrument_id", default=""),
        settlement_date=row.optional_day("settlement_date", of_time=True),
        note=row.text("note"),
    )


def _transaction_type(row: RowReader) -> TransactionType:
    if not row.has("transaction_type"):
        row.fault(
            "transaction_type",
            "field.missing",
            f"it is required and was not given; send one of {', '.join(TYPES)}",
        )
        return _UNKNOWN
    text = row.text("transaction_type")
    if text not in TYPES:
        row.fault(
            "transaction_type",
            "transaction.unknown-type",
            f"{text[:40]!r} is no transaction type; the types are {', '.join(TYPES)}",
        )
    return TYPES.get(text, _UNKNOWN)


def _gross(row: RowReader, quantity: Decimal, price: Decimal) -> Decimal:
    if row.has("gross_transaction_amount"):
        return row.positive("gross_transaction_amount")
    gross = product(quantity, price)
    if gross is None or gross <= 0:
        shown = "cannot be kept with every digit" if gross is None else decimal_text(gross)
        row.fault(
            "gross_transaction_amount",
            "gross.underivable",
            f"it was not given, and quantity times price is {shown}; send the amount, above 0",
        )
    return gross or ZERO


def product(quantity: Decimal, price: Decimal) -> Decimal | None:
    """Return quantity x price exactly, or None where that has too many digits to be kept."""
    with exact():
        gross = quantity * price
    return gross if checks.is_number(gross) else None


def _portfolio(row: RowReader) -> Portfolio:
    return Portfolio(
        portfolio_id=row.identifier("portfolio_id"),
        base_currency=row.currency("base_currency"),
        open_date=row.day("open_date"),
        name=row.text("name"),
        status=row.text("status", default="ACTIVE"),
        cost_method=row.choice("cost_basis_method", CostMethod, CostMethod.FIFO),
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
    )


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
    "transaction_id portfolio_id security_id transaction_date transaction_type quantity price "
    "trade_currency",
    "instrument_id gross_transaction_amount currency trade_fee tax accrued_interest "
    "transaction_fx_rate settlement_date note",
    _transaction,
)
PORTFOLIOS = _door(
    "portfolios",
    "portfolios",
    "portfolio_id base_currency open_date",
    "close_date risk_exposure investment_time_horizon portfolio_type objective booking_center "
    "cif_id is_leverage_allowed advisor_id status cost_basis_method settlement time_zone "
    "allow_short name",
    _portfolio,
)
INSTRUMENTS = _door(
    "instruments",
    "instruments",
    "security_id name instrument_currency product_type",
    "isin asset_class sector country_of_risk",
    _instrument,
)
MARKET_PRICES = _door(
    "market_prices", "market prices", "security_id price_date price currency", "", _price
)
FX_RATES = _door("fx_rates", "FX rates", "from_currency to_currency rate_date rate", "", _rate)
BUSINESS_DATES = _door("business_dates", "business dates", "business_date", "", _business_date)
BALANCE_ASSERTIONS = _door(
    "balance_assertions",
    "balance assertions",
    "portfolio_id security_id assertion_date quantity",
    "assertion_id tolerance source note cancelled",
    _assertion,
)
