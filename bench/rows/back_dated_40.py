"""One trade that arrives years late in a key that has traded forty times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.rows.back_dated import Late, measure_late

if TYPE_CHECKING:
    from bench.figures import Figure


def measure(*, quick: bool) -> list[Figure]:
    """Measure among 40 later trades."""
    return [measure_late(Late("back_dated_40", 40, 60, 100.0), quick=quick)]
