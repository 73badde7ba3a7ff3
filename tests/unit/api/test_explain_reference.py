"""The reference of explanations lists the figures and formulas that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tidebook.analytics.derivation import Reckoning
from tidebook.api.wire.figure_fields import FIGURE_FIELDS, fields_of
from tidebook.book.derivation import Formula
from tidebook.engine.explaining import FIGURES, SIGNS

REFERENCE = (Path(__file__).parents[3] / "docs" / "reference" / "explain.md").read_text("utf-8")


def test_every_figure_is_listed_with_its_definition() -> None:
    listed = re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", REFERENCE, re.MULTILINE)
    assert [(name, text.replace("\\|", "|")) for name, text in listed] == [
        (name, figure.definition) for name, figure in FIGURES.items()
    ]


def test_every_formula_is_described_with_its_sign() -> None:
    described = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) ?\| \S.* \|$", REFERENCE, re.MULTILINE))
    named = {str(formula) for formula in (*Formula, *Reckoning)}
    assert named == set(SIGNS)
    assert {name: described[name].strip() for name in named} == dict(SIGNS)


def test_a_figure_knows_the_fields_that_it_explains() -> None:
    assert fields_of("lot.cost") == [
        "/lots: lots.*.cost_basis",
        "/what-if: lots.*.before.cost_basis",
        "/what-if: lots.*.after.cost_basis",
    ]
    named = {name for fields in FIGURE_FIELDS.values() for name in fields.values()}
    assert named <= set(FIGURES)
