"""Where an active return comes from, in one period and over several."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.truth.areas.quant.samples import compare
from tests.truth.cases import OWN_FOLDER
from tidebook.analytics import (
    AllocationModel,
    Segments,
    brinson,
    carino_factor,
    contributions,
    geometric,
    link,
    linked_effects,
)
from tidebook.analytics.figures import Undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.truth.cases import Content


def check(case: Content) -> None:
    """Compare the effects that the case's function names."""
    inputs = case["inputs"]
    if "same_as" in inputs:
        inputs = _inputs_of(inputs["same_as"])
    compare(FIGURES[case["function"]](inputs), case)


def _segments(inputs: dict[str, Any]) -> Segments:
    names = ("w_portfolio", "r_portfolio", "w_benchmark", "r_benchmark")
    return Segments(*(np.array(inputs[name], np.float64) for name in names))


def _brinson(inputs: dict[str, Any]) -> dict[str, Any]:
    segments = _segments(inputs)
    found = brinson(segments)
    by_hood = brinson(segments, AllocationModel.BRINSON_HOOD_BEEBOWER)
    return {
        "portfolio": found.portfolio,
        "benchmark": found.benchmark,
        "excess": found.active,
        "allocation_brinson_fachler": found.allocation.tolist(),
        "allocation_bhb": by_hood.allocation.tolist(),
        "selection": found.selection.tolist(),
        "interaction": found.interaction.tolist(),
        "total_allocation": float(found.allocation.sum()),
        "total_selection": float(found.selection.sum()),
        "total_interaction": float(found.interaction.sum()),
    }


def _geometric(inputs: dict[str, Any]) -> dict[str, Any]:
    found = geometric(_segments(inputs))
    assert not isinstance(found, Undefined)
    return {
        "excess": found.excess,
        "allocation": float(found.allocation.sum()),
        "selection": float(found.selection.sum()),
        "semi_notional": found.semi_notional,
    }


def _carino(inputs: dict[str, Any]) -> dict[str, Any]:
    portfolio, benchmark = np.array(inputs["portfolio"]), np.array(inputs["benchmark"])
    linked = linked_effects((portfolio - benchmark)[:, np.newaxis], portfolio, benchmark)
    assert not isinstance(linked, Undefined)
    return {
        "k": carino_factor(link(portfolio), link(benchmark)),
        "k_t": [carino_factor(*pair) for pair in zip(portfolio, benchmark, strict=True)],
        "linked_excess": linked[:, 0].tolist(),
        "sum": float(linked.sum()),
        "total_excess": link(portfolio) - link(benchmark),
    }


def _contribution(inputs: dict[str, Any]) -> dict[str, Any]:
    assert not any(inputs["flows"]), "the case has flows, which are not checked"
    found = contributions(np.array(inputs["pnl"], np.float64), sum(inputs["begin_values"]))
    assert not isinstance(found, Undefined)
    return {"contribution": found.tolist(), "portfolio": float(found.sum())}


FIGURES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "brinson": _brinson,
    "geometric": _geometric,
    "carino": _carino,
    "contribution": _contribution,
}


def _inputs_of(name: str) -> dict[str, Any]:
    """Return the inputs of another case of the same file."""
    text = (OWN_FOLDER / "golden_quant.json").read_text(encoding="utf-8")
    return next(case["inputs"] for case in json.loads(text)["cases"] if case["id"] == name)
