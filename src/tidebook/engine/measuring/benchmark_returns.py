"""The line of a benchmark beside what is measured, in its currency and from its first day on."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tidebook.engine.measuring.index_lines import blend_of, line_of

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.analytics import Rebalancing
    from tidebook.engine.benchmarks import LevelsOf
    from tidebook.engine.measuring.index_lines import Line
    from tidebook.engine.measuring.measured import Measured
    from tidebook.engine.ports import Reader


def index_line(
    found: Measured,
    named: tuple[str, Rebalancing],
    levels_of: LevelsOf,
    rates_from: tuple[Reader, datetime | None],
    as_of: date,
) -> Line:
    """Return the benchmark of what is measured, from the day before its first on.

    Args:
        found: What is measured; its currency is the benchmark's.
        named: The benchmark or blend as it is written, and how a blend is rebalanced.
        levels_of: Where levels come from.
        rates_from: Where exchange rates come from; both they and the levels as known when.
        as_of: The last day.

    Raises:
        InvalidBenchmarkError: If the text names none.
        BenchmarkUnavailableError: If no level, or no rate into the currency, is known.
    """
    text, rebalancing = named
    blend = blend_of(text, rebalancing)
    days = found.series.days
    opening = days[0].on if days else as_of
    reader, known_at = rates_from
    parts = [levels_of(part.symbol, opening, as_of, known_at) for part in blend.parts]
    rates = reader.markets((), known_at=known_at).rates
    before = date.fromordinal(opening.toordinal() - 1)
    return line_of(blend, parts, rates, found.currency, before)
