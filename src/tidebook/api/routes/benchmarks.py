"""The routes of benchmarks: fetch them anew, and tell what is kept and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import EdgeHere, today
from tidebook.api.replies import Json, instant, instant_or_null, reply
from tidebook.engine.benchmarks import LISTED

if TYPE_CHECKING:
    from datetime import date

    from tidebook.engine.benchmarks import KeptState, Update

router = APIRouter(tags=["benchmarks"])

_ACCEPTED = 202
STALE_DAYS = 5
"""From how many days after its last level on a benchmark is told as stale."""


@router.post("/benchmarks/update", **samples.benchmark_update())
def update_benchmarks(edge: EdgeHere) -> Response:
    """Start to fetch every listed benchmark anew; while one update runs no second one starts."""
    update, is_new = edge.desk.updates.start()
    message = (
        f"The levels of {len(LISTED)} benchmarks are being fetched."
        if is_new
        else "An update is running already; it is the one that is told."
    )
    answer: Json = {"status": "accepted", "message": message, "update": _update_of(update)}
    return reply(answer, _ACCEPTED)


@router.get("/benchmarks/updates/{update_id}", **samples.answer("benchmark_updated"))
def benchmark_update(edge: EdgeHere, update_id: str) -> Response:
    """Tell how far an update of benchmarks has come, or how it ended."""
    return reply(_update_of(edge.desk.updates.of(update_id)))


@router.get("/benchmarks", **samples.answer("benchmarks"))
def benchmarks(edge: EdgeHere) -> Response:
    """List the benchmarks: what is kept of each, from whom, and how old it is."""
    desk, day = edge.desk, today(edge)
    kept = {state.symbol: state for state in desk.benchmarks.store.states()}
    last = desk.updates.last()
    return reply(
        {
            "provider": desk.benchmarks.provider.name,
            "stale_days": STALE_DAYS,
            "benchmarks": [_benchmark(symbol, kept.get(symbol), day) for symbol in LISTED],
            "last_update": None if last is None else _update_of(last),
        }
    )


def _benchmark(symbol: str, kept: KeptState | None, day: date) -> Json:
    listed = LISTED[symbol]
    if kept is None:
        names = "return_basis provider first_date last_date levels fetched_at age_days"
        nothing = Json((name, None) for name in names.split())
        head: Json = {"symbol": symbol, "name": listed.name, "currency": listed.currency}
        return head | nothing | {"levels": 0, "status": "missing"}
    age = (day - kept.last_on).days
    return {
        "symbol": symbol,
        "name": listed.name,
        "currency": kept.currency,
        "return_basis": kept.basis.value,
        "provider": kept.provider,
        "first_date": kept.first_on.isoformat(),
        "last_date": kept.last_on.isoformat(),
        "levels": kept.level_count,
        "fetched_at": instant(kept.fetched_at),
        "age_days": age,
        "status": "stale" if age > STALE_DAYS else "current",
    }


def _update_of(update: Update) -> Json:
    return {
        "update_id": update.update_id,
        "status": update.status.value,
        "started_at": instant(update.started_at),
        "ended_at": instant_or_null(update.ended_at),
        "outcomes": [
            {
                "symbol": one.symbol,
                "last_date": None if one.last_on is None else one.last_on.isoformat(),
                "error": one.error,
            }
            for one in update.outcomes
        ],
    }
