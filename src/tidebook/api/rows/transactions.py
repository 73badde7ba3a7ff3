"""One row of a request to a transaction, under the terms of its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.rows import checks
from tidebook.api.rows.reader import Names
from tidebook.api.rows.transaction_types import TERMS, TYPES, WHY_NOTHING, Term
from tidebook.model.actions import ActionType
from tidebook.model.facts import LotChoice, Transaction, TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.api.rows.reader import RowReader

_UNKNOWN = TransactionType.BUY
_LOT = Names.of(("lot_id", "quantity"))
_GROSS = "gross_transaction_amount"
_ACTIONS = frozenset(kind.value for kind in ActionType)
_TAKE_LOTS = ", ".join(kind for kind, terms in TERMS.items() if terms.takes_lots)
_TRANSFERS = ", ".join(k for k, terms in TERMS.items() if terms.to_portfolio is not Term.NONE)
_CONVERSIONS = ", ".join(k for k, terms in TERMS.items() if terms.to_security is not Term.NONE)


def transaction_of(row: RowReader) -> Transaction:
    """Return the transaction of a row."""
    kind = _type(row)
    terms = TERMS[kind]
    portfolio_id, security_id = row.identifier("portfolio_id"), row.identifier("security_id")
    traded_at, trade_date = row.day_or_instant("transaction_date")
    trade_currency = row.currency("trade_currency")
    quantity = _quantity(row, kind, terms.units)
    price = _price(row, terms.price)
    to_security_id, to_quantity = _to_security(row, kind, terms.to_security, security_id)
    return Transaction(
        transaction_id=row.identifier("transaction_id"),
        portfolio_id=portfolio_id,
        security_id=security_id,
        type=kind,
        traded_at=traded_at,
        trade_date=trade_date,
        quantity=quantity,
        price=price,
        gross=_gross(row, kind, quantity, price),
        trade_currency=trade_currency,
        currency=row.currency("currency", default=trade_currency),
        fee=row.not_negative("trade_fee", default=ZERO),
        tax=row.not_negative("tax", default=ZERO),
        accrued_interest=row.not_negative("accrued_interest", default=ZERO),
        fx_rate=row.positive("transaction_fx_rate") if row.has("transaction_fx_rate") else None,
        instrument_id=row.identifier("instrument_id", default=""),
        settlement_date=row.optional_day("settlement_date", of_time=True),
        note=row.text("note"),
        lots=_lots(row, kind, quantity),
        to_portfolio_id=_to_portfolio(row, kind, terms.to_portfolio, portfolio_id),
        to_security_id=to_security_id,
        to_quantity=to_quantity,
    )


def product(quantity: Decimal, price: Decimal) -> Decimal | None:
    """Return quantity x price exactly, or None where that has too many digits to be kept."""
    with exact():
        gross = quantity * price
    return gross if checks.is_number(gross) else None


def _type(row: RowReader) -> TransactionType:
    types = f"the types are {', '.join(TYPES)}"
    if not row.has("transaction_type"):
        row.fault(
            "transaction_type",
            "field.missing",
            f"it is required and was not given; send one of {', '.join(TYPES)}",
        )
        return _UNKNOWN
    text = row.text("transaction_type")
    if text in TYPES:
        return TYPES[text]
    if text == TransactionType.CANCELLED:
        why = "'CANCELLED' is nothing to send: POST /ingest/cancellations cancels a transaction"
    elif text in _ACTIONS:
        why = (
            f"{text!r} is a corporate action, one fact for everyone who holds the security; send "
            "it to POST /ingest/corporate-actions"
        )
    else:
        why = f"{text[:40]!r} is no transaction type"
    row.fault("transaction_type", "transaction.unknown-type", f"{why}; {types}")
    return _UNKNOWN


def _quantity(row: RowReader, kind: TransactionType, term: Term) -> Decimal:
    needed = term is Term.POSITIVE
    quantity = row.not_negative("quantity", default=None if needed else ZERO)
    if needed and not quantity and row.is_sound("transaction_type", "quantity"):
        row.fault(
            "quantity",
            "quantity.zero",
            f"it is 0, and a {kind} moves units; send how many, above 0",
        )
    if term is Term.NONE:
        _nothing(row, kind, "quantity", quantity)
    return quantity


def _price(row: RowReader, term: Term) -> Decimal:
    if term is Term.POSITIVE:
        return row.positive("price")
    return row.not_negative("price", default=ZERO if term is Term.OPTIONAL else None)


def _gross(row: RowReader, kind: TransactionType, quantity: Decimal, price: Decimal) -> Decimal:
    terms = TERMS[kind]
    if row.has(_GROSS):
        if terms.gross is Term.POSITIVE:
            return row.positive(_GROSS)
        gross = row.not_negative(_GROSS)
        if terms.gross is Term.NONE:
            _nothing(row, kind, _GROSS, gross)
        return gross
    if terms.gross is Term.NONE:
        return ZERO
    if not row.is_sound("quantity", "price"):
        return ZERO
    gross = product(quantity, price)
    if gross is None or (gross <= 0 and terms.gross is Term.POSITIVE):
        shown = "cannot be kept with every digit" if gross is None else decimal_text(gross)
        row.fault(
            _GROSS,
            "gross.underivable",
            f"it was not given, and quantity times price is {shown}; send the amount, above 0",
        )
    return gross or ZERO


def _nothing(row: RowReader, kind: TransactionType, name: str, value: Decimal) -> None:
    if value and row.is_sound(name):
        row.fault(
            name,
            "number.not-zero",
            f"it is {decimal_text(value)} and must be 0 or left out in a {kind}: "
            f"{WHY_NOTHING[kind, name]}",
        )


def _lots(row: RowReader, kind: TransactionType, quantity: Decimal) -> tuple[LotChoice, ...]:
    """Return the lots that a row chooses; together they are all that it takes."""
    before = row.fault_count
    choices = tuple(
        LotChoice(one.identifier("lot_id"), one.positive("quantity"))
        for one in row.each("lots", _LOT)
    )
    is_sound = row.fault_count == before and row.is_sound("quantity", "transaction_type")
    if not choices or not is_sound:
        return choices
    if not TERMS[kind].takes_lots:
        _unexpected(row, kind, "lots", _TAKE_LOTS)
        return choices
    if len({choice.lot_id for choice in choices}) < len(choices):
        row.fault("lots", "lots.doubled", "a lot is named twice; send each lot once")
    with exact():
        taken = sum((choice.quantity for choice in choices), ZERO)
    if taken != quantity:
        row.fault(
            "lots",
            "lots.sum",
            f"they sum to {decimal_text(taken)}, and the quantity is {decimal_text(quantity)}; "
            "send lots for all of it, or none to leave the choice to the portfolio's method",
        )
    return choices


def _to_portfolio(row: RowReader, kind: TransactionType, term: Term, own_id: str) -> str:
    name = "to_portfolio_id"
    portfolio_id = row.identifier(name, default=None if term is Term.POSITIVE else "")
    if not portfolio_id or not row.is_sound("transaction_type"):
        return portfolio_id
    if term is Term.NONE:
        _unexpected(row, kind, name, _TRANSFERS)
    elif portfolio_id == own_id:
        row.fault(
            name,
            "transfer.to-itself",
            "it is the portfolio that the units leave; name the one that receives them",
        )
    return portfolio_id


def _to_security(
    row: RowReader, kind: TransactionType, term: Term, own_id: str
) -> tuple[str, Decimal]:
    needed = term is Term.POSITIVE
    security_id = row.identifier("to_security_id", default=None if needed else "")
    quantity = _to_quantity(row, term)
    if not row.is_sound("transaction_type"):
        return security_id, quantity
    if term is Term.NONE:
        given = {"to_security_id": security_id, "to_quantity": quantity}
        for name in (name for name, value in given.items() if value):
            _unexpected(row, kind, name, _CONVERSIONS)
    elif security_id and security_id == own_id:
        row.fault(
            "to_security_id",
            "security.to-itself",
            f"it is the security that is given up; name the one that a {kind} leads to",
        )
    elif built_in_instrument(security_id, "") is not None:
        row.fault(
            "to_security_id",
            "security.cash",
            f"{security_id} is cash, which has no lots to keep; a {kind} leads to a security; send "
            "a SELL for what was paid out in cash",
        )
    return security_id, quantity


def _to_quantity(row: RowReader, term: Term) -> Decimal:
    name = "to_quantity"
    if term is Term.POSITIVE or (term is Term.OPTIONAL and row.has(name)):
        return row.positive(name)
    return row.not_negative(name, default=ZERO)


def _unexpected(row: RowReader, kind: TransactionType, name: str, takers: str) -> None:
    row.fault(
        name,
        "field.unexpected",
        f"a {kind} has none: it belongs to {takers}; leave it out, or correct the type",
    )
