"""The figures of realised gains: one line, told lot by lot, and sums of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, derived, stated, undefined
from tidebook.book.gains import SOME_NOT_PAID, GainKind, totals
from tidebook.book.postings import Leg
from tidebook.book.trees.gains import KeyGains
from tidebook.book.trees.lots import replay
from tidebook.book.trees.steps import Side
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.evidence import evidence
from tidebook.engine.gains import gains_by_entry, terms_of
from tidebook.errors import UnknownSubjectError
from tidebook.model.periods import NoSpan, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.gains import Gain, GainTotals
    from tidebook.book.trees.gains import GainTrees
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import BookedEntry, EntriesView


class _Told(NamedTuple):
    """One line of realised gains: its entry, its place among the lines of that, and itself."""

    booked: BookedEntry
    all: tuple[Gain, ...]
    place: int

    @property
    def gain(self) -> Gain:
        return self.all[self.place]


def explain_gain(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under what one disposal gained on one lot.

    Where a transaction gained on two keys, by a sale and by the money paid for it, the security is
    meant rather than the money, unless one of them is named. Of two lots of one name the first
    that was taken is meant.

    Raises:
        UnknownSubjectError: If the transaction, or the corporate action, closed nothing of the lot.
    """
    portfolio_id = question.portfolio_id or ""
    view = _entries(reader, question)
    found = [
        one
        for one in _told(view, None, None)
        if one.booked.transaction_id == question.transaction_id
        and one.gain.lot_id == question.lot_id
        and question.leg in {None, one.booked.entry.leg}
    ]
    if not found:
        what = f"a gain of transaction {question.transaction_id!r} on lot {question.lot_id!r}"
        raise UnknownSubjectError(what, portfolio_id)
    told = min(found, key=lambda one: one.gain.kind is GainKind.CURRENCY)
    (trees,) = _drawn(reader, question, view, [told], told.gain.closed_on)
    return Drawn(view.portfolio, view.freshness, _FIELDS[figure.name](trees))


def explain_gains(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a sum of realised gains, line by line."""
    view = _entries(reader, question)
    start, end = _between(view, question)
    if figure.name == "undated":
        return _undated(reader, question, view, (start, end))
    found = [one for one in _told(view, start, end) if question.term in {None, one.gain.term}]
    found.sort(key=lambda one: one.gain.closed_on)
    lines = _drawn(reader, question, view, found, question.as_of)
    name, base = figure.name, view.portfolio.base_currency
    if name == "count":
        label = "lines of realised gains"
        node = derived(label, "", Formula.COUNT, [one.realised for one in lines])
        return Drawn(view.portfolio, view.freshness, node)
    label = f"{name.replace('_', ' ')}, summed over the lines of gains"
    parts = [_FIELDS[name](one) for one in lines]
    if any(part.value is None for part in parts):
        why = next(part.label for part in parts if part.value is None)
        label = f"{label}: {why if name == 'tax' else SOME_NOT_PAID}"
        return Drawn(view.portfolio, view.freshness, undefined(label, base))
    value = _STATED[name](totals(one.gain for one in found))
    node = stated(derived(label, base, Formula.SUM, parts), value)
    return Drawn(view.portfolio, view.freshness, node)


def _undated(
    reader: FigureReader,
    question: Question,
    view: EntriesView,
    between: tuple[date | None, date | None],
) -> Drawn:
    """Return what entries realised that took no lot."""
    start, end = between
    dated = {id(booked) for booked, _ in gains_by_entry(view)}
    known = evidence(
        reader,
        question.portfolio_id or "",
        through=question.as_of,
        known_at=question.known_at,
        security_id=question.security_id,
    )
    nodes: list[Node] = []
    for booked in view.entries:
        value = booked.entry.realised_base
        outside = (start is not None and booked.on < start) or (end is not None and booked.on > end)
        if id(booked) in dated or outside or not value:
            continue
        steps = known.steps.get(booked.entry.security_id, [])
        key = known.key(booked.entry.security_id, booked.entry.currency)
        gain = replay(key, steps, Side.BASE).steps[booked.transaction_id, Leg(booked.entry.leg)]
        if gain.gain is not None:
            nodes.append(stated(gain.gain, value))
    base = view.portfolio.base_currency
    node = derived("realised without any lot", base, Formula.SUM, nodes)
    return Drawn(view.portfolio, view.freshness, node)


def _entries(reader: FigureReader, question: Question) -> EntriesView:
    return reader.entries(
        question.portfolio_id or "",
        security_id=question.security_id,
        as_of=question.as_of,
        known_at=question.known_at,
        realised=True,
    )


def _told(view: EntriesView, start: date | None, end: date | None) -> list[_Told]:
    return [
        _Told(booked, gains, place)
        for booked, gains in gains_by_entry(view, start=start, end=end)
        for place in range(len(gains))
    ]


def _between(view: EntriesView, question: Question) -> tuple[date | None, date | None]:
    """Return the first and the last day of what is summed; None without a bound."""
    days = [booked.on for booked in view.entries]
    as_of = question.as_of or view.freshness.as_of or max(days, default=None)
    if question.period is None or as_of is None or not days:
        return None, None
    span = resolve(question.period, as_of=as_of, inception=min(days))
    if isinstance(span, NoSpan):
        return min(days), span.end
    return span.start, span.end


def _drawn(
    reader: FigureReader,
    question: Question,
    view: EntriesView,
    found: Iterable[_Told],
    through: date | None,
) -> list[GainTrees]:
    """Return the trees of lines, in their order."""
    known = evidence(
        reader,
        question.portfolio_id or "",
        through=through,
        known_at=question.known_at,
        security_id=question.security_id,
    )
    terms = terms_of(view.portfolio, view.instruments, view.actions)
    keys: dict[str, KeyGains] = {}
    trees: dict[tuple[str, str, str], tuple[GainTrees, ...]] = {}
    lines: list[GainTrees] = []
    for one in found:
        entry, identity = one.booked.entry, one.booked.transaction_id
        security_id = entry.security_id
        if security_id not in keys:
            key = known.key(security_id, entry.currency)
            keys[security_id] = KeyGains(key, known.steps.get(security_id, []), terms)
        name = (security_id, identity, entry.leg)
        if name not in trees:
            trees[name] = keys[security_id].trees((identity, Leg(entry.leg)), one.all)
        lines.append(trees[name][one.place])
    return lines


_FIELDS: Final[Mapping[str, Callable[[GainTrees], Node]]] = {
    "quantity": lambda trees: trees.quantity,
    "proceeds": lambda trees: trees.proceeds,
    "proceeds_local": lambda trees: trees.proceeds_local,
    "cost": lambda trees: trees.cost,
    "cost_local": lambda trees: trees.cost_local,
    "realised": lambda trees: trees.realised,
    "realised_local": lambda trees: trees.realised_local,
    "realised_price": lambda trees: trees.realised_price,
    "realised_currency": lambda trees: trees.realised_currency,
    "tax": lambda trees: trees.tax,
}
_STATED: Final[Mapping[str, Callable[[GainTotals], Decimal | None]]] = {
    "proceeds": lambda found: found.proceeds_base,
    "cost": lambda found: found.cost_base,
    "realised": lambda found: found.gain_base,
    "realised_price": lambda found: found.price_base,
    "realised_currency": lambda found: found.currency_base,
    "tax": lambda found: found.tax_base,
}
