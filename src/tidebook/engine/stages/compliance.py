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
from tidebook.engine.compliance.judging import Asked, judge_household
from tidebook.engine.compliance.ports import TradeVerdicts, VerdictsWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.walking import Judged
    from tidebook.engine.compliance.ports import ComplianceUnit, Job


def judge_again(
    unit: ComplianceUnit,
    limit: int,
    now: Callable[[], datetime],
    *,
    spared: Collection[str] = (),
    taken: list[str] | None = None,
) -> int:
    """Judge the trades of households with something to judge, inside one unit.

    ``spared`` portfolios are passed over. Into ``taken`` go those that are not, before anything is
    done. Returns how many portfolios were written.
    """
    today = now().astimezone(UTC).date()
    jobs = unit.jobs(limit, spared, today)
    at = now()
    if taken is not None:
        taken.extend(job.asked_by for job in jobs)
    written: set[str] = set()
    for job in jobs:
        if job.asked_by not in written:
            written |= unit.save(_judged(unit, job, today), at)
    return len(written)


def _judged(unit: ComplianceUnit, job: Job, today: date) -> list[VerdictsWrite]:
    ids = [member.portfolio_id for member in job.members]
    policies = unit.policies(ids)
    since = _since(job, today, _reach(policies))
    asked = Asked(policies, since, today)
    found = judge_household(rebuilt(unit.book_facts(ids)), asked)
    return [
        VerdictsWrite(
            member,
            since,
            tuple(
                TradeVerdicts(one.trade.trade_id, one.trade.on, one.trade.at, one.verdicts)
                for one in found.get(member.portfolio_id, ())
            ),
            _due_on(found.get(member.portfolio_id, ()), member.due_on, today),
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
