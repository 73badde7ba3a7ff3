"""Exact integer vectors: sums of quantity times price over many days, without a rounding.

A decimal is an integer and a number of places. Where the integers fit 62 bits together the
products are formed in one pass of machine integers; where they do not, they are split into limbs
of 24 bits, multiplied limb by limb, and put together again in unbounded integers. Either way the
result is the exact decimal sum.
"""

from __future__ import annotations

from datetime import date
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from tidebook.model.money import exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LIMB_BITS: Final = 24
_LIMB_MASK: Final = (1 << _LIMB_BITS) - 1
# Wide enough for every digit that a step function can hold.
_WIDE: Final = Context(prec=600)
_MACHINE: Final = 1 << 62
_NOTHING: Final = np.zeros(1, np.int64)


class Steps(NamedTuple):
    """A decimal step function of the day: ``integers[i] / 10**places`` from ``days[i]`` on.

    ``days`` are ordinals, ascending; before the first the function has no value. ``machine`` holds
    the integers once more where all of them fit 62 bits, so that prices are converted once and
    not for every portfolio.
    """

    days: NDArray[np.int64]
    integers: tuple[int, ...]
    places: int
    largest: int
    machine: NDArray[np.int64] | None


def steps(days: Sequence[date], values: Sequence[Decimal]) -> Steps:
    """Return dated decimals as a step function over exact integers."""
    with exact():
        places = _places(values)
        shift = Decimal(1).scaleb(places)
        integers = tuple([int(value * shift) for value in values])
    ordinals = np.fromiter(map(date.toordinal, days), np.int64, len(days))
    largest = max(map(abs, integers), default=0)
    machine = np.array(integers, np.int64) if largest < _MACHINE else None
    return Steps(ordinals, integers, places, largest, machine)


def _places(values: Sequence[Decimal]) -> int:
    # An exact sum has the smallest exponent of its terms: one look for all of them.
    exponent = sum(values, Decimal(0)).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def where(function: Steps, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each day, the index of the step in force, or -1 before the first."""
    return np.searchsorted(function.days, days, side="right") - 1


def value_on(function: Steps, day: date) -> Decimal | None:
    """Return the value of the step in force on one day; None before the first."""
    place, ordinal = len(function.integers) - 1, day.toordinal()
    # What is asked for is mostly the last one: then nothing is searched.
    if place >= 0 and function.days[place] > ordinal:
        place = int(function.days.searchsorted(ordinal, "right")) - 1
    if place < 0:
        return None
    return Decimal(function.integers[place]).scaleb(-function.places, _WIDE)


def sum_of_products(
    lefts: Sequence[Steps], rights: Sequence[Steps], days: NDArray[np.int64]
) -> list[Decimal]:
    """Return, for each day, the exact sum over i of ``lefts[i] x rights[i]``.

    A function without a value on a day counts as zero there.
    """
    if not lefts or not len(days):
        return [Decimal(0)] * len(days)
    places = max(left.places + right.places for left, right in zip(lefts, rights, strict=True))
    scales = [
        10 ** (places - left.places - right.places)
        for left, right in zip(lefts, rights, strict=True)
    ]
    # Each factor counts as one at least: beside a zero the other one alone may be too large.
    bound = sum(
        max(left.largest * scale, 1) * max(right.largest, 1)
        for left, right, scale in zip(lefts, rights, scales, strict=True)
    )
    with exact():
        unit = Decimal(1).scaleb(-places)
        if bound < _MACHINE:
            sums = _machine_sums(lefts, rights, scales, days)
        else:
            sums = _limb_sums(lefts, rights, scales, days)
        return [Decimal(value) * unit for value in sums]


def _machine_sums(
    lefts: Sequence[Steps], rights: Sequence[Steps], scales: Sequence[int], days: NDArray[np.int64]
) -> list[int]:
    total = np.zeros(len(days), np.int64)
    for left, right, scale in zip(lefts, rights, scales, strict=True):
        # A scale too large for the machine stands beside zeros alone: else the bound is passed.
        if left.machine is None or right.machine is None or not (left.largest and right.largest):
            continue
        quantities = _in_force(left, left.machine * scale, days)
        total += quantities * _in_force(right, right.machine, days)
    return total.tolist()


def _in_force(
    function: Steps, values: NDArray[np.int64], days: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return, for each day, the value of the step in force; zero before the first.

    One that is in force on all of the days stands for them all.
    """
    if function.days[-1] <= days[0]:
        return values[-1:]
    # Prices mostly change on the very days that are asked for: then nothing is searched.
    first = int(function.days.searchsorted(days[:1])[0])
    if np.array_equal(function.days[first : first + len(days)], days):
        return values[first : first + len(days)]
    starts = days.searchsorted(function.days)
    bounds = np.concatenate((_NOTHING, starts, (len(days),)))
    return np.repeat(np.concatenate((_NOTHING, values)), bounds[1:] - bounds[:-1])


def _gather(values: Sequence[int], index: NDArray[np.int64]) -> NDArray[np.int64]:
    # One leading zero answers index -1: before the first step there is nothing.
    return np.array([0, *values], np.int64)[index + 1]


def _limb_sums(
    lefts: Sequence[Steps], rights: Sequence[Steps], scales: Sequence[int], days: NDArray[np.int64]
) -> list[int]:
    totals: dict[int, NDArray[np.int64]] = {}
    sums = [0] * len(days)
    terms = 0
    for left, right, scale in zip(lefts, rights, scales, strict=True):
        left_limbs = _limbs([value * scale for value in left.integers], where(left, days))
        right_limbs = _limbs(right.integers, where(right, days))
        terms += min(len(left_limbs), len(right_limbs))
        if terms >= 1 << (62 - 2 * _LIMB_BITS):
            sums = _carry(sums, totals)
            terms = min(len(left_limbs), len(right_limbs))
        for i, high in enumerate(left_limbs):
            for j, low in enumerate(right_limbs):
                product = high * low
                totals[i + j] = totals[i + j] + product if i + j in totals else product
    return _carry(sums, totals)


def _carry(sums: list[int], totals: dict[int, NDArray[np.int64]]) -> list[int]:
    for position in sorted(totals):
        shift = _LIMB_BITS * position
        parts: list[int] = totals[position].tolist()
        sums = [value + (part << shift) for value, part in zip(sums, parts, strict=True)]
    totals.clear()
    return sums


def _limbs(values: Sequence[int], index: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    count = max(1, -(-max((abs(v).bit_length() for v in values), default=0) // _LIMB_BITS))
    limbs: list[NDArray[np.int64]] = []
    for position in range(count):
        shift = _LIMB_BITS * position
        part = [((abs(v) >> shift) & _LIMB_MASK) * (1 if v >= 0 else -1) for v in values]
        limbs.append(_gather(part, index))
    return limbs
