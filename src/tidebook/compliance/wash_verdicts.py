"""The tax rules as verdicts on trades: on the sale whose loss waits, and on what replaced it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.rules import Findings, money, not_applicable, passed, verdict
from tidebook.compliance.taxes import NOT_ADVICE, superficial_verdicts, wash_verdicts
from tidebook.compliance.trades import Side
from tidebook.compliance.verdicts import Evidence, Status
from tidebook.model.money import ZERO, decimal_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.rules import RuleSet
    from tidebook.compliance.taxes import SuperficialView, TaxSale
    from tidebook.compliance.trades import Account, Trade
    from tidebook.compliance.verdicts import Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_PASS: Final = Status.PASS
_BUY: Final = Side.BUY


class Replaced(NamedTuple):
    """That a purchase stands for shares that were sold at a loss."""

    sale_id: str
    sold_on: date
    units: Decimal
    disallowed: Decimal
    is_permanent: bool


class TaxVerdicts(NamedTuple):
    """What a tax rule says of a household's sales, and what each purchase replaced."""

    sales: Mapping[str, Verdict]
    replaced: Mapping[str, Sequence[Replaced]]


def of_washes(sales: Sequence[TaxSale], as_of: date, currency: str) -> TaxVerdicts:
    """Return what the wash sale rule says of trades by their sales, as known on a day."""
    replaced: dict[str, list[Replaced]] = defaultdict(list)
    for sale in sales:
        for one in sale.replacements:
            replaced[one.lot.lot_id].append(
                Replaced(sale.sale_id, sale.on, one.shares, one.disallowed, one.is_permanent)
            )
    told = wash_verdicts(sales, as_of, currency)
    return TaxVerdicts({one.subject: one for one in told}, replaced)


def of_superficial(view: SuperficialView, as_of: date, currency: str) -> TaxVerdicts:
    """Return what the superficial loss rule says of trades, as known on a day."""
    replaced: dict[str, list[Replaced]] = defaultdict(list)
    for sale in view.sales:
        for one in sale.substitutes:
            replaced[one.lot.lot_id].append(
                Replaced(sale.sale_id, sale.on, one.units, one.denied, one.is_permanent)
            )
    told = superficial_verdicts(view.sales, as_of, currency)
    return TaxVerdicts({one.subject: one for one in told}, replaced)


def tax_verdict(trade: Trade, account: Account, ruleset: RuleSet, found: TaxVerdicts) -> Verdict:
    """Return what a tax rule says of a trade.

    A sale is flagged as far as its loss waits, and provisional while a purchase could still make
    it wait. A purchase is flagged when it replaces what was sold at a loss.
    """
    sale = found.sales.get(trade.trade_id)
    if sale is not None and sale.status is not _PASS:
        return sale
    replaced = found.replaced.get(trade.trade_id, ())
    if replaced:
        return _of_purchase(trade, account, ruleset, replaced)
    if sale is not None:
        return sale
    if trade.side is _BUY:
        return passed(trade, ruleset, "the purchase replaces nothing that was sold at a loss")
    return not_applicable(trade, ruleset, "the sale closes nothing that is taxed")


def _of_purchase(
    trade: Trade, account: Account, ruleset: RuleSet, replaced: Sequence[Replaced]
) -> Verdict:
    disallowed = sum((one.disallowed for one in replaced), ZERO)
    evidence = tuple(
        Evidence(
            "replaced_sale",
            (one.sale_id,),
            one.sold_on,
            one.units,
            one.disallowed,
            account.currency,
            "lost for good" if one.is_permanent else "",
        )
        for one in replaced
    )
    ids = ", ".join(dict.fromkeys(one.sale_id for one in replaced))
    told = f"{decimal_text(disallowed)} {account.currency}"
    reason = f"the purchase replaces what {ids} sold at a loss, of which {told} does not count now"
    remedy = f"the loss that waits is in the basis of what was bought. {NOT_ADVICE}"
    if any(one.is_permanent for one in replaced):
        remedy = f"no basis counts in this account, so that the loss is lost. {NOT_ADVICE}"
    amounts = (money("disallowed", disallowed, account),)
    return verdict(trade, ruleset, Findings(Status.FLAG, reason, evidence, amounts, None, remedy))
