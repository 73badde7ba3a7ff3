"""What a book says of its users: compared with a benchmark, traded, held and won."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from tidebook.client import answers
from tidebook.client.asking import NOW, When

if TYPE_CHECKING:
    from datetime import date, datetime

    from tidebook.client.doors import Document, Door
    from tidebook.client.records import Comparison, UserMetrics, UserPortfolio, WinRate


class UserReading:
    """The part of a book that is about users; a user is a client (``cif_id``) of portfolios."""

    def __init__(self, door: Door) -> None:
        """Keep the door."""
        self._door = door

    def comparison(
        self,
        user_id: str,
        benchmark: str = "SPY",
        when: When = NOW,
        *,
        start_date: date | None = None,
        end_date: date | None = None,
    ) -> Comparison:
        """Return a user beside a benchmark that got the same money on the same days.

        Args:
            user_id: The client (``cif_id``) whose portfolios are compared together.
            benchmark: A benchmark, a security of the book, or a blend.
            when: With what was known at which instant; its ``as_of`` is the last day.
            start_date: The first day.
            end_date: The last day, before that of ``when``.
        """
        query = {
            "benchmark": benchmark,
            "start_date": start_date,
            "end_date": end_date or when.as_of,
            "known_at": when.query()["known_at"],
        }
        path = _path(user_id, "comparative")
        return answers.comparison_of(self._door.get(path, query))

    def user_metrics(self, user_id: str, *, known_at: datetime | None = None) -> UserMetrics:
        """Return what a user traded, holds and earned since the first trade."""
        return answers.user_metrics_of(self._user(user_id, "metrics", known_at))

    def user_portfolio(self, user_id: str, *, known_at: datetime | None = None) -> UserPortfolio:
        """Return a user's totals and every symbol ever traded, best first."""
        return answers.user_portfolio_of(self._user(user_id, "portfolio", known_at))

    def win_rate(self, user_id: str, *, known_at: datetime | None = None) -> WinRate:
        """Return how a user's closed trades ended."""
        return answers.win_rate_of(self._user(user_id, "win-rate", known_at))

    def _user(self, user_id: str, what: str, known_at: datetime | None) -> Document:
        told = When(known_at=known_at).query()
        return self._door.get(_path(user_id, what), told)


def _path(user_id: str, what: str) -> str:
    return f"/users/{quote(user_id, safe='')}/{what}"
