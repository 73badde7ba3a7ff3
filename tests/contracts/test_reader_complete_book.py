"""What the read side answers of corporate actions, carried lots, cancellations and contracts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.reader_book import (
    BETWEEN,
    CORRECTED,
    FEB_1,
    JAN_1,
    JAN_3,
    JAN_5,
    RECORDED,
    write_entry,
    write_portfolio,
    write_state,
)
from tests.fixtures.reader_rows import insert, introduce, move, write_price, write_rate
from tidebook.adapters.postgres.market_cache import MarketCache
from tidebook.adapters.postgres.reader import PostgresReader
from tidebook.adapters.postgres.store import PostgresStore
from tidebook.book.valuation import MarketValue
from tidebook.engine.queries import TransactionQuery
from tidebook.engine.stages.series import bring_up_to_date
from tidebook.errors import UnknownPortfolioError
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.facts import LotChoice, TransactionType

if TYPE_CHECKING:
    from datetime import date

    from tests.fixtures.reader_pg import Store
    from tidebook.adapters.postgres.snapshots import Pool
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import EntryView

pytestmark = pytest.mark.cluster

D = Decimal
LATER = datetime(2023, 4, 1, tzinfo=UTC)


@pytest.fixture(name="reader")
def reader_of_the_book(store: Store, pool: Pool) -> Reader:
    """Read P1, which bought 10 A for 100, split them, and sent 5 of the 20 to P2."""
    for name in ("P1", "P2"):
        write_portfolio(store, name, series_from=JAN_1)
    introduce(store, "A", "A Inc", "USD")
    bought = '["b1","2023-01-01","{}","{}","{}"]'
    write_entry(store, ("P1", "A"), ("b1", "BUY", JAN_1), ("10", "100", "100"))
    write_entry(
        store,
        ("P1", "A"),
        ("SPLIT@P1", "SPLIT", JAN_3),
        ("10", "0", "0"),
        matches=f"[{bought.format(10, 100, 100)}]",
        opens=f"[{bought.format(20, 100, 100)}]",
    )
    part = f"[{bought.format(5, 25, 25)}]"
    sent = ("k1", "TRANSFER_IN_KIND", JAN_5)
    write_entry(store, ("P1", "A"), sent, ("-5", "-25", "-25"), matches=part)
    write_entry(store, ("P2", "A"), sent, ("5", "25", "25"), leg="to", opens=part)
    write_state(store, ("P1", "A"), ("15", "75", "75"), lots=f"[{bought.format(15, 75, 75)}]")
    # Its lots are not carried: they have to be found in the entries.
    write_state(store, ("P2", "A"), ("5", "25", "25"))
    write_transaction(store, "b1", "BUY", JAN_1, "10")
    write_transaction(
        store,
        "k1",
        "TRANSFER_IN_KIND",
        JAN_5,
        "5",
        lots='[["b1","5"]]',
        to_portfolio_id="P2",
        arrival_portfolio_id="P2",
        arrival_security_id="A",
    )
    write_transaction(store, "gone", "BUY", JAN_1, "1", superseded_at=CORRECTED)
    write_transaction(
        store, "gone", "CANCELLED", JAN_1, "0", version=2, security_id="", recorded_at=CORRECTED
    )
    return PostgresReader(pool)


def write_transaction(
    store: Store, transaction_id: str, kind: str, on: date, quantity: str, **others: object
) -> None:
    """Write one version of a transaction of P1 in A."""
    values: dict[str, object] = {
        "transaction_id": transaction_id,
        "version": 1,
        "content_hash": "",
        "portfolio_id": "P1",
        "security_id": "A",
        "instrument_id": "",
        "type": kind,
        "trade_date": on,
        "business_date": on,
        "quantity": quantity,
        "price": "10",
        "gross": "0",
        "fee": "0",
        "tax": "0",
        "accrued_interest": "0",
        "trade_currency": "USD",
        "currency": "USD",
        "note": "",
        "main_security_id": "A",
        "correlation_id": "",
        "recorded_at": RECORDED,
    }
    insert(store, "transactions", **(values | others))


def moved(entry: EntryView) -> tuple[str, str, Decimal]:
    return entry.portfolio_id, entry.leg, entry.quantity


# Entries and lots.


def test_entries_are_told_whatever_fact_they_follow_from(reader: Reader) -> None:
    view = reader.entries("P1")
    assert [(one.transaction_id, one.type, one.on) for one in view.entries] == [
        ("b1", TransactionType.BUY, JAN_1),
        ("SPLIT@P1", ActionType.SPLIT, JAN_3),
        ("k1", TransactionType.TRANSFER_IN_KIND, JAN_5),
    ]
    split = view.entries[1].entry
    assert split.matches == (("b1", JAN_1, D(10), D(100), D(100)),)
    assert split.opens == (("b1", JAN_1, D(20), D(100), D(100)),)
    assert (view.portfolio.portfolio_id, view.freshness.generation) == ("P1", 7)
    assert [one.entry.leg for one in reader.entries("P2", security_id="A").entries] == ["to"]
    assert reader.entries("P1", security_id="B").entries == ()
    assert len(reader.entries("P1", as_of=JAN_3).entries) == 2
    with pytest.raises(UnknownPortfolioError):
        reader.entries("P1", known_at=datetime(2023, 1, 1, tzinfo=UTC))
    with pytest.raises(UnknownPortfolioError):
        reader.entries("P9")


def test_lots_that_were_split_and_carried_keep_their_day(reader: Reader) -> None:
    def lots(portfolio_id: str, as_of: date | None = None) -> list[tuple[object, ...]]:
        return [lot[1:6] for lot in reader.lots(portfolio_id, as_of=as_of).lots]

    assert lots("P1", JAN_1) == [("b1", JAN_1, D(10), D(100), D(100))]
    assert lots("P1", JAN_3) == [("b1", JAN_1, D(20), D(100), D(100))]
    assert lots("P1") == lots("P1", FEB_1) == [("b1", JAN_1, D(15), D(75), D(75))]
    assert lots("P2") == lots("P2", FEB_1) == [("b1", JAN_1, D(5), D(25), D(25))]
    assert lots("P2", JAN_3) == []


def test_a_position_history_has_its_corporate_actions(reader: Reader) -> None:
    changes = [change for change, _ in reader.history("P1", "A").changes]
    assert [(one.transaction_id, one.quantity) for one in changes] == [
        ("b1", 10),
        ("SPLIT@P1", 20),
        ("k1", 15),
    ]


# Transactions.


def test_what_was_carried_is_listed_at_both_ends_each_with_its_own_entry(reader: Reader) -> None:
    sender = reader.transactions(TransactionQuery("P1", start=JAN_5)).transactions
    receiver = reader.transactions(TransactionQuery("P2", security_id="A"))
    assert receiver.total == 1
    for listed, portfolio_id, leg, quantity in (
        (sender, "P1", "main", -5),
        (receiver.transactions, "P2", "to", 5),
    ):
        (view,) = listed
        assert view.transaction.transaction_id == "k1"
        assert [moved(entry) for entry in view.entries] == [(portfolio_id, leg, quantity)]
    whole = reader.transaction("k1")
    assert whole is not None
    assert {moved(entry) for entry in whole.entries} == {("P1", "main", -5), ("P2", "to", 5)}
    assert whole.transaction.lots == (LotChoice("b1", D(5)),)
    assert (whole.transaction.to_portfolio_id, whole.transaction.to_quantity) == ("P2", 0)


def test_a_cancelled_transaction_says_so_and_what_it_was_before(reader: Reader) -> None:
    page = reader.transactions(TransactionQuery("P1", end=JAN_1))
    assert {view.transaction.transaction_id: view.status for view in page.transactions} == {
        "b1": "BOOKED",
        "gone": "CANCELLED",
    }
    now, then = reader.transaction("gone"), reader.transaction("gone", known_at=BETWEEN)
    assert now is not None
    assert then is not None
    assert (now.version, now.status, now.entries) == (2, "CANCELLED", ())
    assert (then.version, then.status, then.transaction.quantity) == (1, "BOOKED", 1)


# Corporate actions.


def test_actions_are_told_by_security_and_as_known_at_an_instant(
    reader: Reader, store: Store
) -> None:
    def write(action_id: str, version: int, on: date, to: str = "", **others: object) -> None:
        values: dict[str, object] = {
            "action_id": action_id,
            "version": version,
            "content_hash": "",
            "type": "SPIN_OFF" if to else "SPLIT",
            "security_id": "A",
            "ex_date": on,
            "new_units": "2",
            "old_units": "1",
            "to_security_id": to,
            "cash_per_unit": "0",
            "cash_currency": "",
            "portfolio_id": "",
            "note": "",
            "recorded_at": RECORDED,
        }
        insert(store, "corporate_actions", **(values | others))

    write("Z", 1, JAN_3, superseded_at=CORRECTED)
    write("Z", 2, JAN_3, recorded_at=CORRECTED, cancelled=True)
    write("SPIN", 1, JAN_1, "B", cost_fraction="0.25")
    spin = CorporateAction("SPIN", ActionType.SPIN_OFF, "A", JAN_1, D(2), D(1), "B", D("0.25"))
    split = CorporateAction("Z", ActionType.SPLIT, "A", JAN_3, D(2))
    assert [tuple(view) for view in reader.actions()] == [
        (spin, 1, RECORDED, "IN_FORCE"),
        (split, 2, CORRECTED, "CANCELLED"),
    ]
    assert [view.status for view in reader.actions("A", known_at=BETWEEN)] == ["IN_FORCE"] * 2
    assert [view.action for view in reader.actions("B")] == [spin]
    assert reader.actions("A", known_at=datetime(2023, 1, 1, tzinfo=UTC)) == ()


# Contracts.


def write_contract(store: Store, security_id: str, kind: str, multiplier: str) -> None:
    """Write an instrument in euros."""
    insert(
        store,
        "instruments",
        security_id=security_id,
        version=1,
        content_hash="",
        name=security_id,
        currency="EUR",
        product_type=kind,
        multiplier=multiplier,
        recorded_at=RECORDED,
    )
    move(store, "instruments")


def test_contracts_count_the_same_in_positions_reports_and_series(
    store: Store, pool: Pool, book_url: str
) -> None:
    """3 calls on 100 cost 600 euros, 2 futures of 50 were opened at 4000: 400,000 euros.

    On 5 January the calls stand at 2.50 and the futures at 4010; the euro at 1.20, 1.10 before.
    Calls: 750 euros, 900 dollars, for which 660 were paid. Futures: 1000 euros, 1200 dollars.
    """
    write_portfolio(store, "P3", generation=7, series_generation=6, series_from=JAN_1)
    write_contract(store, "CALL", "Option", "100")
    write_contract(store, "FUT", "Future", "50")
    for key, held in (("CALL", ("3", "600", "660")), ("FUT", ("2", "400000", "440000"))):
        euros = {"currency": "EUR"}
        write_entry(store, ("P3", key), (f"t{key}", "BUY", JAN_3), held, fx_rate="1.1", **euros)
        write_state(store, ("P3", key), held, changed_on=JAN_3, **euros)
    write_price(store, "CALL", JAN_5, "2.5")
    write_price(store, "FUT", JAN_5, "4010")
    write_rate(store, ("EUR", "USD"), JAN_3, "1.10")
    write_rate(store, ("EUR", "USD"), JAN_5, "1.20")
    for on in (JAN_3, JAN_5):
        insert(store, "business_dates", business_date=on, recorded_at=RECORDED)
    move(store, "dates")
    writing = PostgresStore(pool, MarketCache(), conninfo=book_url)
    with writing.unit() as unit:
        bring_up_to_date(unit, 10, lambda: LATER)
    reader = PostgresReader(pool)

    view = reader.positions("P3")
    call, future = view.positions
    assert call.valuation.value == MarketValue(D(750), D(900), D(150), D(240))
    assert future.valuation.value == MarketValue(
        D(401_000), D(481_200), D(1000), D(1200), on_margin=True
    )
    assert (view.market_value_base, view.cost_base, view.unrealised_base) == (2100, 660, 1440)
    assert view.coverage == 1
    assert reader.report("P3").positions == view
    assert reader.positions("P3", known_at=LATER)[2:] == view[2:]
    days = {day.on: (day.eod_market_value, day.unpriced_cost) for day in reader.series("P3").days}
    # Before the first price the calls are unpriced; for the futures nothing was paid.
    assert days == {JAN_3: (0, 660), JAN_5: (2100, 0)}
    ((_, valued),) = reader.history("P3", "CALL", end=JAN_5).changes
    assert valued.value is None
