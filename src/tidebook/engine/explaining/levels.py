"""The levels of a benchmark as tables, and the line that the numbers of the tables make again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.analytics import to_float64
from tidebook.analytics.derivation import rows
from tidebook.book.derivation import Formula, Source, SourceKind, derived, given
from tidebook.book.traced_trees import tree_of
from tidebook.engine.benchmarks import DataSource
from tidebook.engine.measuring.index_lines import blended_levels
from tidebook.model.markets import Quotes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.analytics.derivation import Reckoned, Table
    from tidebook.book.derivation import Node
    from tidebook.engine.benchmarks import Levels
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.model.markets import RateTable


def level_tables(line: Line, rates: RateTable) -> list[Reckoned]:
    """Return the levels of each part of a line in its currency, and the rates to it.

    Args:
        line: The benchmark or blend.
        rates: Exchange rates, as leaves.
    """
    return [_levels(line, part, rates) for part in line.parts]


def line_again(line: Line, tables: Sequence[Table]) -> Line:
    """Return the line that the levels of tables make, in the currency of the line."""
    columns = [to_float64(row[0] for row in table) for table in tables]
    return line._replace(levels=blended_levels(line.blend, line.days, columns))


def rates_again(line: Line, tables: Sequence[Table]) -> dict[tuple[str, str], Quotes]:
    """Return the rates of tables, by pair."""
    return {
        (part.currency, line.currency): Quotes(line.days, tuple(row[1] for row in table))
        for part, table in zip(line.parts, tables, strict=True)
        if part.currency != line.currency
    }


def _levels(line: Line, part: Levels, rates: RateTable) -> Reckoned:
    points = {point.on: point.value for point in part.points}
    kind = SourceKind.PRICE if part.source is DataSource.BOOK else SourceKind.LEVEL
    below: list[list[Node]] = []
    for on in line.days:
        label = f"level of {part.symbol} on {on}"
        level = given(label, points[on], part.currency, Source(kind, part.symbol, on))
        quote = rates.rate(part.currency, line.currency, on)
        if part.currency == line.currency or quote is None:
            below.append([level])
            continue
        rate = tree_of(quote.rate, f"rate {part.currency}/{line.currency} of {on}", "")
        below.append([derived(label, line.currency, Formula.CONVERTED, (level, rate)), rate])
    labels = [f"{part.symbol} on {on}" for on in line.days]
    return rows(f"{part.symbol}, day by day", below, labels)
