"""The oracle's fold: all keys of all portfolios in one pass through time, with lots in lists.

Nothing here is taken from ``tidebook.book``. Whether keys depend on each other need not be known:
everything happens in the order of time.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from tests.simulation.oracle_legs import Key, Line, OpenLot, cash_currency
from tests.simulation.oracle_lots import rules_of, take, take_named
from tests.simulation.oracle_rates import half_even, part_of, times

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tests.simulation.oracle_legs import Known, Leg, Move
    from tests.simulation.oracle_lots import Rules

_DUST: Final = Fraction(1, 10**12)
_ZERO: Final = Fraction(0)
_NOT_HELD: Final = "position.not-held"
_OVERSOLD: Final = "position.oversold"
_PAIR: Final = 2
_LEAVES: Final = {"leave", "end", "share", "lapse", "mark"}
"""What takes units, their cost, or a gain out of a key."""


class _Open:
    """A key while it is folded."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.lots: list[OpenLot] = []
        self.lines: list[Line] = []
        self.coming: dict[str, list[OpenLot]] = {}
        """What is on its way here, by the id of what sends it."""

    @property
    def held(self) -> Fraction:
        return sum((lot.quantity for lot in self.lots), _ZERO)

    def key(self) -> Key:
        return Key(tuple(self.lines), None if self.rules.method == "PLAIN" else tuple(self.lots))


def fold(
    legs: Iterable[Leg], knowns: Mapping[str, Known]
) -> tuple[dict[tuple[str, str], Key], set[tuple[str, str]]]:
    """Return every key, and what is refused of which fact.

    Whatever a security refuses moves no cash, and what it determines moves as much as it says; so
    cash accounts are folded last.
    """
    folding = _Folding(legs, knowns)
    folding.securities()
    folding.cash()
    return {key: one.key() for key, one in folding.opens.items() if one.lines}, folding.refused


