"""Realised gains: every disposal by the lots that it consumed, with holding period and tax.

An entry says what was realised as a whole; here it is told lot by lot. Proceeds are divided by
units, and the last part takes what rounding leaves, so that the parts of an entry always sum to
its figures. A gain is proceeds less cost, also of a short sale, whose proceeds came first:

    gain in base currency = price effect + currency effect

Nothing was paid for a contract held on margin: it has a gain, but neither proceeds nor cost.
"""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from tidebook.book.effects import spread
from tidebook.book.holding_periods import Term, holding_period, total
from tidebook.book.trades import Side
from tidebook.model.actions import ActionType
from tidebook.model.facts import TransactionType
from tidebook.model.instruments import built_in_instrument
from tidebook.model.money import ZERO, converted, exact
from tidebook.model.portfolios import TaxRates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tidebook.book.lots import Entry, Lot

NO_RATES: Final = "the portfolio states no tax rates"
"""Why there is no tax."""
NOTHING_PAID: Final = "nothing was paid for a contract held on margin but its gains and losses"
"""Why a gain has neither proceeds nor a cost."""
SOME_NOT_PAID: Final = f"of some of these gains: {NOTHING_PAID}"
"""Why a sum of gains has neither."""


class GainKind(StrEnum):
    """How a gain came about."""

    DISPOSAL = "DISPOSAL"
    """Units were sold, paid back, delivered or given in payment; of a short, bought back."""
    EXPIRY = "EXPIRY"
    """Units ended for nothing: the holder loses the cost, the writer keeps the premium."""
    MERGER = "MERGER"
    """Units ended for cash, wholly or beside others that carry the rest of the cost on."""
    CAPITAL_RETURN = "CAPITAL_RETURN"
    """Capital was paid back beyond what the units had cost; they are still held."""
    SETTLEMENT = "SETTLEMENT"
    """A contract on margin was settled at a price; it is still held."""
    COST = "COST"
    """What it cost to open a contract on margin."""
    CURRENCY = "CURRENCY"
    """Money of another currency was paid away; of a debt in it, paid back."""


class Disposal(NamedTuple):
    """An entry that realised something, as far as its gains are told from it.

    ``realised`` is local, base, and the base one's price and currency effects. ``fx_rate`` is local
    to base.
    """

    security_id: str
    transaction_id: str
    type: TransactionType | ActionType
    on: date
    currency: str
    fx_rate: Decimal
    matches: tuple[Lot, ...]
    opens: tuple[Lot, ...]
    realised: tuple[Decimal, Decimal, Decimal, Decimal]


class Terms(NamedTuple):
    """What beside the entries decides on their gains.

    ``margined`` are the securities held on margin, ``cash`` those that are money whatever their id;
    ``fractions`` is the part of the cost that went along when a holding ended, by the id under
    which the action is booked.
    """

    tax: TaxRates = TaxRates()
    margined: frozenset[str] = frozenset()
    cash: frozenset[str] = frozenset()
    fractions: Mapping[str, Decimal] = {}

    @property
    def tax_reason(self) -> str | None:
        """Why no tax can be told; None where it can."""
        return None if self.tax.short_term or self.tax.long_term else NO_RATES


class Gain(NamedTuple):
    """What one disposal gained on one lot.

    ``quantity`` is positive on either side. Of a short, ``opened_on`` is the day of the sale and
    ``closed_on`` that of the cover. Proceeds and cost are None where nothing was paid. ``tax_base``
    is gain x the portfolio's rate for the term, negative for a loss: what it takes off the tax on
    other gains; None where the portfolio states no rates.
    """

    security_id: str
    lot_id: str
    kind: GainKind
    side: Side
    opened_on: date
    closed_on: date
    closed_by: str
    type: TransactionType | ActionType
    quantity: Decimal
    currency: str
    proceeds_local: Decimal | None
    proceeds_base: Decimal | None
    cost_local: Decimal | None
    cost_base: Decimal | None
    gain_local: Decimal
    gain_base: Decimal
    price_base: Decimal
    currency_base: Decimal
    days_held: int
    term: Term
    tax_base: Decimal | None

    @property
    def reason(self) -> str | None:
        """Why there are neither proceeds nor a cost; None where there are."""
        return NOTHING_PAID if self.proceeds_base is None else None


class GainTotals(NamedTuple):
    """The sums of gains, in base currency; proceeds and cost are None where one of them is."""

    gain_count: int
    proceeds_base: Decimal | None
    cost_base: Decimal | None
    gain_base: Decimal
    price_base: Decimal
    currency_base: Decimal
    tax_base: Decimal | None

    @property
    def reason(self) -> str | None:
        """Why there are neither proceeds nor a cost; None where there are."""
        return SOME_NOT_PAID if self.proceeds_base is None else None


