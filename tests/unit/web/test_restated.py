"""How the page prints what was written anew."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from tidebook.web.pages import PortfolioPage, RestatementRow
from tidebook.web.restated import restatement_lines

if TYPE_CHECKING:
    from tidebook.web.restated import RestatementLine

D = Decimal
AT, ON = datetime(2025, 6, 30, 12, tzinfo=UTC), date(2025, 3, 10)


def printed(row: RestatementRow) -> RestatementLine:
    """Return the one line of a page in dollars."""
    nothing = dict.fromkeys(
        (
            *("as_of", "known_at", "coverage", "value", "cash", "cost", "unrealised", "realised"),
            *("income", "fees", "net_contributions"),
        )
    )
    page = PortfolioPage(
        "P1",
        "First",
        "USD",
        generation=1,
        status="CURRENT",
        restatements=[row],
        **nothing,
    )
    (line,) = restatement_lines(page)
    return line


def figures_of(line: RestatementLine) -> list[tuple[str, str, str]]:
    return [(change.label, change.cell.text, change.cell.tone) for change in line.changes]


def test_a_position_prints_every_figure_that_moved_with_its_sign() -> None:
    row = RestatementRow(
        AT,
        "ACME",
        ON,
        "a back-dated transaction",
        ["transaction T1, version 1", "request T3"],
        D(10),
        D("-40.5"),
        D("60.254"),
    )
    line = printed(row)
    assert (line.what, line.causes) == ("ACME", "transaction T1, version 1; request T3")
    assert figures_of(line) == [
        ("quantity", "+10", ""),
        ("cost", "\N{MINUS SIGN}40.50", ""),
        ("realised gain", "+60.25", "plus"),
    ]
    # Rounded for display only.
    assert line.changes[2].cell.exact == "60.254 USD"
    assert line.remark == ""


def test_the_series_prints_the_value_that_moved_and_of_which_day() -> None:
    row = RestatementRow(AT, None, ON, "anew", value=D(-20), value_on=ON)
    line = printed(row)
    assert line.what == "Daily series"
    (change,) = line.changes
    assert change.label.startswith("value of ")
    assert (change.cell.text, change.cell.tone) == ("\N{MINUS SIGN}20.00", "minus")


def test_what_came_to_the_same_and_what_was_not_kept_are_told_apart() -> None:
    zero = D(0)
    same = RestatementRow(AT, "ACME", ON, "anew", (), zero, zero, zero)
    assert (printed(same).changes, printed(same).remark) == ((), "the same in the end")
    level = RestatementRow(AT, None, ON, "anew", value=zero, value_on=ON)
    assert printed(level).remark == "the same in the end"
    assert printed(RestatementRow(AT, "ACME", ON, "anew")).remark == "not kept"
