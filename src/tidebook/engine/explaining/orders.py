"""The figures of orders that were judged before they were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tidebook.compliance.policies import AccountPolicy
from tidebook.compliance.taxes import SaleRisk
from tidebook.engine.compliance.open_orders import check_with_open
from tidebook.engine.compliance.pretrade import check_orders
from tidebook.engine.explaining.asked import AskedOrders
from tidebook.engine.explaining.marked_book import marked_policies, marked_rebuilt
from tidebook.engine.explaining.redrawn import Told, redrawn
from tidebook.engine.explaining.verdicts import by_rule, told_of
from tidebook.errors import UnknownSubjectError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

    from tidebook.compliance.taxes import PurchaseRisk
    from tidebook.engine.compliance.ports import Household
    from tidebook.engine.compliance.pretrade import OrderCheck
    from tidebook.engine.explaining.answers import Drawn
    from tidebook.engine.explaining.figures import Figure, Question
    from tidebook.engine.explaining.library import Library

    Wash = SaleRisk | PurchaseRisk


def explain_order(library: Library, question: Question, figure: Figure) -> Drawn:
    """Return the tree under a figure of an order that was judged before it was sent.

    Raises:
        UnknownPortfolioError: When an order is for a portfolio outside the household.
        InvalidRequestError: When one has no price and none is known of its security.
        UnknownSubjectError: If there is no such order, or nothing is told of it under the name.
    """
    asked = question.request
    if not isinstance(asked, AskedOrders):
        raise UnknownSubjectError("orders to be judged", None)
    household = library.compliance.household(asked.portfolio_ids)
    plain = _check(asked, household, question, marks=False)
    told = _figure(plain, question, figure)
    if question.rule_id is not None:
        verdict = by_rule(plain.verdicts, question.rule_id)
        rule, account = (verdict.rule_id, verdict.rule_version), plain.order.portfolio_id
        policies = marked_policies(household.policies, account, rule, AccountPolicy())
        household = household._replace(policies=policies)
    again = _figure(_check(asked, household, question, marks=True), question, figure)
    name = (question.amount or figure.name).replace("_", " ")
    return redrawn(told, again, f"{name} of order {question.group}")


def _check(
    asked: AskedOrders, household: Household, question: Question, *, marks: bool
) -> OrderCheck:
    through = marked_rebuilt if marks else None
    checked = check_with_open(
        lambda orders: check_orders(household, orders, asked.at, through),
        asked.orders,
        asked.still_open,
    )
    for one in checked:
        if one.check.order.order_id == question.group:
            return one.check
    raise UnknownSubjectError(f"an order {question.group!r} among them", None)


def _figure(check: OrderCheck, question: Question, figure: Figure) -> Told:
    if question.rule_id is not None:
        return told_of(by_rule(check.verdicts, question.rule_id), question, figure)
    if figure.name == "price":
        return Told(check.price)
    if figure.name == "max_additional_qty":
        return Told(check.max_additional_quantity, check.order.security_id)
    if check.wash is None:
        return Told(None)
    if figure.name in _OF_WASH:
        return Told(_OF_WASH[figure.name](check.wash))
    return Told(_of_row(check.wash, question.row or 0, figure.name))


def _of_row(wash: Wash, row: int, name: str) -> Decimal:
    """Return what a replacement, or a sale that a purchase would wash, comes to."""
    pieces = wash.replacements if isinstance(wash, SaleRisk) else wash.washed
    if row >= len(pieces):
        raise UnknownSubjectError(f"a row {row} of the wash sale", None)
    return pieces[row].shares if name == "replaced_qty" else pieces[row].disallowed


def _loss(wash: Wash) -> Decimal | None:
    return wash.loss if isinstance(wash, SaleRisk) else None


_OF_WASH: Final[Mapping[str, Callable[[Wash], Decimal | None]]] = {
    "clean_qty": lambda wash: wash.clean_shares,
    "wash_disallowed": lambda wash: wash.disallowed,
    "wash_permanent": lambda wash: wash.permanent,
    "wash_loss": _loss,
}
