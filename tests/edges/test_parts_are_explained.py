"""Every figure of contributions and attributions has a tree, which comes to it to the last bit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import LAST, wide_book
from tests.edges.test_http_contribution import (
    SCOPE,
    SI,
    WITH_INDICES,
    WITH_RETURNS,
    desk,
    desk_abroad,
    shared_desk,
)
from tests.fixtures.figure_walk import numbers_of, same, unexplained
from tests.unit.cli.memory_book import Openings, StoppedClock, worked_book
from tests.unit.cli.terminal import terminal
from tidebook.api import create_app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.edges.memory_book import Desk
    from tests.unit.cli.memory_book import MemoryBook

WIDE_PERIODS = [
    {"type": "SI"},
    {"type": "EXPLICIT", "name": "P", "from": "2024-01-05", "to": "2024-01-10"},
]


def client_of(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


def explained(
    client: TestClient, figure: str, request: dict[str, Any], **more: object
) -> dict[str, Any]:
    body = {"figure": figure, "request": request, "depth": 100, "width": 10_000, **more}
    answer = client.post("/explain", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def walked(
    client: TestClient, portfolio_id: str | None, route: str, request: dict[str, Any]
) -> set[str]:
    """Compare every number of an answer with its tree; return the figures that were met."""
    at = "/portfolios" if portfolio_id is None else f"/portfolios/{portfolio_id}"
    answer = client.post(f"{at}/{route}", json=request)
    assert answer.status_code == 200, answer.text
    found = numbers_of(f"/{route}", {"results": answer.json()["results"]})
    assert unexplained(found) == []
    more = {} if portfolio_id is None else {"portfolio_id": portfolio_id}
    met: set[str] = set()
    for field in found:
        if field.figure is None:
            continue
        if {"contributions", "effects"} & set(field.path):
            more["group"] = field.around["group"]
        else:
            more.pop("group", None)
        told = explained(client, field.figure, request, period=str(field.path[1]), width=1, **more)
        assert same(field.value, told["value"]), (field.path, field.value, told["value"])
        assert told["agrees"], (field.path, told["tree"]["label"])
        assert told["recomputed"] == told["value"]
        met.add(field.figure)
    return met


@pytest.mark.parametrize(("by", "basis"), [("SECURITY", "NET"), ("CURRENCY", "GROSS")])
def test_every_contribution_follows_from_its_tree(by: str, basis: str) -> None:
    request = {
        "scope": {"as_of_date": LAST, "net_or_gross": basis},
        "periods": WIDE_PERIODS[by == "SECURITY" :],
        "options": {"by": by},
    }
    met = walked(client_of(wide_book()), "P1", "contribution", request)
    assert len(met) == 10


@pytest.mark.parametrize(
    ("scope", "linking"),
    [({"reporting_currency": "USD"}, "MENCHERO"), ({"security_id": "ACME"}, "WEALTH")],
)
def test_other_conventions_are_kept(scope: dict[str, str], linking: str) -> None:
    request = {
        "scope": {"as_of_date": LAST, **scope},
        "periods": SI,
        "options": {"by": "ASSET_CLASS", "linking": linking},
    }
    assert walked(client_of(worked_book()), "P1", "contribution", request)


GROUPS = [
    {"group": "Equity", "weight": 0.5, "return": 0.08},
    {"group": "Bond", "weight": 0.5, "return": 0.02},
]


@pytest.mark.parametrize(
    ("make", "benchmark", "options"),
    [
        (desk, GROUPS, {}),
        (desk, GROUPS, {"model": "BRINSON_HOOD_BEEBOWER"}),
        (desk_abroad, WITH_INDICES, {"by": "CURRENCY", "currency_effects": True}),
        (desk_abroad, WITH_RETURNS, {"by": "CURRENCY", "currency_effects": True}),
    ],
)
def test_every_effect_follows_from_its_tree(
    make: Callable[[], Desk], benchmark: object, options: dict[str, object]
) -> None:
    period = {"type": "EXPLICIT", "name": "P", "from": "2025-03-11", "to": "2025-03-11"}
    request = {
        "scope": SCOPE,
        "periods": [period],
        "benchmark": benchmark,
        "options": options,
    }
    met = walked(make().client, "P-1", "attribution", request)
    assert len(met) == (12 if "currency_effects" in options else 11)


def test_a_group_of_portfolios_is_explained_as_one() -> None:
    client = shared_desk().client
    request = {
        "scope": {**SCOPE, "portfolio_ids": ["P-1", "P-2"]},
        "periods": SI,
        "options": {"by": "ASSET_CLASS"},
    }
    assert walked(client, None, "contribution", request)
    assert walked(client, None, "attribution", {**request, "benchmark": GROUPS})


def test_the_rows_are_the_amounts_of_days() -> None:
    request = {"scope": SCOPE, "periods": SI, "options": {"by": "ASSET_CLASS"}}
    found = explained(
        desk().client, "contribution.contribution", request, portfolio_id="P-1", group="Equity"
    )
    # 600 of shares at the close of the first day became 660, of 1,000 in all: 6 %.
    assert float(found["value"]) == pytest.approx(6.0, abs=1e-9)
    (node,) = found["tree"]["children"]
    tables = {table["label"]: table["children"] for table in node["children"]}
    assert set(tables) >= {"the whole, day by day", "Equity in USD, day by day"}
    last = tables["Equity in USD, day by day"][-1]["children"]
    assert [leaf["value"] for leaf in last[:5]] == ["600", "0", "0", "660", "0"]
    opening = tables["the whole, day by day"][-1]["children"][0]
    assert opening["source"]["figure"] == "day.eod_market_value"


def test_what_is_of_no_answer_to_a_body_is_refused() -> None:
    request = {"scope": SCOPE, "periods": SI}
    for body, hint in (
        ({"figure": "position.cost"}, "contribution, attribution"),
        ({"figure": "contribution.gain", "portfolio_id": "P-1"}, "name group beside it"),
        ({"figure": "contribution.gain", "portfolio_id": "P-1", "period": "X"}, "SI"),
    ):
        answer = desk().client.post("/explain", json={"request": request, **body})
        assert (answer.status_code, answer.json()["code"]) == (422, "input.figure")
        assert hint in answer.json()["hint"]


def test_the_command_line_takes_the_body_as_a_file(tmp_path: Path) -> None:
    body = {"scope": {"as_of_date": LAST}, "periods": SI, "options": {"by": "CURRENCY"}}
    path = tmp_path / "asked.json"
    path.write_text(json.dumps(body), "utf-8")
    terms = ["contribution.gain", "P1", "--group", "USD", "--request", str(path)]
    told = terminal(Openings(wide_book()), "explain", *terms, "-o", "table")
    assert told.exit_code == 0, told.output
    assert "value of USD on the last day" in told.stdout
