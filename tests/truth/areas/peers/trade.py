"""Round trips: entry, exit, profit, return and yearly rate of closed trades, and open ones."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.truth.areas.peers.keeping import assert_near, facts_of
from tests.truth.tolerance import assert_close, assert_known
from tidebook.analytics import DatedAmounts, internal_rate, to_days, to_float64
from tidebook.book.trades import closed_trades, open_trade, stake_flows
from tidebook.model.portfolios import CostMethod

if TYPE_CHECKING:
    from tests.truth.areas.peers.keeping import Facts
    from tests.truth.cases import Content
    from tidebook.book.trades import Trade

# A figure's suffix, the method and whether costs count.
VIEWS = {
    "": (CostMethod.FIFO, True),
    "_avg": (CostMethod.AVCO, True),
    "_ex_fees_taxes": (CostMethod.FIFO, False),
    "_avg_ex_fees_taxes": (CostMethod.AVCO, False),
}


def check(case: Content) -> None:
    """Compare closed and open trades under each view that the case states."""
    facts, expected = facts_of(case), case["expected"]
    assert_known(expected, {"closed_trades", "open_trades"})
    for suffix, (method, with_costs) in VIEWS.items():
        closed, still_open = _trades(facts if with_costs else facts.before_costs(), method)
        for trades, stated in (
            (closed, expected["closed_trades"]),
            (still_open, expected["open_trades"]),
        ):
            assert len(trades) == len(stated)
            for trade, figures in zip(trades, stated, strict=True):
                _compare(trade, figures, suffix, case["tolerance"])


def _trades(facts: Facts, method: CostMethod) -> tuple[list[Trade], list[Trade]]:
    closed: list[Trade] = []
    still_open: list[Trade] = []
    for book in facts.books(method, allow_short=True):
        for key, entries in book.entries_by_key.items():
            closed.extend(closed_trades(entries))
            held = open_trade(key, book.lots(key), facts.valued(book, key))
            if held is not None:
                still_open.append(held)
    return closed, still_open


def _compare(trade: Trade, figures: Content, suffix: str, tolerance: dict[str, str]) -> None:
    amounts = {"profit": trade.profit_base, "entry": trade.entry_base, "exit": trade.exit_base}
    known = {"side", "quantity", "irr"} | {
        f"{name}{end}" for name in (*amounts, "return") for end in VIEWS
    }
    assert_known(figures, known)
    assert trade.side == figures["side"]
    assert trade.quantity == Decimal(figures["quantity"])
    for name, amount in amounts.items():
        if name + suffix in figures:
            assert_near(amount, figures[name + suffix], tolerance["money"], name + suffix)
    if "return" + suffix in figures:
        assert_near(trade.return_base, figures["return" + suffix], tolerance["ratio"], "return")
    if "irr" in figures and not suffix:
        days, stakes = zip(*stake_flows(trade), strict=True)
        rate = internal_rate(DatedAmounts(to_days(days), to_float64(stakes))).rate_annual
        assert_close(rate, figures["irr"], tolerance["ratio"])
