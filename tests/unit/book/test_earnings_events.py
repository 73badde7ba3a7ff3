"""The earnings of a month in which more happened than trades."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.fixtures.booking import D, portfolio, security, trade
from tidebook.book.earnings import KeptBook, period_earnings
from tidebook.book.series import Market
from tidebook.book.whole import Facts, build
from tidebook.model.actions import ActionTable, ActionType, CorporateAction
from tidebook.model.facts import Price
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.markets import price_table, rate_table
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tidebook.book.earnings import KeyEarnings, PeriodEarnings
    from tidebook.model.facts import Transaction

FEBRUARY = Span(date(2025, 2, 1), date(2025, 2, 28))
FUTURE = Instrument("FUT", "Future", "USD", "Future", multiplier=D(50))
CALL = Instrument(
    "CALL",
    "Call on OLD",
    "USD",
    "Option",
    multiplier=D(100),
    underlying_id="OLD",
    option_right=OptionRight.CALL,
    strike=D(50),
)
KNOWN = {one.security_id: one for one in (security("OLD"), security("NEW"), FUTURE, CALL)}
BOUGHT = trade("buy", "BUY", "OLD", "2025-01-10", quantity="10", price="50")
OPENING = ("OLD", "2025-01-31", "60")


def earned(
    facts: list[Transaction],
    *prices: tuple[str, str, str],
    actions: tuple[CorporateAction, ...] = (),
    of: str = "P1",
    method: CostMethod = CostMethod.FIFO,
) -> PeriodEarnings:
    home = portfolio(cost_method=method)
    other = home._replace(portfolio_id="P2")
    kept = Facts({"P1": home, "P2": other}, KNOWN, facts, rate_table([]), ActionTable(actions))
    whole = build(kept)
    assert not whole.findings
    entries = [
        entry
        for (holder, _), folded in whole.keys.items()
        if holder == of
        for entry in folded.entries
    ]
    quoted = [Price(name, date.fromisoformat(on), D(price), "USD") for name, on, price in prices]
    market = Market(price_table(quoted), rate_table([]), "USD", {})
    known = {fact.transaction_id: fact for fact in facts}
    found = period_earnings(KeptBook(entries, known, KNOWN), FEBRUARY, market)
    assert found.unexplained == 0
    return found


def line(found: PeriodEarnings, security_id: str) -> KeyEarnings:
    (one,) = [key for key in found.keys if key.security_id == security_id]
    return one


def action(kind: ActionType, new: str = "1", *, to: str = "", cash: str = "0") -> CorporateAction:
    return CorporateAction(
        "act",
        kind,
        "OLD",
        date(2025, 2, 5),
        new_units=D(new),
        to_security_id=to,
        cash_per_unit=D(cash),
        cash_currency="USD",
    )


def test_a_split_gains_nothing_and_what_follows_counts_from_half_the_price() -> None:
    sale = trade("sell", "SELL", "OLD", "2025-02-10", quantity="4", price="35")
    split = (action(ActionType.SPLIT, "2"),)
    found = earned([BOUGHT, sale], OPENING, ("OLD", "2025-02-28", "40"), actions=split)
    assert (found.realised, found.unrealised) == (4 * 5, 16 * 10)


def test_a_transfer_in_kind_gains_up_to_its_value_here_and_from_it_there() -> None:
    moved = trade("go", "TRANSFER_IN_KIND", "OLD", "2025-02-05", quantity="10", gross="640")
    facts = [BOUGHT, moved._replace(to_portfolio_id="P2")]
    end = ("OLD", "2025-02-28", "75")
    here = earned(facts, OPENING, end)
    assert (here.realised, here.transfers, here.final) == (40, -640, -500)
    there = earned(facts, OPENING, end, of="P2")
    assert (there.unrealised, there.transfers, there.final) == (110, 640, 750)


def test_a_conversion_hands_the_restated_cost_on() -> None:
    swap = trade("swap", "CONVERSION", "OLD", "2025-02-05", quantity="10", gross="0")
    swap = swap._replace(to_security_id="NEW", to_quantity=D(20))
    for method in (CostMethod.FIFO, CostMethod.AVCO):
        found = earned([BOUGHT, swap], OPENING, ("NEW", "2025-02-28", "40"), method=method)
        assert line(found, "OLD").realised == line(found, "OLD").unrealised == 0
        assert (line(found, "NEW").cost, line(found, "NEW").unrealised) == (600, 200)


def test_a_merger_for_cash_realises_from_the_opening_value() -> None:
    merger = (action(ActionType.MERGER, cash="70"),)
    found = earned([BOUGHT], OPENING, actions=merger)
    assert (found.realised, found.unrealised, found.final) == (100, 0, 200)


def test_capital_returned_is_no_gain() -> None:
    paid = (action(ActionType.RETURN_OF_CAPITAL, cash="5"),)
    found = earned([BOUGHT], OPENING, ("OLD", "2025-02-28", "56"), actions=paid)
    assert (found.realised, found.unrealised) == (0, 560 - (600 - 50))


def test_units_earned_are_income_at_their_value_and_gain_from_there() -> None:
    reward = trade("reward", "STAKING_REWARD", "OLD", "2025-02-05", quantity="1", gross="60")
    found = earned([reward], ("OLD", "2025-02-28", "75"))
    assert (found.income, found.unrealised, found.final) == (60, 15, 75)


def test_a_contract_on_margin_is_worth_its_gain() -> None:
    facts = [
        trade("open", "BUY", "FUT", "2025-01-10", quantity="2", price="100", fee="3"),
        trade("close", "SELL", "FUT", "2025-02-10", quantity="1", price="110", fee="2"),
    ]
    found = earned(facts, ("FUT", "2025-01-31", "104"), ("FUT", "2025-02-28", "101"))
    # Two contracts of 50 stood four points above their price; one left six points higher still.
    assert (found.initial, found.final) == (400 - 3, 50 - 3 + 500 - 2)
    assert (found.realised, found.unrealised, found.fees) == (50 * 6, -50 * 3, 2)


def test_an_exercise_takes_the_value_of_the_option_into_the_shares() -> None:
    facts = [
        trade("call", "BUY", "CALL", "2025-01-10", quantity="1", price="5", gross="500"),
        trade("use", "EXERCISE", "CALL", "2025-02-05", quantity="1", gross="0"),
    ]
    found = earned(facts, ("CALL", "2025-01-31", "7"), ("OLD", "2025-02-28", "60"))
    # A hundred shares cost 5,000 and an option that had come to be worth 700.
    assert (line(found, "OLD").cost, line(found, "OLD").unrealised) == (5700, 300)
    assert line(found, "CALL").initial == 700
    assert found.realised == 0


def test_an_option_that_ends_worthless_loses_what_it_was_worth() -> None:
    facts = [
        trade("call", "BUY", "CALL", "2025-01-10", quantity="1", price="5", gross="500"),
        trade("end", "EXPIRY", "CALL", "2025-02-05", quantity="1", gross="0"),
    ]
    assert earned(facts, ("CALL", "2025-01-31", "7")).realised == -700


def test_the_lot_that_the_method_chose_leaves_and_not_the_dearest_restated() -> None:
    facts = [
        BOUGHT,
        trade("dear", "BUY", "OLD", "2025-02-03", quantity="10", price="55"),
        trade("sell", "SELL", "OLD", "2025-02-10", quantity="10", price="70"),
    ]
    # The dearest lot of the book cost 55 in February; restated, the older one would be dearer.
    found = earned(facts, OPENING, ("OLD", "2025-02-28", "70"), method=CostMethod.HIFO)
    assert (found.realised, found.unrealised) == (10 * 15, 10 * 10)
