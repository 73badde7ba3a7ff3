"""From the bytes of a file to records: encoding, delimiter, quotes and line numbers."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

from tidebook.adapters.csvfile.layout import LAYOUTS, known_count, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

DELIMITERS = (",", ";", "\t")
_QUOTE = '"'
_DECLARED = re.compile(r'"?sep=([,;\t])"?', re.IGNORECASE)


class Record(NamedTuple):
    """One row as written.

    ``line`` is the line on which it starts, counted from 1; ``text`` is the row without its line
    end; ``ended`` says whether a line end follows it.
    """

    line: int
    text: str
    cells: list[str]
    ended: bool


class Broken(NamedTuple):
    """Why a file cannot be read from ``line`` on."""

    line: int
    text: str
    what: str
    remedy: str


class Sheet(NamedTuple):
    """A decoded file: its delimiter, its header, and the lines that follow, still to be split."""

    delimiter: str
    header: Record
    lines: list[str]
    next_line: int

    def records(self) -> Iterator[Record | Broken]:
        """Yield the rows below the header; rows without any text are passed over."""
        return split(self.lines, self.delimiter, start=self.next_line)


def decode(content: bytes) -> str | Broken:
    """Return the text of a file: UTF-8, or UTF-16 where a byte order mark says so."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, name = "utf-16", "UTF-16"
    else:
        encoding, name = "utf-8-sig", "UTF-8"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "ignore").count("\n") + 1
        return Broken(
            line,
            "",
            f"the text is not {name}",
            "save the file as UTF-8, or as UTF-16 with its mark",
        )
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return Broken(
            line,
            "",
            "the text holds zero bytes, as UTF-16 without its byte order mark does",
            "save the file as UTF-8, or as UTF-16 with its mark",
        )
    return text


def open_sheet(text: str) -> Sheet | Broken:
    """Find the header of a file and the delimiter that makes most sense of it.

    A first line ``sep=;`` as spreadsheets write it settles the delimiter. Otherwise it is the one
    of comma, semicolon and tab under which the header holds most names that some kind of file has.
    """
    lines = _lines(text)
    declared = _DECLARED.fullmatch(lines[0])
    delimiters = (declared.group(1),) if declared else DELIMITERS
    start = 1 if declared else 0
    firsts = [(_first(lines, delimiter, start), delimiter) for delimiter in delimiters]
    # Where no header can be read, all delimiters agree on that or the comma speaks for them.
    header, delimiter = max(firsts, key=lambda first: _names_known(first[0]))
    if header is None:
        return Broken(1, "", "the file is empty", "start the file with a line of column names")
    if isinstance(header, Broken):
        return header
    height = header.text.count("\n") + 1
    return Sheet(delimiter, header, lines, header.line - 1 + height)


def split(lines: list[str], delimiter: str, *, start: int = 0) -> Iterator[Record | Broken]:
    """Yield the records of lines from index ``start`` on, as RFC 4180 quotes them.

    A quote that does not begin its cell is a character like any other. Where quoting goes wrong
    nothing below can be trusted to be a row, so the fault is the last thing yielded.
    """
    index = start
    while index < len(lines):
        line = lines[index]
        if _QUOTE not in line:
            cells, following = line.split(delimiter), index + 1
        else:
            quoted = _split_quoted(lines, index, delimiter)
            if isinstance(quoted, Broken):
                yield quoted
                return
            cells, following = quoted
        if any(cell and not cell.isspace() for cell in cells):
            text = line if following == index + 1 else "\n".join(lines[index:following])
            yield Record(index + 1, text, cells, ended=following < len(lines))
        index = following


def _lines(text: str) -> list[str]:
    # Not str.splitlines, which would also cut at a form feed or a Unicode separator in a name.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _first(lines: list[str], delimiter: str, start: int) -> Record | Broken | None:
    return next(split(lines, delimiter, start=start), None)


def _names_known(first: Record | Broken | None) -> int:
    if not isinstance(first, Record):
        return -1
    spelt = {plain(cell) for cell in first.cells}
    return max(known_count(layout, spelt) for layout in LAYOUTS.values())


def _split_quoted(lines: list[str], first: int, delimiter: str) -> tuple[list[str], int] | Broken:
    """Split one record with quotes in it; it may reach over several lines."""
    cells: list[str] = []
    index, position = first, 0
    while True:
        line = lines[index]
        if line.startswith(_QUOTE, position):
            closed = _close_quote(lines, index, position + 1)
            if closed is None:
                return _broken_quote(lines, index, "is never closed")
            cell, end_index, position = closed
            line = lines[end_index]
            if position < len(line) and line[position] != delimiter:
                where = f"closes on line {end_index + 1} in the middle of a cell"
                return _broken_quote(lines, index, where)
            index = end_index
        else:
            end = line.find(delimiter, position)
            end = len(line) if end < 0 else end
            cell, position = line[position:end], end
        cells.append(cell)
        if position >= len(line):
            return cells, index + 1
        position += 1


def _close_quote(lines: list[str], index: int, position: int) -> tuple[str, int, int] | None:
    """Return the quoted text and where it ends, or None when the file ends first."""
    parts: list[str] = []
    while index < len(lines):
        line = lines[index]
        end = line.find(_QUOTE, position)
        if end < 0:
            parts.append(f"{line[position:]}\n")
            index, position = index + 1, 0
        elif line.startswith(_QUOTE, end + 1):
            parts.append(line[position : end + 1])
            position = end + 2
        else:
            parts.append(line[position:end])
            return "".join(parts), index, end + 1
    return None


def _broken_quote(lines: list[str], index: int, what: str) -> Broken:
    return Broken(
        index + 1,
        lines[index],
        f"a quote opened on this line {what}; nothing from here on was read",
        'close the quote, and write a quote inside quoted text twice ("")',
    )
