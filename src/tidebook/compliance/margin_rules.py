"""The rules on margin as verdicts on a trade: initial, maintenance, smallest equity, leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.compliance.day_trading import regime_on
from tidebook.compliance.intraday_margin import (
    EventKind,
    IntradayRule,
    MarginEvent,
    deficit,
    levels,
)
from tidebook.compliance.margin import (
    InitialRates,
    Leg,
    MaintenanceRates,
    buying_power,
    gross_leverage,
    initial_margin,
    long_requirement,
    maintenance,
    short_requirement,
)
from tidebook.compliance.rules import (
    Findings,
    money,
    not_applicable,
    short_of,
    times,
    undecided,
    verdict,
)
from tidebook.compliance.trades import (
    AccountType,
    AssetClass,
    DayTradeRegime,
    Side,
    held_before,
    only_reduces,
    opened_quantity,
    unit_worth,
)
from tidebook.compliance.verdicts import Evidence, Status
from tidebook.model.money import ONE, ZERO, exact

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tidebook.compliance.intraday_margin import (
        LevelStep,
    )
    from tidebook.compliance.rules import Context
    from tidebook.compliance.trades import Position, Trade
    from tidebook.compliance.verdicts import Verdict

REG_T_INITIAL = "reg_t_initial"
MAINTENANCE_MARGIN = "maintenance_margin"
MINIMUM_EQUITY = "minimum_equity"
LEVERAGE_LIMIT = "leverage_limit"
INTRADAY_MARGIN = "intraday_margin"

_NO_BORROWING = "a cash account may not borrow"
_NEEDS_VALUE = "send the prices, and the rates, that the value of the account rests on"


def reg_t_initial(trade: Trade, context: Context) -> Verdict:
    """Judge whether the free equity covers the initial margin of what a trade opens."""
    account, ruleset = context.account, context.ruleset
    if account.type is not AccountType.MARGIN:
        why = _NO_BORROWING
        if account.type is AccountType.PORTFOLIO_MARGIN:
            why = "a portfolio margin account is margined by the risk of all its positions"
        return not_applicable(trade, ruleset, why)
    if trade.asset_class in {AssetClass.CRYPTO, AssetClass.FUTURE}:
        return not_applicable(trade, ruleset, "Regulation T is about securities")
    held = held_before(trade, context.standing)
    opened = opened_quantity(trade, held)
    if not opened:
        return _kept(trade, context, "the trade only closes")
    unit, equity = unit_worth(trade), context.standing.equity
    missing = _missing(context, unit)
    if missing or unit is None or equity.value is None:
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    rates = InitialRates(context.param("long"), context.param("short"), context.param("full"))
    taken = _initial_held(context.standing.positions.values(), rates)
    initial = initial_margin(opened * unit, _leg(trade), equity.value - taken, rates)
    amounts = (
        money("required", initial.required, account),
        money("available", initial.available, account),
        money("deficit", initial.deficit, account),
        money("buying_power", buying_power(initial.available, rates), account),
    )
    if not initial.deficit:
        found = Findings(Status.PASS, "the free equity covers the initial margin", amounts=amounts)
        return verdict(trade, ruleset, found)
    reason = f"initial margin of {initial.required} is asked and {initial.available} is free"
    remedy = f"bring in {initial.deficit}, or trade less"
    return verdict(trade, ruleset, Findings(Status.FAIL, reason, (), amounts, None, remedy))


def maintenance_margin(trade: Trade, context: Context) -> Verdict:
    """Judge whether the equity covers the maintenance margin of all that is held after a trade."""
    account, ruleset = context.account, context.ruleset
    if account.type is AccountType.CASH:
        return not_applicable(trade, ruleset, _NO_BORROWING)
    missing = _missing(context, unit_worth(trade))
    equity = context.standing.equity.value
    if missing or equity is None:
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    needed = maintenance_required(context.exposure.positions.values(), _maintenance_rates(context))
    kept = maintenance(equity, needed)
    amounts = (
        money("equity", equity, account),
        money("requirement", needed, account),
        money("deficiency", kept.deficiency, account),
    )
    if not kept.deficiency:
        found = Findings(Status.PASS, "the equity covers the maintenance margin", amounts=amounts)
        return verdict(trade, ruleset, found)
    reason = f"equity of {equity} is below the maintenance margin of {needed}"
    if only_reduces(trade, held_before(trade, context.standing)):
        reason += "; the trade brings it down and is not held up"
        return verdict(trade, ruleset, Findings(Status.FLAG, reason, (), amounts))
    remedy = f"bring in {kept.deficiency}, or close positions"
    return verdict(trade, ruleset, Findings(Status.FAIL, reason, (), amounts, None, remedy))


def minimum_equity(trade: Trade, context: Context) -> Verdict:
    """Judge whether an account that borrows or sells short has the smallest equity for it."""
    account, ruleset = context.account, context.ruleset
    if account.type is AccountType.CASH:
        return not_applicable(trade, ruleset, _NO_BORROWING)
    if account.currency != "USD":
        why = f"the smallest equity is in USD and the account is kept in {account.currency}"
        return undecided(trade, ruleset, why, "keep the account in USD, or judge it by hand")
    missing = _missing(context, unit_worth(trade))
    equity = context.standing.equity.value
    if missing or equity is None:
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    least = context.param("equity_min")
    exposure = context.exposure
    leans = exposure.short_value > ZERO or exposure.long_value > equity
    amounts = (money("equity", equity, account), money("equity_min", least, account))
    if not leans:
        found = Findings(Status.PASS, "all that is held is fully paid", amounts=amounts)
        return verdict(trade, ruleset, found)
    if equity >= least or only_reduces(trade, held_before(trade, context.standing)):
        found = Findings(Status.PASS, "the account may borrow and sell short", amounts=amounts)
        return verdict(trade, ruleset, found)
    reason = f"equity of {equity} is below {least}, with which an account may borrow or sell short"
    remedy = f"bring in {short_of(least, equity)}, or buy no more than can be paid in full"
    return verdict(trade, ruleset, Findings(Status.FAIL, reason, (), amounts, None, remedy))


def leverage_limit(trade: Trade, context: Context) -> Verdict:
    """Judge gross exposure over equity after a trade: the cap of the day, and that of the night."""
    ruleset, equity = context.ruleset, context.standing.equity.value
    missing = _missing(context, unit_worth(trade))
    reduces = only_reduces(trade, held_before(trade, context.standing))
    if missing or equity is None:
        if reduces:
            return _kept(trade, context, "the trade only reduces a position")
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    exposure = context.exposure
    leverage = gross_leverage(exposure.long_value, exposure.short_value, equity)
    if exposure.long_value + exposure.short_value == ZERO:
        return _kept(trade, context, "nothing is held after the trade")
    day, night = context.param("intraday_max"), context.param("overnight_max")
    amounts = (
        times("leverage", leverage, "" if leverage is not None else "there is no equity"),
        times("intraday_max", day),
        times("overnight_max", night),
        money("equity", equity, context.account),
    )
    status, reason = leverage_status(leverage, day, night)
    if status is not Status.PASS and reduces:
        status, reason = Status.PASS, f"{reason}; the trade only reduces a position"
    remedy = "" if status is Status.PASS else "bring in equity, or close positions"
    return verdict(trade, ruleset, Findings(status, reason, (), amounts, None, remedy))


def intraday_margin(trade: Trade, context: Context) -> Verdict:
    """Judge the intraday margin level that a trade leaves, under the standard from 2026-06-04."""
    account, ruleset = context.account, context.ruleset
    if account.type is not AccountType.MARGIN:
        why = "the standard is about margin accounts under the rules of strategies"
        return not_applicable(trade, ruleset, why)
    if regime_on(account, trade.on) is not DayTradeRegime.INTRADAY_MARGIN:
        why = "the broker still applies the pattern day trader rule to this account"
        return not_applicable(trade, ruleset, why)
    missing = _missing(context, unit_worth(trade))
    equity = context.standing.equity.value
    if missing or equity is None:
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    step = _level_step(trade, context, equity)
    rule = IntradayRule(context.param("minor_share"), context.param("minor_max"))
    found = deficit(trade.on, [step], rule=rule)
    amounts = (money("intraday_margin_level", step.level, account),)
    if found is None:
        return verdict(
            trade, ruleset, Findings(Status.PASS, "no deficit follows the trade", amounts=amounts)
        )
    amounts += (
        money("intraday_margin_deficit", found.amount, account),
        money("minor_max", found.minor_max, account),
    )
    minor = "minor " if found.is_minor else ""
    reason = f"a {minor}intraday margin deficit of {found.amount} follows the trade"
    remedy = f"bring in {found.amount} by {found.due_on}"
    evidence = (
        Evidence("due", on=found.due_on, amount=found.amount, currency=account.currency),
        Evidence("expires_after", on=found.expires_after),
    )
    return verdict(trade, ruleset, Findings(found.status, reason, evidence, amounts, None, remedy))


def leverage_status(leverage: Decimal | None, day: Decimal, night: Decimal) -> tuple[Status, str]:
    """Return what two caps make of leverage: above the day's a failure, above the night's a flag.

    Exactly a cap is within it. Without leverage there is no equity to carry anything.
    """
    if leverage is None:
        return Status.FAIL, "there is no equity to carry what is held"
    if leverage > day:
        return Status.FAIL, f"gross exposure is more than {day} times the equity"
    if leverage > night:
        return Status.FLAG, f"gross exposure is more than the {night} times that a night allows"
    return Status.PASS, "gross exposure is within the limit"


def maintenance_required(positions: Iterable[Position], rates: MaintenanceRates) -> Decimal:
    """Return the maintenance margin of positions; those without a price are left out."""
    needed = ZERO
    with exact():
        # What is no leveraged fund, which is most of all that is held, needs the same rate.
        plain = long_requirement(ONE, rates)
        for _, quantity, price, _, _, kind, factor in positions:
            if price is None or not quantity:
                continue
            if quantity < ZERO:
                needed += short_requirement(-quantity, price, rates, factor)
            elif kind is AssetClass.OPTION:
                needed += quantity * price
            elif factor is ONE:
                needed += quantity * price * plain
            else:
                needed += long_requirement(quantity * price, rates, factor)
    return needed


def _level_step(trade: Trade, context: Context, equity: Decimal) -> LevelStep:
    rates = _maintenance_rates(context)
    before = dict(context.standing.positions)
    traded = context.exposure.positions[trade.security_id]
    before[trade.security_id] = traded._replace(quantity=traded.quantity - trade.signed)
    required = maintenance_required(before.values(), rates)
    after = maintenance_required(context.exposure.positions.values(), rates)
    event = MarginEvent(trade.trade_id, EventKind.TRANSACTION, requirement_change=after - required)
    return levels(equity, required, [event])[0]


def _maintenance_rates(context: Context) -> MaintenanceRates:
    """Return the maintenance rates: the broker's where they are higher than the rule's."""
    named = context.ruleset.params
    policy = context.account.policy
    if policy is None or not policy.params:
        return MaintenanceRates(
            named["long"].value,
            named["short"].value,
            named["short_low"].value,
            named["short_per_share"].value,
            named["short_low_per_share"].value,
        )
    return MaintenanceRates(
        **{
            name: max(named[name].value, context.param(name))
            for name in (
                "long",
                "short",
                "short_low",
                "short_per_share",
                "short_low_per_share",
            )
        }
    )


def _leg(trade: Trade) -> Leg:
    if trade.side is Side.SELL:
        return Leg.SHORT
    return Leg.LONG_OPTION if trade.asset_class is AssetClass.OPTION else Leg.LONG


def _initial_held(positions: Iterable[Position], rates: InitialRates) -> Decimal:
    """Return the equity that positions held already take of the initial margin."""
    taken = ZERO
    short = rates.short - ONE
    for _, quantity, price, _, _, kind, _ in positions:
        if not quantity:
            continue
        value = quantity * (price or ZERO)
        if value < ZERO:
            taken -= value * short
        else:
            taken += value * (rates.full if kind is AssetClass.OPTION else rates.long)
    return taken


def _missing(context: Context, unit: Decimal | None) -> str:
    """Return what a rule on values lacks; nothing where all is known."""
    if unit is None:
        return "no exchange rate brings the trade into the account's currency"
    if context.standing.equity.value is None:
        return f"the equity is missing: {context.standing.equity.why}"
    if context.exposure.unpriced:
        return f"no price is known of {', '.join(sorted(context.exposure.unpriced))}"
    return ""


def _kept(trade: Trade, context: Context, reason: str) -> Verdict:
    return verdict(trade, context.ruleset, Findings(Status.PASS, reason))
