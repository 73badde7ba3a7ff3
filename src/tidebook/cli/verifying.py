"""``tidebook verify``: the stored book against the book that its facts come to."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation
from tidebook.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from tidebook.cli.output import Answer, Record
    from tidebook.engine.ports import Reader
    from tidebook.engine.verify import Difference


class Found(NamedTuple):
    """What a verification of many portfolios found; only the first differences are listed."""

    portfolios: int
    compared: dict[str, int]
    listed: list[Difference]
    differences: dict[str, int]
    """How many there are, by table."""
    folding: list[str]
    behind: list[str]


@app.command()
def verify(
    ctx: typer.Context,
    portfolios: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PF]...", help="Portfolio ids; the whole store if absent."),
    ] = None,
    *,
    limit: Annotated[int, typer.Option(min=1, help="How many differences to list.")] = 100,
) -> None:
    """Build the book again from its facts and compare it with the store.

    Every derived row is compared, to the digit: entries, positions with their lots, the keys that
    transactions are booked on, open findings, the daily series; and the offsets of the log.
    Nothing is written or locked, so it may run beside a server. Exit code 8: there are differences.
    """
    invocation: Invocation = ctx.obj
    with invocation.opened(run=False) as system:
        found = verified(system.reader, portfolios, limit, _progress(invocation))
    from tidebook.cli.output import write

    write(_answer(found), invocation.output)
    if found.differences:
        raise typer.Exit(Exit.CHECK_FAILED)


def verified(
    reader: Reader,
    portfolio_ids: Sequence[str] | None,
    limit: int,
    progress: Callable[[int], Generator[Callable[[int], None]]] | None = None,
) -> Found:
    """Return in what the stored book of portfolios, or of all, differs from its facts."""
    from tidebook.engine.verify import verify as compared

    found = Found(0, {}, [], {}, [], [])
    compared_rows: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    done = 0
    show = contextmanager(progress or _silent)
    with reader.kept_books(portfolio_ids or None) as kept, show(kept.portfolios) as advance:
        _note(found.listed, counts, kept.gaps, limit)
        for book in kept.books:
            part = compared(book)
            done += part.portfolios
            compared_rows.update(part.compared)
            _note(found.listed, counts, part.differences, limit)
            found.folding.extend(part.folding)
            found.behind.extend(part.behind)
            advance(part.portfolios)
    return found._replace(
        portfolios=done, compared=dict(compared_rows), differences=dict(sorted(counts.items()))
    )


def _note(
    listed: list[Difference], counts: Counter[str], fresh: Sequence[Difference], limit: int
) -> None:
    listed.extend(fresh[: max(0, limit - len(listed))])
    counts.update(difference.table for difference in fresh)


def _silent(total: int) -> Generator[Callable[[int], None]]:
    del total
    yield lambda _: None


def _progress(invocation: Invocation) -> Callable[[int], Generator[Callable[[int], None]]]:
    """Return what shows portfolios done and time left, on standard error and on a terminal."""
    from tidebook.cli.output import terminal

    console = terminal("err")
    if invocation.quiet or not console.is_terminal:
        return _silent

    def shown(total: int) -> Generator[Callable[[int], None]]:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
            task = bar.add_task("portfolios", total=total)
            yield lambda count: bar.advance(task, count)

    return shown


def _answer(found: Found) -> Answer:
    from tidebook.cli.output import Answer, Column

    records: list[Record] = [
        {
            "table": one.table,
            "key": " ".join(one.key),
            "column": one.column,
            "stored": one.stored,
            "rebuilt": one.rebuilt,
        }
        for one in found.listed
    ]
    count = sum(found.differences.values())
    rows = sum(found.compared.values())
    said = [f"{found.portfolios} portfolios, {rows} rows compared, {count} differences"]
    if count > len(records):
        said.append(f"{count - len(records)} more differences are not listed; see --limit")
    if found.folding:
        said.append(f"not compared, keys wait to be folded again: {', '.join(found.folding)}")
    if found.behind:
        said.append(f"series not compared, it is not up to date: {', '.join(found.behind)}")
    return Answer(
        "verification",
        (
            Column("table", "table"),
            Column("key", "row"),
            Column("column", "column"),
            Column("stored", "stored", "exact"),
            Column("rebuilt", "rebuilt", "exact"),
        ),
        records,
        {
            "equal": not count,
            "portfolios": found.portfolios,
            "rows_compared": found.compared,
            "differences_count": found.differences,
            "differences": [
                {**record, "key": list(one.key)}
                for record, one in zip(records, found.listed, strict=True)
            ],
            "folding": found.folding,
            "series_behind": found.behind,
        },
        None,
        tuple(said),
    )
