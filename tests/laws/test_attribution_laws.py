"""What holds for attribution and contributions whatever the weights and returns are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st

from tidebook.analytics import (
    AllocationModel,
    Linking,
    Segments,
    Undefined,
    brinson,
    geometric,
    link,
    linked_attribution,
    linked_contributions,
)

if TYPE_CHECKING:
    from random import Random

seeds = st.integers(0, 2**32)
sizes = st.integers(1, 12)


def segments(rng: np.random.Generator, size: int) -> Segments:
    """Return segments of either side; some are held by one side only."""
    held = rng.random((2, size)) * (rng.random((2, size)) < 0.8) + 1e-3
    weights, others = held / held.sum(axis=1, keepdims=True)
    returns = rng.normal(0.01, 0.05, (2, size))
    return Segments(weights, returns[0], others, returns[1])


@given(seeds, sizes, st.sampled_from(AllocationModel))
def test_effects_sum_to_the_active_return(seed: int, size: int, model: AllocationModel) -> None:
    found = brinson(segments(np.random.default_rng(seed), size), model)
    whole = (found.allocation + found.selection + found.interaction).sum()
    assert whole == pytest.approx(found.active, abs=1e-12)


@given(seeds, sizes)
def test_geometric_effects_compound_to_the_geometric_excess(seed: int, size: int) -> None:
    found = geometric(segments(np.random.default_rng(seed), size))
    assert not isinstance(found, Undefined)
    together = (1 + found.allocation.sum()) * (1 + found.selection.sum()) - 1
    assert together == pytest.approx(found.excess, abs=1e-12)


@given(seeds, sizes, st.integers(1, 24), st.sampled_from(Linking))
def test_linked_effects_sum_to_the_active_return_of_the_whole(
    seed: int, size: int, count: int, method: Linking
) -> None:
    rng = np.random.default_rng(seed)
    periods = [brinson(segments(rng, size)) for _ in range(count)]
    found = linked_attribution(periods, method)
    assert not isinstance(found, Undefined)
    whole = (found.allocation + found.selection + found.interaction).sum()
    assert whole == pytest.approx(found.active, abs=1e-9)


@given(seeds, sizes, st.integers(1, 60), st.sampled_from(Linking))
def test_linked_contributions_sum_to_the_linked_return(
    seed: int, size: int, count: int, method: Linking
) -> None:
    table = np.random.default_rng(seed).normal(0.0, 0.02, (count, size)) / size
    found = linked_contributions(table, method)
    assert not isinstance(found, Undefined)
    assert found.sum() == pytest.approx(link(table.sum(axis=1)), abs=1e-9)


@given(seeds, sizes, st.randoms(use_true_random=False))
def test_carino_does_not_know_the_order_of_periods(seed: int, size: int, chance: Random) -> None:
    rng = np.random.default_rng(seed)
    periods = [brinson(segments(rng, size)) for _ in range(6)]
    one = linked_attribution(periods)
    chance.shuffle(periods)
    other = linked_attribution(periods)
    assert not isinstance(one, Undefined)
    assert not isinstance(other, Undefined)
    assert one.allocation == pytest.approx(other.allocation, abs=1e-12)


@given(seeds, sizes, st.randoms(use_true_random=False))
def test_the_order_of_segments_does_not_matter(seed: int, size: int, chance: Random) -> None:
    told = segments(np.random.default_rng(seed), size)
    order = list(range(size))
    chance.shuffle(order)
    columns = (told.weights, told.returns, told.benchmark_weights, told.benchmark_returns)
    moved = brinson(Segments(*(column[order] for column in columns)))
    assert moved.allocation == pytest.approx(brinson(told).allocation[order], abs=1e-15)
