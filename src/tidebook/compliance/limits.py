"""Limits that a house or an owner sets: size, concentration, restricted names, single orders.

An order that only reduces a position is never held up by any of them.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.rules import (
    Findings,
    failed,
    flagged,
    money,
    not_applicable,
    passed,
    undecided,
    verdict,
)
from tidebook.compliance.trades import AssetClass
from tidebook.compliance.verdicts import Amount, Evidence, Status
from tidebook.model.money import ZERO, decimal_text as plain, larger, quotient
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tidebook.compliance.rules import Context
    from tidebook.compliance.trades import Position, Trade, UserLimit
    from tidebook.compliance.verdicts import Verdict

# A member asked of its class takes as long as all the rest of a comparison.
_CRYPTO: Final = AssetClass.CRYPTO
_PASS: Final = Status.PASS
_FLAG: Final = Status.FLAG

POSITION_SIZE_LIMIT = "position_size_limit"
SECTOR_CONCENTRATION = "sector_concentration"
RESTRICTED_LIST = "restricted_list"
ORDER_VALUE_LIMIT = "order_value_limit"
OPPOSITE_TRADE = "opposite_trade"
USER_LIMITS = "user_limits"

_HUNDRED = Decimal(100)
_COIN_PLACES = 8
_NEEDS_VALUE = "send the prices, and the rates, that the value of the account rests on"


class Size(NamedTuple):
    """How large a position is after an order, and how many more units the limit would take.

    ``post_trade_pct`` is percent of equity. ``max_additional`` counts from before the order.
    """

    post_trade_pct: Decimal
    max_additional: Decimal
    is_above: bool


def size_after(
    value_before: Decimal, order_value: Decimal, unit: Decimal, equity: Decimal, limit_pct: Decimal
) -> Size:
    """Return the size of a position of ``value_before`` after an order; sales are negative.

    Values count without their sign: a short position is as large as a long one. Exactly the limit
    is within it. More units are counted away from zero, whichever sign a unit has.
    """
    after = abs(value_before + order_value)
    most = limit_pct * equity
    room = most - _HUNDRED * abs(value_before)
    additional = larger(room, ZERO) // (_HUNDRED * abs(unit)) if unit else ZERO
    percent = _HUNDRED * after
    return made(Size, (quotient(percent, equity), additional, percent > most))


def position_size_limit(trade: Trade, context: Context) -> Verdict:
    """Judge how much of the equity one issuer is after a trade."""
    ruleset, equity = context.ruleset, context.standing.equity
    exposure = context.exposure
    held, reduces, unit = exposure.held, exposure.only_reduces, exposure.unit
    if unit is None or equity.value is None or equity.value <= ZERO:
        if reduces:
            return passed(trade, ruleset, _REDUCES)
        why = _why_no_equity(context)
        return undecided(trade, ruleset, why, _NEEDS_VALUE)
    limit_pct = context.param("limit_pct")
    same = _same_issuer(trade, context)
    missing = _uncounted((*same, exposure.traded))
    if missing:
        return undecided(trade, ruleset, missing, _NEEDS_VALUE)
    # An option with a delta counts as what it moves like, on either side of its underlying.
    unit = _counted_unit(context, unit)
    value = sum((one.quantity * (one.limited_value or ZERO) for one in same), held * unit)
    reduces = reduces or (bool(same) and abs(value + trade.signed * unit) < abs(value))
    size = size_after(value, trade.signed * unit, unit, equity.value, limit_pct)
    additional = size.max_additional
    if trade.asset_class is _CRYPTO:
        scaled = size_after(
            value, ZERO, unit.scaleb(-_COIN_PLACES), equity.value, limit_pct
        ).max_additional
        additional = scaled.scaleb(-_COIN_PLACES)
    amounts = (
        made(Amount, ("post_trade_pct", size.post_trade_pct, "percent", "")),
        made(Amount, ("limit_pct", limit_pct, "percent", "")),
        made(Amount, ("max_additional_qty", additional, "units", "")),
        money("equity", equity.value, context.account),
    )
    issuer = exposure.traded.issuer if same else ""
    what = f"what is held of {issuer}" if same else "the position"
    told = f"{what} is {_percent(size.post_trade_pct, limit_pct)} % of the equity after the trade"
    evidence = tuple(
        Evidence("same_issuer", (one.security_id,), quantity=one.quantity, note=one.issuer)
        for one in same
    )
    if not size.is_above:
        return verdict(trade, ruleset, (_PASS, told, evidence, amounts, None, ""))
    if reduces:
        passive = Evidence("passive_breach", (trade.security_id,))
        reason = f"{told}, above the limit of {limit_pct} %; the trade only reduces it"
        found = Findings(Status.PASS, reason, (*evidence, passive), amounts)
        return verdict(trade, ruleset, found)
    reason = f"{told}, above the limit of {limit_pct} %"
    remedy = f"trade no more than {additional} units"
    return verdict(trade, ruleset, (_FLAG, reason, evidence, amounts, None, remedy))


def sector_concentration(trade: Trade, context: Context) -> Verdict:
    """Judge how much of the equity one sector is after a trade."""
    ruleset, equity = context.ruleset, context.standing.equity
    sector = context.exposure.traded.sector
    if not sector:
        return not_applicable(trade, ruleset, "the security is in no sector that is known")
    if context.exposure.only_reduces:
        return passed(trade, ruleset, _REDUCES)
    if context.exposure.unit is None or equity.value is None or equity.value <= ZERO:
        return undecided(trade, ruleset, _why_no_equity(context), _NEEDS_VALUE)
    inside = [one for one in context.exposure.positions.values() if one.sector == sector]
    unpriced = sorted(one.security_id for one in inside if one.unit_value is None and one.quantity)
    if unpriced:
        return undecided(trade, ruleset, f"no price is known of {unpriced[0]}", _NEEDS_VALUE)
    value = sum((abs(one.quantity) * (one.unit_value or ZERO) for one in inside), ZERO)
    limit_pct = context.param("limit_pct")
    share = quotient(_HUNDRED * value, equity.value)
    amounts = (
        Amount("post_trade_pct", share, "percent"),
        Amount("limit_pct", limit_pct, "percent"),
    )
    told = f"sector {sector} is {_percent(share, limit_pct)} % of the equity after the trade"
    if share <= limit_pct:
        return passed(trade, ruleset, told, amounts)
    evidence = tuple(
        Evidence("in_sector", (one.security_id,), quantity=one.quantity)
        for one in inside
        if one.quantity
    )
    reason = f"{told}, above the limit of {limit_pct} %"
    remedy = "hold less of this sector"
    return verdict(trade, ruleset, Findings(Status.FLAG, reason, evidence, amounts, None, remedy))


def restricted_list(trade: Trade, context: Context) -> Verdict:
    """Judge whether the security may be traded in this account at all."""
    ruleset = context.ruleset
    if not context.account.restricted:
        return not_applicable(trade, ruleset, "the account has no restricted list")
    found = next(
        (one for one in context.account.restricted if one.security_id == trade.security_id), None
    )
    if found is None:
        return passed(trade, ruleset, "the security is not restricted")
    why = f": {found.why}" if found.why else ""
    if context.exposure.only_reduces and found.closing_allowed:
        reason = f"{trade.security_id} is restricted{why}; the trade only closes"
        return passed(trade, ruleset, reason)
    reason = f"{trade.security_id} is on the restricted list{why}"
    remedy = "trade another security, or have the restriction lifted"
    return failed(trade, ruleset, reason, remedy)


def order_value_limit(trade: Trade, context: Context) -> Verdict:
    """Judge whether one trade is larger than any single one should be."""
    ruleset, value = context.ruleset, _worth(trade, context)
    if value is None:
        why = "no exchange rate brings the trade into the account's currency"
        return undecided(trade, ruleset, why, _NEEDS_VALUE)
    most = context.param("value_max")
    amounts = (
        money("order_value", value, context.account),
        money("value_max", most, context.account),
    )
    if value <= most:
        return passed(trade, ruleset, f"the trade is worth {plain(value)}", amounts)
    reason = f"the trade is worth {plain(value)}, more than {plain(most)}"
    if context.exposure.only_reduces:
        return passed(trade, ruleset, f"{reason}; it only reduces a position", amounts)
    remedy = "split the order, or have its size approved"
    return flagged(trade, ruleset, reason, remedy, amounts)


def opposite_trade(trade: Trade, context: Context) -> Verdict:
    """Judge whether the account traded against itself within a minute: a sign of wash trading."""
    ruleset = context.ruleset
    against = [
        one
        for one in context.earlier
        if one.security_id == trade.security_id and one.side is not trade.side
    ]
    if not against:
        return passed(trade, ruleset, "no trade the other way came before it on the day")
    if trade.at is None or any(one.at is None for one in against):
        why = "a trade the other way was made on the day, and the instant of one is not known"
        return undecided(trade, ruleset, why, "report the instant of each trade")
    within = timedelta(seconds=int(context.param("window_seconds")))
    at = trade.at
    near = [one for one in against if one.at is not None and at - one.at <= within]
    if not near:
        return passed(trade, ruleset, "no trade the other way came shortly before it")
    evidence = tuple(
        Evidence("opposite_trade", (one.trade_id,), one.on, one.quantity) for one in near
    )
    seconds = int(within.total_seconds())
    reason = f"a trade the other way was made within {seconds} seconds before it"
    remedy = "be ready to show that the two trades had different reasons"
    return verdict(trade, ruleset, Findings(Status.FLAG, reason, evidence, remedy=remedy))


def user_limits(trade: Trade, context: Context) -> Verdict:
    """Judge a trade by the limits that its owner has set."""
    ruleset = context.ruleset
    limits = [one for one in context.account.limits if _covers(one, trade)]
    if not limits:
        return not_applicable(trade, ruleset, "no limit is set for this security")
    if context.exposure.only_reduces:
        return passed(trade, ruleset, _REDUCES)
    value = _worth(trade, context)
    if value is None and any(one.max_value is not None for one in limits):
        why = "no exchange rate brings the trade into the account's currency"
        return undecided(trade, ruleset, why, _NEEDS_VALUE)
    broken = [one for one in limits if _is_broken(one, trade, value)]
    if not broken:
        names = ", ".join(one.limit_id for one in limits)
        return passed(trade, ruleset, f"within {names}")
    evidence = tuple(
        Evidence("limit", (one.limit_id,), None, one.max_quantity, one.max_value) for one in broken
    )
    status = Status.FAIL if any(one.blocks for one in broken) else Status.FLAG
    reason = f"above {', '.join(one.limit_id for one in broken)}"
    amounts = (money("order_value", value, context.account),)
    remedy = "trade less, or change the limit"
    return verdict(trade, ruleset, Findings(status, reason, evidence, amounts, None, remedy))


_REDUCES = "the trade only reduces a position"


def _percent(value: Decimal, limit_pct: Decimal) -> str:
    """Return a percentage in two places, or in all where two would not tell it from the limit."""
    short = f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value.normalize():f}" if Decimal(short) == limit_pct else short


def _worth(trade: Trade, context: Context) -> Decimal | None:
    """Return what a trade is worth in the account's currency; None without a rate."""
    unit = context.exposure.unit
    return None if unit is None else unit * trade.quantity


