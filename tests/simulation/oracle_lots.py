"""The oracle's lots: how a key is folded, and which of its lots goes next."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.simulation.oracle_legs import OpenLot, cash_currency
from tests.simulation.oracle_rates import half_even
from tidebook.model.portfolios import CostMethod, Settlement, TaxRates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tests.simulation.oracle_legs import Known, Leg
    from tidebook.model.facts import LotChoice

_MARGINED: Final = {"future", "futures", "perpetual", "perp", "swap", "cfd"}
_AVERAGES: Final = {CostMethod.AVCO, CostMethod.AVCO_POOLED}


class Rules(NamedTuple):
    """How a key is folded."""

    method: str
    """``PLAIN`` for cash of the base currency, which has no lots."""
    shorts: bool
    pool: str = ""
    """What its average cost is shared under; empty where it is its own."""
    tax: TaxRates = TaxRates()


def rules_of(security_id: str, known: Known) -> Rules:
    """Return how a key of a portfolio is folded."""
    portfolio = known.portfolio
    instrument = known.instruments.get(security_id)
    cash = cash_currency(security_id, portfolio.base_currency)
    if instrument is not None:
        cash = instrument.currency if instrument.is_cash else None
    if cash == portfolio.base_currency and portfolio.settlement is Settlement.AUTO:
        return Rules("PLAIN", shorts=True)
    averages = portfolio.cost_method in _AVERAGES
    if cash is not None:
        return Rules("AVCO" if averages else "FIFO", shorts=True)
    shorts = portfolio.allow_short
    if instrument is not None:
        margined = instrument.product_type.lower() in _MARGINED
        shorts = shorts or margined or instrument.option_right is not None
    pool = ""
    if portfolio.cost_method is CostMethod.AVCO_POOLED and portfolio.taxpayer_id:
        pool = f"{portfolio.taxpayer_id} {portfolio.base_currency} {security_id}"
    method = "AVCO" if averages else portfolio.cost_method.value
    return Rules(method, shorts, pool, portfolio.tax_rates)


def take(lots: list[OpenLot], leg: Leg, quantity: Fraction, rules: Rules) -> list[OpenLot]:
    """Take from lots as a method has it; what is cut is rounded, what stays is the rest."""
    taken: list[OpenLot] = []
    while quantity:
        part = _cut(lots, _next(lots, leg, rules), quantity)
        taken.append(part)
        quantity -= part.quantity
    return taken


def take_named(
    lots: list[OpenLot], quantity: Fraction, named: Sequence[LotChoice]
) -> list[OpenLot] | None:
    """Take what is named; None unless it is all that is to be taken, and every lot has as much."""
    sizes: dict[str, Fraction] = {}
    for choice in named:
        sizes[choice.lot_id] = sizes.get(choice.lot_id, Fraction(0)) + Fraction(choice.quantity)
    sign = 1 if quantity > 0 else -1
    held = {lot.identity: sign * lot.quantity for lot in lots}
    enough = all(held.get(identity, Fraction(0)) >= size for identity, size in sizes.items())
    if sum(sizes.values()) != abs(quantity) or not enough:
        return None
    return [
        _cut(lots, [lot.identity for lot in lots].index(identity), sign * size)
        for identity, size in sizes.items()
    ]


def _cut(lots: list[OpenLot], place: int, quantity: Fraction) -> OpenLot:
    """Take a lot, or as much of it as is wanted."""
    identity, on, size, local, base = lots[place]
    if abs(size) <= abs(quantity):
        return lots.pop(place)
    cut_local, cut_base = half_even(local * quantity / size), half_even(base * quantity / size)
    lots[place] = OpenLot(identity, on, size - quantity, local - cut_local, base - cut_base)
    return OpenLot(identity, on, quantity, cut_local, cut_base)


def _next(lots: Sequence[OpenLot], leg: Leg, rules: Rules) -> int:
    """Return the place of the lot that goes next; lots stand in the order they were opened in."""
    if rules.method == "LIFO":
        return len(lots) - 1
    if rules.method == "HIFO":
        return _dearest(lots, range(len(lots)))
    if rules.method == "MIN_TAX":
        return _least_taxed(lots, leg, rules.tax)
    return 0


def _dearest(lots: Sequence[OpenLot], places: Sequence[int]) -> int:
    """The most that a unit cost; of a short, the least that it brought; of equals the oldest."""
    return max(places, key=lambda place: (_unit(lots[place]) * _side(lots[place]), -place))


def _least_taxed(lots: Sequence[OpenLot], leg: Leg, tax: TaxRates) -> int:
    """The lot with the least tax on a unit's gain; within a holding period the dearest one."""
    everything = range(len(lots))
    if not tax.short_term and not tax.long_term:
        return _dearest(lots, everything)
    price = half_even(abs(leg.amount_base) / (abs(leg.quantity) or 1))
    long = [place for place in everything if _is_long(lots[place], leg.on, tax.long_term_months)]
    short = [place for place in everything if place not in long]
    found: list[tuple[Fraction, int]] = []
    for places, rate in ((short, tax.short_term), (long, tax.long_term)):
        if places:
            place = _dearest(lots, places)
            gain = (price - _unit(lots[place])) * _side(lots[place])
            found.append((gain * Fraction(rate), place))
    return min(found)[1]


def _is_long(lot: OpenLot, on: date, months: int) -> bool:
    """Tell whether more than some months lie between; what is sold short is never held."""
    return lot.quantity > 0 and on > _months_later(lot.on, months)


def _months_later(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    first = day.replace(day=1)
    for _ in range(months):
        first = (first + timedelta(days=31)).replace(day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def _unit(lot: OpenLot) -> Fraction:
    return half_even(lot.base / lot.quantity)


def _side(lot: OpenLot) -> int:
    return 1 if lot.quantity > 0 else -1
