"""What is sent about compliance: orders to be checked, what is stated of an account, and seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tidebook.api.rows import checks
from tidebook.api.rows.bodies import decoded_object, refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import AccountKind, Owner
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    Restriction,
    Side,
    UserLimit,
)
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

ORDERS_MAX = 100
_ORDER = (
    "order_id",
    "symbol",
    "side",
    "qty",
    "price",
    "account_id",
    "asset_class",
)
_POLICY = (
    "account_type",
    "jurisdiction",
    "day_trade_regime",
    "confirmed_on",
    "params",
    "limits",
    "restricted",
    "equity_elsewhere",
    "tax_kind",
    "owner",
    "household_id",
    "identical",
)
_LIMIT = Names.of(("limit_id", "max_value", "max_quantity", "symbols", "blocks"))
_RESTRICTION = Names.of(("symbol", "why", "closing_allowed"))
_SEEN = Names.of(("trade_id", "rule_id", "actor", "reason"))


class OrderSent(NamedTuple):
    """An order as it was sent; the account is one of the user's, or empty for the default one."""

    order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal | None
    account_id: str
    asset_class: str


class OrdersSent(NamedTuple):
    """A basket of orders, and the instant at which they are meant to be done."""

    orders: tuple[OrderSent, ...]
    at: datetime


class Seen(NamedTuple):
    """That someone lets a verdict stand, and why."""

    trade_id: str
    rule_id: str
    actor: str
    reason: str


def orders_of(body: bytes, now: datetime) -> OrdersSent:
    """Return the orders of a body: a list under ``orders``, or the fields of a single one.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If an order has a fault.
    """
    document = decoded_object(body)
    faults = Faults()
    whole = Names.of(("orders", "at")) if "orders" in document else Names.of((*_ORDER, "at"))
    row = RowReader(document, whole, pointer="", faults=faults, now=now)
    readers = row.each("orders", Names.of(_ORDER)) if "orders" in document else [row]
    if not 0 < len(readers) <= ORDERS_MAX and not faults.count:
        faults.add("/orders", "orders.number", f"send 1 to {ORDERS_MAX} orders at once")
    orders = tuple(_order(one, place) for place, one in enumerate(readers))
    at = row.optional_instant("at") or now
    if len({one.order_id for one in orders}) != len(orders):
        faults.add("/orders", "orders.same-id", "two orders have the same order_id")
    if faults.count:
        raise refusal(faults)
    return OrdersSent(orders, at.astimezone(UTC))


def _order(row: RowReader, place: int) -> OrderSent:
    return OrderSent(
        row.identifier("order_id", default="") or f"order-{place + 1}",
        row.identifier("symbol"),
        row.word("side", Side, Side.BUY),
        row.positive("qty"),
        row.positive("price", default=ONE) if row.has("price") else None,
        row.identifier("account_id", default=""),
        row.text("asset_class"),
    )


def policy_of(body: bytes, now: datetime) -> AccountPolicy:
    """Return what a body states of an account.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If a field has a fault.
    """
    faults = Faults()
    names = Names.of(_POLICY)
    row = RowReader(decoded_object(body), names, pointer="", faults=faults, now=now)
    regime = row.has("day_trade_regime")
    policy = AccountPolicy(
        row.choice("account_type", AccountType, AccountType.MARGIN),
        row.text("jurisdiction", default="US") or "US",
        row.choice("day_trade_regime", DayTradeRegime, DayTradeRegime.LEGACY_PDT)
        if regime
        else None,
        row.optional_day("confirmed_on"),
        _numbers(row, "params", now, faults),
        tuple(_limit(one) for one in row.each("limits", _LIMIT)),
        tuple(_restriction(one) for one in row.each("restricted", _RESTRICTION)),
        row.number("equity_elsewhere", default=ONE) if row.has("equity_elsewhere") else None,
        row.choice("tax_kind", AccountKind, AccountKind.TAXABLE),
        row.choice("owner", Owner, Owner.SELF),
        row.identifier("household_id", default=""),
        _words(row, "identical", faults),
    )
    if faults.count:
        raise refusal(faults)
    return policy


def _limit(row: RowReader) -> UserLimit:
    symbols = row.rows("symbols") if row.has("symbols") else ()
    for one in symbols:
        if not isinstance(one, str) or not checks.is_id(one):
            row.fault("symbols", "id.unusable", "a symbol is text of 1 to 200 characters")
    limit = UserLimit(
        row.identifier("limit_id"),
        row.positive("max_value", default=ONE) if row.has("max_value") else None,
        row.positive("max_quantity", default=ONE) if row.has("max_quantity") else None,
        tuple(str(one) for one in symbols),
        row.flag("blocks"),
    )
    if limit.max_value is None and limit.max_quantity is None:
        row.fault("max_value", "limit.empty", "send max_value, max_quantity or both")
    return limit


def _restriction(row: RowReader) -> Restriction:
    return Restriction(
        row.identifier("symbol"), row.text("why"), row.flag("closing_allowed", default=True)
    )


def _numbers(row: RowReader, name: str, now: datetime, faults: Faults) -> Mapping[str, Decimal]:
    given = row.fields(name)
    inner = RowReader(
        given, Names({each: each for each in given}), pointer=f"/{name}", faults=faults, now=now
    )
    return {each: inner.number(each) for each in given}


def _words(row: RowReader, name: str, faults: Faults) -> Mapping[str, str]:
    given = row.fields(name)
    for each, value in given.items():
        if not isinstance(value, str) or not checks.is_id(value):
            faults.add(f"/{name}/{each}", "id.unusable", "a group is text of 1 to 200 characters")
    return {each: str(value) for each, value in given.items()}


def seen_of(body: bytes, now: datetime) -> Seen:
    """Return an acknowledgement; its reason must say something.

    Raises:
        MalformedBodyError: If it is not JSON.
        InvalidRequestError: If a field has a fault.
    """
    faults = Faults()
    row = RowReader(decoded_object(body), _SEEN, pointer="", faults=faults, now=now)
    seen = Seen(
        row.identifier("trade_id"),
        row.identifier("rule_id"),
        row.identifier("actor"),
        row.text("reason").strip(),
    )
    if not seen.reason and not faults.count:
        row.fault("reason", "field.missing", "say why the verdict may stand")
    if faults.count:
        raise refusal(faults)
    return seen
