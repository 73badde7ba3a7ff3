"""What an account holds while its book is walked through, valued at the beginnings of its days.

A security counts at its last quoted price; where none is quoted since, the account's own last
trade in it stands for one.

Every day on which an account trades values all that it holds, and every trade asks what there is
beside its own security. Most of what is held is alike: long, in few decimal places, quoted since
it was traded, with nothing stated of it. All of that is valued at once, and the rest one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import compress
from operator import mul
from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.market_values import is_short
from tidebook.compliance.trades import (
    AssetClass,
    Beside,
    Known,
    Position,
    Rest,
    beside_with,
    counts_alike,
)
from tidebook.model.money import ONE, ZERO, converted
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, ValuesView
    from decimal import Decimal

    from tidebook.compliance.market_values import Close, MarketValues, Quoted, Security
    from tidebook.compliance.trades import SecurityTerms

# A member asked of its class takes as long as all the rest of a comparison.
_OPTION: Final = AssetClass.OPTION


_NOTHING = Known(ZERO)


class _Traded(NamedTuple):
    """What one unit was last traded at, in the account's currency, and on which day."""

    on: date
    price: Decimal


class HeldPositions(Mapping[str, Position]):
    """Positions by security, in the order in which each was first held.

    Those that count alike are kept in columns, and made when somebody looks through all of them.
    """

    __slots__ = ("_columns", "_made")

    def __init__(self) -> None:
        """Begin with nothing."""
        self._made: dict[str, Position] = {}
        self._columns: _Columns | None = None

    def fork(self) -> HeldPositions:
        """Return the same positions, which go their own way from here."""
        other = HeldPositions()
        other._made, other._columns = dict(self._made), self._columns
        return other

    def __getitem__(self, security_id: str) -> Position:
        found = self.of(security_id)
        if found is None:
            raise KeyError(security_id)
        return found

    def of(self, security_id: str) -> Position | None:
        """Return what is held of a security; None where that is nothing."""
        found = self._made.get(security_id)
        if found is None and self._columns is not None:
            found = self._columns.position(security_id)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def values(self) -> ValuesView[Position]:
        """Return the positions."""
        return self._all().values()

    def put(self, position: Position) -> None:
        """Let a position stand as it is given."""
        self._made[position.security_id] = position

    def put_alike(self, columns: _Columns) -> None:
        """Let positions stand that count alike; there is nothing yet."""
        self._columns = columns

    def remove(self, security_id: str) -> None:
        """Let nothing of a security be held."""
        self._all().pop(security_id, None)

    def arrange(self, order: Iterable[str]) -> None:
        """Tell positions in this order."""
        found = self._all()
        self._made = {each: found[each] for each in order if each in found}

    def _all(self) -> dict[str, Position]:
        if self._columns is not None:
            self._made = {**self._columns.positions(), **self._made}
            self._columns = None
        return self._made


class _Columns(NamedTuple):
    """Positions of which nothing is stated: ids, units, the price of one, and what each is."""

    ids: Sequence[str]
    quantities: Sequence[Decimal]
    prices: Sequence[Decimal]
    securities: Mapping[str, Security]

    def position(self, security_id: str) -> Position | None:
        """Return one position; None where there is none."""
        if security_id not in self.ids:
            return None
        place, known = self.ids.index(security_id), self.securities[security_id]
        return _position(security_id, self.quantities[place], self.prices[place], known)

    def price(self, security_id: str) -> Decimal | None:
        """Return the price of one; None where there is none."""
        return self.prices[self.ids.index(security_id)] if security_id in self.ids else None

    def positions(self) -> dict[str, Position]:
        """Return all positions."""
        known = map(self.securities.__getitem__, self.ids)
        rows = map(_position, self.ids, self.quantities, self.prices, known)
        return dict(zip(self.ids, rows, strict=True))


def _position(security_id: str, units: Decimal, price: Decimal | None, known: Security) -> Position:
    plain = (security_id, units, price, "", known.sector, known.kind, ONE, True, None)
    return made(Position, plain)


