"""The oracle's fold: all keys of all portfolios in one pass through time, with lots in lists.

Nothing here is taken from ``tidebook.book``. Whether keys depend on each other need not be known:
everything happens in the order of time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.simulation.oracle_book import Key, Line, OpenLot, cash_currency
from tests.simulation.oracle_rates import half_even, part_of, times
from tidebook.model.portfolios import CostMethod, Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.simulation.oracle_book import Known, Leg, Move

_DUST: Final = Fraction(1, 10**12)
_ZERO: Final = Fraction(0)


class Rules(NamedTuple):
    """How a key is folded."""

    method: str
    """``PLAIN`` for cash of the base currency, which has no lots."""
    shorts: bool


class _Open:
    """A key while it is folded."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.lots: list[OpenLot] = []
        self.lines: list[Line] = []
        self.coming: dict[str, list[OpenLot]] = {}
        """What is on its way here, by the id of what sends it."""

    def key(self) -> Key:
        return Key(tuple(self.lines), None if self.rules.method == "PLAIN" else tuple(self.lots))


def rules_of(security_id: str, known: Known) -> Rules:
    """Return how a key of a portfolio is folded."""
    portfolio = known.portfolio
    instrument = known.instruments.get(security_id)
    cash = cash_currency(security_id, portfolio.base_currency)
    if instrument is not None:
        cash = instrument.currency if instrument.is_cash else None
    if cash == portfolio.base_currency and portfolio.settlement is Settlement.AUTO:
        return Rules("PLAIN", shorts=True)
    method = portfolio.cost_method
    if cash is not None and method is not CostMethod.AVCO:
        method = CostMethod.FIFO
    return Rules(method.value, shorts=portfolio.allow_short or cash is not None)


def fold(
    legs: Iterable[Leg], knowns: Mapping[str, Known]
) -> tuple[dict[tuple[str, str], Key], set[tuple[str, str]]]:
    """Return every key, and what is refused of which fact.

    Whatever a security refuses moves no cash, so cash accounts are folded last.
    """
    ordered = sorted(legs, key=lambda leg: leg.place)
    opens = {leg.key: _Open(rules_of(leg.security_id, knowns[leg.portfolio_id])) for leg in ordered}
    refused: set[tuple[str, str]] = set()
    for of_cash in (False, True):
        for leg in ordered:
            if (cash_currency(leg.security_id, "") is not None) is not of_cash:
                continue
            if leg.leg == "main" or leg.identity not in {each[0] for each in refused}:
                why = _one(leg, opens)
                refused |= {(leg.identity, why)} if why else set()
    return {key: one.key() for key, one in opens.items() if one.lines}, refused


def _one(leg: Leg, opens: Mapping[tuple[str, str], _Open]) -> str:
    """Book a leg; return why it cannot be booked, if it cannot."""
    own = opens[leg.key]
    if own.rules.method == "PLAIN":
        own.lines.append(_plain(leg))
        return ""
    if leg.move is not None:
        return _moved(leg, leg.move, own, opens)
    line = _booked(leg, own.lots, own.rules)
    if line is None:
        return "position.oversold"
    own.lines.append(line)
    return ""


def _plain(leg: Leg) -> Line:
    """Cash of the base currency: a unit costs a unit, and no disposal gains anything."""
    nothing = Fraction(0)
    gains = (nothing, nothing, nothing, nothing) if leg.gains and leg.quantity < 0 else None
    return Line(leg, leg.quantity, leg.quantity, leg.quantity, gains, ())


def _booked(leg: Leg, lots: list[OpenLot], rules: Rules) -> Line | None:
    """Book a leg on the open lots; None when it takes more than is there and must not."""
    held = sum((lot[2] for lot in lots), Fraction(0))
    quantity = leg.quantity
    if quantity == 0:
        return Line(leg, quantity, quantity, quantity, None, ())
    if held * quantity >= 0:
        if quantity < 0 and not rules.shorts:
            return None
        sign = 1 if quantity > 0 else -1
        _open(
            leg,
            lots,
            (quantity, sign * leg.amount, sign * leg.amount_base),
            pooled=rules.method == "AVCO",
        )
        return Line(leg, quantity, sign * leg.amount, sign * leg.amount_base, None, ())
    after = held + quantity
    if abs(after) <= _DUST:
        quantity, after = -held, Fraction(0)
    crosses = after != 0 and (after > 0) != (held > 0)
    if crosses and not rules.shorts:
        return None
    closing = -held if crosses else quantity
    taken = _take(lots, -closing, rules.method)
    cost_local = sum((lot[3] for lot in taken), Fraction(0))
    cost_base = sum((lot[4] for lot in taken), Fraction(0))
    sign = 1 if leg.quantity < 0 else -1
    value = (sign * leg.amount, sign * leg.amount_base)
    opened = (Fraction(0), Fraction(0))
    if crosses:
        closed = (
            part_of(value[0], closing, leg.quantity),
            part_of(value[1], closing, leg.quantity),
        )
        opened = (closed[0] - value[0], closed[1] - value[1])
        value = closed
        _open(leg, lots, (after, *opened), pooled=rules.method == "AVCO")
    gains = None
    if leg.gains:
        local, base = value[0] - cost_local, value[1] - cost_base
        by_price = times(local, leg.to_base)
        gains = (local, base, by_price, base - by_price)
    moved = leg.quantity if crosses else quantity
    return Line(leg, moved, opened[0] - cost_local, opened[1] - cost_base, gains, tuple(taken))


