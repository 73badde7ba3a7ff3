"""Every house rule is seen to fail on a bad sample and to let a good one pass."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.house import error_tree, honesty, purity, shape
from tests.house.rules import RULES
from tests.house.source import sample

if TYPE_CHECKING:
    from tests.house.source import Rule

DRAWING = '''"""Errors.

    TidebookError
    ├── InputError     what was sent
    │   └── {leaf}   too many bytes
    └── StoreError     no database; a StoreError is not the caller's
"""
class TidebookError(Exception):
    code: ClassVar[str] = "tidebook.error"
class InputError(TidebookError):
    code = "input"
class BodyTooLargeError({parent}):
    code = "input.size"
class StoreError(TidebookError):
    code = "{store_code}"
'''
GOOD_TREE = DRAWING.format(leaf="BodyTooLargeError", parent="InputError", store_code="store")


class Case(NamedTuple):
    """A rule, where its sample lies, a sample that breaks it and one that keeps it."""

    rule: Rule
    path: str
    bad: str
    good: str


CASES = [
    Case(
        shape.modules_fit_one_sitting,
        "src/tidebook/book/lots.py",
        bad="count = 0\n" * 501,
        good="count = 0\n" * 500,
    ),
    Case(
        shape.functions_fit_one_look,
        "src/tidebook/book/lots.py",
        bad="def fold():\n" + "    step()\n" * 70,
        good='def fold():\n    """Fold.\n\n    Long.\n    """\n' + "    step()\n" * 69,
    ),
    Case(shape.modules_have_a_subject, "src/tidebook/utils.py", bad="", good=""),
    Case(shape.modules_have_a_subject, "src/tidebook/common/lots.py", bad="", good=""),
    Case(
        shape.classes_have_a_subject,
        "src/tidebook/book/lots.py",
        bad="class LotManager: ...",
        good="class Lot: ...",
    ),
    Case(
        purity.inputs_are_handed_in,
        "src/tidebook/book/lots.py",
        bad="from datetime import datetime as dt\nnow = dt.now(tz)",
        good="def fold(now): return now.date()",
    ),
    Case(
        purity.inputs_are_handed_in,
        "src/tidebook/engine/runner.py",
        bad="import os\nurl = os.environ['DATABASE_URL']",
        good="import os\nfolder = os.path.sep",
    ),
    Case(
        purity.inputs_are_handed_in,
        "src/tidebook/engine/commands.py",
        bad="from uuid import uuid4\nname = uuid4()",
        good="from uuid import UUID\nname = UUID(int=1)",
    ),
    Case(
        purity.inputs_are_handed_in,
        "src/tidebook/analytics/risk.py",
        bad="import numpy as np\nx = np.random.normal()",
        good="import numpy as np\nx = np.random.default_rng(7).normal()",
    ),
    Case(
        purity.seeds_are_given,
        "src/tidebook/analytics/risk.py",
        bad="import numpy as np\nrng = np.random.default_rng()",
        good="import numpy as np\nrng = np.random.default_rng(seed)",
    ),
    Case(
        purity.money_is_exact,
        "src/tidebook/book/lots.py",
        bad="cost: float = read()",
        good="cost: Decimal = read()",
    ),
    Case(
        purity.money_is_exact,
        "src/tidebook/model/money.py",
        bad="def amount(text: str) -> Decimal: return Decimal(float(text))",
        good="def amount(value: object) -> bool: return isinstance(value, (float, int))",
    ),
    Case(
        purity.money_is_exact,
        "src/tidebook/compliance/limits.py",
        bad="limit = Decimal(0.05)",
        good="limit = Decimal('0.05')",
    ),
    Case(
        purity.money_is_exact,
        "src/tidebook/book/series.py",
        bad="values = units.astype(np.float64)",
        good="values = units.astype(np.int64)",
    ),
    Case(
        purity.fronts_only_export,
        "src/tidebook/model/__init__.py",
        bad="import os",
        good="from tidebook.model.money import Money",
    ),
    Case(
        purity.fronts_only_export,
        "src/tidebook/live/__init__.py",
        bad="from asyncio import sleep",
        good="from .book import LiveBook",
    ),
    Case(
        purity.fronts_say_what_they_export,
        "src/tidebook/model/__init__.py",
        bad="from tidebook.model.money import Money",
        good="from tidebook.model.money import Money\n__all__ = ['Money']",
    ),
    Case(
        honesty.errors_are_caught_by_name,
        "src/tidebook/engine/queries.py",
        bad="try:\n    read()\nexcept (ValueError, Exception) as fault:\n    tell(fault)",
        good="try:\n    read()\nexcept ValueError as fault:\n    tell(fault)",
    ),
    Case(
        honesty.errors_are_caught_by_name,
        "src/tidebook/adapters/kafka.py",
        bad="try:\n    read()\nexcept:\n    stop()",
        good="try:\n    read()\nexcept Exception:  # edge: the client names no root\n    stop()",
    ),
    Case(
        honesty.errors_are_not_swallowed,
        "src/tidebook/engine/queries.py",
        bad="try:\n    read()\nexcept KeyError:\n    pass",
        good="try:\n    read()\nexcept KeyError:\n    count += 1",
    ),
    Case(
        honesty.errors_are_not_swallowed,
        "src/tidebook/engine/runner.py",
        bad="with contextlib.suppress(Exception):\n    read()",
        good="with contextlib.suppress(FileNotFoundError):\n    read()",
    ),
    Case(
        honesty.work_is_finished,
        "docs/reference/csv.md",
        bad="TODO: describe the columns",
        good="The columns are these. XXX is no currency.",
    ),
    Case(
        honesty.paths_are_portable,
        "docs/reference/csv.md",
        bad="Put it into {home}/book.".format(home="/" + "root"),
        good="Put it into docs{home}/book; the API answers at /performance.".format(
            home="/" + "root"
        ),
    ),
    Case(
        honesty.paths_are_portable,
        "src/tidebook/adapters/files.py",
        bad='FOLDER = "/home/anna/book"',
        good='FOLDER = "/home/linuxbrew/.linuxbrew/opt"',
    ),
    Case(
        honesty.sources_are_neutral,
        "requirements.txt",
        bad="-i https://pypi.org/simple\nalembic==1.0",
        good="alembic==1.0",
    ),
    Case(
        error_tree.errors_are_drawn_as_they_are,
        "src/tidebook/errors.py",
        bad=DRAWING.format(leaf="BodyTooLargeError", parent="TidebookError", store_code="store"),
        good=GOOD_TREE,
    ),
    Case(
        error_tree.errors_are_drawn_as_they_are,
        "src/tidebook/errors.py",
        bad=DRAWING.format(leaf="BodyTooSmallError", parent="InputError", store_code="store"),
        good=GOOD_TREE,
    ),
    Case(
        error_tree.errors_have_their_own_code,
        "src/tidebook/errors.py",
        bad=DRAWING.format(leaf="BodyTooLargeError", parent="InputError", store_code="input"),
        good=GOOD_TREE,
    ),
    Case(
        error_tree.errors_have_their_own_code,
        "src/tidebook/errors.py",
        bad='class TidebookError(Exception):\n    """No code."""',
        good=GOOD_TREE,
    ),
    Case(
        error_tree.errors_live_in_the_tree,
        "src/tidebook/book/lots.py",
        bad="class OversoldError(ValueError): ...",
        good="class Oversold(NamedTuple): ...",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.__name__}-{case.path}")
def test_bad_sample_is_refused_with_place_and_remedy(case: Case) -> None:
    faults = list(case.rule(sample(case.path, dedent(case.bad))))
    assert faults
    assert all(str(fault).startswith(f"{case.path}:{fault.line}: ") for fault in faults)
    assert all(fault.remedy for fault in faults)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule.__name__}-{case.path}")
def test_good_sample_passes(case: Case) -> None:
    # What a name rule judges is the path, so its good sample lies elsewhere.
    named = case.rule is shape.modules_have_a_subject
    path = "src/tidebook/book/lots.py" if named else case.path
    assert not list(case.rule(sample(path, dedent(case.good))))


def test_every_rule_has_a_bad_sample() -> None:
    assert {case.rule for case in CASES} == set(RULES)


def test_fault_names_path_line_what_and_remedy() -> None:
    source = sample("src/tidebook/book/lots.py", "\ncost = 0.1\n")
    assert [str(fault) for fault in purity.money_is_exact(source)] == [
        "src/tidebook/book/lots.py:2: the literal 0.1 near money, compute with Decimal or int"
    ]


@pytest.mark.parametrize("name", ["runner.py", "lots.py"])
def test_only_the_runner_may_catch_everything(name: str) -> None:
    text = "try:\n    step()\nexcept Exception:\n    park()"
    faults = list(honesty.errors_are_caught_by_name(sample(f"src/tidebook/engine/{name}", text)))
    assert bool(faults) == (name != "runner.py")


@pytest.mark.parametrize("edge", ["adapters/clock.py", "cli/demo.py", "wiring.py", "config.py"])
def test_the_edges_may_read_the_clock(edge: str) -> None:
    text = "import time\nnow = time.time()"
    assert not list(purity.inputs_are_handed_in(sample(f"src/tidebook/{edge}", text)))
    assert list(purity.inputs_are_handed_in(sample(f"src/tidebook/api/{edge}", text)))
