"""Intraday margin deficits over days: met or not, late or not, and what follows from that.

A deficit is met when what came in since, or the rise of the level since the end of its day, is as
much as it was (FINRA 4210(d)(2)). Who has left enough of them unmet at the close of the fifth
business day within twelve months makes a practice of it, and may not increase shorts or debits for
90 days, or until the deficit is met. Minor deficits do not count. How many make a practice the
rule leaves open; the number is a parameter.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.bound import MarginStanding, OpenDeficit
from tidebook.compliance.intraday_margin import (
    EventKind,
    MarginEvent,
    deficit,
    levels,
)
from tidebook.compliance.trades import UNKNOWN
from tidebook.model.money import ZERO
from tidebook.model.sessions import is_session

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from tidebook.compliance.intraday_margin import (
        IntradayRule,
        LevelStep,
    )
    from tidebook.compliance.trades import Known

_DAY = timedelta(days=1)


class _Frozen(NamedTuple):
    deficit: OpenDeficit
    until: date


class DeficitRecord:
    """The intraday margin levels of one account, event by event, and its deficits over days."""

    __slots__ = (
        "_equity",
        "_floor",
        "_frozen",
        "_late",
        "_level",
        "_on",
        "_open",
        "_rule",
        "_unknown",
        "_unordered",
        "_worst",
    )

    def __init__(self) -> None:
        """Begin with an account that the standard has not bound yet."""
        self._open: tuple[OpenDeficit, ...] = ()
        self._late: tuple[date, ...] = ()
        self._frozen: _Frozen | None = None
        self._unknown: tuple[date, ...] = ()
        self._rule: IntradayRule | None = None
        self._start(date.min, UNKNOWN, ZERO)

    def _start(self, on: date, equity: Known, required: Decimal) -> None:
        self._on = on
        self._equity = equity.value
        self._level = None if equity.value is None else equity.value - required
        self._floor = self._level
        self._worst: LevelStep | None = None
        self._unordered = False

    def begin(
        self,
        on: date,
        opening: tuple[Known, Decimal],
        rule: IntradayRule,
        level_at: Callable[[date], Decimal | None],
    ) -> None:
        """Begin a day with anything happening in it.

        Args:
            on: The day.
            opening: The equity at the close before, and the maintenance margin required then.
            rule: The figures for the account.
            level_at: Gives the intraday margin level at the close of a day since the last one that
                was begun; None where it is not known.
        """
        self.end(on, level_at)
        self._rule = rule
        self._start(on, *opening)

    def end(self, before: date, level_at: Callable[[date], Decimal | None]) -> None:
        """End the last day, and let the days pass up to the one before ``before``."""
        rule = self._rule
        if rule is None:
            return
        if self._worst is not None:
            self._add(self._worst, rule, level_at(self._on))
            self._worst = None
        on = self._on
        while on < before and self._open:
            if is_session(on):
                self._close(on, level_at(on), rule)
            on += _DAY

    def _add(self, worst: LevelStep, rule: IntradayRule, level: Decimal | None) -> None:
        found = deficit(self._on, [worst], rule=rule)
        if found is not None:
            made = OpenDeficit(
                found.on, found.amount, found.is_minor, found.due_on, found.expires_after, level
            )
            self._open = (*self._open, made)

    def _close(self, on: date, level: Decimal | None, rule: IntradayRule) -> None:
        """Let a session end: what is met is met, and what was due is late."""
        left: list[OpenDeficit] = []
        for one in self._open:
            if one.on < on and _is_met(one, level):
                if self._frozen is not None and self._frozen.deficit.on == one.on:
                    self._frozen = None
                continue
            if on == one.due_on and not one.is_minor:
                self._late = (*self._late, on)
                if len(_within_a_year(self._late, on)) >= rule.practice_min:
                    self._frozen = _Frozen(one, on + timedelta(days=rule.freeze_days))
            if on < one.expires_after:
                left.append(one)
        self._open = tuple(left)

    def flow(self, amount: Decimal) -> None:
        """Let money come in, or go out with a negative amount: that lowers the level."""
        self._open = tuple(one._replace(brought=one.brought + amount) for one in self._open)
        if self._rule is not None:
            self.take("", amount, ZERO)

    def take(
        self, event_id: str, equity_change: Decimal, required_change: Decimal, *, timed: bool = True
    ) -> LevelStep | None:
        """Take a transaction, and return the level that it leaves; None where that is not known.

        Where the instant of one of the day is not known, the level is the lowest that any order of
        the day's transactions so far would leave.
        """
        if self._level is None or self._equity is None or self._floor is None:
            self.lose()
            return None
        event = MarginEvent(event_id, EventKind.TRANSACTION, equity_change, required_change)
        self._unordered = self._unordered or not timed
        self._floor += min(event.level_change, ZERO)
        start = self._level if not self._unordered else self._floor - event.level_change
        step = levels(self._equity, self._equity - start, [event])[0]
        self._level += event.level_change
        self._equity = step.equity
        if step.is_reducing and step.level < min(ZERO, self._worst.level if self._worst else ZERO):
            self._worst = step
        return step

    def lose(self) -> None:
        """Take a transaction that cannot be valued: the level of its day is not known after it."""
        self._unknown = (*(day for day in self._unknown if day != self._on), self._on)
        self._level = None

    def stop(self) -> None:
        """Let the standard bind the account no more: nothing of it is left."""
        self._open, self._frozen, self._worst, self._rule = (), None, None, None

    def standing(self, on: date) -> MarginStanding:
        """Return what binds the account on a day, before its next transaction."""
        frozen = self._frozen
        return MarginStanding(
            None,
            self._open,
            _within_a_year(self._late, on),
            frozen.until if frozen is not None and on <= frozen.until else None,
            len(_within_a_year(self._unknown, on - _DAY)),
        )


def _is_met(one: OpenDeficit, level: Decimal | None) -> bool:
    if one.brought >= one.amount:
        return True
    return level is not None and one.level is not None and level - one.level >= one.amount


def _within_a_year(days: tuple[date, ...], on: date) -> tuple[date, ...]:
    """Return the days of the twelve months up to and including a day."""
    return tuple(day for day in days if years_before(on) < day <= on)


def years_before(on: date) -> date:
    """Return the day a year before; the last of February for the 29th."""
    try:
        return on.replace(year=on.year - 1)
    except ValueError:
        return on.replace(year=on.year - 1, day=28)
