"""The request and the answer of a what-if."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from tidebook.analytics import Undefined
from tidebook.api.replies import Json, amount, amount_or_null, day_or_null
from tidebook.api.rows import kinds as rows
from tidebook.api.rows.bodies import refusal
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire import performance
from tidebook.api.wire.shapes import finding_of
from tidebook.book.gains import TermGains
from tidebook.book.lots import Lot
from tidebook.engine.cancelling import locate
from tidebook.engine.figures import PositionFigures, ValueFigures
from tidebook.engine.hypothesis import Hypothesis
from tidebook.engine.measuring.performance import PeriodReturn
from tidebook.engine.ports import Reader
from tidebook.engine.store import FindingRow
from tidebook.engine.whatif import Change, PortfolioChanges, Preview, Question
from tidebook.model.cancellations import Cancellation
from tidebook.model.money import exact

Fact = TypeVar("Fact")
DOORS = (
    rows.TRANSACTIONS,
    rows.CANCELLATIONS,
    rows.CORPORATE_ACTIONS,
    rows.MARKET_PRICES,
    rows.FX_RATES,
)
"""What may be supposed."""
_FIELDS = (*(door.wrapper for door in DOORS), "as_of", "periods", "preview_hash")
_BODY = Names.of(_FIELDS)

CONVENTIONS: Json = {
    "before": "what the book holds",
    "after": "what it would hold if the facts were sent",
    "gains": "in base currency; short_term and long_term by the portfolio's long_term_months",
    "cash": "in its own currency",
    "returns": "time-weighted, net of fees, in percent",
}


class Supposed(NamedTuple):
    """A request as it was sent; ``preview_hash`` is empty where nothing is to be committed."""

    hypothesis: Hypothesis
    question: Question
    preview_hash: str


def supposed(
    document: Mapping[str, object],
    reader: Reader,
    now: datetime,
    *,
    commits: bool,
    faults: Faults | None = None,
) -> Supposed:
    """Return what a request supposes; names in snake_case or camelCase.

    Args:
        document: The body.
        reader: Where the portfolio of a cancelled transaction is looked up.
        now: When it was sent.
        commits: Whether a preview hash is needed.
        faults: What was found wrong with other parts of the request; none if absent.

    Raises:
        InvalidRequestError: With every fault of the request.
    """
    faults = Faults() if faults is None else faults
    body = RowReader(document, _BODY, pointer="", faults=faults, now=now)
    if not any(body.has(door.wrapper) for door in DOORS) and not faults.count:
        names = ", ".join(door.wrapper for door in DOORS)
        faults.add("", "what-if.empty", f"nothing is supposed; send at least one of {names}")
    hypothesis = Hypothesis(
        transactions=_facts(body, rows.TRANSACTIONS, faults, now),
        cancellations=_located(reader, _facts(body, rows.CANCELLATIONS, faults, now), faults),
        actions=_facts(body, rows.CORPORATE_ACTIONS, faults, now),
        prices=_facts(body, rows.MARKET_PRICES, faults, now),
        rates=_facts(body, rows.FX_RATES, faults, now),
    )
    periods = performance.periods_of(body, faults, now) if body.has("periods") else ()
    as_of, presented = body.optional_day("as_of"), body.text("preview_hash")
    if commits and not presented and body.is_sound("preview_hash"):
        body.fault(
            "preview_hash",
            "field.missing",
            "it names the preview that is committed; send the one that POST .../what-if answered",
        )
    if faults.count:
        raise refusal(faults)
    return Supposed(hypothesis, Question(as_of, periods), presented)


def _facts(
    body: RowReader, door: rows.Door[Fact], faults: Faults, now: datetime
) -> tuple[Fact, ...]:
    name = door.wrapper
    if not body.has(name):
        return ()
    read = (
        rows.read_row(door, row, now, pointer=f"/{name}/{index}", faults=faults)
        for index, row in enumerate(body.rows(name))
    )
    return tuple(fact for fact in read if fact is not None)


def _located(
    reader: Reader, sent: Sequence[Cancellation], faults: Faults
) -> tuple[Cancellation, ...]:
    """Return cancellations, each transaction's with its portfolio."""
    located = locate(reader, sent)
    for place in located.unknown:
        faults.add(
            f"/{rows.CANCELLATIONS.wrapper}/{place}/transaction_id",
            "transaction.unknown",
            "the book knows no transaction of this id, so it cannot be cancelled; correct the id",
        )
    return located.cancellations


