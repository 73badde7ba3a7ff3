"""Answers as bytes: plain JSON, decimals as text in plain notation, instants in UTC with a Z."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response

from tidebook.model.money import decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, object]

PROBLEM_TYPE = "application/problem+json"


def reply(
    body: Mapping[str, object],
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    media_type: str = "application/json",
) -> Response:
    """Return a response with a JSON body."""
    return Response(
        msgspec.json.encode(body),
        status,
        headers=dict(headers or {}),
        media_type=media_type,
    )


def amount(value: Decimal) -> str:
    """Return a number with all its digits: no exponent, no trailing zeros."""
    return decimal_text(value)


def amount_or_null(value: Decimal | None) -> str | None:
    """Return a number with all its digits, or null where it is undefined."""
    return None if value is None else decimal_text(value)


def instant(value: datetime) -> str:
    """Return an instant as ``2024-01-02T15:30:00Z``, with microseconds where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def instant_or_null(value: datetime | None) -> str | None:
    """Return an instant, or null where there is none."""
    return None if value is None else instant(value)


def day_or_null(value: date | None) -> str | None:
    """Return a date, or null where there is none."""
    return None if value is None else value.isoformat()
