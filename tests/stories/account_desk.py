"""A desk that trades in a few words, and is told what the rules say of it.

Every account begins with a deposit on the second of January of its year, and nothing is quoted:
what was traded last is what a thing is worth.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from tests.fixtures.booking import portfolio, security, trade
from tests.unit.cli.memory_book import MemoryBook
from tidebook.engine.compliance.computed import ComputedCompliance

if TYPE_CHECKING:
    from tidebook.compliance.policies import AccountPolicy
    from tidebook.compliance.verdicts import Verdict

AT = datetime(2027, 1, 4, tzinfo=UTC)


class LateClock(NamedTuple):
    """A clock that stands after everything."""

    def now(self) -> datetime:
        return AT


class Desk:
    """An account, and what the rules say of its trades."""

    def __init__(self, paid_in: str, policy: AccountPolicy | None = None, year: int = 2025) -> None:
        self.book = MemoryBook()
        self.book.ingest_portfolios([portfolio(cif_id="U1")], "test")
        self.compliance = ComputedCompliance(self.book, LateClock())
        self.number = 0
        if policy is not None:
            self.state(policy)
        self.money(f"{year}-01-02", paid_in)

    def state(self, policy: AccountPolicy) -> None:
        """State what kind of account it is."""
        self.compliance.save_policy("P1", policy, AT)

    def money(self, on: str, amount: str) -> None:
        """Bring money in, or with a minus out."""
        self.number += 1
        kind = "WITHDRAWAL" if amount.startswith("-") else "DEPOSIT"
        gross = amount.removeprefix("-")
        fact = trade(f"m{self.number}", kind, "CASH", on, gross=gross)
        self.book.ingest_transactions([fact], "test")

    def does(self, on: str, words: str) -> str:
        """Trade in words such as ``buy 10 X at 100``, a minute after the trade before; its id."""
        self.number += 1
        side, quantity, symbol, _, price = words.split()
        at = f"{on}T15:{self.number:02}:00+00:00"
        named = f"{side} {symbol} {on}"
        fact = trade(named, side.upper(), symbol, at, quantity=quantity, price=price)
        self.book.ingest_instruments([security(symbol)], "test")
        self.book.ingest_transactions([fact], "test")
        return named

    def day_trades(self, on: str, symbol: str, quantity: int = 1, price: int = 10) -> str:
        """Buy and sell on one day; the id of the sale."""
        self.does(on, f"buy {quantity} {symbol} at {price}")
        return self.does(on, f"sell {quantity} {symbol} at {price}")

    def said(self, trade_id: str, rule_id: str) -> Verdict:
        """Return what a rule says of a trade."""
        page = self.compliance.verdicts(["P1"], limit=1000)
        (found,) = [one for one in page.trades if one.transaction_id == trade_id]
        (verdict,) = [one for one in found.verdicts if one.rule_id == rule_id]
        return verdict
