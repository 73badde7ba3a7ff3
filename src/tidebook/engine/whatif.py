"""What if: the difference that facts would make, told before any of them is sent.

Two books are built in memory from the same facts, one of them with the supposed ones, and their
figures are compared. Nothing is written, and nothing is estimated: a commit of the same facts on
the same book comes to the same figures, to the digit.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from tidebook.book.gains import NO_GAIN
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.figures import Beside, Side, figures, sides
from tidebook.engine.hypothesis import novelties, preview_hash, supposed
from tidebook.engine.measuring.performance import NamedPeriod
from tidebook.engine.queries import FactQuery
from tidebook.engine.verify import placed_findings
from tidebook.errors import UnknownPortfolioError
from tidebook.model.money import ZERO
from tidebook.model.periods import PeriodRequest, PeriodType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.book.gains import TermGains
    from tidebook.book.lots import Lot
    from tidebook.engine.book_facts import BookFacts, Standing
    from tidebook.engine.figures import PortfolioFigures, PositionFigures, ValueFigures
    from tidebook.engine.hypothesis import Hypothesis, Sent
    from tidebook.engine.measuring.performance import PeriodReturn
    from tidebook.engine.ports import Reader
    from tidebook.engine.store import FindingRow
    from tidebook.model.findings import Finding
    from tidebook.model.portfolios import Portfolio

SINCE_INCEPTION: Final = NamedPeriod("SI", PeriodRequest(PeriodType.SI))

Figure = TypeVar("Figure")


class Change(NamedTuple, Generic[Figure]):
    """A figure before and after."""

    before: Figure
    after: Figure


class LotChange(StrEnum):
    """What becomes of an open lot."""

    OPENED = "opened"
    """It is open afterwards and was not before."""
    CLOSED = "closed"
    """It was open before and is not afterwards."""
    CHANGED = "changed"


class PortfolioChanges(NamedTuple):
    """What would be different in one portfolio at the close of ``as_of``, and what it amounts to.

    Only what differs is listed, but for ``income``, ``costs``, ``value`` and ``returns``, which
    are told in any case. ``as_of`` is None where nothing is booked on either side.
    """

    portfolio: Portfolio
    as_of: date | None
    positions: Mapping[str, Change[PositionFigures | None]]
    lots: Mapping[tuple[str, str], tuple[LotChange, Change[Lot | None]]]
    gains: Mapping[str, Change[TermGains]]
    cash: Mapping[str, Change[Decimal]]
    income: Change[Decimal] | None
    costs: Change[Decimal] | None
    value: Change[ValueFigures] | None
    findings_arising: tuple[FindingRow, ...]
    findings_resolved: tuple[FindingRow, ...]
    returns: tuple[Change[PeriodReturn], ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be different."""
        told = (self.income, self.costs, self.value)
        listed = (self.positions, self.lots, self.gains, self.cash)
        return not (
            any(listed)
            or self.findings_arising
            or self.findings_resolved
            or any(change is not None and change.before != change.after for change in told)
            or any(change.before != change.after for change in self.returns)
        )


class Preview(NamedTuple):
    """What facts would change, portfolio by portfolio, and where the books stood.

    ``portfolios`` holds the one asked about first, and then, by id, the others related to it in
    which anything would be different.
    """

    sent: tuple[Sent, ...]
    portfolios: tuple[PortfolioChanges, ...]
    elsewhere: tuple[Finding, ...]
    """What would be said of facts whose portfolio nobody has introduced."""
    standings: Mapping[str, Standing]
    preview_hash: str


class Question(NamedTuple):
    """On which day the two books are compared (None: the last of either), over which periods."""

    as_of: date | None = None
    periods: tuple[NamedPeriod, ...] = ()


def query_of(portfolio_ids: tuple[str, ...], hypothesis: Hypothesis) -> FactQuery:
    """Return which facts a preview is built from."""
    securities = {fact.security_id for fact in hypothesis.transactions}
    securities |= {fact.to_security_id for fact in hypothesis.transactions}
    securities |= hypothesis.security_ids
    return FactQuery(
        tuple(sorted({*portfolio_ids, *hypothesis.portfolio_ids})),
        tuple(sorted(hypothesis.transaction_ids)),
        tuple(sorted(securities - {""})),
    )