class TermGains(NamedTuple):
    """What was realised in base currency, and its parts by holding period.

    ``undated`` was realised without any lot: cash in the base currency, for instance.
    """

    realised: Decimal = ZERO
    short_term: Decimal = ZERO
    long_term: Decimal = ZERO
    undated: Decimal = ZERO


NO_GAIN: Final = TermGains()


class _Part(NamedTuple):
    """One lot's part of a disposal, signed as the lot is: value less cost is the gain."""

    lot: Lot
    value_local: Decimal
    value_base: Decimal
    cost_local: Decimal
    cost_base: Decimal
    paid: bool = True

    @property
    def gain_local(self) -> Decimal:
        return self.value_local - self.cost_local

    @property
    def gain_base(self) -> Decimal:
        return self.value_base - self.cost_base


def disposal_of(entry: Entry) -> Disposal | None:
    """Return what the gains of a booked entry are told from; None where it realised nothing."""
    local, base = entry.realised_local, entry.realised_base
    price, currency = entry.realised_price, entry.realised_currency
    if local is None or base is None or price is None or currency is None:
        return None
    posting = entry.posting
    return Disposal(
        posting.security_id,
        posting.transaction_id,
        posting.type,
        posting.on,
        posting.currency,
        posting.fx_rate,
        entry.matches,
        entry.opens,
        (local, base, price, currency),
    )


def gains_of(disposal: Disposal, terms: Terms) -> tuple[Gain, ...]:
    """Return what a disposal gained, lot by lot, in the order in which the lots were consumed.

    Cash whose every unit costs one gains nothing and has no lots; it is left out.
    """
    kind = _kind(disposal, terms)
    with exact():
        parts = _parts(disposal, kind, terms)
        if not parts:
            return ()
        prices = [converted(part.gain_local, disposal.fx_rate) for part in parts[:-1]]
        prices.append(disposal.realised[2] - total(prices))
        return tuple(
            _gain(disposal, kind, part, price, terms)
            for part, price in zip(parts, prices, strict=True)
        )


def term_gains(entries: Iterable[Entry], terms: Terms) -> TermGains:
    """Return what entries realised by holding period; the parts add up to what was booked."""
    short = long = undated = ZERO
    with exact():
        for entry in entries:
            if not entry.realised_base and not entry.matches:
                # Nothing, on no lot: every payment from a cash account is one of these.
                continue
            disposal = disposal_of(entry)
            if disposal is None:
                continue
            parts = gains_of(disposal, terms)
            if not parts:
                undated += disposal.realised[1]
            for gain in parts:
                if gain.term is Term.LONG:
                    long += gain.gain_base
                else:
                    short += gain.gain_base
        return TermGains(short + long + undated, short, long, undated)


def totals(gains: Iterable[Gain]) -> GainTotals:
    """Return the sums of gains."""
    listed = tuple(gains)
    with exact():
        return GainTotals(
            len(listed),
            _known_sum([gain.proceeds_base for gain in listed]),
            _known_sum([gain.cost_base for gain in listed]),
            total([gain.gain_base for gain in listed]),
            total([gain.price_base for gain in listed]),
            total([gain.currency_base for gain in listed]),
            _known_sum([gain.tax_base for gain in listed]),
        )


def totals_by(gains: Iterable[Gain], heading: Callable[[Gain], str]) -> dict[str, GainTotals]:
    """Return the sums of gains under each heading, by its name."""
    groups: dict[str, list[Gain]] = defaultdict(list)
    for gain in gains:
        groups[heading(gain)].append(gain)
    return {name: totals(groups[name]) for name in sorted(groups)}


