"""What many portfolios are worth from tick to tick, and how high each has stood.

One row per portfolio, in arrays, so that a price moves all who hold the symbol at once. Heights
are kept in money and scaled when money flows, so that a withdrawal is no fall.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROOM: Final = 16
_FEW: Final = 8
_NOISE: Final = 1e-12
"""What rounding makes of sums: they are equal within this part of them."""
_EQUITY, _DAY_PEAK, _PEAK, _TROUGH, _WORST = range(5)


class Standing(NamedTuple):
    """How a portfolio stands: its equity, its highest points and the lowest since the highest.

    ``max_drawdown`` is the deepest fall so far, as a positive fraction.
    """

    equity: float
    day_peak: float
    peak: float
    trough: float
    max_drawdown: float


class Equities:
    """Equity and heights by row."""

    def __init__(self) -> None:
        """Begin with no rows."""
        self._rows: NDArray[np.float64] = np.zeros((5, _ROOM))
        self._count = 0

    def add(self, standing: Standing) -> int:
        """Take in a portfolio; return its row."""
        if self._count == self._rows.shape[1]:
            wider: NDArray[np.float64] = np.zeros((5, 2 * self._count))
            wider[:, : self._count] = self._rows
            self._rows = wider
        self._count += 1
        self.put(self._count - 1, standing)
        return self._count - 1

    def put(self, row: int, standing: Standing) -> None:
        """Set a row."""
        self._rows[:, row] = standing

    def standing(self, row: int) -> Standing:
        """Return a row."""
        return Standing(*self._rows[:, row].tolist())

    def move(self, rows: NDArray[np.intp], by: NDArray[np.float64]) -> None:
        """Add to the equity of rows, each of them named once, and see how high they stand."""
        if rows.size <= _FEW:
            for row, amount in zip(rows.tolist(), by.tolist(), strict=True):
                self._move_one(row, amount)
            return
        table = self._rows
        equity: NDArray[np.float64] = table[_EQUITY, rows] + by
        table[_EQUITY, rows] = equity
        table[_DAY_PEAK, rows] = np.maximum(table[_DAY_PEAK, rows], equity)
        before = table[_PEAK, rows]
        peak = np.maximum(before, equity)
        trough = np.minimum(table[_TROUGH, rows], equity)
        risen = equity > before
        trough[risen] = equity[risen]
        table[_PEAK, rows] = peak
        table[_TROUGH, rows] = trough
        # Where nothing was ever worth anything there is nothing to fall from.
        depth = np.divide(peak - trough, peak, out=np.zeros_like(peak), where=peak > 0)
        table[_WORST, rows] = np.maximum(table[_WORST, rows], depth)

    def _move_one(self, row: int, by: float) -> None:
        """Do the same for one row: arrays are slow for a few numbers."""
        table = self._rows
        before, trough = float(table[_PEAK, row]), float(table[_TROUGH, row])
        equity = float(table[_EQUITY, row]) + by
        table[_EQUITY, row] = equity
        table[_DAY_PEAK, row] = max(table[_DAY_PEAK, row], equity)
        if equity > before:
            table[_PEAK, row] = table[_TROUGH, row] = equity
        elif equity < trough:
            table[_TROUGH, row] = equity
            if before > 0:
                depth = (before - equity) / before
                table[_WORST, row] = max(float(table[_WORST, row]), depth)

    def settle(self, row: int, equity: float) -> None:
        """Set the equity of a row to what it is summed up to, and see how high it stands.

        Where only rounding lies between, heights at the present equity go with it, so that it is
        neither a new high nor a fall.
        """
        mine = self._rows[:, row]
        moved = mine[_EQUITY]
        if abs(equity - moved) <= _NOISE * max(abs(equity), abs(moved)):
            mine[:_WORST][abs(mine[:_WORST] - moved) <= _NOISE * abs(moved)] = equity
            return
        self.move(np.array([row]), np.array([equity - moved]))

    def flow(self, row: int, amount: float) -> None:
        """Let money flow in (or out, below 0): equity and heights move in proportion."""
        equity = float(self._rows[_EQUITY, row])
        scale = (equity + amount) / equity if equity > 0 and equity + amount > 0 else None
        if scale is None:
            # From nothing, or to nothing: what was before has no growth to be compared by.
            worst = float(self._rows[_WORST, row])
            left = equity + amount
            self.put(row, Standing(left, left, left, left, worst))
        else:
            self._rows[:_WORST, row] *= scale

    def begin_day(self, row: int) -> float:
        """Begin a day at the present equity; return how high the day before stood."""
        before = float(self._rows[_DAY_PEAK, row])
        self._rows[_DAY_PEAK, row] = self._rows[_EQUITY, row]
        return before

    def raise_heights(self, row: int, heights: Standing) -> None:
        """Lift the heights of a row to what was seen elsewhere; its equity stays."""
        mine = self._rows[:, row]
        if heights.peak > mine[_PEAK]:
            mine[_PEAK] = heights.peak
            mine[_TROUGH] = min(heights.trough, mine[_EQUITY])
        mine[_DAY_PEAK] = max(mine[_DAY_PEAK], heights.day_peak)
        depth = (mine[_PEAK] - mine[_TROUGH]) / mine[_PEAK] if mine[_PEAK] > 0 else 0.0
        mine[_WORST] = max(mine[_WORST], heights.max_drawdown, depth)
