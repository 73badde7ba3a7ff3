"""What would explain a difference: each cause that fits to the unit, in a sentence, with a remedy.

Nothing is guessed from likeness. A cause is named only where it accounts for the whole change of
the difference, within the tolerance of the assertion; several may, and then all are named.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.checks.split_ratios import RATIOS
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.checks.split_ratios import SplitRatio

CANDIDATES_MAX: Final = 10
"""How many transactions are named for one kind of cause."""
_SETTLING_DAYS: Final = 60
"""How long before a day a trade may lie that has not settled by then."""
_LATE_DAYS: Final = 10
"""How long after the other side a booking may come and still be the same event."""


class Movement(NamedTuple):
    """What one booked transaction did to the quantity of a key; never zero."""

    transaction_id: str
    type: str
    on: date
    quantity: Decimal
    settles_on: date | None = None

    @property
    def deal(self) -> tuple[str, date, Decimal]:
        """What two records of one deal have in common."""
        return self.type, self.on, self.quantity


class WaitingMovement(NamedTuple):
    """What a transaction that waits would do; ``quantity`` is None where that is not known."""

    transaction_id: str
    type: str
    on: date
    quantity: Decimal | None
    why: str


class KeyRecord(NamedTuple):
    """What the book knows of one key: its movements in order, and what waits to be booked on it."""

    security_id: str
    is_cash: bool
    movements: tuple[Movement, ...]
    waiting: tuple[WaitingMovement, ...] = ()


class Course:
    """How a key's quantity went, ready to be asked about days."""

    def __init__(self, record: KeyRecord) -> None:
        """Sum the movements once."""
        self._moves = record.movements
        self._days = [move.on for move in record.movements]
        with exact():
            self._sums = list(accumulate(move.quantity for move in record.movements))

    def held(self, on: date) -> Decimal:
        """Return the quantity at the close of a day; zero before the first movement."""
        count = bisect_right(self._days, on)
        return self._sums[count - 1] if count else ZERO

    def between(self, after: date | None, through: date) -> tuple[Movement, ...]:
        """Return the movements after a day (None: from the first on) and up to another."""
        begin = 0 if after is None else bisect_right(self._days, after)
        return self._moves[begin : bisect_right(self._days, through)]


class Interval(NamedTuple):
    """Days after ``after`` (None: from the beginning) to ``by``, and what came apart in them."""

    after: date | None
    by: date
    difference: Decimal
    change: Decimal
    tolerance: Decimal

    def holds(self, on: date) -> bool:
        """Tell whether a day lies in it."""
        return on <= self.by and (self.after is None or on > self.after)

    def is_change(self, quantity: Decimal) -> bool:
        """Tell whether a quantity is what the book lacks: below zero, what it has too much."""
        return abs(quantity - self.change) <= self.tolerance

    @property
    def span(self) -> str:
        """The interval in words."""
        return f"by {self.by}" if self.after is None else f"after {self.after}, by {self.by}"


class Candidate(NamedTuple):
    """One cause that would explain a divergence.

    ``ids`` are those of the transactions (or assertions) that it is about.
    """

    code: str
    ids: tuple[str, ...]
    sentence: str
    remedy: str


def candidates(record: KeyRecord, course: Course, interval: Interval) -> tuple[Candidate, ...]:
    """Return every cause that accounts for the change within an interval; the plainest first.

    When none does, one candidate says what is missing or too much.
    """
    inside = course.between(interval.after, interval.by)
    with exact():
        found = (
            *_waiting(record, interval),
            *_surplus(record, inside, interval),
            *_wrong_sign(inside, interval),
            *(() if record.is_cash else _splits(record, course, interval)),
            *_unsettled(course, interval),
            *_late(course, interval),
            *_second(inside, interval),
        )
    return found or (_unexplained(record, interval),)


def _waiting(record: KeyRecord, interval: Interval) -> Iterator[Candidate]:
    """Yield transactions that wait and would, once booked, close the gap."""
    inside = [
        (one, one.quantity)
        for one in record.waiting
        if interval.holds(one.on) and one.quantity is not None
    ]
    single = [(one, moves) for one, moves in inside if interval.is_change(moves)]
    for one, moves in single[:CANDIDATES_MAX]:
        yield Candidate(
            "waiting",
            (one.transaction_id,),
            f"{one.type} {one.transaction_id} of {one.on} moves {decimal_text(moves)} and waits: "
            f"{one.why}",
            "send what it waits for; it is then booked by itself",
        )
    together = sum((moves for _, moves in inside), ZERO)
    if not single and len(inside) > 1 and interval.is_change(together):
        yield Candidate(
            "waiting",
            tuple(one.transaction_id for one, _ in inside),
            f"the {len(inside)} transactions that wait move {decimal_text(together)} together",
            "send what they wait for; they are then booked by themselves",
        )


