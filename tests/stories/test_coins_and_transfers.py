"""Coins that are earned, spent, wrapped and moved, and holdings that change portfolios."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import NO_RATES, keep_book, portfolio, security, trade
from tidebook.book.lots import Holding, Lot
from tidebook.book.postings import Leg
from tidebook.book.whole import Earlier, Facts, build
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import Rate
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tidebook.book.lots import Entry
    from tidebook.book.whole import WholeBook
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

D = Decimal
ETH, WETH, ACME = security("ETH", product_type="Coin"), security("WETH"), security("ACME")
KNOWN = {each.security_id: each for each in (ETH, WETH, ACME)}
HOT, COLD = portfolio()._replace(portfolio_id="HOT"), portfolio()._replace(portfolio_id="COLD")


def several(
    *facts: Transaction,
    portfolios: tuple[Portfolio, ...] = (HOT, COLD),
    rates: RateTable = NO_RATES,
) -> WholeBook:
    kept = {each.portfolio_id: each for each in portfolios}
    return build(Facts(kept, KNOWN, facts, rates))


def at(portfolio_id: str, fact: Transaction) -> Transaction:
    return fact._replace(portfolio_id=portfolio_id)


def holding(book: WholeBook, portfolio_id: str, security_id: str) -> Holding:
    return book.keys[portfolio_id, security_id].holding


def entry(book: WholeBook, key: tuple[str, str], transaction_id: str) -> Entry:
    (found,) = [
        each
        for each in book.keys[key].entries
        if each.posting.transaction_id == transaction_id and each.posting.leg is not Leg.POOL
    ]
    return found


def test_a_staking_reward_is_income_at_fair_value_and_a_lot_that_cost_as_much() -> None:
    book = keep_book(
        [trade("r", "STAKING_REWARD", "ETH", "2024-03-01", quantity="0.5", price="3000")],
        portfolio(),
        [ETH],
    )
    assert book.lots("ETH") == (Lot("r", date(2024, 3, 1), D("0.5"), D(1500), D(1500)),)
    flow = book.entry("r").posting.flow
    assert flow is not None
    assert (flow.classification, flow.cash_amount) == ("INCOME", 1500)
    assert book.holding("CASH_USD").quantity == 0


def test_an_airdrop_without_a_value_costs_nothing() -> None:
    facts = [
        trade("a", "AIRDROP", "ETH", "2024-03-01", quantity="1", gross="0"),
        trade("s", "SELL", "ETH", "2024-03-02", quantity="1", price="3000"),
    ]
    assert keep_book(facts, portfolio(), [ETH]).entry("s").realised_base == 3000


def test_a_network_fee_in_coin_is_a_disposal_and_a_cost() -> None:
    facts = [
        trade("b", "BUY", "ETH", "2024-03-01", quantity="1", price="2000"),
        trade("f", "NETWORK_FEE", "ETH", "2024-03-05", quantity="0.01", price="3000"),
    ]
    book = keep_book(facts, portfolio(), [ETH])
    fee = book.entry("f")
    assert (fee.realised_base, fee.cost_base) == (10, -20)
    assert fee.posting.flow is not None
    assert (fee.posting.flow.classification, fee.posting.flow.cash_amount) == ("EXPENSE", -30)
    assert book.holding("CASH_USD").quantity == -2000


def test_wrapping_and_unwrapping_keeps_lots_and_dates() -> None:
    facts = [
        trade("b1", "BUY", "ETH", "2024-01-01", quantity="1", price="2000"),
        trade("b2", "BUY", "ETH", "2024-02-01", quantity="1", price="2500"),
        trade("w", "CONVERSION", "ETH", "2024-03-01", quantity="1.5", to_security_id="WETH",
              to_quantity=D("1.5")),
        trade("u", "CONVERSION", "WETH", "2024-04-01", quantity="1", to_security_id="ETH",
              to_quantity=D(1)),
    ]  # fmt: skip
    book = keep_book(facts, portfolio(), [ETH, WETH])
    assert book.lots("WETH") == (Lot("b2", date(2024, 2, 1), D("0.5"), D(1250), D(1250)),)
    assert book.lots("ETH") == (
        Lot("b1", date(2024, 1, 1), D(1), D(2000), D(2000)),
        Lot("b2", date(2024, 2, 1), D("0.5"), D(1250), D(1250)),
    )
    assert all(not each.realised_base for each in book.entries)


def test_a_transfer_between_own_wallets_keeps_lots_and_dates() -> None:
    book = several(
        at("HOT", trade("b1", "BUY", "ETH", "2024-01-01", quantity="1", price="2000")),
        at("HOT", trade("b2", "BUY", "ETH", "2024-02-01", quantity="2", price="2500")),
        at("HOT", trade("t", "TRANSFER_IN_KIND", "ETH", "2024-03-01", quantity="2", gross="6000",
                        to_portfolio_id="COLD")),
        at("COLD", trade("s", "SELL", "ETH", "2024-04-01", quantity="1", price="3000")),
    )  # fmt: skip
    assert holding(book, "HOT", "ETH").lots == (
        Lot("b2", date(2024, 2, 1), D(1), D(2500), D(2500)),
    )
    assert holding(book, "COLD", "ETH").lots == (
        Lot("b2", date(2024, 2, 1), D(1), D(2500), D(2500)),
    )
    assert entry(book, ("COLD", "ETH"), "s").realised_base == 1000
    gone, arrived = entry(book, ("HOT", "ETH"), "t"), entry(book, ("COLD", "ETH"), "t")
    assert (gone.posting.flow_base, arrived.posting.flow_base) == (-6000, 6000)
    assert (gone.posting.leg, arrived.posting.leg) == (Leg.MAIN, Leg.TO)


def test_lots_go_to_and_fro_and_come_back_as_they_were() -> None:
    book = several(
        at("HOT", trade("b", "BUY", "ETH", "2024-01-01", quantity="3", price="2000")),
        at("HOT", trade("t1", "TRANSFER_IN_KIND", "ETH", "2024-02-01", quantity="2",
                        to_portfolio_id="COLD", gross="1")),
        at("COLD", trade("t2", "TRANSFER_IN_KIND", "ETH", "2024-03-01", quantity="2",
                         to_portfolio_id="HOT", gross="1")),
    )  # fmt: skip
    assert holding(book, "HOT", "ETH").lots == (Lot("b", date(2024, 1, 1), D(3), D(6000), D(6000)),)
    assert holding(book, "COLD", "ETH") == Holding()


def test_a_transfer_of_more_than_is_held_moves_nothing_on_either_side() -> None:
    book = several(
        at("HOT", trade("b", "BUY", "ETH", "2024-01-01", quantity="1", price="2000")),
        at("HOT", trade("t", "TRANSFER_IN_KIND", "ETH", "2024-02-01", quantity="2", gross="1",
                        to_portfolio_id="COLD")),
    )  # fmt: skip
    assert holding(book, "HOT", "ETH").quantity == 1
    assert ("COLD", "ETH") not in book.keys
    assert book.waiting == {"t"}


def test_a_transfer_to_an_unknown_portfolio_waits_for_it() -> None:
    book = several(
        at("HOT", trade("b", "BUY", "ETH", "2024-01-01", quantity="1", price="2000")),
        at("HOT", trade("t", "TRANSFER_IN_KIND", "ETH", "2024-02-01", quantity="1", gross="1",
                        to_portfolio_id="NOWHERE")),
    )  # fmt: skip
    assert [each.waits_for for each in book.findings["t"]] == ["portfolio:NOWHERE"]


def test_a_transfer_into_another_base_currency_brings_its_cost_at_the_rate_of_the_day() -> None:
    rates = rate_table([Rate("USD", "EUR", date(2024, 1, 1), D("0.9"))])
    euro = portfolio("EUR")._replace(portfolio_id="COLD")
    book = several(
        at("HOT", trade("b", "BUY", "ACME", "2024-01-01", quantity="10", price="100")),
        at("HOT", trade("t", "TRANSFER_IN_KIND", "ACME", "2024-02-01", quantity="10", gross="1200",
                        to_portfolio_id="COLD")),
        portfolios=(HOT, euro),
        rates=rates,
    )  # fmt: skip
    (lot,) = holding(book, "COLD", "ACME").lots
    assert (lot.cost_local, lot.cost_base) == (1000, 900)


def test_the_fee_of_a_transfer_is_paid_in_cash_and_flows_as_a_cost() -> None:
    book = several(
        at("HOT", trade("b", "BUY", "ETH", "2024-01-01", quantity="1", price="2000")),
        at("HOT", trade("t", "TRANSFER_IN_KIND", "ETH", "2024-02-01", quantity="1", gross="2100",
                        fee="7", to_portfolio_id="COLD")),
    )  # fmt: skip
    assert holding(book, "HOT", "CASH_USD").quantity == -2007
    assert entry(book, ("HOT", "CASH_USD"), "t").posting.flow_base == -7


def test_a_taxpayers_pool_has_one_average_over_all_portfolios() -> None:
    pooled = [
        each._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="T1") for each in (HOT, COLD)
    ]
    book = several(
        at("HOT", trade("b1", "BUY", "ACME", "2024-01-01", quantity="10", price="10")),
        at("COLD", trade("b2", "BUY", "ACME", "2024-02-01", quantity="30", price="20")),
        at("HOT", trade("s", "SELL", "ACME", "2024-03-01", quantity="10", price="30")),
        portfolios=tuple(pooled),
    )
    # 40 shares cost 700, 17.50 each; those sold carry the average of the pool, not their own 10.
    assert entry(book, ("HOT", "ACME"), "s").realised_base == 300 - 175
    assert holding(book, "HOT", "ACME").cost_base == 0
    assert holding(book, "COLD", "ACME").cost_base == 525


def test_who_is_left_alone_in_a_pool_has_its_own_average_again() -> None:
    pooled = {
        each.portfolio_id: each._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="T1")
        for each in (HOT, COLD)
    }
    own = at("HOT", trade("b1", "BUY", "ACME", "2024-01-01", quantity="10", price="10"))
    shared = at("COLD", trade("b2", "BUY", "ACME", "2024-02-01", quantity="30", price="20"))
    sold = at("HOT", trade("s", "SELL", "ACME", "2024-03-01", quantity="10", price="30"))
    both = Facts(pooled, KNOWN, (own, shared, sold), NO_RATES)
    left = build(both._replace(transactions=(own, sold)), Earlier(both, build(both)))
    assert entry(left, ("HOT", "ACME"), "s").realised_base == 300 - 100


def test_an_action_takes_its_part_of_a_pool_once_for_every_unit() -> None:
    taxed = tuple(
        each._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="T1") for each in (HOT, COLD)
    )
    bought = (
        at("HOT", trade("h", "BUY", "ACME", "2024-03-01", quantity="10", price="10")),
        at("COLD", trade("c", "BUY", "ACME", "2024-03-04", quantity="30", price="14")),
    )
    day = date(2024, 3, 11)
    kept = {each.portfolio_id: each for each in taxed}

    def after(action: CorporateAction) -> WholeBook:
        return build(Facts(kept, KNOWN, bought, NO_RATES, ActionTable((action,))))

    # 40 units cost 520, so 13 each; a quarter of it is spun off with one unit for two.
    spun = after(
        CorporateAction("S", ActionType.SPIN_OFF, "ACME", day, D(1), D(2), "WETH", D("0.25"))
    )
    assert holding(spun, "HOT", "ACME").cost_base == D("97.5")
    assert holding(spun, "COLD", "ACME").cost_base == D("292.5")
    assert holding(spun, "HOT", "WETH").cost_base == D("32.5")
    assert holding(spun, "COLD", "WETH").cost_base == D("97.5")
    # 20 a unit is more than it cost: nothing is left, and 7 a unit is gained.
    paid = after(
        CorporateAction(
            "R", ActionType.RETURN_OF_CAPITAL, "ACME", day, cash_per_unit=D(20), cash_currency="USD"
        )
    )
    gained = {
        key[0]: sum(each.realised_base or 0 for each in folded.entries)
        for key, folded in paid.keys.items()
        if key[1] == "ACME"
    }
    assert gained == {"HOT": 70, "COLD": 210}
    assert holding(paid, "HOT", "ACME").cost_base == holding(paid, "COLD", "ACME").cost_base == 0


def test_portfolios_of_another_taxpayer_keep_their_own_average() -> None:
    alone = [
        each._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id=each.portfolio_id)
        for each in (HOT, COLD)
    ]
    book = several(
        at("HOT", trade("b1", "BUY", "ACME", "2024-01-01", quantity="10", price="10")),
        at("COLD", trade("b2", "BUY", "ACME", "2024-02-01", quantity="30", price="20")),
        at("HOT", trade("s", "SELL", "ACME", "2024-03-01", quantity="10", price="30")),
        portfolios=tuple(alone),
    )
    assert entry(book, ("HOT", "ACME"), "s").realised_base == 200
