"""What issuers do: every action on a holding, booked by hand beside the book."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.fixtures.booking import keep_book, portfolio, security, trade
from tidebook.book.lots import Lot
from tidebook.book.postings import Leg
from tidebook.model.actions import ActionType, CorporateAction, applied_id

if TYPE_CHECKING:
    from tests.fixtures.booking import Book
    from tidebook.model.facts import Transaction

D = Decimal
OLD, NEW, RIGHT = security("OLD"), security("NEW"), security("RIGHT", product_type="Right")
FUNDS = trade("cash", "DEPOSIT", "CASH", "2024-01-01", gross="100000")
BOUGHT = (
    trade("b1", "BUY", "OLD", "2024-01-10", quantity="100", price="10"),
    trade("b2", "BUY", "OLD", "2024-02-10", quantity="50", price="16"),
)


def action(kind: ActionType, on: str = "2024-03-01", **terms: object) -> CorporateAction:
    fields = {
        name: D(value) if isinstance(value, str) and name not in {"to", "cash_currency"} else value
        for name, value in terms.items()
    }
    to = str(fields.pop("to", ""))
    return CorporateAction("act", kind, "OLD", date.fromisoformat(on), to_security_id=to, **fields)  # type: ignore[arg-type]


def kept(
    *actions: CorporateAction,
    facts: tuple[Transaction, ...] = BOUGHT,
    **policies: Any,  # noqa: ANN401 - any field
) -> Book:
    return keep_book((FUNDS, *facts), portfolio(**policies), [OLD, NEW, RIGHT], actions=actions)


def held(book: Book, security_id: str) -> tuple[Decimal, Decimal]:
    holding = book.holding(security_id)
    return holding.quantity, holding.cost_base


def test_a_two_for_one_split_doubles_units_and_keeps_cost_and_dates() -> None:
    book = kept(action(ActionType.SPLIT, new_units="2"))
    assert held(book, "OLD") == (300, 1800)
    assert book.lots("OLD") == (
        Lot("b1", date(2024, 1, 10), D(200), D(1000), D(1000)),
        Lot("b2", date(2024, 2, 10), D(100), D(800), D(800)),
    )


def test_a_sale_after_a_split_takes_half_the_cost_per_unit() -> None:
    sale = trade("s", "SELL", "OLD", "2024-03-01", quantity="50", price="9")
    book = kept(action(ActionType.SPLIT, new_units="2"), facts=(*BOUGHT, sale))
    # The split comes first on its day: 50 of 200 units that cost 1,000.
    assert book.entry("s").realised_base == 450 - 250
    assert held(book, "OLD") == (250, 1550)


def test_a_split_does_not_reach_what_was_bought_after_it() -> None:
    later = trade("b3", "BUY", "OLD", "2024-03-01", quantity="10", price="8")
    assert held(kept(action(ActionType.SPLIT, new_units="2"), facts=(*BOUGHT, later)), "OLD") == (
        310,
        1880,
    )


def test_a_reverse_split_leaves_fractions_that_still_sum_to_the_position() -> None:
    book = kept(action(ActionType.SPLIT, new_units="1", old_units="3"))
    quantities = [lot.quantity for lot in book.lots("OLD")]
    assert quantities == [D("33.333333333333333333"), D("16.666666666666666667")]
    assert held(book, "OLD") == (D("50.000000000000000000"), 1800)


def test_a_split_doubles_a_short_position_too() -> None:
    short = (trade("s", "SELL", "OLD", "2024-01-10", quantity="100", price="10"),)
    book = kept(action(ActionType.SPLIT, new_units="2"), facts=short, allow_short=True)
    assert held(book, "OLD") == (-200, -1000)


def test_a_stock_dividend_adds_units_at_no_cost() -> None:
    book = kept(action(ActionType.STOCK_DIVIDEND, new_units="1", old_units="10"))
    assert held(book, "OLD") == (165, 1800)


def test_a_spin_off_moves_its_part_of_the_cost_with_the_dates() -> None:
    spin = action(ActionType.SPIN_OFF, new_units="1", old_units="5", to="NEW", cost_fraction="0.2")
    book = kept(spin)
    assert held(book, "OLD") == (150, 1440)
    assert book.lots("NEW") == (
        Lot("b1", date(2024, 1, 10), D(20), D(200), D(200)),
        Lot("b2", date(2024, 2, 10), D(10), D(160), D(160)),
    )
    assert book.entry(applied_id("act", "P1")).realised_base is None


def test_a_merger_for_stock_carries_every_lot_over() -> None:
    book = kept(action(ActionType.MERGER, new_units="3", old_units="2", to="NEW"))
    assert held(book, "OLD") == (0, 0)
    assert book.lots("NEW") == (
        Lot("b1", date(2024, 1, 10), D(150), D(1000), D(1000)),
        Lot("b2", date(2024, 2, 10), D(75), D(800), D(800)),
    )


def test_a_merger_for_cash_is_a_sale_of_everything() -> None:
    book = kept(action(ActionType.MERGER, cash_per_unit="20", cash_currency="USD"))
    assert held(book, "OLD") == (0, 0)
    assert book.entry(applied_id("act", "P1")).realised_base == 3000 - 1800
    # 100,000 less 1,800 for the shares, and 3,000 for them.
    assert book.holding("CASH_USD").quantity == 101200


def test_a_merger_for_both_realises_against_the_cost_that_does_not_go_along() -> None:
    both = action(
        ActionType.MERGER,
        to="NEW",
        cost_fraction="0.75",
        cash_per_unit="4",
        cash_currency="USD",
    )
    book = kept(both)
    assert held(book, "NEW") == (150, 1350)
    # 600 of cash against the quarter of the cost, 450.
    assert book.entry(applied_id("act", "P1")).realised_base == 150
    assert book.holding("CASH_USD").quantity == 98800


def test_a_new_identifier_is_the_same_holding() -> None:
    book = kept(action(ActionType.IDENTIFIER_CHANGE, to="NEW"))
    assert held(book, "OLD") == (0, 0)
    assert [(lot.lot_id, lot.cost_base) for lot in book.lots("NEW")] == [("b1", 1000), ("b2", 800)]


def test_a_sale_under_the_new_identifier_takes_the_oldest_lot_of_the_old_one() -> None:
    sale = trade("s", "SELL", "NEW", "2024-04-01", quantity="120", price="20")
    book = kept(action(ActionType.IDENTIFIER_CHANGE, to="NEW"), facts=(*BOUGHT, sale))
    assert book.entry("s").realised_base == 2400 - (1000 + 20 * 16)


def test_a_return_of_capital_lowers_the_cost_and_what_exceeds_it_is_a_gain() -> None:
    book = kept(action(ActionType.RETURN_OF_CAPITAL, cash_per_unit="12", cash_currency="USD"))
    # 12 a unit: 1,200 on the first lot, which cost 1,000; 600 on the second, which cost 800.
    assert [lot.cost_base for lot in book.lots("OLD")] == [0, 200]
    assert book.entry(applied_id("act", "P1")).realised_base == 200
    assert book.entry(applied_id("act", "P1"), Leg.CASH).quantity == 1800


def test_a_return_of_capital_can_be_reported_as_a_transaction() -> None:
    paid = trade("roc", "RETURN_OF_CAPITAL", "OLD", "2024-03-01", gross="300")
    book = kept(facts=(*BOUGHT, paid))
    assert held(book, "OLD") == (150, 1500)
    assert book.entry("roc").realised_base is None
    assert book.holding("CASH_USD").quantity == 98500


def test_rights_are_issued_exercised_and_expire() -> None:
    issue = action(ActionType.RIGHTS_ISSUE, new_units="1", old_units="1", to="RIGHT")
    exercise = trade(
        "x",
        "EXERCISE",
        "RIGHT",
        "2024-03-10",
        quantity="100",
        gross="400",
        to_security_id="OLD",
        to_quantity=D(50),
    )
    expiry = trade("e", "EXPIRY", "RIGHT", "2024-03-31", quantity="50")
    book = kept(issue, facts=(*BOUGHT, exercise, expiry))
    assert held(book, "OLD") == (200, 2200)
    assert held(book, "RIGHT") == (0, 0)
    assert book.entry("e").realised_base == 0


def test_rights_that_take_cost_along_give_it_to_the_shares_and_lose_it_on_expiry() -> None:
    issue = action(ActionType.RIGHTS_ISSUE, to="RIGHT", cost_fraction="0.1")
    exercise = trade(
        "x",
        "EXERCISE",
        "RIGHT",
        "2024-03-10",
        quantity="100",
        gross="400",
        to_security_id="OLD",
        to_quantity=D(50),
    )
    expiry = trade("e", "EXPIRY", "RIGHT", "2024-03-31", quantity="50")
    book = kept(issue, facts=(*BOUGHT, exercise, expiry))
    # 1,800 less a tenth, and the shares of the exercise: 400 and the 100 of the first 100 rights.
    assert held(book, "OLD") == (200, 1620 + 500)
    assert book.entry("e").realised_base == -80


def test_a_reinvested_dividend_is_income_and_a_lot_of_as_much() -> None:
    paid = trade("d", "DIVIDEND_REINVESTED", "OLD", "2024-03-01", quantity="3", price="15")
    book = kept(facts=(*BOUGHT, paid))
    assert held(book, "OLD") == (153, 1845)
    flow = book.entry("d").posting.flow
    assert flow is not None
    assert (flow.classification, flow.cash_amount, flow.position_flow) == ("INCOME", 45, 0)
    assert book.holding("CASH_USD").quantity == 98200


def test_an_action_for_one_portfolio_leaves_the_others_alone() -> None:
    split = action(ActionType.SPLIT, new_units="2")._replace(portfolio_id="P2")
    assert held(kept(split), "OLD") == (150, 1800)


def test_an_action_in_a_foreign_currency_waits_for_its_rate() -> None:
    book = kept(action(ActionType.MERGER, cash_per_unit="20", cash_currency="EUR"))
    (finding,) = book.findings
    assert finding.code == "rate.missing"
    assert finding.sentence.startswith("corporate action act in portfolio P1: no exchange rate")
    assert held(book, "OLD") == (150, 1800)
