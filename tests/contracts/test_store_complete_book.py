"""What the store keeps of carried lots, pools, corporate actions and cancellations."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.engine_book import Book
from tests.fixtures.engine_facts import ACME, FIRST, portfolio, trade
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.engine import topics
from tidebook.engine.store import Accounts, BookWrite, Carry, FactRow
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import (
    LotChoice,
    Price,
    Rate,
    TransactionType,
    cancellation,
    content_hash,
)
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, MethodChange, TaxRates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tidebook.engine.store import Key
    from tidebook.model.facts import Transaction

pytestmark = pytest.mark.cluster

D = Decimal
AT = datetime(2024, 7, 1, tzinfo=UTC)
SPIN = Instrument("SPIN", "Spun Off", "USD", "Equity")
EURO_STOCK = Instrument("EURO", "Euro Stock", "EUR", "Equity")
SPLIT = CorporateAction("S1", ActionType.SPLIT, "ACME", FIRST, D(2))
MERGER = CorporateAction(
    "M1", ActionType.MERGER, "ACME", FIRST, to_security_id="SPIN", cash_per_unit=D(3)
)


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    made = Book(database_url)
    made.take(topics.RAW_PORTFOLIOS, [portfolio(f"P{number}") for number in range(1, 5)])
    made.take(topics.RAW_INSTRUMENTS, [ACME, SPIN, EURO_STOCK])
    yield made
    made.close()


def fact_row(
    fact: Transaction,
    arrival: Key | None = None,
    *,
    version: int = 1,
    cash: str | None = None,
) -> FactRow:
    return FactRow(
        fact,
        version,
        content_hash(fact),
        fact.trade_date or FIRST,
        fact.security_id,
        cash,
        "r",
        superseded=False,
        arrival=arrival,
    )


def write(
    book: Book,
    *rows: FactRow,
    close: tuple[str, ...] = (),
    replaced: tuple[Accounts, ...] = (),
) -> None:
    change = BookWrite(rows, close, replaced, (), (), (), {}, {})
    with book.store.unit() as unit:
        unit.save_book(change, book.now())


def transfer(transaction_id: str, source: str, target: str) -> FactRow:
    """Return a transfer in kind of 4 ACME of two named lots."""
    fact = trade(transaction_id, 4, 10, portfolio_id=source)._replace(
        type=TransactionType.TRANSFER_IN_KIND,
        lots=(LotChoice("T0", D(1)), LotChoice("Ü1", D("2.5"))),
        to_portfolio_id=target,
        to_quantity=D("3.5"),
    )
    return fact_row(fact, (target, "ACME"))


def work(book: Book) -> dict[tuple[str, str], date]:
    """Return the keys that are marked to be folded again, and from when."""
    rows = book.rows("SELECT portfolio_id, security_id, from_date FROM book_work")
    return {(row[0], row[1]): row[2] for row in rows}


def dirty(book: Book) -> dict[str, date | None]:
    """Return the day from which each portfolio's series is to be brought up to date."""
    return dict(book.rows("SELECT portfolio_id, series_from FROM portfolio_standings"))  # pyright: ignore[reportArgumentType]


def call(book: Book, method: str, *given: Any) -> Any:  # noqa: ANN401 - any method of a unit
    """Call one method of a unit of its own."""
    with book.store.unit() as unit:
        return getattr(unit, method)(*given)


# Facts that carry.


def test_a_carrying_fact_comes_back_with_all_it_says_on_each_of_its_keys(book: Book) -> None:
    row = transfer("T1", "P1", "P2")
    write(book, row, fact_row(trade("T2", 1, 10), cash="CASH_USD"))
    stored = call(book, "facts", ["T1", "T2"])
    assert (stored["T1"].arrival, stored["T2"].arrival) == (("P2", "ACME"), None)
    assert (stored["T2"].version, stored["T2"].waits) == (1, False)
    for key in (("P1", "ACME"), ("P2", "ACME")):
        found = call(book, "key_facts", [key])["T1"]
        assert found.transaction == row.transaction
        assert found.arrival == ("P2", "ACME")
        assert content_hash(found.transaction) == row.content_hash
    assert set(call(book, "key_facts", [("P1", "ACME")])) == {"T1", "T2"}
    assert call(book, "carries", ["P2"]) == [Carry("T1", ("P1", "ACME"), ("P2", "ACME"))]
    assert call(book, "carries", ["P1", "P2"]) == call(book, "carries", ["P1"])
    assert call(book, "carries", ["P3"]) == []


