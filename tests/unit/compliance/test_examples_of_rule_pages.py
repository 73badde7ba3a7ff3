"""The worked examples of the pages on limits, margin and leverage, in the numbers of the pages."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.compliance.scenes import held, standing, trade, verdicts
from tidebook.compliance.trades import Account, Restriction, UserLimit
from tidebook.compliance.verdicts import Status

D = Decimal
PASS, FLAG, FAIL = Status.PASS, Status.FLAG, Status.FAIL


def test_a_position_of_twenty_one_percent() -> None:
    stands = standing("100000", held("X", "150", "100"))
    found = verdicts(trade("buy 60 X at 100"), stands=stands)["position_size_limit"]
    assert (found.status, found.amount("post_trade_pct")) == (FLAG, D(21))
    assert found.amount("max_additional_qty") == 50
    stands = standing("100000", held("X", "300", "100"))
    sold = verdicts(trade("sell 50 X at 100"), stands=stands)["position_size_limit"]
    assert (sold.status, sold.amount("post_trade_pct")) == (PASS, D(25))
    assert [one.kind for one in sold.evidence] == ["passive_breach"]


@pytest.mark.parametrize(("units", "status", "percent"), [(60, FLAG, 41), (50, PASS, 40)])
def test_a_sector_of_forty_one_percent(units: int, status: Status, percent: int) -> None:
    banks = (held("BANK", "350", "100", "Banks"), held("X", "0", "1", "Banks"))
    stands = standing("100000", *banks)
    found = verdicts(trade(f"buy {units} X at 100"), stands=stands)["sector_concentration"]
    assert (found.status, found.amount("post_trade_pct")) == (status, D(percent))


@pytest.mark.parametrize(
    ("words", "there", "status"),
    [
        ("buy 10001 X at 100", "0", FLAG),
        ("buy 10000 X at 100", "0", PASS),
        ("sell 10001 X at 100", "20000", PASS),
    ],
)
def test_an_order_of_more_than_a_million(words: str, there: str, status: Status) -> None:
    stands = standing("9000000", held("X", there, "100"))
    assert verdicts(trade(words), stands=stands)["order_value_limit"].status is status


@pytest.mark.parametrize(("minutes", "status"), [(0.75, FLAG), (1.25, PASS)])
def test_a_sale_after_forty_five_seconds(minutes: float, status: Status) -> None:
    earlier = (trade("buy 10 X at 100"),)
    found = verdicts(trade("sell 10 X at 100", minute=minutes), earlier=earlier)
    assert found["opposite_trade"].status is status


@pytest.mark.parametrize(
    ("words", "status"),
    [("buy 1 ACME at 100", FAIL), ("sell 40 ACME at 100", PASS), ("sell 50 ACME at 100", FAIL)],
)
def test_a_security_on_the_list_may_be_closed(words: str, status: Status) -> None:
    account = Account("A", restricted=(Restriction("ACME", "insider list"),))
    stands = standing("100000", held("ACME", "40", "100"))
    assert verdicts(trade(words), account, stands)["restricted_list"].status is status


@pytest.mark.parametrize(
    ("words", "blocks", "status"),
    [
        ("buy 101 ACME at 10", True, FAIL),
        ("buy 60 ACME at 100", True, FAIL),
        ("buy 60 ACME at 100", False, FLAG),
        ("buy 50 ACME at 100", True, PASS),
        ("buy 900 OTHER at 100", True, Status.NOT_APPLICABLE),
    ],
)
def test_a_limit_of_the_owner(words: str, *, blocks: bool, status: Status) -> None:
    limit = UserLimit("small", D(5000), D(100), ("ACME",), blocks)
    found = verdicts(trade(words), Account("A", limits=(limit,)))
    assert found["user_limits"].status is status


@pytest.mark.parametrize(
    ("words", "status"),
    [("buy 18 X at 100", PASS), ("buy 25 X at 100", FAIL), ("sell 1 X at 100", FAIL)],
)
def test_eighteen_hundred_may_not_borrow(words: str, status: Status) -> None:
    found = verdicts(trade(words), stands=standing("1800"))["minimum_equity"]
    assert found.status is status


@pytest.mark.parametrize(
    ("words", "status", "times"),
    [
        ("buy 100 X at 100", FLAG, "4"),
        ("buy 102.5 X at 100", FAIL, "4.01"),
        ("sell 100 Y at 500", PASS, None),
    ],
)
def test_four_times_the_equity(words: str, status: Status, times: str | None) -> None:
    # 50,000 and 40,000 short are there; 10,000 more are 60,000 long.
    stands = standing("25000", held("Y", "100", "500"), held("Z", "-400", "100"))
    found = verdicts(trade(words), stands=stands)["leverage_limit"]
    assert found.status is status
    assert times is None or found.amount("leverage") == D(times)


def test_twenty_thousand_of_equity_under_regulation_t() -> None:
    bought = verdicts(trade("buy 450 X at 100"), stands=standing("20000"))["reg_t_initial"]
    assert (bought.status, bought.amount("required"), bought.amount("deficit")) == (
        FAIL,
        D(22500),
        D(2500),
    )
    short = verdicts(trade("sell 200 X at 100"), stands=standing("20000"))["reg_t_initial"]
    assert (short.status, short.amount("required")) == (PASS, D(10000))


def test_sixty_thousand_within_a_day_from_2026_on() -> None:
    on = date(2026, 7, 1)
    carried = verdicts(trade("buy 400 X at 100", on=on), stands=standing("10000"))
    assert carried["intraday_margin"].status is PASS
    beyond = verdicts(trade("buy 600 X at 100", on=on), stands=standing("10000"))
    found = beyond["intraday_margin"]
    assert (found.status, found.amount("intraday_margin_deficit")) == (FAIL, D(5000))
