"""What an account does from day to day, as far as rules bind it for that later.

Designations, buying power and calls, deficits, violations: each is a record of its own, and this
is where they are told of days, money and trades. Which of them are kept follows from the kind of
the account and the day.
"""

from __future__ import annotations

from copy import copy
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.bound import UNBOUND, Bound
from tidebook.compliance.buying_power import (
    DAY_TRADING_BUYING_POWER,
    PowerRecord,
    power_rule,
)
from tidebook.compliance.day_trading import PATTERN_DAY_TRADING, pattern_rule, regime_on
from tidebook.compliance.designation import DayTraderRecord
from tidebook.compliance.intraday_rules import (
    INTRADAY_MARGIN,
    intraday_rule,
    required_change,
)
from tidebook.compliance.margin_days import DeficitRecord
from tidebook.compliance.margin_rules import (
    MAINTENANCE_MARGIN,
    maintenance_of,
    maintenance_rates,
    maintenance_required,
)
from tidebook.compliance.packs import version_on
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    Known,
    beside_of,
    held_before,
    traded_before,
    unit_worth,
)
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.day_trades import DayTradeRecord
    from tidebook.compliance.day_trading import PatternRule
    from tidebook.compliance.margin import MaintenanceRates
    from tidebook.compliance.trades import Account, Position, Rest, Standing, Trade

# A member asked of its class takes as long as all the rest of a comparison.
_CASH: Final = AccountType.CASH
_MARGIN: Final = AccountType.MARGIN
_LEGACY: Final = DayTradeRegime.LEGACY_PDT

REACH: Final = timedelta(days=500)
"""How far back a deficit binds: one that was late a year before a freeze of 90 days, and began
five sessions before it was late."""


class Opening(NamedTuple):
    """An account at the close before a day: its worth, what it holds, and its cash.

    ``rest`` gives all positions, as far as they have a price, and ``cash`` the cash.
    ``level_at`` gives equity less maintenance margin, by the rates that it is handed, at the close
    of a day on which nothing was booked since the last one that was.
    """

    on: date
    account: Account
    equity: Known
    rest: Callable[[], Rest]
    cash: Callable[[], Known]
    level_at: Callable[[date, MaintenanceRates], Decimal | None]


