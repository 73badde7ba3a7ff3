"""The days of a named period."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.tolerance import assert_known
from tidebook.model.periods import PeriodRequest, PeriodType, Span, resolve

if TYPE_CHECKING:
    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Resolve the period as of the case's day."""
    inputs, expected = case["inputs"], case["expected"]
    assert_known(expected, {"start", "end"})
    request = PeriodRequest(
        PeriodType.parse(inputs["type"]),
        start=_day(inputs.get("from")),
        end=_day(inputs.get("to")),
        year=inputs.get("year"),
    )
    resolved = resolve(
        request,
        as_of=date.fromisoformat(inputs["as_of"]),
        inception=date.fromisoformat(inputs["inception"]),
    )
    days = (str(resolved.start), str(resolved.end)) if isinstance(resolved, Span) else (None, None)
    assert days == (expected["start"], expected["end"])


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
