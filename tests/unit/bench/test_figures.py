"""The table and the file that a benchmark leaves behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bench.clocks import percentile
from bench.figures import Bar, Baseline, Figure, number, table, write_file

if TYPE_CHECKING:
    from pathlib import Path

_FASTER = Figure(
    "load",
    "tx/s",
    (9_000.0, 7_000.0, 8_000.0),
    Baseline("copying", 16_000.0),
    Bar("at least", 6_000.0),
    "100,000 transactions",
)
_SLOWER = Figure(
    "late",
    "ms",
    (90.0, 110.0),
    Baseline("commit", 0.5),
    Bar("at most", 100.0),
    "40 trades",
    value=110.0,
)


def test_a_figure_is_the_median_of_its_runs() -> None:
    assert _FASTER.reached == 8_000.0
    assert _FASTER.ratio == 0.5
    assert _FASTER.meets


def test_a_figure_that_says_its_value_is_not_the_median() -> None:
    assert _SLOWER.reached == 110.0
    assert _SLOWER.ratio == 220.0
    assert not _SLOWER.meets


@pytest.mark.parametrize(
    ("side", "bar", "meets"),
    [
        ("at least", 8_000.0, True),
        ("at least", 8_000.1, False),
        ("at most", 8_000.0, True),
        ("at most", 7_999.9, False),
    ],
)
def test_a_bar_that_is_just_reached_is_met(side: str, bar: float, meets: bool) -> None:
    chosen = Bar("at least" if side == "at least" else "at most", bar)
    assert _FASTER._replace(bar=chosen).meets is meets


@pytest.mark.parametrize(("ratio", "meets"), [(0.5, True), (0.51, False)])
def test_a_bar_on_the_ratio_must_be_met_as_well(ratio: float, meets: bool) -> None:
    assert _FASTER._replace(bar=Bar("at least", 6_000.0, ratio)).meets is meets


def test_a_bar_on_the_ratio_does_not_make_up_for_the_figure() -> None:
    assert not _FASTER._replace(bar=Bar("at least", 9_000.0, 0.1)).meets


def test_the_file_holds_one_record_per_figure(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    write_file(path, [_FASTER, _SLOWER], quick=False)
    first, second = json.loads(path.read_text(encoding="utf-8"))
    assert first == {
        "row": "load",
        "value": 8_000.0,
        "unit": "tx/s",
        "baseline": "copying",
        "baseline_value": 16_000.0,
        "ratio": 0.5,
        "bar": 6_000.0,
        "meets": True,
        "bar_side": "at least",
        "bar_ratio": None,
        "size": "100,000 transactions",
        "quick": False,
        "runs": [9_000.0, 7_000.0, 8_000.0],
    }
    assert (second["row"], second["value"], second["meets"]) == ("late", 110.0, False)


def test_a_quick_run_meets_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    write_file(path, [_FASTER], quick=True)
    (only,) = json.loads(path.read_text(encoding="utf-8"))
    assert only["quick"] is True
    assert only["meets"] is None
    assert "yes" not in table([_FASTER], quick=True)


def test_the_table_aligns_numbers_right_and_words_left() -> None:
    assert table([_FASTER, _SLOWER], quick=False).splitlines() == [
        "row   value  unit       bar  meets  baseline  ratio  what the baseline is",
        "load  8,000  tx/s  >= 6,000  yes      16,000    0.5  copying",
        "late    110  ms      <= 100  no          0.5    220  commit",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(123456.7, "123,457"), (100.0, "100"), (99.94, "99.9"), (0.01234, "0.0123"), (2.0, "2")],
)
def test_a_number_is_told_in_three_digits_or_whole(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(20, 99, 20), (100, 99, 99), (200, 99, 198), (4, 50, 2)]
)
def test_a_percentile_is_the_nearest_rank(count: int, percent: float, expected: int) -> None:
    assert percentile([float(n) for n in range(count, 0, -1)], percent) == expected