class Conduct:
    """The records of one account, which trades are told to in their order."""

    def __init__(self, day_trades: DayTradeRecord) -> None:
        """Begin with an account that has done nothing.

        Args:
            day_trades: The record that trades are told to before they are told here.
        """
        self._day_trades = day_trades
        self.day_trader = DayTraderRecord()
        self.power = PowerRecord()
        self.deficits = DeficitRecord()
        self._pattern: PatternRule | None = None
        self._rates: MaintenanceRates | None = None
        self._has_power = False

    def fork(self, day_trades: DayTradeRecord) -> Conduct:
        """Return the same records, which go their own way from here, beside a record of trades."""
        other = Conduct(day_trades)
        other._pattern, other._rates, other._has_power = self._pattern, self._rates, self._has_power
        other.day_trader, other.deficits = copy(self.day_trader), copy(self.deficits)
        other.power = self.power.fork()
        return other

    def needs_values(self, on: date, account: Account, valued_from: date) -> bool:
        """Tell whether the worth of an account on a day may bind it on ``valued_from`` or later."""
        if account.type is _CASH:
            return False
        if regime_on(account, on) is _LEGACY:
            return self.day_trader.is_designated or account.day_trader.designated_on is not None
        return account.type is _MARGIN and valued_from - on <= REACH

    def begin(self, opening: Opening, *, valued: bool) -> None:
        """Begin a day; without values nothing that rests on them is kept of it."""
        self._legacy(opening, valued=valued)
        on, account = opening.on, opening.account
        ruleset = None
        if account.type is _MARGIN and self._pattern is None and valued:
            ruleset = version_on(INTRADAY_MARGIN, account.jurisdiction, on)
        if ruleset is None:
            self._rates = None
            self.deficits.stop()
            return
        rates = maintenance_rates(account, ruleset)
        required = maintenance_of((), opening.rest(), rates)
        self._rates = rates
        self.deficits.begin(
            on,
            (opening.equity, required),
            intraday_rule(account, ruleset),
            lambda day: opening.level_at(day, rates),
        )

    def _legacy(self, opening: Opening, *, valued: bool) -> None:
        on, account, country = opening.on, opening.account, opening.account.jurisdiction
        self._pattern, self._has_power = None, False
        old = regime_on(account, on) is _LEGACY
        pattern = version_on(PATTERN_DAY_TRADING, country, on)
        if pattern is None or not old or account.type is _CASH:
            self.power.end()
            return
        self._pattern = pattern_rule(account, pattern)
        self.day_trader.begin(on, account.day_trader, self._pattern.resets_max)
        if not (self.day_trader.is_designated and valued):
            self.power.end()
            return
        power = version_on(DAY_TRADING_BUYING_POWER, country, on)
        kept = version_on(MAINTENANCE_MARGIN, country, on)
        if power is None or kept is None:
            self.power.end()
            return
        excess = opening.equity
        if excess.value is not None:
            rates = maintenance_rates(account, kept)
            excess = Known(excess.value - maintenance_of((), opening.rest(), rates))
        self.power.begin(on, excess, opening.cash(), power_rule(account, power))
        self._has_power = True

    def flow(self, on: date, amount: Decimal) -> None:
        """Let money come in from outside, or go out with a negative amount."""
        if not amount:
            return
        if self._has_power:
            self.power.flow(on, amount)
        if self._rates is not None:
            self.deficits.flow(amount)

    def move(self, position: Position, units: Decimal, worth: Decimal) -> None:
        """Let units come in or go out without a trade: the margin that they need goes with them.

        Args:
            position: What is held of the security after it.
            units: What came in; negative for what went out.
            worth: What came in was worth as it came; negative for what went out.
        """
        if self._rates is None:
            return
        if position.unit_value is not None:
            before = position._replace(quantity=position.quantity - units)
            change = maintenance_required((position,), self._rates)
            self.deficits.take("", ZERO, change - maintenance_required((before,), self._rates))
        elif worth > ZERO:
            # At most all of what came in is required for it.
            self.deficits.take("", ZERO, worth)
        else:
            self.deficits.lose()

    def pass_by(self, trade: Trade) -> None:
        """Take a trade of a day without values."""
        if self._pattern is not None:
            self.day_trader.take(trade, self._day_trades, self._pattern)

    def standing(self, on: date) -> Bound:
        """Return what binds the account on a day that was begun, before it trades."""
        if self._pattern is not None:
            power = self.power.standing if self._has_power else None
            return Bound(self.day_trader.standing, power)
        return UNBOUND if self._rates is None else Bound(margin=self.deficits.standing(on))

    def take(self, trade: Trade, standing: Standing, cash_after: Callable[[], Known]) -> Bound:
        """Take a trade, and return what binds the account when it is made.

        Args:
            trade: The trade.
            standing: The account as the trade finds it.
            cash_after: Gives the cash that the trade leaves.
        """
        if self._pattern is not None:
            power = self.power.standing if self._has_power else None
            if self._has_power:
                held = held_before(trade, standing)
                self.power.take(trade, held, traded_before(trade, standing))
            self.pass_by(trade)
            if power is None and self.day_trader.is_plain:
                return UNBOUND
            return Bound(self.day_trader.standing, power)
        if self._rates is None:
            return UNBOUND
        bound = self.deficits.standing(trade.on)
        unit, traded = unit_worth(trade), traded_before(trade, standing)
        if unit is None or beside_of(trade, standing).unpriced:
            self.deficits.lose()
            return Bound(margin=bound._replace(cash_after=cash_after()))
        change = required_change(trade, traded, unit, self._rates)
        timed = trade.at is not None
        step = self.deficits.take(trade.trade_id, ZERO, change, timed=timed)
        return Bound(margin=bound._replace(step=step, cash_after=cash_after()))
