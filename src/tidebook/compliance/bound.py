"""What an account did on earlier days, as far as it binds what the account may do now."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.trades import UNKNOWN
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.compliance.day_trades import DayTrade
    from tidebook.compliance.intraday_margin import LevelStep
    from tidebook.compliance.trades import Known


class Designation(NamedTuple):
    """That an account is one of a pattern day trader, and since when.

    ``day_trades`` are those that made it so; there are none where the broker designated it.
    """

    on: date
    day_trades: tuple[DayTrade, ...] = ()


class DayTrader(NamedTuple):
    """What is known of an account as one of a pattern day trader.

    ``counted_from`` is the day on which a designation was last taken back: day trades before it
    do not count again. ``not_taken`` are the days of removals beyond those that the rule allows.
    """

    designation: Designation | None
    counted_from: date
    not_taken: tuple[date, ...] = ()


NO_DAY_TRADER = DayTrader(None, date.min)


class Call(NamedTuple):
    """A special maintenance margin call: how much is asked, and by which day."""

    on: date
    amount: Decimal
    due_on: date
    brought: Decimal = ZERO
    met_on: date | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is not met."""
        return self.met_on is None


class BuyingPower(NamedTuple):
    """What a designated account may open within a day, and what it has opened so far.

    ``limit`` is ``multiple`` times the equity at the close before less the maintenance margin
    required then, or the cash that is there where ``cash_only_until`` is a day. ``used`` is what
    was opened on the day before the trade and, where no call is open, not yet closed.
    ``unknown_on`` is an earlier day of which it is not known whether it made a call.
    """

    limit: Known
    multiple: Decimal
    used: Decimal
    calls: tuple[Call, ...] = ()
    cash_only_until: date | None = None
    unknown_on: date | None = None


class Payment(NamedTuple):
    """What a purchase in a cash account was paid with; ``unpaid`` is due by ``due_on``."""

    settled: Decimal
    unsettled: Decimal
    unpaid: Decimal
    due_on: date


class Restriction(NamedTuple):
    """That an account is held to settled cash, why, and until which day."""

    since: date
    until: date
    why: str
    trades: tuple[str, ...]


class CashStanding(NamedTuple):
    """A cash account as a trade finds it.

    ``payment`` is that of the trade, where it is a purchase. ``paid_on`` is the day on which what
    was sold unpaid was paid all the same, within the time allowed.
    """

    payment: Payment | None = None
    restriction: Restriction | None = None
    paid_on: date | None = None
    violations: int = 0
    """How many of the same kind as that of the trade there were in twelve months, with it."""


class OpenDeficit(NamedTuple):
    """An intraday margin deficit of an earlier day that is not met yet.

    ``level`` is the intraday margin level at the end of its day, None where that is not known.
    """

    on: date
    amount: Decimal
    is_minor: bool
    due_on: date
    expires_after: date
    level: Decimal | None
    brought: Decimal = ZERO


class MarginStanding(NamedTuple):
    """A margin account under the intraday margin standard as a trade finds it.

    ``step`` is the level that the trade leaves. ``late`` are the due days of deficits of the last
    twelve months that were not met by then. ``frozen_until`` is the last of the 90 days in which
    the account may not increase shorts or debits. ``cash_after`` is the cash that the trade
    leaves, negative for a debit.
    """

    step: LevelStep | None = None
    open: tuple[OpenDeficit, ...] = ()
    late: tuple[date, ...] = ()
    frozen_until: date | None = None
    unknown_days: int = 0
    cash_after: Known = UNKNOWN


class Bound(NamedTuple):
    """What binds an account when a trade is made; nothing where nothing was done before."""

    day_trader: DayTrader | None = None
    buying_power: BuyingPower | None = None
    cash: CashStanding | None = None
    margin: MarginStanding | None = None


UNBOUND = Bound()
