"""Losses that wait: bought back too soon, in another account, by a call, over a split.

Every figure is worked out by hand beside it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.booking import NO_RATES, security, trade
from tidebook.book.whole import Facts, build
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    AssetClass,
    Confidence,
    Household,
    Identity,
    Owner,
    Standing,
    WashTerms,
    household_history,
    match_washes,
    tax_lots,
)
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import LotChoice
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, Portfolio

if TYPE_CHECKING:
    from tidebook.compliance.taxes import History, TaxLot, TaxSale, TaxView
    from tidebook.model.facts import Transaction

D = Decimal
CALL = Instrument(
    "ACME C40",
    "ACME call 40",
    "USD",
    "Option",
    multiplier=D(100),
    underlying_id="ACME",
    option_right=OptionRight.CALL,
    strike=D(40),
)
INSTRUMENTS = {
    "ACME": security("ACME"),
    "NEW": security("NEW"),
    "BTC": security("BTC"),
    "ES": Instrument("ES", "future", "USD", "Future"),
    CALL.security_id: CALL,
}


class Kept(NamedTuple):
    """A household's tax view, and what it was drawn from."""

    view: TaxView
    history: History

    def sale(self, sale_id: str) -> TaxSale:
        (found,) = [sale for sale in self.view.sales if sale.sale_id == sale_id]
        return found

    def lots(self) -> list[TaxLot]:
        return list(tax_lots(self.view, self.history))

    def lot(self, lot_id: str) -> TaxLot:
        (found,) = [lot for lot in self.lots() if lot.lot.lot_id == lot_id]
        return found


def keep(
    *transactions: Transaction,
    terms: WashTerms | None = None,
    method: CostMethod = CostMethod.FIFO,
    actions: tuple[CorporateAction, ...] = (),
    without: str = "",
) -> Kept:
    """Return the tax view of all portfolios that are named, or of all ``without`` one."""
    portfolios = {
        name: Portfolio(name, "USD", date(2000, 1, 1), cost_method=method, allow_short=True)
        for name in {fact.portfolio_id for fact in transactions}
        | {fact.to_portfolio_id for fact in transactions}
        if name
    }
    table = ActionTable(actions)
    book = build(Facts(portfolios, INSTRUMENTS, transactions, NO_RATES, table))
    assert not book.findings
    portfolios.pop(without, None)
    history = household_history(book.keys, Household(portfolios, INSTRUMENTS, table))
    return Kept(match_washes(history.events, terms or WashTerms()), history)


def buy(
    identity: str, on: str, quantity: str, price: str, security_id: str = "ACME"
) -> Transaction:
    return trade(identity, "BUY", security_id, on, quantity=quantity, price=price)


def sell(
    identity: str, on: str, quantity: str, price: str, security_id: str = "ACME"
) -> Transaction:
    return trade(identity, "SELL", security_id, on, quantity=quantity, price=price)


def test_older_shares_are_matched_first_whatever_the_method_sold_first() -> None:
    # Last in, first out takes 10 at 60 and then 10 at 50; both lose, but only 10 are bought back.
    # They replace the 10 that were acquired first: 50 - 40 = 10 a share, 100 in all.
    kept = keep(
        buy("old", "2024-01-02", "10", "50"),
        buy("young", "2024-02-01", "10", "60"),
        sell("sale", "2024-05-01", "20", "40"),
        buy("again", "2024-05-10", "10", "41"),
        method=CostMethod.LIFO,
    )
    by_lot = {sale.lot.lot_id: sale.disallowed for sale in kept.view.sales}
    assert by_lot == {"old": D(100), "young": D(0)}
    assert kept.lot("again").basis == D(510)


def test_a_holding_that_is_sold_as_a_whole_washes_nothing() -> None:
    # Both lots were bought within 30 days of the sale, and neither replaces the other.
    kept = keep(
        buy("one", "2024-05-01", "10", "50"),
        buy("two", "2024-05-08", "10", "60"),
        sell("sale", "2024-05-20", "20", "40"),
    )
    assert kept.view.totals.disallowed == D(0)
    assert kept.view.totals.recognised == D(-300)


def test_a_lot_bought_within_the_window_and_kept_replaces_an_older_one() -> None:
    kept = keep(
        buy("one", "2024-05-01", "10", "50"),
        buy("two", "2024-05-08", "10", "60"),
        sell("sale", "2024-05-20", "10", "40"),
    )
    assert kept.sale("sale").disallowed == D(100)
    # Held from 1 to 20 May: 19 days tack, so that the other counts from 19 April.
    assert kept.lot("two").held_since == date(2024, 4, 19)
    assert kept.lot("two").basis == D(700)


