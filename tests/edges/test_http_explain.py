"""GET /explain and its page: the answer's shape, folding, what is refused, and what links to it."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.memory_book import A_NONCE
from tests.edges.page_tree import parsed
from tests.unit.cli.memory_book import StoppedClock, worked_book
from tidebook.api import create_app
from tidebook.api.samples import examples
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import Benchmarks, NoProvider
from tidebook.engine.explaining import FIGURES
from tidebook.model.facts import Price
from tidebook.web import create_pages

if TYPE_CHECKING:
    from tests.unit.cli.memory_book import MemoryBook

LOT = {"figure": "lot.cost", "portfolio_id": "P1", "security_id": "ACME", "lot_id": "T2"}


def client_of(book: MemoryBook) -> TestClient:
    kept = Benchmarks(MemoryBenchmarks(), NoProvider(), book, StoppedClock())
    pages = create_pages(book, version="0.0.0", new_nonce=lambda: A_NONCE, levels_of=kept.levels)
    return TestClient(create_app(book, book, clock=StoppedClock(), pages=pages))


@pytest.fixture(name="client")
def door() -> TestClient:
    return client_of(worked_book())


def explained(client: TestClient, **asked: object) -> dict[str, Any]:
    answer = client.get("/explain", params={key: str(value) for key, value in asked.items()})
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(value: object) -> object:
    """Return the names of a document, and nothing of its values."""
    if isinstance(value, dict):
        return {key: names(part) for key, part in value.items() if key not in {"children", "tree"}}
    return None


def test_the_answer_has_the_documented_shape(client: TestClient) -> None:
    found = explained(client, figure="value", portfolio_id="P1", security_id="ACME")
    documented = examples()["explain"]
    assert names(found) == names(documented)
    tree, shown = found["tree"], documented["tree"]
    assert isinstance(shown, dict)
    assert names(tree) == names(shown)
    leaf = tree["children"][0]["children"][1]
    assert set(leaf["source"]) == set(shown["children"][1]["source"])  # pyright: ignore[reportIndexIssue]


def test_a_lot_is_told_from_what_was_paid_to_what_is_left(client: TestClient) -> None:
    # T2: 10 x 110 USD x 0.8 = 880 EUR; T4 took two of the ten.
    found = explained(client, **LOT)
    assert (found["value"], found["unit"], found["agrees"]) == ("704", "EUR", True)
    assert [child["value"] for child in found["tree"]["children"]] == ["880", "176"]
    short = {**LOT, "figure": "unit_cost"}
    assert explained(client, **short)["value"] == "88"


def test_wide_and_deep_trees_are_folded_and_still_computed_whole(client: TestClient) -> None:
    asked = {"figure": "quantity", "portfolio_id": "P1", "security_id": "ACME"}
    found = explained(client, **asked, width=2)
    assert [child["value"] for child in found["tree"]["children"]] == ["10", "10"]
    assert found["tree"]["folded"] == {"children": 2, "figures": 2, "value": "-12"}
    assert (found["value"], found["recomputed"]) == ("8", "8")
    deep = explained(client, **LOT, depth=1)
    assert all(child["children"] == [] for child in deep["tree"]["children"])
    assert deep["tree"]["children"][0]["folded"]["figures"] == 3
    assert deep["agrees"]


def test_a_total_leaves_out_what_has_no_value_or_is_undefined_with_it() -> None:
    book = worked_book()
    book.quoted = []
    client = client_of(book)
    # Only cash has a value: 5000 - 557.65, which the total is; the gain of the holdings is none.
    total = explained(client, figure="value", portfolio_id="P1")
    assert (total["value"], total["unvalued"]) == ("4442.35", ["ACME"])
    gain = explained(client, figure="holdings_unrealised", portfolio_id="P1")
    assert (gain["value"], gain["recomputed"], gain["agrees"]) == (None, None, True)
    (acme,) = gain["tree"]["children"]
    assert "no price is known" in acme["children"][0]["label"]


def test_text_draws_the_tree(client: TestClient) -> None:
    answer = client.get("/explain", params={**LOT, "format": "text", "width": 1})
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [
        "704 EUR  lot T2 of 2024-01-03: 8 held  [−]",
        "├── 880 EUR  10 opened by BUY T2 of 2024-01-03  [Σ]",
        "│   └── 880 EUR  gross amount in EUR  [× rate]",
        "│       ├── 1100 USD  gross amount  (transaction T2 version 1)",
        "│       └── … 1 more",
        "└── … 1 more with 3 beneath them, together 176",
        "as of 2024-01-05, known at now, generation 5, current",
        "computed again from its leaves: the same to the digit",
    ]


def test_a_leaf_says_which_fact_and_which_figure_goes_on_from_it(client: TestClient) -> None:
    bought = explained(client, figure="quantity", portfolio_id="P1", security_id="ACME")
    assert bought["tree"]["children"][0]["source"] == {
        "kind": "transaction",
        "id": "T1",
        "day": None,
        "version": 1,
        "recorded_at": "2024-02-01T12:00:00Z",
        "correlation_id": "test",
        "row": None,
        "figure": None,
        "portfolio_id": None,
    }
    period = explained(client, figure="twr", portfolio_id="P1", period="SI", as_of="2024-01-05")
    (linked,) = period["tree"]["children"]
    opening = linked["children"][1]["children"][0]
    assert (opening["source"]["figure"], opening["source"]["day"]) == (
        "day.eod_market_value",
        "2024-01-02",
    )
    onward = explained(
        client,
        figure=opening["source"]["figure"],
        portfolio_id=opening["source"]["id"],
        day=opening["source"]["day"],
    )
    assert onward["value"] == opening["value"]


def test_a_return_is_the_days_returns_linked() -> None:
    # 1,000 in, then 1 x 10 shares from 100 to 110 and 121: 10 % and 10 % make 21 %.
    book = worked_book()
    book.facts = {}
    deposit = worked_book().facts["D1"][1]
    half = Decimal(1000)
    book.ingest_transactions(
        [
            deposit._replace(quantity=half, gross=half),
            worked_book()
            .facts["T1"][1]
            ._replace(
                security_id="EURO",
                trade_currency="EUR",
                currency="EUR",
                fee=Decimal(0),
                gross=half,
            ),
        ],
        "test",
    )
    book.known["EURO"] = book.known["ACME"]._replace(security_id="EURO", currency="EUR")
    book.quoted = [
        Price("EURO", date(2024, 1, day), Decimal(price), "EUR")
        for day, price in ((2, 100), (3, 110), (4, 121))
    ]
    found = explained(
        client_of(book), figure="twr", portfolio_id="P1", period="SI", as_of="2024-01-04"
    )
    assert found["value"] == "21.0"
    (linked,) = found["tree"]["children"]
    assert [round(float(day["value"]), 12) for day in linked["children"]] == [0.0, 0.1, 0.1]


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"figure": "alpha", "portfolio_id": "P1"}, 422, "ask for one of portfolio.value"),
        ({"figure": "quantity", "portfolio_id": "P1"}, 422, "lot.quantity needs portfolio_id"),
        ({"figure": "lot.cost", "portfolio_id": "P1"}, 422, "needs security_id and lot_id"),
        ({"figure": "value", "portfolio_id": "P1", "day": "2024-01-02"}, 422, "is not told of"),
        (
            {"figure": "portfolio.value", "portfolio_id": "P1", "day": "2024-01-02"},
            422,
            "takes no day",
        ),
        ({**LOT, "lot_id": "T9"}, 404, "does not have the open lot 'T9'"),
        ({"figure": "value", "portfolio_id": "P9"}, 404, "portfolio 'P9' is not in the book"),
        ({"figure": "cost", "portfolio_id": "P1", "security_id": "Z"}, 404, "never held 'Z'"),
        ({"figure": "fees", "portfolio_id": "P1", "day": "2023-01-02"}, 404, "the day 2023-01-02"),
        ({"figure": "fee", "portfolio_id": "P1", "transaction_id": "T9"}, 404, "transaction 'T9'"),
        (
            {
                "figure": "entry.matched_cost",
                "portfolio_id": "P1",
                "transaction_id": "T3",
                "lot_id": "T2",
            },
            404,
            "the part of lot 'T2' in transaction 'T3'",
        ),
        ({"figure": "market.price", "security_id": "ACME", "day": "2024-01-06"}, 404, "a price of"),
        ({"figure": "twr", "portfolio_id": "P1", "period": "SOON"}, 422, "period SOON"),
        (
            {"figure": "mwr", "portfolio_id": "P1", "period": "SI", "net_or_gross": "GROSS"},
            422,
            "is not told before fees",
        ),
        ({"figure": "value", "portfolio_id": "P1", "depth": "0"}, 422, "greater than or equal"),
        ({"figure": "value", "portfolio_id": "P1", "of": "x"}, 400, "query parameter 'of'"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_a_remedy(
    client: TestClient, asked: dict[str, str], status: int, words: str
) -> None:
    answer = client.get("/explain", params=asked)
    problem = answer.json()
    assert answer.status_code == status
    assert words in f"{problem['detail']}; {problem['hint']}; {problem['errors']}"


def test_the_catalogue_lists_every_figure_with_what_it_needs(client: TestClient) -> None:
    listed = client.get("/explain/figures").json()["figures"]
    assert [one["figure"] for one in listed] == list(FIGURES)
    by_name = {one["figure"]: one for one in listed}
    assert by_name["lot.cost"]["needs"] == ["portfolio_id", "security_id", "lot_id"]
    assert by_name["lot.unit_cost"]["fields"] == ["/lots: lots.*.unit_cost"]
    assert set(listed[0]) == set(examples()["explain_figures"]["figures"][0])  # pyright: ignore[reportIndexIssue]


def test_every_link_of_the_page_leads_to_the_figure_beside_it(client: TestClient) -> None:
    page = client.get("/ui/portfolios/P1").text
    links = re.findall(r'class="why" href="([^"]+)"', page)
    # Value, seven of the summary, and three returns of each period that has them.
    assert len(links) >= 8 + 6
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, answer.text
        assert "the same to the digit" in answer.text
    (value,) = re.findall(r'<dt>Value\s*<a class="why" href="([^"]+)"', page)
    assert ">5506.35<" in client.get(value.replace("&amp;", "&")).text


def test_the_page_of_a_figure_draws_its_tree_under_the_policy(client: TestClient) -> None:
    answer = client.get("/ui/explain?portfolio_id=P1&figure=cost&security_id=ACME")
    assert f"'nonce-{A_NONCE}'" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text
    parsed(answer.text)
    assert answer.text.count("<details") >= 2
    assert "transaction T2 version 1" in answer.text
    text = re.findall(r'href="(/explain[^"]+)"', answer.text)[0].replace("&amp;", "&")
    assert client.get(text).text.startswith("704 EUR  cost of ACME")


def test_a_day_s_value_is_one_click_below_a_return(client: TestClient) -> None:
    address = "/ui/explain?portfolio_id=P1&figure=period.twr&period=SI&as_of=2024-01-05"
    page = client.get(address).text
    days = re.findall(r'href="(/ui/explain[^"]+day\.eod_market_value[^"]+)"', page)
    assert days
    assert client.get(days[0].replace("&amp;", "&")).status_code == 200


def test_what_is_asked_for_is_escaped(client: TestClient) -> None:
    hostile = "<script>alert(1)</script>"
    answer = client.get("/ui/explain", params={"portfolio_id": "P1", "figure": hostile})
    assert answer.status_code == 422
    assert hostile not in answer.text


def test_a_page_says_which_day_is_wrong(client: TestClient) -> None:
    answer = client.get("/ui/explain?portfolio_id=P1&figure=day.fees&day=x")
    assert answer.status_code == 422
    assert answer.text.startswith("<!doctype html>")
