"""Users and their portfolios: which portfolio a user's trade goes to, and what all of them make.

A portfolio is a user's when its ``cif_id`` is the user's id. A user who trades without having one
gets a default portfolio, one per account. It is funded from outside: with every trade the money
comes in or goes out that the trade needs, so that its cash stays at zero and every flow is known.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from tidebook.book.series import PortfolioDay
from tidebook.engine.performance import series_of
from tidebook.engine.views import SeriesView
from tidebook.errors import MissingRateError, UnknownUserError
from tidebook.model.money import ZERO, converted, exact
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.engine.performance import Series
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import Freshness
    from tidebook.model.markets import RateTable

FUNDED_FROM_OUTSIDE: Final = "FUNDED_FROM_OUTSIDE"
"""The type of a portfolio to which the money of each trade comes from outside."""
_UUID_BYTES: Final = 16


class UserPolicy(NamedTuple):
    """What a default portfolio is made with."""

    currency: str = "USD"
    time_zone: str = "America/New_York"


def portfolio_id_of(user_id: str, account_id: str = "") -> str:
    """Return the id of a user's default portfolio, or of the one for an account.

    >>> portfolio_id_of("u1"), portfolio_id_of("u1", "ira")
    ('user:u1', 'user:u1:ira')
    """
    account = f":{_unbroken(account_id)}" if account_id else ""
    return f"user:{_unbroken(user_id)}{account}"


def _unbroken(name: str) -> str:
    return name.replace("%", "%25").replace(":", "%3A")


def default_portfolio(user_id: str, account_id: str, opened: date, policy: UserPolicy) -> Portfolio:
    """Return the portfolio that a user gets who trades without one.

    It may be short: a sale of more than is held would wait otherwise, and its proceeds would leave
    cash that never came in.
    """
    return Portfolio(
        portfolio_id_of(user_id, account_id),
        policy.currency,
        opened,
        name=account_id or user_id,
        time_zone=policy.time_zone,
        allow_short=True,
        portfolio_type=FUNDED_FROM_OUTSIDE,
        cif_id=user_id,
    )


def trade_id_of(user_id: str, external_id: str) -> str:
    """Return the id that a user's trade of this external id always has: a UUID made of both."""
    text = f"{len(user_id)}:{user_id}{external_id}"
    digest = blake2b(text.encode(), digest_size=_UUID_BYTES, person=b"tidebook.trade").digest()
    return str(UUID(bytes=digest, version=5))


def portfolios_of(
    reader: Reader, user_id: str, *, known_at: datetime | None = None
) -> tuple[Portfolio, ...]:
    """Return a user's portfolios, by id.

    Raises:
        UnknownUserError: If there is none.
    """
    found = reader.portfolios(cif_id=user_id, known_at=known_at)
    if not found:
        raise UnknownUserError(user_id)
    return found


class UserBook(NamedTuple):
    """A user's portfolios and their daily series together, in one currency.

    ``last_on`` is the last day on which all that were ever valued are valued.
    """

    user_id: str
    portfolios: tuple[Portfolio, ...]
    currency: str
    series: Series
    rates: RateTable
    freshness: tuple[Freshness, ...]
    last_on: date | None


def user_book(reader: Reader, user_id: str, *, known_at: datetime | None = None) -> UserBook:
    """Return the series of all of a user's portfolios as one.

    The currency is that of the first portfolio by id; others are converted at each day's rate.
    On a day on which only some have a value of their own, the others count with their last.

    Raises:
        UnknownUserError: If the user has no portfolio.
        MissingRateError: If one of them is in a currency without a rate on one of its days.
    """
    portfolios = portfolios_of(reader, user_id, known_at=known_at)
    return book_of(reader, user_id, portfolios, known_at=known_at)


def book_of(
    reader: Reader,
    user_id: str,
    portfolios: tuple[Portfolio, ...],
    *,
    known_at: datetime | None = None,
) -> UserBook:
    """Return the series of portfolios as one, as :func:`user_book` does."""
    views = [reader.series(one.portfolio_id, known_at=known_at) for one in portfolios]
    rates = reader.markets([], known_at=known_at).rates
    currency = portfolios[0].base_currency
    valued = [view for view in views if view.days]
    days = _together([_in_currency(view, rates, currency) for view in valued])
    lasts = [view.days[-1].on for view in valued]
    first = valued[0] if len(valued) == 1 else views[0]
    whole = SeriesView(first.portfolio, first.freshness, days[0].on if days else None, days)
    return UserBook(
        user_id,
        portfolios,
        currency,
        series_of(whole),
        rates,
        tuple(view.freshness for view in views),
        min(lasts, default=None),
    )


def rate_between(rates: RateTable, source: str, target: str, on: date) -> Decimal:
    """Return the rate from one currency into another as of a day.

    Raises:
        MissingRateError: If none is known.
    """
    quote = rates.rate(source, target, on)
    if quote is None:
        raise MissingRateError(source, target, on)
    return quote.rate


def _in_currency(view: SeriesView, rates: RateTable, currency: str) -> Mapping[date, PortfolioDay]:
    base = view.portfolio.base_currency
    if base == currency:
        return {day.on: day for day in view.days}
    found: dict[date, PortfolioDay] = {}
    for day in view.days:
        rate = rate_between(rates, base, currency, day.on)
        found[day.on] = PortfolioDay(day.on, *(converted(amount, rate) for amount in day[1:]))
    return found


def _together(each: Sequence[Mapping[date, PortfolioDay]]) -> tuple[PortfolioDay, ...]:
    """Return the sum of portfolios, day by day; one without a row that day keeps its last value."""
    if len(each) == 1:
        return tuple(each[0].values())
    days = sorted({on for one in each for on in one})
    standing: list[tuple[Decimal, Decimal]] = [(ZERO, ZERO)] * len(each)
    opening, found = ZERO, list[PortfolioDay]()
    with exact():
        for on in days:
            rows = [one[on] for one in each if on in one]
            for place, one in enumerate(each):
                if on in one:
                    standing[place] = one[on].eod_market_value, one[on].unpriced_cost
            closing = sum((value for value, _ in standing), ZERO)
            found.append(
                PortfolioDay(
                    on,
                    opening,
                    sum((row.bod_cashflow for row in rows), ZERO),
                    sum((row.eod_cashflow for row in rows), ZERO),
                    closing,
                    sum((row.fees for row in rows), ZERO),
                    sum((cost for _, cost in standing), ZERO),
                )
            )
            opening = closing
    return tuple(found)
