"""The days of a user as a table, and the book that the numbers of the table make again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics.derivation import rows
from tidebook.book.series import PortfolioDay
from tidebook.book.traced_trees import tree_of
from tidebook.engine.measuring.performance import series_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.analytics.derivation import Reckoned, Table
    from tidebook.engine.users import UserBook


def days_table(book: UserBook, days: Sequence[PortfolioDay]) -> Reckoned:
    """Return days as rows: every column of the daily series, in the user's currency."""
    names = [name.replace("_", " ") for name in PortfolioDay._fields[1:]]
    below = [
        [
            tree_of(amount, f"{name} on {day.on}", book.currency)
            for name, amount in zip(names, day[1:], strict=True)
        ]
        for day in days
    ]
    return rows(f"days of {book.user_id}", below, [f"{day.on}" for day in days])


def book_again(book: UserBook, days: Sequence[PortfolioDay], table: Table) -> UserBook:
    """Return the book whose days are those of a table."""
    made = tuple(PortfolioDay(day.on, *row) for day, row in zip(days, table, strict=True))
    return book._replace(series=series_from(made, book.series.inception))
