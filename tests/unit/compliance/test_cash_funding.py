"""What purchases in a cash account were paid with, sale by sale. T+1 throughout."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tidebook.compliance.cash_funding import CashBreachKind, CashFunding, CashTrade
from tidebook.compliance.trades import Side

MONDAY, TUESDAY = date(2025, 6, 2), date(2025, 6, 3)


def bought(symbol: str, amount: int, on: date, units: int | None = None) -> CashTrade:
    quantity = None if units is None else Decimal(units)
    return CashTrade(f"b{symbol}", on, Side.BUY, symbol, Decimal(amount), quantity)


def sold(symbol: str, amount: int, on: date, units: int | None = None) -> CashTrade:
    quantity = None if units is None else Decimal(units)
    return CashTrade(f"s{symbol}", on, Side.SELL, symbol, Decimal(amount), quantity)


def test_what_settled_cash_bought_may_be_sold_at_once() -> None:
    funding = CashFunding(Decimal(5000))
    funding.take(bought("A", 5000, MONDAY))
    assert funding.take(sold("A", 5100, MONDAY)) == ()


def test_what_unsettled_proceeds_bought_may_be_sold_once_they_settle() -> None:
    funding = CashFunding()
    funding.take(sold("A", 5000, MONDAY))
    funding.take(bought("B", 5000, MONDAY))
    assert funding.take(sold("B", 5050, TUESDAY)) == ()


def test_what_settled_money_did_not_cover_is_in_breach_for_its_part_alone() -> None:
    funding = CashFunding(Decimal(2000))
    funding.take(sold("A", 5000, MONDAY))
    funding.take(bought("B", 5000, MONDAY))
    (breach,) = funding.take(sold("B", 5050, MONDAY))
    assert breach == (CashBreachKind.GOOD_FAITH_VIOLATION, "bB", MONDAY, Decimal(3000), TUESDAY)


def test_what_was_sold_without_ever_being_paid_for_is_free_riding() -> None:
    funding = CashFunding()
    funding.take(bought("A", 1000, MONDAY))
    (breach,) = funding.take(sold("A", 1100, MONDAY))
    assert breach.kind is CashBreachKind.FREE_RIDING
    assert breach.settles_on is None


def test_a_deposit_pays_what_is_owed() -> None:
    funding = CashFunding()
    funding.take(bought("A", 1000, MONDAY))
    funding.deposit(TUESDAY, Decimal(1000))
    assert funding.take(sold("A", 1100, TUESDAY)) == ()


def test_the_rest_of_a_purchase_is_paid_with_its_share_of_the_same_money() -> None:
    funding = CashFunding(Decimal(600))
    funding.take(sold("A", 400, MONDAY))
    funding.take(bought("B", 1000, MONDAY, 10))
    (first,) = funding.take(sold("B", 450, MONDAY, 4))
    (second,) = funding.take(sold("B", 650, MONDAY, 6))
    assert first.amount == Decimal(400)
    assert second.amount == Decimal(240)
