"""What ``--dry-run`` shows: what facts would change in each portfolio, had they been sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.cli.doors import Invocation
    from tidebook.cli.output import Answer
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.ports import Reader
    from tidebook.engine.store import FindingRow
    from tidebook.engine.whatif import Change, PortfolioChanges
    from tidebook.model.cancellations import Cancellation

NOT_ASKED: Final = (
    "what would change was not looked at: the book is the server's, and the rows alone were "
    "checked; POST /portfolios/{id}/what-if tells"
)
"""Why a dry run over ``--url`` shows no changes."""
PORTFOLIOS_AT_ONCE: Final = 50
"""How many portfolios are looked at together; those related to them come along."""


def changes_of(
    invocation: Invocation, facts: Iterable[tuple[str, Sequence[object]]]
) -> list[PortfolioChanges] | None:
    """Return what facts would change in the local store, by portfolio; kinds are those of files.

    None where a server holds the book.
    """
    if invocation.url is not None:
        return None
    given = list(facts)
    if not any(rows for _, rows in given):
        return []
    with invocation.opened(run=False) as system:
        return changes(system.reader, hypothesis_of(system.reader, given))


def changes(reader: Reader, hypothesis: Hypothesis) -> list[PortfolioChanges]:
    """Return what facts would change, for each portfolio in which anything would, by id."""
    from tidebook.engine.whatif import Question, compared, query_of

    pending: tuple[str, ...] = reader.concerned(hypothesis)
    found: dict[str, PortfolioChanges] = {}
    while pending:
        taken, pending = pending[:PORTFOLIOS_AT_ONCE], pending[PORTFOLIOS_AT_ONCE:]
        given = reader.book_facts(query_of(taken, hypothesis))
        for one in compared(given, hypothesis, Question()).portfolios:
            if not one.is_empty:
                found[one.portfolio.portfolio_id] = one
        done = set(given.facts.portfolios)
        pending = tuple(identity for identity in pending if identity not in done)
    return [found[identity] for identity in sorted(found)]


def with_changes(answer: Answer, found: Sequence[PortfolioChanges] | None) -> Answer:
    """Return an answer that tells besides what would change, or that it was not looked at."""
    if found is None:
        untold = {"changes": None, "changes_reason": NOT_ASKED}
        return answer._replace(
            document={**answer.document, **untold}, notes=(*answer.notes, NOT_ASKED)
        )
    said = [change_line(one) for one in found] or ["nothing would change in any portfolio"]
    return answer._replace(
        document={**answer.document, "changes": [change_document(one) for one in found]},
        notes=(*answer.notes, *said),
    )


def change_line(one: PortfolioChanges) -> str:
    """Return one portfolio's changes as a line."""
    base = one.portfolio.base_currency
    value = (
        _change(one.value.before.market_value_base, one.value.after.market_value_base)
        if (one.value is not None)
        else ZERO
    )
    counted = (
        (len(one.positions), "positions"),
        (len(one.lots), "lots"),
        (len(one.findings_arising), "findings more"),
        (len(one.findings_resolved), "findings less"),
    )
    told = ", ".join(f"{count} {what}" for count, what in counted if count)
    return (
        f"{one.portfolio.portfolio_id} as of {one.as_of or 'no day'}: {told or 'no position'}; "
        f"value {decimal_text(value)} {base}, realised {decimal_text(_realised(one))} {base}"
    )


def change_document(one: PortfolioChanges) -> Mapping[str, object]:
    """Return one portfolio's changes as data: every position and lot, value, gains, findings."""
    return {
        "portfolio_id": one.portfolio.portfolio_id,
        "base_currency": one.portfolio.base_currency,
        "as_of": one.as_of,
        "positions": [
            {"security_id": security_id, **_sides(change)}
            for security_id, change in one.positions.items()
        ],
        "lots": [
            {"security_id": security_id, "lot_id": lot_id, "change": str(what), **_sides(change)}
            for (security_id, lot_id), (what, change) in one.lots.items()
        ],
        "realised": [
            {"security_id": security_id, **_sides(change)}
            for security_id, change in one.gains.items()
        ],
        "cash": [
            {"currency": currency, "before": change.before, "after": change.after}
            for currency, change in one.cash.items()
        ],
        "market_value_base": None
        if one.value is None
        else {
            "before": one.value.before.market_value_base,
            "after": one.value.after.market_value_base,
        },
        "findings_arising": [_finding(row) for row in one.findings_arising],
        "findings_resolved": [_finding(row) for row in one.findings_resolved],
    }


def _sides(change: Change[Any]) -> dict[str, object]:
    return {
        "before": None if change.before is None else change.before._asdict(),
        "after": None if change.after is None else change.after._asdict(),
    }


def _finding(row: FindingRow) -> dict[str, object]:
    finding = row.finding
    return {
        "transaction_id": finding.transaction_id,
        "severity": str(finding.severity),
        "code": finding.code,
        "sentence": finding.sentence,
        "remedy": finding.remedy,
        "security_id": row.security_id,
        "business_date": row.business_date,
    }


def _change(before: Decimal, after: Decimal) -> Decimal:
    with exact():
        return after - before


def _realised(one: PortfolioChanges) -> Decimal:
    with exact():
        return sum(
            (change.after.realised - change.before.realised for change in one.gains.values()), ZERO
        )


_FIELDS: Final = {
    "portfolios": "portfolios",
    "instruments": "instruments",
    "transactions": "transactions",
    "prices": "prices",
    "rates": "rates",
    "corporate-actions": "actions",
}


def hypothesis_of(reader: Reader, facts: Iterable[tuple[str, Sequence[object]]]) -> Hypothesis:
    """Return the facts of files as one hypothesis; cancellations find their portfolios.

    What others say is held (balance assertions) changes nothing in the book and is left out.
    """
    from tidebook.engine.cancelling import locate
    from tidebook.engine.hypothesis import Hypothesis

    found: dict[str, tuple[object, ...]] = {}
    cancelled: list[Cancellation] = []
    for kind, given in facts:
        if kind == "cancellations":
            cancelled += cast("Sequence[Cancellation]", given)
        elif (name := _FIELDS.get(kind)) is not None:
            found[name] = (*found.get(name, ()), *given)
    located = locate(reader, cancelled).cancellations
    return Hypothesis(cancellations=located)._replace(**found)
