"""The compliance stage: judge the trades of households whose books have moved.

It is fed by what the book and the series stage commit: a portfolio is marked with the earliest day
that moved when its series is right again. Trades are judged from 30 days before that day on, for a
purchase reaches back as far to a loss, and only verdicts that came out different are written. A
portfolio whose book moves meanwhile is left for the next round.
"""

from __future__ import annotations

from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING

from tidebook.compliance.policies import superficial_window_days, wash_window_days
from tidebook.compliance.verdicts import Status
from tidebook.engine.book_facts import rebuilt
from tidebook.engine.compliance.judging import Asked, Markets, judge_household
from tidebook.engine.compliance.ports import TradeVerdicts, VerdictsWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.walking import Judged
    from tidebook.engine.book_facts import BookFacts
    from tidebook.engine.compliance.ports import ComplianceUnit, Job


class Judging:
    """Judges trades again and again, and keeps the market that it judged with last.

    Households that are judged one after the other hold much of the same.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        """Begin with no market; ``now`` is the clock."""
        self._now = now
        self._last: Markets | None = None

    def again(
        self,
        unit: ComplianceUnit,
        limit: int,
        *,
        spared: Collection[str] = (),
        taken: list[str] | None = None,
    ) -> int:
        """Judge the trades of households with something to judge, inside one unit.

        ``spared`` portfolios are passed over. Into ``taken`` go those that are not, before
        anything is done. Returns how many portfolios were written.
        """
        today = self._now().astimezone(UTC).date()
        jobs = unit.jobs(limit, spared, today)
        at = self._now()
        if taken is not None:
            taken.extend(job.asked_by for job in jobs)
        apart = _apart(jobs)
        if not apart:
            self._last = None
            return 0
        gathered = unit.gather({job.asked_by: _ids(job) for job in apart})
        policies = unit.policies([identity for job in apart for identity in _ids(job)])
        markets = self._markets(gathered.every)
        writes: list[VerdictsWrite] = []
        for job in apart:
            own = {each: policies[each] for each in _ids(job) if each in policies}
            asked = Asked(own, _since(job, today, _reach(own)), today)
            writes += _judged(job, gathered.by_group[job.asked_by], asked, markets)
        return len(unit.save(writes, at))

    def _markets(self, given: BookFacts) -> Markets:
        """Return the market of facts."""
        self._last = Markets(given) if self._last is None else self._last.known_to(given)
        return self._last


def judge_again(
    unit: ComplianceUnit,
    limit: int,
    now: Callable[[], datetime],
    *,
    spared: Collection[str] = (),
    taken: list[str] | None = None,
) -> int:
    """Judge the trades of households with something to judge once, as :class:`Judging` does."""
    return Judging(now).again(unit, limit, spared=spared, taken=taken)


def _apart(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs that share no portfolio: whoever else asks for one is left for the next time."""
    seen: set[str] = set()
    found: list[Job] = []
    for job in jobs:
        ids = _ids(job)
        if seen.isdisjoint(ids):
            found.append(job)
            seen.update(ids)
    return found


def _ids(job: Job) -> list[str]:
    return [member.portfolio_id for member in job.members]


def _judged(job: Job, given: BookFacts, asked: Asked, markets: Markets) -> list[VerdictsWrite]:
    found = judge_household(rebuilt(given), asked, markets)
    return [
        VerdictsWrite(
            member,
            asked.since,
            tuple(
                TradeVerdicts(one.trade.trade_id, one.trade.on, one.trade.at, one.verdicts)
                for one in found.get(member.portfolio_id, ())
            ),
            _due_on(found.get(member.portfolio_id, ()), member.due_on, asked.as_of),
        )
        for member in job.members
    ]


def _reach(policies: Mapping[str, AccountPolicy]) -> timedelta:
    """Return how far back a purchase reaches in a household: 30 days, or as long as one states."""
    stated = policies.values()
    return timedelta(days=max(wash_window_days(stated), superficial_window_days(stated)))


def _since(job: Job, today: date, reach: timedelta) -> date:
    """Return the day from which the verdicts of a household may differ."""
    days = [member.unjudged_from for member in job.members if member.unjudged_from is not None]
    days += [today for member in job.members if member.due_on and member.due_on <= today]
    first = min(days, default=today)
    return first - reach - timedelta(days=1) if first - date.min > 2 * reach else date.min


def _due_on(judged: Sequence[Judged], before: date | None, today: date) -> date | None:
    """Return the day on which the first open window ends, of these trades and those before."""
    days = [
        verdict.clears_on
        for one in judged
        for verdict in one.verdicts
        if verdict.status is Status.PROVISIONAL and verdict.clears_on is not None
    ]
    days += [before] if before is not None and before > today else []
    return min((day for day in days if day > today), default=None)
