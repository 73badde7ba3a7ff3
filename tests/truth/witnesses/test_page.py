"""Every difference that the page justifies is accounted for by a test."""

from __future__ import annotations

from pathlib import Path

from tests.truth.witnesses.series import PAGE


def test_every_difference_on_the_page_is_accounted_for() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")
    )
    told = PAGE.read_text(encoding="utf-8").split("## Differences", 1)[1]
    lines = [
        line.split(" | ") for line in told.splitlines() if line.startswith("| ") and "`" in line
    ]
    subjects = [(line[0].strip("| "), line[1].strip("`")) for line in lines]
    assert len(subjects) > 15
    for library, subject in subjects:
        assert f'is_justified("{library}", "{subject}")' in tests, subject