def test_what_was_carried_may_turn_out_to_arrive_elsewhere(book: Book) -> None:
    write(book, transfer("T1", "P1", "P2"))
    elsewhere = Accounts("T1", FIRST, "ACME", None, ("P2", "SPIN"))
    write(book, replaced=(elsewhere,))
    assert call(book, "carries", ["P1"]) == [Carry("T1", ("P1", "ACME"), ("P2", "SPIN"))]
    write(book, replaced=(elsewhere._replace(arrival=None),))
    assert call(book, "carries", ["P1"]) == []


def test_a_cancelled_transaction_is_known_and_has_no_legs(book: Book) -> None:
    write(book, transfer("T1", "P1", "P2"))
    gone = cancellation("T1", "P1", FIRST)
    write(book, fact_row(gone, version=2)._replace(main_security_id="ACME"), close=("T1",))
    stored = call(book, "facts", ["T1"])["T1"]
    assert (stored.version, stored.arrival) == (2, None)
    assert call(book, "key_facts", [("P1", "ACME"), ("P2", "ACME")]) == {}
    assert call(book, "related_portfolios", ["P1"]) == {"P1"}
    assert call(book, "carries", ["P1", "P2"]) == []


def test_whatever_units_were_carried_through_is_related(book: Book) -> None:
    write(book, transfer("T1", "P1", "P2"), transfer("T2", "P3", "P2"))
    for name in ("P1", "P2", "P3"):
        assert call(book, "related_portfolios", [name]) == {"P1", "P2", "P3"}
    assert call(book, "related_portfolios", ["P4", "NEW"]) == {"P4", "NEW"}


def test_those_who_share_a_pool_at_any_time_are_related(book: Book) -> None:
    pooled = portfolio("P1")._replace(cost_method=CostMethod.AVCO_POOLED, taxpayer_id="anna")
    change = (MethodChange(FIRST, CostMethod.AVCO_POOLED),)
    later = portfolio("P2")._replace(cost_method_changes=change, taxpayer_id="anna")
    alone = portfolio("P3")._replace(taxpayer_id="anna")
    nobody = portfolio("P4")._replace(cost_method=CostMethod.AVCO_POOLED)
    book.take_portfolios(pooled, later, alone, nobody)
    assert call(book, "related_portfolios", ["P1"]) == {"P1", "P2"}
    assert call(book, "related_portfolios", ["P2"]) == {"P1", "P2"}
    assert call(book, "related_portfolios", ["P3", "P4"]) == {"P3", "P4"}


# Policies and terms.


def test_a_portfolio_comes_back_with_every_policy(book: Book) -> None:
    made = portfolio("P1")._replace(
        cost_method=CostMethod.LIFO,
        cost_method_changes=(
            MethodChange(date(2024, 4, 1), CostMethod.HIFO),
            MethodChange(date(2025, 1, 1), CostMethod.AVCO_POOLED),
        ),
        taxpayer_id="anna",
        tax_rates=TaxRates(D("0.35"), D("0.20"), 24),
    )
    assert book.take_portfolios(made) == 0
    assert book.take_portfolios(made) == 1
    assert call(book, "lock_portfolios", ["P1"])["P1"].portfolio == made
    assert PostgresReader(book.pool).portfolio("P1") == made
    assert PostgresReader(book.pool).portfolios()[0] == made
    assert PostgresReader(book.pool).overview()[0].portfolio == made


def test_an_instrument_comes_back_with_every_term(book: Book) -> None:
    call_option = Instrument(
        "C1",
        "Acme 50 Call",
        "USD",
        "Option",
        multiplier=D(100),
        underlying_id="ACME",
        option_right=OptionRight.CALL,
        strike=D("50.25"),
        expires_on=date(2024, 6, 21),
    )
    assert book.take_instruments(call_option) == 0
    assert book.take_instruments(call_option) == 1
    assert call(book, "instruments", ["C1"]) == {"C1": call_option}
    assert PostgresReader(book.pool).instruments(["C1"]) == (call_option,)


