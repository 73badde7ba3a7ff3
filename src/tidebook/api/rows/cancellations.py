"""One row of a request to a cancellation: the kind of the fact, and what it is known by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    FactKind,
    PriceRef,
    RateRef,
    TransactionRef,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tidebook.api.rows.reader import RowReader
    from tidebook.model.cancellations import Cancellation

NAMED_BY: Final[Mapping[FactKind, tuple[str, ...]]] = {
    FactKind.TRANSACTION: ("transaction_id", "portfolio_id"),
    FactKind.CORPORATE_ACTION: ("action_id",),
    FactKind.MARKET_PRICE: ("security_id", "price_date"),
    FactKind.FX_RATE: ("from_currency", "to_currency", "rate_date"),
    FactKind.BUSINESS_DATE: ("business_date",),
    FactKind.BALANCE_ASSERTION: ("assertion_id",),
}
"""The fields by which a fact of each kind is known."""
FIELDS: Final = tuple(dict.fromkeys(name for names in NAMED_BY.values() for name in names))


def cancellation_of(  # noqa: PLR0911 - one answer for each kind
    row: RowReader,
) -> Cancellation:
    """Return what a row cancels; a transaction's portfolio is empty where it was left out."""
    kind = row.word("kind", FactKind, FactKind.TRANSACTION)
    if not row.is_sound("kind"):
        return ActionRef("")
    for name in FIELDS:
        if name not in NAMED_BY[kind] and row.has(name):
            row.fault(
                name,
                "field.unexpected",
                f"a {kind} is known by {' and '.join(NAMED_BY[kind])}; leave this out, or correct "
                "the kind",
            )
    match kind:
        case FactKind.TRANSACTION:
            portfolio_id = row.identifier("portfolio_id", default="")
            return TransactionRef(row.identifier("transaction_id"), portfolio_id)
        case FactKind.CORPORATE_ACTION:
            return ActionRef(row.identifier("action_id"))
        case FactKind.MARKET_PRICE:
            return PriceRef(row.identifier("security_id"), row.day("price_date"))
        case FactKind.FX_RATE:
            source, target = row.currency("from_currency"), row.currency("to_currency")
            return RateRef(source, target, row.day("rate_date"))
        case FactKind.BUSINESS_DATE:
            return BusinessDateRef(row.day("business_date"))
        case FactKind.BALANCE_ASSERTION:
            return AssertionRef(row.identifier("assertion_id"))
