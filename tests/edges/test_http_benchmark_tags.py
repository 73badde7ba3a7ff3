"""Tags of answers beside a benchmark: whether it still holds is known without the answer."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

from tests.edges.memory_book import NOW
from tests.edges.test_http_risk import desk_with, indexed
from tests.unit.cli.memory_book import MemoryBook
from tidebook.api import create_app
from tidebook.engine.benchmark_updates import MemoryBenchmarks
from tidebook.engine.benchmarks import FETCH_AGAIN, Benchmarks, KeptLevels, ReturnBasis
from tidebook.engine.user_desk import user_desk
from tidebook.engine.users import UserPolicy
from tidebook.errors import ProviderError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from datetime import datetime

MONDAY, FRIDAY = date(2025, 3, 10), date(2025, 3, 14)
LEVELS = ("100", "105", "99.75", "104.7375", "99.500625")


class Rig:
    """A portfolio over a week beside SPY, whose levels a provider has, on a clock set by hand."""

    name: str = "daily"
    basis: ReturnBasis = ReturnBasis.TOTAL

    def __init__(self) -> None:
        self.book = indexed(desk_with(), LEVELS).reader
        self.at = NOW
        self.fault = ""
        self.fetched = 0
        self.store = MemoryBenchmarks()
        benchmarks = Benchmarks(self.store, self, self.book, self)
        other = MemoryBook()
        policy = UserPolicy("USD", "America/New_York")
        desk = user_desk(other, self.book, self, str, benchmarks=benchmarks, policy=policy)
        self.client = TestClient(create_app(other, self.book, clock=self, desk=desk))

    def now(self) -> datetime:
        return self.at

    def fetch(self, symbol: str, start: date, end: date) -> tuple[DatedValue, ...]:
        del symbol, start
        self.fetched += 1
        if self.fault:
            raise ProviderError("daily", self.fault)
        days = (MONDAY + timedelta(days=number) for number in range(len(LEVELS)))
        points = zip(days, LEVELS, strict=True)
        return tuple(DatedValue(on, Decimal(level)) for on, level in points if on <= end)

    def ask(self, what: str, named: str, tag: str = "") -> Any:  # noqa: ANN401 - the answer of a client
        period = {"type": "EXPLICIT", "name": "W", "from": "2025-03-11", "to": "2025-03-14"}
        body: dict[str, Any] = {"scope": {"as_of_date": "2025-03-14"}, "periods": [period]}
        if what == "risk":
            body |= {"metrics": ["BETA"], "options": {"benchmark_security_id": named}}
        else:
            body |= {"options": {"by": "ASSET_CLASS"}}
            body["benchmark"] = [{"group": "Equity", "weight": 1, "benchmark": named}]
        headers = {"If-None-Match": tag} if tag else {}
        answer = self.client.post(f"/portfolios/P-1/{what}", json=body, headers=headers)
        assert answer.status_code in {200, 304}, answer.text
        return answer


@pytest.fixture(name="rig")
def opened() -> Rig:
    return Rig()


@pytest.mark.parametrize("named", ["SPY", "INDEX", "60% SPY + 40% INDEX"])
@pytest.mark.parametrize("what", ["risk", "attribution"])
def test_an_answer_beside_a_benchmark_is_not_made_again(rig: Rig, what: str, named: str) -> None:
    rig.ask(what, named)
    tag = rig.ask(what, named).headers["ETag"]
    asked, fetched = len(rig.book.asked), rig.fetched
    again = rig.ask(what, named, tag)
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert (len(rig.book.asked), rig.fetched) == (asked, fetched), "the answer was made"
    rig.book.kept_state = "8.8.5"
    assert rig.ask(what, named, tag).status_code == 200


def test_other_levels_are_another_answer(rig: Rig) -> None:
    rig.ask("risk", "SPY")
    first = rig.ask("risk", "SPY")
    kept = rig.store.levels("SPY")
    assert kept is not None
    rig.at += timedelta(minutes=1)
    lower = tuple(one._replace(value=one.value - 50) for one in kept.points)
    rig.store.replace(kept._replace(fetched_at=rig.at, points=lower))
    second = rig.ask("risk", "SPY", first.headers["ETag"])
    assert second.status_code == 200
    assert second.json()["results"] != first.json()["results"]


def test_an_answer_that_had_to_do_with_fewer_levels_is_not_promised(rig: Rig) -> None:
    """Levels from Tuesday on, where the portfolio begins on Monday, and who has more refuses."""
    tuesday = MONDAY + timedelta(days=1)
    points = tuple(
        DatedValue(MONDAY + timedelta(days=number), Decimal(level))
        for number, level in enumerate(LEVELS)
    )
    short = KeptLevels("SPY", "USD", ReturnBasis.TOTAL, "daily", tuesday, NOW, points[1:])
    rig.store.replace(short)
    rig.fault = "it is out of order"
    told = rig.ask("risk", "SPY")
    assert told.json()["results"]["W"]["n_benchmark"] == 3
    # It says the same as long as nothing comes: the tag is of what it says.
    assert rig.ask("risk", "SPY", told.headers["ETag"]).status_code == 304
    rig.fault, rig.at = "", NOW + FETCH_AGAIN / 2
    whole = rig.ask("risk", "SPY", told.headers["ETag"])
    assert whole.status_code == 200
    assert whole.json()["results"]["W"]["n_benchmark"] == 4
