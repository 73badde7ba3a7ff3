"""``tidebook import``: files into the book, row by row through the door, with a report."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from tidebook.cli.app import app
from tidebook.cli.doors import Invocation, Output
from tidebook.cli.exits import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from tidebook.adapters.csvfile import FileKind
    from tidebook.cli.door import Examined, GoodRow
    from tidebook.cli.output import Answer, Record
    from tidebook.cli.targets import Target

_TEXT_SHOWN: Final = 160


class Held(StrEnum):
    """What files may be said to hold: the kinds that the reader of files knows.

    They are repeated here so that a command line can be read without what reads files.
    """

    TRANSACTIONS = "transactions"
    PRICES = "prices"
    RATES = "rates"
    INSTRUMENTS = "instruments"
    PORTFOLIOS = "portfolios"
    CORPORATE_ACTIONS = "corporate-actions"
    ASSERTIONS = "assertions"
    CANCELLATIONS = "cancellations"


class OnError(StrEnum):
    """What to do when some rows are bad."""

    ABORT = "abort"
    """Send nothing."""
    PARTIAL = "partial"
    """Send the good rows."""


class _Outcome(NamedTuple):
    """What became of an import."""

    sent: int
    is_booked: bool
    is_interrupted: bool
    findings: Sequence[Record]


_NOTHING_SENT: Final = _Outcome(0, is_booked=True, is_interrupted=False, findings=())


@app.command("import")
def import_(
    ctx: typer.Context,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV; the header says what it holds.")
    ],
    *,
    kind: Annotated[
        Held | None,
        typer.Option(help="What the files hold, where the header is not to decide."),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check every row, show what would change, write nothing."),
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Rows sent at once.")] = 1000,
    on_error: Annotated[
        OnError, typer.Option(help="abort: send nothing if a row is bad; partial: send the rest.")
    ] = OnError.ABORT,
    wait: Annotated[
        int, typer.Option(min=0, help="Seconds to wait at the end until all is booked.")
    ] = 60,
) -> None:
    """Import CSV files, row by row.

    Transactions, prices, rates, instruments, portfolios, corporate actions, balance assertions and
    cancellations: the header says which, or --kind.
    Every row passes the same checks as a request over HTTP. Sending a file again changes nothing:
    what is booked already is recognised by its id.
    """
    invocation: Invocation = ctx.obj
    examined = _examined(files, kind)
    bad = [fault for one in examined for fault in one.bad]
    for fault in bad:
        where = f"{fault.file}:{fault.line}" + (f": {fault.column}" if fault.column else "")
        typer.echo(f"{where}: {fault.what}", err=True)
        if fault.text:
            typer.echo(f"  {fault.text[:_TEXT_SHOWN]}", err=True)
    outcome = _NOTHING_SENT
    if not dry_run and not (bad and on_error is OnError.ABORT):
        outcome = _sent(invocation, examined, batch, wait)
    answer = _answer(examined, outcome, dry_run)
    if dry_run and not (bad and on_error is OnError.ABORT):
        answer = _with_changes(answer, invocation, examined)
    _report(invocation, answer, outcome)
    raise typer.Exit(_code(bool(bad), outcome, dry_run))


def _with_changes(answer: Answer, invocation: Invocation, examined: Sequence[Examined]) -> Answer:
    """Return an answer that tells besides what the good rows would change."""
    from tidebook.cli.dry_run import changes_of, with_changes

    facts = [(one.kind, [row.fact for row in one.good]) for one in examined if one.kind]
    return with_changes(answer, changes_of(invocation, facts))


def _examined(files: Sequence[Path], kind: Held | None) -> list[Examined]:
    """Return the files with their rows sorted, those that others refer to first."""
    from tidebook.adapters.csvfile import FileKind, read_file
    from tidebook.cli.door import examine

    now = datetime.now(UTC)
    said = None if kind is None else FileKind(kind.value)
    found = [examine(str(path), read_file(path, said), now) for path in files]
    order = [
        FileKind.PORTFOLIOS,
        FileKind.INSTRUMENTS,
        FileKind.CORPORATE_ACTIONS,
        FileKind.PRICES,
        FileKind.RATES,
        FileKind.TRANSACTIONS,
        FileKind.ASSERTIONS,
        FileKind.CANCELLATIONS,
    ]
    return sorted(found, key=lambda one: order.index(one.kind) if one.kind else -1)


def _sent(
    invocation: Invocation, examined: Sequence[Examined], batch: int, wait_seconds: int
) -> _Outcome:
    """Send the good rows in batches and wait until they are booked."""
    from tidebook.cli.targets import opened_target

    rows = [(one.kind, row) for one in examined if one.kind for row in one.good]
    if not rows:
        return _NOTHING_SENT
    sent, is_interrupted = 0, False
    with opened_target(invocation) as target, _progress(invocation, len(rows)) as advance:
        try:
            for kind, part in _batches(rows, batch):
                target.send(kind, part)
                sent += len(part)
                advance(len(part))
        except KeyboardInterrupt:
            is_interrupted = True
        is_booked = target.settle(0 if is_interrupted else wait_seconds)
        findings = _findings(target, [row for _, row in rows[:sent]])
    return _Outcome(sent, is_booked, is_interrupted, findings)


def _batches(
    rows: Sequence[tuple[FileKind, GoodRow]], size: int
) -> Iterator[tuple[FileKind, list[GoodRow]]]:
    for kind, group in groupby(rows, key=lambda pair: pair[0]):
        members = [row for _, row in group]
        for start in range(0, len(members), size):
            yield kind, members[start : start + size]


def _findings(target: Target, rows: Sequence[GoodRow]) -> list[Record]:
    """Return the open findings about the transactions sent."""
    from tidebook.model.facts import Transaction

    facts = [row.fact for row in rows if isinstance(row.fact, Transaction)]
    ids = {fact.transaction_id for fact in facts}
    portfolios = {fact.portfolio_id for fact in facts}
    found = target.findings(sorted(portfolios))
    return [record for record in found if record["transaction_id"] in ids]


@contextmanager
def _progress(invocation: Invocation, total: int) -> Generator[Callable[[int], None]]:
    """Show rows, rate and time left on standard error, where that is a terminal."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    from tidebook.cli.output import terminal

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")

    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), Rate())
    console = terminal("err")
    with ExitStack() as stack:
        if invocation.quiet or not console.is_terminal:
            yield lambda _: None
            return
        progress = stack.enter_context(
            Progress(*columns, TimeRemainingColumn(), console=console, transient=True)
        )
        task = progress.add_task("rows", total=total)
        yield lambda count: progress.advance(task, count)


