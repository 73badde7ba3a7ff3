"""The reference says of every measure what its entry in the catalogue says."""

from __future__ import annotations

from tests.fixtures import measures_page
from tidebook.analytics import MEASURES
from tidebook.analytics.catalogue_page import catalogue_page
from tidebook.analytics.traits import TRAITS


def test_the_reference_is_the_catalogue() -> None:
    assert measures_page.told() == catalogue_page(), (
        "python -m tests.fixtures.measures_page writes the page anew"
    )


def test_every_measure_has_one_line_with_every_cell() -> None:
    lines = [line for line in catalogue_page().splitlines() if line.startswith("| `")]
    assert [line.split("`")[1] for line in lines] == [one.id for one in (*MEASURES, *TRAITS)]
    for line in lines:
        cells = line.replace("\\|", "").strip("|").split("|")
        assert len(cells) == 7, line
        assert all(cell.strip() for cell in cells), line