def test_shares_after_a_split_replace_half_of_those_before_it() -> None:
    # 100 sold before a split of 2 for 1 are 200 of today; 100 bought after it replace half.
    kept = keep(
        buy("b1", "2024-01-10", "100", "50"),
        sell("s1", "2024-06-03", "100", "40"),
        buy("b2", "2024-06-20", "100", "21"),
        actions=(CorporateAction("x", ActionType.SPLIT, "ACME", date(2024, 6, 10), D(2), D(1)),),
    )
    sale = kept.sale("s1")
    assert (sale.quantity, sale.shares) == (D(100), D(200))
    assert (sale.gain_before_wash, sale.disallowed, sale.recognised) == (D(-1000), D(500), D(-500))
    assert kept.lot("b2").basis == D(2600)


def test_a_lot_that_was_split_keeps_what_was_deferred_into_it() -> None:
    # The loss of 100 goes into 10 shares, which are 20 after the split; half of these are sold.
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "10", "42"),
        sell("s2", "2024-09-02", "10", "30"),
        actions=(CorporateAction("x", ActionType.SPLIT, "ACME", date(2024, 7, 1), D(2), D(1)),),
    )
    sale = kept.sale("s2")
    assert (sale.proceeds, sale.basis, sale.recognised) == (D(300), D(260), D(40))
    assert (kept.lot("b2").quantity, kept.lot("b2").basis) == (D(10), D(260))


def test_a_call_carries_the_loss_into_the_shares_it_is_exercised_for() -> None:
    # 100 shares lose 1,000; one call on 100 is bought for 300 and carries it. Exercised at 40 the
    # shares cost 4,000 + 300 in the book, and 5,300 for tax.
    kept = keep(
        buy("b1", "2024-01-10", "100", "50"),
        sell("s1", "2024-03-11", "100", "40"),
        trade("o1", "BUY", CALL.security_id, "2024-03-20", quantity="1", price="3", gross="300"),
        trade(
            "x1",
            "EXERCISE",
            CALL.security_id,
            "2024-06-03",
            quantity="1",
            price="40",
            gross="4000",
            to_security_id="ACME",
            to_quantity=D(100),
        ),
        terms=WashTerms(identity=Identity(calls={CALL.security_id: "ACME"})),
    )
    (match,) = kept.sale("s1").replacements
    assert (match.lot.security_id, match.shares) == (CALL.security_id, D(100))
    assert match.confidence is Confidence.HIGH
    lot = kept.lot("x1")
    assert (lot.cost, lot.deferred, lot.basis) == (D(4300), D(1000), D(5300))
    totals = kept.view.totals
    assert (totals.deferred, totals.recognised, totals.economic) == (D(1000), D(0), D(-1000))


def test_shares_do_not_replace_a_call() -> None:
    kept = keep(
        trade("o1", "BUY", CALL.security_id, "2024-03-01", quantity="1", price="3", gross="300"),
        trade("o2", "SELL", CALL.security_id, "2024-03-11", quantity="1", price="1", gross="100"),
        buy("b1", "2024-03-12", "100", "40"),
        terms=WashTerms(identity=Identity(calls={CALL.security_id: "ACME"})),
    )
    assert kept.sale("o2").recognised == D(-200)


def test_a_deferred_loss_goes_along_to_another_account() -> None:
    moved = trade(
        "t1",
        "TRANSFER_IN_KIND",
        "ACME",
        "2024-07-01",
        quantity="4",
        price="45",
        to_portfolio_id="P2",
    )
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "10", "42"),
        moved,
        sell("s2", "2024-09-02", "4", "50")._replace(portfolio_id="P2"),
    )
    # 4 of 10 carry 40 of the loss of 100: they cost 168 + 40, and bring 200.
    assert kept.sale("s2").recognised == D(-8)
    assert kept.lot("b2").deferred == D(60)


def test_average_cost_takes_the_units_of_its_pool_in_the_order_they_came() -> None:
    # Ten at 50 and ten at 70 average 60. Ten are sold at 40: a loss of 200, replaced by five.
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        buy("b2", "2024-02-12", "10", "70"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b3", "2024-06-05", "5", "60"),
        method=CostMethod.AVCO,
    )
    sale = kept.sale("s1")
    assert (sale.lot.lot_id, sale.acquired_on) == ("b1", date(2024, 1, 10))
    assert (sale.disallowed, sale.recognised) == (D(100), D(-100))
    assert {lot.lot.lot_id: (lot.quantity, lot.basis) for lot in kept.lots()} == {
        "b2": (D(10), D(600)),
        "b3": (D(5), D(400)),
    }


