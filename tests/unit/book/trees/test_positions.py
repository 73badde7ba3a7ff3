"""Trees under a position's figures, against cases worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.book.derivation import Formula, Node, derived, disagreements, evaluate, given
from tidebook.book.folding import fold
from tidebook.book.ledger import post
from tidebook.book.lots import EMPTY, KeyRules, LotRule
from tidebook.book.postings import Leg
from tidebook.book.trees.lots import replay
from tidebook.book.trees.positions import (
    ValueRates,
    cost_tree,
    currency_effect_tree,
    price_effect_tree,
    price_tree,
    quantity_tree,
    realised_tree,
    unit_cost_tree,
    unrealised_tree,
    value_tree,
)
from tidebook.book.trees.rates import rate_tree
from tidebook.book.trees.steps import AS_BOOKED, Flow, Key, Side, Step, StepRates
from tidebook.book.valuation import Held, value_position
from tidebook.model.facts import Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.markets import PriceQuote, PriceQuotes, Split, over_splits, rate_table
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.book.lots import Entry
    from tidebook.book.postings import Posting

D = Decimal

ACME = Instrument("ACME", "Acme Corp.", "USD", "EQUITY")
EUROPEAN = Portfolio("P1", "EUR", date(2024, 1, 1))
RATES = rate_table(
    [
        Rate("USD", "EUR", date(2024, 1, 2), D("0.9")),
        Rate("USD", "EUR", date(2024, 1, 3), D("0.8")),
        Rate("USD", "EUR", date(2024, 1, 4), D("0.85")),
        Rate("USD", "EUR", date(2024, 1, 5), D("0.95")),
    ]
)


def trade(identity: str, kind: TransactionType, day: int, terms: str) -> Transaction:
    """Return a trade in ACME from "quantity price fee"."""
    quantity, price, fee = (D(term) for term in terms.split())
    return Transaction(
        identity,
        "P1",
        "ACME",
        kind,
        None,
        date(2024, 1, day),
        quantity,
        price,
        quantity * price,
        "USD",
        "USD",
        fee=fee,
    )


BUY, SELL = TransactionType.BUY, TransactionType.SELL
LEDGER = (
    trade("T1", BUY, 2, "10 100 5"),
    trade("T2", BUY, 3, "10 110 0"),
    trade("T3", SELL, 4, "4 120 2"),
    trade("T4", SELL, 5, "8 130 0"),
)


def steps(
    transactions: Sequence[Transaction],
    rules: KeyRules,
    security_id: str = "ACME",
    portfolio: Portfolio = EUROPEAN,
) -> list[Step]:
    """Return one key's steps as the book booked them."""
    facts = {fact.transaction_id: fact for fact in transactions}
    postings: list[Posting] = []
    for fact in transactions:
        posted = post(fact, portfolio, {"ACME": ACME}, RATES)
        postings += [leg for leg in posted.postings if leg.security_id == security_id]
    postings.sort(key=lambda posting: posting.order)
    return [
        _step(facts[entry.posting.transaction_id], entry, portfolio.base_currency)
        for entry in fold(EMPTY, postings, rules).entries
    ]


def _step(fact: Transaction, entry: Entry, base: str) -> Step:
    posting = entry.posting
    flow = posting.flow

    def rate(source: str, target: str) -> Node | None:
        return None if source == target else rate_tree(RATES, source, target, posting.on)

    return Step(
        fact,
        1,
        posting.leg,
        posting.on,
        posting.currency,
        entry.quantity,
        entry.cost_local,
        entry.cost_base,
        entry.realised_local,
        entry.realised_base,
        entry.realised_price,
        entry.realised_currency,
        posting.fx_rate,
        entry.matches,
        None if flow is None else Flow(*flow[:3], flow.cash_amount, flow.position_flow),
        StepRates(
            rate(fact.trade_currency, posting.currency),
            rate(fact.trade_currency, base),
            rate(posting.currency, base),
        ),
    )