def _open(
    leg: Leg, lots: list[OpenLot], lot: tuple[Fraction, Fraction, Fraction], *, pooled: bool
) -> None:
    if pooled and lots:
        first = lots[0]
        lots[0] = first.plus(*lot)
    else:
        lots.append(OpenLot(leg.identity, leg.on, *lot))


def _take(lots: list[OpenLot], quantity: Fraction, method: str) -> list[OpenLot]:
    """Take from lots as a method has it; what is cut is rounded, what stays is the rest."""
    taken: list[OpenLot] = []
    while quantity:
        place = _next(lots, method)
        identity, on, size, local, base = lots[place]
        if abs(size) <= abs(quantity):
            taken.append(lots.pop(place))
            quantity -= size
            continue
        cut_local, cut_base = half_even(local * quantity / size), half_even(base * quantity / size)
        taken.append(OpenLot(identity, on, quantity, cut_local, cut_base))
        lots[place] = OpenLot(identity, on, size - quantity, local - cut_local, base - cut_base)
        quantity = Fraction(0)
    return taken


def _next(lots: Sequence[OpenLot], method: str) -> int:
    """Return the place of the lot that goes next; lots stand in the order they were opened in."""
    if method == "LIFO":
        return len(lots) - 1
    if method == "HIFO":
        # The most that a unit cost; of a short, the least that it brought; of equals the oldest.
        sign = 1 if lots[0][2] > 0 else -1
        units = [sign * half_even(lot[4] / lot[2]) for lot in lots]
        return units.index(max(units))
    return 0


# Lots that move and keep their ids and days.


def _moved(leg: Leg, move: Move, own: _Open, opens: Mapping[tuple[str, str], _Open]) -> str:
    """Apply a move; return why it cannot be booked, if it cannot."""
    lots = own.lots
    held = sum((lot[2] for lot in lots), Fraction(0))
    if move.what in {"leave", "share"}:
        there = sum((lot[2] for lot in opens[move.arrival].lots), Fraction(0))
        if there * held < 0:
            return "transfer.opposite-side"
    match move.what:
        case "split" if held:
            after = [lot._replace(quantity=half_even(lot.quantity * move.ratio)) for lot in lots]
            _exchanged(leg, own, after)
        case "share" if held:
            parts = [
                lot._replace(
                    local=times(lot.local, move.fraction), base=times(lot.base, move.fraction)
                )
                for lot in lots
            ]
            left = [
                lot._replace(local=lot.local - part.local, base=lot.base - part.base)
                for lot, part in zip(lots, parts, strict=True)
            ]
            _exchanged(leg, own, left)
            opens[move.arrival].coming[leg.identity] = parts
        case "leave":
            return _left(leg, move, own, opens)
        case "arrive" if leg.identity in own.coming:
            _arrived(leg, move, own)
        case _:
            pass
    return ""


def _exchanged(leg: Leg, own: _Open, after: list[OpenLot]) -> None:
    """Put lots in the place of others."""
    changes = [new - old for new, old in zip(_sums(after), _sums(own.lots), strict=True)]
    own.lines.append(Line(leg, changes[0], changes[1], changes[2], None, tuple(own.lots)))
    own.lots[:] = after


def _left(leg: Leg, move: Move, own: _Open, opens: Mapping[tuple[str, str], _Open]) -> str:
    """Take units away as a disposal would, without any gain."""
    held = sum((lot[2] for lot in own.lots), Fraction(0))
    if not held:
        return "position.not-held"
    if leg.quantity - abs(held) > _DUST:
        return "position.oversold"
    units = leg.quantity if held > 0 else -leg.quantity
    if abs(held - units) <= _DUST:
        units = held
    parts = _take(own.lots, units, own.rules.method)
    _, local, base = _sums(parts)
    own.lines.append(Line(leg, -units, -local, -base, None, tuple(parts)))
    opens[move.arrival].coming[leg.identity] = parts
    return ""


def _arrived(leg: Leg, move: Move, own: _Open) -> None:
    """Put what is coming among the lots here, by the days they were opened on."""
    parts = [
        part._replace(
            quantity=half_even(part.quantity * move.ratio),
            local=times(part.local, move.to_local),
            base=times(part.base, move.to_base),
        )
        for part in own.coming.pop(leg.identity)
    ]
    quantity, local, base = _sums(parts)
    own.lines.append(Line(leg, quantity, local, base, None, ()))
    if own.rules.method == "AVCO":
        pool = (
            own.lots[0] if own.lots else parts[0]._replace(quantity=_ZERO, local=_ZERO, base=_ZERO)
        )
        own.lots[:] = [pool.plus(quantity, local, base)]
        return
    for part in parts:
        places = [place for place, lot in enumerate(own.lots) if lot.identity == part.identity]
        if places:
            grown = own.lots[places[0]].plus(*part[2:])
            own.lots[places[0]] = grown
    known = {lot.identity for lot in own.lots}
    for part in parts:
        if part.identity not in known:
            later = [place for place, lot in enumerate(own.lots) if lot.on > part.on]
            own.lots.insert(later[0] if later else len(own.lots), part)


def _sums(lots: Sequence[OpenLot]) -> tuple[Fraction, Fraction, Fraction]:
    return (
        sum((lot.quantity for lot in lots), _ZERO),
        sum((lot.local for lot in lots), _ZERO),
        sum((lot.base for lot in lots), _ZERO),
    )
