"""How an answer is written: a table for people, JSON and CSV for programs.

JSON and CSV carry every digit; only the table rounds, and only amounts and percentages.
"""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tidebook.cli.doors import Output
from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Value = Decimal | float | int | str | date | datetime | bool | None
Record = dict[str, Value]

_CENT: Final = Decimal("0.01")
_PIPE_WIDTH: Final = 200
_DASH: Final = "–"


class Column(NamedTuple):
    """A column of a table: the record's field, its heading, and how the field is written.

    ``form`` is one of ``text``, ``exact`` (every digit), ``amount`` (two decimals, grouped) and
    ``percent`` (of a fraction).
    """

    field: str
    title: str
    form: str = "text"


class Answer(NamedTuple):
    """What a command has to say.

    ``records`` are the rows, with the same fields in each; ``document`` is the JSON answer.
    ``columns`` choose and order the fields of the table, ``total`` is its last row, and ``notes``
    are lines below it.
    """

    title: str
    columns: tuple[Column, ...]
    records: Sequence[Record]
    document: Mapping[str, object]
    total: Record | None = None
    notes: tuple[str, ...] = ()


def write(answer: Answer, output: Output) -> None:
    """Write an answer to standard output; notes beside CSV go to standard error."""
    match output:
        case Output.TABLE:
            _write_table(answer)
        case Output.JSON:
            typer.echo(json_text(answer.document))
        case Output.CSV:
            _write_csv(answer)
        case _:
            assert_never(output)


def json_text(document: object) -> str:
    """Return a document as JSON: decimals as strings with every digit, days in ISO form."""
    return json.dumps(document, default=_plain, indent=2, ensure_ascii=False, allow_nan=False)


def cell(value: Value, form: str) -> str:
    """Return one field as it stands in a table; a dash where it is undefined."""
    if value is None:
        return _DASH
    if isinstance(value, Decimal):
        if form == "amount":
            return f"{value.quantize(_CENT, ROUND_HALF_EVEN):z,f}"
        return f"{value * 100:z.2f} %" if form == "percent" else decimal_text(value)
    if isinstance(value, float):
        return f"{value * 100:z.2f} %" if form == "percent" else f"{value:.6g}"
    return value.isoformat() if isinstance(value, date) else str(value)


def terminal(stream: str = "out") -> Console:
    """Return a console on standard output (``out``) or standard error (``err``).

    A pipe has no width, so tables for it are as wide as they need.
    """
    file = sys.stdout if stream == "out" else sys.stderr
    width = None if file.isatty() else _PIPE_WIDTH
    return Console(file=file, width=width, highlight=False, soft_wrap=False)


def _write_table(answer: Answer) -> None:
    table = Table(
        title=answer.title, title_justify="left", show_footer=answer.total is not None, box=None
    )
    for column in answer.columns:
        total = answer.total or {}
        footer = cell(total[column.field], column.form) if column.field in total else ""
        table.add_column(
            column.title,
            footer=Text(footer, style="bold"),
            justify="left" if column.form == "text" else "right",
            no_wrap=column.form != "text",
        )
    for record in answer.records:
        table.add_row(*(Text(cell(record[column.field], column.form)) for column in answer.columns))
    console = terminal()
    console.print(table)
    for note in answer.notes:
        console.print(Text(note, style="dim"))


def _write_csv(answer: Answer) -> None:
    fields = list(answer.records[0]) if answer.records else [c.field for c in answer.columns]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows(_csv_row(answer.records, fields))
    for note in answer.notes:
        typer.echo(note, err=True)


def _csv_row(records: Iterable[Record], fields: Sequence[str]) -> Iterable[list[str]]:
    for record in records:
        yield ["" if record[field] is None else _text(record[field]) for field in fields]


def _text(value: Value) -> str:
    plain = _plain(value) if isinstance(value, Decimal | date) else value
    return str(plain)


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
