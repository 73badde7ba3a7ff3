"""Day-trading buying power, FINRA 4210(f)(8)(B)(iii), (iv): what a pattern day trader may open.

It is four times the equity at the close before, less the maintenance margin required then. Who day
trades beyond it is called for what the day trades of the day needed and was not there, due within
five business days; until then it is twice as much and counts all that the day opens, for what is
closed gives nothing back ("time and tick" may not be used). After them, unmet, the account may use
the cash that is there and no more for 90 days, or until the call is met. What was brought in counts
while it stays for two business days.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.bound import BuyingPower, Call
from tidebook.compliance.day_trading import why_exempt
from tidebook.compliance.rules import (
    Findings,
    money,
    not_applicable,
    param,
    passed,
    times,
    undecided,
    verdict,
)
from tidebook.compliance.trades import (
    AssetClass,
    Known,
    opened_quantity,
    unit_worth,
)
from tidebook.compliance.verdicts import Evidence, Status
from tidebook.model.money import ONE, ZERO, decimal_text as plain, larger
from tidebook.model.sessions import session_after

if TYPE_CHECKING:
    from tidebook.compliance.rules import Context, RuleSet
    from tidebook.compliance.trades import Account, Position, Trade
    from tidebook.compliance.verdicts import Amount, Verdict

DAY_TRADING_BUYING_POWER = "day_trading_buying_power"
_FULLY_PAID = Decimal(4)
"""What is to be paid in full takes four times as much of a buying power at a quarter."""


class PowerRule(NamedTuple):
    """The figures of the rule."""

    multiple: Decimal
    multiple_on_call: Decimal
    rate: Decimal
    call_sessions: int
    hold_sessions: int
    freeze_days: int


def power_rule(account: Account, ruleset: RuleSet) -> PowerRule:
    """Return the figures for an account; a broker may be stricter, never more lenient."""
    named = ruleset.params

    def most(name: str) -> Decimal:
        return min(named[name].value, param(account, ruleset, name))

    def least(name: str) -> Decimal:
        return max(named[name].value, param(account, ruleset, name))

    return PowerRule(
        most("multiple"),
        most("multiple_on_call"),
        least("rate"),
        int(most("call_sessions")),
        int(least("hold_sessions")),
        int(least("freeze_days")),
    )


class PowerRecord:
    """What a designated account opens within its days, and the calls that it was sent."""

    __slots__ = (
        "_calls",
        "_cash",
        "_day_traded",
        "_excess",
        "_gives_back",
        "_limit",
        "_multiple",
        "_on",
        "_opened",
        "_peak",
        "_rule",
        "_unknown_on",
        "_used",
    )

    def __init__(self) -> None:
        """Begin with an account that was never designated."""
        self._calls: tuple[Call, ...] = ()
        self._unknown_on: date | None = None
        self._rule: PowerRule | None = None
        self._start(date.min)

    def _start(self, on: date) -> None:
        self._on = on
        self._excess = self._cash = self._limit = Known(ZERO)
        self._multiple = self._used = self._peak = self._day_traded = ZERO
        self._opened: dict[str, list[tuple[Decimal, Decimal]]] = {}
        self._gives_back = True

    @property
    def standing(self) -> BuyingPower:
        """What may be opened now, and what is open of the day."""
        frozen = self._frozen(self._on)
        until = None if frozen is None or self._rule is None else _frozen_until(frozen, self._rule)
        calls = tuple(one for one in self._calls if one.is_open)
        unknown = self._unknown_on if self._is_unknown() else None
        return BuyingPower(self._limit, self._multiple, self._used, calls, until, unknown)

    def fork(self) -> PowerRecord:
        """Return the same record, which goes its own way from here."""
        other = PowerRecord()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other._opened = {name: list(lots) for name, lots in self._opened.items()}
        return other

    def begin(self, on: date, excess: Known, cash: Known, rule: PowerRule) -> None:
        """Begin a day of a designated account.

        Args:
            on: The day.
            excess: The equity at the close before, less the maintenance margin required then.
            cash: The cash that was there at the close before.
            rule: The figures for the account.
        """
        self.end()
        self._start(on)
        self._rule = rule
        # A call that was never met binds no longer than its 90 days.
        self._calls = tuple(one for one in self._calls if on <= _frozen_until(one, rule))
        self._excess, self._cash = excess, cash
        self._gives_back = not self._open(on)
        if self._frozen(on) is not None:
            self._multiple = ZERO
            self._limit = cash if cash.value is None else Known(larger(cash.value, ZERO))
            return
        self._multiple = rule.multiple_on_call if self._open(on) else rule.multiple
        if excess.value is None:
            self._limit = excess
        else:
            self._limit = Known(larger(excess.value, ZERO) * self._multiple)

    def end(self) -> None:
        """End the day: a call where it day traded beyond the buying power."""
        rule, limit = self._rule, self._limit.value
        if rule is None or not self._day_traded:
            self._rule = None
            return
        if limit is None or self._excess.value is None:
            self._unknown_on = self._on
        elif self._peak > limit:
            amount = rule.rate * self._day_traded - larger(self._excess.value, ZERO)
            if amount > ZERO:
                due_on = session_after(self._on, rule.call_sessions)
                self._calls = (*self._calls, Call(self._on, amount, due_on))
        self._day_traded = ZERO

    def flow(self, on: date, amount: Decimal) -> None:
        """Let money come in, or go out with a negative amount."""
        rule = self._rule
        if rule is None:
            return
        if self._frozen(on) is not None and self._limit.value is not None and on == self._on:
            self._limit = Known(larger(self._limit.value + amount, ZERO))
        self._calls = tuple(_with(one, on, amount, rule.hold_sessions) for one in self._calls)

    def take(self, trade: Trade, held: Decimal, position: Position | None) -> None:
        """Take a trade, before which ``held`` units were held."""
        unit = unit_worth(trade)
        if unit is None:
            self._limit = Known(None, "no exchange rate brings a trade of the day in")
            return
        opened = opened_quantity(trade, held)
        self._close(trade.security_id, trade.quantity - opened)
        if opened:
            value = unit * power_weight(trade, position)
            self._opened.setdefault(trade.security_id, []).append((opened, value))
            self._used += opened * value
            self._peak = max(self._peak, self._used)

    def _close(self, security_id: str, quantity: Decimal) -> None:
        lots = self._opened.get(security_id, [])
        while lots and quantity > ZERO:
            there, value = lots[0]
            taken = min(there, quantity)
            if self._gives_back:
                self._used -= taken * value
            self._day_traded += taken * value
            quantity -= taken
            if taken == there:
                lots.pop(0)
            else:
                lots[0] = (there - taken, value)

    def _open(self, on: date) -> bool:
        return any(one.is_open and one.on < on for one in self._calls)

    def _frozen(self, on: date) -> Call | None:
        """Return the call that was not met in time and holds the account to its cash."""
        rule = self._rule
        if rule is None:
            return None
        return next(
            (
                one
                for one in self._calls
                if one.is_open and one.due_on < on <= _frozen_until(one, rule)
            ),
            None,
        )

    def _is_unknown(self) -> bool:
        """Tell whether a call of which nobody knows could still bind the account."""
        on, rule = self._unknown_on, self._rule
        if on is None or rule is None:
            return False
        due_on = session_after(on, rule.call_sessions)
        return self._on <= due_on + timedelta(days=rule.freeze_days)


def _with(call: Call, on: date, amount: Decimal, hold_sessions: int) -> Call:
    """Return a call after money came in or went out; what leaves at once did not meet it."""
    if on <= call.on:
        return call
    if call.met_on is not None and on > session_after(call.met_on, hold_sessions):
        return call
    brought = call.brought + amount
    met_on = (call.met_on or on) if brought >= call.amount else None
    return call._replace(brought=brought, met_on=met_on)


def _frozen_until(call: Call, rule: PowerRule) -> date:
    return call.due_on + timedelta(days=rule.freeze_days)


def power_weight(trade: Trade, position: Position | None) -> Decimal:
    """Return how much buying power one unit of money takes: more where more margin is asked.

    Options and what may not be bought on margin are to be paid in full; a leveraged fund needs its
    factor. What is no security takes none.
    """
    if trade.asset_class in {AssetClass.CRYPTO, AssetClass.FUTURE}:
        return ZERO
    if trade.asset_class is AssetClass.OPTION:
        return _FULLY_PAID
    if position is None:
        return ONE
    if not position.is_marginable:
        return _FULLY_PAID
    return min(max(position.leverage_factor, ONE), _FULLY_PAID)


def day_trading_buying_power(trade: Trade, context: Context) -> Verdict:
    """Judge whether a designated account opens more within the day than it may."""
    account, ruleset = context.account, context.ruleset
    exempt = why_exempt(account, trade.asset_class, trade.on)
    if exempt:
        return not_applicable(trade, ruleset, exempt)
    power = context.bound.buying_power
    if power is None:
        why = "the account was not one of a pattern day trader when the day began"
        return not_applicable(trade, ruleset, why)
    opened = opened_quantity(trade, context.exposure.held)
    if not opened:
        return passed(trade, ruleset, "the trade only closes")
    unit, limit = context.exposure.unit, power.limit
    if unit is None or limit.value is None:
        why = limit.why or "no exchange rate brings the trade into the account's currency"
        remedy = "send the prices, and the rates, that the value of the account rests on"
        return undecided(trade, ruleset, f"the buying power is not known: {why}", remedy)
    position = context.exposure.traded
    used = power.used + opened * unit * power_weight(trade, position)
    amounts = (
        money("day_trading_buying_power", limit.value, account),
        times("multiple", power.multiple),
        money("used", used, account),
    )
    return verdict(
        trade, ruleset, _judged(account, power, used, (*amounts, *_asked(power, account)))
    )


def _judged(
    account: Account, power: BuyingPower, used: Decimal, amounts: tuple[Amount, ...]
) -> Findings:
    limit = power.limit.value or ZERO
    evidence = tuple(
        Evidence(
            "special_maintenance_call",
            on=one.due_on,
            amount=one.amount,
            currency=account.currency,
            note=f"made on {one.on}",
        )
        for one in power.calls
    )
    if power.cash_only_until is not None:
        told = (
            f"a call was not met, and the account is held to its cash until {power.cash_only_until}"
        )
    elif power.calls:
        told = f"a call of {plain(power.calls[0].amount)} is open, and halves the buying power"
    else:
        told = "the buying power covers it"
    if used > limit:
        told = "" if told.startswith("the buying") else f"; {told}"
        reason = (
            f"{plain(used)} would be opened within the day and the buying power is "
            f"{plain(limit)}{told}"
        )
        remedy = f"open {plain(used - limit)} less, or meet the call"
        if not power.calls:
            remedy = f"open {plain(used - limit)} less; a day trade beyond it is called for"
        return Findings(
            Status.FAIL, reason, evidence, amounts, _day_after(power.cash_only_until), remedy
        )
    if power.unknown_on is not None:
        reason = f"whether day trades of {power.unknown_on} were called for is not known"
        remedy = "send the prices, and the rates, that the value of the account rested on then"
        return Findings(Status.PROVISIONAL, reason, evidence, amounts, None, remedy)
    status = Status.FLAG if power.calls else Status.PASS
    remedy = f"bring in what is called for by {power.calls[0].due_on}" if power.calls else ""
    return Findings(status, told, evidence, amounts, None, remedy)


def _asked(power: BuyingPower, account: Account) -> tuple[Amount, ...]:
    if not power.calls:
        return ()
    return (money("called", sum((one.amount for one in power.calls), ZERO), account),)


def _day_after(until: date | None) -> date | None:
    return None if until is None else until + timedelta(days=1)
