"""Explanations: for every figure that an answer gives, the tree from it down to the facts."""

from __future__ import annotations

from tidebook.engine.explaining.answers import Explanation
from tidebook.engine.explaining.asked import AskedOrders, AskedParts
from tidebook.engine.explaining.asking import explain
from tidebook.engine.explaining.differing import Differing, explain_difference
from tidebook.engine.explaining.figures import FIGURES, TERMS, Figure, Question, Scope, needs_of
from tidebook.engine.explaining.library import Library
from tidebook.engine.explaining.shown import (
    SIGNS,
    Folded,
    Limits,
    Shown,
    ShownSource,
    faults,
    lines,
    notes,
    shown,
    value_text,
)
from tidebook.engine.explaining.supposing import Supposition
from tidebook.engine.figure_reader import FigureReader

__all__ = [
    "FIGURES",
    "SIGNS",
    "TERMS",
    "AskedOrders",
    "AskedParts",
    "Differing",
    "Explanation",
    "Figure",
    "FigureReader",
    "Folded",
    "Library",
    "Limits",
    "Question",
    "Scope",
    "Shown",
    "ShownSource",
    "Supposition",
    "explain",
    "explain_difference",
    "faults",
    "lines",
    "needs_of",
    "notes",
    "shown",
    "value_text",
]
