"""What if: questions asked of a book before anything is sent, with their answers by hand.

The book: 10,000 paid in on 6 January 2025; 100 ACME bought that day at 10 (lot ``jan``) and 100 on
2 June at 14 (lot ``jun``); 100 sold on 2 March 2026 at 15, first in first out. So ``jan`` left
after more than a year with a gain of 500, ``jun`` is held at 1,400, and 10,000 - 1,000 - 1,400 +
1,500 = 9,100 are in cash. ACME closed at 15 on 2 March and at 16 on 3 March: 9,100 + 1,600 =
10,700, which is 7 percent more than was paid in.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from starlette.testclient import TestClient

from tests.fixtures.booking import portfolio, security, trade
from tidebook.config import Settings
from tidebook.model.facts import Price, TransactionType
from tidebook.wiring import application, open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tidebook.engine.ports import Receipt
    from tidebook.wiring import System

pytestmark = pytest.mark.cluster
SECONDS = 90.0
DERIVED = (
    "transactions entries position_state findings portfolio_days past_series restatements book_work"
)
TABLES = (
    f"{DERIVED} portfolios instruments market_prices fx_rates business_dates corporate_actions "
    "event_log log_partitions consumer_offsets processed_events"
).split()
SALE = {
    "transaction_id": "sale",
    "portfolio_id": "P1",
    "security_id": "ACME",
    "transaction_date": "2026-03-02",
    "transaction_type": "SELL",
    "quantity": "100",
    "price": "15",
    "trade_currency": "USD",
}


class Desk:
    """A book, its database and its doors."""

    def __init__(self, system: System, url: str) -> None:
        self.system = system
        self.url = url
        self.client = TestClient(application(system))

    def take(self, receipt: Receipt) -> None:
        """Wait until what was sent is booked."""
        assert self.system.commands.wait(receipt, timeout_seconds=SECONDS)

    def ask(self, **supposed: Any) -> dict[str, Any]:  # noqa: ANN401 - any body
        """Return the answer to a what-if of portfolio P1."""
        reply = self.client.post("/portfolios/P1/what-if", json=supposed)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def checksums(self) -> dict[str, str]:
        """Return a digest of every table, row by row."""
        with psycopg.connect(self.url) as connection:
            return {
                table: connection.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), ''))"
                    f" FROM {table} AS t".encode()
                ).fetchall()[0][0]
                for table in TABLES
            }


@pytest.fixture(name="desk")
def booked(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    with open_system(Settings(data_dir=tmp_path, database_url=database_url)) as system:
        desk = Desk(system, database_url)
        commands = system.commands
        trades = [
            trade("in", "DEPOSIT", "CASH", "2025-01-06", gross="10000"),
            trade("jan", "BUY", "ACME", "2025-01-06", quantity="100", price="10"),
            trade("jun", "BUY", "ACME", "2025-06-02", quantity="100", price="14"),
            trade("sale", "SELL", "ACME", "2026-03-02", quantity="100", price="15"),
        ]
        prices = [
            Price("ACME", date(2026, 3, 2), trades[3].price, "USD"),
            Price("ACME", date(2026, 3, 3), trades[3].price + 1, "USD"),
        ]
        desk.take(commands.ingest_portfolios([portfolio()], "test"))
        desk.take(commands.ingest_instruments([security("ACME")], "test"))
        desk.take(commands.ingest_transactions(trades, "test"))
        desk.take(commands.ingest_prices(prices, "test"))
        yield desk


def returned(answer: dict[str, Any], side: str, period: str = "SI") -> float:
    """Return a period's return, in percent."""
    (found,) = [each for each in answer["returns"] if each["period"] == period]
    return round(found[side]["cumulative_return"], 8)


def test_selling_the_other_lot_moves_the_gain_and_not_the_value(desk: Desk) -> None:
    before = desk.checksums()
    answer = desk.ask(transactions=[SALE | {"lots": [{"lot_id": "jun", "quantity": "100"}]}])
    assert answer["facts"] == [{"kind": "transaction", "id": "sale", "status": "amended"}]
    # 1,500 for what cost 1,400 and was held for nine months, in place of 500 held for fourteen.
    (gain,) = answer["realized_gains"]
    assert gain["before"] == {
        "realised": "500",
        "short_term": "0",
        "long_term": "500",
        "undated": "0",
    }
    assert gain["after"] == {
        "realised": "100",
        "short_term": "100",
        "long_term": "0",
        "undated": "0",
    }
    (jan, jun) = answer["lots"]
    assert (jan["lot_id"], jan["change"], jan["after"]["cost_basis"]) == ("jan", "opened", "1000")
    assert (jun["lot_id"], jun["change"], jun["before"]["cost_basis"]) == ("jun", "closed", "1400")
    (acme,) = answer["positions"]
    assert (acme["before"]["quantity"], acme["after"]["quantity"]) == ("100", "100")
    assert acme["before"]["unrealized_gain_loss"] == "200"
    assert acme["after"]["unrealized_gain_loss"] == "600"
    assert answer["market_value"]["before"] == answer["market_value"]["after"] == "10700"
    assert returned(answer, "before") == returned(answer, "after") == 7
    assert answer["cash"] == []
    assert answer["as_of"] == "2026-03-03"
    # It was a question: no row of any table is another one.
    assert desk.checksums() == before


