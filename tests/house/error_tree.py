"""Rules about errors: one tree, drawn as it is, every class with a code of its own."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.source import Fault, Source

ROOT_ERROR = "TidebookError"
BRANCH = re.compile(r"^(?P<stem>[\s│]*)(?:[├└]── )?(?P<name>\w+Error)\b")


class ErrorClass(NamedTuple):
    """An error as the code defines it."""

    name: str
    parent: str
    code: str | None
    line: int


def errors_are_drawn_as_they_are(source: Source) -> Iterator[Fault]:
    """Refuse a drawing whose names or parents differ from the classes below it."""
    if not source.is_in("errors"):
        return
    drawn = _drawn_parents(ast.get_docstring(source.tree(), clean=False) or "")
    coded = {error.name: error for error in _error_classes(source.tree())}
    for name in drawn.keys() - coded.keys():
        yield source.fault(1, f"{name} is drawn but not defined", "take it out of the drawing")
    for name, error in coded.items():
        if name not in drawn:
            yield source.fault(error.line, f"{name} is not drawn", "draw it in the docstring")
        elif drawn[name] != error.parent:
            yield source.fault(
                error.line,
                f"{name} is drawn under {drawn[name]} and derives from {error.parent}",
                "make both agree",
            )


def errors_have_their_own_code(source: Source) -> Iterator[Fault]:
    """Refuse an error without a code, or with the code of another."""
    if not source.is_in("errors"):
        return
    owners: dict[str, str] = {}
    for error in _error_classes(source.tree()):
        if error.code is None:
            yield source.fault(error.line, f"{error.name} has no code", "give it a stable one")
        elif error.code in owners:
            yield source.fault(
                error.line,
                f"{error.name} has the code of {owners[error.code]}",
                "give it one of its own",
            )
        else:
            owners[error.code] = error.name


def errors_live_in_the_tree(source: Source) -> Iterator[Fault]:
    """Refuse an error class anywhere but in the module that draws the tree."""
    if not source.is_python or source.path.parts[0] != "src" or source.is_in("errors"):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.ClassDef) and _parent(node).endswith(("Error", "Exception")):
            yield source.fault(
                node.lineno, f"{node.name} is an error outside the tree", "move it to errors.py"
            )


def _error_classes(tree: ast.Module) -> list[ErrorClass]:
    return [
        ErrorClass(node.name, _parent(node), _code(node), node.lineno)
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name.endswith("Error")
    ]


def _parent(node: ast.ClassDef) -> str:
    base = node.bases[0] if node.bases else None
    if isinstance(base, ast.Attribute):
        return base.attr
    return base.id if isinstance(base, ast.Name) else ""


def _code(node: ast.ClassDef) -> str | None:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        elif isinstance(statement, ast.Assign):
            target = statement.targets[0]
        else:
            continue
        value = statement.value
        if (
            isinstance(target, ast.Name)
            and target.id == "code"
            and isinstance(value, ast.Constant)
            and isinstance(value.value, str)
        ):
            return value.value
    return None


def _drawn_parents(drawing: str) -> dict[str, str]:
    """Read each drawn name and the name it hangs from; the root hangs from Exception."""
    parents: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in drawing.splitlines():
        found = BRANCH.match(line)
        if not found or ("─" not in line and found["name"] != ROOT_ERROR):
            continue
        column = len(found["stem"]) if "─" in line else -1
        while stack and stack[-1][0] >= column:
            stack.pop()
        parents[found["name"]] = stack[-1][1] if stack else "Exception"
        stack.append((column, found["name"]))
    return parents
