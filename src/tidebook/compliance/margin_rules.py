"""The rules on margin as verdicts on a trade: initial, maintenance, smallest equity, leverage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.compliance.margin import (
    InitialRates,
    Leg,
    MaintenanceRates,
    buying_power,
    call_below,
    deficiency,
    gross_leverage,
    initial_margin,
    long_requirement,
    short_requirement,
)
from tidebook.compliance.rules import (
    failed,
    flagged,
    money,
    not_applicable,
    param,
    passed,
    short_of,
    times,
    undecided,
)
from tidebook.compliance.trades import (
    AccountType,
    AssetClass,
    Side,
    opened_quantity,
    traded_before,
)
from tidebook.compliance.verdicts import Status
from tidebook.model.money import ONE, ZERO, decimal_text as plain, quotient
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from tidebook.compliance.rules import Context, RuleSet
    from tidebook.compliance.trades import Account, Position, Rest, Trade
    from tidebook.compliance.verdicts import Amount, Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_MARGIN: Final = AccountType.MARGIN
_CASH: Final = AccountType.CASH
_OPTION: Final = AssetClass.OPTION
_SELL: Final = Side.SELL
_PASS: Final = Status.PASS
_FAIL: Final = Status.FAIL
_SHORT: Final = Leg.SHORT
_LONG: Final = Leg.LONG
_NO_SECURITIES: Final = frozenset({AssetClass.CRYPTO, AssetClass.FUTURE})

REG_T_INITIAL = "reg_t_initial"
MAINTENANCE_MARGIN = "maintenance_margin"
MINIMUM_EQUITY = "minimum_equity"
LEVERAGE_LIMIT = "leverage_limit"

_NO_BORROWING = "a cash account may not borrow"
NEEDS_VALUE = "send the prices, and the rates, that the value of the account rests on"


def reg_t_initial(trade: Trade, context: Context) -> Verdict:
    """Judge whether the free equity covers the initial margin of what a trade opens."""
    account, ruleset = context.account, context.ruleset
    if account.type is not _MARGIN:
        why = _NO_BORROWING
        if account.type is AccountType.PORTFOLIO_MARGIN:
            why = "a portfolio margin account is margined by the risk of all its positions"
        return not_applicable(trade, ruleset, why)
    if trade.asset_class in _NO_SECURITIES:
        return not_applicable(trade, ruleset, "Regulation T is about securities")
    exposure = context.exposure
    opened = opened_quantity(trade, exposure.held)
    if not opened:
        return passed(trade, ruleset, "the trade only closes")
    unit, equity = exposure.unit, context.standing.equity.value
    if exposure.missing or unit is None or equity is None:
        return undecided(trade, ruleset, exposure.missing, NEEDS_VALUE)
    rates = _initial_rates(context)
    taken = _initial_held(context, trade, rates)
    leg = _leg(trade, exposure.traded)
    initial = initial_margin(opened * unit, leg, equity - taken, rates)
    amounts = (
        money("required", initial.required, account),
        money("available", initial.available, account),
        money("deficit", initial.deficit, account),
        money("buying_power", buying_power(initial.available, rates), account),
    )
    if not initial.deficit:
        return passed(trade, ruleset, "the free equity covers the initial margin", amounts)
    free = plain(initial.available)
    reason = f"initial margin of {plain(initial.required)} is asked and {free} is free"
    remedy = f"bring in {plain(initial.deficit)}, or trade less"
    return failed(trade, ruleset, reason, remedy, amounts)


def _initial_rates(context: Context) -> InitialRates:
    """Return the initial rates: the broker's where they are higher than the rule's."""
    at_least = context.at_least
    return made(InitialRates, (at_least("long"), at_least("short"), at_least("full")))


def maintenance_margin(trade: Trade, context: Context) -> Verdict:
    """Judge whether the equity covers the maintenance margin of all that is held after a trade."""
    account, ruleset = context.account, context.ruleset
    if account.type is _CASH:
        return not_applicable(trade, ruleset, _NO_BORROWING)
    exposure, equity = context.exposure, context.standing.equity.value
    if exposure.missing or equity is None:
        return undecided(trade, ruleset, exposure.missing, NEEDS_VALUE)
    rates = maintenance_rates(account, ruleset)
    needed = maintenance_of((exposure.traded,), exposure.rest, rates)
    short = deficiency(equity, needed)
    amounts = (
        money("equity", equity, account),
        money("requirement", needed, account),
        money("deficiency", short, account),
        *_call_below(context, equity, needed),
    )
    if not short:
        return passed(trade, ruleset, "the equity covers the maintenance margin", amounts)
    reason = f"equity of {plain(equity)} is below the maintenance margin of {plain(needed)}"
    if exposure.only_reduces:
        reason += "; the trade brings it down and is not held up"
        return flagged(trade, ruleset, reason, "", amounts)
    remedy = f"bring in {plain(short)}, or close positions"
    return failed(trade, ruleset, reason, remedy, amounts)


def _call_below(context: Context, equity: Decimal, needed: Decimal) -> tuple[Amount, ...]:
    """Return the value of what is held long on credit at which a margin call comes.

    The rate is what all of it needs now. With shorts there is no one value, and without a debit no
    call.
    """
    exposure = context.exposure
    debit = exposure.long_value - equity
    if exposure.short_value or debit <= ZERO or needed >= exposure.long_value:
        return ()
    rate = quotient(needed, exposure.long_value)
    return (money("call_below", call_below(debit, rate), context.account),)


def minimum_equity(trade: Trade, context: Context) -> Verdict:
    """Judge whether an account that borrows or sells short has the smallest equity for it."""
    account, ruleset = context.account, context.ruleset
    if account.type is _CASH:
        return not_applicable(trade, ruleset, _NO_BORROWING)
    if account.currency != "USD":
        why = f"the smallest equity is in USD and the account is kept in {account.currency}"
        return undecided(trade, ruleset, why, "keep the account in USD, or judge it by hand")
    exposure, equity = context.exposure, context.standing.equity.value
    if exposure.missing or equity is None:
        return undecided(trade, ruleset, exposure.missing, NEEDS_VALUE)
    least = context.at_least("equity_min")
    leans = exposure.short_value > ZERO or exposure.long_value > equity
    amounts = (money("equity", equity, account), money("equity_min", least, account))
    if not leans:
        return passed(trade, ruleset, "all that is held is fully paid", amounts)
    if equity >= least or exposure.only_reduces:
        return passed(trade, ruleset, "the account may borrow and sell short", amounts)
    reason = (
        f"equity of {plain(equity)} is below {plain(least)}, with which an account may borrow or "
        "sell short"
    )
    remedy = f"bring in {plain(short_of(least, equity))}, or buy no more than can be paid in full"
    return failed(trade, ruleset, reason, remedy, amounts)


def leverage_limit(trade: Trade, context: Context) -> Verdict:
    """Judge gross exposure over equity after a trade: the cap of the day, and that of the night."""
    ruleset, equity, exposure = context.ruleset, context.standing.equity.value, context.exposure
    if exposure.missing or equity is None:
        if exposure.only_reduces:
            return passed(trade, ruleset, "the trade only reduces a position")
        return undecided(trade, ruleset, exposure.missing, NEEDS_VALUE)
    leverage = gross_leverage(exposure.long_value, exposure.short_value, equity)
    if exposure.long_value + exposure.short_value == ZERO:
        return passed(trade, ruleset, "nothing is held after the trade")
    day, night = context.param("intraday_max"), context.param("overnight_max")
    amounts = (
        times("leverage", leverage, "" if leverage is not None else "there is no equity"),
        times("intraday_max", day),
        times("overnight_max", night),
        money("equity", equity, context.account),
    )
    status, reason = leverage_status(leverage, day, night)
    if status is _PASS:
        return passed(trade, ruleset, reason, amounts)
    if exposure.only_reduces:
        return passed(trade, ruleset, f"{reason}; the trade only reduces a position", amounts)
    tell = failed if status is _FAIL else flagged
    return tell(trade, ruleset, reason, "bring in equity, or close positions", amounts)


def leverage_status(leverage: Decimal | None, day: Decimal, night: Decimal) -> tuple[Status, str]:
    """Return what two caps make of leverage: above the day's a failure, above the night's a flag.

    Exactly a cap is within it. Without leverage there is no equity to carry anything.
    """
    if leverage is None:
        return _FAIL, "there is no equity to carry what is held"
    if leverage > day:
        return _FAIL, f"gross exposure is more than {day} times the equity"
    if leverage > night:
        return Status.FLAG, f"gross exposure is more than the {night} times that a night allows"
    return _PASS, "gross exposure is within the limit"


def maintenance_required(positions: Iterable[Position], rates: MaintenanceRates) -> Decimal:
    """Return the maintenance margin of positions; those without a price are left out.

    Rules are run inside an exact context; so is this.
    """
    needed = ZERO
    # What is no leveraged fund, which is most of all that is held, needs the same rate.
    usual = long_requirement(ONE, rates)
    for _, quantity, price, _, _, kind, factor, is_marginable, _ in positions:
        if price is None or not quantity:
            continue
        if quantity < ZERO:
            needed += short_requirement(-quantity, price, rates, factor)
        elif kind is _OPTION or not is_marginable:
            needed += quantity * price
        elif factor is ONE:
            needed += quantity * price * usual
        else:
            needed += long_requirement(quantity * price, rates, factor)
    return needed


def maintenance_rates(account: Account, ruleset: RuleSet) -> MaintenanceRates:
    """Return the maintenance rates: the broker's where they are higher than the rule's."""
    named = ruleset.params
    policy = account.policy
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
            name: max(named[name].value, param(account, ruleset, name))
            for name in (
                "long",
                "short",
                "short_low",
                "short_per_share",
                "short_low_per_share",
            )
        }
    )


def _leg(trade: Trade, position: Position) -> Leg:
    if trade.side is _SELL:
        return _SHORT
    if trade.asset_class is _OPTION:
        return Leg.LONG_OPTION
    return _LONG if position.is_marginable else Leg.NON_MARGINABLE


def maintenance_of(positions: Iterable[Position], rest: Rest, rates: MaintenanceRates) -> Decimal:
    """Return the maintenance margin of positions and of all that is held beside them."""
    needed = maintenance_required((*positions, *rest.others), rates)
    if not rest.plain_count:
        return needed
    return needed + rest.plain * long_requirement(ONE, rates)


def _initial_held(context: Context, trade: Trade, rates: InitialRates) -> Decimal:
    """Return the equity that what was held before a trade takes of the initial margin."""
    rest = context.exposure.rest
    taken = rest.plain * rates.long if rest.plain_count else ZERO
    known = traded_before(trade, context.standing)
    short = rates.short - ONE
    for _, quantity, price, _, _, kind, _, is_marginable, _ in (
        (*rest.others, known) if known.quantity else rest.others
    ):
        if not quantity:
            continue
        value = quantity * (price or ZERO)
        if value < ZERO:
            taken -= value * short
        else:
            in_full = kind is _OPTION or not is_marginable
            taken += value * (rates.full if in_full else rates.long)
    return taken
