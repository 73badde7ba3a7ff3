"""The door that rows of a file pass, the same one that requests over HTTP pass."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from tidebook.adapters.csvfile import FileKind, to_post
from tidebook.api.rows import kinds
from tidebook.api.rows.reader import Faults
from tidebook.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from tidebook.adapters.csvfile import ParsedFile, ParsedRow
    from tidebook.api.rows.kinds import Door

# The facts of every kind go the same way from here: into a batch, and to the command of their kind.
_DOORS: Final = cast(
    "Mapping[FileKind, Door[object]]",
    {
        FileKind.PORTFOLIOS: kinds.PORTFOLIOS,
        FileKind.INSTRUMENTS: kinds.INSTRUMENTS,
        FileKind.PRICES: kinds.MARKET_PRICES,
        FileKind.RATES: kinds.FX_RATES,
        FileKind.TRANSACTIONS: kinds.TRANSACTIONS,
        FileKind.CORPORATE_ACTIONS: kinds.CORPORATE_ACTIONS,
        FileKind.CANCELLATIONS: kinds.CANCELLATIONS,
        FileKind.ASSERTIONS: kinds.BALANCE_ASSERTIONS,
    },
)


class BadRow(NamedTuple):
    """One fault of a file: where, what, and the row as it was written."""

    file: str
    line: int
    column: str
    what: str
    text: str


class GoodRow(NamedTuple):
    """A row that may be sent: where it stands, the fact, and the JSON body it was made from."""

    file: str
    line: int
    fact: object
    body: Mapping[str, object]

    @property
    def origin(self) -> str:
        """The file and the line, as an explanation names them; empty where there is no file."""
        return f"{self.file}:{self.line}" if self.file else ""


class Examined(NamedTuple):
    """A file with its rows sorted; ``read`` counts them all, ``bad_rows`` those with a fault."""

    file: str
    kind: FileKind | None
    read: int
    good: tuple[GoodRow, ...]
    bad: tuple[BadRow, ...]

    @property
    def bad_rows(self) -> int:
        """How many rows have a fault; a file that cannot be read as one counts as one."""
        return self.read - len(self.good) if self.kind else 1


def examine(name: str, parsed: ParsedFile, now: datetime) -> Examined:
    """Return a file's rows, each either fit to be sent or with all that is wrong with it."""
    bad = [
        BadRow(name, fault.line, fault.column, f"{fault.what}; {fault.remedy}", fault.text)
        for fault in parsed.faults
    ]
    unread = len({fault.line for fault in parsed.faults})
    good: list[GoodRow] = []
    if parsed.kind is not None:
        door = _DOORS[parsed.kind]
        for row in parsed.rows:
            body = to_post(row)
            fact, faults = _through(door, body, now)
            if fact is None:
                bad += _bad_rows(name, row, faults)
            else:
                good.append(GoodRow(PurePath(name).name, row.line, fact, body))
    bad.sort(key=lambda fault: fault.line)
    return Examined(name, parsed.kind, len(parsed.rows) + unread, tuple(good), tuple(bad))


def checked(kind: FileKind, bodies: Sequence[Mapping[str, object]], now: datetime) -> list[GoodRow]:
    """Return rows that were not written in a file, each fit to be sent.

    Raises:
        InvalidRequestError: If any of them has a fault.
    """
    good: list[GoodRow] = []
    for line, body in enumerate(bodies, 1):
        fact, faults = _through(_DOORS[kind], body, now)
        if fact is None:
            raise InvalidRequestError(faults.listed, unlisted=faults.unlisted)
        good.append(GoodRow("", line, fact, body))
    return good


def _through(
    door: Door[object], body: Mapping[str, object], now: datetime
) -> tuple[object | None, Faults]:
    faults = Faults()
    return kinds.read_row(door, body, now, pointer="", faults=faults), faults


def _bad_rows(name: str, row: ParsedRow, faults: Faults) -> Iterable[BadRow]:
    for fault in faults.listed:
        yield BadRow(name, row.line, fault.pointer.lstrip("/"), fault.detail, row.text)
