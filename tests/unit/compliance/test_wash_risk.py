"""What a sale would lose and a purchase would wash, before either is made."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.unit.compliance.lot_history import bought, sold
from tidebook.compliance.taxes import (
    AssetClass,
    Identity,
    WashTerms,
    wash_risk_of_purchase,
    wash_risk_of_sale,
)
from tidebook.compliance.taxes.wash_terms import NOT_A_SECURITY

D = Decimal
OLD = bought("old", "2024-01-10", 100)
NEW = bought("new", "2024-06-03", 40)


def test_a_sale_with_nothing_bought_lately_is_clean() -> None:
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = wash_risk_of_sale([OLD], [sale], WashTerms())
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(1000), D(0), D(100))
    assert risk.clean_from == date(2024, 6, 13)
    assert risk.rebuy_from == date(2024, 7, 14)


def test_a_sale_after_a_purchase_loses_what_that_replaces() -> None:
    # 40 of 100 are replaced; the purchase of 3 June is out of reach from 4 July on.
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = wash_risk_of_sale([OLD, NEW], [sale], WashTerms())
    assert (risk.disallowed, risk.clean_shares) == (D(400), D(0))
    assert risk.clean_from == date(2024, 7, 4)


def test_a_day_on_which_an_older_purchase_is_gone_and_a_younger_one_is_not_is_not_clean() -> None:
    younger = bought("younger", "2024-06-10", 10)
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    risk = wash_risk_of_sale([OLD, NEW, younger], [sale], WashTerms())
    assert risk.clean_from == date(2024, 7, 11)


def test_shares_at_a_gain_can_be_sold_clean_before_those_at_a_loss() -> None:
    cheap = bought("cheap", "2024-01-02", 30)
    parts = [
        sold("s", "2024-06-13", cheap, 30, (1200, 900)),
        sold("s", "2024-06-13", OLD, 100, (4000, 5000)),
    ]
    risk = wash_risk_of_sale([cheap, OLD, NEW], parts, WashTerms())
    assert (risk.shares, risk.clean_shares) == (D(130), D(30))


def test_what_is_left_of_the_lot_itself_does_not_replace_it_but_replaces_others() -> None:
    # 60 of the new lot stay: no replacement for 40 of the same lot, and one for the old lot.
    new = bought("new", "2024-06-03", 100)
    parts = [
        sold("s", "2024-06-13", new, 40, (1600, 1700)),
        sold("s", "2024-06-13", OLD, 100, (4000, 5000)),
    ]
    assert wash_risk_of_sale([OLD, new], parts, WashTerms()).clean_shares == D(40)


def test_new_shares_that_are_sold_before_replace_nothing() -> None:
    # The 40 leave at a gain, then 10 of another new lot whose other 5 alone could replace.
    other = bought("other", "2024-06-10", 15)
    parts = [
        sold("s", "2024-06-13", NEW, 40, (1600, 1200)),
        sold("s", "2024-06-13", other, 10, (400, 500)),
        sold("s", "2024-06-13", OLD, 100, (4000, 5000)),
    ]
    assert wash_risk_of_sale([OLD, NEW, other], parts, WashTerms()).clean_shares == D(50)


def test_what_an_earlier_sale_of_the_day_was_replaced_by_is_not_there_for_the_next() -> None:
    # The earlier sale comes before shares acquired later, and after shares acquired sooner.
    older, younger = bought("older", "2024-01-02", 10), bought("younger", "2024-01-20", 10)
    earlier = sold("r", "2024-06-13", OLD, 40, (1600, 2000))
    parts = [
        sold("s", "2024-06-13", younger, 10, (400, 500)),
        sold("s", "2024-06-13", older, 10, (400, 500)),
    ]
    known = [older, OLD, younger, NEW, earlier]
    assert wash_risk_of_sale(known, parts, WashTerms()).clean_shares == D(10)


def test_a_sale_of_everything_is_clean() -> None:
    parts = [
        sold("s", "2024-06-13", OLD, 100, (4000, 5000)),
        sold("s", "2024-06-13", NEW, 40, (1600, 1640)),
    ]
    risk = wash_risk_of_sale([OLD, NEW], parts, WashTerms())
    assert (risk.loss, risk.disallowed, risk.clean_shares) == (D(1040), D(0), D(140))


def test_a_sale_that_the_rule_does_not_reach_says_why() -> None:
    sale = sold("s", "2024-06-13", OLD, 100, (4000, 5000))
    terms = WashTerms(classes={"X": AssetClass.DIGITAL_ASSET})
    assert wash_risk_of_sale([OLD, NEW], [sale], terms).exempt == NOT_A_SECURITY


def test_a_purchase_washes_the_earliest_loss_that_still_counts() -> None:
    # 60 are bought: 50 of them replace all of the first sale, 10 a part of the second.
    first = sold("s1", "2024-06-13", OLD, 50, (2000, 2500))
    second = sold("s2", "2024-06-20", OLD, 50, (2000, 2500))
    risk = wash_risk_of_purchase([OLD, first, second], bought("b", "2024-07-01", 60), WashTerms())
    assert [(each.sale_id, each.shares, each.disallowed) for each in risk.washed] == [
        ("s1", D(50), D(500)),
        ("s2", D(10), D(100)),
    ]
    assert (risk.disallowed, risk.clean_shares) == (D(600), D(0))
    # The later loss is of 20 June, and 31 days after it nothing is in reach.
    assert risk.clean_from == date(2024, 7, 21)
    assert risk.sell_from == date(2024, 8, 1)


def test_a_purchase_on_the_thirty_first_day_is_clean() -> None:
    loss = sold("s1", "2024-06-13", OLD, 100, (4000, 5000))
    risk = wash_risk_of_purchase([OLD, loss], bought("b", "2024-07-14", 10), WashTerms())
    assert (risk.disallowed, risk.clean_shares) == (D(0), D(10))
    assert risk.clean_from == date(2024, 7, 14)


def test_a_purchase_of_something_else_is_clean_unless_it_is_in_the_group() -> None:
    loss = sold("s1", "2024-06-13", OLD, 100, (4000, 5000))
    other = bought("b", "2024-06-20", 10, "Y")
    assert wash_risk_of_purchase([OLD, loss], other, WashTerms()).clean_shares == D(10)
    grouped = WashTerms(identity=Identity({"X": "one", "Y": "one"}))
    assert wash_risk_of_purchase([OLD, loss], other, grouped).disallowed == D(100)
