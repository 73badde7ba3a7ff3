"""Log lines: one JSON object each, or a form for people at a terminal.

One call sets up everything that the process writes, the web server's own lines included. Modules
log as Python does, ``logging.getLogger("tidebook...")``; what a line carries besides is added
here: the instant, the correlation ids of the requests that are worked on, the roles of the process.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import structlog

from tidebook.engine.correlating import correlation_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.typing import EventDict, Processor, WrappedLogger

    from tidebook.config import LogFormat, LogLevel

TEXT_MAX: Final = 4_000
"""The longest text of a line, in characters; what is longer is cut, a trace at its beginning."""
_HIDDEN: Final = "***"
_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)@")
_SECRET_ASSIGNED: Final = re.compile(
    r"(?i)\b(password|passwd|secret[_-]?key|api[_-]?key|authorization|token)"
    r"(['\"]?\s*[=:]\s*)(?:bearer\s+)?('[^']*'|\"[^\"]*\"|[^\s,;&]+)"
)
_OURS: Final = ("tidebook", "uvicorn", "uvicorn.error")
_LIBRARIES_LEAST: Final = logging.WARNING


def configure(
    level: LogLevel,
    form: LogFormat = "auto",
    *,
    roles: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Send what this process logs to a stream, standard error unless told.

    Args:
        level: The least severe line that is written.
        form: ``json``, ``text``, or ``auto``: text on a terminal and JSON otherwise.
        roles: What this process does; every JSON line says so. None are said of a process that
            does everything.
        stream: Where lines go.
    """
    target = stream or sys.stderr
    as_text = form == "text" or (form == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(_formatter(as_text=as_text, roles=roles, colours=target.isatty()))
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    # What libraries say of themselves at lower levels tells of their insides, not of the book.
    root.setLevel(max(_LIBRARIES_LEAST, logging.getLevelNamesMapping()[level.upper()]))
    for name in _OURS:
        ours = logging.getLogger(name)
        # Whatever an embedding program had set up there would write each line twice.
        ours.handlers.clear()
        ours.propagate = True
        ours.setLevel(level.upper())


def _formatter(
    *, as_text: bool, roles: Sequence[str], colours: bool
) -> structlog.stdlib.ProcessorFormatter:
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _name_requests,
    ]
    after: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_text:
        after += [
            structlog.processors.format_exc_info,
            _guard,
            structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=_plain),
        ]
    else:
        role = ",".join(roles)
        after += [
            structlog.processors.format_exc_info,
            _Roles(role) if role else _as_it_is,
            _guard,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after)


def _plain(stream: TextIO, found: Any) -> None:  # noqa: ANN401 - the renderer's own signature
    """Write an exception as it stands; by now it is text."""
    stream.write(str(found))


class _Roles:
    """Adds what the process does."""

    def __init__(self, role: str) -> None:
        self._role = role

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["role"] = self._role
        return event


def _as_it_is(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return event


def _name_requests(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    ids = correlation_ids()
    if len(ids) == 1:
        event.setdefault("correlation_id", ids[0])
    elif ids:
        event.setdefault("correlation_ids", list(ids))
    return event


def _guard(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Hide what looks like a secret and cut what is too long, in every text of a line."""
    # The web server's line once more, for a terminal, and what another handler left of this one.
    for twice in ("color_message", "message", "asctime"):
        event.pop(twice, None)
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _guarded(value, keep_end=key == "exception")
        elif isinstance(value, list):
            many = cast("list[object]", value)
            event[key] = [_guarded(one) if isinstance(one, str) else one for one in many]
    return event


def _guarded(text: str, *, keep_end: bool = False) -> str:
    if len(text) > TEXT_MAX:
        # The end of a trace says what happened, the beginning of a sentence what it is about.
        text = f"... {text[-TEXT_MAX:]}" if keep_end else f"{text[:TEXT_MAX]} ..."
    text = _PASSWORD_IN_URL.sub(rf"\1:{_HIDDEN}@", text)
    return _SECRET_ASSIGNED.sub(rf"\1\2{_HIDDEN}", text)
