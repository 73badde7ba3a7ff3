"""A user of a trading back-end: trades come in one by one, and are set against the index.

ACME closed at 100 on 2 January 2024, at 120 on 10 April and at 130 on 31 December.
SPY stood at 200, 220 and 250 on these days, distributions included.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tidebook.config import Settings
from tidebook.wiring import application, open_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.cluster

WAIT = {"Prefer": "wait=20"}
CLOSES = {"2024-01-02": "100", "2024-04-10": "120", "2024-12-31": "130"}
LEVELS = {"2024-01-02": "200", "2024-04-10": "220", "2024-12-31": "250"}
YEAR = "start_date=2024-01-02&end_date=2024-12-31"


class Desk:
    """A running system, as users' trades reach it."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def trade(self, side: str, qty: str, price: str, on: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
        """Send one trade of user u1 in ACME, at half past ten in New York, and wait for it."""
        body = {
            "user_id": "u1",
            "symbol": "ACME",
            "side": side,
            "qty": qty,
            "price": price,
            "executed_at": f"{on}T10:30:00-05:00",
            **more,
        }
        answer = self.client.post("/trades", json=body, headers=WAIT)
        assert answer.status_code in {200, 201}, answer.text
        return {"code": answer.status_code, **answer.json()}

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self, symbol: str = "ACME", **closes: str) -> None:
        """Send closing prices; without any, those of the story."""
        rows = [
            {"securityId": symbol, "priceDate": on, "price": price, "currency": "USD"}
            for on, price in (closes or CLOSES).items()
        ]
        body = {"market_prices": rows}
        answer = self.client.post("/ingest/market-prices", json=body, headers=WAIT)
        assert answer.status_code == 201, answer.text


@pytest.fixture(name="desk")
def running(database_url: str, tmp_path: Path) -> Iterator[Desk]:
    lines = [f"{on},{level}\n" for on, level in LEVELS.items()]
    (tmp_path / "SPY.csv").write_text("date,adj_close\n" + "".join(lines))
    settings = Settings(data_dir=tmp_path, database_url=database_url, benchmark_dir=tmp_path)
    with open_system(settings) as system, TestClient(application(system)) as client:
        yield Desk(client)


def test_the_first_trade_makes_portfolio_and_instrument_and_keeps_every_digit(desk: Desk) -> None:
    taken = desk.trade("buy", "0.123456789012345678", "100.10", "2024-01-02", fee="0.01")
    assert (taken["code"], taken["status"], taken["booked"]) == (201, "accepted", True)
    portfolio = desk.get("/portfolios/user:u1")
    assert (portfolio["cif_id"], portfolio["base_currency"]) == ("u1", "USD")
    held = {
        one["security_id"]: one for one in desk.get("/portfolios/user:u1/positions")["positions"]
    }
    assert held["ACME"]["quantity"] == "0.123456789012345678"
    # 0.123456789012345678 x 100.10 = 12.3580245801358023678, and the fee of one cent.
    assert held["ACME"]["cost_basis"] == "12.368024580135802368"
    assert held.get("CASH_USD", {"quantity": "0"})["quantity"] == "0"


def test_a_trade_sent_twice_is_one_trade_and_another_content_corrects_it(desk: Desk) -> None:
    first = desk.trade("buy", "10", "100", "2024-01-02", external_id="ord-1")
    again = desk.trade("buy", "10.0", "100.00", "2024-01-02", external_id="ord-1")
    assert (first["code"], again["code"]) == (201, 200)
    assert (again["id"], again["outcome"]) == (first["id"], "known")
    assert desk.get("/users/u1/metrics")["total_trades"] == 1
    better = desk.trade("buy", "12", "100", "2024-01-02", external_id="ord-1")
    assert (better["code"], better["id"], better["outcome"]) == (200, first["id"], "corrected")
    metrics = desk.get("/users/u1/metrics")
    assert (metrics["total_trades"], metrics["total_invested"]) == (1, 1200)
    # The money for the two more came from outside as well.
    held = {
        one["security_id"]: one for one in desk.get("/portfolios/user:u1/positions")["positions"]
    }
    assert held.get("CASH_USD", {"quantity": "0"})["quantity"] == "0"


