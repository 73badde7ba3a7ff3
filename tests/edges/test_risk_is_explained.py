"""Every measure of a portfolio's risk has a tree down to the amounts of each day."""

from __future__ import annotations

from math import sqrt
from statistics import mean, stdev
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.test_every_figure_is_explained import wide_book
from tests.fixtures.figure_walk import numbers_of, same
from tests.unit.cli.memory_book import StoppedClock, worked_book
from tidebook.api import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.memory_book import MemoryBook

LAST = "2024-01-12"
NOT_EXPLAINED = {
    "n": "how many returns",
    "n_without_capital": "how many days",
    "confidence": "a term of the request",
    "horizon_days": "a term of the request",
    "length_days": "between two days that stand beside it",
    "recovery_days": "between two days that stand beside it",
    "drawdown": "falls beside the deepest, which are those of a shorter period",
    "periods_per_year": "a term of the request",
}
BASES = ("NET", "GROSS")


def client_of(book: MemoryBook) -> TestClient:
    return TestClient(create_app(book, book, clock=StoppedClock()))


def tree_of(client: TestClient, figure: str, **more: str) -> dict[str, Any]:
    asked = {"figure": figure, "portfolio_id": "P1", "period": "SI", "as_of": LAST}
    answer = client.get("/explain", params={**asked, "depth": "100", "width": "10000", **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("make", [worked_book, wide_book])
def test_every_measure_follows_from_its_tree(make: Callable[[], MemoryBook]) -> None:
    client = client_of(make())
    for basis in BASES:
        body = {"scope": {"as_of_date": LAST, "net_or_gross": basis}, "periods": [{"type": "SI"}]}
        answer = client.post("/portfolios/P1/risk", json=body).json()
        found = numbers_of("/risk", {"results": answer["results"]})
        named = [field for field in found if field.figure is not None]
        assert len({field.figure for field in named}) > 40
        apart = {str(field.path[-1]) for field in found if field.figure is None}
        assert apart <= set(NOT_EXPLAINED)
        for field in named:
            extra = {"net_or_gross": basis} if (field.figure or "").startswith("risk.") else {}
            told = tree_of(client, field.figure or "", **extra)
            assert same(field.value, told["value"]), (field.path, told["value"])
            assert told["agrees"]
            assert told["recomputed"] == told["value"]


def test_the_leaves_of_a_measure_are_the_returns_of_the_days() -> None:
    client = client_of(worked_book())
    (volatility,) = tree_of(client, "risk.volatility")["tree"]["children"]
    assert volatility["formula"] == "measure"
    days = [child for child in volatility["children"] if child["formula"] == "dated"]
    returns: list[float] = []
    for day in days:
        amounts = [float(_value(leaf)) for leaf in day["children"][0]["children"]]
        bmv, bcf, ecf, emv = amounts
        returns.append((emv - ecf - bmv - bcf) / (bmv + bcf))
    # Four days of one week, none of them linked to another.
    assert len(returns) == 4
    told = float(tree_of(client, "risk.volatility")["value"])
    assert told == pytest.approx(stdev(returns) * sqrt(252), abs=1e-9)
    sharpe = float(tree_of(client, "risk.sharpe_arithmetic")["value"])
    assert sharpe == pytest.approx(mean(returns) / stdev(returns) * sqrt(252), abs=1e-9)
    assert float(tree_of(client, "risk.win_rate")["value"]) == pytest.approx(
        sum(one > 0 for one in returns) / sum(one != 0 for one in returns)
    )


def _value(leaf: dict[str, Any]) -> str:
    return str(leaf["value"])


def test_a_measure_that_is_undefined_says_why() -> None:
    found = tree_of(client_of(worked_book()), "risk.volatility", period="2024-01-02:2024-01-02")
    assert found["value"] is None
    assert found["tree"]["formula"] == "undefined"
    assert "few" in found["tree"]["label"]
