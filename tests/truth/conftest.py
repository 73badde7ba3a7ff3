"""The account of golden cases that wait for something, at the end of every run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_GOLDEN = "test_golden.py::test_golden_case["


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the cases that were not checked, by what they wait for."""
    waiting: defaultdict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        if _GOLDEN in report.nodeid:
            reason = str(report.longrepr[2]).removeprefix("Skipped: ")
            waiting[reason].append(report.nodeid.split("[", 1)[1].removesuffix("]"))
    if not waiting:
        return
    count = sum(len(ids) for ids in waiting.values())
    terminalreporter.write_sep("=", f"golden cases not checked yet: {count}")
    for reason, ids in sorted(waiting.items()):
        terminalreporter.write_line(f"{len(ids)} {reason}: {' '.join(ids)}")