def test_the_same_money_in_the_index(desk: Desk) -> None:
    # 10 ACME for 1,000; 5 sold for 600; the other 5 are worth 650 at the end: a profit of 250.
    # In SPY: 1000 / 200 - 600 / 220 = 2.272727 units, worth 568.181818 at 250.
    desk.trade("buy", "10", "100", "2024-01-02")
    desk.trade("sell", "5", "120", "2024-04-10")
    desk.close()
    body = desk.get(f"/users/u1/comparative?benchmark=SPY&{YEAR}")
    user, benchmark, compared = (
        body[name] for name in ("user_performance", "benchmark_performance", "comparison")
    )
    assert (user["buy_value"], user["sell_value"], user["profit_dollar"]) == (1000, 600, 250)
    # closing value + sells + income - buys - fees - opening value
    assert user["closing_value"] + 600 + 0 - 1000 - 0 - user["opening_value"] == 250
    # 100 became 120, a fifth more, and 120 became 130: 30 percent in all.
    assert user["twr_percent"] == pytest.approx(30, abs=1e-9)
    assert benchmark["returns_percent"] == pytest.approx(25, abs=1e-9)
    assert compared["twr_difference_percent"] == pytest.approx(5, abs=1e-9)
    end = 1000 / 200 * 250 - 600 / 220 * 250
    assert benchmark["end_value_same_flows"] == pytest.approx(end, abs=1e-9)
    assert benchmark["value_added"] == pytest.approx(650 - end, abs=1e-9)
    assert benchmark["ks_pme"] == pytest.approx((600 * 250 / 220 + 650) / 1250, abs=1e-9)
    # 2 January to 10 April are 99 days, to 31 December 364.
    for rate, closing in ((user, 650.0), (benchmark, end)):
        annual = 1 + rate["mwr_annual_percent"] / 100
        assert -1000 + 600 * annual ** (-99 / 365) + closing * annual ** (
            -364 / 365
        ) == pytest.approx(0, abs=1e-6)
    annual = 1 + benchmark["direct_alpha_percent"] / 100
    assert -1250 + 600 * 250 / 220 * annual ** (-99 / 365) + 650 * annual ** (
        -364 / 365
    ) == pytest.approx(0, abs=1e-6)
    own = (1 + user["mwr_annual_percent"] / 100) ** (364 / 365) - 1
    assert user["profit_percent"] == pytest.approx(100 * own, abs=1e-6)
    ahead = user["profit_percent"] - benchmark["mwr_percent"]
    assert compared["difference_percent"] == pytest.approx(ahead, abs=1e-6)
    assert (compared["status"], compared["outperformance"]) == ("outperformed", True)
    assert (benchmark["data_source"], benchmark["as_of"]) == ("api", "2024-12-31")
    # Three levels in a year are no daily returns, whatever one would get from them.
    assert (compared["beta"], compared["tracking_error_annual_percent"]) == (None, None)
    assert compared["n"] == 2
    again = desk.get(f"/users/u1/comparative?benchmark=SPY&{YEAR}")
    assert again["benchmark_performance"]["data_source"] == "cache"


def test_what_was_held_before_the_period_is_put_in_at_its_start(desk: Desk) -> None:
    # 5 ACME at 120 became 130: 50 on 600. SPY went from 220 to 250.
    desk.trade("buy", "5", "100", "2024-01-02")
    desk.close()
    body = desk.get("/users/u1/comparative?start_date=2024-04-11&end_date=2024-12-31")
    user, benchmark = body["user_performance"], body["benchmark_performance"]
    assert (user["opening_value"], user["profit_dollar"]) == (600, 50)
    assert user["buy_value"] == 0
    assert user["profit_percent"] == pytest.approx(100 * 50 / 600, abs=1e-8)
    assert benchmark["start_price"] == 220
    assert benchmark["mwr_percent"] == pytest.approx(100 * 30 / 220, abs=1e-8)
    assert body["comparison"]["status"] == "underperformed"
    assert body["comparison"]["outperformance"] is False


def test_who_took_out_more_than_the_index_had_is_told_so(desk: Desk) -> None:
    # 9 of 10 sold at 300 bring 2,700; SPY would have had 1000 / 200 x 220 = 1,100. After the sale
    # the user held 300, so 2,700 of 3,000 went out: nine tenths. Of 1,100 that leaves 110, which
    # are 125 when SPY stands at 250.
    desk.trade("buy", "10", "100", "2024-01-02")
    desk.trade("sell", "9", "300", "2024-04-10")
    desk.close(**CLOSES | {"2024-04-10": "300", "2024-12-31": "310"})
    body = desk.get(f"/users/u1/comparative?{YEAR}")
    benchmark, compared = body["benchmark_performance"], body["comparison"]
    short = (1000 / 200 - 2700 / 220) * 250
    assert benchmark["end_value_same_flows"] == pytest.approx(short, abs=1e-9)
    assert short < 0
    assert benchmark["goes_short"] is True
    assert benchmark["scaled"]["end_value"] == pytest.approx(125, abs=1e-9)
    assert compared["basis"] == "money_weighted_scaled_flows"
    assert [one["code"] for one in compared["warnings"]] == ["benchmark-goes-short"]
    assert compared["status"] == "outperformed"


def test_a_position_without_a_price_is_not_compared(desk: Desk) -> None:
    desk.trade("buy", "10", "100", "2024-01-02")
    body = desk.get(f"/users/u1/comparative?{YEAR}")
    assert body["comparison"]["status"] == "insufficient_data"
    assert body["comparison"]["outperformance"] is None
    assert "not-priced" in [one["code"] for one in body["comparison"]["reasons"]]
    assert body["user_performance"]["coverage"] == 0


