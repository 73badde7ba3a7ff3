"""Superficial losses as verdicts on trades: on the sale, and on what was acquired for it."""

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
    from tidebook.compliance.taxes import Substitute, SuperficialSale, SuperficialView
    from tidebook.compliance.trades import Account, Trade
    from tidebook.compliance.verdicts import Verdict

SUPERFICIAL_LOSS: Final = "superficial_loss"


class Superficial(NamedTuple):
    """A view of superficial losses by trade: sales, and what each purchase stands for."""

    sales: Mapping[str, Sequence[SuperficialSale]]
    substitutes: Mapping[str, Sequence[tuple[SuperficialSale, Substitute]]]


def superficial_of(view: SuperficialView) -> Superficial:
    """Return a view in a form in which trades find their own part of it."""
    sales: dict[str, list[SuperficialSale]] = defaultdict(list)
    substitutes: dict[str, list[tuple[SuperficialSale, Substitute]]] = defaultdict(list)
    for sale in view.sales:
        sales[sale.sale_id].append(sale)
        for one in sale.substitutes:
            substitutes[one.lot.lot_id].append((sale, one))
    return Superficial(sales, substitutes)


def superficial_verdict(
    trade: Trade, account: Account, ruleset: RuleSet, known: Superficial, as_of: date
) -> Verdict:
    """Return what the superficial loss rule says of a trade, known up to a day.

    A sale is flagged as far as its loss is denied by what is held so far, and provisional while a
    purchase could still deny it. A purchase is flagged when it makes a loss superficial.
    """
    sales = known.sales.get(trade.trade_id, ())
    stands_for = known.substitutes.get(trade.trade_id, ())
    if sales:
        return _of_sale(trade, account, ruleset, sales, as_of)
    if stands_for:
        return _of_purchase(trade, account, ruleset, stands_for)
    if trade.side is Side.BUY:
        found = Findings(Status.PASS, "the purchase makes no loss superficial")
        return verdict(trade, ruleset, found)
    return not_applicable(trade, ruleset, "the sale closes nothing that is taxed")


def _of_sale(
    trade: Trade,
    account: Account,
    ruleset: RuleSet,
    sales: Sequence[SuperficialSale],
    as_of: date,
) -> Verdict:
    losses = [sale for sale in sales if sale.gain < ZERO]
    if not losses:
        return verdict(trade, ruleset, Findings(Status.PASS, "the sale made no loss"))
    denied = sum((sale.denied for sale in losses), ZERO)
    amounts = (
        money("loss", -sum((sale.gain for sale in losses), ZERO), account),
        money("denied", denied, account),
        money("permanently_denied", sum((sale.permanent for sale in losses), ZERO), account),
        money("allowed", sum((sale.allowed for sale in losses), ZERO), account),
    )
    ends_on = max(sale.window_ends_on for sale in losses)
    is_open = any(sale.standing(as_of) is Standing.PROVISIONAL for sale in losses)
    clears_on = ends_on + timedelta(days=1) if is_open else None
    evidence = tuple(one for sale in losses for one in _evidence(sale, account))
    if denied:
        so_far = f" if they are still held on {ends_on}" if is_open else ""
        reason = (
            f"{decimal_text(denied)} of the loss is denied, because identical units were "
            f"acquired within 30 days and kept{so_far}"
        )
        remedy = "what is denied is in the cost base of what was acquired"
        if any(sale.permanent for sale in losses):
            remedy = "what a registered account acquired has no cost base, and that loss is lost"
        found = Findings(Status.FLAG, reason, evidence, amounts, clears_on, remedy)
        return verdict(trade, ruleset, found)
    if is_open:
        reason = f"the loss counts unless identical units are acquired and held on {ends_on}"
        remedy = f"acquire none before {clears_on}, or hold none on {ends_on}"
        found = Findings(Status.PROVISIONAL, reason, evidence, amounts, clears_on, remedy)
        return verdict(trade, ruleset, found)
    reason = "nothing identical was acquired within 30 days of the sale and kept"
    return verdict(trade, ruleset, Findings(Status.PASS, reason, evidence, amounts))


def _of_purchase(
    trade: Trade,
    account: Account,
    ruleset: RuleSet,
    stands_for: Sequence[tuple[SuperficialSale, Substitute]],
) -> Verdict:
    denied = sum((one.denied for _, one in stands_for), ZERO)
    evidence = tuple(
        Evidence(
            "superficial_sale", (sale.sale_id,), sale.on, one.units, one.denied, account.currency
        )
        for sale, one in stands_for
    )
    ids = ", ".join(dict.fromkeys(sale.sale_id for sale, _ in stands_for))
    reason = f"the purchase makes the loss of {ids} superficial, within 30 days of it"
    remedy = "what is denied is added to the cost base of these units"
    if any(one.is_permanent for _, one in stands_for):
        remedy = "a registered account has no cost base that counts, and the loss is lost"
    amounts = (money("denied", denied, account),)
    return verdict(trade, ruleset, Findings(Status.FLAG, reason, evidence, amounts, None, remedy))


def _evidence(sale: SuperficialSale, account: Account) -> tuple[Evidence, ...]:
    """Return the sale and what was acquired for it."""
    sold = Evidence("sale", (sale.sale_id,), sale.on, sale.units, sale.basis, account.currency)
    return (
        sold,
        *(
            Evidence(
                "substitute",
                (one.lot.lot_id,),
                one.acquired_on,
                one.units,
                one.denied,
                account.currency,
                "lost for good" if one.is_permanent else "",
            )
            for one in sale.substitutes
        ),
    )
