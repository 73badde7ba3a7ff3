"""Series in every format, and answers that need not be sent twice."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.edges import sample_views
from tests.edges.memory_book import NOW, StoppedClock
from tidebook.api import formats
from tidebook.api.formats import Format, format_of
from tidebook.errors import NotAcceptableError

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.testclient import TestClient

SERIES = "/portfolios/P-1/series"
HISTORY = "/portfolios/P-1/position-history?security_id=S-1"
TWR = "/portfolios/P-1/performance"
DAILY = {
    "scope": {"as_of_date": "2025-03-11"},
    "periods": [{"type": "SI", "breakdown": "DAILY"}, {"type": "YTD"}],
}


def client() -> TestClient:
    return sample_views.desk().client


def stream(content: bytes) -> Any:  # noqa: ANN401 - a library without types
    arrow: Any = import_module("pyarrow")
    with arrow.ipc.open_stream(content) as reader:
        return reader.read_all()


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, Format.JSON),
        ("", Format.JSON),
        ("*/*", Format.JSON),
        ("text/csv", Format.CSV),
        ("text/csv;q=0.1, application/x-ndjson;q=0.9", Format.LINES),
        ("image/png, application/vnd.apache.arrow.stream", Format.ARROW),
        ("text/csv;q=0, application/json", Format.JSON),
    ],
)
def test_the_best_liked_format_is_taken(accept: str | None, chosen: Format) -> None:
    assert format_of(accept) is chosen


def test_a_format_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(NotAcceptableError):
        format_of("image/png")
    answer = client().get(SERIES, headers={"Accept": "image/png"})
    assert answer.status_code == 406
    assert answer.json()["code"] == "accept.unknown"
    assert "text/csv" in answer.json()["hint"]


def test_the_series_as_csv_and_json_lines() -> None:
    days = client().get(SERIES).json()["days"]
    answer = client().get(SERIES, headers={"Accept": "text/csv"})
    head, first, *_ = answer.text.splitlines()
    assert answer.headers["content-type"].startswith("text/csv")
    assert head.split(",") == list(days[0])
    assert first.split(",") == list(days[0].values())
    assert json.loads(answer.headers["Tidebook-Freshness"])["generation"] == 7
    lines = client().get(SERIES, headers={"Accept": "application/x-ndjson"}).text.splitlines()
    assert [json.loads(line) for line in lines] == days


def test_the_series_as_an_arrow_stream_keeps_every_digit() -> None:
    days = client().get(SERIES).json()["days"]
    found = stream(client().get(SERIES, headers={"Accept": Format.ARROW.value}).content)
    assert found.column("date").to_pylist() == [date.fromisoformat(day["date"]) for day in days]
    told = [Decimal(day["eod_market_value"]) for day in days]
    assert found.column("eod_market_value").to_pylist() == told
    assert json.loads(found.schema.metadata[b"freshness"])["status"] == "CURRENT"


def test_the_position_history_is_flat_in_a_table() -> None:
    (change, *_) = client().get(HISTORY).json()["positions"]
    answer = client().get(HISTORY, headers={"Accept": "application/x-ndjson"})
    (row, *_) = map(json.loads, answer.text.splitlines())
    assert row["quantity"] == change["quantity"]
    assert row["market_value"] == change["valuation"]["market_value"]
    table = stream(client().get(HISTORY, headers={"Accept": Format.ARROW.value}).content)
    assert table.column("quantity").to_pylist()[0] == Decimal(change["quantity"])


def test_returns_as_a_table_have_a_row_for_each_part() -> None:
    answer = client().post(TWR, json=DAILY, headers={"Accept": "text/csv"})
    # 2 % and 500 / 10,200 on the days of the sample, and 5 % over the year.
    assert answer.text.splitlines() == [
        "period,breakdown_type,start_date,end_date,cumulative_return",
        "SI,DAILY,2025-03-10,2025-03-10,2.0",
        "SI,DAILY,2025-03-11,2025-03-11,2.9411764706",
        "YTD,,2025-03-10,2025-03-11,5.0",
    ]
    table = stream(client().post(TWR, json=DAILY, headers={"Accept": Format.ARROW.value}).content)
    assert table.column("cumulative_return").to_pylist() == [2.0, 2.9411764706, 5.0]


def test_arrow_without_its_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr(formats, "import_module", missing)
    answer = client().get(SERIES, headers={"Accept": Format.ARROW.value})
    assert answer.status_code == 406
    assert answer.json()["code"] == "accept.no-arrow"
    assert "tidebook[arrow]" in answer.json()["hint"]


@pytest.mark.parametrize(
    "path",
    [SERIES, HISTORY, *(f"/portfolios/P-1/{name}" for name in ("positions", "lots", "gains"))],
)
def test_an_answer_that_the_caller_has_is_not_made_again(path: str) -> None:
    desk = sample_views.desk()
    first = desk.client.get(path)
    tag = first.headers["ETag"]
    asked = len(desk.reader.asked)
    again = desk.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag
    assert len(desk.reader.asked) == asked, "the answer was made, and thrown away"


SCOPE = {"as_of_date": "2025-03-11"}
SI = [{"type": "SI"}]
QUESTIONS: dict[str, dict[str, Any]] = {
    "performance": DAILY,
    "performance/mwr": {"scope": SCOPE, "periods": SI},
    "risk": {"scope": SCOPE, "periods": SI, "metrics": ["VOLATILITY"]},
    "contribution": {"scope": SCOPE, "periods": SI},
    "attribution": {
        "scope": SCOPE,
        "periods": SI,
        "options": {"by": "ASSET_CLASS"},
        "benchmark": [{"group": "Equity", "weight": 1, "return": 0.1}],
    },
}


@pytest.mark.parametrize("what", QUESTIONS)
def test_a_question_in_a_body_that_was_answered_is_not_worked_on_again(what: str) -> None:
    desk, path = sample_views.desk(), f"/portfolios/P-1/{what}"
    first = desk.client.post(path, json=QUESTIONS[what])
    assert first.status_code == 200, first.text
    held = {"If-None-Match": first.headers["ETag"]}
    asked = len(desk.reader.asked)
    again = desk.client.post(path, json=QUESTIONS[what], headers=held)
    assert (again.status_code, again.content) == (304, b"")
    assert len(desk.reader.asked) == asked, "the answer was made, and thrown away"
    longer = {**QUESTIONS[what], "periods": [{"type": "YTD"}]}
    assert desk.client.post(path, json=longer, headers=held).status_code == 200
    desk.reader.kept_state = "8.8.5"
    assert desk.client.post(path, json=QUESTIONS[what], headers=held).status_code == 200


def test_a_question_without_a_day_is_another_one_tomorrow(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = sample_views.desk()
    today = {"periods": SI}
    held = {"If-None-Match": desk.client.post(TWR, json=today).headers["ETag"]}
    assert desk.client.post(TWR, json=today, headers=held).status_code == 304

    def tomorrow(_: StoppedClock) -> datetime:
        return NOW + timedelta(days=1)

    monkeypatch.setattr(StoppedClock, "now", tomorrow)
    assert desk.client.post(TWR, json=today, headers=held).status_code == 200


def test_a_list_of_transactions_is_told_by_what_it_says() -> None:
    desk, path = sample_views.desk(), "/portfolios/P-1/transactions"
    first = desk.client.get(path)
    tag = first.headers["ETag"]
    # What waits moves no generation: the tag cannot be that of the book.
    again = desk.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    desk.reader.kept_transactions = desk.reader.kept_transactions[:-1]
    changed = desk.client.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


def test_a_tag_is_of_one_state_one_question_and_one_format() -> None:
    desk = sample_views.desk()

    def tag(path: str, accept: str = "application/json") -> str:
        return desk.client.get(path, headers={"Accept": accept}).headers["ETag"]

    tags = [tag(SERIES), tag(SERIES, "text/csv"), tag(SERIES + "?start_date=2025-03-11")]
    desk.reader.kept_state = "8.8.5"
    tags.append(tag(SERIES))
    assert len(set(tags)) == 4
    stale = desk.client.get(SERIES, headers={"If-None-Match": tags[0]})
    assert stale.status_code == 200


def test_a_book_that_is_being_restated_promises_nothing() -> None:
    desk = sample_views.desk()
    desk.reader.kept_state = None
    answer = desk.client.get(SERIES, headers={"If-None-Match": "*"})
    assert answer.status_code == 200
    assert "ETag" not in answer.headers


def test_risk_is_told_as_rows_with_its_series() -> None:
    asked = {
        "scope": {"as_of_date": "2025-03-11"},
        "periods": [{"type": "SI"}],
        "metrics": ["BEST_RETURN", "DRAWDOWN"],
        "options": {
            "include_underwater": True,
            "rolling": {"window": 2, "metrics": ["MEAN_RETURN"]},
        },
    }
    # 10,000 are 10,200 and then 10,500: 2 % and 2.941 %, their mean 2.471 %.
    answer = client().post("/portfolios/P-1/risk", json=asked, headers={"accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    assert answer.text.splitlines() == [
        "period,metric,date,value,unit,n",
        "SI,BEST_RETURN,,0.0294117647,fraction per period,2",
        "SI,DRAWDOWN,,0.0,fraction,2",
        "SI,UNDERWATER,2025-03-10,0.0,fraction,",
        "SI,UNDERWATER,2025-03-11,0.0,fraction,",
        "SI,MEAN_RETURN,2025-03-11,0.0247058824,fraction per period,2",
    ]
    again = {"accept": "text/csv", "if-none-match": answer.headers["etag"]}
    assert client().post("/portfolios/P-1/risk", json=asked, headers=again).status_code == 304
    as_json = {"if-none-match": answer.headers["etag"]}
    assert client().post("/portfolios/P-1/risk", json=asked, headers=as_json).status_code == 200


def test_returns_of_each_portfolio_are_told_as_rows() -> None:
    scope = {"as_of_date": "2025-03-11", "portfolio_ids": ["P-1"], "each": True}
    body = {"scope": scope, "periods": [{"type": "SI"}]}
    answer = client().post("/portfolios/performance", json=body, headers={"accept": "text/csv"})
    (row,) = answer.text.splitlines()[1:]
    assert row == "P-1,USD,SI,2025-03-10,2025-03-11,5.0,5.0,1"


@pytest.mark.parametrize(
    ("path", "first"),
    [
        ("/prices/?security_id=S-1", ["security_id", "price_date", "price", "currency"]),
        (
            "/fx-rates/?from_currency=EUR&to_currency=USD",
            ["from_currency", "to_currency", "rate_date", "rate"],
        ),
    ],
)
def test_prices_and_rates_are_told_as_tables(path: str, first: list[str]) -> None:
    document = client().get(path).json()
    (listed,) = [rows for rows in document.values() if isinstance(rows, list)]
    assert listed
    lines = client().get(path, headers={"accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.text.splitlines()] == listed
    told = client().get(path, headers={"accept": "text/csv"})
    assert told.text.splitlines()[0] == ",".join(first)
