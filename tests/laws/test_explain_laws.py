"""What holds for explanations whatever the facts: the leaves of a tree come to its figure."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import given, strategies as st

from tests.fixtures.booking import portfolio, security
from tests.laws.strategies import FIRST, histories, price_facts, rate_facts, rates
from tests.unit.cli.memory_book import MemoryBook
from tidebook.analytics import FeeBasis, Undefined, time_weighted
from tidebook.analytics.derivation import Reckoned, Reckoning, reckon
from tidebook.book.derivation import evaluate
from tidebook.book.series import PortfolioDay
from tidebook.book.trees.rates import rate_tree
from tidebook.engine.explaining import FIGURES, Question, Scope, explain
from tidebook.engine.explaining.periods import Rows
from tidebook.engine.measuring.prepared import daily_values
from tidebook.model.facts import Rate, TransactionType as T
from tidebook.model.markets import rate_table
from tidebook.model.money import exact
from tidebook.model.periods import Span
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from tidebook.model.facts import Price, Transaction
    from tidebook.model.portfolios import Portfolio

LAST = FIRST + timedelta(days=25)
policies = st.builds(
    portfolio,
    st.sampled_from(["USD", "EUR"]),
    cost_method=st.sampled_from(CostMethod),
    settlement=st.sampled_from(Settlement),
    allow_short=st.booleans(),
)
facts = histories(*T, securities=("ACME", "SAP", "CASH_EUR"), currency="EUR", largest=8)
base_rate = st.builds(Rate, st.just("EUR"), st.just("USD"), st.just(FIRST), rates)


def book_of(
    kept: Portfolio, taken: list[Transaction], prices: list[Price], quoted: list[Rate]
) -> MemoryBook:
    """Return a book of facts, all days of which lie in the past."""
    book = MemoryBook()
    book.ingest_portfolios([kept], "law")
    book.ingest_instruments([security("ACME"), security("SAP", "EUR")], "law")
    book.ingest_transactions(taken, "law")
    book.ingest_prices(prices, "law")
    book.ingest_rates(quoted, "law")
    return book


def questions(book: MemoryBook) -> list[Question]:
    """Return every figure of everything in a book."""
    found = [
        Question(name, "P1", as_of=LAST)
        for name, figure in FIGURES.items()
        if figure.scope is Scope.PORTFOLIO
    ]
    held = book.positions("P1", as_of=LAST, include_closed=True).positions
    lots = book.lots("P1", as_of=LAST).lots
    for name, figure in FIGURES.items():
        if figure.scope is Scope.POSITION:
            found += [Question(name, "P1", one.security_id, as_of=LAST) for one in held]
        elif figure.scope is Scope.LOT:
            found += [Question(name, "P1", lot.security_id, lot.lot_id, as_of=LAST) for lot in lots]
    return found


@given(facts, policies, price_facts(("ACME", "SAP"), "EUR"), rate_facts, base_rate)
def test_every_figure_of_a_position_follows_from_its_facts(
    taken: list[Transaction],
    kept: Portfolio,
    prices: list[Price],
    quoted: list[Rate],
    first: Rate,
) -> None:
    own = [fact._replace(fx_rate=None) for fact in taken]
    book = book_of(kept, own, prices, [*quoted, first])
    for question in questions(book):
        found = explain(book, question)
        assert found.disagreements == (), question
        assert found.recomputed == found.node.value


@given(facts, policies, price_facts(("ACME", "SAP"), "EUR"), base_rate)
def test_every_column_of_the_last_day_follows_from_its_facts(
    taken: list[Transaction], kept: Portfolio, prices: list[Price], first: Rate
) -> None:
    book = book_of(kept, [fact._replace(fx_rate=None) for fact in taken], prices, [first])
    days = book.series("P1", end=LAST).days
    assert days or not prices
    for name, figure in FIGURES.items():
        if figure.scope is Scope.DAY and days:
            found = explain(book, Question(name, "P1", day=days[-1].on))
            assert found.disagreements == (), name


whole = st.integers(-2_000, 2_000).map(Decimal)
moved = st.sampled_from([Decimal(0)] * 6 + [Decimal(500), Decimal(-300)])
day_rows = st.lists(st.tuples(whole, moved, moved, st.integers(0, 9).map(Decimal)), max_size=25)


def series_of(rows: list[tuple[Decimal, Decimal, Decimal, Decimal]]) -> list[PortfolioDay]:
    """Return days of any value: owing, owning and losing more than everything."""
    days: list[PortfolioDay] = []
    before = Decimal(0)
    with exact():
        for offset, (closing, start, end, fees) in enumerate(rows):
            on = FIRST + timedelta(days=offset)
            days.append(PortfolioDay(on, before, start, end - fees, closing, fees, Decimal(0)))
            before = closing
    return days


@given(day_rows, st.sampled_from(FeeBasis))
def test_linking_the_days_of_a_tree_is_the_time_weighted_return(
    rows: list[tuple[Decimal, Decimal, Decimal, Decimal]], basis: FeeBasis
) -> None:
    days = series_of(rows)
    span = Span(FIRST, FIRST + timedelta(days=30))
    linked = time_weighted(daily_values(days), span, basis)
    if isinstance(linked.total, Undefined):
        assert not days
        return
    below = Rows("P1", "EUR", days).returns(0, linked.daily.tolist(), basis)
    tree = Reckoned("return", None, "", Reckoning.LINKED, tuple(below))
    assert reckon(tree) == linked.total
    assert [reckon(day) for day in below] == linked.daily.tolist()


@given(rate_facts, st.sampled_from(["CHF", "EUR", "USD"]), st.sampled_from(["CHF", "EUR", "USD"]))
def test_a_rate_follows_from_its_quotes(quoted: list[Rate], source: str, target: str) -> None:
    table = rate_table(quoted)
    known, tree = table.rate(source, target, LAST), rate_tree(table, source, target, LAST)
    assert (known is None) == (tree is None)
    if known is not None and tree is not None:
        assert evaluate(tree) == tree.value == known.rate
