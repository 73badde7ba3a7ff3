"""The Prefer header (RFC 7240): whether and how long a client wants to wait for the booking."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

WAIT_SECONDS_MAX = 60


class Preference(NamedTuple):
    """What was asked for. ``wait_seconds`` is None when the client does not want to wait."""

    wait_seconds: int | None = None
    is_async: bool = False

    @property
    def applied(self) -> str:
        """The value of Preference-Applied."""
        words = ["respond-async"] if self.is_async else []
        if self.wait_seconds is not None:
            words.append(f"wait={self.wait_seconds}")
        return ", ".join(words)


def preference(headers: Iterable[str]) -> Preference:
    """Return what the Prefer headers of a request ask for.

    Of a preference given twice the first counts; what cannot be read is passed over, as the
    standard has it. A wait of more than 60 seconds is cut to 60.
    """
    found: dict[str, str] = {}
    for token in (token for header in headers for token in header.split(",")):
        name, _, value = token.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = found.get("wait", "")
    is_number = wait.isascii() and wait.isdigit()
    seconds = min(int(wait[:9]), WAIT_SECONDS_MAX) if is_number else None
    return Preference(seconds, "respond-async" in found)
