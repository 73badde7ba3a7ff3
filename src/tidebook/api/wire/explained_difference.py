"""The request and the answer of a what-if's explanation: one figure in two books."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from tidebook.analytics import FeeBasis
from tidebook.api.replies import Json
from tidebook.api.routes import explaining
from tidebook.api.rows.faults import Faults
from tidebook.api.rows.reader import Names, RowReader
from tidebook.api.wire import what_if as what_if_wire
from tidebook.book.holding_periods import Term
from tidebook.book.postings import Leg
from tidebook.engine.explaining import (
    Differing,
    Explanation,
    FigureReader,
    Limits,
    Question,
    shown,
    value_text,
)
from tidebook.engine.hypothesis import Hypothesis
from tidebook.engine.ports import Reader
from tidebook.model.money import decimal_text
from tidebook.model.periods import period_named

_ASKED: Final = (
    "figure",
    "security_id",
    "lot_id",
    "transaction_id",
    "leg",
    "period",
    "net_or_gross",
    "term",
    "depth",
    "width",
)
_BODY: Final = Names.of(_ASKED)


class Asked(NamedTuple):
    """Which figure, with which facts supposed, and how much of its trees is shown."""

    question: Question
    hypothesis: Hypothesis
    limits: Limits


def asked(
    document: Mapping[str, object], reader: Reader, portfolio_id: str, now: datetime
) -> Asked:
    """Return a request: the body of a what-if, and the terms of a figure beside it.

    Raises:
        InvalidRequestError: With every fault of the request.
        InvalidPeriodError: If there is no such period.
    """
    faults = Faults()
    own = {name: value for name, value in document.items() if name in _BODY.spellings}
    rest = {name: value for name, value in document.items() if name not in _BODY.spellings}
    body = RowReader(own, _BODY, pointer="", faults=faults, now=now)
    period = body.optional_text("period")
    question = Question(
        body.identifier("figure"),
        portfolio_id,
        body.optional_text("security_id"),
        body.optional_text("lot_id"),
        body.optional_text("transaction_id"),
        body.choice("leg", Leg, Leg.MAIN).value if body.has("leg") else None,
        period=None if period is None else period_named(period),
        basis=body.choice("net_or_gross", FeeBasis, FeeBasis.NET),
        term=body.choice("term", Term, Term.SHORT) if body.has("term") else None,
    )
    limits = Limits(
        body.whole("depth", default=12, most=explaining.DEPTH_MAX),
        body.whole("width", default=50, most=explaining.WIDTH_MAX),
    )
    for name in ("depth", "width"):
        if not limits._asdict()[name] and body.is_sound(name):
            body.fault(name, "number.not-positive", "it is 0, which shows nothing; send 1 or more")
    supposed = what_if_wire.supposed(rest, reader, now, commits=False, faults=faults)
    as_of = supposed.question.as_of
    return Asked(question._replace(as_of=as_of), supposed.hypothesis, limits)


def document_of(found: Differing, reader: Reader, limits: Limits) -> Json:
    """Return a figure in both books, each with its tree, and what lies between them."""
    change = found.change
    value = None if change is None or change.value is None else decimal_text(change.value)
    return {
        "figure": found.figure.full_name,
        "definition": found.figure.definition,
        "portfolio_id": found.question.portfolio_id,
        "security_id": found.question.security_id,
        "change": value,
        "reason": found.reason,
        "agrees": found.agrees,
        "before": _side(found.before, reader, limits),
        "after": _side(found.after, found.supposed, limits),
        "preview_hash": found.preview_hash,
    }


def _side(side: Explanation | None, reader: FigureReader, limits: Limits) -> Json | None:
    if side is None:
        return None
    tree = shown(reader, side, limits)
    return {
        "value": tree.value,
        "unit": tree.unit,
        "recomputed": value_text(side.recomputed),
        "agrees": not side.disagreements,
        "unvalued": list(side.unvalued),
        "tree": explaining.tree_of(tree),
    }
