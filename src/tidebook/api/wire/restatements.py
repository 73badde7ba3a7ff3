"""The shape of the restatement log: what was written anew, because of what, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.api.replies import Json, amount, amount_or_null, day_or_null, instant
from tidebook.api.wire.shapes import freshness_of

if TYPE_CHECKING:
    from tidebook.engine.causes import Amounts, SeriesRestated
    from tidebook.engine.views import RestatementsPage, RestatementView


def restatements_of(page: RestatementsPage) -> Json:
    """Return a page of restatements."""
    return {
        "portfolio_id": page.portfolio.portfolio_id,
        "total": page.total,
        "skip": page.skip,
        "limit": page.limit,
        "restatements": [restatement_of(view) for view in page.restatements],
        "freshness": freshness_of(page.freshness),
    }


def restatement_of(view: RestatementView) -> Json:
    """Return one restatement, of a position or of the daily series."""
    before, after, series = view.before, view.after, view.series
    change = None if before is None or after is None else after.less(before)
    return {
        "scope": "position" if series is None else "series",
        "recorded_at": instant(view.recorded_at),
        "security_id": view.security_id,
        "epoch": view.epoch,
        "from_date": view.from_date.isoformat(),
        "to_date": None if series is None else series.to_date.isoformat(),
        "reason": view.reason,
        "causes": [
            {"kind": cause.kind.value, "id": cause.id, "version": cause.version}
            for cause in view.causes
        ],
        "entries_closed": view.entries_closed,
        "entries_written": view.entries_written,
        "days": None if series is None else series.days,
        "before": None if before is None else _amounts(before),
        "after": None if after is None else _amounts(after),
        "change": None if change is None else _amounts(change),
        "value": None if series is None else _value_moved(series),
    }


def _amounts(amounts: Amounts) -> Json:
    return {
        "quantity": amount(amounts.quantity),
        "cost_basis": amount(amounts.cost_base),
        "realized_gain_loss": amount(amounts.realised_base),
    }


def _value_moved(series: SeriesRestated) -> Json:
    return {
        "date": day_or_null(series.value_on),
        "before": amount_or_null(series.value_before),
        "after": amount_or_null(series.value_after),
        "change": amount_or_null(series.value_change),
    }
