"""One cell to the text that the ingest routes take, or the reason why it cannot be.

Nothing here is guessed. A number or a date that two readers could take for two different things
is refused with the two ways in which to write it.
"""

from __future__ import annotations

import re
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tidebook.adapters.csvfile.layout import Form
from tidebook.adapters.csvfile.words import read_word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tidebook.adapters.csvfile.layout import Column

# Signs and spaces that spreadsheets and banks print: minus, apostrophe, no-break spaces.
_SPACES = " '’\u00a0\u202f"
_CURRENCY = re.compile(r"[A-Za-z0-9]{3,10}")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DOTTED_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})")
_TIME = re.compile(
    r"((?:[01][0-9]|2[0-3]):[0-5][0-9])(:[0-5][0-9](?:\.[0-9]{1,6})?)?"
    r"\s?([Zz]|[+\-](?:0[0-9]|1[0-4]):?[0-5][0-9])?"
)
_PAIR_MARK, _PAIR_END = "=", "|"
_YEAR_MIN, _YEAR_MAX = 1900, 2200
_FLAGS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


class Refused(NamedTuple):
    """Why a cell was not taken, and what to write instead."""

    what: str
    remedy: str


class _Mark(NamedTuple):
    """The decimal mark of a file, the other one, and the patterns that follow from them."""

    decimal: str
    other: str
    name: str
    simple: re.Pattern[str]
    grouped: re.Pattern[str]


def _mark(decimal: str, other: str, name: str) -> _Mark:
    point = re.escape(decimal)
    group = f"[{re.escape(_SPACES)}]"
    dot = re.escape(other)
    return _Mark(
        decimal,
        other,
        name,
        simple=re.compile(rf"([+\-−]?)([0-9]*)(?:{point}([0-9]+))?"),
        # One group of three after the other mark alone could as well be a fraction, so the other
        # mark groups only if it occurs twice or a decimal mark follows.
        grouped=re.compile(
            rf"([+\-−]?)([0-9]{{1,3}}(?:{group}[0-9]{{3}})+"
            rf"|[0-9]{{1,3}}(?:{dot}[0-9]{{3}}){{2,}}"
            rf"|[0-9]{{1,3}}{dot}[0-9]{{3}}(?={point}))(?:{point}([0-9]+))?"
        ),
    )


_POINT = _mark(".", ",", "point")
_COMMA = _mark(",", ".", "comma")
_GROUP_DIGITS = 3
_GROUPING = re.compile(rf"[{re.escape(_SPACES)}.,]")


def read_number_with_point(text: str) -> str | Refused:
    """Read a number whose decimal mark is the point, keeping its digits as written.

    >>> read_number_with_point("1234.50")
    '1234.50'
    >>> read_number_with_point("1,234.5")
    '1234.5'
    """
    return _read_number(text, _POINT)


def read_number_with_comma(text: str) -> str | Refused:
    """Read a number whose decimal mark is the comma, keeping its digits as written.

    >>> read_number_with_comma("1.234,50")
    '1234.50'
    """
    return _read_number(text, _COMMA)


def _read_number(text: str, mark: _Mark) -> str | Refused:
    match = mark.simple.fullmatch(text) or mark.grouped.fullmatch(text)
    if match is None or not (match[2] or match[3]):
        return _refuse_number(text, mark)
    sign = "-" if match[1] in {"-", "−"} else ""
    whole = _GROUPING.sub("", match[2]) or "0"
    return f"{sign}{whole}.{match[3]}" if match[3] else f"{sign}{whole}"


def _refuse_number(text: str, mark: _Mark) -> Refused:
    alone = re.fullmatch(rf"[+\-−]?([0-9]*){re.escape(mark.other)}([0-9]+)", text)
    if alone and re.fullmatch(r"[1-9][0-9]{0,2}", alone[1]) and len(alone[2]) == _GROUP_DIGITS:
        together = f"{alone[1]}{alone[2]}"
        return Refused(
            f"{text!r} may be {together} or a fraction",
            f"write {together}, or {alone[1]}{mark.decimal}{alone[2]} if a fraction is meant: the "
            f"decimal mark of this file is the {mark.name}",
        )
    if alone:
        return Refused(
            f"{text!r} is not written with the decimal {mark.name} of this file",
            f"write {alone[1] or 0}{mark.decimal}{alone[2]}; semicolons between the cells go with "
            "a decimal comma, commas and tabs with a decimal point",
        )
    if re.search(r"[0-9][eE][+\-]?[0-9]", text):
        return Refused(
            f"{text!r} is in scientific notation, by which digits are often lost",
            "write all digits out",
        )
    return Refused(f"{text!r} is not a number", f"write digits with a decimal {mark.name}")


