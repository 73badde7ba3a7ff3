"""Requests as traces: which trace a request is, told from its correlation id alone.

A correlation id goes with every fact, through the log and every message, so nothing else has to be
kept to find the trace again. It is in the form of W3C Trace Context, level 1:
https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

_PARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_is_trace_id = re.compile(r"[0-9a-f]{32}").fullmatch
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16


def trace_id_of(correlation_id: str) -> str:
    """Return the trace that a request is: its id where that is one, else a digest of it.

    >>> trace_id_of("4bf92f3577b34da6a3ce929d0e0e4736")
    '4bf92f3577b34da6a3ce929d0e0e4736'
    """
    if _is_trace_id(correlation_id) and correlation_id != _NO_TRACE:
        return correlation_id
    return sha256(correlation_id.encode()).hexdigest()[:32]


def span_id_of(correlation_id: str) -> str:
    """Return the span of the request itself, beneath which all that follows from it hangs."""
    return sha256(correlation_id.encode()).hexdigest()[32:48]


def traceparent_of(correlation_id: str) -> str:
    """Return the header that names the request as the parent; empty for no request."""
    if not correlation_id:
        return ""
    return f"00-{trace_id_of(correlation_id)}-{span_id_of(correlation_id)}-01"


def parent_in(traceparent: str) -> tuple[str, str] | None:
    """Return the trace and the span that a header names; None where it is not valid.

    >>> parent_in("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    ('4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7')
    """
    found = _PARENT.fullmatch(traceparent.strip())
    if found is None or found[1] == _NO_TRACE or found[2] == _NO_SPAN:
        return None
    return found[1], found[2]
