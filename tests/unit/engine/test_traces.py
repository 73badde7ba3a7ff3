"""Which trace a request is, told from its correlation id alone."""

from __future__ import annotations

import pytest

from tidebook.engine.bus import Arrival
from tidebook.engine.envelope import received
from tidebook.engine.traces import parent_in, trace_id_of, traceparent_of

_TRACE, _SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_request_that_was_named_by_its_trace_is_that_trace() -> None:
    assert trace_id_of(_TRACE) == _TRACE
    assert traceparent_of(_TRACE).startswith(f"00-{_TRACE}-")


def test_any_other_id_is_always_the_same_trace() -> None:
    # The digest of "ING:1", by sha256sum.
    assert traceparent_of("ING:1") == "00-ec3e511fb627ac722c146295f0346e2e-7873ddcc6a8e2ed2-01"
    assert trace_id_of("0" * 32) != "0" * 32


def test_no_request_is_no_trace() -> None:
    assert traceparent_of("") == ""


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"00-{_TRACE}-{_SPAN}",
        f"00-{_TRACE.upper()}-{_SPAN}-01",
        f"ff-{_TRACE}-{_SPAN}-01",
        f"00-{'0' * 32}-{_SPAN}-01",
        f"00-{_TRACE}-{'0' * 16}-01",
    ],
)
def test_a_header_that_is_not_valid_is_left_alone(header: str) -> None:
    assert parent_in(header) is None


def test_a_valid_header_is_read() -> None:
    # The example of https://www.w3.org/TR/trace-context/#examples-of-http-traceparent-headers.
    assert parent_in(f"00-{_TRACE}-{_SPAN}-01") == (_TRACE, _SPAN)


def test_a_message_of_others_with_a_trace_and_no_id_is_named_by_the_trace() -> None:
    header = f"00-{_TRACE}-{_SPAN}-01"
    message = Arrival("raw_fx_rates", 0, 0, "k", b"{}", {"traceparent": header})
    assert received(message).correlation_id == _TRACE
    named = message._replace(headers={"traceparent": header, "correlation_id": "mine"})
    assert received(named).correlation_id == "mine"
