"""``tidebook explain``: the tree under a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit
from tidebook.cli.reading import AsOf, KnownAt, Portfolio

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from tidebook.book.derivation import Node
    from tidebook.engine.explain import Explanation

_SIGNS: Final = {
    "sum": "Σ",
    "difference": "−",
    "product": "×",
    "negative": "±",
    "converted": "× rate",
    "share": "share",
    "given": "",
    "undefined": "?",
}


@app.command()
def explain(
    ctx: typer.Context,
    figure: Annotated[
        str,
        typer.Argument(metavar="FIGURE", help="quantity, cost, value, unrealised or realised."),
    ],
    portfolio: Portfolio,
    security: Annotated[
        str | None, typer.Argument(metavar="[SECURITY]", help="The whole portfolio if absent.")
    ] = None,
    *,
    depth: Annotated[
        int | None, typer.Option(min=1, help="How many levels to show; all if absent.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> None:
    """Show what a figure was computed from.

    The tree goes down to transactions, prices and rates.
    The tree is computed again from its leaves; exit code 8 says that the book holds another
    figure than they come to.
    """
    from tidebook.book.derivation import disagreements
    from tidebook.engine.explain import Figure, Question, explain as explained

    try:
        chosen = Figure(figure)
    except ValueError:
        known = ", ".join(Figure)
        raise typer.BadParameter(f"{figure!r} is none of {known}", param_hint="FIGURE") from None
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        found = explained(system.reader, Question(chosen, portfolio, security, as_of, known_at))
    wrong = disagreements(found.node)
    _show(found, wrong, depth, invocation.output)
    if wrong:
        raise typer.Exit(Exit.CHECK_FAILED)


def _show(found: Explanation, wrong: tuple[Node, ...], depth: int | None, output: Output) -> None:
    from tidebook.cli.answers import freshness_note
    from tidebook.cli.output import terminal

    if output is Output.JSON:
        _show_json(found, wrong, depth)
        return
    if output is Output.CSV:
        raise typer.BadParameter("a tree has no form in CSV; ask for table or json")
    console = terminal()
    console.print(tree_of(found.node, depth))
    typer.echo(freshness_note(found.freshness))
    if found.unvalued:
        typer.echo(f"without a value and not in the total: {', '.join(found.unvalued)}")
    for node in wrong:
        typer.echo(f"does not follow from what is below it: {node.label}", err=True)
    if not wrong:
        typer.echo("computed again from its leaves: the same to the digit")


def _show_json(found: Explanation, wrong: tuple[Node, ...], depth: int | None) -> None:
    from tidebook.cli.answers import freshness_record
    from tidebook.cli.output import json_text

    document = {
        "figure": str(found.question.figure),
        "portfolio_id": found.question.portfolio_id,
        "security_id": found.question.security_id,
        "freshness": freshness_record(found.freshness),
        "unvalued": list(found.unvalued),
        "agrees": not wrong,
        "tree": document_of(found.node, depth),
    }
    typer.echo(json_text(document))


def document_of(node: Node, depth: int | None = None) -> dict[str, object]:
    """Return a tree as a JSON document, cut below ``depth`` levels."""
    deeper = None if depth is None else depth - 1
    children = () if depth == 0 else node.children
    return {
        "label": node.label,
        "value": node.value,
        "unit": node.unit,
        "formula": str(node.formula),
        "source": node.source,
        "children": [document_of(child, deeper) for child in children],
    }


def tree_of(node: Node, depth: int | None = None) -> Tree:
    """Return a tree for the terminal: figure, unit, what it is, how it follows, and its fact."""
    from rich.tree import Tree

    tree = Tree(_line(node), guide_style="dim")
    _grow(tree, node, depth)
    return tree


def _grow(tree: Tree, node: Node, depth: int | None) -> None:
    if depth == 0:
        return
    for child in node.children:
        _grow(tree.add(_line(child)), child, None if depth is None else depth - 1)


def _line(node: Node) -> Text:
    from rich.text import Text

    from tidebook.model.money import decimal_text

    line = Text(no_wrap=True)
    line.append("undefined" if node.value is None else decimal_text(node.value), style="bold")
    line.append(f" {node.unit}" if node.unit else "")
    line.append(f"  {node.label}")
    sign = _SIGNS[node.formula]
    line.append(f"  [{sign}]" if sign else "", style="cyan")
    line.append(f"  ({node.source})" if node.source else "", style="dim")
    return line