def key(rule: LotRule = LotRule.FIFO, security_id: str = "ACME", currency: str = "USD") -> Key:
    return Key("P1", security_id, currency, "EUR", rule)


def test_cost_after_partial_sales_is_the_sum_of_open_lots() -> None:
    # T1: 10 x 100 + 5 = 1005 USD x 0.9 = 904.50 EUR, all sold. T2: 1100 USD x 0.8 = 880 EUR, of
    # which T4 took 2 of 10, 176 EUR. What is left is 704 EUR.
    tree = cost_tree(key(), steps(LEDGER, KeyRules()))
    assert tree.value == D("704.0")
    assert evaluate(tree) == D(704)
    assert disagreements(tree) == ()
    (lot,) = tree.children
    assert lot.label == "lot T2 of 2024-01-03: 8 held"
    assert [child.value for child in lot.children] == [D(880), D(176)]


def test_cost_reaches_down_to_the_numbers_of_the_transaction() -> None:
    tree = cost_tree(key(), steps(LEDGER[:1], KeyRules()))
    converted = tree.children[0].children[0].children[0]
    amount, rate = converted.children
    assert converted.formula is Formula.CONVERTED
    assert [
        (leaf.label, leaf.value, leaf.source.text if leaf.source else None)
        for leaf in amount.children
    ] == [
        ("gross amount", D(1000), "transaction T1 version 1"),
        ("fee", D(5), "transaction T1 version 1"),
    ]
    assert (rate.label, rate.value) == ("rate USD/EUR", D("0.9"))


def test_realised_gain_is_proceeds_less_matched_cost_sale_by_sale() -> None:
    # T3: (480 - 2) x 0.85 = 406.30 less 904.50 x 4/10 = 361.80 gives 44.50.
    # T4: 1040 x 0.95 = 988 less the other 542.70 of T1 and 176 of T2 gives 269.30.
    tree = realised_tree(key(), steps(LEDGER, KeyRules()))
    assert evaluate(tree) == tree.value == D("313.80")
    assert [gain.value for gain in tree.children] == [D("44.500"), D("269.30")]
    assert disagreements(tree) == ()


def test_local_costs_and_gains_are_told_in_the_security_s_own_currency() -> None:
    # Of T1's 1005 USD 402 left with T3 and the rest with T4, and of T2's 1100 T4 took 220. T3:
    # 480 - 2 less 402 is 76; T4: 1040 less 603 and 220 is 217.
    booked = steps(LEDGER, KeyRules())
    assert evaluate(cost_tree(key(), booked, Side.LOCAL)) == D(880)
    assert evaluate(unit_cost_tree(key(), booked, Side.LOCAL)) == D(110)
    gains = realised_tree(key(), booked, Side.LOCAL)
    assert [gain.value for gain in gains.children] == [D(76), D(217)]
    assert disagreements(gains) == ()


def test_a_gain_is_split_into_what_prices_and_what_rates_gained() -> None:
    # T3: 76 x 0.85 = 64.60 of 44.50, so the rate lost 20.10. T4: 217 x 0.95 = 206.15 of 269.30,
    # so the rate gained 63.15.
    booked = steps(LEDGER, KeyRules())
    price, currency = price_effect_tree(key(), booked), currency_effect_tree(key(), booked)
    assert [part.value for part in price.children] == [D("64.60"), D("206.15")]
    assert [part.value for part in currency.children] == [D("-20.10"), D("63.15")]
    assert evaluate(price) == D("270.75")
    assert evaluate(currency) == D("43.05")
    assert disagreements(price) == disagreements(currency) == ()


def test_a_trade_in_another_currency_is_brought_into_the_security_s_own() -> None:
    # 10 at 90 in euros, kept in dollars: 900 EUR x 1 / 0.9, half even to 18 places, and they cost
    # 900 EUR.
    foreign = trade("T9", BUY, 2, "10 90 0")._replace(trade_currency="EUR", currency="EUR")
    booked = steps((foreign,), KeyRules())
    local = cost_tree(key(), booked, Side.LOCAL)
    assert evaluate(local) == D("999.999999999999999900")
    assert evaluate(cost_tree(key(), booked)) == D(900)
    assert disagreements(local) == ()


