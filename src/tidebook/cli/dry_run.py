"""What ``--dry-run`` shows: what facts would change in each portfolio, had they been sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.model.money import ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tidebook.cli.output import Record
    from tidebook.engine.hypothesis import Hypothesis
    from tidebook.engine.ports import Reader
    from tidebook.engine.whatif import PortfolioChanges

PORTFOLIOS_AT_ONCE: Final = 50
"""How many portfolios are looked at together; those related to them come along."""


def changes(reader: Reader, hypothesis: Hypothesis) -> list[PortfolioChanges]:
    """Return what facts would change, for each portfolio in which anything would, by id."""
    from tidebook.engine.whatif import Question, compared, query_of

    pending = reader.concerned(hypothesis)
    found: dict[str, PortfolioChanges] = {}
    while pending:
        taken, pending = pending[:PORTFOLIOS_AT_ONCE], pending[PORTFOLIOS_AT_ONCE:]
        given = reader.book_facts(query_of(taken, hypothesis))
        for one in compared(given, hypothesis, Question()).portfolios:
            if not one.is_empty:
                found[one.portfolio.portfolio_id] = one
        done = given.facts.portfolios.keys()
        pending = tuple(identity for identity in pending if identity not in done)
    return [found[identity] for identity in sorted(found)]


def change_record(one: PortfolioChanges) -> Record:
    """Return one portfolio's changes in a row."""
    with exact():
        value = (
            ZERO
            if one.value is None
            else (one.value.after.market_value_base - one.value.before.market_value_base)
        )
        realised = sum(
            (change.after.realised - change.before.realised for change in one.gains.values()), ZERO
        )
    return {
        "portfolio_id": one.portfolio.portfolio_id,
        "as_of": one.as_of,
        "positions": len(one.positions),
        "lots": len(one.lots),
        "market_value_base": None if one.value is None else value,
        "realised_base": realised,
        "base_currency": one.portfolio.base_currency,
        "findings_arising": len(one.findings_arising),
        "findings_resolved": len(one.findings_resolved),
    }


def detail_records(found: Iterable[PortfolioChanges]) -> list[Record]:
    """Return every position that would be another, row by row."""
    rows: list[Record] = []
    for one in found:
        for security_id, (before, after) in one.positions.items():
            rows.append(
                {
                    "portfolio_id": one.portfolio.portfolio_id,
                    "security_id": security_id,
                    "quantity_before": ZERO if before is None else before.quantity,
                    "quantity_after": ZERO if after is None else after.quantity,
                    "cost_base_before": ZERO if before is None else before.cost_base,
                    "cost_base_after": ZERO if after is None else after.cost_base,
                    "value_base_before": ZERO if before is None else before.market_value_base,
                    "value_base_after": ZERO if after is None else after.market_value_base,
                }
            )
    return rows


def hypothesis_of(by_kind: Iterable[tuple[str, Sequence[object]]]) -> Hypothesis:
    """Return the facts of files as one hypothesis; kinds are those of the files."""
    from tidebook.engine.hypothesis import Hypothesis

    fields = {
        "portfolios": "portfolios",
        "instruments": "instruments",
        "transactions": "transactions",
        "prices": "prices",
        "rates": "rates",
        "corporate-actions": "actions",
        "cancellations": "cancellations",
    }
    facts: dict[str, tuple[object, ...]] = {}
    for kind, given in by_kind:
        name = fields[kind]
        facts[name] = (*facts.get(name, ()), *given)
    return Hypothesis()._replace(**facts)
