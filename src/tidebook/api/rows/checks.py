"""What may enter the book: one predicate per kind of field.

Both ways into the book use these, the quick one for a whole body and the patient one that explains
every fault, so that they cannot disagree on what is allowed.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tidebook.model.money import storable

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

ID_LENGTH_MAX = 200
TEXT_LENGTH_MAX = 2000
FUTURE_DAYS_MAX = 1

# Control characters and the backslash have a meaning of their own in the store's bulk format.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\\]"
# A blank at either end cannot be seen, and an id that differs by it alone names something else.
_is_id = re.compile(rf"(?=\S){_PLAIN}{{1,{ID_LENGTH_MAX}}}(?<=\S)").fullmatch
_is_text = re.compile(f"{_PLAIN}{{0,{TEXT_LENGTH_MAX}}}").fullmatch
_is_currency = re.compile(r"[A-Z0-9]{3,10}").fullmatch
_SHORT_NUMBER = 19


def is_id(text: str) -> bool:
    """Tell whether a text can name something: 1 to 200 characters, none of them special.

    Blanks may stand inside it, not at its ends.
    """
    # Most ids are plain letters and digits, and looked through without the pattern.
    if text.isascii() and text.isprintable() and "\\" not in text:
        return 0 < len(text) <= ID_LENGTH_MAX and " " not in {text[0], text[-1]}
    return _is_id(text) is not None


def is_text(text: str) -> bool:
    """Tell whether a text can be kept: at most 2,000 characters, none of them special."""
    return _is_text(text) is not None


@lru_cache(maxsize=4096)
def is_currency(text: str) -> bool:
    """Tell whether a text is a currency code: 3 to 10 capital letters or digits."""
    return _is_currency(text) is not None


def is_number(value: Decimal) -> bool:
    """Tell whether a number is finite and has at most 20 digits before the point, 18 after."""
    if not value.is_finite():
        return False
    text = str(value)
    # So short a text without exponent cannot break either bound, and this is every usual number.
    return (len(text) <= _SHORT_NUMBER and "E" not in text) or storable(value)


def is_time_zone(name: str) -> bool:
    """Tell whether a name is an IANA time zone, such as ``Europe/Zurich``."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def is_too_late(when: date, now: datetime) -> bool:
    """Tell whether a day or an instant (UTC) lies more than a day after ``now``."""
    limit = _latest(now)
    return when > limit if isinstance(when, datetime) else when > limit.date()


@lru_cache(maxsize=16)
def _latest(now: datetime) -> datetime:
    return now + timedelta(days=FUTURE_DAYS_MAX)
