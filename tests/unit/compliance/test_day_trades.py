"""Day trades that no published example shows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.compliance.scenes import trade
from tidebook.compliance.day_trades import CountMethod, DayTradeRecord
from tidebook.compliance.trades import AssetClass

if TYPE_CHECKING:
    from tidebook.compliance.trades import Trade

ZERO = Decimal(0)


def made(
    *trades: Trade, overnight: int = 0, method: CountMethod = CountMethod.DIRECTION_CHANGE
) -> int:
    record = DayTradeRecord(method)
    held: dict[str, Decimal] = {}
    for one in trades:
        before = held.get(one.security_id, Decimal(overnight))
        record.take(one, before)
        held[one.security_id] = before + one.signed
    return len(record.made)


def test_a_short_of_the_night_covered_before_any_new_sale_is_no_day_trade() -> None:
    assert made(trade("buy 100 X at 9"), trade("sell 100 X at 10", minute=1), overnight=-100) == 0


def test_a_short_of_the_day_that_is_covered_is_one() -> None:
    assert made(trade("sell 100 X at 9"), trade("buy 100 X at 10", minute=1)) == 1


def test_a_position_held_over_night_and_sold_on_the_next_day_is_none() -> None:
    later = date(2025, 6, 3)
    assert made(trade("buy 100 X at 9"), trade("sell 100 X at 10", on=later)) == 0


def test_coins_make_no_day_trades() -> None:
    coin = AssetClass.CRYPTO
    bought = trade("buy 1 BTC at 9", asset_class=coin)
    assert made(bought, trade("sell 1 BTC at 10", minute=1, asset_class=coin)) == 0


def test_another_strike_is_another_security() -> None:
    option = AssetClass.OPTION
    bought = trade("buy 1 AAPL250620C00200000 at 9", asset_class=option)
    sold = trade("sell 1 AAPL250620C00210000 at 9", minute=1, asset_class=option)
    assert made(bought, sold) == 0


def test_a_spread_opened_and_closed_as_one_order_each_is_one_day_trade() -> None:
    legs = (
        trade("buy 1 C200 at 9", order_id="open"),
        trade("sell 1 C210 at 5", order_id="open"),
        trade("sell 1 C200 at 10", minute=5, order_id="close"),
        trade("buy 1 C210 at 4", minute=5, order_id="close"),
    )
    assert made(*legs) == 1
    assert made(*(leg._replace(order_id="") for leg in legs)) == 2


def test_the_older_method_counts_what_opened_and_was_closed_the_oldest_first() -> None:
    # 250, 300 and 100 bought, 325 sold: the first purchase and a part of the second.
    trades = [trade(f"buy {units} X at 9") for units in (250, 300, 100)]
    trades += [trade("sell 150 X at 9", minute=1), trade("sell 175 X at 9", minute=2)]
    assert made(*trades, method=CountMethod.OPENING_TRANSACTION) == 2


def test_a_window_forgets_what_is_older_than_five_sessions() -> None:
    record = DayTradeRecord()
    for day in (date(2025, 11, 24), date(2025, 11, 26)):
        record.take(trade("buy 1 X at 9", on=day), ZERO)
        record.take(trade("sell 1 X at 9", on=day, minute=1), Decimal(1))
    window = record.window(date(2025, 12, 2))
    assert (len(window.day_trades), window.executions) == (1, 2)
