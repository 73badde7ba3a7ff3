"""What holds for the gains of any history: they are the entries' own figures, told lot by lot."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import keep_book, portfolio, security
from tests.laws.strategies import FIRST, days, decimals, histories
from tests.laws.test_whole_laws import FUTURE, LATE, total, worlds
from tidebook.book.actions import carried_fraction
from tidebook.book.gains import GainKind, Terms, disposal_of, gains_of, totals, totals_by
from tidebook.book.holding_periods import Term, holding_period, lot_values
from tidebook.book.lots import Lot
from tidebook.book.valuation import Held, Valuation, ValuationStatus, market_value
from tidebook.book.whole import build
from tidebook.model.actions import ActionType, applied_id
from tidebook.model.facts import Rate, TransactionType as T
from tidebook.model.markets import rate_table
from tidebook.model.money import ONE, ZERO, exact
from tidebook.model.portfolios import CostMethod, TaxRates

if TYPE_CHECKING:
    from datetime import date

    from tidebook.book.lots import Entry
    from tidebook.book.whole import Facts
    from tidebook.model.actions import CorporateAction
    from tidebook.model.facts import Transaction

ANY_RATE = rate_table([Rate("EUR", "USD", FIRST, Decimal("1.1"))])
ENDINGS = frozenset({ActionType.MERGER, ActionType.IDENTIFIER_CHANGE})


def booked(facts: Facts) -> list[tuple[Entry, Terms]]:
    """Return every entry of the whole book with the terms of its portfolio."""
    every = {
        action
        for key in ("A", "B", "C")
        for portfolio_id in facts.portfolios
        for action in facts.actions.touching(portfolio_id, key)
    }
    return [
        (entry, _terms(facts, entry.posting.portfolio_id, every))
        for folded in build(facts).keys.values()
        for entry in folded.entries
    ]


def _terms(facts: Facts, portfolio_id: str, every: set[CorporateAction]) -> Terms:
    return Terms(
        facts.portfolios[portfolio_id].tax_rates,
        frozenset({FUTURE.security_id}),
        frozenset(),
        {
            applied_id(action.action_id, portfolio_id): carried_fraction(action)
            for action in every
            if action.type in ENDINGS
        },
    )


@given(worlds())
def test_the_parts_of_every_entry_sum_to_its_figures(facts: Facts) -> None:
    for entry, terms in booked(facts):
        disposal = disposal_of(entry)
        if disposal is None:
            continue
        gains = gains_of(disposal, terms)
        assert total([gain.gain_local for gain in gains]) == entry.realised_local
        assert total([gain.gain_base for gain in gains]) == entry.realised_base
        assert total([gain.price_base for gain in gains]) == entry.realised_price
        assert total([gain.currency_base for gain in gains]) == entry.realised_currency


@given(
    histories(
        T.BUY,
        T.SELL,
        T.EXPIRY,
        T.MARK_TO_MARKET,
        T.RETURN_OF_CAPITAL,
        securities=("ACME", "FUT"),
        currency="EUR",
    ),
    st.sampled_from(CostMethod),
)
def test_parts_in_another_currency_sum_to_their_entries(
    facts: list[Transaction], method: CostMethod
) -> None:
    known = [security("ACME", "EUR"), FUTURE._replace(currency="EUR")]
    kept = portfolio(cost_method=method, allow_short=True, tax_rates=TaxRates(ONE / 3, ZERO, 0))
    terms = Terms(kept.tax_rates, frozenset({"FUT"}))
    for entry in keep_book(facts, kept, known, ANY_RATE).entries:
        disposal = disposal_of(entry)
        if disposal is None:
            continue
        gains = gains_of(disposal, terms)
        assert total([gain.gain_local for gain in gains]) == entry.realised_local
        assert total([gain.gain_base for gain in gains]) == entry.realised_base
        assert total([gain.price_base for gain in gains]) == entry.realised_price
        assert total([gain.currency_base for gain in gains]) == entry.realised_currency


@given(worlds())
def test_a_gain_is_what_was_received_less_what_it_cost(facts: Facts) -> None:
    for entry, terms in booked(facts):
        disposal = disposal_of(entry)
        for gain in () if disposal is None else gains_of(disposal, terms):
            assert gain.quantity > ZERO
            assert gain.days_held >= 0
            traded = gain.kind is not GainKind.CAPITAL_RETURN
            on_margin = gain.security_id == FUTURE.security_id and traded
            assert (gain.proceeds_base is None) is on_margin
            if gain.proceeds_base is None or gain.cost_base is None:
                assert gain.reason
                continue
            with exact():
                assert gain.proceeds_base - gain.cost_base == gain.gain_base
                assert gain.price_base + gain.currency_base == gain.gain_base


@given(worlds())
def test_what_units_were_disposed_of_is_what_the_entry_consumed(facts: Facts) -> None:
    for entry, terms in booked(facts):
        disposal = disposal_of(entry)
        if disposal is None or not entry.quantity:
            continue
        gains = gains_of(disposal, terms)
        if entry.matches:
            taken = [abs(match.quantity) for match in entry.matches]
            assert [gain.quantity for gain in gains] == taken


@given(worlds())
def test_every_way_to_sum_them_is_what_the_book_realised(facts: Facts) -> None:
    entries = booked(facts)
    found = [
        gain
        for entry, terms in entries
        if (disposal := disposal_of(entry)) is not None
        for gain in gains_of(disposal, terms)
    ]
    realised = total([entry.realised_base or ZERO for entry, _ in entries])
    assert totals(found).gain_base == realised
    for heading in ("term", "kind", "security_id", "type"):
        sums = totals_by(found, lambda gain, name=heading: str(getattr(gain, name)))
        assert total([each.gain_base for each in sums.values()]) == realised
        assert sum(each.gain_count for each in sums.values()) == len(found)


@given(days, st.integers(0, 36), st.integers(0, 2000))
def test_a_lot_is_long_term_from_the_day_that_is_named(
    opened_on: date, months: int, later: int
) -> None:
    lot = Lot("l", opened_on, *(ONE,) * 3)
    rates = TaxRates(long_term_months=months)
    starts = holding_period(lot, opened_on, rates).long_term_from
    assert starts is not None
    on = min(opened_on.fromordinal(opened_on.toordinal() + later), LATE)
    assert (holding_period(lot, on, rates).term is Term.LONG) is (on >= starts)


@given(
    st.lists(st.tuples(decimals("0.001", "1e6"), decimals("0", "1e6")), min_size=1, max_size=6),
    decimals("0.01", "1e4"),
    decimals("0.01", "2"),
    st.booleans(),
)
def test_lots_are_worth_what_their_position_is(
    held: list[tuple[Decimal, Decimal]],
    price: Decimal,
    rate: Decimal,
    on_margin: bool,
) -> None:
    lots = [Lot(f"l{n}", LATE, units, cost, cost) for n, (units, cost) in enumerate(held)]
    cost = total([lot.cost_local for lot in lots])
    position = Held(total([lot.quantity for lot in lots]), cost, cost, "EUR", on_margin=on_margin)
    value = market_value(position, price, rate_to_base=rate)
    status = ValuationStatus.VALUED_CURRENT
    found = lot_values(lots, Valuation(status, None, ONE, rate, value, None))
    for field in ("local", "base", "unrealised_local", "unrealised_base"):
        assert total([getattr(each, field) for each in found]) == getattr(value, field)
