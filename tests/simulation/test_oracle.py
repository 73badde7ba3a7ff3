"""The oracle, by figures that a reader can work out: who judges must be judged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

from tests.simulation.oracle import FinalFacts, book_of
from tests.simulation.oracle_rates import Rates, half_even
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import Price, Rate, Transaction, TransactionType as T
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Portfolio

_MONDAY = date(2024, 3, 4)
_ACME = Instrument("ACME", "Acme", "USD", "Equity")
_SAP = Instrument("SAP", "Sap", "EUR", "Equity")


def _day(number: int) -> date:
    return date(2024, 3, 4 + number)


def _trade(identity: str, kind: T, quantity: int, price: str, *, day: int) -> Transaction:
    on = _day(day)
    gross = quantity * Decimal(price)
    return Transaction(
        identity,
        "P1",
        "ACME",
        kind,
        datetime(on.year, on.month, on.day, 9, tzinfo=UTC),
        None,
        Decimal(quantity),
        Decimal(price),
        gross,
        "USD",
        "USD",
    )


def _facts(
    *transactions: Transaction,
    portfolio: Portfolio | None = None,
    rates: tuple[Rate, ...] = (),
    prices: tuple[Price, ...] = (),
    dates: tuple[date, ...] = (),
) -> FinalFacts:
    return FinalFacts(
        {"P1": portfolio or Portfolio("P1", "USD", _MONDAY)},
        {"ACME": _ACME, "SAP": _SAP},
        rates,
        prices,
        dates,
        {each.transaction_id: each for each in transactions},
    )


_BUYS = (
    _trade("T1", T.BUY, 3, "10", day=0),
    _trade("T2", T.BUY, 3, "13", day=1),
)


def test_first_in_first_out() -> None:
    # Three at 10 leave, and one at 13: cost 43, sold for 60, gain 17; two at 13 stay.
    book = book_of(_facts(*_BUYS, _trade("T3", T.SELL, 4, "15", day=2)))
    assert book.positions["P1", "ACME"] == (2, 26, 26, 17, 17)
    assert book.lots["P1", "ACME"] == (("T2", _day(1), 2, 26, 26),)
    # -30 - 39 + 60
    assert book.positions["P1", "CASH_USD"][:2] == (-9, -9)
    assert book.findings == set()


def test_average_cost() -> None:
    # Six cost 69, so four cost 46: gain 60 - 46 = 14, and 23 stays for two.
    portfolio = Portfolio("P1", "USD", _MONDAY, cost_method=CostMethod.AVCO)
    sale = _trade("T3", T.SELL, 4, "15", day=2)
    book = book_of(_facts(*_BUYS, sale, portfolio=portfolio))
    assert book.positions["P1", "ACME"] == (2, 23, 23, 14, 14)
    assert book.lots["P1", "ACME"] == (("T1", _day(0), 2, 23, 23),)


def test_more_than_is_held_waits_and_moves_no_cash() -> None:
    book = book_of(_facts(*_BUYS, _trade("T3", T.SELL, 7, "15", day=2)))
    assert book.findings == {("T3", "position.oversold")}
    assert book.positions["P1", "ACME"][0] == 6
    assert book.positions["P1", "CASH_USD"][0] == -69


def test_a_short_position_is_covered() -> None:
    # Sold 7 for 105, of which 6 cost 69: 6/7 of 105 is 90, gain 21; one is short at 15.
    portfolio = Portfolio("P1", "USD", _MONDAY, allow_short=True)
    sale = _trade("T3", T.SELL, 7, "15", day=2)
    book = book_of(_facts(*_BUYS, sale, portfolio=portfolio))
    assert book.positions["P1", "ACME"] == (-1, -15, -15, 21, 21)
    # Bought back at 11: gain 4 more.
    cover = _trade("T4", T.BUY, 1, "11", day=3)
    book = book_of(_facts(*_BUYS, sale, cover, portfolio=portfolio))
    assert book.positions["P1", "ACME"] == (0, 0, 0, 25, 25)


def test_parts_are_rounded_and_the_rest_stays() -> None:
    # One of three that cost 10: 3.333..., cut at 18 places; the other two keep what is left.
    buy = _trade("T1", T.BUY, 3, "10", day=0)._replace(gross=Decimal(10))
    book = book_of(_facts(buy, _trade("T2", T.SELL, 1, "5", day=1)))
    third = Fraction(3333333333333333333, 10**18)
    assert book.lots["P1", "ACME"] == (("T1", _day(0), 2, 10 - third, 10 - third),)
    assert book.positions["P1", "ACME"][3] == 5 - third


def test_a_gain_abroad_is_price_and_currency() -> None:
    # Bought for EUR 100 at 1.10, sold for EUR 120 at 1.20: 144 - 110 = 34, of it 24 by the price.
    def sap(each: Transaction) -> Transaction:
        return each._replace(security_id="SAP", trade_currency="EUR", currency="EUR")

    buy = sap(_trade("T1", T.BUY, 10, "10", day=0))
    sale = sap(_trade("T2", T.SELL, 10, "12", day=2))
    rates = (
        Rate("EUR", "USD", _day(0), Decimal("1.1")),
        Rate("EUR", "USD", _day(2), Decimal("1.2")),
    )
    book = book_of(_facts(buy, sale, rates=rates))
    assert book.entries["P1", "SAP", "T2", "main"][8] == (20, 34, 24, 10)
    without = book_of(_facts(buy, sale))
    assert without.findings == {("T1", "rate.missing"), ("T2", "rate.missing")}
    assert without.entries == {}


def test_a_day_is_valued_at_its_last_price() -> None:
    # Paid 30 from an empty account; the price comes a day later, and a weekend follows.
    prices = (Price("ACME", _day(1), Decimal(12), "USD"), Price("ACME", _day(7), Decimal(9), "USD"))
    book = book_of(_facts(_trade("T1", T.BUY, 3, "10", day=0), prices=prices))
    days = {key[1]: figures for key, figures in book.days.items()}
    assert sorted(days) == [_day(number) for number in (0, 1, 2, 3, 4, 7)]
    assert days[_day(0)] == (0, 0, 0, -30, 0, 30)
    assert days[_day(1)] == (-30, 0, 0, 6, 0, 0)
    assert days[_day(7)] == (6, 0, 0, -3, 0, 0)


def test_business_dates_are_the_calendar() -> None:
    book = book_of(_facts(_trade("T1", T.BUY, 3, "10", day=0), dates=(_day(0), _day(2))))
    assert [key[1] for key in book.days] == [_day(0), _day(2)]


def test_flows_and_costs() -> None:
    deposit = _trade("T1", T.DEPOSIT, 1, "100", day=0)._replace(security_id="CASH_USD")
    fee = _trade("T2", T.FEE, 1, "3", day=0)._replace(security_id="CASH_USD")
    book = book_of(_facts(deposit, fee))
    assert book.days["P1", _day(0)] == (0, 100, -3, 97, 3, 0)


def test_rates_across_and_turned_round() -> None:
    rates = Rates(
        (
            Rate("EUR", "USD", _day(0), Decimal("1.25")),
            Rate("GBP", "EUR", _day(0), Decimal("1.2")),
            Rate("USD", "EUR", _day(2), Decimal("0.5")),
        )
    )
    assert rates.rate("USD", "EUR", _day(1)) == Fraction(4, 5)
    assert rates.rate("EUR", "USD", _day(2)) == 2
    assert rates.rate("GBP", "USD", _day(1)) == Fraction(3, 2)
    assert rates.rate("GBP", "USD", date(2024, 3, 1)) is None


def test_halves_go_to_the_even_digit() -> None:
    unit = Fraction(1, 10**18)
    assert half_even(unit * Fraction(5, 2)) == 2 * unit
    assert half_even(unit * Fraction(7, 2)) == 4 * unit


def _with_method(method: CostMethod) -> Portfolio:
    return Portfolio("P1", "USD", _MONDAY, cost_method=method)


def _sold_first(method: CostMethod) -> str:
    """Return the lot that one unit comes from, of three at 10, 12 and 11."""
    bought = (
        _trade("A", T.BUY, 1, "10", day=0),
        _trade("B", T.BUY, 1, "12", day=1),
        _trade("C", T.BUY, 1, "11", day=2),
    )
    sold = _trade("D", T.SELL, 1, "15", day=3)
    book = book_of(_facts(*bought, sold, portfolio=_with_method(method)))
    return book.entries["P1", "ACME", "D", "main"][-1][0][0]


def test_each_method_takes_another_lot() -> None:
    methods = (CostMethod.FIFO, CostMethod.LIFO, CostMethod.HIFO)
    assert [_sold_first(method) for method in methods] == ["A", "C", "B"]


def test_a_split_changes_units_and_leaves_cost_and_day() -> None:
    split = CorporateAction("S", ActionType.SPLIT, "ACME", _day(2), Decimal(3), Decimal(2))
    facts = _facts(_trade("A", T.BUY, 4, "10", day=0))._replace(actions=[split])
    # Three for two: 4 units become 6, and all of them still cost 40.
    assert book_of(facts).lots["P1", "ACME"] == (("A", _day(0), 6, 40, 40),)


def test_what_is_transferred_keeps_its_lot_and_day() -> None:
    sent = _trade("M", T.TRANSFER_IN_KIND, 1, "50", day=3)._replace(to_portfolio_id="P2")
    facts = _facts(_trade("A", T.BUY, 4, "10", day=0), sent)
    both = {**facts.portfolios, "P2": Portfolio("P2", "USD", _MONDAY)}
    book = book_of(facts._replace(portfolios=both))
    assert book.lots["P1", "ACME"] == (("A", _day(0), 3, 30, 30),)
    assert book.lots["P2", "ACME"] == (("A", _day(0), 1, 10, 10),)
