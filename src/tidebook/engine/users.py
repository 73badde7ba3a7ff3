"""Users and their portfolios: which portfolio a user's trade goes to, and what all of them make.

A portfolio is a user's when its ``cif_id`` is the user's id. A user who trades without having one
gets a default portfolio, one per account. It is funded from outside: with every trade the money
comes in or goes out that the trade needs, so that its cash stays at zero and every flow is known.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple
from uuid import UUID

from tidebook.engine.measuring.measured import series_in_one
from tidebook.errors import MissingRateError, ReportingCurrencyError, UnknownUserError
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.engine.measuring.prepared import Series
    from tidebook.engine.ports import Reader
    from tidebook.engine.views import Freshness, SeriesView
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
    On a day on which only some have a value of their own, the others count with their last. What
    leaves one of them and enters another on the same day, in the same amount, is no flow.

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
    views = reader.series_of([one.portfolio_id for one in portfolios], known_at=known_at)
    return book_from(user_id, portfolios, views, reader.markets([], known_at=known_at).rates)


def book_from(
    user_id: str,
    portfolios: tuple[Portfolio, ...],
    views: Sequence[SeriesView],
    rates: RateTable,
) -> UserBook:
    """Return the series of portfolios as one, of what was read of them.

    Raises:
        MissingRateError: If one of them is in a currency without a rate on one of its days.
    """
    currency = portfolios[0].base_currency
    try:
        series = series_in_one(views, currency, lambda: rates)
    except ReportingCurrencyError as missing:
        raise MissingRateError(missing.base, missing.asked, missing.on) from missing
    return UserBook(
        user_id,
        portfolios,
        currency,
        series,
        rates,
        tuple(view.freshness for view in views),
        min((view.days[-1].on for view in views if view.days), default=None),
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
