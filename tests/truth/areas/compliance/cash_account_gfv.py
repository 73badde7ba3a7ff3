"""Cash accounts: good-faith violations, free riding, and what holds an account to settled cash."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.truth.areas.compliance.keeping import exactly
from tests.truth.tolerance import assert_known
from tidebook.compliance.bound import Bound
from tidebook.compliance.cash_funding import CashBreachKind, CashTrade
from tidebook.compliance.cash_record import CashRecord, CashRule, Inflow
from tidebook.compliance.cash_rules import CASH_ACCOUNT, cash_account
from tidebook.compliance.day_trades import DayTradeRecord
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import Context, rule_set_on
from tidebook.compliance.trades import (
    Account,
    AccountType,
    Position,
    Side,
    Standing,
    Trade,
    exposure_after,
)
from tidebook.compliance.verdicts import Status
from tidebook.model.money import exact

if TYPE_CHECKING:
    from tests.truth.cases import Content
    from tidebook.book.postings import Order
    from tidebook.compliance.bound import CashStanding
    from tidebook.compliance.cash_funding import CashBreach
    from tidebook.compliance.verdicts import Verdict

FLOWS = {"deposit": 1, "withdrawal": -1}
FIGURES = {
    "good_faith_violations",
    "free_riding",
    "liquidation_violations",
    "freeze_until",
    "status",
}
_WORST = (Status.PASS, Status.FLAG, Status.FAIL)


class Followed(NamedTuple):
    """What the rule said of each trade, every breach, and the last day of a restriction."""

    verdicts: list[Verdict]
    kinds: list[CashBreachKind]
    restricted_until: date | None


def check(case: Content) -> None:
    """Follow the money through the events of the case, and take the worst that the rule says."""
    given, expected = case["input"], case["expected"]
    assert_known(expected, FIGURES)
    with exact():
        found = _follow(given)
    counted = {
        "good_faith_violations": CashBreachKind.GOOD_FAITH_VIOLATION,
        "free_riding": CashBreachKind.FREE_RIDING,
        "liquidation_violations": CashBreachKind.LIQUIDATION_VIOLATION,
    }
    for name, kind in counted.items():
        if name in expected:
            assert found.kinds.count(kind) == int(expected[name]), name
    if "freeze_until" in expected:
        until = found.restricted_until
        assert (None if until is None else until.isoformat()) == expected["freeze_until"]
    worst = max((one.status for one in found.verdicts), key=_WORST.index)
    assert worst == expected["status"]


def _follow(given: Content) -> Followed:
    rows: list[Content] = given["events"]
    inflows = [
        Inflow(_place(place, row), FLOWS[row["side"]] * exactly(row["amount"]))
        for place, row in enumerate(rows)
        if row["side"] in FLOWS
    ]
    record = CashRecord(exactly(given["settled_cash"]), inflows)
    verdicts: list[Verdict] = []
    kinds: list[CashBreachKind] = []
    until: date | None = None
    for place, row in enumerate(rows):
        on, amount = date.fromisoformat(row["date"]), exactly(row["amount"])
        if row["side"] in FLOWS:
            record.deposit(on, FLOWS[row["side"]] * amount)
            continue
        quantity = exactly(row["qty"]) if "qty" in row else None
        trade = CashTrade(str(place), on, Side(row["side"]), row["symbol"], amount, quantity)
        breaches, standing = record.take(trade, _place(place, row), CashRule())
        kinds.extend(one.kind for one in breaches)
        verdicts.append(_verdict(trade, breaches, standing))
        held = record.restriction(date.fromordinal(on.toordinal() + 1))
        until = until if held is None else held.until
    return Followed(verdicts, kinds, until)


def _place(place: int, row: Content) -> Order:
    on = date.fromisoformat(row["date"])
    return (on, datetime(on.year, on.month, on.day, tzinfo=UTC), place, str(place), "main")


def _verdict(cash: CashTrade, breaches: tuple[CashBreach, ...], standing: CashStanding) -> Verdict:
    """Return what the rule says of a trade of all that is held of its security."""
    ruleset = rule_set_on(RULE_SETS, CASH_ACCOUNT, "US", cash.on)
    assert ruleset is not None
    one = Decimal(1)
    trade = Trade(cash.trade_id, "A", cash.security_id, cash.side, one, cash.amount, cash.on)
    account = Account("A", AccountType.CASH)
    held = Standing({cash.security_id: Position(cash.security_id, one, cash.amount)})
    context = Context(
        ruleset,
        account,
        held,
        exposure_after(trade, held),
        DayTradeRecord(),
        cash_breaches=breaches,
        bound=Bound(cash=standing),
    )
    return cash_account(trade, context)
