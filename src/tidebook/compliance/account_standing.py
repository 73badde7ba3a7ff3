"""Where an account stands on a day on which it has not traded yet: what binds it, and its limits.

Positions that are above a limit because prices moved are told here, for no trade made them so.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.bound import UNBOUND
from tidebook.compliance.limits import POSITION_SIZE_LIMIT
from tidebook.compliance.packs import RULE_SETS
from tidebook.compliance.rules import ANYWHERE, param, rule_set_on
from tidebook.model.money import ZERO, exact, quotient

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from tidebook.compliance.bound import Bound
    from tidebook.compliance.day_trades import Window
    from tidebook.compliance.trades import Account, Known, Position

_HUNDRED: Final = Decimal(100)


class Concentration(NamedTuple):
    """How much of the equity one issuer is, or one security where none is stated.

    ``value`` is netted, longs less shorts, and ``percent`` is percent of equity without a sign;
    neither is known where ``why`` says so.
    """

    name: str
    securities: tuple[str, ...]
    value: Decimal | None
    percent: Decimal | None
    limit_pct: Decimal
    why: str = ""

    @property
    def is_above(self) -> bool:
        """Whether it is above the limit; exactly the limit is within it."""
        return self.percent is not None and self.percent > self.limit_pct


class AccountStanding(NamedTuple):
    """An account at the beginning of a day. ``equity`` and ``cash`` are of the close before."""

    account: Account
    on: date
    equity: Known
    cash: Known
    positions: tuple[Position, ...]
    window: Window
    bound: Bound = UNBOUND


def concentrations(
    positions: Iterable[Position], equity: Known, limit_pct: Decimal
) -> tuple[Concentration, ...]:
    """Return how much of an equity each issuer is, the largest first and the unknown before all.

    >>> from tidebook.compliance.trades import Known, Position
    >>> held = [Position("A", Decimal(10), Decimal(9)), Position("B", Decimal(-2), Decimal(5))]
    >>> [(one.name, one.percent) for one in concentrations(held, Known(Decimal(200)), Decimal(20))]
    [('A', Decimal('45')), ('B', Decimal('5'))]
    """
    named: dict[str, list[Position]] = {}
    for one in positions:
        if one.quantity:
            named.setdefault(one.issuer or one.security_id, []).append(one)
    with exact():
        found = [_concentration(name, held, equity, limit_pct) for name, held in named.items()]
    return tuple(sorted(found, key=_by_size))


def limit_on(account: Account, on: date) -> Decimal:
    """Return the limit on one position of an account on a day, in percent of its equity."""
    ruleset = rule_set_on(RULE_SETS, POSITION_SIZE_LIMIT, ANYWHERE, on)
    return _HUNDRED if ruleset is None else param(account, ruleset, "limit_pct")


def _concentration(
    name: str, held: list[Position], equity: Known, limit_pct: Decimal
) -> Concentration:
    ids = tuple(sorted({one.security_id for one in held}))
    missing = [one for one in held if one.limited_value is None]
    if missing:
        known = missing[0].delta_value
        why = f"no price is known of {missing[0].security_id}" if known is None else known.why
        return Concentration(name, ids, None, None, limit_pct, why)
    value = sum((one.quantity * (one.limited_value or ZERO) for one in held), ZERO)
    if equity.value is None or equity.value <= ZERO:
        why = equity.why or "there is no equity to measure it by"
        return Concentration(name, ids, value, None, limit_pct, why)
    percent = quotient(_HUNDRED * abs(value), equity.value)
    return Concentration(name, ids, value, percent, limit_pct)


def _by_size(one: Concentration) -> tuple[bool, Decimal, str]:
    return (one.percent is not None, -(one.percent or ZERO), one.name)
