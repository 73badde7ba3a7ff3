"""Rules about what code must not hide: swallowed errors, unfinished work, private addresses."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.source import Fault, Source

BROAD = frozenset({"Exception", "BaseException"})
EDGE_MARK = "# edge:"

# The three letters are also the currency code for "no currency", so alone they are no fault.
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|HACK|NotImplementedError)\b|\bXXX:|#\s*XXX\b")
# Homebrew on Linux lives below /home on every machine, so it names none.
MACHINE_PATH = re.compile(
    r"(?<![\w.\-/*])/(?:root|work|tmp)/\w|(?<![\w.\-])/(?:home|Users)/(?!linuxbrew/)\w|[A-Z]:\\Users\\"
)
REGISTRY = re.compile(
    r"\bpypi\.(?:org|python)|pythonhosted\.org|registry\.npmjs\.|\bproxy\.golang\."
    r"|--(?:extra-)?index-url|--find-links"
)


def errors_are_caught_by_name(source: Source) -> Iterator[Fault]:
    """Refuse `except Exception` and its kin outside the runner and marked edges of adapters."""
    if not source.is_python or source.path.parts[0] != "src" or source.is_in("engine/runner"):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type):
            marked = EDGE_MARK in source.lines[node.lineno - 1]
            if not (marked and source.is_in("adapters")):
                yield source.fault(
                    node.lineno,
                    "everything is caught",
                    "name the errors; at the edge of an adapter say why after '# edge:'",
                )


def errors_are_not_swallowed(source: Source) -> Iterator[Fault]:
    """Refuse a handler that does nothing, and a suppression of everything."""
    if not source.is_python or source.path.parts[0] not in {"src", "bench"}:
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.ExceptHandler) and all(_does_nothing(s) for s in node.body):
            yield source.fault(
                node.lineno, "an error is swallowed", "act on it, or use contextlib.suppress"
            )
        elif isinstance(node, ast.Call) and _suppresses_everything(node):
            yield source.fault(node.lineno, "every error is suppressed", "name the errors")


def work_is_finished(source: Source) -> Iterator[Fault]:
    """Refuse the words by which code says that it is not done."""
    yield from _matches(
        source, UNFINISHED, "finish it, or leave it out and say so in the documentation"
    )


def paths_are_portable(source: Source) -> Iterator[Fault]:
    """Refuse paths of one machine in a public file."""
    yield from _matches(source, MACHINE_PATH, "take the path from a setting or a temporary folder")


def sources_are_neutral(source: Source) -> Iterator[Fault]:
    """Refuse addresses of package registries: which one is used is each reader's choice."""
    yield from _matches(source, REGISTRY, "name the package alone")


def _matches(source: Source, pattern: re.Pattern[str], remedy: str) -> Iterator[Fault]:
    if source.states_the_rules:
        return
    for number, line in enumerate(source.lines, start=1):
        found = pattern.search(line)
        if found:
            yield source.fault(number, f"{found.group().strip()!r} is written here", remedy)


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    members = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(member, ast.Name) and member.id in BROAD for member in members)


def _does_nothing(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _suppresses_everything(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    name = call.func.id if isinstance(call.func, ast.Name) else name
    return name == "suppress" and any(_is_broad(argument) for argument in call.args)
