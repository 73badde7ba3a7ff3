"""Losses that Canada denies: bought back and kept, by oneself, a spouse, or a registered plan.

Every figure is worked out by hand beside it.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import NO_RATES, security, trade
from tidebook.book.whole import Facts, build
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    Household,
    Owner,
    Standing,
    SuperficialTerms,
    household_history,
    match_superficial,
)
from tidebook.model.portfolios import CostMethod, Portfolio

if TYPE_CHECKING:
    from tidebook.compliance.taxes import SuperficialSale, SuperficialView
    from tidebook.model.facts import Transaction

D = Decimal
ACCOUNTS = {
    "P1": Account("P1"),
    "P2": Account("P2"),
    "SPOUSE": Account("SPOUSE", owner=Owner.SPOUSE),
    "TFSA": Account("TFSA", AccountKind.TFSA),
}


def keep(*transactions: Transaction) -> SuperficialView:
    portfolios = {
        name: Portfolio(
            name,
            "CAD",
            date(2000, 1, 1),
            cost_method=CostMethod.AVCO_POOLED,
            taxpayer_id="spouse" if name == "SPOUSE" else "me",
        )
        for name in ACCOUNTS
    }
    instruments = {"BTC": security("BTC", "CAD", "Crypto")}
    book = build(Facts(portfolios, instruments, transactions, NO_RATES))
    assert not book.findings
    history = household_history(book.keys, Household(portfolios, instruments, currency="CAD"))
    return match_superficial(history.events, SuperficialTerms(ACCOUNTS))


def buy(identity: str, on: str, quantity: str, price: str, account: str = "P1") -> Transaction:
    fact = trade(identity, "BUY", "BTC", on, quantity=quantity, price=price, currency="CAD")
    return fact._replace(portfolio_id=account)


def sell(identity: str, on: str, quantity: str, price: str, account: str = "P1") -> Transaction:
    fact = trade(identity, "SELL", "BTC", on, quantity=quantity, price=price, currency="CAD")
    return fact._replace(portfolio_id=account)


def sale_of(view: SuperficialView, sale_id: str) -> SuperficialSale:
    (found,) = [sale for sale in view.sales if sale.sale_id == sale_id]
    return found


def test_what_is_denied_comes_back_when_the_rest_is_sold() -> None:
    # Ten lose 20 each; four are bought back and kept: 4 / 10 of 200 is denied, 80. The four cost
    # 160 + 80 for tax, and bring 200 in the end: a loss of 40.
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "40"),
        sell("s2", "2024-09-02", "4", "50"),
    )
    first = sale_of(view, "s1")
    assert (first.denied, first.allowed) == (D(80), D(-120))
    assert sale_of(view, "s2").allowed == D(-40)
    assert view.bases == ()


def test_units_bought_back_and_sold_within_the_window_deny_nothing() -> None:
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "40"),
        sell("s2", "2024-07-03", "4", "41"),
    )
    assert sale_of(view, "s1").denied == D(0)


def test_the_rest_of_what_was_bought_shortly_before_counts() -> None:
    # Ten bought at 60, five sold at 40 ten days later, five kept: all of the loss is denied. The
    # same block is no exception in Canada.
    view = keep(buy("b1", "2024-06-01", "10", "60"), sell("s1", "2024-06-11", "5", "40"))
    assert sale_of(view, "s1").denied == D(100)
    (base,) = view.bases
    assert (base.units, base.added) == (D(5), D(100))


def test_a_spouse_who_buys_gets_the_loss_into_her_own_cost_base() -> None:
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "5", "40", "SPOUSE"),
    )
    assert sale_of(view, "s1").denied == D(100)
    (base,) = view.bases
    assert (base.owner, base.units, base.added) == ("spouse", D(5), D(100))


def test_a_registered_account_that_buys_makes_the_loss_disappear() -> None:
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "5", "40", "TFSA"),
    )
    sale = sale_of(view, "s1")
    assert (sale.denied, sale.permanent, sale.allowed) == (D(100), D(100), D(-100))
    assert [base for base in view.bases if base.added] == []


def test_the_cost_base_is_one_over_all_accounts_of_an_owner() -> None:
    # 10 at 60 here and 10 at 40 there average 50; sold at 45 here, 50 are lost. Five bought back
    # there deny half: 25. They join the other ten: 25 is added to 15 units.
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        buy("b2", "2024-01-11", "10", "40", "P2"),
        sell("s1", "2024-06-03", "10", "45"),
        buy("b3", "2024-06-05", "5", "45", "P2"),
        sell("s2", "2024-09-02", "3", "50", "P2"),
    )
    assert sale_of(view, "s1").denied == D(25)
    sale = sale_of(view, "s2")
    assert sale.adjustment == D(5)
    (base,) = view.bases
    assert (base.units, base.added) == (D(12), D(20))


def test_units_count_for_the_earlier_of_two_losses() -> None:
    view = keep(
        buy("b1", "2024-01-10", "20", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        sell("s2", "2024-06-04", "10", "30"),
        buy("b2", "2024-06-05", "10", "30"),
    )
    assert sale_of(view, "s1").denied == D(200)
    assert sale_of(view, "s2").denied == D(0)


def test_a_loss_is_open_until_the_window_ends() -> None:
    view = keep(buy("b1", "2024-01-10", "10", "60"), sell("s1", "2024-06-03", "10", "40"))
    sale = sale_of(view, "s1")
    assert sale.standing(date(2024, 7, 3)) is Standing.PROVISIONAL
    assert sale.standing(date(2024, 7, 4)) is Standing.SETTLED


def carried(identity: str, on: str, quantity: str, into: str) -> Transaction:
    fact = trade(
        identity,
        "TRANSFER_IN_KIND",
        "BTC",
        on,
        quantity=quantity,
        price="50",
        currency="CAD",
        to_portfolio_id=into,
    )
    return fact._replace(portfolio_id="P1")


def test_a_denied_loss_goes_along_to_a_spouse() -> None:
    # 80 is added to four units; one of them goes to the spouse with 20.
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "40"),
        carried("t1", "2024-09-02", "1", "SPOUSE"),
    )
    assert {base.owner: (base.units, base.added) for base in view.bases} == {
        "self": (D(3), D(60)),
        "spouse": (D(1), D(20)),
    }
    assert view.gone == D(0)


def test_a_denied_loss_is_gone_where_its_units_enter_a_registered_account() -> None:
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "40"),
        carried("t1", "2024-09-02", "1", "TFSA"),
    )
    assert view.gone == D(20)
    assert sum((base.added for base in view.bases), D(0)) == D(60)


def test_units_given_away_take_their_part_of_a_denied_loss_along() -> None:
    given = trade("o1", "TRANSFER_OUT", "BTC", "2024-09-02", quantity="2", currency="CAD")
    view = keep(
        buy("b1", "2024-01-10", "10", "60"),
        sell("s1", "2024-06-03", "10", "40"),
        buy("b2", "2024-06-05", "4", "40"),
        given,
    )
    assert view.gone == D(40)
    assert [sale.sale_id for sale in view.sales] == ["s1"]
