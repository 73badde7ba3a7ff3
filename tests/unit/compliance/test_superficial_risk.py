"""What Canada would deny of a sale, and by a purchase, before either is made; worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.unit.compliance.lot_history import bought, sold
from tidebook.compliance.taxes import (
    Account,
    AccountKind,
    LotKey,
    SuperficialTerms,
    superficial_risk_of_purchase,
    superficial_risk_of_sale,
)

D = Decimal
TERMS = SuperficialTerms()
OLD = bought("old", "2024-01-10", 100)
NEW = bought("new", "2024-06-03", 40)


def test_a_sale_with_nothing_acquired_lately_is_clean() -> None:
    sale = sold("s", "2024-06-13", OLD, 60, (2400, 3000))
    risk = superficial_risk_of_sale([OLD], [sale], TERMS)
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(600), D(0), D(60))
    assert (risk.clean_from, risk.rebuy_from) == (date(2024, 6, 13), date(2024, 7, 14))


def test_what_was_acquired_lately_and_is_kept_denies_its_share() -> None:
    # 100 sold, 40 acquired, 40 held afterwards: 40 / 100 of 1,000. Of units that are alike none
    # is clean before another; the purchase of 3 June is out of reach from 4 July on.
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = superficial_risk_of_sale([OLD, NEW], [sale], TERMS)
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(1000), D(400), D(0))
    assert risk.clean_from == date(2024, 7, 4)
    assert [(one.lot.lot_id, one.shares) for one in risk.replacements] == [("new", D(40))]


def test_the_rest_of_the_very_block_denies_in_canada() -> None:
    # 40 bought, 30 sold, 10 kept: 10 / 30 of 300.
    sale = sold("s", "2024-06-13", NEW, 30, (1200, 1500))
    risk = superficial_risk_of_sale([NEW], [sale], TERMS)
    assert (risk.disallowed, risk.clean_shares, risk.clean_from) == (D(100), D(0), date(2024, 7, 4))


def test_who_sells_all_that_is_held_keeps_nothing_that_denies() -> None:
    parts = [
        sold("s", "2024-06-13", OLD, 100, (4000, 5000)),
        sold("s", "2024-06-13", NEW, 40, (1600, 2000)),
    ]
    risk = superficial_risk_of_sale([OLD, NEW], parts, TERMS)
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(1400), D(0), D(140))


def test_the_first_clean_day_is_that_of_the_youngest_purchase_that_counts() -> None:
    younger = bought("younger", "2024-06-10", 10)
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = superficial_risk_of_sale([OLD, NEW, younger], [sale], TERMS)
    assert (risk.disallowed, risk.clean_from) == (D(500), date(2024, 7, 11))


def test_a_registered_account_has_no_loss_to_deny() -> None:
    plan = SuperficialTerms({"A": Account("A", AccountKind.TFSA)})
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = superficial_risk_of_sale([OLD, NEW], [sale], plan)
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(0), D(0), D(100))
    assert "registered" in risk.exempt


def test_a_purchase_denies_the_losses_that_it_is_in_reach_of() -> None:
    # 100 sold at a loss of 1,000 on 13 June; 30 bought back on 20 June: 30 / 100 of it.
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    purchase = bought("back", "2024-06-20", 30)
    risk = superficial_risk_of_purchase([OLD, sale], purchase, TERMS)
    assert (risk.disallowed, risk.permanent, risk.clean_shares) == (D(300), D(0), D(0))
    assert [(one.sale_id, one.shares, one.disallowed) for one in risk.washed] == [
        ("s", D(30), D(300))
    ]
    assert (risk.clean_from, risk.sell_from) == (date(2024, 7, 14), date(2024, 7, 21))


def test_a_purchase_for_a_registered_account_loses_the_loss_for_good() -> None:
    plan = SuperficialTerms({"TFSA": Account("TFSA", AccountKind.TFSA)})
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    purchase = bought("back", "2024-06-20", 30)._replace(lot=LotKey("TFSA", "X", "back"))
    risk = superficial_risk_of_purchase([OLD, sale], purchase, plan)
    assert (risk.disallowed, risk.permanent) == (D(300), D(300))


def test_a_purchase_after_the_window_denies_nothing() -> None:
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    purchase = bought("back", "2024-07-14", 30)
    risk = superficial_risk_of_purchase([OLD, sale], purchase, TERMS)
    assert (risk.disallowed, risk.clean_shares) == (D(0), D(30))
    assert (risk.washed, risk.clean_from) == ((), date(2024, 7, 14))


def test_a_loss_that_is_denied_in_whole_is_in_nobodys_reach() -> None:
    # All of the loss of ten is denied by the ten bought back: a further purchase adds nothing.
    ten = bought("ten", "2024-01-10", 10)
    sale = sold("s", "2024-06-13", ten, 10, (400, 500))
    back = bought("back", "2024-06-14", 10)
    risk = superficial_risk_of_purchase([ten, sale, back], bought("more", "2024-06-20", 5), TERMS)
    assert (risk.washed, risk.clean_shares, risk.clean_from) == ((), D(5), date(2024, 6, 20))