def test_units_that_were_only_brought_in_replace_nothing() -> None:
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        sell("s1", "2024-06-03", "10", "40"),
        trade("in", "TRANSFER_IN", "ACME", "2024-06-05", quantity="10", price="42"),
    )
    assert kept.sale("s1").recognised == D(-100)


def test_units_of_a_spin_off_replace_nothing_and_keep_the_day_of_the_lot() -> None:
    kept = keep(
        buy("n1", "2024-01-10", "10", "5", "NEW"),
        buy("b1", "2024-01-20", "10", "50"),
        sell("s1", "2024-06-03", "10", "4", "NEW"),
        actions=(
            CorporateAction(
                "spin",
                ActionType.SPIN_OFF,
                "ACME",
                date(2024, 6, 10),
                to_security_id="NEW",
                cost_fraction=D("0.1"),
            ),
        ),
    )
    assert kept.sale("s1").recognised == D(-10)
    (spun,) = [lot for lot in kept.lots() if lot.lot.security_id == "NEW"]
    assert (spun.acquired_on, spun.basis) == (date(2024, 1, 20), D(50))


def test_a_loss_is_lost_where_a_retirement_account_buys() -> None:
    terms = WashTerms(
        {"P2": Account("P2", AccountKind.ROTH_IRA), "P3": Account("P3", owner=Owner.SPOUSE)}
    )
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "42")._replace(portfolio_id="P2"),
        buy("b3", "2024-06-06", "3", "42")._replace(portfolio_id="P3"),
        terms=terms,
    )
    sale = kept.sale("s1")
    assert (sale.disallowed, sale.permanent, sale.recognised) == (D(70), D(40), D(-30))
    assert [each.confidence for each in sale.replacements] == [Confidence.HIGH, Confidence.MEDIUM]
    assert kept.lot("b2").basis == D(168)
    assert kept.lot("b3").basis == D(156)


def test_a_loss_is_open_for_thirty_days() -> None:
    kept = keep(buy("b1", "2024-01-10", "10", "50"), sell("s1", "2024-06-03", "10", "40"))
    sale = kept.sale("s1")
    assert sale.standing(date(2024, 7, 3)) is Standing.PROVISIONAL
    assert sale.standing(date(2024, 7, 4)) is Standing.SETTLED


def _washed(security_id: str, terms: WashTerms) -> bool:
    kept = keep(
        buy("b1", "2024-03-01", "10", "50", security_id),
        sell("s1", "2024-05-01", "10", "40", security_id),
        buy("b2", "2024-05-02", "10", "42", security_id),
        terms=terms,
    )
    return bool(kept.view.totals.disallowed)


def test_coins_are_washed_only_from_the_day_on_which_a_law_says_so() -> None:
    coins = {"BTC": AssetClass.DIGITAL_ASSET}
    assert not _washed("BTC", WashTerms(classes=coins))
    assert not _washed("BTC", WashTerms(classes=coins, digital_assets_from=date(2024, 5, 2)))
    assert _washed("BTC", WashTerms(classes=coins, digital_assets_from=date(2024, 5, 1)))


def test_what_is_marked_to_market_is_exempt() -> None:
    assert not _washed("ACME", WashTerms(classes={"ACME": AssetClass.SECTION_1256}))
    elected = Account("P1", marked_to_market_from=date(2024, 5, 1))
    assert not _washed("ACME", WashTerms({"P1": elected}))
    later = Account("P1", marked_to_market_from=date(2024, 5, 2))
    assert _washed("ACME", WashTerms({"P1": later}))


def test_a_short_sale_covered_at_a_loss_lowers_what_the_next_one_brought() -> None:
    # Covering 6 of 10 at 55 loses 30; four are sold short again at 54 and take 20 of it.
    kept = keep(
        sell("ss1", "2024-05-01", "10", "50"),
        buy("bc1", "2024-05-10", "10", "55")._replace(quantity=D(6), gross=D(330)),
        sell("ss2", "2024-05-20", "4", "54"),
    )
    sale = kept.sale("bc1")
    assert (sale.gain_before_wash, sale.disallowed, sale.recognised) == (D(-30), D(20), D(-10))
    assert (kept.lot("ss2").cost, kept.lot("ss2").basis) == (D(216), D(196))
    assert not sale.doubt


