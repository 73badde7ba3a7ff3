"""Where a live book starts: what the book of record holds of a portfolio."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date


class Instrument(NamedTuple):
    """What a live book needs to know of a symbol, seen from one portfolio.

    ``factor`` is what a price of 1 makes one unit worth in base currency: the multiplier times the
    exchange rate; 0 where there is no rate, and what is held is then carried at its cost.
    """

    factor: float = 1.0
    sector: str | None = None


class Holding(NamedTuple):
    """A booked position. ``cost`` is in base currency, negative for a short one.

    On margin nothing was paid for it, so that it adds its gain alone. ``price`` is the last one of
    the book in the currency of the instrument, None where it has none, and ``price_on`` its day.
    """

    symbol: str
    quantity: float
    cost: float
    instrument: Instrument
    on_margin: bool = False
    price: float | None = None
    price_on: date | None = None


class Heights(NamedTuple):
    """How high a portfolio stood before today, in base currency of today.

    What flowed in or out since is in all of them, so that no flow looks like a gain or a loss:
    a height is today's opening equity times old growth over growth up to now.
    """

    peak: float
    trough: float
    """The lowest point since the peak."""
    max_drawdown: float
    """The deepest fall so far, as a positive fraction."""
    by_day: Mapping[date, float]
    """The highest point of each of the last days."""


class Start(NamedTuple):
    """What the book of record holds of a portfolio, in its base currency.

    Attributes:
        portfolio_id: Which portfolio.
        currency: Its base currency.
        time_zone: An IANA name; decides when its day ends.
        generation: Of the book of record.
        cash: In all currencies.
        holdings: Everything else.
        instruments: By symbol; those that are not held may be traded live.
        opening: What it was worth at the end of the last valued day; None without any.
        flows: Everything that ever flowed in, less what flowed out.
        flows_today: The same since the opening.
        realised: Realised gains that are booked, by day.
        heights: Of the days before; None without any.
        booked: Transactions of this month that are booked.
    """

    portfolio_id: str
    currency: str
    time_zone: str
    generation: int
    cash: float
    holdings: tuple[Holding, ...]
    instruments: Mapping[str, Instrument]
    opening: float | None
    flows: float
    flows_today: float
    realised: Mapping[date, float]
    heights: Heights | None
    booked: frozenset[str]
