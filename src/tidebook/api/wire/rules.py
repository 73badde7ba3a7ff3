"""The rules of a house in the request and the answer of the time-weighted routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.analytics import FlowTiming, GapPolicy
from tidebook.api.replies import Json, day_or_null
from tidebook.api.rows.reader import Names, RowReader
from tidebook.engine.measuring.ruled import HouseRules, Unpriced

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from tidebook.api.rows.faults import Faults
    from tidebook.engine.measuring.ruled import RuledPeriod

_RULES: Final = Names.of(("timing", "large_flow_share", "gaps", "capital_min", "unpriced"))


def rules_asked(options: RowReader, faults: Faults, now: datetime) -> HouseRules | None:
    """Return the rules that a request states, None without; what is wrong goes to ``faults``."""
    if not options.has("rules"):
        return None
    asked = RowReader(
        options.fields("rules"), _RULES, pointer="/options/rules", faults=faults, now=now
    )
    unpriced = asked.choice("unpriced", Unpriced, Unpriced.AT_COST)
    if asked.has("gaps") and unpriced is Unpriced.AT_COST and asked.is_clean:
        asked.fault(
            "gaps",
            "rules.no-gaps",
            "there are gaps only where a day without a price is one; send unpriced as GAP too, "
            "or leave it out",
        )
    return HouseRules(
        asked.choice("timing", FlowTiming, FlowTiming.AS_RECORDED),
        _limit(asked, "large_flow_share") if asked.has("large_flow_share") else None,
        asked.choice("gaps", GapPolicy, GapPolicy.UNDEFINED),
        _limit(asked, "capital_min") if asked.has("capital_min") else 0.0,
        unpriced,
    )


def _limit(asked: RowReader, name: str) -> float:
    limit = asked.number(name)
    if limit < 0:
        asked.fault(name, "limit.negative", f"{limit} is below 0; send 0 or more, or leave it out")
        return 0.0
    return float(limit)


def refuse_rules(rules: HouseRules | None, faults: Faults) -> None:
    """Refuse rules where they decide nothing."""
    if rules is not None:
        faults.add(
            "/options/rules",
            "rules.not-here",
            "rules are those of time-weighted returns of one series; leave them out",
        )


def rules_json(rules: HouseRules) -> Json:
    """Return the rules that an answer rests on."""
    return {
        "timing": rules.timing.value,
        "large_flow_share": rules.large_flow_share,
        "large_flow": "beyond this part of the opening value, what comes in joins at the start of "
        "the day and what goes out leaves at its end",
        "unpriced": rules.unpriced.value,
        "gaps": rules.gaps.value,
        "capital_min": rules.capital_min,
        "resets": "none: a chain that passes from capital to debt has no return",
    }


def rule_days_json(period: RuledPeriod) -> Json:
    """Return the days of a period on which a rule decided."""
    return {
        "valued_to": day_or_null(period.valued_to),
        "without_capital": _days(period.without_capital),
        "spanned": _days(period.spanned),
        "approximated": _days(period.approximated),
        "indebted": _days(period.indebted),
    }


def _days(days: Sequence[date]) -> list[str]:
    return [day.isoformat() for day in days]
