"""How a refusal looks at the terminal: what and why, where, and what to do about it."""

from __future__ import annotations

import sys
import textwrap
import traceback
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, TextIO

import typer

from tidebook.errors import InvalidRequestError, ServerRefusedError, TidebookError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

_WIDTH: Final = 100
_ID_BYTES: Final = 4
TRACE_VERBOSITY: Final = 2


def refusal_text(error: TidebookError, *, wraps: bool) -> str:
    """Return a refusal as lines: ``tidebook: code: sentence``, its notes, and the hint.

    Lines are broken for the eye only: a program that reads them finds one statement per line.
    """
    lines = [_line(f"tidebook: {error.code}: {error}", "", wraps=wraps)]
    if isinstance(error, InvalidRequestError | ServerRefusedError):
        faults = (f"{fault.pointer}: {fault.detail}" for fault in error.faults)
        lines += [_line(fault, "  ", wraps=wraps) for fault in faults]
    lines += [_line(note, "  ", wraps=wraps) for note in getattr(error, "__notes__", ())]
    lines.append(_line(f"hint: {error.hint}", "  ", hanging="        ", wraps=wraps))
    return "\n".join(lines)


def print_refusal(error: TidebookError, out: TextIO, *, trace: bool) -> None:
    """Print a refusal; with ``trace`` also where it was raised."""
    if trace:
        traceback.print_exception(error, file=out)
    typer.echo(refusal_text(error, wraps=out.isatty()), file=out)


def last_words(
    verbosity: int,
) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Return what to do with an error that nobody foresaw: name it, with a trace on request."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        frames = traceback.extract_tb(trace)
        place = [f"{frame.name}:{frame.lineno}" for frame in frames]
        digest = blake2b("|".join([kind.__name__, *place]).encode(), digest_size=_ID_BYTES)
        if verbosity >= TRACE_VERBOSITY:
            traceback.print_exception(kind, error, trace, file=sys.stderr)
        lines = [
            f"tidebook: unexpected: {kind.__name__}: {error}",
            f"  error id {digest.hexdigest()} (the same fault has the same id)",
            "  hint: run the command again with -vv for the trace, and report it with the id",
        ]
        typer.echo("\n".join(lines), err=True)

    return tell


def _line(text: str, indent: str, *, wraps: bool, hanging: str | None = None) -> str:
    if not wraps:
        return indent + text
    rest = indent if hanging is None else hanging
    return textwrap.fill(
        text,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