def test_digests_of_earlier_releases_still_tell_duplicates(book: Book) -> None:
    assert book.take_portfolios(portfolio("P1")) == 1
    assert book.take_instruments(ACME) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"taxpayer_id": "anna"},
        {"tax_rates": TaxRates(D("0.3"))},
        {"cost_method_changes": (MethodChange(FIRST, CostMethod.LIFO),)},
    ],
)
def test_a_changed_policy_has_every_key_folded_again(book: Book, change: dict[str, Any]) -> None:
    book.book(trade("T1", 1, 10), trade("T2", 1, 10, portfolio_id="P2"))
    write(book, transfer("T3", "P2", "P1")._replace(arrival=("P1", "SPIN")))
    book.take_portfolios(portfolio("P1")._replace(**change))
    assert work(book) == {
        ("P1", "ACME"): FIRST,
        ("P1", "CASH_USD"): FIRST,
        ("P1", "SPIN"): FIRST,
    }


def test_who_joins_or_leaves_a_pool_has_all_its_portfolios_folded_again(book: Book) -> None:
    method = CostMethod.AVCO_POOLED
    first, second = (
        portfolio(name)._replace(cost_method=method, taxpayer_id="anna") for name in ("P1", "P2")
    )
    book.take_portfolios(first)
    book.book(trade("T1", 1, 10), trade("T2", 1, 10, portfolio_id="P2"))
    book.take_portfolios(second)
    everything = {(name, key) for name in ("P1", "P2") for key in ("ACME", "CASH_USD")}
    assert set(work(book)) == everything
    book.settle()
    book.take_portfolios(second._replace(cost_method=CostMethod.FIFO))
    assert set(work(book)) == everything


@pytest.mark.parametrize(
    "change",
    [
        {"multiplier": D(10)},
        {"option_right": OptionRight.PUT},
        {"underlying_id": "SPIN"},
        {"strike": D(5)},
        {"product_type": "Future"},
    ],
)
def test_a_changed_term_has_its_keys_folded_and_valued_again(
    book: Book, change: dict[str, Any]
) -> None:
    book.book(trade("T1", 1, 10), trade("T2", 1, 10, portfolio_id="P2", security_id="SPIN"))
    book.settle()
    book.take_instruments(ACME._replace(**change))
    # What a contract costs decides what it moves on its cash account.
    assert work(book) == {("P1", "ACME"): FIRST, ("P1", "CASH_USD"): FIRST}
    assert dirty(book) == {"P1": FIRST, "P2": None, "P3": None, "P4": None}


def test_a_changed_name_changes_no_book(book: Book) -> None:
    book.book(trade("T1", 1, 10))
    book.settle()
    book.take_instruments(ACME._replace(name="Acme", expires_on=FIRST))
    assert work(book) == {}


def test_a_changed_instrument_is_folded_again_where_it_was_carried_to(book: Book) -> None:
    write(book, transfer("T1", "P1", "P2")._replace(arrival=("P2", "SPIN")))
    book.take_instruments(SPIN._replace(multiplier=D(10)))
    assert work(book) == {("P1", "ACME"): FIRST, ("P2", "SPIN"): FIRST}


# Corporate actions.


def test_an_action_is_in_force_until_it_is_cancelled_and_again_when_sent_again(book: Book) -> None:
    assert not call(book, "actions")
    assert call(book, "save_actions", [SPLIT, SPLIT], AT) == 1
    assert call(book, "actions").touching("P1", "ACME") == [SPLIT]
    assert call(book, "save_actions", [SPLIT], AT) == 1
    amended = SPLIT._replace(new_units=D(3), note="three for one")
    assert call(book, "save_actions", [amended], AT) == 0
    assert call(book, "actions").touching("P1", "ACME") == [amended]
    assert call(book, "cancel_actions", ["S1", "S1", "NEVER"], AT) == 2
    assert not call(book, "actions")
    assert call(book, "cancel_actions", ["S1"], AT) == 1
    assert call(book, "save_actions", [amended], AT) == 0
    assert call(book, "actions").touching("P1", "ACME") == [amended]
    rows = book.rows("SELECT version, cancelled FROM corporate_actions ORDER BY version")
    assert rows == [(1, False), (2, False), (3, True), (4, False)]


