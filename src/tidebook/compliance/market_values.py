"""What units of a security are worth in one currency at the close of a day, for many accounts.

Accounts that are judged together hold much of the same. What a security was worth at a close is
worked out once, and looked up for every account that held it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tidebook.compliance.trades import AssetClass
from tidebook.model.instruments import Instrument, built_in_instrument
from tidebook.model.markets import NO_PRICES
from tidebook.model.money import ONE, PLACES, converted
from tidebook.model.tuples import made

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from tidebook.model.markets import PriceQuotes, RateTable

CLOSES_MAX: Final = 200_000
"""How many worths are remembered before all are forgotten."""
_COINS: Final = frozenset({"crypto", "cryptocurrency", "digital asset", "token", "coin"})


class Security(NamedTuple):
    """What the rules ask of a security."""

    currency: str
    multiplier: Decimal
    sector: str
    kind: AssetClass
    is_cash: bool
    is_margined: bool
    underlying_id: str = ""


class Quoted(NamedTuple):
    """What one unit was last quoted at, in the account's currency, and on which day.

    The price is None where no exchange rate leads to that currency. ``is_short`` says that it
    times short units, as :func:`is_short` tells, is exact and needs no rounding.
    """

    on: date
    price: Decimal | None
    is_short: bool = False


class MarketValues:
    """Securities and their worth in one currency; everything is worked out when first asked.

    ``securities`` holds what the rules ask of each, by id; one that nobody introduced is plain.
    """

    def __init__(
        self,
        currency: str,
        instruments: Mapping[str, Instrument],
        prices: Mapping[str, PriceQuotes],
        rates: RateTable,
    ) -> None:
        """Keep the market; ``currency`` is the one that accounts are kept in."""
        self.currency = currency
        self._securities = _Securities(currency, dict(instruments))
        self.securities: Mapping[str, Security] = self._securities
        self._prices = dict(prices)
        self._rates = rates
        self._closes: dict[date, Close] = {}
        self._room = CLOSES_MAX

    def learns(
        self,
        instruments: Mapping[str, Instrument],
        prices: Mapping[str, PriceQuotes],
        rates: RateTable,
    ) -> bool:
        """Take in more of a market, unless it tells otherwise of anything that was asked.

        Returns whether it was taken in: all that was worked out stands then.
        """
        known = self.securities.keys()
        stands = (
            rates is self._rates
            and all(self._prices.get(each) is prices[each] for each in known & prices.keys())
            and all(
                self._securities.instruments.get(each) == instruments.get(each)
                for each in known & (instruments.keys() | prices.keys())
            )
        )
        if stands:
            self._prices.update(prices)
            self._securities.instruments.update(instruments)
        return stands

    def rate(self, currency: str, on: date) -> Decimal | None:
        """Return the rate from a currency as of a day; None where none is known."""
        if currency == self.currency:
            return ONE
        found = self._rates.rate(currency, self.currency, on)
        return None if found is None else found.rate

    def close(self, on: date) -> Close:
        """Return the last quotes as of a day; what is asked of it is worked out then."""
        found = self._closes.get(on)
        if found is None:
            if self._room <= 0:
                self._closes, self._room = {}, CLOSES_MAX
            found = self._closes[on] = Close(self, on)
        return found

    def quoted(self, security_id: str, on: date) -> Quoted | None:
        """Return the last quote of a security as of a day, worked out anew."""
        self._room -= 1
        known = self.securities[security_id]
        if known.is_cash:
            return made(Quoted, (on, self.rate(known.currency, on), False))
        quote = self._prices.get(security_id, NO_PRICES).as_of(on)
        if quote is None:
            return None
        rate = self.rate(quote.currency, on)
        if rate is None:
            return Quoted(quote.on, None)
        price = converted(quote.price * known.multiplier, rate)
        return made(Quoted, (quote.on, price, is_short(price) and price != ONE))


class _Securities(dict[str, Security]):
    """What the rules ask of securities, looked at once each."""

    def __init__(self, currency: str, instruments: dict[str, Instrument]) -> None:
        super().__init__()
        self._currency = currency
        self.instruments = instruments

    def __missing__(self, security_id: str) -> Security:
        known = self[security_id] = _security(
            self.instruments.get(security_id)
            or built_in_instrument(security_id, self._currency)
            or Instrument(security_id, security_id, self._currency, "")
        )
        return known


class Close(dict[str, Quoted | None]):
    """The last quotes as of one day by security, looked for once each; None where there is none.

    ``short`` are the prices of those that are short and not 0, None for any other; ``oldest`` is
    no later than the days of all quotes that were asked for.
    """

    def __init__(self, market: MarketValues, on: date) -> None:
        super().__init__()
        self._market = market
        self._on = on
        self.oldest = on
        self.short: Mapping[str, Decimal | None] = _Short(self)

    def __missing__(self, security_id: str) -> Quoted | None:
        found = self[security_id] = self._market.quoted(security_id, self._on)
        if found is not None and found.on < self.oldest:
            self.oldest = found.on
        return found


class _Short(dict[str, "Decimal | None"]):
    """The short prices of one day."""

    def __init__(self, close: Close) -> None:
        super().__init__()
        self._close = close

    def __missing__(self, security_id: str) -> Decimal | None:
        quote = self._close[security_id]
        found = quote.price if quote is not None and quote.is_short and quote.price else None
        self[security_id] = found
        return found


def is_short(value: Decimal) -> bool:
    """Tell whether a number needs half of the places that are kept, or fewer."""
    # Most numbers are written out, and taking one apart into its digits takes longer.
    text = str(value)
    if text.isdigit():
        return True
    _, _, places = text.partition(".")
    if places.isdigit():
        return len(places) <= PLACES // 2
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -PLACES // 2


def asset_class(instrument: Instrument | None) -> AssetClass:
    """Return what kind of thing a security is to the rules; a security where nothing says more."""
    if instrument is None:
        return AssetClass.SECURITY
    if instrument.option_right is not None:
        return AssetClass.OPTION
    if instrument.is_margined:
        return AssetClass.FUTURE
    words = {instrument.product_type.casefold(), (instrument.asset_class or "").casefold()}
    return AssetClass.CRYPTO if words & _COINS else AssetClass.SECURITY


def _security(instrument: Instrument) -> Security:
    return Security(
        instrument.currency,
        instrument.multiplier,
        instrument.sector or "",
        asset_class(instrument),
        instrument.is_cash,
        instrument.is_margined,
        instrument.underlying_id,
    )
