"""What the book must do with facts that come late, change or go, each by itself on a real store."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres import book_unit, book_writing
from tidebook.engine import topics
from tidebook.engine.stages.admission import Incoming
from tidebook.engine.stages.book import book as book_batch
from tidebook.model.facts import Price, Rate, TransactionType
from tidebook.model.instruments import Instrument
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster

_EURO_STOCK = Instrument("EURO", "Euro Stock", "EUR", "Equity")


@pytest.fixture(params=[500, 0], ids=["in statements", "by COPY"])
def book(
    request: pytest.FixtureRequest, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Book]:
    """A book whose rows are written in either of the two ways."""
    monkeypatch.setattr(book_writing, "_LITTLE", request.param)
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio("P1"), portfolio("P2")])
    made.take(topics.RAW_INSTRUMENTS, [ACME, _EURO_STOCK])
    yield made
    made.close()


def _quantities(book: Book, portfolio_id: str = "P1") -> dict[str, Decimal]:
    rows = book.rows(
        "SELECT security_id, quantity FROM position_state WHERE portfolio_id = %s", portfolio_id
    )
    return dict(rows)  # pyright: ignore[reportArgumentType]


def _waiting(book: Book) -> list[str]:
    return [row[0] for row in book.held().findings if row[2] == "waiting"]


def _days(book: Book) -> list[tuple[date, Decimal]]:
    book.settle()
    return [(row[1], row[5]) for row in book.held().days]


def test_a_sale_waits_for_the_purchase_that_comes_before_it(book: Book) -> None:
    book.book(trade("SALE", -5, 12, day=5))
    assert _waiting(book) == ["SALE"]
    assert _quantities(book) == {}
    book.book(trade("BUY", 10, 10, day=3))
    assert _waiting(book) == []
    assert _quantities(book) == {"ACME": 5, "CASH_USD": -100 + 60}


def test_a_sale_that_is_no_longer_covered_gives_its_cash_back(book: Book) -> None:
    book.book(trade("BUY", 10, 10, day=3), trade("SALE", -5, 12, day=5))
    book.book(trade("BUY", 4, 10, day=3))
    assert _waiting(book) == ["SALE"]
    assert _quantities(book) == {"ACME": 4, "CASH_USD": -40}


def test_a_purchase_after_a_refused_sale_leaves_the_history_alone(book: Book) -> None:
    book.book(trade("SALE", -5, 12, day=2))
    book.book(trade("BUY", 10, 10, day=3))
    book.book(trade("MORE", 10, 10, day=4))
    assert _waiting(book) == ["SALE"]
    assert _quantities(book) == {"ACME": 20, "CASH_USD": -200}
    assert book.rows("SELECT max(epoch) FROM position_state") == [(0,)]
    assert book.rows("SELECT count(*) FROM restatements") == [(0,)]


def test_a_transaction_may_change_its_portfolio_and_its_security(book: Book) -> None:
    book.book(trade("T1", 10, 10))
    book.book(trade("T1", 10, 10, portfolio_id="P2", security_id="ACME"))
    assert _quantities(book, "P1") == {}
    assert _quantities(book, "P2") == {"ACME": 10, "CASH_USD": -100}
    book.settle()
    assert {row[0] for row in book.held().days} == {"P2"}


def test_what_waits_moves_the_generation_of_where_it_was_too(book: Book) -> None:
    book.book(trade("SALE", -5, 12))
    before = dict(book.rows("SELECT portfolio_id, generation FROM portfolios"))
    book.book(trade("SALE", -5, 12, portfolio_id="P2"))
    after = dict(book.rows("SELECT portfolio_id, generation FROM portfolios"))
    assert _waiting(book) == ["SALE"]
    assert (after["P1"], after["P2"]) == (before["P1"] + 1, before["P2"] + 1)


def test_the_epochs_of_a_key_that_lost_everything_are_not_used_again(book: Book) -> None:
    away = trade("T1", 10, 10, portfolio_id="P2")
    for round_ in range(3):
        book.book(trade("T1", 10, 10, day=round_))
        book.book(away._replace(note=f"round {round_}"))
    book.book(trade("T1", 10, 10))
    rows = book.rows(
        "SELECT epoch FROM restatements WHERE portfolio_id = 'P1' AND security_id = 'ACME' "
        "ORDER BY epoch"
    )
    assert rows == [(1,), (2,), (3,)]
    state = "SELECT epoch FROM position_state WHERE portfolio_id = 'P1' AND security_id = 'ACME'"
    assert book.rows(state) == [(3,)]


def test_cash_instruments_that_arrive_late_move_their_transactions_to_the_account(
    book: Book,
) -> None:
    deposit = trade("D1", 100, 1, security_id="MONEY")._replace(type=TransactionType.DEPOSIT)
    book.book(deposit)
    assert _waiting(book) == ["D1"]
    book.take(topics.RAW_INSTRUMENTS, [Instrument("MONEY", "Money", "USD", "Cash")])
    book.settle()
    assert _waiting(book) == []
    assert _quantities(book) == {"CASH_USD": 100}


def test_another_settlement_policy_moves_the_cash(book: Book) -> None:
    book.book(trade("T1", 10, 10))
    book.take(topics.RAW_PORTFOLIOS, [portfolio()._replace(settlement=Settlement.EXPLICIT)])
    book.settle()
    assert _quantities(book) == {"ACME": 10}
    book.take(topics.RAW_PORTFOLIOS, [portfolio()])
    book.settle()
    assert _quantities(book) == {"ACME": 10, "CASH_USD": -100}


def test_another_cost_method_counts_from_the_next_sale_on(book: Book) -> None:
    book.book(trade("A", 10, 10), trade("B", 10, 20, day=1))
    book.take(topics.RAW_PORTFOLIOS, [portfolio()._replace(cost_method=CostMethod.AVCO)])
    book.settle()
    book.book(trade("C", -10, 30, day=2))
    # At average cost the ten cost 150 and not 100: the gain is 300 - 150.
    gain = "SELECT realised_base FROM position_state WHERE security_id = 'ACME'"
    assert book.rows(gain) == [(150,)]


def test_a_corrected_rate_reaches_the_cash_that_paid_for_a_foreign_trade(book: Book) -> None:
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, Decimal("1.10"))])
    bought = trade("T1", 10, 10, security_id="EURO")._replace(trade_currency="EUR")
    book.book(bought)
    assert _quantities(book) == {"EURO": 10, "CASH_USD": -110}
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, Decimal("1.20"))])
    book.settle()
    assert _quantities(book) == {"EURO": 10, "CASH_USD": -120}
    cost = "SELECT cost_base FROM position_state WHERE security_id = 'EURO'"
    assert book.rows(cost) == [(120,)]


def test_more_lots_than_are_carried_are_no_restatement(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book_unit, "LOTS_CARRIED", 2)
    for number in range(5):
        book.book(trade(f"T{number}", 1, 10 + number, day=number))
    book.book(trade("SALE", -4, 20, day=6))
    assert book.rows("SELECT count(*) FROM restatements") == [(0,)]
    # 4 x 20 - (10 + 11 + 12 + 13) = 34.
    gain = "SELECT realised_base, lots IS NOT NULL FROM position_state WHERE security_id = 'ACME'"
    assert book.rows(gain) == [(34, True)]


def test_a_warning_that_is_said_again_is_not_written_again(book: Book) -> None:
    odd = trade("T1", 10, 10, day=5)._replace(gross=Decimal(90))
    book.book(odd)
    book.book(trade("T0", 1, 10))
    assert book.rows("SELECT code, resolved_at::text FROM findings") == [
        ("transaction.amount-mismatch", "infinity")
    ]


def test_two_versions_are_never_believed_at_one_instant(book: Book) -> None:
    def at(seconds: int, fact: Transaction) -> None:
        instant = datetime(2024, 6, 2, tzinfo=UTC) + timedelta(seconds=seconds)
        with book.store.unit() as unit:
            book_batch(unit, [Incoming(fact, "r")], (), instant)

    # The clock steps back by five seconds, and back by one more.
    for seconds, quantity in ((10, 1), (20, 2), (15, 3), (14, 4)):
        at(seconds, trade("T1", quantity, 10))
    for table, names in (("entries", "security_id, leg"), ("transactions", "version")):
        overlapping = book.rows(
            f"SELECT count(*) FROM {table} a JOIN {table} b ON a.transaction_id = b.transaction_id "
            + ("AND a.security_id = b.security_id " if table == "entries" else "")
            + "WHERE a.ctid < b.ctid AND a.recorded_at < b.superseded_at "
            "AND b.recorded_at < a.superseded_at"
        )
        assert overlapping == [(0,)], names
    assert _quantities(book) == {"ACME": 4, "CASH_USD": -40}


def test_a_price_beyond_the_end_of_the_series_leaves_no_hole(book: Book) -> None:
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", FIRST, Decimal(10), "USD")])
    book.book(trade("T1", 10, 10))
    assert _days(book) == [(FIRST, 0)]
    # Friday 1 March; the next price is of Wednesday.
    later = FIRST + timedelta(days=5)
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", later, Decimal(12), "USD")])
    assert _days(book) == [
        (date(2024, 3, 1), 0),
        (date(2024, 3, 4), 0),
        (date(2024, 3, 5), 0),
        (date(2024, 3, 6), 20),
    ]


def test_an_entry_that_goes_takes_the_tail_of_the_series_with_it(book: Book) -> None:
    book.book(trade("T1", 10, 10), trade("T2", 1, 10, day=5))
    assert [day for day, _ in _days(book)][-1] == date(2024, 3, 6)
    book.book(trade("T2", 1, 10, day=5, portfolio_id="P2"))
    assert [row[1] for row in book.held().days if row[0] == "P1"] != []
    book.settle()
    assert [row[1] for row in book.held().days if row[0] == "P1"] == [FIRST]


def test_a_business_date_ends_the_guess_that_every_weekday_is_one(book: Book) -> None:
    book.take(topics.RAW_BUSINESS_DATES, [FIRST])
    book.book(trade("T1", 10, 10), trade("T2", 1, 10, day=6))
    assert [day.day for day, _ in _days(book)] == [1, 4, 5, 6, 7]
    book.take(topics.RAW_BUSINESS_DATES, [date(2024, 3, 6)])
    assert [day.day for day, _ in _days(book)] == [1, 6, 7]


def test_another_base_currency_and_back_again_values_every_day_anew(book: Book) -> None:
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, Decimal(2))])
    deposit = trade("D1", 100, 1, security_id="CASH_USD")
    book.book(deposit._replace(type=TransactionType.DEPOSIT))
    assert _days(book) == [(FIRST, 100)]
    book.take(topics.RAW_PORTFOLIOS, [portfolio()._replace(base_currency="EUR")])
    book.round_of_series()
    book.take(topics.RAW_PORTFOLIOS, [portfolio()])
    assert _days(book) == [(FIRST, 100)]


def test_the_keys_of_a_portfolio_are_folded_together(book: Book) -> None:
    other = Instrument("BETA", "Beta", "USD", "Equity")
    book.take(topics.RAW_INSTRUMENTS, [other])
    book.book(trade("T1", 1, 10), trade("T2", 1, 10, security_id="BETA"))
    book.book(trade("T3", 1, 10, portfolio_id="P2"))
    book.take(
        topics.RAW_PORTFOLIOS,
        [portfolio(name)._replace(cost_method=CostMethod.AVCO) for name in ("P1", "P2")],
    )
    with book.store.unit() as unit:
        work = unit.take_work(1)
    assert {(item.portfolio_id, item.security_id) for item in work} == {
        ("P1", "ACME"),
        ("P1", "BETA"),
        ("P1", "CASH_USD"),
    }
    with book.store.unit() as unit:
        assert unit.take_work(50, {"P2"}) == []


def test_an_instrument_that_turns_out_to_be_cash_is_valued_as_cash(book: Book) -> None:
    held = Instrument("MONEY", "Money", "USD", "Equity")
    book.take(topics.RAW_PORTFOLIOS, [portfolio()._replace(settlement=Settlement.EXPLICIT)])
    book.take(topics.RAW_INSTRUMENTS, [held])
    book.take(topics.RAW_MARKET_PRICES, [Price("MONEY", FIRST, Decimal(2), "USD")])
    book.book(trade("T1", 10, 1, security_id="MONEY"))
    assert _days(book) == [(FIRST, 20)]
    book.take(topics.RAW_INSTRUMENTS, [held._replace(product_type="Cash")])
    assert _days(book) == [(FIRST, 10)]


def test_a_price_in_another_currency_bears_on_every_day_of_its_security(book: Book) -> None:
    """In one currency two halves of a euro convert as one sum, and else each by itself.

    A euro is a third of a dollar, 0.333333333333333333; half of that is rounded to even, down to
    0.166666666666666666.
    """
    book.take(topics.RAW_FX_RATES, [Rate("USD", "EUR", FIRST, Decimal(3))])
    book.take(topics.RAW_MARKET_PRICES, [Price("EURO", FIRST, Decimal("0.5"), "EUR")])
    book.take(topics.RAW_PORTFOLIOS, [portfolio()._replace(settlement=Settlement.EXPLICIT)])
    half = trade("T2", 1, 1, security_id="CASH_EUR")._replace(quantity=Decimal("0.5"))
    book.book(trade("T1", 1, 1, security_id="EURO"), half)
    assert _days(book) == [(FIRST, Decimal("0.333333333333333333"))]
    later = FIRST + timedelta(days=3)
    book.take(topics.RAW_MARKET_PRICES, [Price("EURO", later, Decimal(3), "USD")])
    assert _days(book)[0] == (FIRST, Decimal("0.333333333333333332"))
    book.take(topics.RAW_MARKET_PRICES, [Price("EURO", later, Decimal(1), "EUR")])
    assert _days(book)[0] == (FIRST, Decimal("0.333333333333333333"))