def test_what_a_unit_that_rolls_back_has_read_is_not_kept(book: Book) -> None:
    def save_and_fail() -> None:
        with book.store.unit() as unit:
            unit.save_actions([SPLIT], AT)
            assert unit.actions()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save_and_fail()
    assert not call(book, "actions")


def test_every_term_of_an_action_comes_back(book: Book) -> None:
    full = CorporateAction(
        "A1",
        ActionType.SPIN_OFF,
        "ACME",
        FIRST,
        D("1.5"),
        D(4),
        "SPIN",
        D("0.123456789012345678"),
        D("0.01"),
        "EUR",
        "P1",
        "note",
    )
    call(book, "save_actions", [full], AT)
    assert call(book, "actions").touching("P1", "SPIN") == [full]
    assert call(book, "actions").touching("P2", "SPIN") == []


def test_an_action_has_those_folded_again_who_held_either_security(book: Book) -> None:
    book.book(
        trade("T1", 1, 10),
        trade("T2", 1, 10, portfolio_id="P2", security_id="SPIN"),
        trade("T3", 1, 10, portfolio_id="P3", security_id="EURO"),
        trade("T4", 1, 10, portfolio_id="P4"),
        trade("T5", -1, 10, portfolio_id="P4", day=1),
    )
    later = FIRST + timedelta(days=9)
    call(book, "save_actions", [MERGER._replace(ex_date=later)], AT)
    keys = {(name, key) for name in ("P1", "P2", "P4") for key in ("ACME", "SPIN")}
    assert work(book) == dict.fromkeys(keys, later)
    book.settle()
    call(book, "save_actions", [MERGER._replace(ex_date=later, portfolio_id="P1")], AT)
    # As it was it reached all of them, and it stands booked on the cash of P1.
    assert work(book) == dict.fromkeys({*keys, ("P1", "CASH_USD")}, later)
    book.settle()
    call(book, "cancel_actions", ["M1"], AT)
    assert set(work(book)) == {("P1", "ACME"), ("P1", "SPIN"), ("P1", "CASH_USD")}


def test_the_cash_that_an_action_paid_is_taken_back_where_it_stands(book: Book) -> None:
    book.book(trade("T1", 1, 10), trade("T2", 1, 10, portfolio_id="P2"))
    call(book, "save_actions", [MERGER], AT)
    book.rows_written(
        "INSERT INTO entries SELECT (jsonb_populate_record(e, "
        """'{"transaction_id": "M1@P1", "type": "MERGER", "leg": "cash"}')).* FROM entries e """
        "WHERE security_id = 'CASH_USD' AND portfolio_id = 'P1'"
    )
    book.rows_written("DELETE FROM book_work")
    call(book, "save_actions", [MERGER._replace(cash_per_unit=D(0))], AT)
    both = {(name, key) for name in ("P1", "P2") for key in ("ACME", "SPIN")}
    assert set(work(book)) == both | {("P1", "CASH_USD")}


# What is cancelled.


def test_a_cancelled_price_gives_way_to_the_one_before(book: Book) -> None:
    day = FIRST + timedelta(days=3)
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", FIRST, D(10), "USD")])
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day, D(12), "USD")])
    book.book(trade("T1", 10, 10), trade("T2", 1, 10, portfolio_id="P2", security_id="SPIN"))
    book.settle()
    assert closing(book, "P1") == {FIRST: 0, day: 20}
    wanted = [("ACME", day), ("ACME", day), ("NEVER", day)]
    assert call(book, "cancel_prices", wanted, AT) == 2
    assert (dirty(book)["P1"], dirty(book)["P2"]) == (day, None)
    book.settle()
    assert closing(book, "P1") == {FIRST: 0}
    assert call(book, "cancel_prices", wanted[:1], AT) == 1
    book.take(topics.RAW_MARKET_PRICES, [Price("ACME", day, D(12), "USD")])
    book.settle()
    assert closing(book, "P1") == {FIRST: 0, day: 20}
    rows = book.rows("SELECT version FROM market_prices WHERE price_date = %s", day)
    assert sorted(rows) == [(1,), (2,)]


