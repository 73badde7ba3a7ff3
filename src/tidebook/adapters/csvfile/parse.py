"""A whole file: its kind, the rows that can be posted, and a fault for everything else."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tidebook.adapters.csvfile.cells import Refused, pairs_of, reader
from tidebook.adapters.csvfile.identity import assigned_id
from tidebook.adapters.csvfile.layout import FileKind, Unrecognised, recognise
from tidebook.adapters.csvfile.records import Broken, decode, open_sheet
from tidebook.errors import UnreadableFileError
from tidebook.model import assertions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tidebook.adapters.csvfile.layout import Header, Layout
    from tidebook.adapters.csvfile.records import Record, Sheet


_PAIRED = {"lots": ("lot_id", "quantity"), "cost_basis_method_changes": ("from", "method")}


class ParsedRow(NamedTuple):
    """One row: the line on which it starts, its text as written, and what its cells say."""

    line: int
    text: str
    body: dict[str, str]


def to_post(row: ParsedRow) -> dict[str, object]:
    """Return the body of the ingest route for a row: its cells, with lists where these hold pairs.

    >>> to_post(ParsedRow(2, "", {"security_id": "A", "lots": "T-1=5"}))
    {'security_id': 'A', 'lots': [{'lot_id': 'T-1', 'quantity': '5'}]}
    """
    return {
        name: [dict(zip(_PAIRED[name], pair, strict=True)) for pair in pairs_of(text)]
        if name in _PAIRED
        else text
        for name, text in row.body.items()
    }


class RowFault(NamedTuple):
    """One thing that keeps a row, or the whole file, from being taken as written.

    ``column`` is empty where no single column is at fault; ``text`` is the row as written.
    """

    line: int
    column: str
    what: str
    remedy: str
    text: str


class ParsedFile(NamedTuple):
    """What a file holds; ``kind`` is None when its header tells of none."""

    kind: FileKind | None
    rows: list[ParsedRow]
    faults: list[RowFault]


def read_file(path: Path, kind: FileKind | None = None) -> ParsedFile:
    """Read one CSV file; see ``parse`` for what is made of it.

    Raises:
        UnreadableFileError: If the file cannot be opened or read at all.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(str(path), why=error.strerror or str(error)) from error
    return parse(content, kind)


def parse(content: bytes, kind: FileKind | None = None) -> ParsedFile:
    """Return the rows and faults of a file's bytes, in the order of their lines.

    The header tells the kind unless it is given. Bodies have the names of the ingest route of the
    file's kind, in snake case, every value as text (:func:`to_post` makes lists of pairs): numbers
    with all their digits and a decimal point, days as ``2024-03-31``, instants with an
    offset. A row with a fault is left out; the others are not affected by it.
    """
    text = decode(content)
    if isinstance(text, Broken):
        return ParsedFile(None, [], [_file_fault(text)])
    sheet = open_sheet(text)
    if isinstance(sheet, Broken):
        return ParsedFile(None, [], [_file_fault(sheet)])
    names = _without_empty_end(sheet.header.cells)
    header = recognise(names, kind)
    if isinstance(header, Unrecognised):
        return ParsedFile(None, [], [_unrecognised(header, sheet.header)])
    rows: list[ParsedRow] = []
    faults = list(_header_faults(header, sheet.header))
    if not header.repeated:
        for outcome in _outcomes(sheet, header, len(names)):
            if isinstance(outcome, ParsedRow):
                rows.append(outcome)
            else:
                faults.append(outcome)
    return ParsedFile(header.layout.kind, rows, faults)


class _Cell(NamedTuple):
    position: int
    name: str
    read: Callable[[str], str | Refused]


def _outcomes(sheet: Sheet, header: Header, width: int) -> Iterator[ParsedRow | RowFault]:
    layout = header.layout
    plan = [
        _Cell(position, column.name, reader(column, sheet.delimiter))
        for position, column in header.columns
    ]
    counts: dict[str, int] = {}
    known: dict[tuple[str, ...], ParsedRow] = {}
    for record in sheet.records():
        if isinstance(record, Broken):
            yield _file_fault(record)
            continue
        misfit = _misfit(record, width, sheet.delimiter)
        if misfit:
            yield misfit
            continue
        values, faults = _read_cells(record, plan)
        faults += _gaps(record, layout, values, faults)
        if faults:
            yield from faults
            continue
        if layout.kind is FileKind.TRANSACTIONS and "transaction_id" not in values:
            values["transaction_id"] = assigned_id(values, counts)
        if layout.kind is FileKind.ASSERTIONS and "assertion_id" not in values:
            values["assertion_id"] = _assertion_id(values)
        row = ParsedRow(record.line, record.text, _in_order(layout, values))
        identity = tuple(values.get(name, "") for name in layout.identity)
        first = known.setdefault(identity, row)
        yield row if first.body == row.body else _contradiction(layout, identity, first, row)


