"""Rules about what code may depend on: no hidden input, no float near money."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.house.source import Fault, Source

PURE = ("model", "book", "analytics", "compliance", "strategy", "live")
EXACT = ("model", "book", "compliance")
EDGES = ("adapters", "cli", "client", "wiring", "config")
HIDDEN_INPUTS = frozenset(
    {
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "os.environ",
        "os.getenv",
        "time.time",
        "time.time_ns",
        "uuid.uuid1",
        "uuid.uuid4",
    }
)
HIDDEN_MODULES = ("random.", "secrets.", "numpy.random.")
# A generator that is handed its seed is as repeatable as the seed.
SEEDED = frozenset({"numpy.random.Generator", "numpy.random.PCG64", "numpy.random.SeedSequence"})
FRONT_MODULES = frozenset({"__future__", "typing"})


def inputs_are_handed_in(source: Source) -> Iterator[Fault]:
    """Refuse clock, environment, ids and chance anywhere but at the edges."""
    if not source.is_python or source.path.parts[0] != "src" or source.is_in(*EDGES):
        return
    tree = source.tree()
    names = _imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            name = _full_name(node, names)
            if _is_hidden_input(name):
                yield source.fault(
                    node.lineno, f"{name} is read here", "take the value as a parameter"
                )


def seeds_are_given(source: Source) -> Iterator[Fault]:
    """Refuse a numpy generator that seeds itself."""
    if not source.is_python or source.path.parts[0] != "src" or source.is_in(*EDGES):
        return
    tree = source.tree()
    names = _imported_names(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and _full_name(node.func, names) == "numpy.random.default_rng"
            and not node.args
            and not node.keywords
        ):
            yield source.fault(node.lineno, "a generator seeds itself", "hand the seed in")


def money_is_exact(source: Source) -> Iterator[Fault]:
    """Refuse float where money is counted: annotations, calls, literals and numpy kinds.

    Naming float to turn it away, as in ``isinstance(value, float)``, is allowed.
    """
    if not source.is_python or not source.is_in(*EXACT):
        return
    tree = source.tree()
    allowed = {
        id(name)
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "isinstance"
        for argument in call.args[1:]
        for name in ast.walk(argument)
    }
    for node in ast.walk(tree):
        what = _float_in(node)
        if what and id(node) not in allowed:
            line = getattr(node, "lineno", 1)
            yield source.fault(line, f"{what} near money", "compute with Decimal or int")


def fronts_only_export(source: Source) -> Iterator[Fault]:
    """Refuse anything foreign in the `__init__` of a pure package.

    The import contracts name the modules inside a package; this holds the package's own front.
    """
    if source.path.name != "__init__.py" or not source.is_in(*PURE):
        return
    for node in ast.walk(source.tree()):
        if isinstance(node, ast.Import):
            foreign = [a.name for a in node.names if a.name.split(".")[0] != "tidebook"]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            own = module.split(".")[0] == "tidebook" or module in FRONT_MODULES
            foreign = [] if own else [module]
        else:
            continue
        for name in foreign:
            yield source.fault(
                node.lineno, f"{name} is imported by a package's front", "import it where it works"
            )


def fronts_say_what_they_export(source: Source) -> Iterator[Fault]:
    """Refuse an `__init__` that brings names in without listing them in `__all__`."""
    if source.path.name != "__init__.py" or source.path.parts[0] != "src":
        return
    body = source.tree().body
    exported = [node for node in body if _brings_a_name_in(node)]
    listed = any(
        isinstance(target, ast.Name) and target.id == "__all__"
        for node in body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    )
    if exported and not listed:
        yield source.fault(
            exported[0].lineno, "a front exports without __all__", "list what may be used"
        )


def _brings_a_name_in(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module != "__future__"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return not node.name.startswith("_")
    return False


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Map each local name that an import binds to the full name behind it."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.split(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str:
    """Spell a dotted name out from its import; empty when it does not start at one."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return ""
    return ".".join([names[node.id], *reversed(parts)])


def _is_hidden_input(name: str) -> bool:
    if name in SEEDED or name == "numpy.random.default_rng":
        return False
    return name in HIDDEN_INPUTS or name.startswith(HIDDEN_MODULES)


def _float_in(node: ast.AST) -> str:
    if isinstance(node, ast.Name) and node.id == "float":
        return "float"
    if isinstance(node, ast.Attribute) and node.attr.startswith("float"):
        return f".{node.attr}"
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return f"the literal {node.value}"
    return ""