def test_a_cancelled_rate_leaves_what_rested_on_it_waiting(book: Book) -> None:
    rate = Rate("EUR", "USD", FIRST, D(2))
    book.take(topics.RAW_FX_RATES, [rate])
    bought = trade("T1", 1, 10, security_id="EURO")
    book.book(bought._replace(trade_currency="EUR", currency="EUR"))
    book.settle()
    assert book.rows("SELECT cost_base FROM position_state WHERE security_id = 'EURO'") == [(20,)]
    assert call(book, "cancel_rates", [("EUR", "USD", FIRST), ("EUR", "CHF", FIRST)], AT) == 1
    assert ("P1", "EURO") in work(book)
    assert dirty(book)["P1"] == FIRST
    book.settle()
    assert book.rows("SELECT waits_for FROM findings WHERE resolved_at = 'infinity'") == [
        ("rate:EUR/USD",)
    ]
    book.take(topics.RAW_FX_RATES, [rate._replace(rate=D(3))])
    book.settle()
    assert book.rows("SELECT cost_base FROM position_state WHERE security_id = 'EURO'") == [(30,)]


def test_a_cancelled_business_date_is_a_day_like_any_other_again(book: Book) -> None:
    wednesday = date(2024, 3, 6)
    book.take(topics.RAW_BUSINESS_DATES, [FIRST])
    book.take(topics.RAW_BUSINESS_DATES, [wednesday])
    book.book(trade("T1", 1, 10))
    book.settle()
    assert set(closing(book, "P1")) == {FIRST, wednesday}
    assert call(book, "cancel_business_dates", [wednesday, date(2030, 1, 1)], AT) == 1
    assert call(book, "business_dates") == (FIRST,)
    book.settle()
    assert set(closing(book, "P1")) == {FIRST}
    assert call(book, "save_business_dates", [wednesday, FIRST], AT) == 1
    book.settle()
    assert set(closing(book, "P1")) == {FIRST, wednesday}


def closing(book: Book, portfolio_id: str) -> dict[date, Decimal]:
    """Return the closing value of every valued day."""
    return {row[1]: row[5] for row in book.held().days if row[0] == portfolio_id}


def test_what_waits_for_an_instrument_to_be_no_cash_is_woken_when_it_is(book: Book) -> None:
    book.take(topics.RAW_INSTRUMENTS, [SPIN._replace(product_type="Cash")])
    becomes = trade("C1", 4, 0, day=2)._replace(
        type=TransactionType.CONVERSION, to_security_id="SPIN", to_quantity=D(8)
    )
    book.book(trade("B1", 10, 10, day=1), becomes)
    assert [row[:2] for row in book.held().findings] == [("C1", "transfer.cash-in-kind")]
    book.take(topics.RAW_INSTRUMENTS, [SPIN])
    book.settle()
    held = book.held()
    assert held.findings == []
    quantities = {row[1]: row[3] for row in held.states if row[0] == "P1"}
    assert (quantities["ACME"], quantities["SPIN"]) == (6, 8)


def test_a_conversion_pays_its_costs_in_the_currency_that_it_settles_in(book: Book) -> None:
    book.take(topics.RAW_FX_RATES, [Rate("EUR", "USD", FIRST, D("1.25"))])
    becomes = trade("C1", 4, 0, day=2)._replace(
        type=TransactionType.CONVERSION,
        to_security_id="SPIN",
        to_quantity=D(8),
        fee=D(5),
        currency="EUR",
    )
    book.book(trade("B1", 10, 10, day=1), becomes)
    # 5 dollars are 4 euros, and cost 5 dollars.
    cash = book.rows(
        "SELECT security_id, currency, quantity, amount, cost_base, fx_rate, flow_base "
        "FROM entries WHERE transaction_id = 'C1' AND leg = 'cash'"
    )
    assert cash == [("CASH_EUR", "EUR", -4, 4, -5, D("1.25"), -5)]
