"""Wash sales as verdicts on trades: on the sale whose loss waits, and on what replaced it."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.rules import Findings, money, not_applicable, verdict
from tidebook.compliance.taxes import Standing
from tidebook.compliance.trades import Side
from tidebook.compliance.verdicts import Evidence, Status
from tidebook.model.money import ZERO, decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tidebook.compliance.rules import RuleSet
    from tidebook.compliance.taxes import Replacement, TaxSale, TaxView
    from tidebook.compliance.trades import Account, Trade
    from tidebook.compliance.verdicts import Verdict

WASH_SALE: Final = "wash_sale"


class Washes(NamedTuple):
    """The tax view of a household by trade: sales, and what each purchase replaced."""

    sales: Mapping[str, Sequence[TaxSale]]
    replaced: Mapping[str, Sequence[tuple[TaxSale, Replacement]]]


def washes_of(view: TaxView) -> Washes:
    """Return a tax view in a form in which trades find their own part of it."""
    sales: dict[str, list[TaxSale]] = defaultdict(list)
    replaced: dict[str, list[tuple[TaxSale, Replacement]]] = defaultdict(list)
    for sale in view.sales:
        sales[sale.sale_id].append(sale)
        for one in sale.replacements:
            replaced[one.lot.lot_id].append((sale, one))
    return Washes(sales, replaced)


def wash_verdict(
    trade: Trade, account: Account, ruleset: RuleSet, washes: Washes, as_of: date
) -> Verdict:
    """Return what the wash sale rule says of a trade, known up to a day.

    A sale is flagged as far as its loss waits, and provisional while a purchase could still make
    it wait. A purchase is flagged when it replaces what was sold at a loss.
    """
    sales = washes.sales.get(trade.trade_id, ())
    replaced = washes.replaced.get(trade.trade_id, ())
    if sales:
        return _of_sale(trade, account, ruleset, sales, as_of)
    if replaced:
        return _of_purchase(trade, account, ruleset, replaced)
    if trade.side is Side.BUY:
        found = Findings(Status.PASS, "the purchase replaces nothing that was sold at a loss")
        return verdict(trade, ruleset, found)
    return not_applicable(trade, ruleset, "the sale closes nothing that is taxed")


def _of_sale(
    trade: Trade, account: Account, ruleset: RuleSet, sales: Sequence[TaxSale], as_of: date
) -> Verdict:
    losses = [sale for sale in sales if sale.gain_before_wash < ZERO]
    if not losses:
        found = Findings(Status.PASS, "the sale made no loss")
        return verdict(trade, ruleset, found)
    exempt = next((sale.exempt for sale in losses if sale.exempt), "")
    if exempt:
        return not_applicable(trade, ruleset, exempt)
    disallowed = sum((sale.disallowed for sale in losses), ZERO)
    amounts = (
        money("loss", -sum((sale.gain_before_wash for sale in losses), ZERO), account),
        money("disallowed", disallowed, account),
        money("permanently_disallowed", sum((sale.permanent for sale in losses), ZERO), account),
        money("recognised", sum((sale.recognised for sale in losses), ZERO), account),
    )
    ends_on = max(sale.window_ends_on for sale in losses)
    is_open = any(sale.standing(as_of) is Standing.PROVISIONAL for sale in losses)
    clears_on = ends_on + timedelta(days=1) if is_open else None
    doubt = next((f"; {sale.doubt}" for sale in losses if sale.doubt), "")
    evidence = tuple(one for sale in losses for one in _pair(sale, account))
    if disallowed:
        told = decimal_text(disallowed)
        reason = f"{told} of the loss waits, because the shares were replaced within 30 days"
        remedy = "the loss is in the basis of the replacement, and counts when that is sold"
        found = Findings(Status.FLAG, reason + doubt, evidence, amounts, clears_on, remedy)
        return verdict(trade, ruleset, found)
    if is_open:
        reason = f"the loss counts unless identical shares are acquired by {ends_on}"
        remedy = f"acquire none before {clears_on}"
        found = Findings(Status.PROVISIONAL, reason + doubt, evidence, amounts, clears_on, remedy)
        return verdict(trade, ruleset, found)
    if doubt:
        remedy = "have it decided by who prepares the return"
        found = Findings(Status.PROVISIONAL, doubt.strip("; "), evidence, amounts, None, remedy)
        return verdict(trade, ruleset, found)
    reason = "nothing replaced the shares within 30 days before or after the sale"
    return verdict(trade, ruleset, Findings(Status.PASS, reason, evidence, amounts))


def _of_purchase(
    trade: Trade,
    account: Account,
    ruleset: RuleSet,
    replaced: Sequence[tuple[TaxSale, Replacement]],
) -> Verdict:
    disallowed = sum((one.disallowed for _, one in replaced), ZERO)
    evidence = tuple(
        Evidence(
            "washed_sale",
            (sale.sale_id, sale.lot.lot_id),
            sale.on,
            one.shares,
            one.disallowed,
            account.currency,
            f"confidence {one.confidence}",
        )
        for sale, one in replaced
    )
    ids = ", ".join(dict.fromkeys(sale.sale_id for sale, _ in replaced))
    reason = f"the purchase replaces shares that {ids} sold at a loss within 30 days of it"
    remedy = "the loss that waits is added to the basis of these shares"
    if any(one.is_permanent for _, one in replaced):
        remedy = "the account has no basis that counts, and the loss is lost"
    amounts = (money("disallowed", disallowed, account),)
    return verdict(trade, ruleset, Findings(Status.FLAG, reason, evidence, amounts, None, remedy))


def _pair(sale: TaxSale, account: Account) -> tuple[Evidence, ...]:
    """Return the lot that was sold and those that replaced it."""
    sold = Evidence(
        "sold_lot", (sale.lot.lot_id,), sale.acquired_on, sale.shares, sale.basis, account.currency
    )
    return (
        sold,
        *(
            Evidence(
                "replacement",
                (one.lot.lot_id,),
                one.acquired_on,
                one.shares,
                one.disallowed,
                account.currency,
                f"confidence {one.confidence}" + (", lost for good" if one.is_permanent else ""),
            )
            for one in sale.replacements
        ),
    )
