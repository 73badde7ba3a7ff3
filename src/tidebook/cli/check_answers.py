"""The answers of ``tidebook reconcile`` and ``tidebook health``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tidebook.book.checks.health_facts import CheckSeverity
from tidebook.book.checks.reconcile import Verdict
from tidebook.cli.answers import freshness_note, freshness_record, title_of
from tidebook.cli.output import Answer, Column
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tidebook.book.checks.health_facts import CheckResult
    from tidebook.book.checks.reconcile import Divergence, Outcome
    from tidebook.cli.output import Record
    from tidebook.engine.views import HealthSummaryView, HealthView, ReconciliationView


def reconciliation_answer(view: ReconciliationView) -> Answer:
    """Return each assertion beside the book, and below them where the two part and why."""
    found = view.found
    records = [_outcome(one) for one in found.outcomes]
    first = found.first_divergence
    return Answer(
        title_of("reconciliation", view.portfolio),
        (
            Column("assertion_date", "date"),
            Column("security_id", "security"),
            Column("quantity", "stated", "exact"),
            Column("booked", "booked", "exact"),
            Column("difference", "difference", "exact"),
            Column("tolerance", "tolerance", "exact"),
            Column("verdict", "verdict"),
            Column("source", "source"),
            Column("remark", "remark"),
        ),
        records,
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "agrees": not found.differing if records else None,
            "compared": len(records),
            "differing": found.differing,
            "first_divergence": None
            if first is None
            else {"security_id": first.security_id, "after": first.after, "by": first.by},
            "outcomes": records,
            "divergences": [_divergence(one) for one in found.divergences],
            "unstated": [one._asdict() for one in found.unstated],
            "waiting": found.waiting,
            "elsewhere": view.elsewhere,
            "freshness": freshness_record(view.freshness),
        },
        None,
        (*_notes(view), freshness_note(view.freshness)),
    )


def _outcome(outcome: Outcome) -> Record:
    assertion = outcome.assertion
    return {
        "assertion_id": assertion.assertion_id,
        "assertion_date": assertion.on,
        "security_id": outcome.security_id,
        "quantity": assertion.quantity,
        "booked": outcome.booked,
        "difference": outcome.difference,
        "tolerance": assertion.tolerance,
        "verdict": outcome.verdict.value,
        "source": assertion.source or None,
        "remark": outcome.remark,
    }


def _divergence(divergence: Divergence) -> dict[str, object]:
    return {
        **divergence._asdict(),
        "movements": [move._asdict() for move in divergence.movements],
        "candidates": [one._asdict() for one in divergence.candidates],
    }


def _notes(view: ReconciliationView) -> Iterator[str]:
    found = view.found
    agreeing = sum(one.verdict is Verdict.AGREES for one in found.outcomes)
    yield f"{len(found.outcomes)} compared: {agreeing} agree, {found.differing} differ"
    for one in found.divergences:
        days = f"by {one.by}" if one.after is None else f"after {one.after}, by {one.by}"
        count = len(one.movements)
        yield (
            f"{one.security_id} parts {days}: {decimal_text(one.change)}, with {count} "
            f"booked movement{'' if count == 1 else 's'} in between"
        )
        for cause in one.candidates:
            yield f"  {cause.code}: {cause.sentence}"
            yield f"    remedy: {cause.remedy}"
    for one in found.unstated:
        yield (
            f"{one.security_id}: {decimal_text(one.quantity)} held on {one.on}, and no assertion "
            "speaks of it"
        )
    if found.waiting:
        yield f"{found.waiting} transactions wait and are not in the book; see tidebook findings"
    if view.elsewhere:
        yield f"{view.elsewhere} assertions speak of other portfolios and were left out"


def health_answer(view: HealthView, stale_days: int) -> Answer:
    """Return the results of one portfolio, most money at stake first."""
    base = view.portfolio.base_currency
    records = [_result(one) for one in view.results]
    return Answer(
        title_of("data health", view.portfolio),
        (
            Column("severity", "severity"),
            Column("code", "code"),
            Column("subject", "subject"),
            Column("since", "since"),
            Column("at_stake", f"at stake {base}", "amount"),
            Column("sentence", "what"),
            Column("remedy", "remedy"),
        ),
        records,
        {
            "portfolio_id": view.portfolio.portfolio_id,
            "base_currency": base,
            "stale_days": stale_days,
            "counts": _counts(view.results),
            "results": records,
            "freshness": freshness_record(view.freshness),
        },
        None,
        (
            _counted(view.results),
            *dict.fromkeys(f"not measured: {one['reason']}" for one in records if one["reason"]),
            freshness_note(view.freshness),
        ),
    )


def _result(result: CheckResult) -> Record:
    known = result.at_stake is not None
    return {
        "severity": result.severity.value,
        "code": result.code,
        "subject": result.subject,
        "since": result.since,
        "at_stake": result.at_stake,
        "basis": result.basis if known else None,
        "reason": None if known else result.basis,
        "sentence": result.sentence,
        "remedy": result.remedy,
    }


def health_summary_answer(view: HealthSummaryView, skip: int) -> Answer:
    """Return one line per portfolio, by id."""
    records = [_summary(one) for one in view.portfolios]
    shown = f"{len(records)} of {view.total} portfolios, skipping {skip}"
    unassigned = tuple(
        f"{count} transactions wait for portfolio {portfolio_id}, which nobody introduced"
        for portfolio_id, count in view.unassigned
    )
    left_out = tuple(
        f"{code} was not looked for: too many securities are held for one look"
        for code in view.left_out
    )
    return Answer(
        "data health",
        (
            Column("portfolio_id", "portfolio"),
            Column("errors", "errors", "exact"),
            Column("warnings", "warnings", "exact"),
            Column("notices", "notices", "exact"),
            Column("at_stake_max", "largest at stake", "amount"),
            Column("base_currency", ""),
            Column("unmeasured", "not measured", "exact"),
            Column("as_of", "as of"),
            Column("status", "status"),
        ),
        records,
        {
            "total": view.total,
            "skip": skip,
            "portfolios": records,
            "unassigned": [
                {"portfolio_id": portfolio_id, "waiting": count}
                for portfolio_id, count in view.unassigned
            ],
            "left_out": list(view.left_out),
        },
        None,
        (shown, *unassigned, *left_out),
    )


def _summary(view: HealthView) -> Record:
    counted = _counts(view.results)
    stakes = [one.at_stake for one in view.results if one.at_stake is not None]
    return {
        "portfolio_id": view.portfolio.portfolio_id,
        "base_currency": view.portfolio.base_currency,
        "errors": counted["error"],
        "warnings": counted["warning"],
        "notices": counted["notice"],
        "at_stake_max": max(stakes, default=None),
        "unmeasured": len(view.results) - len(stakes),
        "as_of": view.freshness.as_of,
        "status": view.freshness.status,
    }


def _counts(results: Sequence[CheckResult]) -> dict[str, int]:
    counted = Counter(result.severity for result in results)
    return {severity.value: counted[severity] for severity in CheckSeverity}


def _counted(results: Sequence[CheckResult]) -> str:
    return ", ".join(f"{name}s: {count}" for name, count in _counts(results).items())
