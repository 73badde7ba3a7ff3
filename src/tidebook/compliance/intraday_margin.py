"""The intraday margin standard, FINRA 4210(a)(17) to (19) and (d)(2), in force from 2026-06-04.

The intraday margin level (IML) is equity less the maintenance margin required: what could be
withdrawn. A day on which a transaction lowers it has a deficit as large as the lowest level below
0 that follows such a transaction; getting better later in the day does not erase it, and a fall of
prices alone makes none. A deficit is to be met as promptly as possible; who makes a practice of
not doing so, and has one unmet at the close of the fifth business day, may not increase shorts or
debits for 90 days. A deficit of at most 5 % of equity and 1,000 is minor: it counts toward no
practice.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.verdicts import Status
from tidebook.model.money import ZERO
from tidebook.model.sessions import session_after

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date


class EventKind(StrEnum):
    """What moves an account's level; only a change of prices lowers it without a transaction."""

    TRANSACTION = "transaction"
    MARK = "mark"


class MarginEvent(NamedTuple):
    """One event of a day, with what it did to equity and to the margin required."""

    event_id: str
    kind: EventKind
    equity_change: Decimal = ZERO
    requirement_change: Decimal = ZERO

    @property
    def level_change(self) -> Decimal:
        """What it did to the intraday margin level."""
        return self.equity_change - self.requirement_change


class LevelStep(NamedTuple):
    """The intraday margin level after an event, and whether the event was a reducing one."""

    event_id: str
    level: Decimal
    equity: Decimal
    is_reducing: bool


class IntradayRule(NamedTuple):
    """The figures of the standard."""

    minor_share: Decimal = Decimal("0.05")
    minor_max: Decimal = Decimal(1000)
    due_sessions: int = 5
    expires_sessions: int = 15
    freeze_days: int = 90
    practice_min: int = 4
    """How many deficits of twelve months, late and not minor, make a practice."""


class DatedCash(NamedTuple):
    """Cash, or another rise of the level, by the end of a later day."""

    on: date
    amount: Decimal


class Deficit(NamedTuple):
    """An intraday margin deficit, when it is due and what became of it.

    ``frozen_until`` is the last of the 90 days, where a freeze began.
    """

    on: date
    amount: Decimal
    minor_max: Decimal
    is_minor: bool
    due_on: date
    expires_after: date
    satisfied_on: date | None
    frozen_until: date | None

    @property
    def status(self) -> Status:
        """A minor deficit is flagged, any other is a failure; meeting it later does not undo it."""
        return Status.FLAG if self.is_minor else Status.FAIL


def levels(equity: Decimal, required: Decimal, events: Sequence[MarginEvent]) -> list[LevelStep]:
    """Return the level after each event of a day, in the order of the events."""
    level = equity - required
    steps: list[LevelStep] = []
    for event in events:
        change = event.level_change
        level += change
        equity += event.equity_change
        reduces = event.kind is not EventKind.MARK and change < ZERO
        steps.append(LevelStep(event.event_id, level, equity, reduces))
    return steps


def worst_order(events: Sequence[MarginEvent]) -> list[MarginEvent]:
    """Return events of unknown order in the one that gives the highest deficit.

    Falling prices count before everything and what raises the level after everything.
    """
    return sorted(
        events,
        key=lambda event: (event.level_change >= ZERO, event.kind is not EventKind.MARK),
    )


def deficit(
    on: date,
    steps: Sequence[LevelStep],
    later: Sequence[DatedCash] = (),
    *,
    rule: IntradayRule,
    is_practice: bool = False,
) -> Deficit | None:
    """Return the intraday margin deficit of a day; nothing where no transaction left one.

    ``later`` is what was brought in by the ends of later days, in order. ``is_practice`` says that
    the customer makes a practice of not meeting deficits promptly.
    """
    reducing = [step for step in steps if step.is_reducing and step.level < ZERO]
    if not reducing:
        return None
    worst = min(reducing, key=lambda step: step.level)
    amount = -worst.level
    minor_max = min(rule.minor_share * max(worst.equity, ZERO), rule.minor_max)
    is_minor = amount <= minor_max
    due_on = session_after(on, rule.due_sessions)
    expires_after = session_after(on, rule.expires_sessions)
    satisfied_on = _satisfied_on(amount, on, expires_after, later)
    is_late = satisfied_on is None or satisfied_on > due_on
    frozen_until = None
    if is_practice and is_late and not is_minor:
        frozen_until = due_on + timedelta(days=rule.freeze_days)
        if satisfied_on is not None:
            frozen_until = min(frozen_until, satisfied_on)
    return Deficit(
        on, amount, minor_max, is_minor, due_on, expires_after, satisfied_on, frozen_until
    )


def _satisfied_on(
    amount: Decimal, on: date, expires_after: date, later: Sequence[DatedCash]
) -> date | None:
    brought = ZERO
    for one in later:
        if one.on <= on or one.on > expires_after:
            continue
        brought += one.amount
        if brought >= amount:
            return one.on
    return None
