"""Pools over the portfolios of a taxpayer: when they are levelled, and with whom."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import NO_RATES, portfolio, security, trade
from tidebook.book.postings import Leg
from tidebook.book.whole import Facts, build
from tidebook.model.facts import LotChoice, Rate
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tidebook.book.whole import WholeBook
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

D = Decimal
KNOWN = {"ACME": security("ACME"), "MONEY": security("MONEY", product_type="Cash")}
POOLED = portfolio()._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="T1")
ONE, TWO = POOLED._replace(portfolio_id="ONE"), POOLED._replace(portfolio_id="TWO")


def at(portfolio_id: str, fact: Transaction) -> Transaction:
    return fact._replace(portfolio_id=portfolio_id)


CHEAP = at("ONE", trade("b1", "BUY", "ACME", "2024-01-01", quantity="10", price="10"))
DEAR = at("TWO", trade("b2", "BUY", "ACME", "2024-02-01", quantity="30", price="20"))


def booked(
    *facts: Transaction,
    portfolios: tuple[Portfolio, ...] = (ONE, TWO),
    rates: RateTable = NO_RATES,
) -> WholeBook:
    kept = {each.portfolio_id: each for each in portfolios}
    return build(Facts(kept, KNOWN, (CHEAP, DEAR, *facts), rates))


def costs(book: WholeBook) -> tuple[Decimal, Decimal]:
    one, two = book.keys["ONE", "ACME"].holding, book.keys["TWO", "ACME"].holding
    return one.cost_base, two.cost_base


def levelled_by(book: WholeBook) -> list[tuple[str, str]]:
    """Return the portfolios between which cost was moved, each with the fact it was moved for."""
    return [
        (key[0], entry.posting.transaction_id)
        for key, folded in sorted(book.keys.items())
        for entry in folded.entries
        if entry.posting.leg is Leg.POOL
    ]


def test_a_sale_that_is_refused_moves_no_cost_between_portfolios() -> None:
    too_many = at("ONE", trade("s", "SELL", "ACME", "2024-03-01", quantity="11", price="30"))
    other_lot = at("ONE", trade("s", "SELL", "ACME", "2024-03-01", quantity="5", price="30"))
    for refused in (too_many, other_lot._replace(lots=(LotChoice("b2", D(5)),))):
        book = booked(refused)
        assert book.waiting == {"s"}
        assert costs(book) == (100, 600)
        assert levelled_by(book) == []


def test_what_passes_between_portfolios_of_a_pool_levels_it_once() -> None:
    sent = at("ONE", trade("k", "TRANSFER_IN_KIND", "ACME", "2024-03-01", quantity="3", gross="60"))
    book = booked(sent._replace(to_portfolio_id="TWO"))
    # 40 shares cost 700, 17.50 each: seven stay and three arrive.
    assert costs(book) == (D("122.5"), D("577.5"))
    assert levelled_by(book) == [("ONE", "k"), ("TWO", "k")]


def test_portfolios_of_different_base_currencies_share_no_pool() -> None:
    rates = rate_table([Rate("USD", "EUR", date(2024, 1, 1), D("0.5"))])
    sale = at("ONE", trade("s", "SELL", "ACME", "2024-03-01", quantity="10", price="30"))
    book = booked(sale, portfolios=(ONE, TWO._replace(base_currency="EUR")), rates=rates)
    # Its own ten at 10 each, and 30 at 20 dollars, which are 10 euros each.
    assert costs(book) == (0, 300)
    (sold,) = [
        each
        for each in book.keys["ONE", "ACME"].entries
        if each.posting.transaction_id == "s" and each.posting.leg is Leg.MAIN
    ]
    assert sold.realised_base == 300 - 100


def test_units_do_not_become_money() -> None:
    becomes = at("ONE", trade("c", "CONVERSION", "ACME", "2024-03-01", quantity="3", gross="60"))
    book = booked(becomes._replace(to_security_id="MONEY"))
    assert [each.code for each in book.findings["c"]] == ["transfer.cash-in-kind"]
    assert costs(book) == (100, 600)