def what_if(
    reader: Reader, portfolio_id: str, hypothesis: Hypothesis, question: Question
) -> Preview:
    """Return the difference that facts would make to a portfolio and to those related to it.

    Raises:
        UnknownPortfolioError: If no fact has introduced the portfolio.
    """
    given = reader.book_facts(query_of((portfolio_id,), hypothesis))
    if portfolio_id not in given.facts.portfolios:
        raise UnknownPortfolioError(portfolio_id)
    found = compared(given, hypothesis, question)
    others = [one for one in found.portfolios if one.portfolio.portfolio_id != portfolio_id]
    asked = [one for one in found.portfolios if one.portfolio.portfolio_id == portfolio_id]
    return found._replace(portfolios=(*asked, *(one for one in others if not one.is_empty)))


def compared(given: BookFacts, hypothesis: Hypothesis, question: Question) -> Preview:
    """Return what the facts of a hypothesis would change in every portfolio at hand, by id."""
    made = rebuilt(given)
    then = rebuilt(supposed(given, hypothesis), made)
    before = sides(made)
    after = sides(then, before)
    return Preview(
        novelties(given, hypothesis),
        tuple(
            _changes(before.get(identity), after[identity], identity, question)
            for identity in sorted(after)
        ),
        tuple(
            row.finding
            for row in placed_findings(then)
            if row.portfolio_id not in after
            and row.finding.transaction_id not in made.book.findings
        ),
        given.standings,
        preview_hash(hypothesis, given.standings),
    )


def _changes(
    before: Side | None, after: Side, portfolio_id: str, question: Question
) -> PortfolioChanges:
    portfolio = after.made.rests_on.facts.portfolios[portfolio_id]
    last = [side.series[-1].on for side in (before, after) if side is not None and side.series]
    as_of = question.as_of or max(last, default=None)
    periods = (SINCE_INCEPTION, *question.periods)
    on = as_of or portfolio.open_date
    if before is None:
        # Nothing was booked yet.
        before = Side(after.made, (), (), {})
    was = before.made.rests_on.facts.portfolios.get(portfolio_id, portfolio)
    one = figures(before, was, on, periods, Beside(after, portfolio))
    other = figures(after, portfolio, on, periods, Beside(before, was))
    return _difference(portfolio, as_of, one, other)


def _difference(
    portfolio: Portfolio, as_of: date | None, before: PortfolioFigures, after: PortfolioFigures
) -> PortfolioChanges:
    arising = after.findings.keys() - before.findings.keys()
    arising |= {
        key
        for key in after.findings.keys() & before.findings.keys()
        if after.findings[key] != before.findings[key]
    }
    resolved = before.findings.keys() - after.findings.keys()
    told = as_of is not None
    return PortfolioChanges(
        portfolio,
        as_of,
        _differing(before.positions, after.positions, None),
        _lots(before.lots, after.lots),
        _differing(before.gains, after.gains, NO_GAIN),
        _differing(before.cash, after.cash, ZERO),
        Change(before.income, after.income) if told else None,
        Change(before.costs, after.costs) if told else None,
        Change(before.value, after.value) if told else None,
        tuple(after.findings[key] for key in sorted(arising)),
        tuple(before.findings[key] for key in sorted(resolved)),
        tuple(map(Change, before.returns, after.returns)) if told else (),
    )


def _differing(
    before: Mapping[str, Figure], after: Mapping[str, Figure], nothing: Figure
) -> dict[str, Change[Figure]]:
    pairs = {
        name: Change(before.get(name, nothing), after.get(name, nothing))
        for name in sorted({*before, *after})
    }
    return {name: change for name, change in pairs.items() if change.before != change.after}


def _lots(
    before: Mapping[tuple[str, str], Lot], after: Mapping[tuple[str, str], Lot]
) -> dict[tuple[str, str], tuple[LotChange, Change[Lot | None]]]:
    found: dict[tuple[str, str], tuple[LotChange, Change[Lot | None]]] = {}
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if one is None:
            what = LotChange.OPENED
        else:
            what = LotChange.CLOSED if other is None else LotChange.CHANGED
        found[name] = (what, Change(one, other))
    return found