def test_a_cover_at_a_loss_beside_a_sale_of_stock_is_left_open() -> None:
    kept = keep(
        buy("own", "2024-01-10", "10", "50")._replace(portfolio_id="P2"),
        sell("ss1", "2024-05-01", "10", "50"),
        buy("bc1", "2024-05-10", "10", "55"),
        sell("sold", "2024-05-20", "10", "56")._replace(portfolio_id="P2"),
    )
    sale = kept.sale("bc1")
    assert sale.disallowed == D(0)
    assert "1091(e)(1)" in sale.doubt


def test_fees_are_in_the_basis_and_out_of_the_proceeds() -> None:
    kept = keep(
        buy("b1", "2024-01-10", "10", "50")._replace(fee=D(5)),
        sell("s1", "2024-06-03", "10", "50")._replace(fee=D(7)),
        buy("b2", "2024-06-05", "10", "42")._replace(fee=D(1)),
    )
    assert kept.sale("s1").disallowed == D(12)
    assert kept.lot("b2").basis == D(433)


def test_a_lot_partly_replaced_is_sold_in_two_parts() -> None:
    # 4 of 10 carry 40. Sold at 45, these lose 5 + 10 a share; they leave first.
    kept = keep(
        buy("b1", "2024-01-10", "4", "50"),
        sell("s1", "2024-06-03", "4", "40"),
        buy("b2", "2024-06-05", "10", "50"),
        sell("s2", "2024-09-02", "6", "45")._replace(lots=(LotChoice("b2", D(6)),)),
    )
    parts = [sale for sale in kept.view.sales if sale.sale_id == "s2"]
    assert [(part.shares, part.recognised) for part in parts] == [(D(4), D(-60)), (D(2), D(-10))]
    assert kept.lot("b2").basis == D(200)


@pytest.mark.parametrize(
    ("currency", "security_id", "reason"),
    [("EUR", "ACME", "taxed in EUR"), ("USD", "ES", "held on margin")],
)
def test_what_cannot_be_told_is_left_out_and_named(
    currency: str, security_id: str, reason: str
) -> None:
    portfolios = {"P1": Portfolio("P1", "USD", date(2000, 1, 1))}
    book = build(
        Facts(
            portfolios,
            INSTRUMENTS,
            [trade("b1", "BUY", security_id, "2024-01-10", quantity="1", price="5")],
            NO_RATES,
        )
    )
    history = household_history(book.keys, Household(portfolios, INSTRUMENTS, currency=currency))
    assert not history.events
    (left_out,) = history.left_out
    assert reason in left_out


def _given(into: str) -> Transaction:
    return trade(
        "t1",
        "TRANSFER_IN_KIND",
        "ACME",
        "2024-07-01",
        quantity="4",
        price="45",
        to_portfolio_id=into,
    )


def test_a_deferred_loss_leaves_with_units_that_leave_the_household() -> None:
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "10", "42"),
        _given("P9"),
        without="P9",
    )
    assert kept.view.gone == D(40)
    assert (kept.lot("b2").quantity, kept.lot("b2").deferred) == (D(6), D(60))
    assert [sale.sale_id for sale in kept.view.sales] == ["s1"]


def test_units_that_come_from_outside_the_household_keep_their_days_and_replace_nothing() -> None:
    kept = keep(
        buy("b1", "2024-01-10", "10", "50")._replace(portfolio_id="P2"),
        sell("s1", "2024-06-28", "10", "40")._replace(portfolio_id="P2"),
        buy("b2", "2024-06-05", "10", "42"),
        _given("P2"),
        without="P1",
    )
    assert kept.sale("s1").recognised == D(-100)
    (lot,) = kept.lots()
    assert (lot.acquired_on, lot.quantity, lot.basis) == (date(2024, 6, 5), D(4), D(168))


def test_a_merger_for_cash_is_a_sale() -> None:
    cash = CorporateAction(
        "m",
        ActionType.MERGER,
        "ACME",
        date(2024, 6, 3),
        new_units=D(0),
        cost_fraction=D(0),
        cash_per_unit=D(40),
        cash_currency="USD",
    )
    kept = keep(
        buy("b1", "2024-01-10", "10", "50"),
        buy("b2", "2024-05-20", "4", "45"),
        actions=(cash,),
    )
    # Both lots end together, so that neither replaces the other.
    assert [(sale.proceeds, sale.recognised) for sale in kept.view.sales] == [
        (D(400), D(-100)),
        (D(160), D(-20)),
    ]
