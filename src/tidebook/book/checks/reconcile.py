"""Reconciliation: the book's quantities beside those that others state, and where the two part.

A key's assertions are taken in the order of their days. The *difference* of an assertion is what
it states less what the book holds at the close of its day. Where the difference changes between
one assertion and the next, something happened in between that only one side knows: that interval
is a divergence, and what the book did within it is searched for what would explain the change.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.checks.reconcile_causes import Candidate, Course, Interval, candidates
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.checks.reconcile_causes import KeyRecord, Movement
    from tidebook.model.assertions import BalanceAssertion


class Verdict(StrEnum):
    """What a comparison came to."""

    AGREES = "agrees"
    """The difference is within the tolerance."""
    DIFFERS = "differs"
    """It is not."""


class Outcome(NamedTuple):
    """One assertion beside the book.

    ``security_id`` is the key it was compared with. ``difference`` is the asserted quantity less
    the ``booked`` one: above zero where the book holds too little. ``remark`` says what the
    comparison does not rest on, and is None when there is nothing to say.
    """

    assertion: BalanceAssertion
    security_id: str
    booked: Decimal
    difference: Decimal
    verdict: Verdict
    remark: str | None


class Divergence(NamedTuple):
    """An interval in which book and statements parted.

    It begins after the close of ``after``, the day of the assertion before (None: from the first
    booking on), and ends with the close of ``by``. ``difference`` is that at ``by``, ``change``
    what of it arose within the interval. ``agreed_before`` tells whether the two agreed at
    ``after``; before anything was asserted they did, both holding nothing.
    """

    security_id: str
    after: date | None
    by: date
    agreed_before: bool
    difference: Decimal
    change: Decimal
    movements: tuple[Movement, ...]
    candidates: tuple[Candidate, ...]


class Unstated(NamedTuple):
    """Something held on the day of the last assertion of which no assertion speaks."""

    security_id: str
    on: date
    quantity: Decimal


class Reconciliation(NamedTuple):
    """What a comparison of a whole portfolio came to.

    ``waiting`` counts the transactions that the book keeps without effect so far.
    """

    outcomes: tuple[Outcome, ...]
    divergences: tuple[Divergence, ...]
    unstated: tuple[Unstated, ...]
    waiting: int

    @property
    def differing(self) -> int:
        """How many assertions differ."""
        return sum(one.verdict is Verdict.DIFFERS for one in self.outcomes)

    @property
    def first_divergence(self) -> Divergence | None:
        """The divergence that could have begun first, or None when all agrees."""
        return min(self.divergences, key=_begins, default=None)


def reconcile(
    asserted: Mapping[str, Sequence[BalanceAssertion]],
    records: Mapping[str, KeyRecord],
    held: Mapping[str, Decimal] | None = None,
    *,
    waiting: int = 0,
) -> Reconciliation:
    """Return each assertion's outcome and, key by key, where the book and they part.

    Args:
        asserted: Assertions by the key they speak of; cancelled ones are passed over.
        records: What the book knows of each of these keys.
        held: What the portfolio held on the day of the last assertion, for what was left unstated.
        waiting: How many transactions of the portfolio wait.

    Returns:
        Outcomes and divergences by key, oldest first.
    """
    outcomes: list[Outcome] = []
    divergences: list[Divergence] = []
    days: list[date] = []
    spoken: set[str] = set()
    for security_id in sorted(asserted):
        standing = [one for one in asserted[security_id] if not one.is_cancelled]
        if not standing:
            continue
        spoken.add(security_id)
        course = Course(records[security_id])
        own = _outcomes(records[security_id], course, standing)
        outcomes += own
        divergences += _divergences(records[security_id], course, own)
        days += [one.on for one in standing]
    unstated = tuple(
        Unstated(security_id, max(days), quantity)
        for security_id, quantity in sorted((held or {}).items())
        if days and quantity and security_id not in spoken
    )
    return Reconciliation(tuple(outcomes), tuple(divergences), unstated, waiting)


def _outcomes(
    record: KeyRecord, course: Course, assertions: Iterable[BalanceAssertion]
) -> list[Outcome]:
    """Return the outcomes of one key, oldest first."""
    found: list[Outcome] = []
    ordered = sorted(assertions, key=lambda one: (one.on, one.assertion_id))
    with exact():
        for assertion in ordered:
            booked = course.held(assertion.on)
            difference = assertion.quantity - booked
            agrees = abs(difference) <= assertion.tolerance
            found.append(
                Outcome(
                    assertion,
                    record.security_id,
                    booked,
                    difference,
                    Verdict.AGREES if agrees else Verdict.DIFFERS,
                    _remark(record, course, assertion.on),
                )
            )
    return found


def _remark(record: KeyRecord, course: Course, on: date) -> str | None:
    waiting = sum(one.on <= on for one in record.waiting)
    if not course.between(None, on):
        kept = f", and {_count(waiting)} to it wait" if waiting else ""
        return f"no booked transaction has touched {record.security_id} by {on}{kept}"
    if waiting:
        return f"{_count(waiting)} of {record.security_id} by {on} wait and are not in the book"
    return None


def _count(number: int) -> str:
    return f"{number} transaction{'' if number == 1 else 's'}"


def _divergences(
    record: KeyRecord, course: Course, outcomes: Sequence[Outcome]
) -> list[Divergence]:
    """Return where the difference of a key changed to one that matters."""
    found: list[Divergence] = []
    after: date | None = None
    before, agreed = ZERO, True
    with exact():
        for on, same_day in groupby(outcomes, key=lambda one: one.assertion.on):
            day = list(same_day)
            differing = [one for one in day if one.verdict is Verdict.DIFFERS]
            worst = differing[0] if differing else day[0]
            change = worst.difference - before
            if differing and (agreed or abs(change) > worst.assertion.tolerance):
                interval = Interval(after, on, worst.difference, change, worst.assertion.tolerance)
                causes = (*_contradictions(day), *candidates(record, course, interval))
                found.append(
                    Divergence(
                        record.security_id,
                        after,
                        on,
                        agreed,
                        worst.difference,
                        change,
                        course.between(after, on),
                        causes,
                    )
                )
            after, before, agreed = on, worst.difference, not differing
    return found


def _contradictions(day: Sequence[Outcome]) -> tuple[Candidate, ...]:
    """Return that statements of one day contradict each other, where they do."""
    first = day[0].assertion
    others = [one.assertion for one in day[1:] if one.assertion.quantity != first.quantity]
    if not others:
        return ()
    said = ", ".join(
        f"{one.assertion_id} says {decimal_text(one.quantity)}" for one in (first, *others)
    )
    return (
        Candidate(
            "contradicting-assertions",
            tuple(one.assertion_id for one in (first, *others)),
            f"the assertions of {first.on} contradict each other: {said}",
            "cancel or correct the one that is wrong",
        ),
    )


def _begins(divergence: Divergence) -> tuple[date, str]:
    """Return what divergences are ordered by: the first day on which they may have begun."""
    first = divergence.after
    if first is None:
        first = divergence.movements[0].on if divergence.movements else divergence.by
    return first, divergence.security_id
