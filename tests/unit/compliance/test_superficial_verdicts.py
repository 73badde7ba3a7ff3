"""What the superficial loss rule says of each trade."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.unit.compliance.lot_history import ACCOUNT, bought, sold
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import rule_set_on
from tidebook.compliance.superficial_verdicts import (
    SUPERFICIAL_LOSS,
    superficial_of,
    superficial_verdict,
)
from tidebook.compliance.taxes import (
    Account as TaxAccount,
    AccountKind,
    SuperficialTerms,
    match_superficial,
)
from tidebook.compliance.trades import Account, Side, Trade
from tidebook.compliance.verdicts import Status

if TYPE_CHECKING:
    from tidebook.compliance.taxes import LotEvent
    from tidebook.compliance.verdicts import Verdict

D = Decimal
OLD = bought("old", "2024-01-10", 10)
NEW = bought("new", "2024-06-10", 4)
SALE = sold("s", "2024-06-03", OLD, 10, (400, 600))
CANADIAN = Account(ACCOUNT, jurisdiction="CA", currency="CAD")


def judge(events: list[LotEvent], trade_id: str, as_of: str, *, tfsa: bool = False) -> Verdict:
    day = date(2024, 6, 3)
    ruleset = rule_set_on(RULE_SETS, SUPERFICIAL_LOSS, "CA", day)
    assert ruleset is not None
    kind = AccountKind.TFSA if tfsa else AccountKind.TAXABLE
    view = match_superficial(events, SuperficialTerms({"B": TaxAccount("B", kind)}))
    side = Side.SELL if trade_id == "s" else Side.BUY
    trade = Trade(trade_id, ACCOUNT, "X", side, D(1), D(1), day)
    return superficial_verdict(
        trade, CANADIAN, ruleset, superficial_of(view), date.fromisoformat(as_of)
    )


def test_a_denied_loss_is_flagged_with_its_amounts() -> None:
    found = judge([OLD, SALE, NEW], "s", "2024-08-01")
    assert (found.status, found.clears_on) == (Status.FLAG, None)
    assert {one.name: one.value for one in found.amounts} == {
        "loss": D(200),
        "denied": D(80),
        "permanently_denied": D(0),
        "allowed": D(-120),
    }
    assert [one.kind for one in found.evidence] == ["sale", "substitute"]


def test_a_denied_loss_may_come_back_until_the_window_ends() -> None:
    found = judge([OLD, SALE, NEW], "s", "2024-06-20")
    assert (found.status, found.clears_on) == (Status.FLAG, date(2024, 7, 4))
    assert "still held on 2024-07-03" in found.reason


def test_a_loss_in_its_window_is_provisional_and_then_passes() -> None:
    found = judge([OLD, SALE], "s", "2024-06-20")
    assert (found.status, found.clears_on) == (Status.PROVISIONAL, date(2024, 7, 4))
    assert judge([OLD, SALE], "s", "2024-07-04").status is Status.PASS


def test_a_gain_passes() -> None:
    gain = sold("s", "2024-06-03", OLD, 10, (700, 600))
    assert judge([OLD, gain], "s", "2024-06-20").status is Status.PASS


def test_a_purchase_that_makes_a_loss_superficial_is_flagged() -> None:
    found = judge([OLD, SALE, NEW], "new", "2024-08-01")
    assert (found.status, found.amount("denied")) == (Status.FLAG, D(80))
    assert judge([OLD, SALE, NEW], "old", "2024-08-01").status is Status.PASS


def test_what_a_registered_account_buys_is_said_to_be_lost() -> None:
    sheltered = NEW._replace(lot=NEW.lot._replace(account_id="B"))
    found = judge([OLD, SALE, sheltered], "s", "2024-08-01", tfsa=True)
    assert found.amount("permanently_denied") == D(80)
    assert "lost" in found.remedy
    assert "lost" in judge([OLD, SALE, sheltered], "new", "2024-08-01", tfsa=True).remedy


def test_a_sale_in_a_registered_account_is_not_reached() -> None:
    first = OLD._replace(lot=OLD.lot._replace(account_id="B"))
    sale = SALE._replace(lot=first.lot)
    assert judge([first, sale], "s", "2024-08-01", tfsa=True).status is Status.NOT_APPLICABLE