def preview_json(preview: Preview) -> Json:
    """Return the answer of POST /portfolios/{id}/what-if."""
    asked, *others = preview.portfolios
    return {
        **_changes(asked),
        "facts": [
            {"kind": one.kind.value, "id": one.fact_id, "status": one.novelty.value}
            for one in preview.sent
        ],
        "related": [_changes(other) for other in others],
        "findings_elsewhere": [finding_of(finding) for finding in preview.elsewhere],
        "rests_on": [
            {
                "portfolio_id": identity,
                "generation": standing.generation,
                "valuation_version": standing.valuation_version,
                "status": "REPROCESSING"
                if standing.is_folding or standing.series_from is not None
                else "CURRENT",
            }
            for identity, standing in sorted(preview.standings.items())
        ],
        "preview_hash": preview.preview_hash,
        "conventions": CONVENTIONS,
    }


def _changes(changes: PortfolioChanges) -> Json:
    return {
        "portfolio_id": changes.portfolio.portfolio_id,
        "base_currency": changes.portfolio.base_currency,
        "as_of": day_or_null(changes.as_of),
        "changes_anything": not changes.is_empty,
        "positions": [
            {
                "security_id": security_id,
                "before": _position(change.before),
                "after": _position(change.after),
            }
            for security_id, change in changes.positions.items()
        ],
        "lots": [
            {
                "security_id": security_id,
                "lot_id": lot_id,
                "change": what.value,
                "before": _lot(change.before),
                "after": _lot(change.after),
            }
            for (security_id, lot_id), (what, change) in changes.lots.items()
        ],
        "realized_gains": [
            {"security_id": security_id, "before": _gains(was), "after": _gains(then)}
            for security_id, (was, then) in changes.gains.items()
        ],
        "cash": [
            {"currency": currency, **_amounts(change)} for currency, change in changes.cash.items()
        ],
        "income": None if changes.income is None else _amounts(changes.income),
        "costs": None if changes.costs is None else _amounts(changes.costs),
        "market_value": None if changes.value is None else _value(changes.value),
        "returns": [_returns(change) for change in changes.returns],
        "findings_arising": [_finding(row) for row in changes.findings_arising],
        "findings_resolved": [_finding(row) for row in changes.findings_resolved],
    }


def _position(position: PositionFigures | None) -> Json | None:
    if position is None:
        return None
    return {
        "quantity": amount(position.quantity),
        "cost_basis": amount(position.cost_base),
        "cost_basis_local": amount(position.cost_local),
        "market_value": amount_or_null(position.market_value_base),
        "unrealized_gain_loss": amount_or_null(position.unrealised_base),
        "reason": position.reason,
    }


def _lot(lot: Lot | None) -> Json | None:
    if lot is None:
        return None
    return {
        "opened_on": lot.opened_on.isoformat(),
        "quantity": amount(lot.quantity),
        "cost_basis": amount(lot.cost_base),
        "cost_basis_local": amount(lot.cost_local),
    }


def _gains(gains: TermGains) -> Json:
    return {name: amount(value) for name, value in gains._asdict().items()}


def _amounts(change: Change[Decimal]) -> Json:
    with exact():
        difference = change.after - change.before
    return {
        "before": amount(change.before),
        "after": amount(change.after),
        "change": amount(difference),
    }


def _value(change: Change[ValueFigures]) -> Json:
    before, after = change
    return {
        **_amounts(Change(before.market_value_base, after.market_value_base)),
        "coverage": {
            "before": amount_or_null(before.coverage),
            "after": amount_or_null(after.coverage),
        },
        "unvalued": {"before": dict(before.reasons), "after": dict(after.reasons)},
    }


def _returns(change: Change[PeriodReturn]) -> Json:
    return {
        "period": change.after.name,
        "before": _return(change.before),
        "after": _return(change.after),
    }


def _return(period: PeriodReturn) -> Json:
    figure = period.cumulative
    return {
        "start_date": day_or_null(period.start),
        "end_date": period.end.isoformat(),
        "cumulative_return": performance.percent(figure),
        "coverage": amount_or_null(period.coverage_min),
        "reason": figure.sentence if isinstance(figure, Undefined) else None,
    }


def _finding(row: FindingRow) -> Json:
    return {
        **finding_of(row.finding),
        "portfolio_id": row.portfolio_id,
        "security_id": row.security_id,
        "business_date": row.business_date.isoformat(),
    }
