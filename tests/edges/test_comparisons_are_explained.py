"""Every figure of a comparison has a tree, down to the user's days and the benchmark's levels."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.edges.test_http_users import JANUARY, SALE, TRADE, Desk
from tests.fixtures.figure_walk import numbers_of, same, unexplained
from tidebook.model.facts import Price
from tidebook.model.markets import DatedValue

D = Decimal
FIRST = date(2024, 1, 2)
DAYS = {"start_date": "2024-01-01", "end_date": "2024-01-31"}


@pytest.fixture(name="desk")
def traded() -> Desk:
    """Give a user with trades in dollars, and levels and prices on every weekday of January."""
    desk = Desk()
    desk.post(TRADE)
    desk.post(SALE)
    days = [day for day in range(2, 32) if (day - 1) % 7 not in {5, 6}]
    prices = {day: D(100) + D((day * 7) % 11) - D(day) / 4 for day in days}
    desk.book.ingest_prices(
        [Price("ACME", FIRST.replace(day=day), price, "USD") for day, price in prices.items()],
        "test",
    )
    levels = tuple(
        DatedValue(FIRST.replace(day=day), D(200) + D((day * 5) % 9) + D(day) / 8) for day in days
    )
    desk.provider.fetch = lambda *_: levels  # type: ignore[method-assign]
    return desk


def explained(desk: Desk, **asked: object) -> dict[str, Any]:
    answer = desk.client.get("/explain", params={"user_id": "u1", **asked})  # type: ignore[arg-type]
    assert answer.status_code == 200, (asked, answer.text)
    return answer.json()


def walked(desk: Desk, query: str, **asked: object) -> set[str]:
    answer = desk.get(f"/users/u1/comparative?{JANUARY}{query}")
    answer.pop("portfolios")
    answer.pop("benchmark_data", None)
    answer["benchmark_performance"] = {
        name: value
        for name, value in answer.get("benchmark_performance", {}).items()
        if name not in {"coverage", "parts"}
    }
    found = numbers_of("/users/{user_id}/comparative", answer)
    assert unexplained(found) == []
    met: set[str] = set()
    for field in found:
        if field.figure is None:
            continue
        more = {"security_id": field.path[-1]} if "per_symbol_pnl" in field.path else {}
        told = explained(desk, figure=field.figure, width=1, **DAYS, **asked, **more)
        assert same(field.value, told["value"]), (field.path, field.value, told["value"])
        assert told["agrees"], field.path
        assert told["recomputed"] == told["value"]
        met.add(field.figure)
    return met


def test_every_figure_of_a_comparison_follows_from_its_tree(desk: Desk) -> None:
    met = walked(desk, "&intervals=true")
    assert len(met) > 35


def test_the_answer_in_short_is_explained_by_the_same_figures(desk: Desk) -> None:
    met = walked(desk, "&simple=true")
    assert met >= {"comparison.profit", "comparison.invested", "comparison.symbol_pnl"}


def test_a_blend_is_explained_by_the_levels_of_its_parts(desk: Desk) -> None:
    blend = "60% SPY + 40% AGG"
    asked = {"figure": "comparison.returns_percent", "benchmark": blend, **DAYS}
    answer = desk.client.get("/users/u1/comparative", params={"benchmark": blend, **DAYS}).json()
    told = explained(desk, depth=100, width=1000, **asked)
    assert same(answer["benchmark_performance"]["returns_percent"], told["value"])
    assert told["agrees"]
    (node,) = told["tree"]["children"]
    labels = [table["label"] for table in node["children"]]
    assert labels == ["days of u1", "SPY, day by day", "AGG, day by day"]
    level = node["children"][1]["children"][0]["children"][0]
    assert (level["source"]["kind"], level["source"]["id"]) == ("level", "SPY")


def test_a_return_is_of_levels_that_stand_below_it(desk: Desk) -> None:
    told = explained(desk, figure="comparison.returns_percent", depth=100, width=1000, **DAYS)
    (node,) = told["tree"]["children"]
    levels = [float(row["children"][0]["value"]) for row in node["children"][1]["children"]]
    assert float(told["value"]) == pytest.approx((levels[-1] / levels[0] - 1) * 100, abs=1e-9)


def test_days_without_any_value_are_refused(desk: Desk) -> None:
    asked = {"figure": "comparison.profit", "start_date": "2020-01-01", "end_date": "2020-02-01"}
    answer = desk.client.get("/explain", params={"user_id": "u1", **asked})
    assert answer.status_code in {404, 503}