def _misfit(record: Record, width: int, delimiter: str) -> RowFault | None:
    count = len(record.cells)
    if count == width or (count > width and not any(c.strip() for c in record.cells[width:])):
        return None
    if count < width and not record.ended:
        return _row_fault(
            record,
            f"the file ends inside this row, after {count} of {width} cells",
            "ask for the whole file again; the rest of it is missing",
        )
    remedy = "give every row one cell for each column of the header"
    if count > width and delimiter == ",":
        remedy += "; a comma that belongs to a cell needs quotes around the cell"
    return _row_fault(record, f"the row has {count} cells, the header {width}", remedy)


def _read_cells(record: Record, plan: list[_Cell]) -> tuple[dict[str, str], list[RowFault]]:
    values: dict[str, str] = {}
    faults: list[RowFault] = []
    for position, name, read in plan:
        text = record.cells[position].strip()
        if not text:
            continue
        value = read(text)
        if isinstance(value, Refused):
            faults.append(RowFault(record.line, name, value.what, value.remedy, record.text))
        else:
            values[name] = value
    return values, faults


def _gaps(
    record: Record, layout: Layout, values: dict[str, str], faults: list[RowFault]
) -> list[RowFault]:
    """Fill what may be filled in ``values``, and return a fault for each required gap left."""
    refused = {fault.column for fault in faults}
    for name, source in layout.copies:
        if name not in values and name not in refused and source in values:
            values[name] = values[source]
    for name, text in layout.defaults:
        values.setdefault(name, text)
    return [
        RowFault(record.line, column.name, "the cell is empty", "fill it in", record.text)
        for column in layout.columns
        if column.required and column.name not in values and column.name not in refused
    ]


def _in_order(layout: Layout, values: dict[str, str]) -> dict[str, str]:
    return {c.name: values[c.name] for c in layout.columns if c.name in values}


def _assertion_id(values: dict[str, str]) -> str:
    on = date.fromisoformat(values["assertion_date"])
    return assertions.assigned_id(values["portfolio_id"], values["security_id"], on)


def _without_empty_end(names: list[str]) -> list[str]:
    end = len(names)
    while end and not names[end - 1].strip():
        end -= 1
    return names[:end]


def _contradiction(
    layout: Layout, identity: tuple[str, ...], first: ParsedRow, row: ParsedRow
) -> RowFault:
    return RowFault(
        row.line,
        layout.identity[0],
        f"{' '.join(identity)} is on line {first.line} already, with other content",
        "keep the row that is right; a correction belongs in a later file",
        row.text,
    )


def _header_faults(header: Header, record: Record) -> Iterator[RowFault]:
    kind = header.layout.kind
    for name in header.unknown:
        yield RowFault(
            record.line,
            name,
            f"{name!r} is not a column of a {kind} file; its cells were not read",
            "correct the name, or remove the column",
            record.text,
        )
    for name in header.repeated:
        yield RowFault(
            record.line,
            name,
            f"the column {name!r} occurs twice, so no row can be read",
            "remove one of the two",
            record.text,
        )


def _unrecognised(header: Unrecognised, record: Record) -> RowFault:
    of = (
        f"the header is not of the kind asked for; for {header.nearest} it lacks "
        if header.is_asked
        else f"the header is of no kind of file; for {header.nearest}, the nearest, it lacks "
    )
    return _row_fault(
        record,
        f"{of}{', '.join(header.lacking)}",
        "name the columns as the reference of the CSV format does",
    )


def _row_fault(record: Record, what: str, remedy: str) -> RowFault:
    return RowFault(record.line, "", what, remedy, record.text)


def _file_fault(broken: Broken) -> RowFault:
    return RowFault(broken.line, "", broken.what, broken.remedy, broken.text)