def test_average_cost_takes_shares_of_one_pool() -> None:
    # 904.50 + 880 = 1784.50 for 20; T3 takes 4/20 = 356.90; T4 takes 8/16 of 1427.60 = 713.80.
    booked = steps(LEDGER, KeyRules(LotRule.AVCO))
    tree = cost_tree(key(LotRule.AVCO), booked)
    assert evaluate(tree) == tree.value == D("713.80")
    assert tree.children[0].label == "pool T1 of 2024-01-02: 8 held"
    gains = realised_tree(key(LotRule.AVCO), booked)
    assert [gain.value for gain in gains.children] == [D("49.400"), D("274.20")]
    assert disagreements(tree) == disagreements(gains) == ()


def test_a_third_of_a_lot_leaves_the_remainder_with_the_lot() -> None:
    # 100 USD x 0.9 = 90 EUR for 7; three sevenths are 38.571428571428571429 (half even to 18
    # places), so that 51.428571428571428571 stay.
    ledger = (trade("B", BUY, 2, "7 14 2"), trade("S", SELL, 3, "3 20 0"))
    tree = cost_tree(key(), steps(ledger, KeyRules()))
    assert evaluate(tree) == tree.value == D("51.428571428571428571")


def test_a_sale_beyond_what_is_held_splits_its_proceeds() -> None:
    # 15 x 100 = 1500 USD x 0.8 = 1200 EUR: 10/15 of it, 800, close the lot that cost 904.50; the
    # other 400 are the proceeds of a short position of 5.
    ledger = (LEDGER[0], trade("S", SELL, 3, "15 100 0"))
    booked = steps(ledger, KeyRules(allow_short=True))
    cost = cost_tree(key(), booked)
    gain = realised_tree(key(), booked)
    assert evaluate(cost) == cost.value == D(-400)
    assert evaluate(gain) == gain.value == D("-104.50")
    assert disagreements(cost) == disagreements(gain) == ()


def test_a_short_sale_bought_back_gains_the_difference() -> None:
    # 4 x 120 - 2 = 478 USD x 0.9 = 430.20 EUR received; 4 x 100 = 400 USD x 0.8 = 320 EUR paid.
    ledger = (trade("S", SELL, 2, "4 120 2"), trade("B", BUY, 3, "4 100 0"))
    booked = steps(ledger, KeyRules(allow_short=True))
    gain = realised_tree(key(), booked)
    assert evaluate(gain) == gain.value == D("110.20")
    assert disagreements(gain) == ()
    assert cost_tree(key(), booked).children == ()


def test_market_value_is_quantity_times_price_times_rate() -> None:
    # 8 x 140 = 1120 USD x 0.95 = 1064 EUR; less the cost of 704 EUR that is 360 EUR.
    booked = steps(LEDGER, KeyRules())
    quote = PriceQuote(date(2024, 1, 5), D(140), "USD")
    held = Held(D(8), D(880), D(704), "USD")
    valuation = value_position(held, quote, RATES, "EUR", date(2024, 1, 6))
    rates = ValueRates(None, rate_tree(RATES, "USD", "EUR", date(2024, 1, 6)))
    tree = value_tree(key(), booked, valuation, rates)
    assert evaluate(tree) == tree.value == D(1064)
    assert [child.value for child in tree.children[0].children] == [D(8), D(140)]
    source = tree.children[1].source
    assert source is not None
    assert source.text == "rate USD/EUR of 2024-01-05"
    unrealised = unrealised_tree(key(), booked, valuation, rates)
    assert evaluate(unrealised) == unrealised.value == D(360)


def test_an_unpriced_position_has_no_value_and_says_why() -> None:
    held = Held(D(8), D(880), D(704), "USD")
    valuation = value_position(held, None, RATES, "EUR", date(2024, 1, 6))
    tree = unrealised_tree(key(), steps(LEDGER, KeyRules()), valuation, ValueRates())
    assert tree.value is None
    assert evaluate(tree) is None
    assert "no price is known on or before 2024-01-06" in tree.children[0].label