class Valued:
    """What is held at the close of a day, and as it stands since.

    ``values`` are the worths of one unit at the close, but of what counts alike, ``positions`` what
    is held now. ``worth`` is what all of it was worth at the close, or why that is not known;
    ``cash`` is the part of it that is cash.
    """

    __slots__ = ("_alike", "_others", "_worths", "cash", "positions", "values", "worth")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.values: dict[str, Decimal | None] = {}
        self.positions = HeldPositions()
        self.worth = _NOTHING
        self.cash = ZERO
        self._alike: _Columns | None = None
        self._worths: dict[str, Decimal] = {}
        """What positions that count alike are worth."""
        self._others: dict[str, Position] = {}

    def fork(self) -> Valued:
        """Return the same, which goes its own way from here."""
        other = Valued()
        other.values, other._alike = dict(self.values), self._alike
        other.positions = self.positions.fork()
        other.worth, other.cash = self.worth, self.cash
        other._worths, other._others = dict(self._worths), dict(self._others)
        return other

    def put(self, position: Position) -> None:
        """Let a position stand as it is given."""
        security_id = position.security_id
        self.positions.put(position)
        if counts_alike(position):
            self._worths[security_id] = position.quantity * (position.unit_value or ZERO)
            self._others.pop(security_id, None)
        else:
            self._others[security_id] = position
            self._worths.pop(security_id, None)

    def put_alike(self, columns: _Columns) -> Decimal:
        """Let positions stand that count alike, and return what they are worth."""
        worths = list(map(mul, columns.quantities, columns.prices))
        self.positions.put_alike(columns)
        self._alike = columns
        self._worths = dict(zip(columns.ids, worths, strict=True))
        return sum(worths, ZERO)

    def value(self, security_id: str) -> Decimal | None:
        """Return what one unit was worth at the close; None where that is not known."""
        found = None if self._alike is None else self._alike.price(security_id)
        return self.values.get(security_id) if found is None else found

    def remove(self, security_id: str) -> None:
        """Let nothing of a security be held."""
        self.positions.remove(security_id)
        self._worths.pop(security_id, None)
        self._others.pop(security_id, None)

    def rest(self) -> Rest:
        """Return all that is held, as far as it has a price."""
        return self.beside("").rest

    def beside(self, security_id: str) -> Beside:
        """Return what is held beside one security."""
        worths = self._worths
        own = worths.pop(security_id, None)
        plain, count = sum(worths.values(), ZERO), len(worths)
        if own is not None:
            worths[security_id] = own
        if not self._others:
            return made(Beside, (plain, ZERO, (), made(Rest, (plain, count, ()))))
        others = [one for one in self._others.values() if one.security_id != security_id]
        return beside_with(others, plain, count)


