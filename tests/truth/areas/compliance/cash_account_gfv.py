"""Cash accounts: good-faith violations and free riding."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tests.truth.areas.compliance.keeping import exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.cash_funding import CashBreachKind, CashFunding, CashTrade
from tidebook.compliance.trades import Side
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.compliance.cash_funding import CashBreach


def check(case: Content) -> None:
    """Follow the money through the events of the case."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, {"good_faith_violations", "free_riding", "status"})
    found: list[CashBreach] = []
    with exact():
        funding = CashFunding(exactly(given["settled_cash"]))
        for place, row in enumerate(given["events"]):
            on, amount = date.fromisoformat(row["date"]), exactly(row["amount"])
            if row["side"] == "deposit":
                funding.deposit(on, amount)
                continue
            trade = CashTrade(str(place), on, Side(row["side"]), row["symbol"], amount)
            found.extend(funding.take(trade))
    kinds = [one.kind for one in found]
    violations = kinds.count(CashBreachKind.GOOD_FAITH_VIOLATION)
    rides = kinds.count(CashBreachKind.FREE_RIDING)
    if "good_faith_violations" in expected:
        assert violations == expected["good_faith_violations"]
    if "free_riding" in expected:
        assert rides == int(expected["free_riding"])
    status = "fail" if rides else "flag" if violations else "pass"
    assert status == expected["status"]