def test_undoing_the_sale_brings_back_units_and_takes_the_cash(desk: Desk) -> None:
    before = desk.checksums()
    answer = desk.ask(cancellations=[{"kind": "transaction", "transaction_id": "sale"}])
    assert answer["facts"][0]["status"] == "cancelled"
    (acme,) = [each for each in answer["positions"] if each["security_id"] == "ACME"]
    assert (acme["after"]["quantity"], acme["after"]["cost_basis"]) == ("200", "2400")
    assert answer["cash"] == [
        {"currency": "USD", "before": "9100", "after": "7600", "change": "-1500"}
    ]
    (gain,) = answer["realized_gains"]
    assert gain["after"]["realised"] == "0"
    # 7,600 and 200 at 16.
    assert answer["market_value"]["after"] == "10800"
    assert answer["market_value"]["change"] == "100"
    assert (returned(answer, "before"), returned(answer, "after")) == (7, 8)
    assert desk.checksums() == before


def test_a_price_at_another_level_changes_value_and_return_only(desk: Desk) -> None:
    price = {"security_id": "ACME", "price_date": "2026-03-03", "price": "18", "currency": "USD"}
    answer = desk.ask(
        market_prices=[price],
        periods=[
            {"type": "EXPLICIT", "name": "third", "from": "2026-03-03", "to": "2026-03-03"},
        ],
    )
    assert answer["facts"] == [
        {"kind": "market_price", "id": "ACME 2026-03-03", "status": "amended"}
    ]
    assert (answer["lots"], answer["realized_gains"], answer["cash"]) == ([], [], [])
    (acme,) = answer["positions"]
    assert acme["after"]["market_value"] == "1800"
    assert answer["market_value"]["after"] == "10900"
    assert returned(answer, "after") == 9
    # The day alone: 10,700 and 10,900 after 10,600.
    assert round(returned(answer, "before", "third"), 6) == round(100 / 10600 * 100, 6)
    assert round(returned(answer, "after", "third"), 6) == round(300 / 10600 * 100, 6)


def test_a_split_with_its_price_changes_units_and_leaves_the_value(desk: Desk) -> None:
    split = {
        "action_id": "split",
        "action_type": "SPLIT",
        "security_id": "ACME",
        "ex_date": "2026-03-03",
        "new_units": "2",
        "old_units": "1",
    }
    price = {"security_id": "ACME", "price_date": "2026-03-03", "price": "8", "currency": "USD"}
    answer = desk.ask(corporate_actions=[split], market_prices=[price])
    (lot,) = answer["lots"]
    assert (lot["lot_id"], lot["change"]) == ("jun", "changed")
    assert lot["after"] == {
        "opened_on": "2025-06-02",
        "quantity": "200",
        "cost_basis": "1400",
        "cost_basis_local": "1400",
    }
    assert answer["market_value"]["change"] == "0"
    assert returned(answer, "after") == 7
    # Without its price the split would double what is held.
    alone = desk.ask(corporate_actions=[split])
    assert alone["market_value"]["change"] == "1600"


def test_what_could_not_be_booked_is_told_and_changes_nothing(desk: Desk) -> None:
    more = SALE | {"transaction_id": "more", "quantity": "101", "transaction_date": "2026-03-03"}
    answer = desk.ask(transactions=[more])
    (finding,) = answer["findings_arising"]
    assert (finding["code"], finding["security_id"]) == ("position.oversold", "ACME")
    assert (answer["positions"], answer["lots"], answer["cash"]) == ([], [], [])
    # As of a day before it, the same fact is still found, and nothing else is different.
    assert desk.ask(transactions=[more], as_of="2025-06-02")["market_value"]["change"] == "0"


