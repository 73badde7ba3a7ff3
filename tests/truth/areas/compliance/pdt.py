"""Day trades counted by both methods, and the pattern that they make."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import (
    account_of,
    exactly,
    known_or_missing,
    trades_of,
)
from tests.truth.tolerance import assert_known
from tidebook.compliance.day_trades import CountMethod, DayTradeRecord, by_date
from tidebook.compliance.day_trading import PATTERN_DAY_TRADING, pattern_day_trading
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import Context, rule_set_on
from tidebook.compliance.trades import (
    AccountType,
    AssetClass,
    Side,
    Standing,
    Trade,
    exposure_after,
)
from tidebook.compliance.verdicts import Status
from tidebook.model.money import exact
from tidebook.model.sessions import last_sessions

if TYPE_CHECKING:
    from tests.truth.cases import Content

FIGURES = {
    "window",
    "day_trades_in_window",
    "day_trades_by_date",
    "total_trades_in_window",
    "ratio",
    "is_pattern_day_trader",
    "status",
    "day_trades_opening_transaction_method",
}


def check(case: Content) -> None:
    """Judge the last execution of the case, and compare the window it stands in."""
    expected = case["expected"]
    assert_known(expected, FIGURES)
    as_of = date.fromisoformat(case["as_of"])
    kind = str(case["config"].get("asset_class", ""))
    trades = [*_others(case, as_of), *trades_of(case["trades"], kind)]
    record = _record(case, trades, CountMethod(case["config"]["count_method"]))
    window = record.window(as_of)
    assert [day.isoformat() for day in window.sessions] == expected["window"]
    assert window.executions == expected["total_trades_in_window"]
    _compare(case, record, trades[-1]._replace(on=as_of))
    if "day_trades_opening_transaction_method" in expected:
        other = _record(case, trades, CountMethod.OPENING_TRANSACTION).window(as_of)
        assert len(other.day_trades) == expected["day_trades_opening_transaction_method"]


def _compare(case: Content, record: DayTradeRecord, last: Trade) -> None:
    expected = case["expected"]
    account = account_of(case["account"], case["config"])
    ruleset = rule_set_on(RULE_SETS, PATTERN_DAY_TRADING, "US", last.on)
    assert ruleset is not None
    standing = Standing(
        {}, equity_prev_close=known_or_missing(case["account"]["equity_prev_close"])
    )
    with exact():
        exposure = exposure_after(last, standing)
        verdict = pattern_day_trading(last, Context(ruleset, account, standing, exposure, record))
    assert verdict.status == expected["status"]
    is_pattern = any(one.kind == "designated" for one in verdict.evidence)
    assert is_pattern or verdict.status not in {Status.FLAG, Status.FAIL}
    assert is_pattern == expected["is_pattern_day_trader"]
    if account.type is AccountType.CASH:
        # There is no count in a cash account: a day trade is one of a margin account.
        assert verdict.amounts == ()
        assert expected["day_trades_in_window"] == 0
        return
    assert verdict.amount("day_trades_in_window") == expected["day_trades_in_window"]
    days = {day.isoformat(): made for day, made in by_date(record.made).items()}
    assert days == expected["day_trades_by_date"]
    ratio = verdict.amount("ratio")
    assert ratio is not None
    assert abs(ratio - exactly(expected["ratio"])) <= Decimal("0.0000005")


def _record(case: Content, trades: list[Trade], method: CountMethod) -> DayTradeRecord:
    record = DayTradeRecord(method)
    overnight = case.get("overnight_positions", {})
    held = {symbol: exactly(units) for symbol, units in overnight.items()}
    for trade in trades:
        before = held.get(trade.security_id, Decimal(0))
        record.take(trade, before)
        held[trade.security_id] = before + trade.signed
    return record


def _others(case: Content, as_of: date) -> list[Trade]:
    """Return the executions that the case counts and does not list: each opens a position.

    They are of other securities, so that it does not matter where in the window they stand.
    """
    first = last_sessions(as_of, 5)[0]
    midnight = datetime.combine(first, time(0))
    number = case.get("extra_non_day_trades_in_window", 0)
    return [
        Trade(
            f"other-{place}",
            "A",
            f"OTHER{place}",
            Side.BUY,
            Decimal(1),
            Decimal(1),
            first,
            midnight,
            asset_class=AssetClass.SECURITY,
        )
        for place in range(number)
    ]
