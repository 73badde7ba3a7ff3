"""Lines of the log: what they carry, and what they never do."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from tidebook.adapters.telemetry.logs import TEXT_MAX, configure
from tidebook.engine.correlating import correlated, correlation_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("tidebook.example")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave logging as it was found."""
    names = ("", "tidebook", "uvicorn", "uvicorn.error")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.level, each.handlers[:], each.propagate) for each in loggers]
    yield
    for each, level, handlers, propagate in before:
        each.setLevel(level)
        each.handlers[:] = handlers
        each.propagate = propagate


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object_with_its_instant_level_logger_and_roles() -> None:
    stream = io.StringIO()
    configure("info", roles=("book", "series"), stream=stream)
    _log.info("took %s records", 3, extra={"records": 3})
    (line,) = _lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "took 3 records",
        "level": "info",
        "logger": "tidebook.example",
        "records": 3,
        "role": "book,series",
    }


def test_a_line_names_the_request_that_is_worked_on() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    with correlated(["ING:1"]):
        _log.info("one")
    with correlated(["ING:1", "ING:2", "ING:1"]):
        _log.info("many")
    _log.info("none")
    one, many, none = _lines(stream)
    assert one["correlation_id"] == "ING:1"
    assert many["correlation_ids"] == ["ING:1", "ING:2"]
    assert "correlation_id" not in none
    assert "correlation_ids" not in none


def test_of_many_requests_the_first_five_are_named() -> None:
    with correlated(["", *(f"R{i}" for i in range(1000))]):
        assert correlation_ids() == ("R0", "R1", "R2", "R3", "R4")
    assert correlation_ids() == ()


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://ada:geheim@db:5432/book", "postgresql://ada:***@db:5432/book"),
        ("host=db password=geheim dbname=book", "host=db password=*** dbname=book"),
        ("{'api_key': 'geheim', 'a': 1}", "{'api_key': ***, 'a': 1}"),
        ("Authorization: Bearer geheim", "Authorization: ***"),
        ("GET /portfolios/P-1/positions", "GET /portfolios/P-1/positions"),
    ],
)
def test_secrets_are_hidden_in_what_is_said_and_in_what_goes_with_it(said: str, shown: str) -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    _log.info("%s", said, extra={"seen": said})
    (line,) = _lines(stream)
    assert line["event"] == shown
    assert line["seen"] == shown


def test_a_secret_is_hidden_in_a_trace_as_well() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    try:
        raise ValueError("no connection to postgresql://ada:geheim@db/book")  # noqa: TRY301
    except ValueError:
        _log.exception("failed")
    (line,) = _lines(stream)
    assert line["level"] == "error"
    assert "ValueError: no connection to postgresql://ada:***@db/book" in line["exception"]
    assert "geheim" not in stream.getvalue()


def test_no_text_is_longer_than_the_limit_so_that_no_body_is_logged_whole() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    _log.info("%s", "x" * 100_000)
    (line,) = _lines(stream)
    assert line["event"] == "x" * TEXT_MAX + " ..."


def test_a_level_leaves_out_what_is_less_severe_and_libraries_say_warnings_only() -> None:
    stream = io.StringIO()
    configure("info", stream=stream)
    _log.debug("detail")
    logging.getLogger("psycopg.pool").info("connection requested")
    logging.getLogger("psycopg.pool").warning("connection lost")
    assert [line["event"] for line in _lines(stream)] == ["connection lost"]


def test_the_web_server_logs_through_the_same_place_once() -> None:
    stream = io.StringIO()
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler(stream))
    configure("info", stream=stream)
    configure("info", stream=stream)
    logging.getLogger("uvicorn.error").info("started", extra={"color_message": "\x1b[36mstarted"})
    (line,) = _lines(stream)
    assert (line["event"], line["logger"]) == ("started", "uvicorn.error")
    assert "color_message" not in line


def test_people_at_a_terminal_read_text_and_a_setting_overrules() -> None:
    terminal, forced, plain = Terminal(), Terminal(), io.StringIO()
    for stream, form in ((terminal, "auto"), (forced, "json"), (plain, "text")):
        configure("info", form, stream=stream)  # type: ignore[arg-type]
        _log.info("took %s records", 3)
    assert "took 3 records" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert _lines(forced)[0]["event"] == "took 3 records"
    assert "took 3 records" in plain.getvalue()
    assert "\x1b" not in plain.getvalue()


def test_a_trace_at_a_terminal_is_the_one_of_python() -> None:
    stream = io.StringIO()
    configure("info", "text", stream=stream)
    try:
        raise KeyError("geheim=1")  # noqa: TRY301
    except KeyError:
        _log.exception("failed")
    assert "Traceback (most recent call last)" in stream.getvalue()
