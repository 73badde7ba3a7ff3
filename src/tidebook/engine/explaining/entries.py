"""The figures of one transaction: what it reported, and what it did to a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Source, SourceKind, given, stated, undefined
from tidebook.book.postings import Leg
from tidebook.book.trees.lots import replay
from tidebook.book.trees.moves import move_tree
from tidebook.book.trees.positions import gain_splits
from tidebook.book.trees.steps import (
    Side,
    cash_amount_tree,
    fx_rate_tree,
    position_flow_tree,
    title_of,
)
from tidebook.engine.explaining.answers import Drawn
from tidebook.engine.explaining.evidence import evidence, steps_until
from tidebook.errors import UnknownSubjectError
from tidebook.model.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from decimal import Decimal

    from tidebook.book.derivation import Node
    from tidebook.book.trees.steps import Key, Step
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.views import EntryView, Freshness, TransactionView
    from tidebook.model.facts import Transaction


def explain_transaction(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return what a transaction reported, as the fact that it is.

    Raises:
        UnknownSubjectError: If the portfolio has no such transaction.
    """
    view = _view(reader, question)
    fact = view.transaction
    source = Source(SourceKind.TRANSACTION, fact.transaction_id, version=view.version)
    if figure.name == "fx_rate":
        if view.main is not None:
            return _explain(reader, question, "fx_rate", view)
        label = f"rate recorded with transaction {fact.transaction_id}"
        rate = fact.fx_rate
        node = undefined(f"{label}: none", "") if rate is None else given(label, rate, "", source)
    elif figure.name == "named_quantity":
        named = [one.quantity for one in fact.lots if one.lot_id == question.lot_id]
        if not named:
            what = f"lot {question.lot_id!r} named in transaction {fact.transaction_id!r}"
            raise UnknownSubjectError(what, question.portfolio_id)
        label = f"to be taken from lot {question.lot_id}"
        node = given(label, named[0], fact.security_id, source)
    else:
        label = f"{figure.name.replace('_', ' ')} of transaction {fact.transaction_id}"
        node = given(label, *_REPORTED[figure.name](fact), source)
    portfolio = reader.portfolio(question.portfolio_id or "")
    return Drawn(portfolio, _freshness(reader, question), node)


def explain_entry(reader: FigureReader, question: Question, figure: Figure) -> Drawn:
    """Return the tree under what a transaction did to a key.

    Raises:
        UnknownSubjectError: If the portfolio has no such transaction, or it is not booked on the
            key.
    """
    return _explain(reader, question, figure.name, _view(reader, question))


def _view(reader: FigureReader, question: Question) -> TransactionView:
    portfolio_id, identity = question.portfolio_id or "", question.transaction_id or ""
    reader.portfolio(portfolio_id)
    view = reader.transaction(identity, known_at=question.known_at)
    unknown = UnknownSubjectError(f"transaction {identity!r}", portfolio_id)
    if view is None:
        raise unknown
    named = {view.transaction.portfolio_id, view.transaction.to_portfolio_id}
    if portfolio_id not in named:
        raise unknown
    own = [entry for entry in view.entries if entry.portfolio_id in {"", portfolio_id}]
    return view._replace(entries=tuple(own))


def _freshness(reader: FigureReader, question: Question) -> Freshness:
    return reader.freshness(question.portfolio_id or "")._replace(known_at=question.known_at)


def _explain(reader: FigureReader, question: Question, name: str, view: TransactionView) -> Drawn:
    portfolio_id, identity = question.portfolio_id or "", question.transaction_id or ""
    entry = _entry(view, question, name)
    if entry is None and question.security_id is None and question.leg is None:
        why = "it is booked here on another leg" if view.entries else _why_unbooked(view)
        node = undefined(f"{name} of transaction {identity}: {why}", "")
        return Drawn(reader.portfolio(portfolio_id), _freshness(reader, question), node)
    unknown = UnknownSubjectError(f"the entry asked for of transaction {identity!r}", portfolio_id)
    if entry is None:
        raise unknown
    security_id = entry.security_id
    known = evidence(
        reader,
        portfolio_id,
        through=view.business_date,
        known_at=question.known_at,
        security_id=security_id,
    )
    steps = known.steps.get(security_id, [])
    own = next((step for step in steps if step.name == (identity, entry.leg)), None)
    if own is None:
        raise unknown
    change = _Change(known.key(security_id, entry.currency), steps_until(steps, own), own)
    node = change.tree(name, question.lot_id)
    if node is None:
        what = f"the part of lot {question.lot_id!r} in transaction {identity!r}"
        raise UnknownSubjectError(what, portfolio_id)
    if name in _STATED:
        node = stated(node, _STATED[name](entry))
    return Drawn(known.portfolio, _freshness(reader, question), node)


