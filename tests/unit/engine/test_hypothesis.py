"""Supposed facts: what they are to the store, and the name of the preview made of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tests.fixtures.booking import portfolio, security, trade
from tidebook.book.whole import Facts
from tidebook.engine.book_facts import BookFacts, Standing
from tidebook.engine.hypothesis import (
    Hypothesis,
    Novelty,
    moved,
    novelties,
    preview_hash,
    supposed,
)
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import Price, Rate, cancellation
from tidebook.model.markets import price_table, rate_table

D = Decimal
MAY, JUNE = date(2025, 5, 5), date(2025, 6, 5)
BUY = trade("buy", "BUY", "ACME", "2025-05-05", quantity="10", price="10")
SPLIT = CorporateAction("split", ActionType.SPLIT, "ACME", JUNE, D(2), D(1))
GIVEN = BookFacts(
    Facts(
        {"P1": portfolio()},
        {"ACME": security("ACME")},
        [BUY, cancellation("gone", "P1", MAY)],
        rate_table([Rate("EUR", "USD", MAY, D("1.1"))]),
        ActionTable((SPLIT,)),
    ),
    price_table([Price("ACME", MAY, D(10), "USD"), Price("ACME", JUNE, D(11), "USD")]),
    (MAY, JUNE),
    {"P1": Standing(3, 4)},
    {"ACME": None},
)


def test_each_fact_is_new_amended_or_a_duplicate() -> None:
    sent = novelties(
        GIVEN,
        Hypothesis(
            transactions=(BUY, BUY._replace(fee=D(1)), trade("gone", "BUY", "ACME", "2025-05-05")),
            actions=(SPLIT, SPLIT._replace(new_units=D(3))),
            prices=(Price("ACME", JUNE, D("11.0"), "USD"), Price("ACME", JUNE, D(12), "USD")),
            rates=(Rate("EUR", "USD", MAY, D("1.1")), Rate("EUR", "USD", JUNE, D("1.1"))),
        ),
    )
    new, amended, same = Novelty.NEW, Novelty.AMENDED, Novelty.DUPLICATE
    # What was cancelled is not there, so sending it again is new.
    expected = (same, amended, new, same, amended, same, amended, same, new)
    assert tuple(one.novelty for one in sent) == expected


def test_a_cancellation_of_what_is_not_in_force_does_nothing() -> None:
    there = Hypothesis(
        cancellations=(
            TransactionRef("buy", "P1"),
            ActionRef("split"),
            PriceRef("ACME", MAY),
            RateRef("EUR", "USD", MAY),
            BusinessDateRef(MAY),
        )
    )
    assert {one.novelty for one in novelties(GIVEN, there)} == {Novelty.CANCELLED}
    other = date(2025, 5, 6)
    absent = Hypothesis(
        cancellations=(
            TransactionRef("gone", "P1"),
            TransactionRef("never", "P1"),
            ActionRef("never"),
            PriceRef("ACME", other),
            RateRef("USD", "EUR", MAY),
            BusinessDateRef(other),
        )
    )
    assert {one.novelty for one in novelties(GIVEN, absent)} == {Novelty.NOT_IN_FORCE}
    assert supposed(GIVEN, absent).facts.transactions[:1] == [BUY]


def test_what_is_supposed_takes_the_place_of_what_is_there_and_leaves_it_untouched() -> None:
    after = supposed(
        GIVEN,
        Hypothesis(
            transactions=(BUY._replace(fee=D(1)),),
            cancellations=(ActionRef("split"), PriceRef("ACME", JUNE), BusinessDateRef(JUNE)),
            prices=(Price("ACME", MAY, D(9), "USD"),),
            rates=(Rate("EUR", "USD", MAY, D("1.2")),),
        ),
    )
    assert [fact.fee for fact in after.facts.transactions if fact.transaction_id == "buy"] == [1]
    assert list(after.facts.actions) == []
    assert after.prices["ACME"][:3] == ((MAY,), (D(9),), ("USD",))
    assert after.facts.rates.quoted_on("EUR", "USD", MAY) == D("1.2")
    assert after.business_dates == (MAY,)
    # What the series had made of the old prices does not fit the new ones.
    assert after.vectors == {}
    assert GIVEN.prices["ACME"].prices == (10, 11)
    assert GIVEN.facts.rates.quoted_on("EUR", "USD", MAY) == D("1.1")


def test_a_cancellation_goes_before_the_fact_sent_with_it() -> None:
    both = Hypothesis(
        transactions=(BUY._replace(fee=D(1)),), cancellations=(TransactionRef("buy", "P1"),)
    )
    assert [fact.transaction_id for fact in supposed(GIVEN, both).facts.transactions] == ["gone"]


def test_a_preview_is_named_by_its_facts_and_by_where_the_books_stood() -> None:
    one = Hypothesis(transactions=(BUY, BUY._replace(transaction_id="other")))
    turned = Hypothesis(transactions=(one.transactions[1], BUY._replace(quantity=D("10.00"))))
    assert preview_hash(one, GIVEN.standings) == preview_hash(turned, GIVEN.standings)
    assert moved(preview_hash(one, GIVEN.standings), turned, GIVEN.standings) == []


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (Standing(4, 4), "generation 4 and valuation version 4"),
        (Standing(3, 5), "generation 3 and valuation version 5"),
    ],
)
def test_what_moved_since_a_preview_is_named(standing: Standing, said: str) -> None:
    hypothesis = Hypothesis(transactions=(BUY,))
    name = preview_hash(hypothesis, {**GIVEN.standings, "P2": Standing(1, 1)})
    (told,) = moved(name, hypothesis, {"P1": standing, "P2": Standing(1, 1)})
    assert told == f"portfolio P1 stands at {said} now"


def test_another_set_of_related_portfolios_is_a_move() -> None:
    hypothesis = Hypothesis(transactions=(BUY,))
    name = preview_hash(hypothesis, {**GIVEN.standings, "P2": Standing(1, 1)})
    (told,) = moved(name, hypothesis, GIVEN.standings)
    assert "belong together" in told
    assert moved("nonsense", hypothesis, {}) == ["the facts sent are not those that were previewed"]


def test_many_related_portfolios_have_one_name_that_still_tells_a_move() -> None:
    hypothesis = Hypothesis(transactions=(BUY,))
    many = {f"P{number}": Standing(number, 0) for number in range(101)}
    name = preview_hash(hypothesis, many)
    assert len(name) == 65
    assert moved(name, hypothesis, many) == []
    assert moved(name, hypothesis, {**many, "P7": Standing(8, 0)}) != []
