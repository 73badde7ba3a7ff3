"""What the laws of the book are tried on: numbers of every size, trades, prices and rates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from tidebook.model.facts import Price, Rate, Transaction
from tidebook.model.money import ZERO

if TYPE_CHECKING:
    from tidebook.model.facts import TransactionType

FIRST = date(2025, 1, 1)
DAYS = 20
CURRENCIES = ("CHF", "EUR", "USD")


def decimals(low: str, high: str) -> st.SearchStrategy[Decimal]:
    """Return exact decimals between two bounds, with none to 18 places."""
    return st.integers(0, 18).flatmap(
        lambda places: st.decimals(Decimal(low), Decimal(high), places=places, allow_nan=False)
    )


quantities = st.one_of(
    st.integers(1, 1_000).map(Decimal), decimals("1", "100"), decimals("1", "1e9")
)
amounts = st.one_of(
    st.integers(0, 10_000).map(Decimal), decimals("0", "1e6"), decimals("0", "1e15")
)
costs = st.one_of(st.just(ZERO), decimals("0", "10"))
rates = st.decimals(Decimal("0.01"), Decimal(200), places=6, allow_nan=False)
days = st.integers(0, DAYS - 1).map(lambda offset: FIRST + timedelta(days=offset))


@st.composite
def transactions(  # noqa: PLR0917 - what a caller may fix about a transaction
    draw: st.DrawFn,
    identity: str,
    types: tuple[TransactionType, ...],
    securities: tuple[str, ...],
    currency: str = "USD",
    base_currency: str = "USD",
) -> Transaction:
    """Draw one transaction; in a foreign currency it records its rate."""
    on = draw(days)
    at = draw(st.none() | st.integers(0, 86_399))
    return Transaction(
        transaction_id=identity,
        portfolio_id="P1",
        security_id=draw(st.sampled_from(securities)),
        type=draw(st.sampled_from(types)),
        traded_at=None
        if at is None
        else datetime.combine(on, datetime.min.time(), UTC) + timedelta(seconds=at),
        trade_date=on if at is None else None,
        quantity=draw(quantities),
        price=ZERO,
        gross=draw(amounts),
        trade_currency=currency,
        currency=currency,
        fee=draw(costs),
        tax=draw(costs),
        fx_rate=None if currency == base_currency else draw(rates),
    )


def histories(
    *types: TransactionType,
    securities: tuple[str, ...] = ("ACME",),
    currency: str = "USD",
    base_currency: str = "USD",
    largest: int = 12,
) -> st.SearchStrategy[list[Transaction]]:
    """Return lists of transactions with ids of their own, in an order of arrival."""
    return st.integers(1, largest).flatmap(
        lambda count: st.tuples(
            *(
                transactions(f"t{number:02}", types, securities, currency, base_currency)
                for number in range(count)
            )
        ).map(list)
    )


@st.composite
def price_facts(draw: st.DrawFn, securities: tuple[str, ...], currency: str) -> list[Price]:
    """Draw prices, in one currency, for some of the securities on some of the days."""
    return draw(
        st.lists(
            st.builds(
                Price, st.sampled_from(securities), days, decimals("0.01", "1e6"), st.just(currency)
            ),
            max_size=12,
        )
    )


rate_facts = st.lists(
    st.builds(Rate, st.sampled_from(CURRENCIES), st.sampled_from(CURRENCIES), days, rates).filter(
        lambda rate: rate.source != rate.target
    ),
    max_size=15,
)
