"""Trades and accounts in the few words that a test needs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.compliance.day_trades import DayTradeRecord
from tidebook.compliance.rulebook import Situation, judged
from tidebook.compliance.trades import (
    Account,
    AssetClass,
    Known,
    Position,
    Side,
    Standing,
    Trade,
)

if TYPE_CHECKING:
    from tidebook.compliance.verdicts import Verdict

DAY = date(2025, 6, 2)


def trade(
    words: str,
    *,
    on: date = DAY,
    minute: float = 0,
    asset_class: AssetClass = AssetClass.SECURITY,
    order_id: str = "",
) -> Trade:
    """Return the trade of words such as ``buy 10 X at 100``, so many minutes after the opening."""
    side, quantity, symbol, _, price = words.split()
    at = datetime(on.year, on.month, on.day, 14, 30, tzinfo=UTC) + timedelta(minutes=minute)
    return Trade(
        f"{words} {on} {minute}",
        "A",
        symbol,
        Side(side),
        Decimal(quantity),
        Decimal(price),
        on,
        at,
        asset_class=asset_class,
        order_id=order_id,
    )


def standing(equity: str | None = "100000", *positions: Position) -> Standing:
    """Return an account of an equity that holds these positions."""
    known = Known(None, "no price is known") if equity is None else Known(Decimal(equity))
    return Standing({one.security_id: one for one in positions}, known, known)


def held(symbol: str, quantity: str, price: str | None, sector: str = "") -> Position:
    """Return a position, without a price where none is given."""
    value = None if price is None else Decimal(price)
    return Position(symbol, Decimal(quantity), value, sector=sector)


def verdicts(
    one: Trade,
    account: Account | None = None,
    stands: Standing | None = None,
    *,
    record: DayTradeRecord | None = None,
    earlier: tuple[Trade, ...] = (),
) -> dict[str, Verdict]:
    """Return what every rule says of a trade, by rule."""
    situation = Situation(
        account or Account("A"), stands or standing(), record or DayTradeRecord(), earlier
    )
    return {found.rule_id: found for found in judged(one, situation)}
