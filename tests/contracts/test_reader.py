"""What the read side answers about the book of ``tests.fixtures.reader_book``."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from psycopg import Cursor
from psycopg.errors import ReadOnlySqlTransaction
from psycopg_pool import ConnectionPool

from tests.fixtures.reader_book import (
    BETWEEN,
    CORRECTED,
    FEB_1,
    JAN_1,
    JAN_3,
    JAN_5,
    RECORDED,
    write_book,
    write_entry,
    write_portfolio,
    write_state,
)
from tests.fixtures.reader_rows import insert, introduce, move
from tidebook.adapters.postgres import reader as reader_module
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.reader_positions import read_results
from tidebook.adapters.postgres.snapshots import snapshot
from tidebook.book.holding_periods import HoldingPeriod, Term
from tidebook.book.series import PortfolioDay
from tidebook.book.valuation import MarketValue, ValuationStatus
from tidebook.engine.gains import gains_report
from tidebook.engine.queries import RestatementQuery, TransactionQuery
from tidebook.engine.views import Freshness, RestatementView
from tidebook.errors import InputError, StoreUnavailableError, UnknownPortfolioError
from tidebook.model.facts import Price, Rate, Transaction, TransactionType
from tidebook.model.findings import Severity
from tidebook.model.instruments import Instrument
from tidebook.model.markets import PriceQuote
from tidebook.model.portfolios import CostMethod, Portfolio, Settlement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.rows import TupleRow

    from tests.fixtures.reader_pg import Store
    from tidebook.adapters.postgres.snapshots import Pool
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import (
        LotsView,
        LotView,
        PositionsView,
        PositionView,
        ResultsView,
    )

JAN_10 = date(2023, 1, 10)


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, texts))


@pytest.fixture(name="reader")
def reader_of_the_book(store: Store, pool: Pool) -> Reader:
    write_book(store)
    return PostgresReader(pool)


@pytest.fixture(name="empty")
def reader_of_nothing(store: Store, pool: Pool) -> Reader:
    write_portfolio(store, "P0", generation=0, series_generation=0, valuation_version=0)
    return PostgresReader(pool)


def by_id(view: PositionsView) -> dict[str, PositionView]:
    return {position.security_id: position for position in view.positions}


def value_of(position: PositionView) -> MarketValue:
    assert position.valuation.value is not None
    return position.valuation.value


# ------------------------------------------------------------------------------- positions


def test_positions_now_are_valued_as_of_the_last_day_of_the_series(reader: Reader) -> None:
    view = reader.positions("P1")
    assert [position.security_id for position in view.positions] == [
        "CASH_EUR",
        "CASH_USD",
        "NOPX",
        "S1",
    ]
    s1 = by_id(view)["S1"]
    assert s1[2:10] == (*decimals("50", "600", "690", "650", "910"), FEB_1, 1, False)
    assert s1.instrument == Instrument("S1", "First SE", "EUR", "Equity", sector="Tools")
    assert s1.valuation.quote == PriceQuote(FEB_1, Decimal(15), "EUR")
    assert value_of(s1) == worth("750", "900", "150", "210")
    assert s1.valuation.status is ValuationStatus.VALUED_CURRENT
    assert view.freshness == Freshness(FEB_1, None, 7, 6, 3, "CURRENT")


def test_cash_needs_no_instrument_and_no_price(reader: Reader) -> None:
    found = by_id(reader.positions("P1"))
    assert found["CASH_EUR"].instrument.is_cash
    assert value_of(found["CASH_EUR"]) == worth("50", "60", "0", "0")
    assert value_of(found["CASH_USD"]).base == Decimal(4905)


def test_totals_sum_what_was_valued_and_say_how_much_that_was(reader: Reader) -> None:
    view = reader.positions("P1")
    # 900 + 60 + 4905 were valued, the 100 that NOPX cost were not:
    # 5865 / 5965 = 0.9832355406538139145...
    assert view.market_value_base == Decimal(5865)
    assert view.cost_base == Decimal(690 + 60 + 4905 + 100)
    assert view.unrealised_base == Decimal(210)
    assert view.realised_base == Decimal(910 - 160 + 5)
    assert view.coverage == Decimal("0.983235540653813915")


def test_a_position_without_a_price_has_no_value_and_says_why(reader: Reader) -> None:
    valuation = by_id(reader.positions("P1"))["NOPX"].valuation
    assert (valuation.status, valuation.value) == (ValuationStatus.UNVALUED, None)
    assert valuation.reason == "no price is known on or before 2023-02-01"


def test_closed_positions_come_when_asked_for_with_what_they_realised(reader: Reader) -> None:
    for view in (
        reader.positions("P1", include_closed=True),
        reader.positions("P1", include_closed=True, as_of=FEB_1),
    ):
        old = by_id(view)["OLD"]
        assert old[2:8] == (*decimals("0", "0", "0", "5", "5"), JAN_3)
        assert view.realised_base == Decimal(910 - 160 + 5)


def test_positions_as_of_a_day_count_what_was_booked_by_then(reader: Reader) -> None:
    view = reader.positions("P1", as_of=JAN_10)
    found = by_id(view)
    assert list(found) == ["CASH_EUR", "CASH_USD", "S1"]
    s1 = found["S1"]
    assert s1[2:8] == (*decimals("200", "2200", "2480", "0", "0"), JAN_5)
    assert value_of(s1) == worth("2400", "2760", "200", "280")
    assert s1.valuation.status is ValuationStatus.VALUED_STALE
    assert value_of(found["CASH_EUR"]) == worth("-2200", "-2530", "0", "-50")
    assert view.freshness.as_of == JAN_10
    assert view.market_value_base == Decimal(2760 - 2530 + 5005)
    assert view.coverage == Decimal(1)


def test_positions_as_of_the_last_day_are_those_of_now(reader: Reader) -> None:
    assert reader.positions("P1", as_of=FEB_1) == reader.positions("P1")


def test_positions_as_known_before_a_correction_are_those_believed_then(reader: Reader) -> None:
    view = reader.positions("P1", known_at=BETWEEN)
    found = by_id(view)
    s1, euros = found["S1"], found["CASH_EUR"]
    assert s1[2:9] == (*decimals("50", "550", "632.5", "700", "967.5"), FEB_1, 0)
    # 50 x 14 at 1.18.
    assert value_of(s1) == worth("700", "826", "150", "193.5")
    assert euros[2:7] == decimals("150", "150", "180", "0", "-155")
    assert value_of(euros).base == Decimal(177)
    assert (view.freshness.as_of, view.freshness.known_at) == (FEB_1, BETWEEN)


def test_a_correction_is_known_from_its_instant_on(reader: Reader) -> None:
    now = reader.positions("P1")
    then = reader.positions("P1", known_at=CORRECTED)
    assert then.positions == now.positions
    assert then.freshness == now.freshness._replace(known_at=CORRECTED)


def test_nothing_is_known_before_the_first_record(reader: Reader) -> None:
    then = datetime(2023, 2, 2, 7, 59, tzinfo=UTC)
    with pytest.raises(UnknownPortfolioError, match="was not in the book at 2023-02-02T07:59"):
        reader.positions("P1", known_at=then)


def test_nothing_is_known_of_a_portfolio_before_its_first_trade(
    reader: Reader, store: Store
) -> None:
    store.execute("UPDATE portfolios SET recorded_at = %s", (datetime(2023, 1, 1, tzinfo=UTC),))
    view = reader.positions("P1", known_at=datetime(2023, 2, 2, 7, 59, tzinfo=UTC))
    assert view.positions == ()
    assert (view.market_value_base, view.unrealised_base, view.coverage) == (0, None, None)
    assert view.freshness.as_of is None


def test_a_price_that_arrives_is_in_the_next_answer(reader: Reader, store: Store) -> None:
    assert by_id(reader.positions("P1"))["NOPX"].valuation.value is None
    insert(
        store,
        "market_prices",
        security_id="NOPX",
        price_date=FEB_1,
        version=1,
        price="11",
        currency="USD",
        recorded_at=CORRECTED,
    )
    move(store, "price:NOPX")
    view = reader.positions("P1")
    assert value_of(by_id(view)["NOPX"]).base == Decimal(110)
    assert (view.unrealised_base, view.coverage) == (Decimal(220), Decimal(1))


def test_a_missing_rate_leaves_the_value_open(empty: Reader, store: Store) -> None:
    write_state(store, ("P0", "CASH_JPY"), ("500", "500", "4"), currency="JPY")
    view = empty.positions("P0", as_of=FEB_1)
    assert view.positions == ()
    write_entry(
        store, ("P0", "CASH_JPY"), ("j1", "DEPOSIT", JAN_1), ("500", "500", "4"), currency="JPY"
    )
    for found in (empty.positions("P0"), empty.positions("P0", as_of=JAN_1)):
        valuation = by_id(found)["CASH_JPY"].valuation
        assert (valuation.status, valuation.value) == (ValuationStatus.FAILED, None)
        assert valuation.reason == "no exchange rate JPY/USD is known on or before 2023-01-01"
        assert (found.unrealised_base, found.coverage) == (None, Decimal(0))


def test_positions_now_cost_three_statements_when_the_market_is_known(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.positions("P1")
    execute, sent = Cursor.execute, list[bytes]()

    def counting(
        cursor: Cursor[TupleRow], query: bytes, parameters: Mapping[str, object] | None = None
    ) -> Cursor[TupleRow]:
        sent.append(query)
        return execute(cursor, query, parameters)

    monkeypatch.setattr(Cursor, "execute", counting)
    reader.positions("P1")
    assert len(sent) == 3


# --------------------------------------------------------------------------- freshness


def test_a_portfolio_without_bookings_is_empty(empty: Reader) -> None:
    assert empty.freshness("P0") == Freshness(None, None, 0, 0, 0, "EMPTY")
    assert empty.positions("P0").positions == ()
    assert empty.series("P0").days == ()
    assert empty.series("P0").inception is None


def test_the_latest_day_is_a_business_date_or_an_entry_s_where_there_is_no_series(
    empty: Reader, store: Store
) -> None:
    write_entry(store, ("P0", "CASH_USD"), ("d1", "DEPOSIT", JAN_3), ("1", "1", "1"))
    assert empty.freshness("P0").as_of == JAN_3
    insert(store, "business_dates", business_date=JAN_10, recorded_at=CORRECTED)
    assert empty.freshness("P0").as_of == JAN_10
    assert empty.positions("P0", known_at=BETWEEN).freshness.as_of == JAN_3


def test_work_on_a_key_shows_on_the_portfolio_and_on_the_position(
    reader: Reader, store: Store
) -> None:
    insert(
        store,
        "book_work",
        portfolio_id="P1",
        security_id="S1",
        from_date=JAN_5,
        reason="asked",
        requested_at=CORRECTED,
    )
    assert reader.freshness("P1").status == "REPROCESSING"
    for view in (reader.positions("P1"), reader.positions("P1", as_of=FEB_1)):
        assert {key: found.reprocessing for key, found in by_id(view).items()} == {
            "CASH_EUR": False,
            "CASH_USD": False,
            "NOPX": False,
            "S1": True,
        }


def test_a_series_behind_the_book_shows_on_the_portfolio(reader: Reader, store: Store) -> None:
    store.execute("UPDATE portfolios SET series_from = '2023-01-05'")
    assert reader.freshness("P1").status == "REPROCESSING"


# ----------------------------------------------------------------------------- history


def test_history_sums_change_by_change_and_values_each_on_its_day(reader: Reader) -> None:
    view = reader.history("P1", "S1")
    assert [tuple(change) for change, _ in view.changes] == [
        (JAN_1, "t13", *decimals("100", "1000", "1100"), 0, "BUY", "main"),
        (JAN_5, "t14", *decimals("200", "2200", "2480"), 1, "BUY", "main"),
        (FEB_1, "t15", *decimals("50", "600", "690"), 1, "SELL", "main"),
    ]
    first, second, third = (valuation for _, valuation in view.changes)
    assert first.status is ValuationStatus.UNVALUED
    assert second.value == worth("2400", "2760", "200", "280")
    assert third.value == worth("750", "900", "150", "210")


def test_history_of_a_span_starts_from_what_was_held_before(reader: Reader) -> None:
    view = reader.history("P1", "S1", start=JAN_3, end=JAN_10)
    assert [(change.transaction_id, change.quantity) for change, _ in view.changes] == [
        ("t14", Decimal(200))
    ]
    assert view.freshness.as_of == JAN_10


def test_history_as_known_then_shows_what_was_believed(reader: Reader) -> None:
    view = reader.history("P1", "S1", known_at=BETWEEN)
    assert [(change.cost_base, change.epoch) for change, _ in view.changes] == [
        (Decimal(1100), 0),
        (Decimal(2365), 0),
        (Decimal("632.5"), 0),
    ]
    last = view.changes[-1][1].value
    assert last is not None
    assert last.base == Decimal(826)


def test_history_orders_what_adds_before_what_removes_and_then_by_id(
    empty: Reader, store: Store
) -> None:
    for identity, change in (("b", "-1"), ("B", "-2"), ("z", "10"), ("a", "-3")):
        key, costs = ("P0", "CASH_USD"), (change, change, change)
        write_entry(store, key, (identity, "DEPOSIT", JAN_1), costs)
    view = empty.history("P0", "CASH_USD")
    assert [(change.transaction_id, change.quantity) for change, _ in view.changes] == [
        ("z", Decimal(10)),
        ("B", Decimal(8)),
        ("a", Decimal(5)),
        ("b", Decimal(4)),
    ]


# -------------------------------------------------------------------------------- lots


def worth(local: str, base: str, unrealised_local: str, unrealised_base: str) -> MarketValue:
    """Return a value written as text."""
    return MarketValue(
        Decimal(local), Decimal(base), Decimal(unrealised_local), Decimal(unrealised_base)
    )


def lot(
    security_id: str,
    lot_id: str,
    opened_on: date,
    figures: tuple[str, str, str, str, str],
    currency: str,
) -> tuple[object, ...]:
    return (security_id, lot_id, opened_on, *decimals(*figures), currency)


def booked(view: LotsView) -> tuple[tuple[object, ...], ...]:
    """Return what lots hold and cost, without what time and the market make of them."""
    return tuple(one[:9] for one in view.lots)


OPEN_NOW = (
    lot("CASH_EUR", "t15", FEB_1, ("50", "50", "60", "1", "1.2"), "EUR"),
    lot("NOPX", "t16", FEB_1, ("10", "100", "100", "10", "10"), "USD"),
    lot("S1", "t14", JAN_5, ("50", "600", "690", "12", "13.8"), "EUR"),
)


def test_lots_now_are_carried_or_rebuilt_and_base_cash_has_none(reader: Reader) -> None:
    assert booked(reader.lots("P1")) == OPEN_NOW


def test_lots_as_of_the_last_day_are_those_of_now(reader: Reader) -> None:
    assert booked(reader.lots("P1", as_of=FEB_1)) == OPEN_NOW


def test_lots_as_of_an_earlier_day_come_oldest_first(reader: Reader) -> None:
    assert booked(reader.lots("P1", as_of=JAN_10, security_id="S1")) == (
        lot("S1", "t13", JAN_1, ("100", "1000", "1100", "10", "11"), "EUR"),
        lot("S1", "t14", JAN_5, ("100", "1200", "1380", "12", "13.8"), "EUR"),
    )


def test_lots_of_an_overdraft_are_negative(reader: Reader) -> None:
    assert booked(reader.lots("P1", as_of=JAN_3, security_id="CASH_EUR")) == (
        lot("CASH_EUR", "t13", JAN_1, ("-1000", "-1000", "-1100", "1", "1.1"), "EUR"),
    )


def test_lots_as_known_then_are_those_believed_then(reader: Reader) -> None:
    assert booked(reader.lots("P1", known_at=BETWEEN, security_id="S1")) == (
        lot("S1", "t14", JAN_5, ("50", "550", "632.5", "11", "12.65"), "EUR"),
    )
    assert booked(reader.lots("P1", known_at=BETWEEN, security_id="CASH_EUR")) == (
        lot("CASH_EUR", "t15", FEB_1, ("150", "150", "180", "1", "1.2"), "EUR"),
    )


def worth_of(view: LotView) -> tuple[object, ...]:
    """Return what a lot is worth and what it gains, local and base."""
    assert view.value is not None
    return view.value[:4]


def test_lots_say_how_long_they_are_held_and_what_they_are_worth(reader: Reader) -> None:
    # 50 at 15 euros are 750, at 1.20 that is 900 dollars.
    euros, unpriced, share = reader.lots("P1").lots
    assert share.held == HoldingPeriod(27, Term.SHORT, date(2024, 1, 6))
    assert share.value == worth("750", "900", "150", "210")
    assert euros.value == worth("50", "60", "0", "0")
    assert unpriced.value is None
    assert unpriced.reason == "no price is known on or before 2023-02-01"
    # Then the price was 14 and the rate 1.18: 700 euros are 826 dollars.
    (then,) = reader.lots("P1", known_at=BETWEEN, security_id="S1").lots
    assert then.value == worth("700", "826", "150", "193.5")
    (later,) = reader.lots("P1", as_of=date(2024, 1, 6), security_id="S1").lots
    assert later.held == HoldingPeriod(366, Term.LONG, date(2024, 1, 6))


def test_gains_are_told_by_lot_as_they_are_known_and_as_they_were(reader: Reader) -> None:
    # 2250 euros at 1.20: 15 euros and 18 dollars a unit. 100 cost 1000 (1100), 50 cost 600 (690).
    now = gains_report(reader.entries("P1", security_id="S1", realised=True))
    assert [
        (one.lot_id, one.quantity, one.proceeds_base, one.cost_base, one.price_base, one.days_held)
        for one in now.gains
    ] == [
        ("t13", *decimals("100", "1800", "1100", "600"), 31),
        ("t14", *decimals("50", "900", "690", "180"), 27),
    ]
    assert now.total[3:6] == tuple(decimals("910", "780", "130"))
    then = gains_report(reader.entries("P1", security_id="S1", realised=True, known_at=BETWEEN))
    assert [one.gain_base for one in then.gains] == [*decimals("700", "267.5")]


def test_gains_are_asked_for_by_days_and_security(reader: Reader) -> None:
    view = reader.entries("P1", realised=True)
    # 910 on S1, and OLD was bought for 10 and sold for 15.
    assert gains_report(view).total.gain_base == 915
    assert all(one.entry.realised_base is not None for one in view.entries)
    assert reader.report("P1").realised.entries == view.entries
    late = reader.entries("P1", start=FEB_1, realised=True).entries
    assert late == tuple(one for one in view.entries if one.on >= FEB_1)
    assert reader.entries("P1", as_of=JAN_10, security_id="S1", realised=True).entries == ()


def test_a_key_at_average_cost_has_one_lot(empty: Reader, store: Store) -> None:
    write_portfolio(store, "P2", cost_method="AVCO")
    introduce(store, "A", "Average Inc", "USD")
    key = ("P2", "A")
    write_entry(store, key, ("a1", "BUY", JAN_1), ("10", "100", "100"))
    # As an earlier release left it: it does not say that it was added to the pool of a1.
    write_entry(store, key, ("a2", "BUY", JAN_3), ("10", "201", "201"))
    write_entry(
        store,
        key,
        ("a3", "SELL", JAN_5),
        ("-5", "-75.25", "-75.25"),
        matches='[["a1","2023-01-01","5","75.25","75.25"]]',
    )
    write_state(store, key, ("15", "225.75", "225.75"))
    pool = lot("A", "a1", JAN_1, ("15", "225.75", "225.75", "15.05", "15.05"), "USD")
    assert booked(empty.lots("P2")) == booked(empty.lots("P2", as_of=JAN_10)) == (pool,)
    before = lot("A", "a1", JAN_1, ("20", "301", "301", "15.05", "15.05"), "USD")
    assert booked(empty.lots("P2", as_of=JAN_3)) == (before,)


# ------------------------------------------------------------------------ transactions


def ids(reader: Reader, query: TransactionQuery) -> list[str]:
    return [view.transaction.transaction_id for view in reader.transactions(query).transactions]


def test_a_transaction_comes_with_both_legs_and_every_digit(reader: Reader) -> None:
    view = reader.transaction("t13")
    assert view is not None
    assert view.transaction == Transaction(
        "t13",
        "P1",
        "S1",
        TransactionType.BUY,
        datetime(2023, 1, 1, 10, 1, tzinfo=UTC),
        None,
        Decimal(100),
        Decimal(10),
        Decimal(1000),
        "EUR",
        "EUR",
        fx_rate=Decimal("1.10"),
    )
    assert (view.version, view.business_date, view.recorded_at) == (1, JAN_1, RECORDED)
    assert (view.status, view.findings) == ("BOOKED", ())
    main, cash = view.entries
    assert (main.security_id, main.leg, cash.security_id, cash.leg) == (
        "S1",
        "main",
        "CASH_EUR",
        "cash",
    )
    assert main[3:11] == (*decimals("100", "1000", "1100"), None, None, None, None, Decimal("1.1"))
    assert main[11:] == (
        "EUR",
        "INVESTMENT_OUTFLOW",
        "BOD",
        False,
        Decimal(-1000),
        Decimal(1000),
        (),
        (("t13", JAN_1, *decimals("100", "1000", "1100")),),
        "P1",
    )


def test_a_sale_says_what_it_realised_and_which_lots_it_took(reader: Reader) -> None:
    view = reader.transaction("t15")
    assert view is not None
    main = view.entries[0]
    assert main[6:10] == decimals("650", "910", "780", "130")
    assert main.matches == (
        ("t13", JAN_1, *decimals("100", "1000", "1100")),
        ("t14", JAN_5, *decimals("50", "600", "690")),
    )


def test_a_transaction_as_known_then_is_the_version_of_then(reader: Reader) -> None:
    now, then = reader.transaction("t14"), reader.transaction("t14", known_at=BETWEEN)
    assert now is not None
    assert then is not None
    assert (now.version, now.transaction.gross) == (2, Decimal(1200))
    assert (then.version, then.transaction.gross) == (1, Decimal(1100))
    assert [entry.cost_base for entry in now.entries] == list(decimals("1380", "-1380"))
    assert [entry.cost_base for entry in then.entries] == list(decimals("1265", "-1265"))


def test_a_transaction_that_waits_says_for_what(reader: Reader) -> None:
    view = reader.transaction("t17")
    assert view is not None
    assert (view.status, view.entries) == ("WAITING", ())
    assert [finding.waits_for for finding in view.findings] == ["instrument:ACME"]


def test_a_finding_holds_until_it_is_resolved(reader: Reader) -> None:
    then = reader.transaction("t13", known_at=BETWEEN)
    assert then is not None
    assert then.status == "WAITING"


def test_a_warning_does_not_make_a_transaction_wait(reader: Reader) -> None:
    view = reader.transaction("t16")
    assert view is not None
    assert view.status == "BOOKED"
    assert [finding.severity for finding in view.findings] == [Severity.WARNING]


def test_no_transaction_is_none(reader: Reader) -> None:
    assert reader.transaction("nothing") is None
    assert reader.transaction("t13", known_at=datetime(2023, 1, 1, tzinfo=UTC)) is None


def test_transactions_come_latest_first_by_page_with_their_total(reader: Reader) -> None:
    page = reader.transactions(TransactionQuery("P1", skip=2, limit=3))
    assert (page.total, page.skip, page.limit) == (8, 2, 3)
    assert [view.transaction.transaction_id for view in page.transactions] == ["t15", "t14", "o2"]
    assert [len(view.entries) for view in page.transactions] == [2, 2, 2]
    beyond = reader.transactions(TransactionQuery("P1", skip=100))
    assert (beyond.total, beyond.transactions) == (8, ())


def test_transactions_are_found_by_day_and_by_security(reader: Reader) -> None:
    assert ids(reader, TransactionQuery("P1", start=JAN_3, end=JAN_5, descending=False)) == [
        "o1",
        "o2",
        "t14",
    ]
    assert ids(reader, TransactionQuery("P1", security_id="S1")) == ["t15", "t14", "t13"]
    assert (
        ids(reader, TransactionQuery("P1", security_id="CASH_USD"))
        == ids(reader, TransactionQuery("P1", security_id="CASH"))
        == ["d0"]
    )


@pytest.mark.parametrize(
    ("sort_by", "descending", "expected"),
    [
        ("transaction_date", False, "d0 t13 o1 o2 t14 t15 t16 t17"),
        ("quantity", True, "d0 t15 t14 t13 t16 t17 o2 o1"),
        ("price", False, "d0 o1 t13 t16 t14 o2 t15 t17"),
        ("gross_transaction_amount", True, "d0 t15 t14 t13 t16 t17 o2 o1"),
    ],
)
def test_transactions_are_sorted_and_ties_settled_by_id(
    reader: Reader, sort_by: str, descending: bool, expected: str
) -> None:
    query = TransactionQuery("P1", sort_by=sort_by, descending=descending)
    assert ids(reader, query) == expected.split()


def test_transactions_cannot_be_sorted_by_anything_else(reader: Reader) -> None:
    with pytest.raises(InputError, match="cannot be sorted by 'note; DROP TABLE entries'"):
        reader.transactions(TransactionQuery("P1", sort_by="note; DROP TABLE entries"))


# ------------------------------------------------------------------------------ series


def test_the_series_of_a_span_tells_the_inception_of_the_whole(reader: Reader) -> None:
    view = reader.series("P1", start=JAN_5)
    assert view.inception == JAN_1
    assert view.days == (
        PortfolioDay(JAN_5, *decimals("4900", "0", "0", "5230", "0", "0")),
        PortfolioDay(FEB_1, *decimals("5230", "0", "0", "5865", "0", "100")),
    )
    assert view.freshness.as_of == FEB_1


def test_the_whole_series_begins_with_its_inception(reader: Reader) -> None:
    view = reader.series("P1")
    assert view.inception == view.days[0].on == JAN_1
    assert reader.series("P1", end=JAN_5).days == view.days[:2]


def test_the_series_as_known_then_is_that_of_then(reader: Reader) -> None:
    view = reader.series("P1", known_at=BETWEEN)
    assert [day.eod_market_value for day in view.days] == list(decimals("4900", "5230", "5800"))


# --------------------------------------------------------------- portfolios and references


def test_portfolios_are_found_by_client_and_booking_center(reader: Reader, store: Store) -> None:
    write_portfolio(store, "P2", cif_id="C2", cost_method="AVCO", settlement="explicit")
    assert [found.portfolio_id for found in reader.portfolios()] == ["P1", "P2"]
    assert reader.portfolios(cif_id="C1") == (reader.portfolio("P1"),)
    assert reader.portfolios(booking_center="NYC") == ()
    found = reader.portfolio("P2")
    assert (found.cost_method, found.settlement) == (CostMethod.AVCO, Settlement.EXPLICIT)
    assert found == Portfolio(
        "P2",
        "USD",
        JAN_1,
        "First",
        cost_method=CostMethod.AVCO,
        settlement=Settlement.EXPLICIT,
        risk_exposure="Low",
        investment_time_horizon="Long",
        portfolio_type="Discretionary",
        booking_center="ZRH",
        cif_id="C2",
    )


def test_an_unknown_portfolio_is_named(reader: Reader) -> None:
    questions = (
        lambda: reader.portfolio("P9"),
        lambda: reader.freshness("P9"),
        lambda: reader.positions("P9"),
        lambda: reader.history("P9", "S1"),
        lambda: reader.lots("P9"),
        lambda: reader.transactions(TransactionQuery("P9")),
        lambda: reader.series("P9"),
        lambda: reader.findings("P9"),
        lambda: reader.restatements(RestatementQuery("P9")),
        lambda: reader.report("P9"),
    )
    for question in questions:
        with pytest.raises(UnknownPortfolioError, match="'P9'"):
            question()


def test_open_findings_come_with_what_waits_first(reader: Reader) -> None:
    found = reader.findings("P1")
    assert [view.finding.transaction_id for view in found] == ["t17", "t16"]
    assert found[0][1:] == ("P1", "ACME", FEB_1, RECORDED)
    assert reader.findings() == found


def test_restatements_say_what_they_closed_and_wrote(reader: Reader) -> None:
    assert reader.restatements(RestatementQuery("P1")).restatements == (
        RestatementView("S1", 1, JAN_5, "amended", 2, 2, CORRECTED),
    )


def test_a_report_is_every_part_as_it_is_asked_alone(reader: Reader) -> None:
    found = reader.report("P1", as_of=JAN_10, known_at=BETWEEN)
    assert found.positions == reader.positions("P1", as_of=JAN_10, known_at=BETWEEN)
    assert found.results == reader.results("P1", as_of=JAN_10, known_at=BETWEEN)
    assert found.series == reader.series("P1", known_at=BETWEEN)
    assert found.findings == reader.findings("P1", as_of=JAN_10, known_at=BETWEEN)
    query = RestatementQuery("P1", as_of=JAN_10, known_at=BETWEEN)
    assert found.restatements == reader.restatements(query)


def test_a_report_is_one_state_whatever_is_committed_meanwhile(
    reader: Reader, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = reader.freshness("P1").generation

    def commit_and_read(
        cursor: Cursor[TupleRow],
        portfolio_id: str,
        *,
        as_of: date | None,
        known_at: datetime | None,
    ) -> ResultsView:
        store.execute("UPDATE portfolios SET generation = generation + 1")
        return read_results(cursor, portfolio_id, as_of=as_of, known_at=known_at)

    monkeypatch.setattr(reader_module, "read_results", commit_and_read)
    found = reader.report("P1")
    assert found.positions.freshness.generation == before
    assert found.series.freshness.generation == before
    assert reader.freshness("P1").generation == before + 1


def test_an_overview_lists_portfolios_with_their_last_day(reader: Reader, store: Store) -> None:
    write_portfolio(store, "P2")
    found = reader.overview()
    assert [row.portfolio for row in found] == list(reader.portfolios())
    assert [row.freshness for row in found] == [reader.freshness("P1"), reader.freshness("P2")]
    assert [row.last_day for row in found] == [reader.series("P1").days[-1], None]
    assert reader.overview(limit=1) == found[:1]


def test_lots_and_transactions_say_what_they_rest_on(reader: Reader) -> None:
    now = reader.freshness("P1")
    assert reader.lots("P1").freshness == reader.transactions(TransactionQuery("P1")).freshness
    assert reader.lots("P1").freshness == now
    then = reader.lots("P1", as_of=JAN_3, known_at=BETWEEN).freshness
    assert then == now._replace(as_of=JAN_3, known_at=BETWEEN)


def test_references_are_given_as_reported(reader: Reader) -> None:
    assert [found.security_id for found in reader.instruments()] == ["NOPX", "OLD", "S1"]
    assert [found.name for found in reader.instruments(["S1", "X"])] == ["First SE"]
    assert reader.prices("S1") == (
        Price("S1", JAN_5, Decimal(12), "EUR"),
        Price("S1", FEB_1, Decimal(15), "EUR"),
    )
    assert reader.prices("S1", start=JAN_10) == reader.prices("S1")[1:]
    assert reader.rates("EUR", "USD", end=JAN_5) == (
        Rate("EUR", "USD", JAN_1, Decimal("1.10")),
        Rate("EUR", "USD", JAN_5, Decimal("1.15")),
    )
    assert reader.rates("USD", "EUR") == ()


# ------------------------------------------------------------------------------ the store


def test_a_store_that_answers_is_ready(reader: Reader) -> None:
    reader.ready()


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    pool: Pool = ConnectionPool("host=/nowhere", min_size=0, max_size=1, open=True, timeout=0.1)
    with pool, pytest.raises(StoreUnavailableError) as caught:
        PostgresReader(pool).portfolios()
    assert "running" in caught.value.hint


def test_a_connection_that_dies_under_a_question_is_unavailable(
    reader: Reader, store: Store
) -> None:
    reader.ready()
    store.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )
    with pytest.raises(StoreUnavailableError):
        reader.portfolios()


def test_a_question_sees_one_state_and_cannot_change_it(
    reader: Reader, pool: Pool, store: Store
) -> None:
    assert reader.portfolio("P1").name == "First"
    with snapshot(pool) as cursor:
        before = cursor.execute("SELECT name FROM portfolios").fetchall()
        store.execute("UPDATE portfolios SET name = 'Second'")
        assert cursor.execute("SELECT name FROM portfolios").fetchall() == before
    with pytest.raises(ReadOnlySqlTransaction), snapshot(pool) as cursor:
        cursor.execute("DELETE FROM portfolios")
    assert reader.portfolio("P1").name == "Second"


def test_a_question_leaves_the_connection_as_it_was(reader: Reader, pool: Pool) -> None:
    reader.positions("P1")
    with pool.connection() as connection:
        found = connection.execute(
            "SELECT current_setting('transaction_read_only'), "
            "current_setting('transaction_isolation')"
        ).fetchone()
    assert found == ("off", "read committed")
