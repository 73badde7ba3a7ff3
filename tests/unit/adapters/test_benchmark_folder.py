"""Levels of benchmarks from a folder of files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.adapters.benchmarkfiles import BenchmarkFolder
from tidebook.errors import ProviderError
from tidebook.model.markets import DatedValue

if TYPE_CHECKING:
    from pathlib import Path

FIRST, LAST = date(2024, 1, 2), date(2024, 1, 31)


def levels(folder: Path, text: str) -> tuple[DatedValue, ...]:
    (folder / "SPY.csv").write_text(text, encoding="utf-8")
    return BenchmarkFolder(folder).fetch("SPY", FIRST, LAST)


def test_the_adjusted_close_goes_before_the_plain_one(tmp_path: Path) -> None:
    text = (
        "\ufeffDate,Open,Close,Adj Close\n2024-01-03,1,470,465.5\n2024-01-02,1,472,467.25\n"
        "\n2024-02-01,1,480,479\n"
    )
    assert levels(tmp_path, text) == (
        DatedValue(date(2024, 1, 2), Decimal("467.25")),
        DatedValue(date(2024, 1, 3), Decimal("465.5")),
    )


def test_a_level_may_be_called_so(tmp_path: Path) -> None:
    found = levels(tmp_path, "date,level\n2024-01-02,100.000000000000000001\n")
    assert found == (DatedValue(date(2024, 1, 2), Decimal("100.000000000000000001")),)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("date,close\n2024-01-02,1\n", "does not name date and adj_close or level"),
        ("", "does not name date"),
        ("date,level\n02.01.2024,1\n", "line 2 of SPY.csv has no day and level"),
        ("date,level\n2024-01-02\n", "line 2 of SPY.csv has no day and level"),
        ("date,level\n2024-01-02,0\n", "line 2 of SPY.csv has a level that is none"),
        ("date,level\n2024-01-02,inf\n", "line 2 of SPY.csv has a level that is none"),
        ("date,level\n2024-01-02,1\n2024-01-02,2\n", "line 3 of SPY.csv repeats 2024-01-02"),
    ],
)
def test_a_file_that_cannot_be_read_gives_no_levels(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ProviderError, match=why):
        levels(tmp_path, text)


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ProviderError, match=r"there is no QQQ\.csv") as refused:
        BenchmarkFolder(tmp_path).fetch("QQQ", FIRST, LAST)
    assert str(tmp_path) not in str(refused.value)