def test_a_fact_that_would_resolve_a_finding_says_so(desk: Desk) -> None:
    waiting = trade("late", "SELL", "ACME", "2026-03-03", quantity="150", price="16")
    desk.take(desk.system.commands.ingest_transactions([waiting], "test"))
    # Undoing the first sale leaves 200: the second one, of 150, is booked then.
    answer = desk.ask(cancellations=[{"kind": "transaction", "transaction_id": "sale"}])
    (finding,) = answer["findings_resolved"]
    assert (finding["transaction_id"], finding["code"]) == ("late", "position.oversold")
    (acme,) = answer["positions"][:1]
    assert acme["after"]["quantity"] == "50"
    # 100 of jan, held long, bring 600; 50 of jun, held short, bring 100.
    (gain,) = answer["realized_gains"]
    assert (gain["after"]["long_term"], gain["after"]["short_term"]) == ("600", "100")
    # 7,600 + 150 x 16.
    assert answer["cash"][0]["after"] == "10000"


def test_committing_a_preview_comes_to_what_it_told(desk: Desk) -> None:
    body = {"cancellations": [{"kind": "transaction", "transaction_id": "sale"}]}
    preview = desk.ask(**body)
    reply = desk.client.post(
        "/portfolios/P1/what-if/commit",
        json=body | {"preview_hash": preview["preview_hash"]},
        headers={"Prefer": "wait=20"},
    )
    assert (reply.status_code, reply.json()["status"]) == (201, "BOOKED")
    assert reply.json()["accepted_count"] == 1
    held = desk.client.get("/portfolios/P1/positions").json()
    assert held["totals"]["market_value"] == preview["market_value"]["after"] == "10800"
    # Asked again, there is nothing left to change, and the old preview no longer stands.
    assert desk.ask(**body)["facts"][0]["status"] == "not-in-force"
    assert desk.ask(**body)["changes_anything"] is False


def test_a_preview_is_stale_once_the_book_has_moved(desk: Desk) -> None:
    price = {"security_id": "ACME", "price_date": "2026-03-03", "price": "17", "currency": "USD"}
    body: dict[str, Any] = {
        "transactions": [SALE | {"transaction_id": "more", "quantity": "10"}],
        "market_prices": [price],
    }
    preview = desk.ask(**body)
    dividend = trade("dividend", "DIVIDEND", "ACME", "2026-03-02", gross="30")
    desk.take(desk.system.commands.ingest_transactions([dividend], "test"))
    before = desk.checksums()
    late = desk.client.post(
        "/portfolios/P1/what-if/commit", json=body | {"preview_hash": preview["preview_hash"]}
    )
    assert (late.status_code, late.json()["code"]) == (409, "preview.stale")
    assert "portfolio P1 stands at generation" in late.json()["detail"]
    assert desk.checksums() == before

    # Other facts than those that were previewed are refused by the same name.
    fresh = desk.ask(**body)["preview_hash"]
    other = desk.client.post(
        "/portfolios/P1/what-if/commit",
        json={"market_prices": body["market_prices"], "preview_hash": fresh},
    )
    assert other.status_code == 409
    assert "the facts sent are not those that were previewed" in other.json()["detail"]
    assert desk.checksums() == before

    # Facts of both kinds go in together.
    taken = desk.client.post(
        "/portfolios/P1/what-if/commit",
        json=body | {"preview_hash": fresh},
        headers={"Prefer": "wait=20"},
    )
    assert (taken.status_code, taken.json()["accepted_count"]) == (201, 2)
    view = desk.system.reader.positions("P1")
    (acme,) = [each for each in view.positions if each.security_id == "ACME"]
    assert (acme.quantity, acme.valuation.quote and acme.valuation.quote.price) == (90, 17)


def test_units_that_would_go_to_another_portfolio_change_both(desk: Desk) -> None:
    other = portfolio()._replace(portfolio_id="P2")
    desk.take(desk.system.commands.ingest_portfolios([other], "test"))
    gift = SALE | {
        "transaction_id": "gift",
        "transaction_type": TransactionType.TRANSFER_IN_KIND.value,
        "transaction_date": "2026-03-03",
        "quantity": "40",
        "price": "16",
        "to_portfolio_id": "P2",
    }
    answer = desk.ask(transactions=[gift])
    (related,) = answer["related"]
    assert related["portfolio_id"] == "P2"
    (lot,) = related["lots"]
    # The lot keeps its id, its day and its cost: 40 of 100 at 1,400.
    assert (lot["lot_id"], lot["after"]["opened_on"]) == ("jun", "2025-06-02")
    assert (lot["after"]["quantity"], lot["after"]["cost_basis"]) == ("40", "560")
    assert related["market_value"]["after"] == "640"
    assert answer["market_value"]["change"] == "-640"
    assert [each["portfolio_id"] for each in answer["rests_on"]] == ["P1", "P2"]
    # Where nothing was booked before, there was no return, and the answer says why.
    (since,) = related["returns"]
    assert since["before"]["cumulative_return"] is None
    assert since["before"]["reason"]
