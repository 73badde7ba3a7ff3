"""What the law does not decide is never passed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from tests.unit.compliance.lot_history import ACCOUNT, bought, sold
from tidebook.book.trades import Side as LotSide
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import rule_set_on
from tidebook.compliance.taxes import WashTerms, match_washes
from tidebook.compliance.trades import Account, Side, Trade
from tidebook.compliance.verdicts import Status
from tidebook.compliance.wash_verdicts import WASH_SALE, wash_verdict, washes_of

D = Decimal


def test_a_cover_at_a_loss_beside_a_sale_of_stock_is_never_passed() -> None:
    stock = bought("own", "2024-01-10", 10)
    short = bought("ss", "2024-05-01", 10)._replace(side=LotSide.SHORT)
    cover = sold("bc", "2024-05-10", short, 10, (500, 550))._replace(side=LotSide.SHORT)
    sale = sold("s", "2024-05-20", stock, 10, (560, 500))
    view = match_washes([stock, short, cover, sale], WashTerms())
    day = date(2024, 5, 10)
    ruleset = rule_set_on(RULE_SETS, WASH_SALE, "US", day)
    assert ruleset is not None
    trade = Trade("bc", ACCOUNT, "X", Side.BUY, D(10), D(55), day)
    found = wash_verdict(trade, Account(ACCOUNT), ruleset, washes_of(view), date(2024, 12, 1))
    assert found.status is Status.PROVISIONAL
    assert found.reason.startswith("identical stock was sold within the window")
