"""The intraday margin standard as verdicts on trades, FINRA 4210(d)(2), from 2026-06-04."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tidebook.compliance.bound import MarginStanding
from tidebook.compliance.day_trading import regime_on
from tidebook.compliance.intraday_margin import (
    EventKind,
    IntradayRule,
    MarginEvent,
    deficit,
    levels,
)
from tidebook.compliance.margin_rules import (
    NEEDS_VALUE,
    maintenance_of,
    maintenance_rates,
    maintenance_required,
)
from tidebook.compliance.rules import (
    Findings,
    money,
    not_applicable,
    param,
    undecided,
    verdict,
)
from tidebook.compliance.trades import (
    AccountType,
    DayTradeRegime,
    Side,
    opened_quantity,
)
from tidebook.compliance.verdicts import Evidence, Status
from tidebook.model.money import ZERO, decimal_text as plain

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.compliance.intraday_margin import (
        LevelStep,
    )
    from tidebook.compliance.margin import MaintenanceRates
    from tidebook.compliance.rules import Context, RuleSet
    from tidebook.compliance.trades import Account, Position, Trade
    from tidebook.compliance.verdicts import Amount, Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_MARGIN: Final = AccountType.MARGIN
_INTRADAY: Final = DayTradeRegime.INTRADAY_MARGIN
_SELL: Final = Side.SELL

INTRADAY_MARGIN = "intraday_margin"


def intraday_rule(account: Account, ruleset: RuleSet) -> IntradayRule:
    """Return the figures for an account; a broker may be stricter, never more lenient."""
    named = ruleset.params

    def most(name: str) -> Decimal:
        return min(named[name].value, param(account, ruleset, name))

    return IntradayRule(
        most("minor_share"),
        most("minor_max"),
        int(most("due_sessions")),
        int(most("expires_sessions")),
        int(max(named["freeze_days"].value, param(account, ruleset, "freeze_days"))),
        int(param(account, ruleset, "practice_min")),
    )


def required_change(
    trade: Trade, position: Position, unit: Decimal, rates: MaintenanceRates
) -> Decimal:
    """Return what a trade adds to the maintenance margin required, at its own price.

    Args:
        trade: The trade.
        position: What is held of the security before it.
        unit: What one unit is worth at the trade's price, in the account's currency.
        rates: The maintenance rates.
    """
    before = position._replace(unit_value=unit)
    after = before._replace(quantity=before.quantity + trade.signed)
    return maintenance_required((after,), rates) - maintenance_required((before,), rates)


def why_not_bound(account: Account, trade: Trade) -> str:
    """Return why the standard does not bind an account when a trade is made; nothing if it does."""
    if account.type is not _MARGIN:
        return "the standard is about margin accounts under the rules of strategies"
    if regime_on(account, trade.on) is not _INTRADAY:
        return "the broker still applies the pattern day trader rule to this account"
    return ""


def intraday_margin(trade: Trade, context: Context) -> Verdict:
    """Judge the intraday margin level that a trade leaves, under the standard from 2026-06-04."""
    account, ruleset = context.account, context.ruleset
    exempt = why_not_bound(account, trade)
    if exempt:
        return not_applicable(trade, ruleset, exempt)
    known = context.bound.margin or MarginStanding()
    frozen = _frozen(trade, context, known)
    if frozen is not None:
        return verdict(trade, ruleset, frozen)
    missing, equity = context.exposure.missing, context.standing.equity.value
    if missing or equity is None:
        return undecided(trade, ruleset, missing, NEEDS_VALUE)
    step = known.step or _step(trade, context, equity)
    rule = intraday_rule(account, ruleset)
    found = deficit(trade.on, [step], rule=rule)
    amounts = (money("intraday_margin_level", step.level, account),)
    if found is None:
        return verdict(trade, ruleset, _without_deficit(context, known, amounts))
    amounts += (
        money("intraday_margin_deficit", found.amount, account),
        money("minor_max", found.minor_max, account),
    )
    kind = "a minor" if found.is_minor else "an"
    reason = f"{kind} intraday margin deficit of {plain(found.amount)} follows the trade"
    remedy = f"bring in {plain(found.amount)} by {found.due_on}"
    evidence = (
        Evidence("due", on=found.due_on, amount=found.amount, currency=account.currency),
        Evidence("expires_after", on=found.expires_after),
        *_open(known, account),
    )
    return verdict(trade, ruleset, Findings(found.status, reason, evidence, amounts, None, remedy))


def _without_deficit(
    context: Context, known: MarginStanding, amounts: tuple[Amount, ...]
) -> Findings:
    if not known.open:
        return Findings(Status.PASS, "no deficit follows the trade", amounts=amounts)
    owed = sum((one.amount for one in known.open), ZERO)
    amounts += (money("deficits_open", owed, context.account),)
    due_on = min(one.due_on for one in known.open)
    days = "a day" if len(known.open) == 1 else f"{len(known.open)} days"
    reason = f"no deficit follows the trade; {plain(owed)} of {days} before is not met"
    remedy = f"bring in {plain(owed)}, the first of it by {due_on}"
    return Findings(Status.FLAG, reason, _open(known, context.account), amounts, None, remedy)


def _frozen(trade: Trade, context: Context, known: MarginStanding) -> Findings | None:
    """Return what a freeze makes of a trade that increases a short position or a debit.

    Whether it increases a debit is not known where the cash of the account is not in the book.
    """
    opened = opened_quantity(trade, context.exposure.held)
    sells, after, until = trade.side is _SELL, known.cash_after, known.frozen_until
    leans = sells or after.value is None or after.value < ZERO
    if not opened or not leans:
        return None
    if until is None:
        return _perhaps_frozen(context, known)
    evidence = (
        Evidence("frozen", on=until, note="deficits not met by their fifth business day"),
        *(Evidence("late_deficit", on=on) for on in known.late),
    )
    if not sells and after.value is None:
        reason = f"the account may not increase a debit until {until}: {after.why}"
        return Findings(Status.PROVISIONAL, reason, evidence, (), None, NEEDS_VALUE)
    what = "a short position" if sells else "a debit"
    late = "deficit was" if len(known.late) == 1 else "deficits were"
    reason = (
        f"{len(known.late)} {late} late within twelve months, and the account may not increase "
        f"{what} until {until}"
    )
    remedy = "meet the deficit, or trade with the cash that is there"
    return Findings(Status.FAIL, reason, evidence, (), until + timedelta(days=1), remedy)


def _perhaps_frozen(context: Context, known: MarginStanding) -> Findings | None:
    """Return that nobody knows whether an account is frozen, where days without a level say so."""
    unknown = known.unknown_days
    if not unknown or len(known.late) + unknown < context.param("practice_min"):
        return None
    days = "a day" if unknown == 1 else f"{unknown} days"
    reason = (
        f"on {days} of the last twelve months the intraday margin level is not known, and "
        "with it whether the account may increase shorts and debits"
    )
    return Findings(Status.PROVISIONAL, reason, remedy=NEEDS_VALUE)


def _open(known: MarginStanding, account: Account) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(
            "deficit_open",
            on=one.on,
            amount=one.amount,
            currency=account.currency,
            note=f"due on {one.due_on}, of which {plain(one.brought)} came in",
        )
        for one in known.open
    )


def _step(trade: Trade, context: Context, equity: Decimal) -> LevelStep:
    """Return the level that a trade leaves where no earlier one of its day is known."""
    rates = maintenance_rates(context.account, context.ruleset)
    after = context.exposure.traded
    before = after._replace(quantity=after.quantity - trade.signed)
    change = required_change(trade, before, after.unit_value or ZERO, rates)
    required = maintenance_of((after,), context.exposure.rest, rates) - change
    event = MarginEvent(trade.trade_id, EventKind.TRANSACTION, requirement_change=change)
    return levels(equity, required, [event])[0]
