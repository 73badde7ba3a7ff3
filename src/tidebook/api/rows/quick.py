"""The quick way in: whole bodies decoded into typed rows and turned into facts in one pass.

It takes only what is right in every field and spelt in one way throughout. For anything else it
answers None, and the patient way reads the body again and says what is wrong. Numbers go from the
digits in the body to ``Decimal`` without passing through a float.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar, cast

import msgspec

from tidebook.api.rows import checks
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.kinds import TRANSACTIONS, read_row
from tidebook.api.rows.transaction_types import QUICK_TERMS
from tidebook.api.rows.transactions import product
from tidebook.model import moments
from tidebook.model.facts import Price, Rate, Transaction
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = TypeVar("Row", bound=msgspec.Struct)
Fact = TypeVar("Fact")


class TransactionRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One transaction as it is sent, in snake_case."""

    transaction_id: str
    portfolio_id: str
    security_id: str
    transaction_date: str
    transaction_type: str
    trade_currency: str
    quantity: Decimal | None = None
    price: Decimal | None = None
    instrument_id: str | None = None
    gross_transaction_amount: Decimal | None = None
    currency: str | None = None
    trade_fee: Decimal | None = None
    tax: Decimal | None = None
    accrued_interest: Decimal | None = None
    transaction_fx_rate: Decimal | None = None
    settlement_date: str | None = None
    note: str | None = None
    # The few bodies in which lots are chosen are read the patient way.
    lots: None = None
    to_portfolio_id: str | None = None
    to_security_id: str | None = None
    to_quantity: Decimal | None = None


class PriceRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One closing price as it is sent, in snake_case."""

    security_id: str
    price_date: str
    price: Decimal
    currency: str


class RateRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One exchange rate as it is sent, in snake_case."""

    from_currency: str
    to_currency: str
    rate_date: str
    rate: Decimal


def _in_camel_case(kind: type[Row]) -> type[Row]:
    """Return the same row with its names in camelCase."""
    fields = [
        (field.name, field.type)
        if field.default is msgspec.NODEFAULT
        else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(kind)
    ]
    made = msgspec.defstruct(
        f"{kind.__name__}InCamelCase", fields, rename="camel", forbid_unknown_fields=True, gc=False
    )
    return cast("type[Row]", made)


def _decode(wrapper: str, kind: type[Row]) -> Callable[[bytes], Sequence[Row]]:
    """Return what reads the rows of a body ``{wrapper: [row, ...]}``."""
    body = msgspec.defstruct("Body", [(wrapper, list[kind])], forbid_unknown_fields=True)
    decoder, rows = msgspec.json.Decoder(body), attrgetter(wrapper)
    return lambda content: rows(decoder.decode(content))


# The spelling that the documentation shows is tried first.
_TRANSACTIONS = (
    _decode("transactions", TransactionRow),
    _decode("transactions", _in_camel_case(TransactionRow)),
)
_PRICES = (_decode("market_prices", _in_camel_case(PriceRow)), _decode("market_prices", PriceRow))
_RATES = (_decode("fx_rates", _in_camel_case(RateRow)), _decode("fx_rates", RateRow))
_TRANSACTION = tuple(
    msgspec.json.Decoder(kind) for kind in (TransactionRow, _in_camel_case(TransactionRow))
)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def transactions(body: bytes, now: datetime) -> list[Transaction] | None:
    """Return the transactions of a body, or None when the patient way has to read it."""
    return _facts(body, _TRANSACTIONS, _transaction, now)


def transaction(body: bytes, now: datetime) -> Transaction | None:
    """Return the transaction that a body is, or None when the patient way has to read it."""
    for decoder in _TRANSACTION:
        try:
            row = decoder.decode(body)
        except _UNREADABLE:
            continue
        return _transaction(row, now)
    return None


def market_prices(body: bytes, now: datetime) -> list[Price] | None:
    """Return the prices of a body, or None when the patient way has to read it."""
    return _facts(body, _PRICES, _price, now)


def fx_rates(body: bytes, now: datetime) -> list[Rate] | None:
    """Return the rates of a body, or None when the patient way has to read it."""
    return _facts(body, _RATES, _rate, now)


