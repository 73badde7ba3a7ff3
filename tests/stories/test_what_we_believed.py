"""A quarter is closed three times, and every report of it can be had again.

The fund keeps dollars, first in first out. On 1 March it is paid 5,000 and buys 100 Acme, on the
4th another 100 at 20, on the 5th it sells 50 at 30. What was wrong in that is found bit by bit:

* **The first report.** Acme was bought at 10 and closed at 31. 50 at 10 left with the sale: a gain
  of 1,000; 50 at 10 and 100 at 20 are left, 2,500. Cash is 5,000 - 1,000 - 2,000 + 1,500 = 3,500.
* **The second.** The first purchase had been made at 12, and the close was 30. The sale took 600:
  a gain of 900; 600 and 2,000 are left. Cash is 3,300.
* **The third.** The fund should have been kept at average cost, and Acme is a share in euros, one
  of which was 1.25 dollars throughout. Two hundred cost 3,200, which is 16 each; the sale took
  800: a gain of 700, and 2,400 are left, which is 1,920 euros.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine import topics
from tidebook.engine.causes import Amounts, Cause, CauseKind
from tidebook.engine.explaining import Question, explain
from tidebook.engine.measuring.performance import (
    NamedPeriod,
    Request,
    performance,
    series_of,
)
from tidebook.engine.queries import RestatementQuery, TransactionQuery
from tidebook.errors import UnknownPortfolioError
from tidebook.model.facts import Price, Rate, TransactionType
from tidebook.model.periods import PeriodRequest, PeriodType
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tidebook.engine.ports import Reader

pytestmark = pytest.mark.cluster

D = Decimal
FIRST, FOURTH, FIFTH = date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 5)
EUROS = ACME._replace(currency="EUR", name="Acme SE")
AT_AVERAGE = portfolio("FUND")._replace(cost_method=CostMethod.AVCO)


class Reports(NamedTuple):
    """The book, and the instants at which it was reported on."""

    reader: Reader
    before: datetime
    first: datetime
    second: datetime
    third: datetime


@pytest.fixture(name="reports")
def reported_three_times(database_url: str) -> Iterator[Reports]:
    book = Book(database_url)
    before = book.now()
    _keep(book)
    first = book.now()
    book.book(trade("B1", 100, 12, day=0, portfolio_id="FUND"))
    book.settle()
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", FIFTH, D(30), "USD")])
    book.settle()
    second = book.now()
    book.take(topics.RAW_PORTFOLIOS, [AT_AVERAGE])
    book.settle()
    book.take(topics.RAW_INSTRUMENTS, [EUROS])
    book.settle()
    yield Reports(PostgresReader(book.pool), before, first, second, book.now())
    book.close()


def _keep(book: Book) -> None:
    """Book what was believed at first."""
    book.take(topics.RAW_PORTFOLIOS, [portfolio("FUND")])
    book.take(topics.RAW_INSTRUMENTS, [ACME])
    book.take(topics.RAW_BUSINESS_DATES, [FIRST, FOURTH, FIFTH])
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.25"))])
    closes = ((FIRST, 10), (FOURTH, 20), (FIFTH, 31))
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", on, D(x), "USD") for on, x in closes])
    paid_in = trade("D1", 5000, 1, day=0, portfolio_id="FUND", security_id="CASH")
    book.book(
        paid_in._replace(type=TransactionType.DEPOSIT),
        trade("B1", 100, 10, day=0, portfolio_id="FUND"),
        trade("B2", 100, 20, day=3, portfolio_id="FUND"),
        trade("S1", -50, 30, day=4, portfolio_id="FUND"),
    )
    book.settle()


def _acme(reader: Reader, known_at: datetime, as_of: date | None = None) -> tuple[Decimal, ...]:
    """Return quantity, cost, gain so far and value of Acme, and the cash beside it."""
    view = reader.positions("FUND", as_of=as_of, known_at=known_at)
    acme, cash = view.positions
    assert acme.valuation.value is not None
    return (
        acme.quantity,
        acme.cost_base,
        acme.realised_base,
        acme.valuation.value.base,
        cash.quantity,
    )


def test_each_report_can_be_had_again(reports: Reports) -> None:
    reader = reports.reader
    assert _acme(reader, reports.first) == (150, 2500, 1000, 4650, 3500)
    assert _acme(reader, reports.second) == (150, 2600, 900, 4500, 3300)
    assert _acme(reader, reports.third) == (150, 2400, 700, 4500, 3300)
    # Now is what was believed last.
    assert _acme(reader, reports.third + timedelta(days=1)) == (150, 2400, 700, 4500, 3300)


def test_each_report_on_an_earlier_day_can_be_had_again(reports: Reports) -> None:
    # On the 4th nothing had been sold: two hundred, closing at 20.
    reader = reports.reader
    assert _acme(reader, reports.first, FOURTH) == (200, 3000, 0, 4000, 2000)
    assert _acme(reader, reports.second, FOURTH) == (200, 3200, 0, 4000, 1800)
    assert _acme(reader, reports.third, FOURTH) == (200, 3200, 0, 4000, 1800)


def test_lots_were_those_of_the_method_of_then(reports: Reports) -> None:
    def lots(known_at: datetime) -> list[tuple[str, Decimal, Decimal, Decimal, str]]:
        found = reports.reader.lots("FUND", security_id="ACME", known_at=known_at).lots
        return [
            (lot[1], lot.quantity, lot.cost_local, lot.cost_base, lot.currency) for lot in found
        ]

    assert lots(reports.first) == [("B1", 50, 500, 500, "USD"), ("B2", 100, 2000, 2000, "USD")]
    assert lots(reports.second) == [("B1", 50, 600, 600, "USD"), ("B2", 100, 2000, 2000, "USD")]
    ((_, *pool),) = lots(reports.third)
    assert pool == [150, 1920, 2400, "EUR"]


def test_the_fund_and_the_share_were_what_they_were_said_to_be(reports: Reports) -> None:
    reader = reports.reader
    with pytest.raises(UnknownPortfolioError, match="'FUND' was not in the book at 2024-06-01"):
        reader.positions("FUND", known_at=reports.before)
    for known_at in (reports.first, reports.second):
        view = reader.positions("FUND", known_at=known_at)
        assert view.portfolio.cost_method is CostMethod.FIFO
        assert view.positions[0].instrument == ACME
    view = reader.positions("FUND", known_at=reports.third)
    assert view.portfolio == AT_AVERAGE
    assert view.positions[0].instrument == EUROS
    # 4,500 dollars are 3,600 euros, for which 1,920 were paid.
    value = view.positions[0].valuation.value
    assert value is not None
    assert (value.local, value.unrealised_local, value.unrealised_base) == (3600, 1680, 2100)


def test_the_trade_the_price_and_the_series_were_those_of_then(reports: Reports) -> None:
    reader = reports.reader

    def closing(known_at: datetime) -> list[Decimal]:
        return [day.eod_market_value for day in reader.series("FUND", known_at=known_at).days]

    # Cash and shares at the close of each day.
    assert closing(reports.first) == [4000 + 1000, 2000 + 4000, 3500 + 4650]
    assert closing(reports.second) == [3800 + 1000, 1800 + 4000, 3300 + 4500]
    assert closing(reports.third) == closing(reports.second)
    for known_at, version, price, close in (
        (reports.first, 1, 10, 31),
        (reports.second, 2, 12, 30),
        (reports.third, 2, 12, 30),
    ):
        trade_then = reader.transaction("B1", known_at=known_at)
        assert trade_then is not None
        assert (trade_then.version, trade_then.transaction.price) == (version, price)
        page = reader.transactions(TransactionQuery("FUND", known_at=known_at))
        versions = {view.transaction.transaction_id: view.version for view in page.transactions}
        assert versions == {"D1": 1, "B1": version, "B2": 1, "S1": 1}
        assert reader.prices("ACME", known_at=known_at)[-1].price == close
    assert reader.transaction("B1", known_at=reports.before) is None


def test_the_return_that_was_reported_can_be_had_again(reports: Reports) -> None:
    since = (NamedPeriod("SI", PeriodRequest(PeriodType.SI)),)

    def reported(known_at: datetime) -> object:
        view = reports.reader.series("FUND", known_at=known_at)
        (period,) = performance(series_of(view), Request(FIFTH, since))
        return period.cumulative

    # 5,000 became 8,150; or, as was known later, 7,800.
    assert reported(reports.first) == pytest.approx(0.63, rel=1e-12)
    assert reported(reports.second) == pytest.approx(0.56, rel=1e-12)


def test_the_log_says_what_moved_and_because_of_what(reports: Reports) -> None:
    page = reports.reader.restatements(RestatementQuery("FUND"))
    assert page.total == 5
    share, method, price, trade_itself, cash = page.restatements

    amended = (Cause(CauseKind.TRANSACTION, "B1", 2),)
    assert (trade_itself.security_id, trade_itself.from_date) == ("ACME", FIRST)
    assert trade_itself.causes == cash.causes == amended
    assert trade_itself.before == Amounts(D(150), D(2500), D(1000))
    assert trade_itself.after == Amounts(D(150), D(2600), D(900))
    assert (cash.before, cash.after) == (
        Amounts(D(3500), D(3500), D(0)),
        Amounts(D(3300), D(3300), D(0)),
    )
    # The price of the 5th moved that day alone: 3,300 in cash, and 150 shares at 31, then at 30.
    assert price.causes == (Cause(CauseKind.PRICE, "ACME 2024-03-05", 2),)
    assert price.series == (FIFTH, FIFTH, 1, FIFTH, 7950, 7800)

    assert method.causes == (Cause(CauseKind.PORTFOLIO, "FUND", 2),)
    assert method.before == trade_itself.after
    assert method.after == Amounts(D(150), D(2400), D(700))
    # In euros every entry is another one, and in dollars nothing has moved.
    assert share.causes == (Cause(CauseKind.INSTRUMENT, "ACME", 2),)
    assert share.before == share.after == method.after
    # At the second report nothing was known of the last two.
    then = reports.reader.restatements(RestatementQuery("FUND", known_at=reports.second))
    assert then.restatements == page.restatements[2:]


def test_a_figure_of_the_first_report_still_follows_from_its_facts(reports: Reports) -> None:
    question = Question("position.unrealised", "FUND", "ACME", known_at=reports.first)
    assert explain(reports.reader, question).node.value == 4650 - 2500
    now = explain(reports.reader, question._replace(known_at=None))
    assert now.node.value == 4500 - 2400