def _surplus(
    record: KeyRecord, inside: Sequence[Movement], interval: Interval
) -> Iterator[Candidate]:
    """Yield movements that the other side does not have: booked twice, or never happened."""
    told: set[str] = set()
    for move in inside:
        if not interval.is_change(-move.quantity) or move.transaction_id in told:
            continue
        twins = [
            one.transaction_id
            for one in record.movements
            if one.deal == move.deal and one.transaction_id != move.transaction_id
        ]
        what = f"{move.type} {move.transaction_id} of {move.on} ({_signed(move.quantity)})"
        if twins:
            told.update(twins)
            yield Candidate(
                "duplicated",
                (move.transaction_id, *twins),
                f"{what} looks booked twice: {', '.join(twins)} says the same",
                "cancel one of them if it is the same deal under two ids",
            )
        else:
            yield Candidate(
                "not-confirmed",
                (move.transaction_id,),
                f"{what} is in the book and not in the statement",
                "check that it happened, in this portfolio and this security, and cancel it if not",
            )
        told.add(move.transaction_id)
        if len(told) >= CANDIDATES_MAX:
            return


def _wrong_sign(inside: Sequence[Movement], interval: Interval) -> Iterator[Candidate]:
    """Yield movements booked the wrong way round: turned, they count twice their quantity."""
    turned = [move for move in inside if interval.is_change(-2 * move.quantity)]
    for move in turned[:CANDIDATES_MAX]:
        yield Candidate(
            "wrong-sign",
            (move.transaction_id,),
            f"{move.type} {move.transaction_id} of {move.on} moved {_signed(move.quantity)}; the "
            "other way round it would explain the difference",
            "check its type, and send it again under the same id with the right one",
        )


def _splits(record: KeyRecord, course: Course, interval: Interval) -> Iterator[Candidate]:
    """Yield a split, of what was held at some close of the interval, that the book lacks."""
    told: set[SplitRatio] = set()
    for since, held in _closes(course, interval):
        for ratio in RATIOS:
            if ratio in told or not _is_split(held, ratio, interval):
                continue
            told.add(ratio)
            yield Candidate(
                "split-not-applied",
                (),
                f"a {ratio} split of the {decimal_text(held)} held from {since} on would explain "
                "the difference",
                f"check for a split of {record.security_id} {interval.span}, and send it",
            )


def _closes(course: Course, interval: Interval) -> Iterator[tuple[date, Decimal]]:
    """Yield what was held at the start of the interval and after each of its days of movement."""
    starts = sorted({move.on for move in course.between(interval.after, interval.by)})
    if interval.after is not None:
        starts.insert(0, interval.after)
    for day in starts:
        if held := course.held(day):
            yield day, held


def _is_split(held: Decimal, ratio: SplitRatio, interval: Interval) -> bool:
    """Tell whether a split of what was held is the change; a fraction may be paid out in cash."""
    gained = held * (ratio.new - ratio.old)
    short = gained - interval.change * ratio.old
    if abs(short) <= interval.tolerance * ratio.old:
        return True
    return held > 0 and held * ratio.new % ratio.old != 0 and 0 < short < ratio.old


def _unsettled(course: Course, interval: Interval) -> Iterator[Candidate]:
    """Yield trades that had not settled, where the other side counts from settlement on."""
    open_then = [
        move
        for move in course.between(interval.by - timedelta(days=_SETTLING_DAYS), interval.by)
        if move.settles_on is not None and move.settles_on > interval.by
    ]
    whole = sum((move.quantity for move in open_then), ZERO)
    if not open_then or not abs(interval.difference + whole) <= interval.tolerance:
        return
    named = open_then[:CANDIDATES_MAX]
    shown = ", ".join(f"{move.transaction_id} on {move.settles_on}" for move in named)
    yield Candidate(
        "not-settled",
        tuple(move.transaction_id for move in named),
        f"{decimal_text(whole)} of it was traded and not settled at the close of {interval.by} "
        f"({shown})",
        "if the statement counts from settlement on, assert what was held by trade date",
    )


def _late(course: Course, interval: Interval) -> Iterator[Candidate]:
    """Yield movements booked shortly after that the other side may have had already."""
    last = interval.by + timedelta(days=_LATE_DAYS)
    late = [move for move in course.between(interval.by, last) if interval.is_change(move.quantity)]
    for move in late[:CANDIDATES_MAX]:
        yield Candidate(
            "booked-later",
            (move.transaction_id,),
            f"{move.type} {move.transaction_id} ({_signed(move.quantity)}) is booked on {move.on}, "
            f"after the close of {interval.by}",
            "check its date, and send it again under the same id with the right one",
        )


def _second(inside: Sequence[Movement], interval: Interval) -> Iterator[Candidate]:
    """Yield movements of which the other side may have two."""
    alike = [move for move in inside if interval.is_change(move.quantity)]
    for move in alike[:CANDIDATES_MAX]:
        yield Candidate(
            "missing-second",
            (move.transaction_id,),
            f"a second transaction like {move.type} {move.transaction_id} of {move.on} "
            f"({_signed(move.quantity)}) would explain the difference",
            "ask for the confirmations of that day, and send the second one under its own id",
        )


def _unexplained(record: KeyRecord, interval: Interval) -> Candidate:
    size = decimal_text(abs(interval.change))
    lacks = interval.change > 0
    unit = "" if record.is_cash else f" {record.security_id}"
    return Candidate(
        "missing" if lacks else "too-much",
        (),
        f"the book has {size}{unit} {'less' if lacks else 'more'} than stated {interval.span}, and "
        "no single transaction, split or settlement accounts for it",
        f"ask for the transactions in {record.security_id} {interval.span}, and send what is "
        f"missing{'' if lacks else ' or cancel what did not happen'}",
    )


def _signed(quantity: Decimal) -> str:
    text = decimal_text(quantity)
    return text if quantity < 0 else f"+{text}"
