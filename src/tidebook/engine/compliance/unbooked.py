"""Trades of which no rule says anything, because the book has not taken them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.errors import UnknownPortfolioError
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tidebook.engine.ports import Reader
    from tidebook.engine.views import FindingView


def not_booked(
    reader: Reader, ids: Sequence[str], known_at: datetime | None = None
) -> tuple[FindingView, ...]:
    """Return why transactions of portfolios wait: their rules are asked once they are booked.

    A portfolio that was not known at ``known_at`` had none.
    """
    return tuple(
        one
        for portfolio_id in ids
        for one in _findings(reader, portfolio_id, known_at)
        if one.finding.severity is Severity.WAITING
    )


def _findings(
    reader: Reader, portfolio_id: str, known_at: datetime | None
) -> Iterator[FindingView]:
    try:
        yield from reader.findings(portfolio_id, known_at=known_at)
    except UnknownPortfolioError:
        return