class _Folding:
    """All keys at work."""

    def __init__(self, legs: Iterable[Leg], knowns: Mapping[str, Known]) -> None:
        self.legs = sorted(legs, key=lambda leg: leg.place)
        self.opens = {
            leg.key: _Open(rules_of(leg.security_id, knowns[leg.portfolio_id])) for leg in self.legs
        }
        self.refused: set[tuple[str, str]] = set()
        self.settled: dict[str, Fraction] = {}
        """The cash that a holding determined, by the fact."""
        self.levelled: dict[str, str] = {}
        """The last corporate action that a pool was levelled for."""

    def securities(self) -> None:
        for leg in self.legs:
            if cash_currency(leg.security_id, "") is None:
                self._book(leg)

    def cash(self) -> None:
        known: list[Leg] = []
        for leg in self.legs:
            if cash_currency(leg.security_id, "") is None:
                continue
            if leg.move is None:
                known.append(leg)
            elif leg.identity in self.settled:
                amount = self.settled[leg.identity]
                base = times(abs(amount), leg.to_base)
                known.append(
                    leg._replace(quantity=amount, amount=abs(amount), amount_base=base, move=None)
                )
        for leg in sorted(known, key=lambda leg: leg.place):
            if leg.leg == "main" or leg.identity not in {each[0] for each in self.refused}:
                self._book(leg)

    def _book(self, leg: Leg) -> None:
        """Book a leg, or note why it cannot be booked."""
        own = self.opens[leg.key]
        if own.rules.method == "PLAIN":
            if leg.move is None:  # cash has no units to split
                own.lines.append(_plain(leg))
            return
        ends = leg.move is not None and leg.move.what in {"end", "share"}
        outcome = self._opposed(leg, own) if ends else ""
        outcome = outcome or self._levelled(leg, own)
        if isinstance(outcome, Line):
            own.lines.append(outcome)
        elif outcome:
            self.refused.add((leg.identity, outcome))

    def _levelled(self, leg: Leg, own: _Open) -> Line | str:
        """Book a leg after its pool was levelled for it; where it is refused, nothing was."""
        before = {key: list(one.lots) for key, one in self.opens.items()} if own.rules.pool else {}
        told = dict(self.levelled)
        levellings = self._level(leg, own)
        outcome = self._outcome(leg, own)
        if isinstance(outcome, Line):
            for key, line in levellings:
                self.opens[key].lines.append(line)
        else:
            self.levelled = told
            for key, lots in before.items():
                self.opens[key].lots[:] = lots
        return outcome

    def _opposed(self, leg: Leg, own: _Open) -> str:
        """Return why the key that something is sent to cannot take it."""
        move = leg.move
        if move is None or move.arrival not in self.opens or not own.held:
            return ""
        there = self.opens[move.arrival]
        absorbs = next(
            (
                each
                for each in self.legs
                if each.identity == leg.identity and each.move and each.move.what == "absorb"
            ),
            None,
        )
        if absorbs is None:
            return "transfer.opposite-side" if there.held * own.held < 0 else ""
        after = absorbs.quantity
        if there.held * after < 0:
            after += there.held
        return _OVERSOLD if after < -_DUST and not there.rules.shorts else ""

    def _level(self, leg: Leg, own: _Open) -> list[tuple[tuple[str, str], Line]]:
        """Have every unit of a pool cost the same before anything leaves it."""
        pool, held = own.rules.pool, own.held
        what = leg.move.what if leg.move else "trade"
        leaves = what in _LEAVES and held > 0
        if what in {"trade", "absorb"}:
            leaves = leg.quantity < 0 and -leg.quantity <= held
        if not pool or not leaves:
            return []
        if "@" in leg.identity:
            action = leg.identity.split("@", maxsplit=1)[0]
            if self.levelled.get(pool) == action:
                return []
            self.levelled[pool] = action
        members = [
            (key, one)
            for key, one in sorted(self.opens.items())
            if one.rules.pool == pool and one.held > 0
        ]
        if len(members) < _PAIR:
            return []
        whole = _sums([lot for _, one in members for lot in one.lots])
        left = list(whole[1:])
        lines: list[tuple[tuple[str, str], Line]] = []
        for place, (key, one) in enumerate(members):
            parts = [part_of(cost, one.held, whole[0]) for cost in whole[1:]]
            if place == len(members) - 1:
                parts = left
            left = [rest - part for rest, part in zip(left, parts, strict=True)]
            _, local, base = _sums(one.lots)
            change = (_ZERO, parts[0] - local, parts[1] - base)
            if any(change):
                first = one.lots[0]
                bare = leg._replace(
                    leg="pool",
                    quantity=_ZERO,
                    amount=_ZERO,
                    amount_base=_ZERO,
                    flow_base=None,
                    move=None,
                )
                lines.append((key, Line(bare, *change, None, (first,))))
                one.lots[0] = first.plus(*change)
        return lines

    def _outcome(self, leg: Leg, own: _Open) -> Line | str:
        """Return what a leg does to its key, or why it cannot be booked; nothing for neither."""
        move = leg.move
        if move is None or move.what == "trade":
            return self._paid(leg, move, _booked(leg, own))
        outcome: Line | str = ""
        match move.what:
            case "split" if own.held:
                outcome = _split(leg, move, own)
            case "share" if own.held:
                outcome = self._shared(leg, move, own)
            case "end" if own.held:
                outcome = self._ended(leg, move, own)
            case "arrive" if leg.identity in own.coming:
                outcome = _arrived(leg, move, own)
            case "absorb" if leg.identity in own.coming:
                outcome = _absorbed(leg, move, own)
            case "leave":
                outcome = self._left(leg, move, own)
            case "lapse":
                outcome = self._paid(leg, move, _lapsed(leg, move, own))
            case "mark":
                outcome = self._marked(leg, move, own) if own.held else _NOT_HELD
            case _:
                pass
        return outcome

    # What a contract on margin pays.

    def _paid(self, leg: Leg, move: Move | None, outcome: Line | str) -> Line | str:
        if move is None or not move.margin or not isinstance(outcome, Line):
            return outcome
        if outcome.gains is None and not move.costs:
            self.settled[leg.identity] = _ZERO
            return outcome
        gain = (outcome.gains[0] if outcome.gains else _ZERO) - move.costs
        return self._gained(leg, move, outcome, gain)

    def _gained(self, leg: Leg, move: Move, line: Line, gain: Fraction) -> Line:
        base = times(gain, leg.to_base)
        self.settled[leg.identity] = times(gain, move.to_cash)
        return line._replace(gains=(gain, base, base, _ZERO))

    def _marked(self, leg: Leg, move: Move, own: _Open) -> Line:
        """Cost becomes value."""
        _, before, _ = _sums(own.lots)
        after: list[OpenLot] = []
        for lot in own.lots:
            cost = half_even(lot.quantity * move.price)
            after.append(lot._replace(local=cost, base=times(cost, leg.to_base)))
        return self._gained(leg, move, _exchanged(leg, own, after), _sums(after)[1] - before)

    # Lots that move and keep their ids and days.

    def _shared(self, leg: Leg, move: Move, own: _Open) -> Line:
        parts = _fraction(own.lots, move.fraction)
        left = [
            lot._replace(local=lot.local - part.local, base=lot.base - part.base)
            for lot, part in zip(own.lots, parts, strict=True)
        ]
        self.opens[move.arrival].coming[leg.identity] = parts
        return _exchanged(leg, own, left)

    def _ended(self, leg: Leg, move: Move, own: _Open) -> Line:
        """Everything leaves: a part of the cost for another security, the rest against cash."""
        parts = _fraction(own.lots, move.fraction)
        if move.arrival in self.opens:
            self.opens[move.arrival].coming[leg.identity] = parts
        held, local, base = _sums(own.lots)
        line = Line(leg, -held, -local, -base, None, tuple(own.lots))
        own.lots.clear()
        if move.fraction == 1 and not move.per_unit:
            return line
        cash = half_even(move.per_unit * held)
        _, gone_local, gone_base = _sums(parts)
        gain = times(cash, move.to_local) - (local - gone_local)
        gain_base = times(cash, move.to_base) - (base - gone_base)
        if move.per_unit:
            self.settled[leg.identity] = cash
        return line._replace(gains=_gains(leg, gain, gain_base))

    def _left(self, leg: Leg, move: Move, own: _Open) -> Line | str:
        """Take units away as a disposal would, without any gain."""
        held = own.held
        if not held:
            return _NOT_HELD
        if leg.quantity - abs(held) > _DUST:
            return _OVERSOLD
        units = leg.quantity if held > 0 else -leg.quantity
        if abs(held - units) <= _DUST:
            units = held
        bare = leg._replace(quantity=-units)
        before = list(own.lots)
        parts = _taken(bare, own, units, move)
        if parts is None:
            return "lot.not-held"
        own.lots[:], left = before, list(own.lots)
        if opposed := self._opposed(leg, own):
            return opposed
        own.lots[:] = left
        _, local, base = _sums(parts)
        self.opens[move.arrival].coming[leg.identity] = parts
        return Line(leg, -units, -local, -base, None, tuple(parts))


