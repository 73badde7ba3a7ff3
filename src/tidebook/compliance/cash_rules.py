"""The rule on cash accounts as verdicts on trades (12 CFR 220.8)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from tidebook.compliance.cash_funding import CashBreachKind
from tidebook.compliance.rules import (
    Findings,
    failed,
    money,
    not_applicable,
    undecided,
    verdict,
)
from tidebook.compliance.trades import AccountType, Side, opened_quantity
from tidebook.compliance.verdicts import Amount, Evidence, Status
from tidebook.model.money import ZERO, decimal_text as plain

if TYPE_CHECKING:
    from decimal import Decimal

    from tidebook.compliance.bound import CashStanding, Restriction
    from tidebook.compliance.rules import Context
    from tidebook.compliance.trades import Trade
    from tidebook.compliance.verdicts import Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_CASH: Final = AccountType.CASH
_BUY: Final = Side.BUY
_SELL: Final = Side.SELL

CASH_ACCOUNT = "cash_account"


def cash_account(trade: Trade, context: Context) -> Verdict:
    """Judge what a trade in a cash account was paid with (12 CFR 220.8)."""
    account, ruleset = context.account, context.ruleset
    if account.type is not _CASH:
        return not_applicable(trade, ruleset, "the account may borrow")
    if trade.side is _SELL and opened_quantity(trade, context.exposure.held) > ZERO:
        reason = "a cash account may not sell what it does not hold"
        return failed(trade, ruleset, reason, "buy the units back")
    if not account.keeps_cash:
        why = "what it is paid with is not known: the cash of the account is not in the book"
        return undecided(trade, ruleset, why, "book the deposits and withdrawals of the account")
    if trade.rate is None:
        why = "no exchange rate brings the trade into the account's currency"
        return undecided(trade, ruleset, why, "send the rate of the day")
    found = _of_purchase(context) if trade.side is _BUY else _of_sale(trade, context)
    return verdict(trade, ruleset, found)


def _of_purchase(context: Context) -> Findings:
    account, cash = context.account, context.bound.cash
    payment = None if cash is None else cash.payment
    if cash is None or payment is None:
        return Findings(Status.PASS, "nothing was sold before it was paid for with settled money")
    amounts: tuple[Amount, ...] = (
        money("settled", payment.settled, account),
        money("unsettled", payment.unsettled, account),
        money("unpaid", payment.unpaid, account),
    )
    late = payment.unsettled + payment.unpaid
    held = cash.restriction
    evidence = () if held is None else (_restricted(held),)
    if held is not None and late > ZERO:
        reason = f"the account is held to settled cash until {held.until} for {held.why}"
        remedy = f"buy with settled cash alone: {plain(late)} of the price is not"
        clears_on = held.until + timedelta(days=1)
        return Findings(Status.FAIL, reason, evidence, amounts, clears_on, remedy)
    if payment.unpaid > ZERO:
        reason = f"{plain(payment.unpaid)} of the price is not paid"
        remedy = f"bring it in by {payment.due_on}, and sell nothing to pay it"
        due = Evidence("payment_due", (), payment.due_on, None, payment.unpaid, account.currency)
        return Findings(Status.FLAG, reason, (due,), amounts, None, remedy)
    told = "paid with settled cash"
    if payment.unsettled:
        told = "paid in part with proceeds that have not settled; hold it until they have"
    return Findings(Status.PASS, told, evidence, amounts)


def _of_sale(trade: Trade, context: Context) -> Findings:
    breaches, cash = context.cash_breaches, context.bound.cash
    if not breaches:
        reason = "nothing was sold before it was paid for with settled money"
        return Findings(Status.PASS, reason)
    currency = context.account.currency
    evidence = tuple(
        Evidence(
            one.kind.value, (one.bought_by, trade.trade_id), one.on, None, one.amount, currency
        )
        for one in breaches
    )
    kinds = {one.kind for one in breaches}
    least = _least(context, kinds)
    amounts = _counted(cash, least)
    if CashBreachKind.FREE_RIDING in kinds:
        paid_on = None if cash is None else cash.paid_on
        if paid_on is not None:
            reason = f"what was sold had not been paid for, and was by {paid_on}, in time"
            remedy = "pay for purchases before what was bought is sold"
            return Findings(Status.FLAG, reason, evidence, amounts, None, remedy)
        clears_on = trade.on + timedelta(days=int(context.at_least("freeze_days")) + 1)
        reason = "what was sold had not been paid for: free riding"
        remedy = "pay in full within the payment period, or with cash that is there for 90 days"
        return Findings(Status.FAIL, reason, evidence, amounts, clears_on, remedy)
    if CashBreachKind.LIQUIDATION_VIOLATION in kinds:
        reason = "the sale pays for what was bought without money on a day before"
        remedy = "have the money there on the day of a purchase"
    else:
        settles = max(one.settles_on for one in breaches if one.settles_on is not None)
        reason = f"what was sold had been bought with proceeds that settle on {settles}"
        remedy = "hold what unsettled money bought until that money has settled"
    if least is not None and cash is not None and cash.violations >= least:
        reason += (
            f"; it is violation {cash.violations} of its kind in twelve months, and the account is "
            "held to settled cash"
        )
        clears_on = trade.on + timedelta(days=int(context.at_least("freeze_days")) + 1)
        return Findings(Status.FAIL, reason, evidence, amounts, clears_on, remedy)
    return Findings(Status.FLAG, reason, evidence, amounts, None, remedy)


def _least(context: Context, kinds: set[CashBreachKind]) -> Decimal | None:
    """Return how many violations of a kind restrict the account; nothing for other breaches."""
    names = {
        CashBreachKind.GOOD_FAITH_VIOLATION: "good_faith_min",
        CashBreachKind.LIQUIDATION_VIOLATION: "liquidation_min",
    }
    found = [context.param(name) for kind, name in names.items() if kind in kinds]
    return min(found, default=None)


def _counted(cash: CashStanding | None, least: Decimal | None) -> tuple[Amount, ...]:
    if cash is None or least is None or not cash.violations:
        return ()
    return (
        Amount("violations_in_12_months", ZERO + cash.violations, "count"),
        Amount("violations_min", least, "count"),
    )


def _restricted(held: Restriction) -> Evidence:
    return Evidence("restricted", held.trades, held.until, note=held.why)
