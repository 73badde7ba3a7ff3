"""Users over HTTP: trades in, comparisons out, and what is refused.

u1 buys 10 ACME at 100 on 2 January 2024 and sells 4 at 120 on 10 January; ACME closes at 130 on
31 January. SPY stood at 200, 210 and 220 on these days. It is noon of 1 February.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_http_queries import shape
from tests.unit.cli.memory_book import MemoryBook, StoppedClock
from tidebook.api import create_app
from tidebook.api.samples import examples
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import Benchmarks, KeptLevels, ReturnBasis
from tidebook.engine.user_desk import user_desk
from tidebook.engine.users import UserPolicy
from tidebook.errors import ProviderError
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import Instrument
from tidebook.model.markets import DatedValue
from tidebook.model.portfolios import Portfolio

D = Decimal
BOUGHT, SOLD, LAST = date(2024, 1, 2), date(2024, 1, 10), date(2024, 1, 31)
JANUARY = "start_date=2024-01-01&end_date=2024-01-31"
TRADE = {
    "user_id": "u1",
    "symbol": "ACME",
    "side": "buy",
    "qty": 10,
    "price": "100",
    "executed_at": "2024-01-02T15:30:00Z",
    "external_id": "ord-1",
}
SALE = TRADE | {
    "side": "sell",
    "qty": "4",
    "price": 120,
    "executed_at": "2024-01-10T15:30:00Z",
    "external_id": "ord-2",
}


class Levels:
    """A provider that has SPY, and counts how often it was asked."""

    name: str = "test"
    basis: ReturnBasis = ReturnBasis.TOTAL

    def __init__(self) -> None:
        self.asked: list[tuple[str, date, date]] = []

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        self.asked.append((symbol, start, end))
        if symbol not in {"SPY", "AGG"}:
            raise ProviderError("test", f"it has no {symbol}")
        levels = ((BOUGHT, 200), (SOLD, 210), (LAST, 220))
        return tuple(DatedValue(on, D(level)) for on, level in levels)


class PassingClock(StoppedClock):
    """A clock on which some time may pass between two looks."""

    def __init__(self) -> None:
        self.passes = timedelta()
        self.looks = 0

    def now(self) -> datetime:
        self.looks += 1
        return super().now() + self.looks * self.passes


class Desk:
    """A client over a book in memory, with one benchmark."""

    def __init__(self) -> None:
        self.book = MemoryBook()
        self.provider = Levels()
        clock = self.clock = PassingClock()
        self.store = MemoryBenchmarks()
        self.ids = iter(f"id-{number}" for number in range(1000))
        benchmarks = Benchmarks(self.store, self.provider, self.book, clock)
        desk = user_desk(
            self.book,
            self.book,
            clock,
            lambda: next(self.ids),
            benchmarks=benchmarks,
            policy=UserPolicy("USD", "America/New_York"),
        )
        app = create_app(self.book, self.book, clock=clock, desk=desk)
        self.client = TestClient(app, raise_server_exceptions=False)

    def post(self, body: object) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.post("/trades", json=body)
        return {"http": answer.status_code, **answer.json()}

    def get(self, path: str, code: int = 200) -> Any:  # noqa: ANN401 - JSON
        answer = self.client.get(path)
        assert answer.status_code == code, answer.text
        return answer.json()


@pytest.fixture(name="desk")
def opened() -> Desk:
    return Desk()


@pytest.fixture(name="traded")
def booked(desk: Desk) -> Desk:
    desk.post(TRADE)
    desk.post(SALE)
    closes = ((BOUGHT, 100), (SOLD, 120), (LAST, 130))
    desk.book.ingest_prices([Price("ACME", on, D(close), "USD") for on, close in closes], "test")
    return desk


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("comparative", f"/users/u1/comparative?{JANUARY}"),
        ("user_metrics", "/users/u1/metrics"),
        ("user_portfolio", "/users/u1/portfolio"),
        ("user_win_rate", "/users/u1/win-rate"),
        ("benchmarks", "/benchmarks"),
    ],
)
def test_the_documented_example_has_the_shape_of_the_answer(
    traded: Desk, name: str, path: str
) -> None:
    traded.get(f"/users/u1/comparative?{JANUARY}")
    update = traded.client.post("/benchmarks/update").json()["update"]["update_id"]
    until = time.monotonic() + 90
    while traded.get(f"/benchmarks/updates/{update}")["status"] == "running":
        assert time.monotonic() < until
        time.sleep(0.01)
    documented = shape(examples()[name])
    assert documented == shape(traded.get(path))
    assert shape(examples()["benchmark_updated"]) == shape(
        traded.get(f"/benchmarks/updates/{update}")
    )


def test_the_documented_trade_has_the_shape_of_its_answer(desk: Desk) -> None:
    first = desk.client.post("/trades", json=examples()["trade_request"])
    assert first.status_code == 201, first.text
    assert shape(first.json()) == shape(examples()["trade"])
    again = desk.client.post("/trades", json=examples()["trade_request"])
    assert again.status_code == 200
    assert shape(again.json()) == shape(examples()["trade_known"])
    assert examples()["trade"]["id"] == first.json()["id"]
    started = desk.client.post("/benchmarks/update")
    assert shape(started.json()) == shape(examples()["benchmark_update"])


def test_a_trade_is_booked_with_the_money_that_it_needs(desk: Desk) -> None:
    taken = desk.post(TRADE | {"fee": "1.25", "raw": {"venue": "X", "score": 1.1}})
    assert (taken["http"], taken["status"], taken["portfolio_id"]) == (201, "accepted", "user:u1")
    portfolio = desk.book.portfolio("user:u1")
    assert (portfolio.cif_id, portfolio.time_zone) == ("u1", "America/New_York")
    facts = {identity: fact for identity, (_, fact) in desk.book.facts.items()}
    bought, money = facts[taken["id"]], facts[f"{taken['id']}:funding"]
    assert (bought.quantity, bought.price, bought.gross, bought.fee) == (10, 100, 1000, D("1.25"))
    assert bought.traded_at == datetime(2024, 1, 2, 15, 30, tzinfo=UTC)
    assert bought.note == '{"venue":"X","score":1.1}'
    assert (money.type, money.gross, money.security_id) == ("DEPOSIT", D("1001.25"), "CASH_USD")
    sold = desk.post(SALE | {"fee": "1.25"})
    money = desk.book.facts[f"{sold['id']}:funding"][1]
    assert (money.type, money.gross) == ("WITHDRAWAL", D("478.75"))


def test_trades_without_an_external_id_are_as_many_as_were_sent(desk: Desk) -> None:
    body = {name: value for name, value in TRADE.items() if name != "external_id"}
    one, two = desk.post(body), desk.post(body)
    assert (one["http"], two["http"]) == (201, 201)
    assert one["id"] != two["id"]


def test_the_same_external_id_of_another_user_is_another_trade(desk: Desk) -> None:
    assert desk.post(TRADE)["id"] != desk.post(TRADE | {"user_id": "u2"})["id"]


def test_an_account_has_a_portfolio_of_its_own_or_is_one(desk: Desk) -> None:
    assert desk.post(TRADE | {"account_id": "ira"})["portfolio_id"] == "user:u1:ira"
    own = Portfolio("P-7", "USD", date(2020, 1, 1), cif_id="u1")
    foreign = Portfolio("P-8", "USD", date(2020, 1, 1), cif_id="u2")
    desk.book.ingest_portfolios([own, foreign], "test")
    sent = TRADE | {"external_id": "ord-7"}
    mine = desk.post(sent | {"account_id": "P-7"})
    assert mine["portfolio_id"] == "P-7"
    # It keeps its own cash: nobody funds it from outside.
    assert mine["transaction_ids"] == [mine["id"]]
    other = desk.post(sent | {"account_id": "P-8", "external_id": "ord-8"})
    assert other["portfolio_id"] == "user:u1:P-8"


def test_a_symbol_in_small_letters_is_the_same_instrument(desk: Desk) -> None:
    desk.post(TRADE)
    desk.post(SALE | {"symbol": "acme", "asset_class": "crypto"})
    assert set(desk.book.known) == {"ACME"}
    desk.post(TRADE | {"symbol": "btcusd", "asset_class": "crypto", "external_id": "c"})
    made = desk.book.known["BTCUSD"]
    assert (made.product_type, made.currency) == ("Crypto", "USD")


def test_a_contract_is_known_by_its_symbol_and_paid_times_a_hundred(desk: Desk) -> None:
    contract = "ACME  240621C00040500"
    taken = desk.post(TRADE | {"symbol": contract, "qty": 2, "price": "3.10"})
    made = desk.book.known[contract]
    assert (made.underlying_id, made.option_right, made.strike) == ("ACME", "CALL", D("40.5"))
    assert (made.expires_on, made.multiplier) == (date(2024, 6, 21), 100)
    # 2 x 3.10 x 100
    assert desk.book.facts[taken["id"]][1].gross == 620
    assert desk.book.facts[f"{taken['id']}:funding"][1].gross == 620


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"qty": 0}, "/qty", "number.not-positive"),
        ({"qty": "-3"}, "/qty", "number.not-positive"),
        ({"price": "1e30"}, "/price", "number.unstorable"),
        ({"price": None}, "/price", "field.missing"),
        ({"side": "short"}, "/side", "word.unknown"),
        ({"executed_at": "2024-01-02"}, "/executed_at", "instant.expected"),
        ({"executed_at": "2024-01-02T10:00:00"}, "/executed_at", "date.no-offset"),
        ({"executed_at": "2024-02-05T10:00:00Z"}, "/executed_at", "date.future"),
        ({"user_id": ""}, "/user_id", "id.unusable"),
        ({"user_id": "u" * 200}, "/user_id", "id.underivable"),
        ({"fee": -1}, "/fee", "number.negative"),
        ({"raw": {"path": "a\\b"}}, "/raw", "raw.unkeepable"),
        ({"raw": "text"}, "/raw", "object.expected"),
        ({"quantity": 3}, "/quantity", "field.unknown"),
        ({"symbol": "ACME-C40", "asset_class": "option"}, "/symbol", "symbol.no-contract"),
    ],
)
def test_a_trade_that_cannot_be_booked_is_refused_whole(
    desk: Desk, change: dict[str, object], pointer: str, code: str
) -> None:
    answer = desk.post(TRADE | change)
    assert (answer["http"], answer["code"]) == (422, "request.invalid")
    assert {"pointer": pointer, "code": code} in [
        {"pointer": one["pointer"], "code": one["code"]} for one in answer["errors"]
    ]
    assert not desk.book.facts
    assert not desk.book.owners


def test_the_whole_comparison_by_hand(traded: Desk) -> None:
    # 1,000 in, 480 out, 6 x 130 = 780 left. SPY: 1000 / 200 - 480 / 210 = 2.714286 units at 220.
    body = traded.get(f"/users/u1/comparative?{JANUARY}")
    user, benchmark = body["user_performance"], body["benchmark_performance"]
    assert body["timeframe"] == {
        "start_date": "2024-01-01",
        "end_date": "2024-01-31",
        "days": 30,
        "measured_start_date": "2024-01-02",
        "measured_end_date": "2024-01-31",
    }
    assert (user["profit_dollar"], user["contributions"], user["withdrawals"]) == (260, 1000, 480)
    assert user["twr_percent"] == pytest.approx(30, abs=1e-9)
    assert benchmark["returns_percent"] == pytest.approx(10, abs=1e-9)
    end = (1000 / 200 - 480 / 210) * 220
    assert benchmark["end_value_same_flows"] == pytest.approx(end, abs=1e-9)
    assert body["comparison"]["status"] == "outperformed"
    assert body["comparison"]["reasons"] == [
        {
            "figure": "capture_down",
            "code": "too-few-returns",
            "sentence": "there are too few returns to measure how they scatter",
        }
    ]
    assert body["known_at"] == "2024-02-01T12:00:00Z"
    assert body["portfolios"][0]["freshness"]["known_at"] == body["known_at"]


def test_a_benchmark_is_told_as_it_was_known(traded: Desk) -> None:
    # The provider restated the last level from 220 to 242 at eleven.
    for hour, last in ((10, 220), (11, 242)):
        levels = ((BOUGHT, 200), (SOLD, 210), (LAST, last))
        points = tuple(DatedValue(on, D(level)) for on, level in levels)
        at = datetime(2024, 2, 1, hour, tzinfo=UTC)
        kept = KeptLevels("SPY", "USD", ReturnBasis.TOTAL, "test", date(2023, 12, 1), at, points)
        traded.store.replace(kept)
    known_at = "known_at=2024-02-01T10:30:00Z"
    then = traded.get(f"/users/u1/comparative?{JANUARY}&{known_at}")
    assert then["benchmark_performance"]["returns_percent"] == pytest.approx(10, abs=1e-9)
    assert then["known_at"] == "2024-02-01T10:30:00Z"
    now = traded.get(f"/users/u1/comparative?{JANUARY}")
    assert now["benchmark_performance"]["returns_percent"] == pytest.approx(21, abs=1e-9)
    assert traded.provider.asked == []
    nothing = traded.get(f"/users/u1/comparative?{JANUARY}&known_at=2024-02-01T09:00:00Z", 503)
    assert nothing["code"] == "benchmark_unavailable"


def test_levels_fetched_for_an_answer_are_known_at_its_instant(traded: Desk) -> None:
    # Time passes between the reading of the book and the fetching of the levels.
    body = {
        "scope": {"as_of_date": "2024-01-31"},
        "periods": [{"type": "SI"}],
        "metrics": ["BETA"],
        "options": {"benchmark": "SPY"},
    }
    traded.clock.passes = timedelta(seconds=1)
    answer = traded.client.post("/portfolios/user:u1/risk", json=body)
    assert answer.status_code == 200, answer.text
    known_at = datetime.fromisoformat(answer.json()["freshness"]["known_at"])
    kept = traded.store.levels("SPY", known_at)
    assert kept is not None
    assert kept.fetched_at <= known_at


def test_the_short_form_sets_like_against_like(traded: Desk) -> None:
    simple = traded.get(f"/users/u1/comparative?simple=true&{JANUARY}")
    whole = traded.get(f"/users/u1/comparative?{JANUARY}")
    assert simple["user_return_pct"] == whole["user_performance"]["profit_percent"]
    assert simple["benchmark_return_pct"] == whole["benchmark_performance"]["mwr_percent"]
    difference = simple["user_return_pct"] - simple["benchmark_return_pct"]
    assert simple["difference_pct"] == pytest.approx(difference, abs=1e-9)
    assert (simple["invested"], simple["user_pnl"]) == (1000, 260)
    assert simple["per_symbol_pnl"] == {"ACME": 260}


def test_a_blend_is_rebalanced_and_says_so(traded: Desk) -> None:
    path = "/users/u1/comparative?benchmark=60%25%20SPY%20%2B%2040%25%20AGG&rebalancing=daily"
    benchmark = traded.get(f"{path}&{JANUARY}")["benchmark_performance"]
    assert (benchmark["symbol"], benchmark["rebalancing"]) == ("60% SPY + 40% AGG", "daily")
    # Both stand at the same levels here, so the blend does too.
    assert benchmark["returns_percent"] == pytest.approx(10, abs=1e-9)
    assert [part["weight"] for part in benchmark["parts"]] == [0.6, 0.4]
    # An unescaped plus sign arrives as a blank.
    same = traded.get(f"/users/u1/comparative?benchmark=60%25%20SPY+40%25%20AGG&{JANUARY}")
    assert same["benchmark_performance"]["symbol"] == "60% SPY + 40% AGG"


@pytest.mark.parametrize(
    "benchmark", ["50%25%20SPY", "60%25%20SPY%20%2B%2060%25%20AGG", "%25", "NONE", "0%25%20SPY"]
)
def test_a_benchmark_that_is_none_is_refused(traded: Desk, benchmark: str) -> None:
    body = traded.get(f"/users/u1/comparative?benchmark={benchmark}&{JANUARY}", code=422)
    assert body["code"] == "benchmark.invalid"


def test_levels_are_fetched_once_and_kept(traded: Desk) -> None:
    path = f"/users/u1/comparative?{JANUARY}"
    first = traded.get(path)["benchmark_performance"]
    again = traded.get(path)["benchmark_performance"]
    assert (first["data_source"], again["data_source"]) == ("api", "cache")
    assert len(traded.provider.asked) == 1
    assert again["parts"][0]["fetched_at"] == "2024-02-01T12:00:00Z"


def test_a_provider_that_refuses_is_not_asked_again_at_once(traded: Desk) -> None:
    for _ in range(3):
        body = traded.get(f"/users/u1/comparative?benchmark=QQQ&{JANUARY}", code=503)
        assert body["code"] == "benchmark_unavailable"
        assert "it has no QQQ" in body["detail"]
    assert len(traded.provider.asked) == 1


def test_levels_of_long_ago_do_not_make_a_comparison(traded: Desk) -> None:
    # What was kept ends three weeks before the end, and the provider has nothing newer.
    at = datetime(2024, 2, 1, 11, tzinfo=UTC)
    points = (DatedValue(BOUGHT, D(200)), DatedValue(SOLD, D(210)))
    kept = KeptLevels("SPY", "USD", ReturnBasis.TOTAL, "test", date(2014, 1, 1), at, points)
    traded.store.replace(kept)
    body = traded.get(f"/users/u1/comparative?{JANUARY}")
    assert body["comparison"]["status"] == "insufficient_data"
    assert body["comparison"]["reasons"][0]["code"] == "benchmark-is-old"
    assert body["benchmark_performance"]["as_of"] == "2024-01-10"
    assert body["benchmark_performance"]["age_days"] == 22


def test_a_period_before_the_first_trade_has_no_data(traded: Desk) -> None:
    body = traded.get("/users/u1/comparative?start_date=2023-01-01&end_date=2023-12-31")
    assert body["comparison"]["status"] == "insufficient_data"
    assert [one["code"] for one in body["comparison"]["reasons"]] == ["no-days"]
    assert body["user_performance"]["profit_dollar"] is None
    assert body["benchmark_performance"]["returns_percent"] is None


def test_portfolios_in_two_currencies_are_told_in_the_first(traded: Desk) -> None:
    # A second account in euros: 10 BETA at 50, worth 60 at the end; a euro is 1.10 dollars all
    # along: 500 EUR = 550 USD in, 660 USD left.
    own = Portfolio("user:u1:eu", "EUR", BOUGHT, portfolio_type="FUNDED_FROM_OUTSIDE", cif_id="u1")
    traded.book.ingest_portfolios([own], "test")
    traded.book.ingest_instruments(
        [traded.book.known["ACME"]._replace(security_id="BETA", currency="EUR")], "test"
    )
    closes = ((BOUGHT, 50), (LAST, 60))
    traded.book.ingest_prices([Price("BETA", on, D(close), "EUR") for on, close in closes], "t")
    bought = TRADE | {"symbol": "BETA", "price": 50, "external_id": "e", "account_id": "eu"}
    assert traded.post(bought)["portfolio_id"] == "user:u1:eu"
    refused = traded.get("/users/u1/metrics", code=503)
    assert refused["code"] == "exchange_rate_unavailable"
    traded.book.ingest_rates([Rate("EUR", "USD", BOUGHT, D("1.10"))], "test")
    body = traded.get(f"/users/u1/comparative?{JANUARY}")
    user = body["user_performance"]
    assert (body["currency"], user["closing_value"]) == ("USD", 780 + 660)
    assert (user["contributions"], user["profit_dollar"]) == (1550, 260 + 110)
    assert traded.get("/users/u1/metrics")["total_invested"] == 1550


def test_what_was_realised_in_another_currency_is_one_amount_everywhere(desk: Desk) -> None:
    # 10 at 50 euros sold at 60: 100 euros, on a day on which a euro was 1.20 dollars. It is 1.50
    # on the last day, on which 5 more are held at 60 that had cost 50.
    first = Portfolio("user:u1", "USD", BOUGHT, portfolio_type="FUNDED_FROM_OUTSIDE", cif_id="u1")
    own = first._replace(portfolio_id="user:u1:eu", base_currency="EUR")
    desk.book.ingest_portfolios([first, own], "test")
    desk.book.ingest_rates(
        [
            Rate("EUR", "USD", on, D(rate))
            for on, rate in ((BOUGHT, "1.10"), (SOLD, "1.20"), (LAST, "1.50"))
        ],
        "test",
    )
    beta = Instrument("BETA", "Beta", "EUR", "Equity")
    desk.book.ingest_instruments([beta], "test")
    closes = ((BOUGHT, 50), (SOLD, 60), (LAST, 60))
    desk.book.ingest_prices([Price("BETA", on, D(close), "EUR") for on, close in closes], "t")
    common = {"symbol": "BETA", "account_id": "eu"}
    desk.post(TRADE | common | {"qty": 15, "price": 50, "external_id": "in"})
    desk.post(SALE | common | {"qty": 10, "price": 60, "external_id": "out"})
    metrics, ended = desk.get("/users/u1/metrics"), desk.get("/users/u1/win-rate")
    assert metrics["realized_pnl"] == ended["total_pnl"] == 120
    assert metrics["unrealized_pnl"] == 50 * 1.5
    # 750 euros at 1.10 went in, 600 at 1.20 came out, 300 at 1.50 are left.
    assert metrics["profit_dollar"] == 450 - 825 + 720


def test_who_has_no_portfolio_is_unknown(desk: Desk) -> None:
    for path in ("comparative", "metrics", "portfolio", "win-rate"):
        assert desk.get(f"/users/u9/{path}", code=404)["code"] == "user.unknown"


def test_an_unknown_update_and_an_end_before_the_start_are_refused(traded: Desk) -> None:
    assert traded.get("/benchmarks/updates/none", code=404)["code"] == "benchmark.update-unknown"
    path = "/users/u1/comparative?start_date=2024-02-01&end_date=2024-01-01"
    assert traded.get(path, code=422)["code"] == "input.period"


def test_all_on_one_day_is_told_after_dietz(desk: Desk) -> None:
    # 1,000 put in on the day itself are worth 1,020 at its close: 2 percent of them. SPY is bought
    # at that close, so that it has not moved.
    desk.post(TRADE)
    desk.book.ingest_prices([Price("ACME", BOUGHT, D(102), "USD")], "test")
    body = desk.get("/users/u1/comparative?start_date=2024-01-02&end_date=2024-01-02")
    compared = body["comparison"]
    assert compared["basis"] == "modified_dietz_same_flows"
    assert body["user_performance"]["profit_percent"] == pytest.approx(2, abs=1e-9)
    assert body["benchmark_performance"]["mwr_percent"] == pytest.approx(0, abs=1e-9)
    assert (compared["difference_percent"], compared["status"]) == (2, "outperformed")


def test_intervals_are_told_when_asked_for_and_the_same_every_time(traded: Desk) -> None:
    path = f"/users/u1/comparative?{JANUARY}"
    assert traded.get(path)["comparison"]["intervals"] is None
    first = traded.get(f"{path}&intervals=true")["comparison"]
    assert first["intervals"] == traded.get(f"{path}&intervals=true")["comparison"]["intervals"]
    assert set(first["intervals"]) == {
        "alpha_annual_percent",
        "beta",
        "tracking_error_annual_percent",
        "information_ratio",
    }
    low, high = first["intervals"]["tracking_error_annual_percent"]
    assert low <= first["tracking_error_annual_percent"] <= high
