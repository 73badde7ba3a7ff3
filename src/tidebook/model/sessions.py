"""Trading sessions of the New York Stock Exchange: the business days of United States rules.

Holidays follow the rules of the exchange (NYSE Rule 7.2): one that falls on a Sunday is kept on
the Monday after it, one on a Saturday on the Friday before it, but New Year's Day on a Saturday is
not kept. The days on which the exchange stayed closed for other reasons are listed. Sessions are
right from 1998 on; a day on which the exchange closes early is a session.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5
_SUNDAY: Final = 6
_MONDAY: Final = 0
_THURSDAY: Final = 3
_JUNETEENTH_SINCE: Final = 2022

CLOSED: Final = frozenset(
    {
        *(date(2001, 9, day) for day in (11, 12, 13, 14)),
        date(2004, 6, 11),
        date(2007, 1, 2),
        date(2012, 10, 29),
        date(2012, 10, 30),
        date(2018, 12, 5),
        date(2025, 1, 9),
    }
)
"""Days without a session that no yearly holiday explains: attacks, mourning, a hurricane."""

_SETTLEMENT: Final = ((date(2024, 5, 28), 1), (date(2017, 9, 5), 2), (date.min, 3))


def is_session(on: date) -> bool:
    """Tell whether the exchange holds a session on a day.

    >>> is_session(date(2026, 7, 3))  # Independence Day falls on a Saturday
    False
    """
    return on.weekday() < _SATURDAY and on not in CLOSED and on not in _holidays(on.year)


@lru_cache(maxsize=4096)
def session_on_or_before(on: date) -> date:
    """Return the day itself where it is a session, or else the last session before it."""
    while not is_session(on):
        on -= _DAY
    return on


@lru_cache(maxsize=4096)
def last_sessions(through: date, count: int) -> tuple[date, ...]:
    """Return the last ``count`` sessions up to and including a day, oldest first.

    >>> [str(day) for day in last_sessions(date(2025, 12, 2), 3)]
    ['2025-11-28', '2025-12-01', '2025-12-02']
    """
    days: list[date] = []
    day = through
    while len(days) < count:
        day = session_on_or_before(day)
        days.append(day)
        day -= _DAY
    return tuple(reversed(days))


@lru_cache(maxsize=4096)
def session_after(on: date, count: int) -> date:
    """Return the ``count``-th session after a day, which itself does not count.

    >>> str(session_after(date(2026, 7, 1), 5))  # 2, 6, 7, 8 and 9 July
    '2026-07-09'
    """
    day = on
    for _ in range(count):
        day += _DAY
        while not is_session(day):
            day += _DAY
    return day


def settles_on(traded_on: date) -> date:
    """Return the day on which a United States trade in stock settles.

    One session after the trade since 2024-05-28, two since 2017-09-05, three before.
    """
    days = next(days for since, days in _SETTLEMENT if traded_on >= since)
    return session_after(traded_on, days)


@lru_cache(maxsize=256)
def _holidays(year: int) -> frozenset[date]:
    """Return the days of a year on which a yearly holiday is kept."""
    fixed = [date(year, 7, 4), date(year, 12, 25)]
    if year >= _JUNETEENTH_SINCE:
        fixed.append(date(year, 6, 19))
    days = {_kept_on(day) for day in fixed}
    new_year = date(year, 1, 1)
    days.add(new_year + _DAY if new_year.weekday() == _SUNDAY else new_year)
    days.add(_nth(year, 1, _MONDAY, 3))
    days.add(_nth(year, 2, _MONDAY, 3))
    days.add(_easter(year) - 2 * _DAY)
    days.add(_nth(year, 6, _MONDAY, 1) - 7 * _DAY)
    days.add(_nth(year, 9, _MONDAY, 1))
    days.add(_nth(year, 11, _THURSDAY, 4))
    return frozenset(days)


def _kept_on(day: date) -> date:
    if day.weekday() == _SATURDAY:
        return day - _DAY
    return day + _DAY if day.weekday() == _SUNDAY else day


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    ahead = (weekday - first.weekday()) % 7
    return first + (ahead + 7 * (number - 1)) * _DAY


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, rest = divmod(year, 100)
    golden = year % 19
    leap_centuries, leap_rest = divmod(century, 4)
    correction = (8 * century + 13) // 25
    epact = (19 * golden + century - leap_centuries - correction + 15) % 30
    leap_years, years = divmod(rest, 4)
    weekday = (32 + 2 * leap_rest + 2 * leap_years - epact - years) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
