"""Realised gains by holding period, with hand arithmetic."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.gains import TermGains, Terms, term_gains
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.portfolios import CostMethod

D = Decimal
ACME = security("ACME")
OLD = trade("old", "BUY", "ACME", "2024-01-10", quantity="10", price="10")
NEW = trade("new", "BUY", "ACME", "2025-01-10", quantity="30", price="20")


def of(security_id: str, *facts: object, **policies: object) -> TermGains:
    """Return the gains of one key, a year being the border."""
    actions = tuple(fact for fact in facts if isinstance(fact, CorporateAction))
    trades = [fact for fact in facts if not isinstance(fact, CorporateAction)]
    instruments = [ACME, security("FUT", product_type="FUTURE")]
    book = keep_book(trades, portfolio(**policies), instruments, actions=actions)  # pyright: ignore[reportArgumentType]
    return term_gains(book.entries_by_key[security_id], Terms())


def test_a_sale_over_an_old_and_a_new_lot_is_parted_by_units() -> None:
    # 20 at 25 bring 500: 250 for ten that cost 100, 250 for ten that cost 200.
    sale = trade("sale", "SELL", "ACME", "2025-06-10", quantity="20", price="25")
    assert of("ACME", OLD, NEW, sale) == TermGains(D(200), D(50), D(150), D(0))


def test_the_day_after_the_anniversary_is_the_first_long_term_one() -> None:
    on = trade("sale", "SELL", "ACME", "2025-01-10", quantity="10", price="11")
    after = trade("sale", "SELL", "ACME", "2025-01-11", quantity="10", price="11")
    assert of("ACME", OLD, on) == TermGains(D(10), D(10), D(0), D(0))
    assert of("ACME", OLD, after) == TermGains(D(10), D(0), D(10), D(0))


def test_a_loss_and_a_gain_of_one_sale_keep_their_signs() -> None:
    # 40 at 15 bring 600: 150 for what cost 100, 450 for what cost 600.
    sale = trade("sale", "SELL", "ACME", "2025-06-10", quantity="40", price="15")
    assert of("ACME", OLD, NEW, sale) == TermGains(D(-100), D(-150), D(50), D(0))


def test_thirds_that_cannot_be_exact_add_up_to_the_gain() -> None:
    lots = [
        trade(name, "BUY", "ACME", on, quantity="1", price="10")
        for name, on in (("a", "2023-01-10"), ("b", "2023-02-10"), ("c", "2025-01-10"))
    ]
    sale = trade("sale", "SELL", "ACME", "2025-02-20", quantity="3", gross="40", price="0")
    found = of("ACME", *lots, sale)
    assert found.realised == 10
    assert found.short_term + found.long_term == 10
    # Two thirds of 40, less 20, to 18 places.
    assert found.long_term == D("6.666666666666666666")


def test_what_a_return_of_capital_exceeds_is_the_gain_of_its_lot() -> None:
    # 12 a unit on ten that cost 10 each: 20 too much. On thirty that cost 20 each: nothing.
    paid = CorporateAction(
        "paid",
        ActionType.RETURN_OF_CAPITAL,
        "ACME",
        date(2025, 6, 10),
        cash_per_unit=D(12),
        cash_currency="USD",
    )
    assert of("ACME", OLD, NEW, paid) == TermGains(D(20), D(0), D(20), D(0))


def test_a_merger_for_units_and_cash_parts_the_cash_by_units_and_the_cost_by_lots() -> None:
    # Half of each cost is carried. 6 a unit: 60 against 50 of the old lot, 180 against 300.
    merger = CorporateAction(
        "merger",
        ActionType.MERGER,
        "ACME",
        date(2025, 6, 10),
        to_security_id="NEXT",
        cost_fraction=D("0.5"),
        cash_per_unit=D(6),
        cash_currency="USD",
    )
    book = keep_book([OLD, NEW], portfolio(), [ACME, security("NEXT")], actions=(merger,))
    fractions = {"merger@P1": D("0.5")}
    found = term_gains(book.entries_by_key["ACME"], Terms(fractions=fractions))
    assert found == TermGains(D(-110), D(-120), D(10), D(0))


def test_a_pool_is_as_old_as_the_day_on_which_it_was_opened() -> None:
    # 40 cost 700; 20 of them 350, and bring 500.
    sale = trade("sale", "SELL", "ACME", "2025-06-10", quantity="20", price="25")
    found = of("ACME", OLD, NEW, sale, cost_method=CostMethod.AVCO)
    assert found == TermGains(D(150), D(0), D(150), D(0))


def test_nothing_realised_is_nothing_of_every_kind() -> None:
    assert of("ACME", OLD, NEW) == TermGains()
