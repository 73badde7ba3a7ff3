"""The answer of ``tidebook restatements``: the log of what was written anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.cli.answers import freshness_note, freshness_record, title_of
from tidebook.cli.output import Answer, Column, Record

if TYPE_CHECKING:
    from tidebook.engine.views import RestatementsPage, RestatementView


def restatements_answer(page: RestatementsPage) -> Answer:
    """Return a page of a portfolio's restatements.

    The table shows by how much each figure moved; JSON and CSV say before and after as well.
    """
    records = [_record(view) for view in page.restatements]
    base = page.portfolio.base_currency
    shown = f"{len(records)} of {page.total} restatements, skipping {page.skip}"
    return Answer(
        title_of("restatements", page.portfolio),
        (
            Column("recorded_at", "recorded"),
            Column("what", "what"),
            Column("from_date", "from"),
            Column("reason", "why"),
            Column("causes", "because of"),
            Column("quantity_change", "quantity", "exact"),
            Column("cost_base_change", f"cost {base}", "amount"),
            Column("realised_base_change", f"realised {base}", "amount"),
            Column("value_change", f"value {base}", "amount"),
        ),
        records,
        {
            "portfolio_id": page.portfolio.portfolio_id,
            "base_currency": base,
            "freshness": freshness_record(page.freshness),
            "total": page.total,
            "skip": page.skip,
            "limit": page.limit,
            "restatements": records,
        },
        None,
        (shown, freshness_note(page.freshness)),
    )


def _record(view: RestatementView) -> Record:
    before, after, series = view.before, view.after, view.series
    change = None if before is None or after is None else after.less(before)
    named = (
        f"{cause.kind} {cause.id}" + (f" (version {cause.version})" if cause.version else "")
        for cause in view.causes
    )
    return {
        "recorded_at": view.recorded_at,
        "what": "daily series" if series else view.security_id,
        "security_id": view.security_id,
        "epoch": view.epoch,
        "from_date": view.from_date,
        "to_date": series.to_date if series else None,
        "reason": view.reason,
        "causes": "; ".join(named) or None,
        "entries_closed": view.entries_closed,
        "entries_written": view.entries_written,
        "days": series.days if series else None,
        "quantity_before": before.quantity if before else None,
        "quantity_after": after.quantity if after else None,
        "quantity_change": change.quantity if change else None,
        "cost_base_before": before.cost_base if before else None,
        "cost_base_after": after.cost_base if after else None,
        "cost_base_change": change.cost_base if change else None,
        "realised_base_before": before.realised_base if before else None,
        "realised_base_after": after.realised_base if after else None,
        "realised_base_change": change.realised_base if change else None,
        "value_on": series.value_on if series else None,
        "value_before": series.value_before if series else None,
        "value_after": series.value_after if series else None,
        "value_change": series.value_change if series else None,
    }
