"""Where an exchange rate comes from: a quote, its inverse, or two quotes with one in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidebook.book.derivation import Formula, Source, SourceKind, derived, given, stated
from tidebook.model.money import ONE

if TYPE_CHECKING:
    from datetime import date

    from tidebook.book.derivation import Node
    from tidebook.model.markets import RateTable


def rate_tree(table: RateTable, source: str, target: str, on: date) -> Node | None:
    """Return the rate of a pair as of a day, down to the quotes it rests on; None when unknown.

    Example:
        >>> from datetime import date
        >>> from decimal import Decimal
        >>> from tidebook.model.facts import Rate
        >>> from tidebook.model.markets import rate_table
        >>> day = date(2024, 1, 2)
        >>> tree = rate_tree(rate_table([Rate("EUR", "USD", day, Decimal(2))]), "USD", "EUR", day)
        >>> tree.formula.value, [str(child.value) for child in tree.children]
        ('quotient', ['1', '2'])
    """
    quote = table.rate(source, target, on)
    if quote is None:
        return None
    if source == target:
        return given(f"rate {source}/{target}: one currency", ONE, "")
    if len(quote.path) == 1:
        return _leg(table, source, target, on)
    middle = next(name for name in quote.path[0].split("/") if name != source)
    label = f"rate {source}/{target} through {middle}"
    candidates: list[Node] = []
    if quote.path == (f"{middle}/{source}", f"{middle}/{target}"):
        below = _quoted(table, middle, target, on), _quoted(table, middle, source, on)
        known = [leaf for leaf in below if leaf is not None]
        candidates.append(derived(label, "", Formula.QUOTIENT, known))
    legs = _leg(table, source, middle, on), _leg(table, middle, target, on)
    known = [leg for leg in legs if leg is not None]
    candidates.append(derived(label, "", Formula.CONVERTED, known))
    chosen = next((one for one in candidates if one.value == quote.rate), candidates[-1])
    return stated(chosen, quote.rate)


def _leg(table: RateTable, source: str, target: str, on: date) -> Node | None:
    """Return the rate of a pair that was quoted one way or the other."""
    direct, opposite = table.last_quote(source, target, on), table.last_quote(target, source, on)
    if direct is not None and (opposite is None or direct.on >= opposite.on):
        return _quoted(table, source, target, on)
    leaf = _quoted(table, target, source, on)
    if leaf is None:
        return None
    label = f"rate {source}/{target}: the inverse of {target}/{source}"
    return derived(label, "", Formula.QUOTIENT, (given("one", ONE, ""), leaf))


def _quoted(table: RateTable, source: str, target: str, on: date) -> Node | None:
    quote = table.last_quote(source, target, on)
    if quote is None:
        return None
    pair = f"{source}/{target}"
    return given(f"rate {pair}", quote.value, "", Source(SourceKind.RATE, pair, quote.on))
