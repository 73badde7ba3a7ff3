"""What was realised, lot by lot: holding periods, tax, and every way a gain comes about."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.actions import carried_fraction
from tidebook.book.gains import (
    NO_RATES,
    NOTHING_PAID,
    SOME_NOT_PAID,
    GainKind,
    Terms,
    disposal_of,
    gains_of,
    totals,
    totals_by,
)
from tidebook.book.holding_periods import Term, holding_period
from tidebook.book.lots import Lot
from tidebook.book.trades import Side
from tidebook.model.actions import ActionType, CorporateAction, applied_id
from tidebook.model.facts import Rate
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.markets import rate_table
from tidebook.model.portfolios import CostMethod, TaxRates

if TYPE_CHECKING:
    from tidebook.book.gains import Gain
    from tidebook.model.facts import Transaction

D = Decimal
RATES = TaxRates(D("0.37"), D("0.20"), 12)
FUTURE = Instrument("FUT", "Future", "USD", "Future", multiplier=D(50))
CALL = Instrument("CALL", "Call", "USD", "Option", multiplier=D(100), option_right=OptionRight.CALL)
BUND = Instrument("BUND", "Future in euros", "EUR", "Future")
KNOWN = (security("ACME"), security("OTHER"), security("SAP", "EUR"), FUTURE, BUND, CALL)


def gains(
    *facts: Transaction,
    actions: tuple[CorporateAction, ...] = (),
    rates: tuple[Rate, ...] = (),
    tax: TaxRates = RATES,
    **policies: Any,  # noqa: ANN401 - any field of a portfolio
) -> list[Gain]:
    kept = portfolio(tax_rates=tax, **policies)
    book = keep_book(facts, kept, KNOWN, rate_table(list(rates)), actions)
    fractions = {applied_id(each.action_id, "P1"): carried_fraction(each) for each in actions}
    terms = Terms(tax, frozenset({"FUT", "BUND"}), frozenset(), fractions)
    disposals = [disposal_of(entry) for entry in book.entries]
    return [gain for one in disposals if one is not None for gain in gains_of(one, terms)]


def buy(identity: str, on: str, quantity: str, price: str, **more: Any) -> Transaction:  # noqa: ANN401
    return trade(identity, "BUY", "ACME", on, quantity=quantity, price=price, **more)


def sell(identity: str, on: str, quantity: str, price: str, **more: Any) -> Transaction:  # noqa: ANN401
    return trade(identity, "SELL", "ACME", on, quantity=quantity, price=price, **more)


def test_one_sale_is_long_term_on_one_lot_and_short_term_on_another() -> None:
    first, second = gains(
        buy("l1", "2022-01-10", "10", "30"),
        buy("l2", "2023-09-11", "10", "40"),
        sell("s", "2024-03-01", "15", "50"),
    )
    # Two years and 51 days: January 21, February 29, March 1.
    assert (first.lot_id, first.term, first.days_held) == ("l1", Term.LONG, 2 * 365 + 51)
    assert (first.proceeds_base, first.cost_base, first.gain_base) == (500, 300, 200)
    assert first.tax_base == 40
    # 19 days of September, 31 + 30 + 31 + 31 + 29, and one of March.
    assert (second.lot_id, second.term, second.days_held) == ("l2", Term.SHORT, 172)
    assert (second.quantity, second.proceeds_base, second.cost_base) == (5, 250, 200)
    assert (second.gain_base, second.tax_base) == (50, D("18.50"))
    assert totals([first, second]).tax_base == D("58.50")


def test_sums_by_term_and_by_year_are_those_of_the_lines() -> None:
    found = gains(
        buy("l1", "2022-01-10", "10", "30"),
        sell("s1", "2022-12-30", "4", "35"),
        sell("s2", "2023-02-01", "6", "25"),
    )
    by_term = totals_by(found, lambda gain: gain.term.value)
    by_year = totals_by(found, lambda gain: str(gain.closed_on.year))
    assert {name: each.gain_base for name, each in by_term.items()} == {"SHORT": 20, "LONG": -30}
    assert {name: each.gain_base for name, each in by_year.items()} == {"2022": 20, "2023": -30}
    assert [each.tax_base for each in by_year.values()] == [D("7.40"), D("-6.00")]


def test_what_costs_take_makes_a_loss_of_a_sale_at_the_same_price() -> None:
    (gain,) = gains(
        buy("b", "2024-01-02", "10", "30", fee="5"),
        sell("s", "2024-01-03", "10", "30", fee="4", tax="3"),
    )
    assert (gain.cost_base, gain.proceeds_base, gain.gain_base) == (305, 293, -12)
    # A loss takes from the tax on other gains: 12 x 37 %.
    assert gain.tax_base == D("-4.44")


def test_what_cannot_be_divided_stays_with_the_last_lot() -> None:
    found = gains(
        buy("a", "2024-01-02", "1", "10"),
        buy("b", "2024-01-03", "1", "10"),
        buy("c", "2024-01-04", "1", "10"),
        trade("s", "SELL", "ACME", "2024-01-05", quantity="3", gross="100"),
    )
    third = D("33.333333333333333333")
    assert [gain.proceeds_base for gain in found] == [third, third, D("33.333333333333333334")]
    assert totals(found).gain_base == 70


@pytest.mark.parametrize("security_id", ["SAP", "BUND"])
def test_what_a_rate_cannot_divide_stays_with_the_last_lot_too(security_id: str) -> None:
    def fact(identity: str, kind: str, day: int, quantity: str, gross: str) -> Transaction:
        on = f"2024-01-{day:02}"
        return trade(
            identity, kind, security_id, on, quantity=quantity, gross=gross, currency="EUR"
        )

    found = [
        gain
        for gain in gains(
            fact("a", "BUY", 2, "1", "10"),
            fact("b", "BUY", 3, "1", "10"),
            fact("c", "BUY", 4, "1", "10"),
            fact("s", "SELL", 5, "3", "100"),
            rates=(Rate("EUR", "USD", date(2024, 1, 1), D("0.5")),),
        )
        if gain.security_id == security_id
    ]
    # Half of 23.333333333333333333 has 19 places and goes to the even one; three of them are 70 x
    # 0.5 = 35 all the same.
    part = D("11.666666666666666666")
    assert [gain.price_base for gain in found] == [part, part, D("11.666666666666666668")]
    assert totals(found).price_base == 35
    assert totals(found).gain_base == 35
    assert totals(found).currency_base == 0
    if security_id == "BUND":
        # On margin there is no money in it that the currency could have moved.
        assert [gain.gain_base for gain in found] == [gain.price_base for gain in found]


@pytest.mark.parametrize(
    ("bought", "last_short", "first_long", "days"),
    [
        # The 29th of February has its anniversary on the 28th.
        ("2024-02-29", "2025-02-28", "2025-03-01", 366),
        # The day after the anniversary is a leap day.
        ("2023-02-28", "2024-02-28", "2024-02-29", 366),
        # A leap day lies between: a year of 366 days, and one more.
        ("2023-03-15", "2024-03-15", "2024-03-16", 367),
    ],
)
def test_leap_years(bought: str, last_short: str, first_long: str, days: int) -> None:
    for on, term in ((last_short, Term.SHORT), (first_long, Term.LONG)):
        (gain,) = gains(buy("b", bought, "1", "10"), sell("s", on, "1", "20"))
        assert gain.term is term
    assert gain.days_held == days
    lot = Lot("b", date.fromisoformat(bought), D(1), D(10), D(10))
    found = holding_period(lot, date.fromisoformat(last_short), RATES)
    assert found.long_term_from == date.fromisoformat(first_long)


def test_no_lot_becomes_long_term_beyond_the_calendar() -> None:
    lot = Lot("b", date(9999, 6, 1), D(1), D(10), D(10))
    assert holding_period(lot, date.max, RATES) == (213, Term.SHORT, None)


def test_a_short_sale_is_short_term_however_long_it_was_open() -> None:
    (gain,) = gains(
        sell("s", "2023-01-03", "10", "50"),
        buy("c", "2024-06-03", "10", "30"),
        allow_short=True,
    )
    assert (gain.side, gain.term, gain.lot_id) == (Side.SHORT, Term.SHORT, "s")
    assert (gain.opened_on, gain.closed_on) == (date(2023, 1, 3), date(2024, 6, 3))
    assert (gain.quantity, gain.proceeds_base, gain.cost_base) == (10, 500, 300)
    assert (gain.gain_base, gain.tax_base) == (200, 74)


def test_least_tax_knows_that_a_short_never_becomes_long_term() -> None:
    # Covering at 30 gains 20 on the old short sale and 15 on the new one; both pay 37 %.
    (gain,) = gains(
        sell("old", "2022-01-03", "10", "50"),
        sell("new", "2024-01-03", "10", "45"),
        buy("c", "2024-06-03", "10", "30"),
        allow_short=True,
        cost_method=CostMethod.MIN_TAX,
    )
    assert gain.lot_id == "new"


def test_a_sale_beyond_what_is_held_realises_only_what_was_held() -> None:
    (gain,) = gains(
        buy("b", "2024-01-02", "4", "10"),
        sell("s", "2024-01-03", "10", "20"),
        allow_short=True,
    )
    assert (gain.quantity, gain.proceeds_base, gain.gain_base) == (4, 80, 40)


def test_price_and_currency_share_a_gain() -> None:
    facts = (
        trade("b", "BUY", "SAP", "2024-01-02", quantity="10", price="10", currency="EUR"),
        trade("s", "SELL", "SAP", "2024-02-02", quantity="10", price="12", currency="EUR"),
    )
    rates = (
        Rate("EUR", "USD", date(2024, 1, 2), D("1.10")),
        Rate("EUR", "USD", date(2024, 2, 2), D("1.20")),
    )
    found = {gain.security_id: gain for gain in gains(*facts, rates=rates)}
    share, cash = found["SAP"], found["CASH_EUR"]
    assert (share.proceeds_local, share.cost_local, share.gain_local) == (120, 100, 20)
    assert (share.proceeds_base, share.cost_base, share.gain_base) == (144, 110, 34)
    # 20 EUR at 1.20 by price; 100 EUR that became dearer by 0.10 by currency.
    assert (share.price_base, share.currency_base) == (24, 10)
    # The overdraft of 100 EUR stood at 110 USD and was paid back with 120.
    assert (cash.kind, cash.side, cash.quantity) == (GainKind.CURRENCY, Side.SHORT, 100)
    assert (cash.gain_local, cash.gain_base, cash.currency_base) == (0, -10, -10)


def test_a_contract_on_margin_has_gains_but_neither_proceeds_nor_cost() -> None:
    def future(identity: str, kind: str, on: str, price: str, fee: str = "0") -> Transaction:
        gross = str(D(price) * 50)
        return trade(identity, kind, "FUT", on, quantity="1", price=price, gross=gross, fee=fee)

    found = gains(
        future("b", "BUY", "2024-01-02", "100", "2"),
        future("m", "MARK_TO_MARKET", "2024-01-03", "105"),
        future("s", "SELL", "2024-01-04", "110", "3"),
    )
    assert [(gain.kind, gain.gain_base) for gain in found] == [
        (GainKind.COST, -2),
        (GainKind.SETTLEMENT, 250),
        (GainKind.DISPOSAL, 247),
    ]
    assert {(gain.lot_id, gain.proceeds_base, gain.cost_local) for gain in found} == {
        ("b", None, None)
    }
    assert {gain.reason for gain in found} == {NOTHING_PAID}
    sums = totals(found)
    assert (sums.proceeds_base, sums.reason, sums.gain_base) == (None, SOME_NOT_PAID, 495)


def test_an_option_that_expires_costs_its_holder_the_premium() -> None:
    (gain,) = gains(
        trade("o", "BUY_TO_OPEN", "CALL", "2023-01-02", quantity="1", gross="300"),
        trade("e", "EXPIRY", "CALL", "2024-06-21", quantity="1"),
    )
    assert (gain.kind, gain.side, gain.term) == (GainKind.EXPIRY, Side.LONG, Term.LONG)
    assert (gain.proceeds_base, gain.cost_base, gain.gain_base) == (0, 300, -300)


def test_an_option_that_expires_leaves_its_writer_the_premium() -> None:
    (gain,) = gains(
        trade("o", "SELL_TO_OPEN", "CALL", "2023-01-02", quantity="1", gross="200"),
        trade("e", "EXPIRY", "CALL", "2024-06-21", quantity="1"),
    )
    assert (gain.kind, gain.side, gain.term) == (GainKind.EXPIRY, Side.SHORT, Term.SHORT)
    assert (gain.proceeds_base, gain.cost_base, gain.gain_base) == (200, 0, 200)


def test_a_merger_for_shares_and_cash_realises_the_part_that_was_paid_for() -> None:
    merger = CorporateAction(
        "m", ActionType.MERGER, "ACME", date(2024, 3, 1),
        to_security_id="OTHER", cost_fraction=D("0.5"), cash_per_unit=D(20), cash_currency="USD",
    )  # fmt: skip
    found = gains(
        buy("l1", "2022-01-10", "10", "30"), buy("l2", "2024-01-10", "10", "50"), actions=(merger,)
    )
    # 200 each in cash, for half of 300 and half of 500; the other halves go on in OTHER.
    assert [
        (gain.lot_id, gain.kind, gain.term, gain.proceeds_base, gain.cost_base, gain.gain_base)
        for gain in found
    ] == [
        ("l1", GainKind.MERGER, Term.LONG, 200, 150, 50),
        ("l2", GainKind.MERGER, Term.SHORT, 200, 250, -50),
    ]


def test_capital_that_comes_back_beyond_cost_is_a_gain_on_that_lot_alone() -> None:
    payment = CorporateAction(
        "r", ActionType.RETURN_OF_CAPITAL, "ACME", date(2024, 3, 1),
        cash_per_unit=D(8), cash_currency="USD",
    )  # fmt: skip
    (gain,) = gains(
        buy("l1", "2022-01-10", "10", "5"), buy("l2", "2024-01-10", "10", "30"), actions=(payment,)
    )
    assert (gain.lot_id, gain.kind, gain.quantity) == ("l1", GainKind.CAPITAL_RETURN, 10)
    assert (gain.proceeds_base, gain.cost_base, gain.gain_base) == (30, 0, 30)


def test_a_split_leaves_the_holding_period_as_it_was() -> None:
    split = CorporateAction("a", ActionType.SPLIT, "ACME", date(2024, 1, 2), D(2))
    (gain,) = gains(
        buy("b", "2022-01-10", "10", "30"), sell("s", "2024-03-01", "20", "20"), actions=(split,)
    )
    assert (gain.opened_on, gain.term, gain.gain_base) == (date(2022, 1, 10), Term.LONG, 100)


def test_without_tax_rates_there_is_no_tax_and_it_says_why() -> None:
    (gain,) = gains(
        buy("b", "2024-01-02", "1", "10"), sell("s", "2024-01-03", "1", "20"), tax=TaxRates()
    )
    assert gain.tax_base is None
    assert totals([gain]).tax_base is None
    assert Terms(TaxRates()).tax_reason == NO_RATES
    assert Terms(TaxRates(long_term=D("0.1"))).tax_reason is None


def test_what_is_delivered_without_a_price_realises_nothing() -> None:
    assert not gains(
        buy("b", "2024-01-02", "1", "10"),
        trade("t", "TRANSFER_OUT", "ACME", "2024-01-03", quantity="1", gross="20"),
    )