def _plain(leg: Leg) -> Line:
    """Cash of the base currency: a unit costs a unit, and no disposal gains anything."""
    gains = (_ZERO, _ZERO, _ZERO, _ZERO) if leg.gains and leg.quantity < 0 else None
    return Line(leg, leg.quantity, leg.quantity, leg.quantity, gains, ())


def _booked(leg: Leg, own: _Open) -> Line | str:
    """Book a leg on the open lots, or tell why it takes more than is there and must not."""
    held, quantity, move = own.held, leg.quantity, leg.move
    if quantity == 0:
        return Line(leg, quantity, quantity, quantity, None, ())
    closes_only = move is not None and move.closes
    if held * quantity >= 0:
        if closes_only:
            return _OVERSOLD if held else _NOT_HELD
        if quantity < 0 and not own.rules.shorts:
            return _OVERSOLD
        sign = 1 if quantity > 0 else -1
        _open(leg, own, (quantity, sign * leg.amount, sign * leg.amount_base))
        return Line(leg, quantity, sign * leg.amount, sign * leg.amount_base, None, ())
    if closes_only and abs(quantity) - abs(held) > _DUST:
        return _OVERSOLD
    return _closed(leg, own, move)


def _closed(leg: Leg, own: _Open, move: Move | None) -> Line | str:
    """Take what a leg takes, and open the other side with what is left of it."""
    held, quantity = own.held, leg.quantity
    after = held + quantity
    if abs(after) <= _DUST:
        quantity, after = -held, _ZERO
    crosses = after != 0 and (after > 0) != (held > 0)
    if crosses and not own.rules.shorts:
        return _OVERSOLD
    closing = -held if crosses else quantity
    if crosses:
        taken = list(own.lots)
        own.lots.clear()
    else:
        taken = _taken(leg, own, -closing, move)
    if taken is None:
        return "lot.not-held"
    _, cost_local, cost_base = _sums(taken)
    sign = 1 if leg.quantity < 0 else -1
    value = (sign * leg.amount, sign * leg.amount_base)
    opened = (_ZERO, _ZERO)
    if crosses:
        closed = (
            part_of(value[0], closing, leg.quantity),
            part_of(value[1], closing, leg.quantity),
        )
        opened = (closed[0] - value[0], closed[1] - value[1])
        value = closed
        _open(leg, own, (after, *opened))
    gains = None
    if leg.gains:
        gains = _gains(leg, value[0] - cost_local, value[1] - cost_base)
    moved = leg.quantity if crosses else quantity
    return Line(leg, moved, opened[0] - cost_local, opened[1] - cost_base, gains, tuple(taken))


