"""A price that is older than a split, wherever the store values anything with it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.book.valuation import ValuationStatus
from tidebook.engine import topics
from tidebook.engine.hypothesis import Hypothesis
from tidebook.engine.verify import verify
from tidebook.engine.whatif import Question, what_if
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import ActionRef
from tidebook.model.facts import Price

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from tidebook.engine.views import PositionView

pytestmark = pytest.mark.cluster

D = Decimal


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


SPLIT = CorporateAction("S1", ActionType.SPLIT, "ACME", day(4), D(2))


@pytest.fixture(name="book")
def two_holders(database_url: str) -> Iterator[Book]:
    """Give a book in which P1 held 10 before the split of day 4, and P2 buys 6 on day 5."""
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    made.take(topics.RAW_INSTRUMENTS, [ACME])
    made.take(topics.RAW_BUSINESS_DATES, [day(number) for number in (0, 3, 4, 5, 6)])
    made.take(topics.RAW_MARKET_PRICES, [Price("ACME", day(0), D(100), "USD")])
    made.book(trade("B1", 10, 100, day=0), trade("B2", 6, 50, day=5, portfolio_id="P2"))
    made.settle()
    yield made
    made.close()


def closes(book: Book, portfolio_id: str) -> list[Any]:
    """Return each day's value: of the shares, less what was paid for them."""
    rows = [row for row in book.held().days if row[0] == portfolio_id]
    return [row[5] for row in sorted(rows)]


def position(
    book: Book, portfolio_id: str, on: date | None = None, known_at: datetime | None = None
) -> PositionView:
    reader = PostgresReader(book.pool)
    view = reader.positions(portfolio_id, as_of=on, known_at=known_at)
    (found,) = [one for one in view.positions if one.security_id == "ACME"]
    return found


def test_a_split_that_arrives_values_holders_and_later_buyers_anew(book: Book) -> None:
    # At 100, as long as nobody knows of the split: 6 x 100 - 300 for who paid 50.
    assert closes(book, "P1") == [0, 0, 0, 0, 0]
    assert closes(book, "P2") == [300, 300]
    generations = book.rows("SELECT portfolio_id, generation FROM portfolios ORDER BY 1")
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    # 20 x 50 - 1,000, and 6 x 50 - 300, though nothing was booked in P2.
    assert closes(book, "P1") == [0, 0, 0, 0, 0]
    assert closes(book, "P2") == [0, 0]
    after = book.rows("SELECT portfolio_id, generation FROM portfolios ORDER BY 1")
    assert after[1] == generations[1]
    assert after[0] != generations[0]


def test_the_restatement_log_names_the_action_that_changed_the_price(book: Book) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    logged = "SELECT from_date, to_date, value_before, value_after, causes FROM series_restatements"
    cause = [["corporate_action", "S1", 1]]
    assert book.rows(f"{logged} WHERE portfolio_id = 'P2'") == [(day(5), day(6), 300, 0, cause)]


def test_corrected_and_cancelled_actions_carry_the_price_otherwise_and_not_at_all(
    book: Book,
) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT._replace(new_units=D(4))])
    book.settle()
    assert closes(book, "P2") == [-150, -150]
    # Four days later, and for P1 alone: nobody else's shares are split.
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT._replace(portfolio_id="P1")])
    book.settle()
    assert closes(book, "P2") == [300, 300]
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT._replace(ex_date=day(6))])
    book.settle()
    assert closes(book, "P2") == [300, 300]
    assert closes(book, "P1") == [0, 0, 0, 0, 0]
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.take(topics.RAW_CORPORATE_ACTIONS, [ActionRef("S1")])
    book.settle()
    assert closes(book, "P2") == [300, 300]


def test_positions_tell_the_adjusted_price_and_the_day_it_was_quoted(book: Book) -> None:
    unaware = book.now()
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    for found in (position(book, "P1"), position(book, "P1", known_at=book.now())):
        quote = found.valuation.quote
        assert quote is not None
        assert found.valuation.status is ValuationStatus.VALUED_STALE
        assert (found.quantity, quote.on, quote.price) == (20, day(0), 50)
        assert quote.carried is not None
        assert quote.carried.quoted == (day(0), 100)
        assert [(one.action_id, one.on) for one in quote.carried.splits] == [("S1", day(4))]
    for found in (position(book, "P1", day(3)), position(book, "P1", known_at=unaware)):
        quote = found.valuation.quote
        assert quote is not None
        assert (found.quantity, *quote) == (10, day(0), 100, "USD", None)


def test_prices_are_listed_as_they_were_quoted(book: Book) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    quoted = PostgresReader(book.pool).prices("ACME")
    assert [(one.on, one.price) for one in quoted] == [(day(0), 100)]


def test_data_health_has_the_same_price_at_stake(book: Book) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    view = PostgresReader(book.pool).health("P1", stale_days=1)
    (stale,) = [one for one in view.results if one.code == "price.stale"]
    # 20 x 50, of the day it was quoted.
    assert (stale.at_stake, stale.since) == (1000, day(0))


def test_a_book_with_carried_prices_verifies(book: Book) -> None:
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    with PostgresReader(book.pool).kept_books() as kept:
        assert [verify(each).differences for each in kept.books] == [()]


def test_a_preview_of_a_split_tells_the_worth_that_the_book_then_has(book: Book) -> None:
    def previewed(portfolio_id: str, hypothesis: Hypothesis) -> tuple[Decimal, Decimal]:
        found = what_if(PostgresReader(book.pool), portfolio_id, hypothesis, Question(day(6)))
        value = found.portfolios[0].value
        assert value is not None
        return value.before.market_value_base, value.after.market_value_base

    supposed = Hypothesis(actions=(SPLIT,))
    assert previewed("P1", supposed) == (0, 0)
    assert previewed("P2", supposed) == (300, 0)
    dearer = Hypothesis(actions=(SPLIT,), prices=(Price("ACME", day(3), D(120), "USD"),))
    assert previewed("P2", dearer) == (300, 60)
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    book.settle()
    assert previewed("P2", Hypothesis(cancellations=(ActionRef("S1"),))) == (0, 300)


def test_a_cache_sees_an_action_without_reading_prices_again(book: Book) -> None:
    cache = MarketCache()

    def price_now() -> Any:  # noqa: ANN401 - a price or none
        with book.pool.connection() as connection, connection.cursor() as cursor:
            markets = cache.markets(cursor, ["ACME"])
            vector = cache.vectors(cursor, ["ACME"])["ACME"]
            assert vector is not None
            quote = markets.prices["ACME"].as_of(day(5))
            assert quote is not None
            assert D(vector.prices.integers[-1]).scaleb(-vector.prices.places) == quote.price
            return quote.price

    assert price_now() == 100
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT])
    assert price_now() == 50
    book.take(topics.RAW_CORPORATE_ACTIONS, [SPLIT._replace(new_units=D(4))])
    assert price_now() == 25
    book.take(topics.RAW_CORPORATE_ACTIONS, [ActionRef("S1")])
    assert price_now() == 100