def _why_unbooked(view: TransactionView) -> str:
    return next(
        (found.sentence for found in view.findings if found.severity is Severity.WAITING),
        "it is not booked",
    )


def _entry(view: TransactionView, question: Question, name: str) -> EntryView | None:
    """Return the entry that is meant: on the named key or leg, the main one before the other.

    Where neither is named it is the side on which the transaction itself shows the figure.
    """
    if question.leg is None and question.security_id is None:
        if name.startswith("realised"):
            return view.gaining or view.main
        return (view.flowing or view.main) if name in _FLOWS else view.main
    fitting = [
        entry
        for entry in view.entries
        if question.leg in {None, entry.leg} and question.security_id in {None, entry.security_id}
    ]
    return min(fitting, key=lambda entry: entry.leg != Leg.MAIN, default=None)


class _Change(NamedTuple):
    """The last of a key's steps, with those before it."""

    key: Key
    steps: Sequence[Step]
    step: Step

    def tree(self, name: str, lot_id: str | None) -> Node | None:
        """Return the tree of one figure; None where the step has no such part."""
        if name in _DIRECT:
            return _DIRECT[name](self.key, self.step)
        if name in {"realised_price", "realised_currency"}:
            split = gain_splits(self.key, self.steps).get(self.step.name)
            if split is None:
                return self._no_gain()
            return split.price if name == "realised_price" else split.currency
        side = Side.LOCAL if name.endswith("_local") else Side.BASE
        found = replay(self.key, self.steps, side).steps[self.step.name]
        if name.startswith("matched_"):
            own = [part for part in found.parts if part.lot_id == lot_id]
            nodes = [part.quantity if name == "matched_quantity" else part.cost for part in own]
            return nodes[0] if nodes else None
        if name.startswith("realised"):
            return self._no_gain() if found.gain is None else found.gain
        return found.cost

    def _no_gain(self) -> Node:
        label = f"gain of {title_of(self.step)}: it closes nothing, or moves it without a sale"
        return undefined(label, self.key.base_currency)


_FLOWS: Final = frozenset({"cash_amount", "position_flow"})
_DIRECT: Final[Mapping[str, Callable[[Key, Step], Node]]] = {
    "quantity": move_tree,
    "fx_rate": fx_rate_tree,
    "cash_amount": lambda _, step: cash_amount_tree(step),
    "position_flow": lambda _, step: position_flow_tree(step),
}
_STATED: Final[Mapping[str, Callable[[EntryView], Decimal | None]]] = {
    "quantity": lambda entry: entry.quantity,
    "cost": lambda entry: entry.cost_base,
    "cost_local": lambda entry: entry.cost_local,
    "realised": lambda entry: entry.realised_base,
    "realised_local": lambda entry: entry.realised_local,
    "realised_price": lambda entry: entry.realised_price,
    "realised_currency": lambda entry: entry.realised_currency,
    "fx_rate": lambda entry: entry.fx_rate,
    "cash_amount": lambda entry: entry.cash_amount,
    "position_flow": lambda entry: entry.position_flow,
}
_REPORTED: Final[Mapping[str, Callable[[Transaction], tuple[Decimal, str]]]] = {
    "quantity": lambda fact: (fact.quantity, fact.security_id),
    "to_quantity": lambda fact: (fact.to_quantity, fact.to_security_id or fact.security_id),
    "price": lambda fact: (fact.price, fact.trade_currency),
    "gross": lambda fact: (fact.gross, fact.trade_currency),
    "fee": lambda fact: (fact.fee, fact.trade_currency),
    "tax": lambda fact: (fact.tax, fact.trade_currency),
    "accrued_interest": lambda fact: (fact.accrued_interest, fact.trade_currency),
}
