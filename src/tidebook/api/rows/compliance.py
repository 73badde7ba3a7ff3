"""What is sent about compliance: orders to be checked, and what someone has seen."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tidebook.api.rows.bodies import decoded_object, refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.compliance.trades import Side
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
    """A basket of orders, and the instant at which they are meant to be done.

    ``still_open`` are orders that were sent before and are not done.
    """

    orders: tuple[OrderSent, ...]
    at: datetime
    still_open: tuple[OrderSent, ...] = ()


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
    return orders_in(decoded_object(body), now)


def orders_in(document: Mapping[str, object], now: datetime) -> OrdersSent:
    """Return the orders of a body that was read already.

    Raises:
        InvalidRequestError: If an order has a fault.
    """
    faults = Faults()
    single = () if "orders" in document else _ORDER
    whole = Names.of(("orders", "open_orders", "at", *single))
    row = RowReader(document, whole, pointer="", faults=faults, now=now)
    readers = row.each("orders", Names.of(_ORDER)) if "orders" in document else [row]
    if not 0 < len(readers) <= ORDERS_MAX and not faults.count:
        faults.add("/orders", "orders.number", f"send 1 to {ORDERS_MAX} orders at once")
    orders = tuple(_order(one, f"order-{place + 1}") for place, one in enumerate(readers))
    others = row.each("open_orders", Names.of(_ORDER))
    if len(others) > ORDERS_MAX:
        faults.add("/open_orders", "orders.number", f"send at most {ORDERS_MAX} open orders")
    still_open = tuple(_order(one, f"open-{place + 1}") for place, one in enumerate(others))
    at = row.optional_instant("at") or now
    if len({one.order_id for one in (*orders, *still_open)}) != len(orders) + len(still_open):
        faults.add("/orders", "orders.same-id", "two orders have the same order_id")
    if faults.count:
        raise refusal(faults)
    return OrdersSent(orders, at.astimezone(UTC), still_open)


def _order(row: RowReader, unnamed: str) -> OrderSent:
    return OrderSent(
        row.identifier("order_id", default="") or unnamed,
        row.identifier("symbol"),
        row.word("side", Side, Side.BUY),
        row.positive("qty"),
        row.positive("price", default=ONE) if row.has("price") else None,
        row.identifier("account_id", default=""),
        row.text("asset_class"),
    )


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
