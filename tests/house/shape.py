"""Rules about size and names: what one sitting can hold, and words that say nothing."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.source import Fault, Source

MODULE_LINES_MAX = 500
WHOLE = frozenset({"src/tidebook/errors.py"})
"""What is read as one drawing and grows with every refusal: the tree of errors."""
FUNCTION_LINES_MAX = 70
EMPTY_NAMES = frozenset(
    {
        "base",
        "common",
        "helper",
        "helpers",
        "manager",
        "managers",
        "misc",
        "service",
        "services",
        "util",
        "utils",
    }
)
EMPTY_ENDINGS = (
    "Manager",
    "Helper",
    "Util",
    "Utils",
    "Processor",
    "Handler",
    "Service",
    "DTO",
    "Data",
    "Info",
)


def modules_fit_one_sitting(source: Source) -> Iterator[Fault]:
    """Refuse a module of more lines than one sitting reads."""
    count = len(source.lines)
    if _is_code(source) and count > MODULE_LINES_MAX and source.path.as_posix() not in WHOLE:
        yield source.fault(
            MODULE_LINES_MAX + 1,
            f"a module of {count} lines",
            f"split it by subject below {MODULE_LINES_MAX}",
        )


def functions_fit_one_look(source: Source) -> Iterator[Fault]:
    """Refuse a function whose body, its docstring not counted, outgrows one look."""
    if not _is_code(source):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = _line_count(node)
            if count > FUNCTION_LINES_MAX:
                yield source.fault(
                    node.lineno,
                    f"{node.name} has {count} lines",
                    f"take steps out of it until it has {FUNCTION_LINES_MAX}",
                )


def modules_have_a_subject(source: Source) -> Iterator[Fault]:
    """Refuse files and folders whose name says only that something is inside."""
    if not source.is_python:
        return
    for part in source.path.with_suffix("").parts:
        if part.strip("_").lower() in EMPTY_NAMES:
            yield source.fault(1, f"a module or folder named {part!r}", "name it by its subject")


def classes_have_a_subject(source: Source) -> Iterator[Fault]:
    """Refuse class names that end in a word that fits every class."""
    if not _is_code(source):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.ClassDef) and node.name.endswith(EMPTY_ENDINGS):
            yield source.fault(
                node.lineno, f"a class named {node.name}", "name the thing, not its role in code"
            )


def _is_code(source: Source) -> bool:
    return source.is_python and source.path.parts[0] in {"src", "bench"}


def _line_count(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    end = node.end_lineno or node.lineno
    count = end - node.lineno + 1
    if ast.get_docstring(node) is not None:
        doc = node.body[0]
        count -= (doc.end_lineno or doc.lineno) - doc.lineno + 1
    return count
