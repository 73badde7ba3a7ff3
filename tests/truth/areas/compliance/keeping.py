"""From the words of a compliance case to the values that rules look at."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.compliance.day_trades import DayTradeRecord
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import Context, rule_set_on
from tidebook.compliance.trades import (
    Account,
    AccountType,
    AssetClass,
    BrokerPolicy,
    DayTradeRegime,
    Known,
    Position,
    Side,
    Standing,
    Trade,
    exchange_day,
    exposure_after,
)
from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.truth.cases import Content
    from tidebook.compliance.rules import Rule
    from tidebook.compliance.verdicts import Verdict

CENT = Decimal("0.005")
_ANY_DAY = date(2025, 6, 2)


def exactly(value: object) -> Decimal:
    """Return a number of a case as a decimal, by the digits it is written with."""
    return Decimal(str(value))


def assert_money(actual: Decimal | None, expected: object) -> None:
    """Assert that an amount rounds to the cents that a case states."""
    assert actual is not None
    assert abs(actual - exactly(expected)) <= CENT, f"{actual} where {expected} is due"


def account_of(content: Content, config: Content) -> Account:
    """Return the account of a case, with the standard that its broker applies."""
    regime = config.get("regime")
    policy = BrokerPolicy("A", None if regime is None else DayTradeRegime(regime))
    return Account("A", AccountType(content["type"]), policy=policy)


def trades_of(content: list[Content], asset_class: str = "") -> list[Trade]:
    """Return executions in the order in which they are listed.

    ``asset_class`` is that of all which do not say what they are of.
    """
    return [
        Trade(
            str(row.get("id", place)),
            "A",
            row["symbol"],
            Side(row["side"]),
            exactly(row["qty"]),
            exactly(row.get("price", 1)),
            exchange_day(datetime.fromisoformat(row["executed_at"])),
            datetime.fromisoformat(row["executed_at"]),
            asset_class=asset_class_of(row.get("asset_class") or asset_class),
            order_id=str(row.get("order_id") or row.get("spread_id") or ""),
        )
        for place, row in enumerate(content)
    ]


def asset_class_of(word: str) -> AssetClass:
    """Return the kind of a security by its word; what has another word is a security."""
    return AssetClass(word) if word in set(AssetClass) else AssetClass.SECURITY


def known_or_missing(value: object) -> Known:
    """Return a figure of a case that may be null."""
    return Known(None, "the case has none") if value is None else Known(exactly(value))


def order_of(content: Content, symbol: str = "X") -> Trade:
    """Return the order of a case: of so many units at a price, or of one unit worth it all."""
    side = Side.BUY if content["side"].startswith("buy") else Side.SELL
    quantity, price = content.get("qty", 1), content.get("price", content.get("notional"))
    kind = asset_class_of(content.get("asset_class", ""))
    return Trade(
        "order", "A", symbol, side, exactly(quantity), exactly(price), _ANY_DAY, asset_class=kind
    )


def held(symbol: str, quantity: object, price: object) -> Position:
    """Return a position."""
    return Position(symbol, exactly(quantity), exactly(price))


def judge(
    rule: tuple[str, Rule],
    trade: Trade,
    equity: object,
    positions: tuple[Position, ...] = (),
    params: Mapping[str, Decimal] | None = None,
) -> Verdict:
    """Return what a rule says of a trade in a margin account of this equity.

    Args:
        rule: The rule and its id.
        trade: The trade.
        equity: The equity of the account, or None.
        positions: What it holds.
        params: The parameters of the rule that the broker states otherwise.
    """
    rule_id, judged = rule
    ruleset = rule_set_on(RULE_SETS, rule_id, "US", trade.on)
    assert ruleset is not None
    stated = {f"{rule_id}.{name}": value for name, value in (params or {}).items()}
    account = Account("A", policy=BrokerPolicy("A", params=stated))
    standing = Standing({one.security_id: one for one in positions}, known_or_missing(equity))
    with exact():
        exposure = exposure_after(trade, standing)
        return judged(trade, Context(ruleset, account, standing, exposure, DayTradeRecord()))