def _facts(
    body: bytes,
    spellings: Sequence[Callable[[bytes], Sequence[Row]]],
    fact_of: Callable[[Row, datetime], Fact | None],
    now: datetime,
) -> list[Fact] | None:
    for decode in spellings:
        try:
            rows = decode(body)
        except _UNREADABLE:
            continue
        return _all(rows, fact_of, now)
    return None


def _all(
    rows: Sequence[Row], fact_of: Callable[[Row, datetime], Fact | None], now: datetime
) -> list[Fact] | None:
    facts: list[Fact] = []
    for row in rows:
        fact = fact_of(row, now)
        if fact is None:
            return None
        facts.append(fact)
    return facts


def _transaction(row: TransactionRow, now: datetime) -> Transaction | None:
    terms = QUICK_TERMS.get(row.transaction_type)
    if terms is None or row.to_portfolio_id or row.to_security_id or row.to_quantity:
        return _patiently(row, now)
    when = moments.day_of(row.transaction_date) or moments.instant_of(row.transaction_date)
    quantity = ZERO if row.quantity is None else row.quantity
    price = ZERO if row.price is None else row.price
    if when is None or checks.is_too_late(when, now) or (row.price is None and terms.needs_price):
        return None
    if not _are_amounts(row, quantity, price):
        return None
    traded_at = when if isinstance(when, datetime) else None
    gross = row.gross_transaction_amount
    if gross is None:
        gross = product(quantity, price)
    currency = row.trade_currency if row.currency is None else row.currency
    settlement = moments.day_of(row.settlement_date) if row.settlement_date else None
    is_sound = (
        gross is not None
        and checks.is_number(gross)
        and gross > 0
        and (quantity > 0 or not terms.needs_units)
        and (settlement is not None or not row.settlement_date)
        and checks.is_id(row.transaction_id)
        and checks.is_id(row.portfolio_id)
        and checks.is_id(row.security_id)
        and (not row.instrument_id or checks.is_id(row.instrument_id))
        and checks.is_currency(row.trade_currency)
        and (currency == row.trade_currency or checks.is_currency(currency))
        and (not row.note or checks.is_text(row.note))
    )
    if gross is None or not is_sound:
        return None
    return Transaction(
        row.transaction_id,
        row.portfolio_id,
        row.security_id,
        terms.kind,
        traded_at,
        None if traded_at else when,
        quantity,
        price,
        gross,
        row.trade_currency,
        currency,
        ZERO if row.trade_fee is None else row.trade_fee,
        ZERO if row.tax is None else row.tax,
        ZERO if row.accrued_interest is None else row.accrued_interest,
        row.transaction_fx_rate,
        row.instrument_id or "",
        settlement,
        row.note or "",
    )


def _patiently(row: TransactionRow, now: datetime) -> Transaction | None:
    """Return the transaction of a row of a rarer type, so that it slows down no other row."""
    given = msgspec.structs.asdict(row)
    return read_row(TRANSACTIONS, given, now, pointer="", faults=Faults())


def _are_amounts(row: TransactionRow, quantity: Decimal, price: Decimal) -> bool:
    fx_rate = row.transaction_fx_rate
    return (
        _is_amount(quantity)
        and _is_amount(price)
        and (row.trade_fee is None or _is_amount(row.trade_fee))
        and (row.tax is None or _is_amount(row.tax))
        and (row.accrued_interest is None or _is_amount(row.accrued_interest))
        and (fx_rate is None or (_is_amount(fx_rate) and fx_rate > 0))
    )


def _is_amount(value: Decimal) -> bool:
    return checks.is_number(value) and value >= 0


def _price(row: PriceRow, now: datetime) -> Price | None:
    on = moments.day_of(row.price_date)
    is_sound = (
        on is not None
        and not checks.is_too_late(on, now)
        and checks.is_number(row.price)
        and row.price > 0
        and checks.is_id(row.security_id)
        and checks.is_currency(row.currency)
    )
    return Price(row.security_id, on, row.price, row.currency) if on and is_sound else None


def _rate(row: RateRow, now: datetime) -> Rate | None:
    on = moments.day_of(row.rate_date)
    is_sound = (
        on is not None
        and not checks.is_too_late(on, now)
        and checks.is_number(row.rate)
        and row.rate > 0
        and row.from_currency != row.to_currency
        and checks.is_currency(row.from_currency)
        and checks.is_currency(row.to_currency)
    )
    return Rate(row.from_currency, row.to_currency, on, row.rate) if on and is_sound else None
