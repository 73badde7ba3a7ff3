"""Rebalancing through funds: how much of each vehicle brings each class to its target.

A vehicle is spread over classes: a fund may hold nine tenths of shares and one of bonds. The
amounts solve ``Σ weight · amount = target`` for every class, in exact fractions; where no amounts
do, they come as near as the sum of squared shortfalls allows.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from tidebook.errors import UnusableSeriesError
from tidebook.model.money import quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

_Rows = list[list[Fraction]]


class Rebalanced(NamedTuple):
    """What to hold of each vehicle, and what each class then misses.

    An amount is None where more than one would do as well. A shortfall is target minus reached,
    and all of them are zero where the targets can be met.
    """

    amounts: tuple[Decimal | None, ...]
    shortfalls: tuple[Decimal, ...]

    @property
    def is_exact(self) -> bool:
        """Whether every class meets its target."""
        return not any(self.shortfalls)


def rebalance(weights: Sequence[Sequence[Decimal]], targets: Sequence[Decimal]) -> Rebalanced:
    """Return the amounts of vehicles that bring classes to their targets.

    An amount may be negative: a target that only a short position can reach. Results are half
    even to 18 places.

    Args:
        weights: A row per class, in it the part of each vehicle that belongs to the class.
        targets: What each class is to be worth.

    Raises:
        UnusableSeriesError: If a row has another length than the others, or targets are missing.

    Example:
        A fund half of bonds fills both classes; the shares fund adds what is missing:

        >>> from decimal import Decimal as D
        >>> shares_and_mixed = [[D(1), D("0.5")], [D(0), D("0.5")]]
        >>> [str(amount) for amount in rebalance(shares_and_mixed, [D(300), D(100)]).amounts]
        ['200', '200']
    """
    rows = [[Fraction(weight) for weight in row] for row in weights]
    wanted = [Fraction(target) for target in targets]
    count = len(rows[0]) if rows else 0
    if len(wanted) != len(rows) or any(len(row) != count for row in rows):
        raise UnusableSeriesError("weights and targets", "they differ in length")
    normal = _normal_equations(rows, wanted, count)
    pivots = _reduced(normal, count)
    amounts: list[Decimal | None] = [None] * count
    solution = [Fraction(0)] * count
    for row, pivot in zip(normal, pivots, strict=False):
        solution[pivot] = row[count]
        if not any(row[column] for column in range(count) if column != pivot):
            amounts[pivot] = _decimal(row[count])
    reached = [
        sum((w * x for w, x in zip(row, solution, strict=True)), Fraction(0)) for row in rows
    ]
    missed = [_decimal(target - sum_) for target, sum_ in zip(wanted, reached, strict=True)]
    return Rebalanced(tuple(amounts), tuple(missed))


def _normal_equations(rows: _Rows, wanted: list[Fraction], count: int) -> _Rows:
    """Return WᵀW beside Wᵀt: always solvable, and by the same amounts where W itself is."""
    columns = [[row[i] for row in rows] for i in range(count)]
    return [
        [sum((a * b for a, b in zip(one, other, strict=True)), Fraction(0)) for other in columns]
        + [sum((a * b for a, b in zip(one, wanted, strict=True)), Fraction(0))]
        for one in columns
    ]


def _reduced(rows: _Rows, count: int) -> list[int]:
    """Bring the rows to reduced echelon form in place, and return the column each one leads."""
    pivots: list[int] = []
    for column in range(count):
        at = len(pivots)
        found = next((i for i in range(at, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[at], rows[found] = rows[found], rows[at]
        lead = rows[at][column]
        rows[at] = [value / lead for value in rows[at]]
        for i, row in enumerate(rows):
            if i != at and row[column]:
                factor = row[column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[at], strict=True)]
        pivots.append(column)
    return pivots


def _decimal(value: Fraction) -> Decimal:
    return quotient(Decimal(value.numerator), Decimal(value.denominator))
