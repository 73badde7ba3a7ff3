"""Before a trade, with orders that are still open: each may be done first, or not at all.

Which open orders will be done, and when, nobody knows. An order is judged as if none of them were
done before it, as if all were, and as if only those were that open or increase a position; each
rule says the worst that it says of these. A day trade that an open order would complete with what
the order opens is told of besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.limits import OPPOSITE_TRADE
from tidebook.compliance.verdicts import Status
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from tidebook.compliance.verdicts import Verdict
    from tidebook.engine.compliance.pretrade import Order, OrderCheck

_WORST: Final = (
    Status.NOT_APPLICABLE,
    Status.PASS,
    Status.FLAG,
    Status.PROVISIONAL,
    Status.FAIL,
)


class CountedCheck(NamedTuple):
    """What the rules would say of an order, open orders counted.

    ``potential_day_trades`` are the day trades that the order can become part of on its day.
    """

    check: OrderCheck
    potential_day_trades: int


def check_with_open(
    check: Callable[[Sequence[Order]], tuple[OrderCheck, ...]],
    orders: Sequence[Order],
    still_open: Sequence[Order],
) -> tuple[CountedCheck, ...]:
    """Return what the rules would say of orders while others are open.

    Args:
        check: Judges a basket, one order after the other.
        orders: The orders that are meant to be sent.
        still_open: Those that were sent and are not done.
    """
    plain = check(orders)
    if not still_open:
        return tuple(CountedCheck(one, int(one.would_be_day_trade)) for one in plain)
    first = check([*still_open, *orders])
    alone = check(still_open)
    opening = [one.order for one in alone if not one.is_reduce_only]
    worlds = [plain, first[len(still_open) :]]
    if 0 < len(opening) < len(still_open):
        worlds.append(check([*opening, *orders])[len(opening) :])
    after = check([*orders, *still_open])[len(orders) :]
    closing = [
        one
        for one, before in zip(after, alone, strict=True)
        if one.would_be_day_trade and not before.would_be_day_trade
    ]
    found: list[CountedCheck] = []
    for seen in zip(*worlds, strict=True):
        made = _day_trades(seen, closing)
        worst = _worst(seen)._replace(would_be_day_trade=made > 0)
        found.append(CountedCheck(worst, made))
    return tuple(found)


def _worst(seen: Sequence[OrderCheck]) -> OrderCheck:
    """Return the check of one order as the worst of several."""
    plain = seen[0]
    rooms = [one.max_additional_quantity for one in seen]
    known = [room for room in rooms if room is not None]
    refusals = [one.refusal for one in seen[1:] if one.refusal]
    refusal = plain.refusal
    if refusals and not refusal:
        refusal = f"with the open orders done first: {refusals[0]}"
    return plain._replace(
        verdicts=tuple(_verdicts(seen)),
        is_reduce_only=all(one.is_reduce_only for one in seen),
        max_additional_quantity=min(known, default=None),
        wash=max(seen, key=_disallowed).wash,
        refusal=refusal,
    )


def _verdicts(seen: Sequence[OrderCheck]) -> list[Verdict]:
    others = [{one.rule_id: one for one in check.verdicts} for check in seen[1:]]
    found: list[Verdict] = []
    for verdict in seen[0].verdicts:
        # Open orders are done whenever the market comes to them, and not in the same minute.
        found.append(verdict)
        if verdict.rule_id == OPPOSITE_TRADE:
            continue
        for other in (each[verdict.rule_id] for each in others if verdict.rule_id in each):
            if _WORST.index(other.status) > _WORST.index(found[-1].status):
                found[-1] = other._replace(reason=f"{other.reason}; open orders are counted")
    return found


def _day_trades(seen: Sequence[OrderCheck], closing: Sequence[OrderCheck]) -> int:
    """Return how many day trades an order closes, or opens for open orders to close."""
    order = seen[0].order
    place = (order.portfolio_id, order.security_id)
    others = sum(
        (one.order.portfolio_id, one.order.security_id) == place
        and one.order.side is not order.side
        for one in closing
    )
    return max(int(any(one.would_be_day_trade for one in seen)), others)


def _disallowed(check: OrderCheck) -> Decimal:
    return ZERO if check.wash is None else check.wash.disallowed
