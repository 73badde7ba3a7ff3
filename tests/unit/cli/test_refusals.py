"""How refusals are worded, and which exit code each of them ends with."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.cli.app import hoisted
from tidebook.cli.exits import Exit, exit_of
from tidebook.cli.output import cell
from tidebook.cli.refusals import refusal_text
from tidebook.errors import (
    AnalyticsError,
    BookMovedError,
    Fault,
    InvalidRequestError,
    OverloadedError,
    Problem,
    ServerRefusedError,
    ServerUnreachableError,
    StoreUnavailableError,
    UnknownPortfolioError,
)

if TYPE_CHECKING:
    from tidebook.errors import (
        TidebookError,
    )


def test_a_refusal_says_what_then_the_notes_then_the_hint() -> None:
    error = UnknownPortfolioError("P9")
    error.add_note("portfolio P9, 2024-03-01 to 2024-03-31")
    assert refusal_text(error, wraps=False).splitlines() == [
        "tidebook: portfolio.unknown: portfolio 'P9' is not in the book",
        "  portfolio P9, 2024-03-01 to 2024-03-31",
        "  hint: check the id, or introduce the portfolio with POST /ingest/portfolios",
    ]


def test_a_long_hint_hangs_under_itself_on_a_terminal() -> None:
    lines = refusal_text(BookMovedError("P1", "ACME"), wraps=True).splitlines()
    assert max(map(len, lines)) <= 100
    assert lines[1].startswith("  hint: ")
    assert lines[2].startswith("        ")


def test_listed_faults_stand_one_per_line() -> None:
    error = InvalidRequestError([Fault("/transactions/3/price", "number", "it is negative")])
    assert "  /transactions/3/price: it is negative" in refusal_text(error, wraps=False)


def refused(status: int) -> ServerRefusedError:
    return ServerRefusedError("http://books", Problem(status, "code", "detail", "hint"))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequestError([]), Exit.INVALID_INPUT),
        (UnknownPortfolioError("P"), Exit.NOT_FOUND),
        (BookMovedError("P"), Exit.CONFLICT),
        (StoreUnavailableError("gone", hint="start it"), Exit.DEPENDENCY_DOWN),
        (OverloadedError("queue", retry_after_seconds=1), Exit.DEPENDENCY_DOWN),
        (ServerUnreachableError("http://books", why="refused"), Exit.DEPENDENCY_DOWN),
        (refused(422), Exit.INVALID_INPUT),
        (refused(401), Exit.NOT_AUTHORISED),
        (refused(404), Exit.NOT_FOUND),
        (refused(409), Exit.CONFLICT),
        (refused(503), Exit.DEPENDENCY_DOWN),
        (AnalyticsError("no figure", hint="none"), Exit.UNEXPECTED),
    ],
)
def test_each_refusal_has_its_exit_code(error: TidebookError, code: Exit) -> None:
    assert exit_of(error) is code


def test_shared_options_are_hoisted_but_not_past_a_double_dash() -> None:
    assert hoisted(["import", "a.csv", "-q", "--data=d"]) == ["-q", "--data=d", "import", "a.csv"]
    assert hoisted(["import", "--", "-q"]) == ["import", "--", "-q"]


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (Decimal("1234567.125"), "amount", "1,234,567.12"),
        (Decimal("1234567.135"), "amount", "1,234,567.14"),
        (Decimal("-0.004"), "amount", "0.00"),
        (Decimal("25.500"), "exact", "25.5"),
        (Decimal("0.0125"), "percent", "1.25 %"),
        (-0.5, "percent", "-50.00 %"),
        (None, "amount", "–"),
    ],
)
def test_a_cell_rounds_amounts_half_even_and_shows_what_is_undefined(
    value: Decimal | float | None, form: str, text: str
) -> None:
    assert cell(value, form) == text
