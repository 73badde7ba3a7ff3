"""Stories of a euro portfolio with dollars, debts, transfers and a short sale."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.positions import positions
from tidebook.book.postings import Leg
from tidebook.book.series import portfolio_flows
from tidebook.book.trades import Side, closed_trades
from tidebook.book.valuation import Held, cash_quote, value_position
from tidebook.model.facts import Rate
from tidebook.model.markets import rate_table

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.model.facts import Transaction
    from tidebook.model.instruments import Instrument
    from tidebook.model.markets import RateTable

D = Decimal
HOME = portfolio("EUR")
ACME, SAP = security("ACME", "USD"), security("SAP", "EUR")


def dollars(*rates: tuple[str, str]) -> RateTable:
    """Return what a dollar was worth in euros from each day on."""
    return rate_table(Rate("USD", "EUR", date.fromisoformat(on), D(rate)) for on, rate in rates)


def euro_book(facts: list[Transaction], rates: RateTable) -> Book:
    known: list[Instrument] = [ACME, SAP]
    return keep_book(facts, HOME, known, rates)


def test_an_overdraft_in_dollars_is_a_debt_that_grows_with_the_dollar() -> None:
    # Shares for 1,000 dollars are bought without a dollar in the account, at 0.90 euros each.
    rates = dollars(("2025-02-03", "0.90"), ("2025-03-03", "0.95"), ("2025-04-01", "0.92"))
    purchase = trade("purchase", "BUY", "ACME", "2025-02-03", quantity="10", price="100")
    book = euro_book([purchase], rates)
    debt = book.holding("CASH_USD")
    assert (debt.quantity, debt.cost_base) == (-1000, -900)

    # A month later the dollar stands at 0.95: the debt has grown by 50 euros, the shares too.
    march = date(2025, 3, 31)
    owed = Held(debt.quantity, debt.cost_local, debt.cost_base, "USD")
    value = value_position(owed, cash_quote("USD", march), rates, "EUR", march).value
    assert value is not None
    assert (value.base, value.unrealised_base) == (-950, -50)

    # On the first of April half the shares go at 120: 600 dollars repay part of the debt, when a
    # dollar costs 0.92. Two cents more than at first on each of 600 are lost for good.
    sale = trade("sale", "SELL", "ACME", "2025-04-01", quantity="5", price="120")
    book = euro_book([purchase, sale], rates)
    repaid = book.entry("sale", Leg.CASH)
    assert (repaid.realised_local, repaid.realised_base) == (0, -12)
    assert book.holding("CASH_USD").cost_base == -360
    # The sale itself gained 100 dollars at 0.92, and two cents on each of the 500 paid.
    gain = book.entry("sale")
    assert (gain.realised_price, gain.realised_currency) == (92, 10)


def test_dollars_bought_for_euros_pay_for_shares_and_show_what_the_currency_earned() -> None:
    # 900 euros buy 1,000 dollars; at 0.95 they pay for shares, and 50 euros were earned.
    rates = dollars(("2025-02-03", "0.90"), ("2025-03-03", "0.95"))
    facts = [
        trade("deposit", "DEPOSIT", "CASH", "2025-02-01", gross="2000", currency="EUR"),
        trade("exchange", "BUY", "CASH_USD", "2025-02-03", quantity="1000", price="0.90",
              currency="EUR"),
        trade("purchase", "BUY", "ACME", "2025-03-03", quantity="10", price="100"),
    ]  # fmt: skip
    book = euro_book(facts, rates)
    assert book.findings == ()
    assert book.holding("CASH_EUR").quantity == 1100
    assert book.holding("CASH_USD").quantity == 0
    assert book.entry("purchase", Leg.CASH).realised_base == 50
    assert book.holding("ACME").cost_base == 950


def test_shares_that_come_in_from_another_bank_cost_what_they_were_worth_that_day() -> None:
    # Bought elsewhere long ago; they arrive when a share stands at 150, and twenty move on at 160.
    facts = [
        trade("in", "TRANSFER_IN", "SAP", "2025-02-03", quantity="100", gross="15000",
              currency="EUR"),
        trade("out", "TRANSFER_OUT", "SAP", "2025-02-20", quantity="20", gross="3200",
              currency="EUR"),
        trade("sale", "SELL", "SAP", "2025-03-03", quantity="30", price="170", currency="EUR"),
    ]  # fmt: skip
    book = euro_book(facts, dollars())
    # What left took its cost along and gained nothing here; the sale gained 20 a share.
    assert book.entry("out").cost_base == -3000
    assert book.entry("out").realised_base is None
    assert book.entry("sale").realised_base == 600
    assert book.holding("SAP").cost_base == 7500
    # Both cross the border at the value of the day; the sale does not cross it.
    crossed = [flow.amount for flow in portfolio_flows(book.entries)]
    assert sorted(crossed) == [-3200, 15000]
    assert book.holding("CASH_EUR").quantity == 5100


def test_a_dividend_in_dollars_waits_for_its_rate_and_for_nothing_else() -> None:
    facts = [
        trade("purchase", "BUY", "SAP", "2025-02-03", quantity="1", price="100", currency="EUR"),
        trade("dividend", "DIVIDEND", "ACME", "2025-02-04", gross="10"),
    ]
    waiting = euro_book(facts, dollars())
    assert [finding.waits_for for finding in waiting.findings] == ["rate:EUR/USD"]
    assert waiting.holding("SAP").quantity == 1
    assert waiting.holding("CASH_USD").quantity == 0

    paid = euro_book(facts, dollars(("2025-02-01", "0.90")))
    assert paid.findings == ()
    assert positions(paid.entries, date(2025, 2, 4))["CASH_USD"].cost_base == 9


def test_shares_sold_short_and_bought_back_for_less_are_a_gain_on_the_day_of_the_cover() -> None:
    kept = HOME._replace(allow_short=True)
    facts = [
        trade("short", "SELL", "SAP", "2025-02-03", quantity="50", price="20", fee="10",
              currency="EUR"),
        trade("cover", "BUY", "SAP", "2025-03-03", quantity="50", price="15", fee="10",
              currency="EUR"),
    ]  # fmt: skip
    assert keep_book(facts[:1], HOME, [SAP]).findings[0].code == "position.oversold"

    book = keep_book(facts, kept, [SAP])
    assert book.entry("short").realised_base is None
    # 990 came in, 760 went out.
    assert book.entry("cover").realised_base == 230
    assert book.holding("CASH_EUR").quantity == 230
    (trip,) = closed_trades(book.entries_by_key["SAP"])
    assert (trip.side, trip.entry_base, trip.exit_base) == (Side.SHORT, 990, 760)
