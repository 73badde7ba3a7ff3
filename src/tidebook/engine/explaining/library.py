"""What figures are explained from that rest on more than one portfolio's book."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from tidebook.engine.benchmarks import Benchmarks
    from tidebook.engine.compliance.ports import Compliance
    from tidebook.engine.ports import Reader


class Library(NamedTuple):
    """The whole book, the levels of benchmarks, the verdicts of rules, and the present instant."""

    reader: Reader
    benchmarks: Benchmarks
    compliance: Compliance
    now: datetime
