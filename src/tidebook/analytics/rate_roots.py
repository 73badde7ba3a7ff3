"""Every rate at which dated flows are worth nothing today.

The present value of flows c at times t in [0, 1] is a function of the log growth x of the whole
period,

    f(x) = Σ c · exp(-x · t)

Solving in x instead of in the yearly rate keeps the steepest loss as harmless as the mildest
gain: x is an ordinary number where the yearly rate is within 1e-14 of -100 % or beyond all
floats. Below zero f is scaled by exp(x), so that no exponential can overflow on either side; its
sign, its roots and its Newton steps are unchanged by that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tidebook.analytics.crossing import Floats

_STEP_RELATIVE = 1e-14
_NOISE = 1e-12
_GRID_POINTS = 1024
_BLOCK_TERMS = 500_000
# A present value that comes this close to zero between two grid points may touch it.
_NEAR_MISS = 0.02
_GOLDEN = 0.6180339887498949


class Flows(NamedTuple):
    """Amounts other than zero at rising times, the first at 0 and the last at 1."""

    times: Floats
    amounts: Floats


def all_roots(flows: Flows) -> tuple[float, ...]:
    """Return every log growth of the whole period that brings the flows to zero, in order.

    Where the first and the last flow differ in sign there is a root, and one bracketed search
    finds it. It is the only one if the capital at that rate never changes sign: each flow is then
    capital carried over minus capital held on, so that f has the sign of (root - x) everywhere.
    Otherwise the whole line is searched on a grid, including for roots that only touch zero.
    """
    if flows.amounts[0] * flows.amounts[-1] < 0:
        root = _bracketed(flows)
        if _capital_keeps_its_sign(flows, root):
            return (root,)
    return _search(flows)


def _value_and_slope(flows: Flows, x: float) -> tuple[float, float]:
    times, amounts = flows
    terms = amounts * np.exp(min(x, 0.0) - x * times)
    return float(terms.sum()), -float(terms @ times)


def _bracketed(flows: Flows) -> float:
    """Widen a bracket around a first guess until f changes sign in it, and solve there.

    Far enough out only the first or the last flow is left, and these two differ in sign.
    """
    guess, width = _first_guess(flows), 0.5
    side = _value_and_slope(flows, guess)[0]
    outwards = 1.0 if side * flows.amounts[0] < 0 else -1.0
    while _value_and_slope(flows, guess + outwards * width)[0] * side > 0:
        width *= 2.0
    edge = guess + outwards * width
    return _solve(flows, min(guess, edge), max(guess, edge), guess)


def _first_guess(flows: Flows) -> float:
    """Return the log of the modified Dietz return, or 0 where it says nothing."""
    invested = -float(flows.amounts @ (1.0 - flows.times))
    ratio = float(flows.amounts.sum()) / invested if invested else 0.0
    return float(np.log1p(ratio)) if -_GOLDEN < ratio < 1 / _GOLDEN else 0.0


def _solve(flows: Flows, low: float, high: float, start: float) -> float:
    """Return the root between two points of different sign: Newton, halving where it is slow."""
    sign_low = np.sign(_value_and_slope(flows, low)[0])
    x, step = min(max(start, low), high), high - low
    while abs(step) > _STEP_RELATIVE * max(1.0, abs(x)):
        value, slope = _value_and_slope(flows, x)
        if value == 0:
            return x
        low, high = (x, high) if np.sign(value) == sign_low else (low, x)
        newton = -value / slope if slope else np.inf
        is_quick = low < x + newton < high and abs(newton) <= 0.5 * abs(step)
        step = newton if is_quick else 0.5 * (low + high) - x
        x += step
    return x


def _capital_keeps_its_sign(flows: Flows, root: float) -> bool:
    """Return whether the capital at work at the root's rate is never of both signs."""
    terms = flows.amounts * np.exp(min(root, 0.0) - root * flows.times)
    capital = np.cumsum(terms)[:-1]
    noise = _NOISE * float(np.abs(terms).sum())
    return bool((capital <= noise).all() or (capital >= -noise).all())


def _search(flows: Flows) -> tuple[float, ...]:
    """Return the roots on a grid over all rates at which neither end's flow outweighs the rest."""
    low, high = -_dominance(_mirrored(flows)), _dominance(flows)
    grid = np.sinh(np.linspace(float(np.arcsinh(low)), float(np.arcsinh(high)), _GRID_POINTS))
    heights = _relative_values(flows, grid)
    roots = [float(x) for x in grid[np.abs(heights) <= _NOISE]]
    crossings = np.flatnonzero(heights[:-1] * heights[1:] < 0)
    roots.extend(
        _solve(flows, float(grid[at]), float(grid[at + 1]), float(grid[at])) for at in crossings
    )
    for at in _near_misses(heights):
        roots.extend(_touching(flows, float(grid[at - 1]), float(grid[at + 1])))
    return _distinct(sorted(roots))


def _mirrored(flows: Flows) -> Flows:
    return Flows(1.0 - flows.times[::-1], flows.amounts[::-1])


def _dominance(flows: Flows) -> float:
    """Return a log growth beyond which the first flow outweighs all others together."""
    times, sizes = flows.times, np.abs(flows.amounts)
    x = 1.0
    while sizes[0] <= float(sizes[1:] @ np.exp(-x * times[1:])):
        x *= 2.0
    return x


def _relative_values(flows: Flows, grid: Floats) -> Floats:
    """Return f at each point as a share of the sum of its terms' sizes, between -1 and 1."""
    times, amounts = flows
    rows = max(1, _BLOCK_TERMS // len(times))
    parts: list[Floats] = []
    for start in range(0, len(grid), rows):
        block = grid[start : start + rows, np.newaxis]
        terms = amounts * np.exp(np.minimum(block, 0.0) - block * times)
        parts.append(terms.sum(axis=1) / np.abs(terms).sum(axis=1))
    return np.concatenate(parts)


def _near_misses(heights: Floats) -> list[int]:
    """Return the inner points at which f comes near zero without crossing it."""
    size = np.abs(heights)
    inner = size[1:-1]
    near = (inner < _NEAR_MISS) & (inner <= size[:-2]) & (inner <= size[2:]) & (inner > _NOISE)
    same_side = (heights[:-2] * heights[1:-1] > 0) & (heights[1:-1] * heights[2:] > 0)
    return [int(at) + 1 for at in np.flatnonzero(near & same_side)]


def _touching(flows: Flows, low: float, high: float) -> list[float]:
    """Return the roots around a near miss: none, the one that touches, or two close together."""
    side = float(np.sign(_relative_values(flows, np.array([low]))[0]))
    left, right = low, high
    while right - left > _STEP_RELATIVE * max(1.0, abs(left)):
        reach = _GOLDEN * (right - left)
        points = np.array([right - reach, left + reach])
        first, second = side * _relative_values(flows, points)
        left, right = (left, float(points[1])) if first < second else (float(points[0]), right)
    bottom = 0.5 * (left + right)
    height = side * float(_relative_values(flows, np.array([bottom]))[0])
    if height > _NOISE:
        return []
    if height >= -_NOISE:
        return [bottom]
    return [_solve(flows, low, bottom, low), _solve(flows, bottom, high, high)]


def _distinct(roots: list[float]) -> tuple[float, ...]:
    """Leave out what two searches found twice."""
    kept: list[float] = []
    for root in roots:
        if not kept or root - kept[-1] > 1e-9 * max(1.0, abs(root)):
            kept.append(root)
    return tuple(kept)
