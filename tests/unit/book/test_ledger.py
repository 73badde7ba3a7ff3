"""From a transaction to postings; every expectation is worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.booking import NO_RATES, portfolio, security, trade
from tidebook.book.cashflows import Classification, Timing, cashflow
from tidebook.book.known import Known
from tidebook.book.ledger import post, post_all, post_by_id
from tidebook.book.postings import Leg
from tidebook.model.facts import Rate
from tidebook.model.findings import Severity
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import Settlement

if TYPE_CHECKING:
    from tidebook.book.postings import Posted, Posting
    from tidebook.model.facts import Transaction
    from tidebook.model.markets import RateTable
    from tidebook.model.portfolios import Portfolio

D = Decimal
ACME = {"ACME": security("ACME"), "SAP": security("SAP", "EUR")}
EXPLICIT = portfolio(settlement=Settlement.EXPLICIT)
AUTO = portfolio()


class Row(NamedTuple):
    """What one posting does, without its circumstances."""

    key: str
    leg: Leg
    quantity: D
    amount: D
    amount_base: D
    currency: str
    fx_rate: D


def row(posting: Posting) -> Row:
    return Row(
        posting.security_id,
        posting.leg,
        posting.quantity,
        posting.amount,
        posting.amount_base,
        posting.currency,
        posting.fx_rate,
    )


def post_one(fact: Transaction, kept: Portfolio = AUTO, rates: RateTable = NO_RATES) -> Posted:
    return post(fact, kept, ACME, rates)


def rows_of(fact: Transaction, kept: Portfolio = AUTO, rates: RateTable = NO_RATES) -> list[Row]:
    posted = post_one(fact, kept, rates)
    assert posted.findings == ()
    return [row(posting) for posting in posted.postings]


def euros(*rates: tuple[str, str]) -> RateTable:
    return rate_table(Rate("EUR", "USD", date.fromisoformat(on), D(rate)) for on, rate in rates)


def test_a_purchase_moves_units_in_and_its_cost_out_of_cash() -> None:
    fact = trade("t1", "BUY", "ACME", "2025-01-02", quantity="10", price="20", fee="3", tax="2")
    assert rows_of(fact) == [
        Row("ACME", Leg.MAIN, D(10), D(205), D(205), "USD", D(1)),
        Row("CASH_USD", Leg.CASH, D(-205), D(205), D(205), "USD", D(1)),
    ]


def test_a_sale_brings_what_is_left_after_fee_and_tax() -> None:
    fact = trade("t1", "SELL", "ACME", "2025-01-02", quantity="10", price="20", fee="3", tax="2")
    assert rows_of(fact) == [
        Row("ACME", Leg.MAIN, D(-10), D(195), D(195), "USD", D(1)),
        Row("CASH_USD", Leg.CASH, D(195), D(195), D(195), "USD", D(1)),
    ]


def test_accrued_interest_is_paid_with_a_purchase() -> None:
    fact = trade(
        "t1", "BUY", "ACME", "2025-01-02", quantity="1", price="100", accrued_interest="1.25"
    )
    assert [posting.amount for posting in post_one(fact).postings] == [D("101.25"), D("101.25")]


def test_with_explicit_settlement_cash_stays_where_it_is() -> None:
    fact = trade("t1", "BUY", "ACME", "2025-01-02", quantity="10", price="20", fee="3")
    assert rows_of(fact, EXPLICIT) == [
        Row("ACME", Leg.MAIN, D(10), D(203), D(203), "USD", D(1)),
    ]


def test_a_cash_leg_sent_by_hand_moves_cash_where_settlement_is_explicit() -> None:
    fact = trade("t1", "SELL", "CASH_USD", "2025-01-02", quantity="203", price="1")
    assert rows_of(fact, EXPLICIT) == [
        Row("CASH_USD", Leg.MAIN, D(-203), D(203), D(203), "USD", D(1)),
    ]


def test_a_recorded_rate_is_used_and_not_the_market_rate() -> None:
    fact = trade(
        "t1", "BUY", "SAP", "2025-01-02", quantity="10", price="20", currency="EUR", fx_rate="1.10"
    )
    assert rows_of(fact, rates=euros(("2025-01-01", "1.50"))) == [
        Row("SAP", Leg.MAIN, D(10), D(200), D(220), "EUR", D("1.10")),
        Row("CASH_EUR", Leg.CASH, D(-200), D(200), D(220), "EUR", D("1.10")),
    ]


def test_without_a_recorded_rate_the_last_one_on_or_before_the_day_counts() -> None:
    fact = trade("t1", "BUY", "SAP", "2025-01-05", quantity="10", price="20", currency="EUR")
    rates = euros(("2025-01-01", "1.05"), ("2025-01-05", "1.10"), ("2025-01-06", "1.20"))
    assert [posting.amount_base for posting in post_one(fact, rates=rates).postings] == [220, 220]


def test_a_trade_in_another_currency_than_the_instrument_is_brought_into_its_currency() -> None:
    # 220 dollars at 0.909090... euros each are 200 euros; the base currency is the dollar.
    fact = trade("t1", "BUY", "SAP", "2025-01-02", quantity="10", price="22", currency="USD")
    rates = rate_table([Rate("USD", "EUR", date(2025, 1, 1), D("0.90"))])
    main, cash = rows_of(fact, rates=rates)
    # local: 220 x 0.90; local to base: 1 / 0.90 to 18 places.
    assert main == Row("SAP", Leg.MAIN, D(10), D(198), D(220), "EUR", D("1.111111111111111111"))
    assert cash == Row("CASH_USD", Leg.CASH, D(-220), D(220), D(220), "USD", D(1))


def test_settlement_in_a_third_currency_moves_the_converted_amount() -> None:
    # Traded 200 euros, settled in francs at 0.95, base dollar: 1.10 a euro, 1.16 a franc.
    fact = trade(
        "t1",
        "BUY",
        "SAP",
        "2025-01-02",
        quantity="10",
        price="20",
        currency="EUR",
        settles_in="CHF",
    )
    on = date(2025, 1, 1)
    rates = rate_table(
        [
            Rate("EUR", "USD", on, D("1.10")),
            Rate("EUR", "CHF", on, D("0.95")),
            Rate("CHF", "USD", on, D("1.16")),
        ]
    )
    assert rows_of(fact, rates=rates) == [
        Row("SAP", Leg.MAIN, D(10), D(200), D(220), "EUR", D("1.10")),
        Row("CASH_CHF", Leg.CASH, D(-190), D(190), D("220.4"), "CHF", D("1.16")),
    ]


def test_a_recorded_rate_is_that_of_the_trade_and_no_other() -> None:
    # As above, with 1.20 a euro recorded: the francs keep the market's 1.16.
    fact = trade(
        "t1",
        "BUY",
        "SAP",
        "2025-01-02",
        quantity="10",
        price="20",
        currency="EUR",
        settles_in="CHF",
        fx_rate="1.20",
    )
    on = date(2025, 1, 1)
    rates = rate_table([Rate("EUR", "CHF", on, D("0.95")), Rate("CHF", "USD", on, D("1.16"))])
    assert rows_of(fact, rates=rates) == [
        Row("SAP", Leg.MAIN, D(10), D(200), D(240), "EUR", D("1.20")),
        Row("CASH_CHF", Leg.CASH, D(-190), D(190), D("220.4"), "CHF", D("1.16")),
    ]


def test_inside_an_instant_cash_comes_in_before_it_goes_out() -> None:
    at = "2025-01-02T10:00:00+00:00"
    facts = [
        trade("a", "BUY", "ACME", at, quantity="1", price="1"),
        trade("b", "SELL", "ACME", at, quantity="1", price="1"),
    ]
    cash = [posted.postings[1] for posted in post_all(facts, AUTO, ACME, NO_RATES)]
    ordered = sorted(cash, key=lambda posting: posting.order)
    assert [posting.transaction_id for posting in ordered] == ["b", "a"]


def test_a_dividend_pays_what_is_left_after_tax_and_moves_no_units() -> None:
    fact = trade("t1", "DIVIDEND", "ACME", "2025-01-02", gross="100", tax="15", fee="1")
    posted = post_one(fact)
    main, cash = posted.postings
    assert (main.security_id, main.quantity, main.realises) == ("ACME", 0, False)
    assert (cash.security_id, cash.quantity) == ("CASH_USD", 84)
    assert main.flow is not None
    assert main.flow.classification is Classification.INCOME
    assert (main.flow.cash_amount, main.flow.position_flow) == (84, -84)
    assert cash.flow is None


def test_a_fee_on_a_security_costs_cash_and_no_units() -> None:
    fact = trade("t1", "FEE", "ACME", "2025-01-02", gross="12")
    main, cash = post_one(fact).postings
    assert (main.security_id, main.quantity) == ("ACME", 0)
    assert (cash.security_id, cash.quantity) == ("CASH_USD", -12)


@pytest.mark.parametrize("kept", [AUTO, EXPLICIT], ids=["auto", "explicit"])
@pytest.mark.parametrize(
    ("type_", "quantity"),
    [("DEPOSIT", "100"), ("WITHDRAWAL", "-100"), ("FEE", "-100"), ("TAX", "-100")],
)
def test_cash_movements_move_the_cash_account_by_their_amount(
    type_: str, quantity: str, kept: Portfolio
) -> None:
    fact = trade("t1", type_, "CASH", "2025-01-02", gross="100", currency="EUR", fx_rate="1.1")
    assert rows_of(fact, kept) == [
        Row("CASH_EUR", Leg.MAIN, D(quantity), D(100), D(110), "EUR", D("1.1")),
    ]


def test_interest_on_cash_arrives_on_the_account_that_earned_it() -> None:
    fact = trade("t1", "INTEREST", "CASH_USD", "2025-01-02", gross="8", tax="2")
    main, cash = post_one(fact).postings
    assert (main.security_id, main.quantity) == ("CASH_USD", 0)
    assert (cash.security_id, cash.quantity) == ("CASH_USD", 6)


@pytest.mark.parametrize(("type_", "sign"), [("TRANSFER_IN", 1), ("TRANSFER_OUT", -1)])
def test_a_transfer_moves_units_at_their_value_and_no_cash(type_: str, sign: int) -> None:
    fact = trade("t1", type_, "ACME", "2025-01-02", quantity="10", gross="500", fee="5")
    (main,) = post_one(fact).postings
    assert (main.quantity, main.amount, main.realises) == (sign * 10, 500, False)
    assert main.flow is not None
    assert main.flow.is_portfolio_flow


def test_buying_one_currency_with_another_moves_both_accounts() -> None:
    # 100 euros for 110 dollars and a fee of one dollar.
    fact = trade("t1", "BUY", "CASH_EUR", "2025-01-02", quantity="100", price="1.10", fee="1")
    rates = euros(("2025-01-01", "1.10"))
    posted = post(fact, AUTO, {}, rates)
    assert posted.findings == ()
    assert [(p.security_id, p.quantity, p.amount_base) for p in posted.postings] == [
        ("CASH_EUR", 100, 111),
        ("CASH_USD", -111, 111),
    ]


def test_a_cash_leg_sent_by_hand_is_redundant_where_settlement_is_automatic() -> None:
    fact = trade("t1", "SELL", "CASH_USD", "2025-01-02", quantity="50", price="1")
    posted = post_one(fact)
    assert [finding.code for finding in posted.findings] == ["settlement.redundant"]
    assert posted.findings[0].severity is Severity.WARNING
    assert sum(posting.quantity for posting in posted.postings) == 0


def test_plain_cash_never_mixes_two_currencies() -> None:
    accounts = {
        (kept.settlement, currency): post_one(
            trade("t1", "DEPOSIT", "CASH", "2025-01-02", gross="5", currency=currency, fx_rate="2"),
            kept,
        ).main_security_id
        for kept in (AUTO, EXPLICIT)
        for currency in ("USD", "EUR")
    }
    assert accounts == {
        (Settlement.AUTO, "USD"): "CASH_USD",
        (Settlement.AUTO, "EUR"): "CASH_EUR",
        (Settlement.EXPLICIT, "USD"): "CASH",
        (Settlement.EXPLICIT, "EUR"): "CASH_EUR",
    }


def test_a_cash_account_that_was_introduced_keeps_its_own_id_where_settlement_is_explicit() -> None:
    known = {"CASH": security("CASH", "USD", "Cash")}
    fact = trade("t1", "DEPOSIT", "CASH", "2025-01-02", gross="5")
    assert post(fact, EXPLICIT, known, NO_RATES).main_security_id == "CASH"


def test_an_unknown_security_posts_nothing_and_says_what_it_waits_for() -> None:
    posted = post_one(trade("t1", "BUY", "WHO", "2025-01-02", quantity="1", price="1"))
    assert posted.waits
    (finding,) = posted.findings
    assert (finding.code, finding.waits_for) == ("instrument.unknown", "instrument:WHO")


def test_a_missing_rate_posts_nothing_and_names_the_pair_whichever_way_it_is_quoted() -> None:
    posted = post_one(
        trade("t1", "BUY", "SAP", "2025-01-02", quantity="1", price="1", currency="EUR"),
        rates=euros(("2025-01-03", "1.10")),
    )
    assert posted.waits
    (finding,) = posted.findings
    assert (finding.code, finding.waits_for) == ("rate.missing", "rate:EUR/USD")


@pytest.mark.parametrize(
    ("gross", "warned"),
    [("1000", False), ("1000.9", False), ("1001.01", True), ("999", True), ("998.9", True)],
)
def test_a_gross_amount_far_from_quantity_times_price_is_booked_with_a_warning(
    gross: str, warned: bool
) -> None:
    # Ten at a hundred: off by more than a cent and by more than a tenth of a percent of gross.
    fact = trade("t1", "BUY", "ACME", "2025-01-02", quantity="10", price="100", gross=gross)
    posted = post_one(fact)
    assert posted.postings[0].amount == D(gross)
    codes = [finding.code for finding in posted.findings]
    assert codes == (["transaction.amount-mismatch"] if warned else [])


def test_small_amounts_may_differ_by_a_cent() -> None:
    fact = trade("t1", "BUY", "ACME", "2025-01-02", quantity="3", price="0.333", gross="1.009")
    assert post_one(fact).findings == ()


def test_an_instant_falls_on_the_day_of_the_portfolios_zone() -> None:
    tokyo = portfolio(time_zone="Asia/Tokyo")
    fact = trade("t1", "DEPOSIT", "CASH", "2025-01-02T20:00:00-00:00", gross="5")
    assert post_one(fact, tokyo).on == date(2025, 1, 3)
    assert post_one(fact, AUTO).on == date(2025, 1, 2)


def test_inside_an_instant_what_adds_comes_before_what_removes_then_the_id_decides() -> None:
    at = "2025-01-02T10:00:00+00:00"
    facts = [
        trade("a", "SELL", "ACME", at, quantity="1", price="1"),
        trade("c", "BUY", "ACME", at, quantity="1", price="1"),
        trade("b", "BUY", "ACME", at, quantity="1", price="1"),
        trade("d", "DIVIDEND", "ACME", at, gross="1"),
        trade("e", "SELL", "ACME", "2025-01-02", quantity="1", price="1"),
    ]
    mains = [posted.postings[0] for posted in post_all(facts, AUTO, ACME, NO_RATES)]
    ordered = sorted(mains, key=lambda posting: posting.order)
    assert [posting.transaction_id for posting in ordered] == ["e", "b", "c", "d", "a"]


def test_a_flow_keeps_every_digit() -> None:
    gross = "12345678901234567890.123456789012345678"
    flow = cashflow(trade("t1", "SELL", "ACME", "2025-01-02", gross=gross, fee="0.1"))
    assert flow.cash_amount == D("12345678901234567890.023456789012345678")
    assert flow.position_flow == D("-12345678901234567890.023456789012345678")
    assert (flow.timing, flow.is_portfolio_flow) == (Timing.EOD, False)


@pytest.mark.parametrize(
    ("type_", "cash", "position", "timing", "crosses"),
    [
        ("BUY", "-1013", "1013", Timing.BOD, False),
        ("SELL", "987", "-987", Timing.EOD, False),
        ("DIVIDEND", "987", "-987", Timing.EOD, False),
        ("INTEREST", "987", "-987", Timing.EOD, False),
        ("FEE", "-1013", "-1013", Timing.EOD, True),
        ("TAX", "-987", "-987", Timing.EOD, True),
        ("DEPOSIT", "987", "987", Timing.BOD, True),
        ("WITHDRAWAL", "-987", "-987", Timing.EOD, True),
        ("TRANSFER_IN", "987", "987", Timing.BOD, True),
        ("TRANSFER_OUT", "-987", "-987", Timing.EOD, True),
    ],
)
def test_each_type_flows_with_its_costs(
    type_: str, cash: str, position: str, timing: Timing, crosses: bool
) -> None:
    # 1000 with a fee of ten and a tax of three.
    flow = cashflow(trade("t", type_, "ACME", "2025-01-02", gross="1000", fee="10", tax="3"))
    assert (flow.cash_amount, flow.position_flow) == (D(cash), D(position))
    assert (flow.timing, flow.is_portfolio_flow) == (timing, crosses)


def test_transactions_posted_together_follow_each_its_own_portfolio() -> None:
    auto = portfolio()
    explicit = EXPLICIT._replace(portfolio_id="P2")
    abroad = portfolio("EUR")._replace(portfolio_id="P3")
    facts = [
        trade(f"t{n}", "BUY", "ACME", "2025-01-02", quantity="10", gross="100")._replace(
            portfolio_id=owner.portfolio_id
        )
        for n, owner in enumerate((auto, explicit, abroad, auto))
    ]
    owners = {owner.portfolio_id: owner for owner in (auto, explicit, abroad)}
    posted = post_by_id(facts, Known(ACME, euros(("2025-01-01", "1.25")), owners))
    keys = {name: [posting.key for posting in row.postings] for name, row in posted.items()}
    assert keys == {
        "t0": [("P1", "ACME"), ("P1", "CASH_USD")],
        "t1": [("P2", "ACME")],
        "t2": [("P3", "ACME"), ("P3", "CASH_USD")],
        "t3": [("P1", "ACME"), ("P1", "CASH_USD")],
    }
    # 100 dollars at 1.25 dollars a euro.
    bases = {name: row.postings[0].amount_base for name, row in posted.items()}
    assert bases == {"t0": 100, "t1": 100, "t2": 80, "t3": 100}
