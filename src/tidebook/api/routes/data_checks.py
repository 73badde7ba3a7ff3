"""The routes that hold the book against others: reconciliation, and the health of its data."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tidebook.api import samples
from tidebook.api.edge import Day, EdgeHere, Instant, today
from tidebook.api.replies import Json, amount, amount_or_null, day_or_null, reply
from tidebook.api.wire.shapes import freshness_of
from tidebook.book.checks.health_facts import STALE_DAYS, CheckSeverity
from tidebook.engine.ports import HEALTH_MAX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.book.checks.health_facts import CheckResult
    from tidebook.book.checks.reconcile import Divergence, Outcome
    from tidebook.engine.views import HealthView, ReconciliationView

router = APIRouter(tags=["checks"])

OUTCOMES_MAX = 1000
DIVERGENCES_MAX = 200
MOVEMENTS_MAX = 100

StaleDays = Annotated[int, Query(ge=0, le=10_000)]


@router.get("/portfolios/{portfolio_id:path}/reconciliation", **samples.answer("reconciliation"))
def reconciliation(
    edge: EdgeHere,
    portfolio_id: str,
    *,
    as_of: Day = None,
    known_at: Instant = None,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=OUTCOMES_MAX)] = OUTCOMES_MAX,
) -> Response:
    """Compare a portfolio's book with the balance assertions about it."""
    view = edge.reader.reconciliation(portfolio_id, as_of=as_of, known_at=known_at)
    return reply(reconciliation_of(view, skip=skip, limit=limit))


@router.get("/portfolios/{portfolio_id:path}/health", **samples.answer("health"))
def health(
    edge: EdgeHere,
    portfolio_id: str,
    *,
    as_of: Day = None,
    known_at: Instant = None,
    stale_days: StaleDays = STALE_DAYS,
) -> Response:
    """Tell what is missing, old or unlikely in the data of a portfolio, most money first."""
    view = edge.reader.health(
        portfolio_id,
        as_of=as_of,
        known_at=known_at,
        today=today(edge) if as_of is None and known_at is None else None,
        stale_days=stale_days,
    )
    return reply(
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "base_currency": view.portfolio.base_currency,
            "stale_days": stale_days,
            "counts": _counts(view.results),
            "results": [result_of(result) for result in view.results],
            "freshness": freshness_of(view.freshness),
        }
    )


@router.get("/health/data", **samples.answer("health_data"))
def health_of_data(
    edge: EdgeHere,
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = HEALTH_MAX,
    stale_days: StaleDays = STALE_DAYS,
) -> Response:
    """Sum up the same for portfolios by id, and count what belongs to no known portfolio."""
    view = edge.reader.health_summary(
        skip=skip, limit=limit, today=today(edge), stale_days=stale_days
    )
    return reply(
        {
            "total": view.total,
            "skip": skip,
            "limit": limit,
            "stale_days": stale_days,
            "portfolios": [_summary(one) for one in view.portfolios],
            "unassigned": [
                {"portfolio_id": portfolio_id, "waiting": count}
                for portfolio_id, count in view.unassigned
            ],
            "left_out": list(view.left_out),
        }
    )


def reconciliation_of(view: ReconciliationView, *, skip: int, limit: int) -> Json:
    """Return a reconciliation; ``agrees`` is null, with a reason, when nothing was compared."""
    found = view.found
    first = found.first_divergence
    compared = bool(found.outcomes)
    nothing = "no assertion speaks of this portfolio up to the day asked for"
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "agrees": not found.differing if compared else None,
        "reason": None if compared else nothing,
        "compared": len(found.outcomes),
        "differing": found.differing,
        "first_divergence": None
        if first is None
        else {
            "security_id": first.security_id,
            "after": day_or_null(first.after),
            "by": first.by.isoformat(),
        },
        "divergences": [_divergence(one) for one in found.divergences[:DIVERGENCES_MAX]],
        "divergences_count": len(found.divergences),
        "outcomes": [_outcome(one) for one in found.outcomes[skip : skip + limit]],
        "unstated": [
            {
                "security_id": one.security_id,
                "on": one.on.isoformat(),
                "quantity": amount(one.quantity),
            }
            for one in found.unstated
        ],
        "waiting": found.waiting,
        "freshness": freshness_of(view.freshness),
    }


def _outcome(outcome: Outcome) -> Json:
    assertion = outcome.assertion
    return {
        "assertion_id": assertion.assertion_id,
        "security_id": outcome.security_id,
        "assertion_date": assertion.on.isoformat(),
        "quantity": amount(assertion.quantity),
        "booked": amount(outcome.booked),
        "difference": amount(outcome.difference),
        "tolerance": amount(assertion.tolerance),
        "verdict": outcome.verdict.value,
        "source": assertion.source,
        "note": assertion.note,
        "remark": outcome.remark,
    }


def _divergence(divergence: Divergence) -> Json:
    return {
        "security_id": divergence.security_id,
        "after": day_or_null(divergence.after),
        "by": divergence.by.isoformat(),
        "agreed_before": divergence.agreed_before,
        "difference": amount(divergence.difference),
        "change": amount(divergence.change),
        "movements": [
            {
                "transaction_id": move.transaction_id,
                "transaction_type": move.type,
                "business_date": move.on.isoformat(),
                "quantity": amount(move.quantity),
                "settlement_date": day_or_null(move.settles_on),
            }
            for move in divergence.movements[:MOVEMENTS_MAX]
        ],
        "movements_count": len(divergence.movements),
        "candidates": [
            {
                "code": one.code,
                "ids": list(one.ids),
                "sentence": one.sentence,
                "remedy": one.remedy,
            }
            for one in divergence.candidates
        ],
    }


def result_of(result: CheckResult) -> Json:
    """Return one result; where no money can be named, ``reason`` says why."""
    known = result.at_stake is not None
    return {
        "code": result.code,
        "severity": result.severity.value,
        "subject": result.subject,
        "since": day_or_null(result.since),
        "at_stake": amount_or_null(result.at_stake),
        "basis": result.basis if known else None,
        "reason": None if known else result.basis,
        "sentence": result.sentence,
        "remedy": result.remedy,
    }


def _summary(view: HealthView) -> Json:
    stakes = [one.at_stake for one in view.results if one.at_stake is not None]
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "base_currency": view.portfolio.base_currency,
        "counts": _counts(view.results),
        "codes": dict(sorted(Counter(one.code for one in view.results).items())),
        "at_stake_max": amount_or_null(max(stakes, default=None)),
        "unmeasured": len(view.results) - len(stakes),
        "freshness": freshness_of(view.freshness),
    }


def _counts(results: Sequence[CheckResult]) -> Json:
    counted = Counter(result.severity for result in results)
    return {severity.value: counted[severity] for severity in CheckSeverity}
