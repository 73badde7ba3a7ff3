"""The example notebook does what it shows, on a store of its own."""

from __future__ import annotations

import pytest

from tests.fixtures import notebook


def test_the_notebook_is_that_of_its_source() -> None:
    cells = [source for source, _ in notebook.told(notebook.kept())]
    assert cells == [source for source, _ in notebook.told(notebook.written())], (
        "python -m tests.fixtures.notebook runs the source and writes the notebook anew"
    )


@pytest.mark.cluster
def test_every_cell_says_what_is_kept() -> None:
    assert notebook.told(notebook.executed()) == notebook.told(notebook.kept())
