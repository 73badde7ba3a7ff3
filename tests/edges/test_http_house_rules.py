"""Returns under the rules of a house over HTTP: each by hand, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.edges.test_http_performance import MWR, TWR, answered, with_days
from tidebook.book.series import PortfolioDay

D = Decimal
ZERO = D(0)
FIRST, SECOND, THIRD = (date(2025, 3, day) for day in (10, 11, 12))
FUNDED = PortfolioDay(FIRST, ZERO, D(1000), ZERO, D(1000), ZERO, ZERO)


def asked(start: date, end: date, **rules: object) -> dict[str, object]:
    period = {"type": "EXPLICIT", "name": "P", "from": start.isoformat(), "to": end.isoformat()}
    return {
        "scope": {"as_of_date": "2025-03-12"},
        "periods": [period],
        "options": {"rules": rules},
    }


def doubled(start: str, end: str) -> PortfolioDay:
    """Give a day on which 1,000 come in beside 1,000, and the whole ends at 2,100."""
    return PortfolioDay(SECOND, D(1000), D(start), D(end), D(2100), ZERO, ZERO)


@pytest.mark.parametrize(
    ("rules", "earned"),
    [
        # The gain is 100: on the 1,000 that opened, on 2,000, or on 1,500.
        ({"timing": "AS_RECORDED"}, 10.0),
        ({"timing": "END_OF_DAY"}, 10.0),
        ({"timing": "START_OF_DAY"}, 5.0),
        ({"timing": "MIDDLE_OF_DAY"}, 100 / 15),
        # The flow is as large as what opened: large beyond a half, not beyond twice.
        ({"large_flow_share": 0.5}, 5.0),
        ({"large_flow_share": 2}, 10.0),
        ({"large_flow_share": 0.5, "timing": "END_OF_DAY"}, 5.0),
    ],
)
def test_when_flows_join(rules: dict[str, object], earned: float) -> None:
    desk = with_days(FUNDED, doubled("0", "1000"))
    body = answered(TWR, asked(SECOND, SECOND, **rules), desk)
    assert body["summary"]["P"]["cumulative_return"] == pytest.approx(earned, abs=1e-9)
    assert body["conventions"]["rules"]["timing"] == rules.get("timing", "AS_RECORDED")


def gap(flow: str) -> Any:  # noqa: ANN401 - a desk
    """Give 1,000 that become 1,210 over a day with a position at cost, on whose end money comes."""
    without = PortfolioDay(SECOND, D(1000), ZERO, D(flow), D(600), ZERO, D(500))
    ended = PortfolioDay(THIRD, D(600), ZERO, ZERO, D(1210), ZERO, ZERO)
    return with_days(FUNDED, without, ended)


def test_a_gap_without_a_flow_is_spanned_exactly() -> None:
    body = answered(TWR, asked(SECOND, THIRD, unpriced="GAP"), gap("0"))
    found = body["summary"]["P"]
    assert found["cumulative_return"] == pytest.approx(21.0, abs=1e-9)
    assert found["rule_days"] == {
        "valued_to": "2025-03-12",
        "without_capital": [],
        "spanned": ["2025-03-12"],
        "approximated": [],
        "indebted": [],
    }


def test_a_flow_inside_a_gap_has_no_true_return() -> None:
    body = answered(TWR, asked(SECOND, THIRD, unpriced="GAP"), gap("100"))
    found = body["summary"]["P"]
    assert found["cumulative_return"] is None
    assert found["reason"]["code"] == "flow-without-value"


def test_dietz_may_stand_for_it_and_is_told() -> None:
    # 100 came in half-way: (1,210 - 1,000 - 100) / (1,000 + 100 / 2).
    rules = {"unpriced": "GAP", "gaps": "DIETZ"}
    found = answered(TWR, asked(SECOND, THIRD, **rules), gap("100"))["summary"]["P"]
    assert found["cumulative_return"] == pytest.approx(110 / 1050 * 100, abs=1e-9)
    assert found["rule_days"]["approximated"] == ["2025-03-12"]


def test_parts_of_a_period_with_a_gap() -> None:
    body = asked(SECOND, THIRD, unpriced="GAP")
    body["periods"][0]["breakdown"] = "DAILY"  # type: ignore[index]
    (part,) = answered(TWR, body, gap("0"))["breakdowns"]["P"]["results"]
    assert (part["start_date"], part["end_date"]) == ("2025-03-11", "2025-03-12")
    assert part["cumulative_return"] == pytest.approx(21.0, abs=1e-9)


def test_a_period_ends_where_values_do_or_cannot_begin_without_one() -> None:
    last = answered(TWR, asked(THIRD, THIRD, unpriced="GAP"), gap("0"))["summary"]["P"]
    assert last["cumulative_return"] is None
    assert last["reason"]["code"] == "no-opening-value"
    first = answered(TWR, asked(FIRST, SECOND, unpriced="GAP"), gap("0"))["summary"]["P"]
    assert first["cumulative_return"] == 0.0
    assert first["rule_days"]["valued_to"] == "2025-03-10"


def test_a_gain_on_too_little_capital_is_no_return() -> None:
    desk = with_days(FUNDED, doubled("0", "1000"))
    found = answered(TWR, asked(SECOND, SECOND, capital_min=1001), desk)["summary"]["P"]
    assert found["cumulative_return"] is None
    assert found["reason"]["code"] == "capital-below-minimum"
    assert found["rule_days"]["without_capital"] == ["2025-03-11"]


@pytest.mark.parametrize(
    ("path", "rules", "code"),
    [
        (TWR, {"timing": "LUNCH"}, "word.unknown"),
        (TWR, {"large_flow_share": -1}, "limit.negative"),
        (TWR, {"gaps": "DIETZ"}, "rules.no-gaps"),
        (TWR, {"resets": True}, "field.unknown"),
        (MWR, {"timing": "END_OF_DAY"}, "rules.not-here"),
    ],
)
def test_what_decides_nothing_is_refused(path: str, rules: dict[str, object], code: str) -> None:
    answer = gap("0").client.post(path, json=asked(FIRST, THIRD, **rules))
    assert answer.status_code == 422
    assert [one["code"] for one in answer.json()["errors"]] == [code]


def test_rules_are_not_those_of_each_portfolio_of_many() -> None:
    body = asked(FIRST, THIRD, timing="END_OF_DAY")
    body["scope"] = {"portfolio_ids": ["P-1"], "each": True}
    answer = gap("0").client.post("/portfolios/performance", json=body)
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/options/rules"]
    several = {**body, "scope": {"portfolio_ids": ["P-1"], "as_of_date": "2025-03-12"}}
    told = answered("/portfolios/performance", several, gap("0"))
    assert told["summary"]["P"]["rule_days"]["valued_to"] == "2025-03-12"