def test_a_benchmark_of_which_nothing_is_known_has_no_return(desk: Desk) -> None:
    desk.trade("buy", "10", "100", "2024-01-02")
    answer = desk.client.get(f"/users/u1/comparative?benchmark=GLD&{YEAR}")
    assert (answer.status_code, answer.json()["code"]) == (503, "benchmark_unavailable")
    assert answer.headers["Retry-After"]


def test_an_instrument_of_the_book_is_a_benchmark_too(desk: Desk) -> None:
    # The user holds ACME alone, so that ACME itself is matched to the last digit.
    desk.trade("buy", "10", "100", "2024-01-02")
    desk.trade("sell", "5", "120", "2024-04-10")
    desk.close()
    body = desk.get(f"/users/u1/comparative?benchmark=ACME&{YEAR}")
    assert body["comparison"]["status"] == "matched"
    assert body["benchmark_performance"]["value_added"] == pytest.approx(0, abs=1e-9)
    assert body["benchmark_performance"]["ks_pme"] == pytest.approx(1, abs=1e-12)
    assert body["benchmark_performance"]["data_source"] == "book"
    assert [one["code"] for one in body["comparison"]["warnings"]] == [
        "benchmark-without-distributions"
    ]


def test_what_was_traded_held_and_won(desk: Desk) -> None:
    # ACME: 10 at 100 with 2 of costs, so 100.2 each; 5 sold at 120 with 1: 599 - 501 = 98 won;
    # 4 sold at 90: 360 - 400.8 = 40.8 lost; 1 left at 130 that cost 100.2. A dividend of 7.
    desk.trade("buy", "10", "100", "2024-01-02", fee="2")
    desk.trade("sell", "5", "120", "2024-04-10", fee="1")
    desk.trade("sell", "4", "90", "2024-04-11")
    dividend = {
        "transaction_id": "div",
        "portfolio_id": "user:u1",
        "security_id": "ACME",
        "transaction_date": "2024-06-03",
        "transaction_type": "DIVIDEND",
        "gross_transaction_amount": "7",
        "trade_currency": "USD",
    }
    answer = desk.client.post("/ingest/transaction", json=dividend, headers=WAIT)
    assert answer.status_code == 201, answer.text
    desk.close()
    metrics = desk.get("/users/u1/metrics")
    figures = {name: metrics[name] for name in ("total_trades", "total_invested", "total_value")}
    assert figures == {"total_trades": 3, "total_invested": 1000, "total_value": 137}
    assert (metrics["realized_pnl"], metrics["unrealized_pnl"]) == (57.2, 29.8)
    assert (metrics["income"], metrics["fees"]) == (7, 3)
    # 137 are left and 599 + 360 were taken out of 1,002.
    assert metrics["profit_dollar"] == 94
    assert metrics["first_trade"] == "2024-01-02T15:30:00Z"
    whole = desk.get("/users/u1/portfolio")
    assert (whole["total_pnl"], whole["total_sold"]) == (94, 960)
    assert whole["all_symbols"] == [
        {
            "symbol": "ACME",
            "trades": 3,
            "invested": 1000,
            "value": 130,
            "pnl": 94,
            "return_pct": 9.4,
        }
    ]
    won = desk.get("/users/u1/win-rate")
    assert (won["closed_trades"], won["winning_trades"], won["losing_trades"]) == (2, 1, 1)
    assert (won["win_rate"], won["average_win"], won["average_loss"]) == (50, 98, -40.8)
    assert won["profit_factor"] == pytest.approx(98 / 40.8, abs=1e-9)
    simple = desk.get(f"/users/u1/comparative?simple=true&{YEAR}")
    assert (simple["user_pnl"], simple["per_symbol_pnl"]) == (94, {"ACME": 94})


def test_a_sale_of_what_was_never_bought_is_a_short_and_moves_no_cash(desk: Desk) -> None:
    desk.trade("sell", "2", "100", "2024-01-02")
    desk.close()
    metrics = desk.get("/users/u1/metrics")
    # 200 came in and went out to the user; at 130 each, 260 are owed.
    assert (metrics["total_value"], metrics["profit_dollar"]) == (-260, -60)


def test_an_update_runs_in_the_background_and_tells_how_it_ended(desk: Desk) -> None:
    started = desk.client.post("/benchmarks/update")
    assert (started.status_code, started.json()["status"]) == (202, "accepted")
    address = f"/benchmarks/updates/{started.json()['update']['update_id']}"
    update = desk.get(address)
    until = time.monotonic() + 90
    while update["status"] == "running" and time.monotonic() < until:
        time.sleep(0.01)
        update = desk.get(address)
    assert update["status"] == "done"
    outcomes = {one["symbol"]: one for one in update["outcomes"]}
    assert (outcomes["SPY"]["last_date"], outcomes["SPY"]["error"]) == ("2024-12-31", None)
    assert "QQQ.csv" in outcomes["QQQ"]["error"]
    kept = {one["symbol"]: one for one in desk.get("/benchmarks")["benchmarks"]}
    assert (kept["SPY"]["levels"], kept["SPY"]["status"]) == (3, "stale")
    assert kept["QQQ"]["status"] == "missing"