def _taken(leg: Leg, own: _Open, quantity: Fraction, move: Move | None) -> list[OpenLot] | None:
    if move is not None and move.lots:
        return take_named(own.lots, quantity, move.lots)
    return take(own.lots, leg, quantity, own.rules)


def _gains(
    leg: Leg, local: Fraction, base: Fraction
) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    by_price = times(local, leg.to_base)
    return local, base, by_price, base - by_price


def _open(leg: Leg, own: _Open, lot: tuple[Fraction, Fraction, Fraction]) -> None:
    if own.rules.method == "AVCO" and own.lots:
        own.lots[0] = own.lots[0].plus(*lot)
    else:
        own.lots.append(OpenLot(leg.identity, leg.on, *lot))


def _lapsed(leg: Leg, move: Move, own: _Open) -> Line | str:
    """Contracts end for nothing, or on margin at a price."""
    held = own.held
    units = abs(leg.quantity) or abs(held)
    if not held:
        return _NOT_HELD
    if units - abs(held) > _DUST:
        return _OVERSOLD
    leaving = leg._replace(quantity=-units if held > 0 else units)
    if move.margin:
        amount = half_even(units * move.price)
        leaving = leaving._replace(
            amount=amount, amount_base=times(amount, leg.to_base), gains=move.price != 0
        )
    return _closed(leaving, own, move)


def _split(leg: Leg, move: Move, own: _Open) -> Line:
    after = [lot._replace(quantity=half_even(lot.quantity * move.ratio)) for lot in own.lots]
    return _exchanged(leg, own, after)


def _absorbed(leg: Leg, move: Move, own: _Open) -> Line | str:
    """Trade at an amount that takes up what the contract cost."""
    _, local, base = _sums(own.coming.pop(leg.identity))
    sign = 1 if leg.quantity > 0 else -1
    bare = leg._replace(
        amount=leg.amount + sign * times(local, move.to_local),
        amount_base=leg.amount_base + sign * times(base, move.to_base),
        move=None,
    )
    return _booked(bare, own)


def _exchanged(leg: Leg, own: _Open, after: list[OpenLot]) -> Line:
    """Put lots in the place of others."""
    changes = [new - old for new, old in zip(_sums(after), _sums(own.lots), strict=True)]
    line = Line(leg, changes[0], changes[1], changes[2], None, tuple(own.lots))
    own.lots[:] = after
    return line


def _arrived(leg: Leg, move: Move, own: _Open) -> Line:
    """Put what is coming among the lots here, by the days they were opened on."""
    coming = own.coming.pop(leg.identity)
    units = [half_even(part.quantity * move.ratio) for part in coming]
    if move.units is not None:
        whole = _sums(coming)[0]
        units = [part_of(move.units, part.quantity, whole) for part in coming[:-1]]
        units = [unit if whole > 0 else -unit for unit in units]
        units.append((move.units if whole > 0 else -move.units) - sum(units))
    parts = [
        part._replace(
            quantity=count,
            local=times(part.local, move.to_local),
            base=times(part.base, move.to_base),
        )
        for part, count in zip(coming, units, strict=True)
    ]
    quantity, local, base = _sums(parts)
    if own.rules.method == "AVCO":
        pool = (
            own.lots[0] if own.lots else parts[0]._replace(quantity=_ZERO, local=_ZERO, base=_ZERO)
        )
        own.lots[:] = [pool.plus(quantity, local, base)]
        return Line(leg, quantity, local, base, None, ())
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
    return Line(leg, quantity, local, base, None, ())


def _fraction(lots: Sequence[OpenLot], fraction: Fraction) -> list[OpenLot]:
    """Return lots with a part of their cost."""
    return [
        lot._replace(local=times(lot.local, fraction), base=times(lot.base, fraction))
        for lot in lots
    ]


def _sums(lots: Sequence[OpenLot]) -> tuple[Fraction, Fraction, Fraction]:
    return (
        sum((lot.quantity for lot in lots), _ZERO),
        sum((lot.local for lot in lots), _ZERO),
        sum((lot.base for lot in lots), _ZERO),
    )