def read_currency(text: str) -> str | Refused:
    """Read a currency code, in capitals."""
    if _CURRENCY.fullmatch(text):
        return text.upper()
    return Refused(
        f"{text!r} is not a currency code",
        "write three to ten letters or digits, such as EUR or USDT",
    )


def read_day(text: str) -> str | Refused:
    """Read a date as ``2024-03-31`` or ``31.03.2024``; the answer is in the first form."""
    dotted = _DOTTED_DAY.fullmatch(text)
    if dotted:
        iso = f"{dotted[3]}-{dotted[2]:0>2}-{dotted[1]:0>2}"
    elif _ISO_DAY.fullmatch(text):
        iso = text
    else:
        return Refused(
            f"{text!r} is not a date that can be read in one way only",
            "write year-month-day, such as 2024-03-31, or 31.03.2024",
        )
    try:
        year = date.fromisoformat(iso).year
    except ValueError:
        return Refused(f"{text!r} is not a day of the calendar", "write a day that exists")
    if not _YEAR_MIN <= year <= _YEAR_MAX:
        return Refused(
            f"{text!r} is outside the years {_YEAR_MIN} to {_YEAR_MAX}", "check the year for a slip"
        )
    return iso


def read_instant(text: str) -> str | Refused:
    """Read a date with time and offset, or a date alone.

    A date alone is passed on as one: any time of day made up for it would be another calendar day
    somewhere.
    """
    day_text, _, time_text = text.replace("T", " ", 1).partition(" ")
    day = read_day(day_text)
    if isinstance(day, Refused):
        return day
    if not time_text:
        return day
    time = _TIME.fullmatch(time_text.strip())
    if time is None:
        return Refused(
            f"{text!r} has no time of day that can be read",
            "write hours, minutes, seconds and offset, such as 2024-03-31T15:30:00Z",
        )
    if time[3] is None:
        return Refused(
            f"{text!r} does not say in which time zone",
            "add the offset: Z for UTC, or such as +01:00",
        )
    offset = "Z" if time[3] in "Zz" else f"{time[3][:3]}:{time[3][-2:]}"
    return f"{day}T{time[1]}{time[2] or ':00'}{offset}"


def read_flag(text: str) -> str | Refused:
    """Read true or false, also written yes and no or 1 and 0."""
    flag = _FLAGS.get(text.casefold())
    return flag or Refused(f"{text!r} is neither true nor false", "write true or false")


def read_pairs(
    text: str, read: Callable[[str], str | Refused], *, is_first: bool, example: str
) -> str | Refused:
    """Read ``a=b | c=d``, one side of each pair with ``read``; the answer has no spaces around.

    >>> read_pairs("T-1=5 | T-2 = 2.50", read_number_with_point, is_first=False, example="")
    'T-1=5|T-2=2.50'
    """
    pairs: list[str] = []
    for part in text.split(_PAIR_END):
        left, mark, right = (side.strip() for side in part.rpartition(_PAIR_MARK))
        if not mark or not left or not right:
            return Refused(f"{text!r} is no list of pairs", f"write it as {example}")
        value = read(left if is_first else right)
        if isinstance(value, Refused):
            return value
        pairs.append(f"{value}={right}" if is_first else f"{left}={value}")
    return _PAIR_END.join(pairs)


def pairs_of(text: str) -> list[tuple[str, str]]:
    """Return the pairs of what :func:`read_pairs` answered."""
    parts = [part.rpartition(_PAIR_MARK) for part in text.split(_PAIR_END)]
    return [(left, right) for left, _, right in parts]


_READERS: Mapping[Form, Callable[[str], str | Refused]] = {
    Form.TEXT: str,
    Form.CURRENCY: read_currency,
    Form.DAY: read_day,
    Form.INSTANT: read_instant,
    Form.FLAG: read_flag,
}


def reader(column: Column, delimiter: str) -> Callable[[str], str | Refused]:
    """Return what reads the cells of a column in a file with this delimiter.

    Numbers have a decimal comma where semicolons part the cells, a decimal point otherwise.
    """
    read_number = read_number_with_comma if delimiter == ";" else read_number_with_point
    match column.form:
        case Form.NUMBER:
            return read_number
        case Form.WORD:
            return partial(read_word, column.name)
        case Form.LOTS:
            return partial(read_pairs, read=read_number, is_first=False, example="T-1=5 | T-2=3")
        case Form.CHANGES:
            example = "2024-01-01=LIFO | 2025-01-01=HIFO"
            return partial(read_pairs, read=read_day, is_first=True, example=example)
        case form:
            return _READERS[form]
