"""Days and instants as people and programs write them: one reading for every edge."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

_SHOWN_MAX = 40

_is_day = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII).fullmatch
_is_local_time = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}", re.ASCII).match


def day_of(text: str) -> date | None:
    """Return the day written as ``2024-01-02``, or None for any other text."""
    if not _is_day(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def instant_of(text: str) -> datetime | None:
    """Return the instant in UTC of an ISO 8601 date-time with offset, or None for other text."""
    stated = stated_time_of(text)
    if stated is None or stated.tzinfo is None:
        return None
    try:
        return stated.astimezone(UTC)
    except OverflowError:
        return None


def stated_time_of(text: str) -> datetime | None:
    """Return an ISO 8601 date-time as it is written, with or without offset, or None."""
    if not _is_local_time(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def why_no_day(text: str) -> str:
    """Return what is wrong with a text that is no day, and how to write one."""
    return f"{_shown(text)} is no calendar date; send it as 2024-01-02"


def why_no_instant(text: str) -> str:
    """Return what is wrong with a text that is no instant, and how to write one."""
    if stated_time_of(text) is not None:
        return f"{_shown(text)} does not say in which time zone it is; send {text}Z or an offset"
    return f"{_shown(text)} is no instant; send a date-time with offset: 2024-01-02T15:30:00Z"


def why_no_instant_in_address(text: str) -> str:
    """Return the same for a text from an address, where a bare plus sign arrives as a blank."""
    hint = "; in an address write the plus sign as %2B" if " " in text else ""
    return why_no_instant(text) + hint


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}...")