def _known_sum(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return total(known) if len(known) == len(amounts) else None


def _kind(disposal: Disposal, terms: Terms) -> GainKind:
    match disposal.type:
        case TransactionType.EXPIRY:
            return GainKind.EXPIRY
        case TransactionType.MARK_TO_MARKET:
            return GainKind.SETTLEMENT
        case TransactionType.RETURN_OF_CAPITAL | ActionType.RETURN_OF_CAPITAL:
            kind = GainKind.CAPITAL_RETURN
        case ActionType.MERGER | ActionType.IDENTIFIER_CHANGE:
            kind = GainKind.MERGER
        case _:
            kind = GainKind.DISPOSAL
    named = built_in_instrument(disposal.security_id, disposal.currency)
    if named is not None or disposal.security_id in terms.cash:
        return GainKind.CURRENCY
    if not disposal.matches and disposal.security_id in terms.margined:
        return GainKind.COST
    return kind


def _parts(disposal: Disposal, kind: GainKind, terms: Terms) -> list[_Part]:
    match kind:
        case GainKind.COST:
            return _opening_cost(disposal)
        case GainKind.CAPITAL_RETURN:
            return _returned(disposal)
        case GainKind.MERGER:
            return _ended(disposal, terms.fractions[disposal.transaction_id])
        case GainKind.SETTLEMENT:
            before, after = disposal.matches, disposal.opens
            pairs = zip(after, before, strict=True)
            return _on_margin(disposal, [new.cost_local - old.cost_local for new, old in pairs])
        case GainKind.DISPOSAL | GainKind.EXPIRY | GainKind.CURRENCY:
            if disposal.security_id in terms.margined:
                values = spread(_value(disposal)[0], disposal.matches)
                pairs = zip(values, disposal.matches, strict=True)
                return _on_margin(disposal, [value - lot.cost_local for value, lot in pairs])
            return _sold(disposal)
        case _:
            assert_never(kind)


def _value(disposal: Disposal) -> tuple[Decimal, Decimal]:
    """Return what was received for the matched lots: their cost and the gain."""
    local, base = disposal.realised[:2]
    return (
        local + total([lot.cost_local for lot in disposal.matches]),
        base + total([lot.cost_base for lot in disposal.matches]),
    )


def _sold(disposal: Disposal) -> list[_Part]:
    if not disposal.matches:
        return []
    local, base = _value(disposal)
    rows = zip(
        disposal.matches,
        spread(local, disposal.matches),
        spread(base, disposal.matches),
        strict=True,
    )
    return [_Part(*row, row[0].cost_local, row[0].cost_base) for row in rows]


def _on_margin(disposal: Disposal, gains: Sequence[Decimal]) -> list[_Part]:
    """Return parts for which nothing but the gain is paid, at the day's rate."""
    base = [converted(gain, disposal.fx_rate) for gain in gains[:-1]]
    base.append(disposal.realised[1] - total(base))
    rows = zip(disposal.matches, gains, base, strict=True)
    return [_Part(lot, local, in_base, ZERO, ZERO, paid=False) for lot, local, in_base in rows]


def _opening_cost(disposal: Disposal) -> list[_Part]:
    local, base = disposal.realised[:2]
    return [_Part(lot, local, base, ZERO, ZERO, paid=False) for lot in disposal.opens[:1]]


def _returned(disposal: Disposal) -> list[_Part]:
    """Return what each lot was paid beyond its cost."""
    before, after = disposal.matches, disposal.opens
    local = _excess(
        [(lot.cost_local, left.cost_local) for lot, left in zip(before, after, strict=True)],
        disposal.realised[0],
        before,
    )
    base = _excess(
        [(lot.cost_base, left.cost_base) for lot, left in zip(before, after, strict=True)],
        disposal.realised[1],
        before,
    )
    rows = zip(before, local, base, strict=True)
    return [_Part(*row, ZERO, ZERO) for row in rows if row[1] or row[2]]


def _excess(
    costs: Sequence[tuple[Decimal, Decimal]], excess: Decimal, lots: Sequence[Lot]
) -> list[Decimal]:
    """Return each lot's part of what exceeded its cost: what it was paid less what its cost fell.

    ``costs`` are what each lot cost before and after.
    """
    falls = [before - after for before, after in costs]
    paid = spread(total(falls) + excess, lots)
    return [part - fall for part, fall in zip(paid, falls, strict=True)]


def _ended(disposal: Disposal, fraction: Decimal) -> list[_Part]:
    """Return lots that ended for cash, each with the part of its cost that was not carried on."""
    lots = disposal.matches
    local = [lot.cost_local - converted(lot.cost_local, fraction) for lot in lots]
    base = [lot.cost_base - converted(lot.cost_base, fraction) for lot in lots]
    rows = zip(
        lots,
        spread(disposal.realised[0] + total(local), lots),
        spread(disposal.realised[1] + total(base), lots),
        local,
        base,
        strict=True,
    )
    return [_Part(*row) for row in rows]


def _gain(disposal: Disposal, kind: GainKind, part: _Part, price: Decimal, terms: Terms) -> Gain:
    lot = part.lot
    period = holding_period(lot, disposal.on, terms.tax)
    short = lot.quantity < ZERO
    rate = terms.tax.long_term if period.term is Term.LONG else terms.tax.short_term
    gain_local, gain_base = part.gain_local, part.gain_base
    received = (part.value_local, part.value_base, part.cost_local, part.cost_base)
    if short:
        # A short sale is paid for first and costs what covers it.
        received = (-part.cost_local, -part.cost_base, -part.value_local, -part.value_base)
    return Gain(
        disposal.security_id,
        lot.lot_id,
        kind,
        Side.SHORT if short else Side.LONG,
        lot.opened_on,
        disposal.on,
        disposal.transaction_id,
        disposal.type,
        abs(lot.quantity),
        disposal.currency,
        *(received if part.paid else (None, None, None, None)),
        gain_local,
        gain_base,
        price,
        gain_base - price,
        period.days_held,
        period.term,
        None if terms.tax_reason else converted(gain_base, rate),
    )