class Holdings:
    """What an account holds, entry by entry of its book."""

    __slots__ = (
        "_alike",
        "_apart",
        "_costs",
        "_fine",
        "_last_traded",
        "_terms",
        "_traded",
        "market",
        "units",
    )

    def __init__(self, market: MarketValues) -> None:
        """Begin before the first entry; ``market`` is in the account's currency."""
        self.market = market
        self.units: dict[str, Decimal] = {}
        self._costs: dict[str, Decimal] = {}
        self._fine: set[str] = set()
        """The securities whose units need many places."""
        self._traded: dict[str, _Traded] = {}
        self._last_traded = date.min
        self._terms: Mapping[str, SecurityTerms] = {}
        self._alike: dict[str, Decimal] = {}
        """Of everything that was ever held, the units that can be valued with others at once."""
        self._apart: dict[str, Decimal] = {}
        """The same of what is valued by itself."""

    def fork(self, market: MarketValues) -> Holdings:
        """Return the same holdings, which go their own way from here in another market."""
        other = Holdings(market)
        other.units, other._costs = dict(self.units), dict(self._costs)
        other._fine = set(self._fine)
        other._alike, other._apart = dict(self._alike), dict(self._apart)
        other._traded, other._last_traded = dict(self._traded), self._last_traded
        other._terms = self._terms
        return other

    def held(self, security_id: str) -> Decimal:
        """Return the units of a security; negative when short."""
        return self.units.get(security_id, ZERO)

    def state(self, terms: Mapping[str, SecurityTerms]) -> None:
        """Take what the owner states of securities from now on."""
        if terms is not self._terms:
            self._terms = terms
            for security_id, units in self.units.items():
                self._set_apart(security_id, units)

    def book(self, security_id: str, quantity: Decimal, cost: Decimal) -> Decimal:
        """Let units come in or go out, and return how many are held then."""
        units = self.units[security_id] = self.units.get(security_id, ZERO) + quantity
        self._costs[security_id] = self._costs.get(security_id, ZERO) + cost
        if is_short(units):
            self._fine.discard(security_id)
        else:
            self._fine.add(security_id)
        self._set_apart(security_id, units)
        return units

    def trade(self, security_id: str, on: date, price: Decimal) -> None:
        """Take what one unit was traded at, in the account's currency."""
        self._traded[security_id] = made(_Traded, (on, price))
        self._last_traded = max(self._last_traded, on)

    def valued(self, before: date) -> Valued:
        """Return what is held at the close of a day, at its prices."""
        found, close = Valued(), self.market.close(before)
        alike, held = self._at_once(close)
        worth = cash = ZERO
        if alike.ids:
            worth = found.put_alike(alike)
        missing: list[str] = []
        apart = False
        for security_id in held:
            units, known = self.units[security_id], self.market.securities[security_id]
            value, is_exact = self._value(security_id, close[security_id])
            found.values[security_id] = value
            if not known.is_cash:
                found.put(self.position(security_id, units, found, before))
                apart = True
            if value is None:
                missing.append(security_id)
                continue
            part = units * value if is_exact else converted(units, value)
            worth += part - self._costs[security_id] if known.is_margined else part
            cash += part if known.is_cash else ZERO
        if alike.ids and apart:
            found.positions.arrange(self.units)
        found.worth, found.cash = made(Known, (worth, "")), cash
        if missing:
            why = f"no price is known of {min(missing)} on or before {before}"
            found.worth = Known(None, why)
        return found

    def position(self, security_id: str, units: Decimal, valued: Valued, before: date) -> Position:
        """Return a position, with what the owner states of the security.

        Args:
            security_id: The security.
            units: How many are held.
            valued: The account at the close before, which knows its worth if it was held then.
            before: The day of that close.
        """
        value, last = valued.value(security_id), self._traded.get(security_id)
        if value is None and last is not None:
            value = last.price
        known = self.market.securities[security_id]
        terms = self._terms.get(security_id) if self._terms else None
        if terms is None:
            return _position(security_id, units, value, known)
        return Position(
            security_id,
            units,
            value,
            terms.issuer,
            known.sector,
            known.kind,
            terms.leverage_factor,
            terms.is_marginable,
            self._by_delta(security_id, terms.delta, before),
        )

    def _set_apart(self, security_id: str, units: Decimal) -> None:
        """Note whether units of a security can be valued with others at once."""
        known = self.market.securities[security_id]
        if (
            units <= ZERO
            or security_id in self._fine
            or security_id in self._terms
            or known.is_cash
            or known.is_margined
            or known.kind is _OPTION
        ):
            self._alike[security_id], self._apart[security_id] = ZERO, units
        else:
            self._alike[security_id], self._apart[security_id] = units, ZERO

    def _at_once(self, close: Close) -> tuple[_Columns, list[str]]:
        """Return what can be valued at once, its prices need no rounding, and what cannot."""
        held, securities = list(compress(self._alike, self._alike.values())), self.market.securities
        prices = list(map(close.short.__getitem__, held))
        if self._last_traded <= close.oldest and all(prices):
            # No price is None then.
            columns = (held, list(filter(None, self._alike.values())), prices, securities)
            return made(_Columns, columns), list(compress(self._apart, self._apart.values()))
        kept = {
            each: price
            for each, price in zip(held, prices, strict=True)
            if price is not None and not self._is_newer(each, close[each])
        }
        quantities = list(map(self.units.__getitem__, kept))
        others = [each for each, units in self.units.items() if units and each not in kept]
        return _Columns(list(kept), quantities, list(kept.values()), securities), others

    def _is_newer(self, security_id: str, quoted: Quoted | None) -> bool:
        """Tell whether a security was traded after it was quoted."""
        last = self._traded.get(security_id)
        return last is not None and (quoted is None or last.on > quoted.on)

    def _value(self, security_id: str, quoted: Quoted | None) -> tuple[Decimal | None, bool]:
        """Return the worth of one unit, and whether it times the units needs no rounding."""
        if self._is_newer(security_id, quoted):
            return self._traded[security_id].price, False
        if quoted is None:
            return None, False
        return quoted.price, quoted.is_short and security_id not in self._fine

    def _by_delta(self, security_id: str, delta: Decimal | None, before: date) -> Known | None:
        """Return what one option moves like: its delta times what it is an option on."""
        if delta is None:
            return None
        known = self.market.securities[security_id]
        underlying = known.underlying_id
        if not underlying:
            return Known(None, f"a delta is stated of {security_id}, which has no underlying")
        value, _ = self._value(underlying, self.market.close(before)[underlying])
        if value is None:
            return Known(None, f"no price is known of {underlying}")
        return Known(converted(delta * known.multiplier, value))