def test_cash_is_explained_by_the_amounts_that_moved_it() -> None:
    # Out go 1005 and 1100 USD, in come 478 and 1040 USD: an overdraft of 587 USD.
    booked = steps(LEDGER, KeyRules(allow_short=True), "CASH_USD")
    cash = key(security_id="CASH_USD")
    tree = quantity_tree(cash, booked)
    assert evaluate(tree) == tree.value == D(-587)
    assert disagreements(tree) == ()
    first = tree.children[0]
    assert [leaf.value for leaf in first.children[0].children] == [D(1000), D(5)]
    assert disagreements(cost_tree(cash, booked)) == ()
    assert disagreements(realised_tree(cash, booked)) == ()


def test_base_cash_costs_one_per_unit_and_gains_nothing() -> None:
    american = EUROPEAN._replace(base_currency="USD")
    booked = steps(LEDGER, KeyRules(LotRule.UNIT), "CASH_USD", american)
    cash = Key("P1", "CASH_USD", "USD", "USD", LotRule.UNIT)
    assert evaluate(cost_tree(cash, booked)) == D(-587)
    assert realised_tree(cash, booked).value == D(0)


def test_quantity_lists_every_transaction_in_order() -> None:
    tree = quantity_tree(key(), reversed(steps(LEDGER, KeyRules())))
    assert evaluate(tree) == D(8)
    assert [(leaf.label, leaf.value) for leaf in tree.children] == [
        ("BUY T1 of 2024-01-02", D(10)),
        ("BUY T2 of 2024-01-03", D(10)),
        ("SELL T3 of 2024-01-04", D(-4)),
        ("SELL T4 of 2024-01-05", D(-8)),
    ]


def test_a_lot_that_no_step_opened_is_told_as_it_was_booked() -> None:
    # Without T1 nothing says what its 4 and its 6 units cost but the parts that were booked.
    booked = steps(LEDGER, KeyRules())
    tree = replay(key(), booked[1:], Side.BASE).steps["T3", Leg.MAIN].parts[0].cost
    assert tree.value == booked[2].matches[0].cost_base
    assert AS_BOOKED in tree.children[0].label


def test_a_stated_figure_that_does_not_follow_is_found() -> None:
    right = derived("two and two", "", Formula.SUM, (given("two", D(2), ""),) * 2)
    wrong = Node("sum", D(5), "", Formula.SUM, (right,))
    assert disagreements(wrong) == (wrong,)
    assert evaluate(wrong) == D(4)


def test_a_price_carried_over_splits_names_its_quote_and_every_split() -> None:
    # 90 for one; two for one makes it 45, three for one after that 15.
    splits = [
        Split(date(2024, 1, 3), D(2), D(1), "S1"),
        Split(date(2024, 1, 5), D(3), D(1), "S2"),
    ]
    quoted = PriceQuotes((date(2024, 1, 2),), (D(90),), ("USD",))
    quote = over_splits(quoted, splits).as_of(date(2024, 1, 8))
    held = Held(D(6), D(60), D(60), "USD")
    valuation = value_position(held, quote, rate_table([]), "USD", date(2024, 1, 8))
    key = Key("P1", "ACME", "USD", "USD", LotRule.FIFO)
    tree = price_tree(key, valuation)
    assert (tree.value, evaluate(tree), disagreements(tree)) == (15, 15, ())
    assert tree.label == "price of ACME on 2024-01-02, in units after the split of 2024-01-05"
    first, old, new = tree.children
    assert (first.value, old.value, new.value) == (45, 1, 3)
    leaves = [first.children[0], first.children[1], old]
    assert [leaf.value for leaf in leaves] == [90, 1, 1]
    assert [leaf.source.text for leaf in leaves if leaf.source] == [
        "price ACME of 2024-01-02",
        "action S1",
        "action S2",
    ]
