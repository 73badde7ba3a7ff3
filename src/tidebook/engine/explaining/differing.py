"""The difference that facts would make to a figure: the supposed book's less the present one's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.book.derivation import Formula, Node, derived, disagreements, given
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.explaining.asking import explain
from tidebook.engine.explaining.figures import TERMS, Scope, chosen
from tidebook.engine.explaining.supposing import SupposedBook
from tidebook.engine.hypothesis import preview_hash, supposed
from tidebook.engine.whatif import query_of
from tidebook.errors import (
    BookMovedError,
    InvalidFigureError,
    UnknownPortfolioError,
    UnknownPositionError,
    UnknownSubjectError,
)
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.explaining.answers import Explanation
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.supposing import Supposition
    from tidebook.engine.figure_reader import FigureReader
    from tidebook.engine.ports import Reader

_ATTEMPTS_MAX: Final = 3
_SCOPES: Final = frozenset(
    {Scope.PORTFOLIO, Scope.POSITION, Scope.LOT, Scope.GAIN, Scope.GAINS, Scope.PERIOD}
)


class Differing(NamedTuple):
    """A figure in two books, each with its tree, and what lies between them.

    ``before`` or ``after`` is None where the book has no such position, lot or gain, and ``reason``
    says so. ``change`` is None where one of them has no figure, and of returns, which are compared
    and not subtracted.
    """

    figure: Figure
    question: Question
    before: Explanation | None
    after: Explanation | None
    change: Node | None
    reason: str | None
    preview_hash: str
    supposed: FigureReader

    @property
    def agrees(self) -> bool:
        """Whether every figure of both trees is what its leaves come to, the change too."""
        found = [one for one in (self.before, self.after) if one is not None]
        apart = () if self.change is None else disagreements(self.change)
        return not apart and not any(one.disagreements for one in found)


def explain_difference(reader: Reader, question: Question, supposition: Supposition) -> Differing:
    """Return a figure of the book and of the one that facts would make of it, with both trees.

    Without ``as_of`` both are of the last valued day of either.

    Raises:
        InvalidFigureError: If there is no such figure, or if it is none that a what-if tells.
        UnknownPortfolioError: If no fact has introduced the portfolio.
        UnknownSubjectError: If neither book has what the figure is of.
        BookMovedError: If the book kept changing between the reads.
    """
    figure = chosen(question)
    if figure.scope not in _SCOPES or question.known_at is not None:
        raise InvalidFigureError(
            figure.full_name,
            "is none that a what-if tells of",
            hint=f"ask for one of {', '.join(sorted(_SCOPES))}, without known_at",
        )
    for _ in range(_ATTEMPTS_MAX - 1):
        try:
            return _explained(reader, question, supposition)
        except BookMovedError:
            continue
    return _explained(reader, question, supposition)


def _explained(reader: Reader, question: Question, supposition: Supposition) -> Differing:
    portfolio_id, hypothesis = question.portfolio_id or "", supposition.hypothesis
    given_facts = reader.book_facts(query_of((portfolio_id,), hypothesis))
    if portfolio_id not in given_facts.facts.portfolios:
        raise UnknownPortfolioError(portfolio_id)
    _refuse_moved(reader, portfolio_id, given_facts)
    made = rebuilt(given_facts)
    now = SupposedBook(made, reader, supposition)
    then = SupposedBook(rebuilt(supposed(given_facts, hypothesis), made), reader, supposition)
    figure = chosen(question)
    last = [day for day in (now.last_day(portfolio_id), then.last_day(portfolio_id)) if day]
    takes = "as_of" in TERMS[figure.scope].takes and question.transaction_id is None
    if takes and question.as_of is None:
        question = question._replace(as_of=max(last, default=None))
    before, after = _side(reader, question), _side(then, question)
    _refuse_moved(reader, portfolio_id, given_facts)
    if before is None and after is None:
        raise UnknownSubjectError("what the figure is of, with the facts or without", portfolio_id)
    change = _change(figure, before, after)
    told = preview_hash(hypothesis, given_facts.standings)
    why = _why(before, after, change)
    return Differing(figure, question, before, after, change, why, told, then)


def _refuse_moved(reader: Reader, portfolio_id: str, given_facts: BookFacts) -> None:
    standing = given_facts.standings[portfolio_id]
    if reader.freshness(portfolio_id).generation != standing.generation:
        raise BookMovedError(portfolio_id)


def _side(reader: FigureReader, question: Question) -> Explanation | None:
    try:
        return explain(reader, question)
    except (UnknownPositionError, UnknownSubjectError):
        return None


def _change(figure: Figure, before: Explanation | None, after: Explanation | None) -> Node | None:
    one, other = (None if side is None else side.node for side in (before, after))
    known = one if isinstance(one, Node) else other
    if not isinstance(known, Node):
        return None
    if figure.name in _NOTHING_HELD:
        nothing = given("the book has none", ZERO, known.unit)
        one, other = one or nothing, other or nothing
    if not isinstance(one, Node) or not isinstance(other, Node):
        return None
    label = f"{figure.full_name}: with the facts less without them"
    node = derived(label, known.unit, Formula.DIFFERENCE, (other, one))
    return None if node.value is None else node


def _why(before: Explanation | None, after: Explanation | None, change: Node | None) -> str | None:
    """Return why there is no change, or which of the books has no such thing."""
    if before is None:
        return "without the facts the book has no such position, lot or gain"
    if after is None:
        return "with the facts the book has no such position, lot or gain"
    if change is not None:
        return None
    if before.node.value is None or after.node.value is None:
        return "one of the books has no figure; its tree says why"
    return "returns are compared, not subtracted"


_NOTHING_HELD: Final = frozenset(
    {
        "quantity",
        "cost",
        "cost_local",
        "value",
        "value_local",
        "counted",
        "unrealised",
        "unrealised_local",
        "realised",
        "realised_local",
        "realised_price",
        "realised_currency",
    }
)
"""What is zero where a book has no such position or lot."""