def _why_no_equity(context: Context) -> str:
    equity = context.standing.equity
    if equity.value is None:
        return f"the equity is missing: {equity.why}"
    if equity.value <= ZERO:
        return "there is no equity to measure it by"
    return "no exchange rate brings the trade into the account's currency"


def _same_issuer(trade: Trade, context: Context) -> list[Position]:
    """Return the positions of the traded security's issuer in other securities."""
    issuer = context.exposure.traded.issuer
    if not issuer:
        return []
    return [
        one
        for one in context.standing.positions.values()
        if one.issuer == issuer and one.security_id != trade.security_id and one.quantity
    ]


def _uncounted(positions: Iterable[Position]) -> str:
    """Return why a position cannot be counted against a limit; nothing where all can."""
    for one in positions:
        if one.delta_value is not None and one.delta_value.value is None:
            return one.delta_value.why
        if one.unit_value is None and one.delta_value is None and one.quantity:
            return f"no price is known of {one.security_id}"
    return ""


def _counted_unit(context: Context, unit: Decimal) -> Decimal:
    """Return what one unit of the traded security counts as: by its delta where it has one."""
    stated = context.exposure.traded.delta_value
    return unit if stated is None or stated.value is None else stated.value


def _covers(limit: UserLimit, trade: Trade) -> bool:
    return not limit.symbols or trade.security_id in limit.symbols


def _is_broken(limit: UserLimit, trade: Trade, value: Decimal | None) -> bool:
    if limit.max_quantity is not None and trade.quantity > limit.max_quantity:
        return True
    return limit.max_value is not None and value is not None and value > limit.max_value
