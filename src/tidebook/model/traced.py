"""Decimals that remember how they came about, so that a computation can explain itself.

A :class:`Traced` is a decimal in every respect. What is computed from it by sums, differences and
products, or by the functions of ``model.money``, is traced again: it knows its rule and its
operands, down to the leaves that were marked. The code that computes a figure is then its
explanation too, and no second account of it can drift away from the first. Nothing is traced
unless a leaf was marked.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

LEAF: Final = "given"
"""The rule of a number that follows from nothing."""


class Traced(Decimal):
    """A decimal with its rule and its operands.

    Attributes:
        rule: How it follows from the operands; ``LEAF`` where it was marked.
        operands: The decimals below it, in the order that the rule takes them.
        label: What it is, in words; empty where nobody named it.
        unit: The currency or security that it counts; empty where that is not told.
        fact: What a leaf rests on.
    """

    __slots__ = ("fact", "label", "operands", "rule", "unit")

    rule: str
    operands: tuple[Decimal, ...]
    label: str
    unit: str
    fact: object

    def __add__(self, other: Decimal | int, /) -> Decimal:
        """Return a sum; nothing is remembered of adding nothing."""
        return (
            self if _is_nothing(other) else _made("sum", Decimal.__add__(self, other), self, other)
        )

    def __radd__(self, other: Decimal | int, /) -> Decimal:
        """Return a sum; nothing is remembered of adding to nothing."""
        if _is_nothing(other):
            return self
        return _made("sum", Decimal.__radd__(self, other), other, self)

    def __sub__(self, other: Decimal | int, /) -> Decimal:
        """Return a difference."""
        if _is_nothing(other):
            return self
        return _made("difference", Decimal.__sub__(self, other), self, other)

    def __rsub__(self, other: Decimal | int, /) -> Decimal:
        """Return a difference, or the opposite where it is from nothing."""
        if _is_nothing(other):
            return -self
        return _made("difference", Decimal.__rsub__(self, other), other, self)

    def __mul__(self, other: Decimal | int, /) -> Decimal:
        """Return a product; nothing is remembered of taking something once."""
        if type(other) is not Traced and other == 1:
            return self
        return _made("product", Decimal.__mul__(self, other), self, other)

    def __rmul__(self, other: Decimal | int, /) -> Decimal:
        """Return a product; nothing is remembered of taking something once."""
        if other == 1:
            return self
        return _made("product", Decimal.__rmul__(self, other), other, self)

    def __floordiv__(self, other: Decimal | int, /) -> Decimal:
        """Return how many times the other is in it as a whole."""
        return _made("whole_quotient", Decimal.__floordiv__(self, other), self, other)

    def __rfloordiv__(self, other: Decimal | int, /) -> Decimal:
        """Return how many times it is in the other as a whole."""
        return _made("whole_quotient", Decimal.__rfloordiv__(self, other), other, self)

    def __neg__(self) -> Decimal:
        """Return the opposite."""
        return _made("negative", Decimal.__neg__(self), self)

    def __abs__(self, *_: object) -> Decimal:
        """Return the size without the sign."""
        return _made("absolute", Decimal.__abs__(self), self)

    def scaleb(self, other: Decimal | int, context: object = None) -> Decimal:
        """Return it times a power of ten."""
        del context
        factor = Decimal(1).scaleb(other)
        return _made("product", Decimal.__mul__(self, factor), self, factor)


def marked(value: Decimal, label: str, unit: str = "", fact: object = None) -> Traced:
    """Return a decimal as a leaf: a number that what is computed from it will remember."""
    return _traced(value, LEAF, (), (label, unit, fact))


def named(value: Decimal, label: str, unit: str = "") -> Decimal:
    """Return a traced decimal with a name for what it is; any other as it is."""
    if type(value) is not Traced:
        return value
    if value.rule == LEAF:
        return _traced(value, "sum", (value,), (label, unit or value.unit, None))
    return _traced(value, value.rule, value.operands, (label, unit or value.unit, None))


def remembered(rule: str, value: Decimal, *operands: Decimal) -> Decimal:
    """Return a result with its rule and operands where one of these is traced."""
    if any(type(one) is Traced for one in operands):
        return _traced(value, rule, operands, ("", "", None))
    return value


def untraced(value: Decimal) -> Decimal:
    """Return the number alone."""
    return Decimal(value) if type(value) is Traced else value


def _is_nothing(other: Decimal | int) -> bool:
    return type(other) is not Traced and not other


def _made(rule: str, value: Decimal, *operands: Decimal | int) -> Decimal:
    if value is NotImplemented:
        return value
    below = tuple(one if isinstance(one, Decimal) else Decimal(one) for one in operands)
    return _traced(value, rule, below, ("", "", None))


def _traced(
    value: Decimal, rule: str, operands: tuple[Decimal, ...], told: tuple[str, str, object]
) -> Traced:
    made = Decimal.__new__(Traced, value)
    made.rule, made.operands = rule, operands
    made.label, made.unit, made.fact = told
    return made
