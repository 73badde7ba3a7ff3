"""Why a lot was taken: the rule in force and the figure that it ranked the lot by."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Final

from tidebook.book.choosing import is_long_term
from tidebook.book.lots import LotRule
from tidebook.model.money import ONE, ZERO, decimal_text, exact, quotient

if TYPE_CHECKING:
    from tidebook.book.lots import Match
    from tidebook.book.trees.steps import Key, Step

_SHOWN: Final = Decimal("1e-6")
_TOLD: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ORDER: Final = {
    LotRule.FIFO: "FIFO, the oldest first",
    LotRule.LIFO: "LIFO, the newest first",
    LotRule.AVCO: "average cost",
}


def reason_of(key: Key, step: Step, match: Match) -> str:
    """Return which rule took a part of a lot, and the figure that ranked it, to six places.

    HIFO ranks by the cost of one unit in base currency, MIN_TAX by the tax on one unit: its gain
    at the price of the sale times the rate of its holding period. Where the transaction names
    lots no rule is asked.
    """
    if step.effect is not None and step.effect.lots:
        return "named by the transaction"
    rule = key.rule_on(step.on)
    if rule in _ORDER:
        return _ORDER[rule]
    if rule is LotRule.UNIT or not match.quantity:
        return "every unit costs one"
    with exact():
        unit = quotient(match.cost_base, match.quantity)
        tax = None if key.rules is None else key.rules.tax
        if rule is LotRule.HIFO or tax is None or not (tax.short_term or tax.long_term):
            return f"{rule}, the dearest first: {_text(unit)} {key.base_currency} a unit"
        posting = step.posting
        price = ZERO
        if posting is not None:
            price = quotient(abs(posting.amount_base), abs(posting.quantity or ONE))
        gain = (price - unit) if match.quantity > 0 else unit - price
        is_long = is_long_term(match.opened_on, step.on, tax.long_term_months)
        rate = tax.long_term if is_long else tax.short_term
        term = "long" if is_long else "short"
        return (
            f"MIN_TAX, the least tax first: {_text(gain * rate)} {key.base_currency} a unit, "
            f"gain {_text(gain)} x {term}-term rate {decimal_text(rate)}"
        )


def _text(value: Decimal) -> str:
    return decimal_text(value.quantize(_SHOWN, context=_TOLD))