def _report(invocation: Invocation, answer: Answer, outcome: _Outcome) -> None:
    from tidebook.cli.output import write

    write(answer, invocation.output)
    if outcome.is_interrupted and not invocation.quiet:
        typer.echo(
            "interrupted; run the same command again to go on: what was sent is durable, and a "
            "repeated fact changes nothing",
            err=True,
        )
    for record in outcome.findings if invocation.output is not Output.JSON else ():
        typer.echo(
            f"{record['severity']}: {record['transaction_id']}: {record['sentence']}\n"
            f"  hint: {record['remedy']}",
            err=True,
        )


def _answer(examined: Sequence[Examined], outcome: _Outcome, dry_run: bool) -> Answer:
    from tidebook.cli.output import Answer, Column

    records: list[Record] = [
        {
            "file": one.file,
            "kind": str(one.kind) if one.kind else None,
            "rows_read": one.read,
            "rows_good": len(one.good),
            "rows_bad": one.bad_rows,
        }
        for one in examined
    ]
    if dry_run:
        said = "dry run: nothing was written"
    elif not outcome.sent:
        said = "nothing was sent"
    else:
        booked = "booked" if outcome.is_booked else "taken and not all booked yet"
        said = f"{outcome.sent} sent, {booked}; open findings: {len(outcome.findings)}"
    return Answer(
        "import",
        (
            Column("file", "file"),
            Column("kind", "kind"),
            Column("rows_read", "rows", "exact"),
            Column("rows_good", "good", "exact"),
            Column("rows_bad", "bad", "exact"),
        ),
        records,
        {
            "files": records,
            "faults": [fault._asdict() for one in examined for fault in one.bad],
            "dry_run": dry_run,
            "sent": outcome.sent,
            "booked": outcome.is_booked if outcome.sent else None,
            "findings": list(outcome.findings),
        },
        None,
        (said,),
    )


def _code(is_bad: bool, outcome: _Outcome, dry_run: bool) -> Exit:
    if outcome.is_interrupted:
        return Exit.INTERRUPTED
    if is_bad:
        return Exit.PARTIAL if outcome.sent and not dry_run else Exit.INVALID_INPUT
    return Exit.OK if outcome.is_booked else Exit.PARTIAL
