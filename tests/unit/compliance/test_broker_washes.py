"""What a broker reports of wash sales, beside what the law says."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.compliance.lot_history import bought, place, sold
from tidebook.compliance.taxes import (
    Identity,
    LotKey,
    Move,
    WashTerms,
    Why,
    broker_differences,
)

if TYPE_CHECKING:
    from tidebook.compliance.taxes import (
        Opening,
    )

D = Decimal
OLD = bought("old", "2024-01-10", 10)
SALE = sold("s", "2024-06-03", OLD, 10, (400, 600))


def elsewhere(opening: Opening) -> Opening:
    return opening._replace(lot=opening.lot._replace(account_id="B"))


def test_what_was_replaced_in_the_same_account_is_what_the_broker_reports() -> None:
    assert broker_differences([OLD, SALE, bought("new", "2024-06-05", 4)], WashTerms()) == ()


def test_a_purchase_in_another_account_is_the_law_s_alone() -> None:
    (found,) = broker_differences(
        [OLD, SALE, elsewhere(bought("new", "2024-06-05", 4))], WashTerms()
    )
    assert (found.sale_id, found.disallowed, found.disallowed_by_broker) == ("s", D(80), D(0))
    assert found.why == (Why.OTHER_ACCOUNT,)


def test_a_purchase_of_a_fund_s_other_share_class_is_the_law_s_alone() -> None:
    terms = WashTerms(identity=Identity({"X": "fund", "Y": "fund"}))
    (found,) = broker_differences([OLD, SALE, bought("new", "2024-06-05", 4, "Y")], terms)
    assert (found.disallowed_by_broker, found.why) == (D(0), (Why.OTHER_SECURITY,))


def test_a_basis_that_only_the_law_raised_shows_in_the_next_wash() -> None:
    # Ten at B take the loss of 200. Sold there for 300 they lose 100 by the broker, and 300 by
    # the law; both are replaced there in full.
    there = elsewhere(bought("there", "2024-06-05", 10))
    again = sold("s2", "2024-08-01", there, 10, (300, 400))
    back = elsewhere(bought("back", "2024-08-02", 10))
    first, second = broker_differences([OLD, SALE, there, again, back], WashTerms())
    assert first.why == (Why.OTHER_ACCOUNT,)
    assert (second.disallowed, second.disallowed_by_broker) == (D(300), D(100))
    assert second.why == (Why.FOLLOWS,)


def test_a_lot_that_was_transferred_is_seen_where_it_went() -> None:
    new = bought("new", "2024-06-05", 10)
    moved = Move(place("2024-06-06", "t"), new.lot, LotKey("B", "X", "new"), D(10), D(10))
    assert broker_differences([OLD, SALE, new, moved], WashTerms()) == ()
