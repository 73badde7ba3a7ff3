"""Lots under each rule; every figure can be done in the head or on the back of an envelope."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.folding import fold
from tidebook.book.ledger import post_all
from tidebook.book.lots import DUST, EMPTY, Holding, KeyRules, Lot, LotRule, Match
from tidebook.book.postings import Leg
from tidebook.model.facts import LotChoice
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting
    from tidebook.model.facts import Transaction
    from tidebook.model.portfolios import Portfolio

D = Decimal
FIFO = KeyRules(LotRule.FIFO)
AVCO = KeyRules(LotRule.AVCO)
SHORT = KeyRules(LotRule.FIFO, allow_short=True)


def postings(*facts: Transaction, kept: Portfolio | None = None) -> list[Posting]:
    known = {"ACME": security("ACME"), "SAP": security("SAP", "EUR")}
    posted = post_all(facts, kept or portfolio(), known, rate_table([]))
    return [row.postings[0] for row in posted]


def buy(identity: str, day: int, quantity: str, gross: str, **more: str) -> Transaction:
    return trade(
        identity, "BUY", "ACME", f"2025-01-{day:02}", quantity=quantity, gross=gross, **more
    )


def sell(identity: str, day: int, quantity: str, gross: str, **more: str) -> Transaction:
    return trade(
        identity, "SELL", "ACME", f"2025-01-{day:02}", quantity=quantity, gross=gross, **more
    )


def gains(entry: Entry) -> tuple[Decimal | None, ...]:
    return (
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
    )


def test_first_in_first_out_takes_the_oldest_lot_first() -> None:
    run = postings(buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), sell("s", 3, "15", "300"))
    folded = fold(EMPTY, run, FIFO)
    assert folded.holding == Holding(
        D(5), D(100), D(100), (Lot("b", date(2025, 1, 2), D(5), D(100), D(100)),)
    )
    sale = folded.entries[-1]
    assert sale.matches == (
        Match("a", date(2025, 1, 1), D(10), D(100), D(100)),
        Match("b", date(2025, 1, 2), D(5), D(100), D(100)),
    )
    assert (sale.quantity, sale.cost_local, sale.cost_base) == (-15, -200, -200)
    assert gains(sale) == (100, 100, 100, 0)


def test_average_cost_gives_every_unit_the_same_cost() -> None:
    run = postings(buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), sell("s", 3, "15", "300"))
    folded = fold(EMPTY, run, AVCO)
    # 300 for 20 is 15 a unit: 225 leave, 75 stay.
    assert folded.holding == Holding(
        D(5), D(75), D(75), (Lot("a", date(2025, 1, 1), D(5), D(75), D(75)),)
    )
    assert gains(folded.entries[-1]) == (75, 75, 75, 0)


def test_the_average_starts_anew_once_everything_was_sold() -> None:
    run = postings(
        buy("a", 1, "10", "100"),
        sell("s", 2, "10", "150"),
        buy("b", 3, "10", "300"),
        sell("t", 4, "4", "200"),
    )
    folded = fold(EMPTY, run, AVCO)
    assert folded.holding.lots == (Lot("b", date(2025, 1, 3), D(6), D(180), D(180)),)
    assert [entry.realised_base for entry in folded.entries] == [None, 50, None, 80]


def test_a_fee_raises_the_cost_and_lowers_the_proceeds() -> None:
    run = postings(buy("a", 1, "10", "100", fee="5"), sell("s", 2, "10", "150", fee="7", tax="3"))
    folded = fold(EMPTY, run, FIFO)
    assert folded.holding == EMPTY
    assert gains(folded.entries[-1]) == (35, 35, 35, 0)


def test_a_third_of_a_lot_is_rounded_once_and_the_rest_stays_with_the_lot() -> None:
    run = postings(buy("a", 1, "3", "100"), sell("s", 2, "1", "50"), sell("t", 3, "2", "50"))
    entries = fold(EMPTY, run, FIFO).entries
    third = D("33.333333333333333333")
    assert entries[1].cost_base == -third
    assert entries[2].cost_base == -(100 - third)
    assert entries[2].cost_base == D("-66.666666666666666667")


def test_two_currencies_realise_a_price_and_a_currency_effect() -> None:
    def sap(identity: str, type_: str, day: int, rate: str, gross: str) -> Transaction:
        return trade(
            identity,
            type_,
            "SAP",
            f"2025-01-{day:02}",
            quantity="10",
            gross=gross,
            currency="EUR",
            fx_rate=rate,
        )

    run = postings(sap("a", "BUY", 1, "1.10", "1000"), sap("s", "SELL", 2, "1.20", "1500"))
    entry = fold(EMPTY, run, FIFO).entries[-1]
    # 500 euros at 1.20 are 600; the 1000 euros paid have gained 0.10 each meanwhile.
    assert gains(entry) == (500, 700, 600, 100)


def test_lots_of_two_rates_keep_both_costs_apart() -> None:
    facts = [
        trade(
            f"b{n}",
            "BUY",
            "SAP",
            f"2025-01-0{n}",
            quantity="2",
            gross="100",
            currency="EUR",
            fx_rate=rate,
        )
        for n, rate in ((1, "1.1"), (2, "1.3"))
    ]
    half = trade(
        "s", "SELL", "SAP", "2025-01-03", quantity="3", gross="150", currency="EUR", fx_rate="1.2"
    )
    folded = fold(EMPTY, postings(*facts, half), FIFO)
    assert folded.holding.lots == (Lot("b2", date(2025, 1, 2), D(1), D(50), D(65)),)
    # Nothing was gained in euros; 180 dollars came in for 110 + 65 paid.
    assert gains(folded.entries[-1]) == (0, 5, 0, 5)


def test_more_than_is_held_cannot_leave_and_later_facts_are_booked_without_it() -> None:
    run = postings(buy("a", 1, "10", "100"), sell("s", 2, "11", "150"), sell("t", 3, "10", "150"))
    folded = fold(EMPTY, run, FIFO)
    assert [entry.posting.transaction_id for entry in folded.entries] == ["a", "t"]
    assert folded.holding == EMPTY
    (finding,) = folded.findings
    assert (finding.code, finding.transaction_id) == ("position.oversold", "s")
    assert finding.waits_for == "key:P1/ACME"
    assert finding.sentence == "11 ACME were to leave P1, which held 10"


def test_nothing_can_leave_an_empty_key() -> None:
    folded = fold(EMPTY, postings(sell("s", 1, "1", "10")), FIFO)
    assert (folded.entries, folded.holding) == ((), EMPTY)
    assert [finding.code for finding in folded.findings] == ["position.oversold"]


def test_a_short_sale_opens_a_lot_of_negative_quantity_and_a_cover_gains_on_it() -> None:
    run = postings(sell("s", 1, "10", "200"), buy("c", 2, "4", "60"))
    folded = fold(EMPTY, run, SHORT)
    assert folded.holding.lots == (Lot("s", date(2025, 1, 1), D(-6), D(-120), D(-120)),)
    # Sold for 20 a unit, bought back for 15.
    assert gains(folded.entries[-1]) == (20, 20, 20, 0)


@pytest.mark.parametrize("rule", [LotRule.FIFO, LotRule.AVCO])
def test_a_sale_across_zero_closes_the_long_side_and_opens_the_short_one(rule: LotRule) -> None:
    run = postings(buy("a", 1, "10", "100"), sell("s", 2, "15", "300"), buy("c", 3, "5", "90"))
    folded = fold(EMPTY, run[:2], KeyRules(rule, allow_short=True))
    assert folded.holding == Holding(
        D(-5), D(-100), D(-100), (Lot("s", date(2025, 1, 2), D(-5), D(-100), D(-100)),)
    )
    crossing = folded.entries[-1]
    assert (crossing.quantity, crossing.cost_base) == (-15, -200)
    assert (crossing.opened, crossing.opened_cost_base) == (-5, -100)
    # Ten of the fifteen brought 200 for what had cost 100.
    assert gains(crossing) == (100, 100, 100, 0)
    covered = fold(folded.holding, run[2:], KeyRules(rule, allow_short=True))
    assert covered.holding == EMPTY
    assert gains(covered.entries[0]) == (10, 10, 10, 0)


def test_a_purchase_across_zero_closes_the_short_side_and_opens_the_long_one() -> None:
    run = postings(sell("s", 1, "3", "100"), buy("b", 2, "9", "90"))
    folded = fold(EMPTY, run, SHORT)
    assert folded.holding.lots == (Lot("b", date(2025, 1, 2), D(6), D(60), D(60)),)
    assert gains(folded.entries[-1]) == (70, 70, 70, 0)


def test_a_residue_of_fractions_is_no_holding() -> None:
    run = postings(
        buy("a", 1, "0.3333333333333333", "1"),
        buy("b", 2, "0.6666666666666666", "2"),
        sell("s", 3, "1", "4"),
    )
    folded = fold(EMPTY, run, FIFO)
    assert folded.holding == EMPTY
    assert folded.entries[-1].quantity == D("-0.9999999999999999")
    assert gains(folded.entries[-1]) == (1, 1, 1, 0)


def test_a_residue_larger_than_dust_stays() -> None:
    over = 1 + DUST * 2
    folded = fold(EMPTY, postings(buy("a", 1, str(over), "1"), sell("s", 2, "1", "1")), FIFO)
    assert folded.holding.quantity == DUST * 2


def test_transfers_and_withdrawals_take_lots_and_realise_nothing() -> None:
    out = trade("o", "TRANSFER_OUT", "ACME", "2025-01-02", quantity="4", gross="999")
    folded = fold(EMPTY, postings(buy("a", 1, "10", "100"), out), FIFO)
    assert folded.holding == Holding(
        D(6), D(60), D(60), (Lot("a", date(2025, 1, 1), D(6), D(60), D(60)),)
    )
    assert gains(folded.entries[-1]) == (None, None, None, None)


def test_a_dividend_is_an_entry_that_changes_nothing_held() -> None:
    paid = trade("d", "DIVIDEND", "ACME", "2025-01-02", gross="9")
    folded = fold(EMPTY, postings(buy("a", 1, "10", "100"), paid), FIFO)
    last = folded.entries[-1]
    assert (last.quantity, last.cost_local, last.cost_base, last.matches) == (0, 0, 0, ())
    assert gains(last) == (None, None, None, None)


def test_cash_of_the_base_currency_costs_what_it_is_and_may_be_overdrawn() -> None:
    facts = [
        trade("d", "DEPOSIT", "CASH", "2025-01-01", gross="100"),
        buy("b", 2, "10", "130"),
        trade("w", "WITHDRAWAL", "CASH", "2025-01-03", gross="20"),
    ]
    book = keep_book(facts, portfolio(), [security("ACME")])
    assert book.holding("CASH_USD") == Holding(D(-50), D(-50), D(-50), ())
    assert book.entry("b", Leg.CASH).realised_base == 0
    assert book.entry("w").realised_base is None


def _dollar_account(*facts: Transaction) -> Book:
    kept = portfolio("EUR")
    return keep_book(facts, kept, [security("ACME")])


def test_an_overdraft_in_foreign_cash_gains_when_that_currency_has_fallen() -> None:
    # Owing 100 dollars since they stood at 0.90 euros; repaid by a sale at 0.85.
    book = _dollar_account(
        buy("b", 1, "10", "100", fx_rate="0.90"), sell("s", 2, "10", "100", fx_rate="0.85")
    )
    assert book.holding("CASH_USD") == EMPTY
    assert gains(book.entry("s", Leg.CASH)) == (0, 5, 0, 5)
    # The shares themselves lost the same five to the currency.
    assert gains(book.entry("s")) == (0, -5, 0, -5)


def test_spending_foreign_cash_realises_what_the_currency_gained() -> None:
    paid_in = trade("d", "DEPOSIT", "CASH", "2025-01-01", gross="100", fx_rate="0.90")
    book = _dollar_account(paid_in, buy("b", 2, "10", "40", fx_rate="1.00"))
    assert book.lots("CASH_USD") == (Lot("d", date(2025, 1, 1), D(60), D(60), D(54)),)
    assert gains(book.entry("b", Leg.CASH)) == (0, 4, 0, 4)


def test_a_fold_resumed_from_its_state_is_the_fold_in_one_go() -> None:
    run = postings(
        buy("a", 1, "3", "100"),
        buy("b", 2, "7", "211"),
        sell("s", 3, "4", "90"),
        buy("c", 4, "1", "7"),
        sell("t", 5, "6", "300"),
    )
    for rules in (FIFO, AVCO):
        whole = fold(EMPTY, run, rules)
        for cut in range(len(run)):
            first = fold(EMPTY, run[:cut], rules)
            rest = fold(first.holding, run[cut:], rules)
            assert rest.holding == whole.holding
            assert first.entries + rest.entries == whole.entries


def test_a_refused_sale_moves_no_cash() -> None:
    book = keep_book([sell("s", 1, "1", "10")], portfolio(), [security("ACME")])
    assert book.entries == ()


def test_the_cost_method_of_the_portfolio_is_the_rule_of_its_keys() -> None:
    facts = [buy("a", 1, "1", "10"), buy("b", 2, "1", "20"), sell("s", 3, "1", "20")]
    realised = {
        method: keep_book(facts, portfolio(cost_method=method), [security("ACME")])
        .entry("s")
        .realised_base
        for method in CostMethod
    }
    assert realised == {
        CostMethod.FIFO: 10,
        CostMethod.LIFO: 0,
        CostMethod.HIFO: 0,
        CostMethod.MIN_TAX: 0,
        CostMethod.AVCO: 5,
        CostMethod.AVCO_POOLED: 5,
    }


def test_selling_the_worthless_loses_its_cost_and_the_fee() -> None:
    book = keep_book(
        [buy("a", 1, "10", "100"), sell("s", 2, "10", "0", fee="3")],
        portfolio(),
        [security("ACME")],
    )
    assert gains(book.entry("s")) == (-103, -103, -103, 0)
    assert book.holding("CASH_USD").quantity == -103


def test_a_deposit_smaller_than_its_fee_leaves_a_debt_that_costs_what_it_is() -> None:
    paid_in = trade("d", "DEPOSIT", "CASH", "2025-01-01", gross="1", fee="3", fx_rate="0.5")
    book = _dollar_account(paid_in)
    assert book.lots("CASH_USD") == (Lot("d", date(2025, 1, 1), D(-2), D(-2), D(-1)),)


def test_a_lot_that_is_gone_cannot_be_named_any_more() -> None:
    named_b = sell("n1", 4, "4", "80")._replace(lots=(LotChoice("b", D(4)),))
    named_a = sell("n2", 6, "10", "200")._replace(lots=(LotChoice("a", D(10)),))
    bought = (buy("a", 1, "10", "100"), buy("b", 2, "10", "200"), buy("c", 3, "10", "300"))
    # The named sale looks lots up; the one after it takes the whole of lot a as the oldest.
    run = postings(*bought, named_b, sell("s", 5, "10", "200"), named_a)
    folded = fold(EMPTY, run, FIFO)
    assert [(finding.transaction_id, finding.code) for finding in folded.findings] == [
        ("n2", "lot.not-held")
    ]
    assert [(lot.lot_id, lot.quantity) for lot in folded.holding.lots] == [("b", 6), ("c", 10)]
    assert sum(lot.quantity for lot in folded.holding.lots) == folded.holding.quantity == 16
