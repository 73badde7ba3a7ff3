"""What the tax rules say of each sale: verdicts drawn from the tax views."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tidebook.compliance.taxes.superficial_view import (
    SUPERFICIAL_RULE_ID,
    SUPERFICIAL_RULE_VERSION,
    SUPERFICIAL_SOURCE_URL,
)
from tidebook.compliance.taxes.tax_view import Standing
from tidebook.compliance.taxes.wash_terms import (
    NOT_ADVICE,
    WASH_RULE_ID,
    WASH_RULE_VERSION,
    WASH_SOURCE_URL,
)
from tidebook.compliance.verdicts import Amount, Evidence, Status, Verdict
from tidebook.model.money import ZERO, decimal_text, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.compliance.taxes.superficial_view import SuperficialSale
    from tidebook.compliance.taxes.tax_view import TaxSale

_WASH_REMEDY = (
    "nothing needs to be done: the loss counts when the replacement is sold. To keep a loss, buy "
    f"nothing substantially identical in any account for 30 days before and after. {NOT_ADVICE}"
)
_LOST_REMEDY = (
    "the part that was replaced in a sheltered account is lost and cannot be recovered; turn off "
    f"reinvestment there before the next sale at a loss. {NOT_ADVICE}"
)
_OPEN_REMEDY = (
    "buy nothing substantially identical in any account of the household, and turn off "
    f"reinvestment, until the window has passed. {NOT_ADVICE}"
)
_SUPERFICIAL_REMEDY = (
    "nothing needs to be done: the loss is in the cost base of what was acquired. To keep a loss, "
    f"hold nothing identical when the window ends, or acquire nothing in it. {NOT_ADVICE}"
)
_GONE_REMEDY = (
    "what a registered account acquired has no cost base, and its part of the loss is lost. To "
    f"keep a loss, acquire nothing there in the window. {NOT_ADVICE}"
)


class _Made(NamedTuple):
    """What a rule makes of a sale, in words."""

    status: Status
    reason: str
    remedy: str = ""
    clears_on: date | None = None


def wash_verdicts(
    sales: Iterable[TaxSale], as_of: date, currency: str = "USD"
) -> tuple[Verdict, ...]:
    """Return one verdict for each sale, in their order; a sale of several lots has one.

    ``flag`` where a loss is disallowed, ``provisional`` where a purchase to come could still wash
    it or the law does not decide, ``not_applicable`` where it is exempt, ``pass`` otherwise.

    Args:
        sales: Those of a tax view.
        as_of: The day on which it is judged whether a window is still open.
        currency: That of the amounts.
    """
    together: dict[tuple[str, str], list[TaxSale]] = {}
    for sale in sales:
        together.setdefault((sale.lot.account_id, sale.sale_id), []).append(sale)
    with exact():
        return tuple(_wash_verdict(parts, as_of, currency) for parts in together.values())


def _wash_verdict(parts: Sequence[TaxSale], as_of: date, currency: str) -> Verdict:
    first = parts[0]
    # A sale of very many parts is added up once, and not by the properties of each.
    gain = disallowed = permanent = losses = ZERO
    is_open = False
    for part in parts:
        made_by_part = part.proceeds - part.basis
        washed = sum((one.disallowed for one in part.replacements), ZERO)
        gain += made_by_part
        disallowed += washed
        permanent += sum((one.disallowed for one in part.replacements if one.is_permanent), ZERO)
        losses += max(ZERO, -made_by_part)
        is_unsettled = as_of <= part.window_ends_on and not part.exempt
        is_open = is_open or (is_unsettled and made_by_part + washed < ZERO)
    made = _made(parts, _Sums(disallowed, permanent, losses, is_open), currency)
    figures = {
        "gain_before_rule": gain,
        "disallowed": disallowed,
        "permanent": permanent,
        "recognised": gain + disallowed,
    }
    return Verdict(
        WASH_RULE_ID,
        WASH_RULE_VERSION,
        made.status,
        first.sale_id,
        made.reason,
        tuple(each for part in parts for each in _wash_evidence(part, currency)),
        tuple(Amount(name, value, currency) for name, value in figures.items()),
        made.clears_on,
        made.remedy,
        WASH_SOURCE_URL,
    )


class _Sums(NamedTuple):
    """What the parts of a sale come to, and whether the window of a loss is open."""

    disallowed: Decimal
    permanent: Decimal
    losses: Decimal
    is_open: bool


def _made(parts: Sequence[TaxSale], sums: _Sums, currency: str) -> _Made:
    disallowed, permanent, losses, is_open = sums
    ends_on = parts[0].window_ends_on
    clears_on = ends_on + timedelta(days=1) if is_open else None
    if disallowed:
        lost = bool(permanent)
        rest = f"; the rest can still be washed until {ends_on}" if is_open else ""
        reason = (
            f"{decimal_text(disallowed)} of a loss of {decimal_text(losses)} {currency} is "
            f"disallowed: substantially identical shares were acquired within 30 days{rest}"
        )
        return _Made(Status.FLAG, reason, _LOST_REMEDY if lost else _WASH_REMEDY, clears_on)
    if not losses:
        return _Made(Status.PASS, "the sale made no loss")
    if exempt := next((part.exempt for part in parts if part.exempt), ""):
        return _Made(Status.NOT_APPLICABLE, exempt)
    if doubt := next((part.doubt for part in parts if part.doubt), ""):
        return _Made(Status.PROVISIONAL, doubt, NOT_ADVICE)
    if is_open:
        reason = (
            f"a loss of {decimal_text(losses)} {currency} counts so far; a purchase of "
            f"substantially identical shares until {ends_on} would wash it"
        )
        return _Made(Status.PROVISIONAL, reason, _OPEN_REMEDY, clears_on)
    return _Made(Status.PASS, "nothing substantially identical was acquired within 30 days")


def _wash_evidence(sale: TaxSale, currency: str) -> Iterable[Evidence]:
    yield Evidence(
        "sold_lot",
        (sale.sale_id, sale.lot.lot_id),
        sale.acquired_on,
        sale.shares,
        sale.proceeds - sale.basis,
        currency,
    )
    for each in sale.replacements:
        lost = ", lost for good" if each.is_permanent else ""
        yield Evidence(
            "replacement",
            (each.lot.lot_id,),
            each.acquired_on,
            each.shares,
            each.disallowed,
            currency,
            f"{each.lot.security_id} in {each.lot.account_id}, confidence "
            f"{each.confidence.value}{lost}",
        )


def superficial_verdicts(
    sales: Iterable[SuperficialSale], as_of: date, currency: str = "CAD"
) -> tuple[Verdict, ...]:
    """Return one verdict for each sale, in their order.

    ``flag`` where a loss is denied, ``provisional`` while the window of a loss is open and nothing
    is denied yet, ``pass`` otherwise.

    Args:
        sales: Those of a view of superficial losses.
        as_of: The day on which it is judged whether a window is still open.
        currency: That of the amounts.
    """
    return tuple(_superficial_verdict(sale, as_of, currency) for sale in sales)


def _superficial_verdict(sale: SuperficialSale, as_of: date, currency: str) -> Verdict:
    is_open = sale.standing(as_of) is Standing.PROVISIONAL
    ends_on = sale.window_ends_on
    made = _Made(Status.PASS, "nothing identical was acquired around the sale and kept")
    if sale.gain >= ZERO:
        made = _Made(Status.PASS, "the sale made no loss")
    elif sale.denied:
        so_far = f" as far as is known before {ends_on}" if is_open else ""
        reason = (
            f"{decimal_text(sale.denied)} of a loss of {decimal_text(-sale.gain)} {currency} is "
            f"denied{so_far}: of {decimal_text(sale.units)} units sold, "
            f"{decimal_text(sale.acquired)} were acquired around the sale and "
            f"{decimal_text(sale.held)} kept"
        )
        remedy = _GONE_REMEDY if sale.permanent else _SUPERFICIAL_REMEDY
        made = _Made(Status.FLAG, reason, remedy)
    elif is_open:
        reason = (
            f"a loss of {decimal_text(-sale.gain)} {currency} counts so far; units acquired until "
            f"{ends_on} and still held then would deny it"
        )
        made = _Made(Status.PROVISIONAL, reason, _OPEN_REMEDY)
    figures = {
        "gain_before_rule": sale.gain,
        "denied": sale.denied,
        "permanent": sale.permanent,
        "allowed": sale.allowed,
    }
    return Verdict(
        SUPERFICIAL_RULE_ID,
        SUPERFICIAL_RULE_VERSION,
        made.status,
        sale.sale_id,
        made.reason,
        tuple(_superficial_evidence(sale, currency)),
        tuple(Amount(name, value, currency) for name, value in figures.items()),
        ends_on + timedelta(days=1) if is_open else None,
        made.remedy,
        SUPERFICIAL_SOURCE_URL,
    )


def _superficial_evidence(sale: SuperficialSale, currency: str) -> Iterable[Evidence]:
    yield Evidence("sale", (sale.sale_id,), sale.on, sale.units, sale.gain, currency)
    for each in sale.substitutes:
        lost = ", lost for good" if each.is_permanent else ""
        yield Evidence(
            "substitute",
            (each.lot.lot_id,),
            each.acquired_on,
            each.units,
            each.denied,
            currency,
            f"{each.lot.security_id} in {each.lot.account_id}{lost}",
        )
