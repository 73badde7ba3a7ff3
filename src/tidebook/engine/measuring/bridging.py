"""The bridge of a period: from the value at its start to that at its end, exact, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tidebook.book.earnings import KeptBook, period_earnings
from tidebook.engine.book_facts import market_of, rebuilt, series_by_key
from tidebook.engine.queries import FactQuery
from tidebook.errors import EmptyPeriodError
from tidebook.model.money import ZERO, exact
from tidebook.model.periods import NoSpan, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from decimal import Decimal

    from tidebook.book.earnings import KeyEarnings, PeriodEarnings
    from tidebook.book.series import Market
    from tidebook.engine.ports import Reader
    from tidebook.model.periods import PeriodRequest, Span


class Bridge(NamedTuple):
    """What a portfolio's value consists of at the end of a period, in base currency.

        start + flows + price + currency + income - fees - taxes + unexplained
            = end + into_unpriced

    Attributes:
        span: The days, both included.
        base_currency: The currency of every amount.
        start: The value at the close of the day before the first.
        flows: What crossed the border, positive into the portfolio.
        price: Gains by price of what was sold and of what is held, before costs.
        currency: Gains by exchange rates, those of cash among them.
        income: Dividends and interest, before costs, less interest that was charged.
        fees: Fees, positive where they were paid.
        taxes: Taxes, positive where they were paid.
        end: The value at the close of the last day.
        into_unpriced: What went into securities that could not be valued.
        unexplained: Zero where every trade settles by itself.
        unpriced: The securities that could not be valued, in order.
        keys: The lines of each security that could.
    """

    span: Span
    base_currency: str
    start: Decimal
    flows: Decimal
    price: Decimal
    currency: Decimal
    income: Decimal
    fees: Decimal
    taxes: Decimal
    end: Decimal
    into_unpriced: Decimal
    unexplained: Decimal
    unpriced: tuple[str, ...]
    keys: tuple[KeyEarnings, ...]


def bridge(
    reader: Reader,
    portfolio_id: str,
    period: PeriodRequest,
    as_of: date,
    known_at: datetime | None = None,
) -> Bridge:
    """Return the bridge of a period, from the facts of the portfolio.

    Raises:
        UnknownPortfolioError: If the portfolio is not in the book.
        EmptyPeriodError: If the period holds no day of the portfolio.
    """
    return bridge_of(earning(reader, portfolio_id, period, as_of, known_at))


class Earning(NamedTuple):
    """What a bridge is formed from: the book, the days, and what values it."""

    book: KeptBook
    span: Span
    market: Market


def earning(
    reader: Reader,
    portfolio_id: str,
    period: PeriodRequest,
    as_of: date,
    known_at: datetime | None = None,
) -> Earning:
    """Return what the bridge of a period is formed from.

    Raises:
        UnknownPortfolioError: If the portfolio is not in the book.
        EmptyPeriodError: If the period holds no day of the portfolio.
    """
    reader.portfolio(portfolio_id, known_at=known_at)
    given = reader.book_facts(FactQuery((portfolio_id,), known_at=known_at))
    made = rebuilt(given)
    entries = made.entries(portfolio_id)
    days = [entry.posting.on for entry in entries]
    span = resolve(period, as_of=as_of, inception=min(days)) if days else None
    if span is None or isinstance(span, NoSpan):
        raise EmptyPeriodError(portfolio_id, period.type, min(days, default=None))
    book = KeptBook(
        entries,
        {fact.transaction_id: fact for fact in given.facts.transactions},
        {key: one.instrument for key, one in series_by_key(made, portfolio_id).items()},
    )
    return Earning(book, span, market_of(made, portfolio_id))


def bridge_of(given: Earning) -> Bridge:
    """Return the bridge of a book over its days."""
    earned = period_earnings(given.book, given.span, given.market)
    return _bridge(earned, given.span, given.market.base_currency)


def _bridge(earned: PeriodEarnings, span: Span, base_currency: str) -> Bridge:
    with exact():
        by_rate = _by_rate(earned.keys)
        return Bridge(
            span,
            base_currency,
            earned.initial,
            earned.transfers,
            earned.realised + earned.unrealised - by_rate,
            earned.currency + by_rate,
            earned.income,
            earned.fees,
            earned.taxes,
            earned.final,
            earned.into_unpriced,
            earned.unexplained,
            earned.unpriced,
            earned.keys,
        )


def _by_rate(keys: Sequence[KeyEarnings]) -> Decimal:
    """Return what exchange rates gained on everything but cash."""
    held = [key for key in keys if not key.is_cash]
    return sum((key.realised_currency + key.unrealised_currency for key in held), ZERO)
