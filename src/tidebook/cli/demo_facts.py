"""The demo's facts, as the requests that bring them through the front door.

Three portfolios live through ten years of real closes and real exchange rates. One purchase is
first recorded with a digit missing and one dividend is forgotten; the last request puts both
right, years after the fact, which is what a book of record is for.

Nothing here is random and nothing is asked of the machine: the same package gives the same
requests, byte for byte.
"""

from __future__ import annotations

from bisect import bisect_left
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from tidebook.cli.demo_plan import (
    FEE_MINIMUM,
    FEE_RATE,
    GROWTH,
    ILLUSTRATIVE_DIVIDEND_PER_SHARE,
    INSTRUMENTS,
    PLANS,
    Plan,
    Row,
)
from tidebook.examples import load_prices, load_rates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tidebook.examples import ExamplePrice, ExampleRate

__all__ = ["Request", "demo_requests"]

_ROWS_MAX = 5_000
_CENT = Decimal("0.01")
_NONE = Decimal(0)
_ONE = Decimal(1)


class Request(NamedTuple):
    """One POST: where to, the JSON body, and a line that says what it brings."""

    path: str
    body: dict[str, list[Row]]
    title: str


class _Kind(StrEnum):
    DEPOSIT = "DEPOSIT"
    WITHDRAWAL = "WITHDRAWAL"
    BUY = "BUY"
    SELL = "SELL"
    TRANSFER_IN = "TRANSFER_IN"
    DIVIDEND = "DIVIDEND"
    INTEREST = "INTEREST"
    FEE = "FEE"
    TAX = "TAX"


_TIME_OF_DAY = {
    _Kind.INTEREST: "07:00:00Z",
    _Kind.DEPOSIT: "08:00:00Z",
    _Kind.WITHDRAWAL: "09:00:00Z",
    _Kind.TRANSFER_IN: "10:00:00Z",
    _Kind.DIVIDEND: "12:00:00Z",
    _Kind.BUY: "15:30:00Z",
    _Kind.SELL: "15:30:00Z",
    _Kind.FEE: "17:00:00Z",
    _Kind.TAX: "17:00:00Z",
}


class _Entry(NamedTuple):
    """One transaction before it has a number; ``gross`` and ``fee`` are in ``currency``."""

    on: date
    kind: _Kind
    security_id: str
    quantity: Decimal
    price: Decimal
    gross: Decimal
    currency: str
    fee: Decimal = _NONE


class _Market(NamedTuple):
    """What the plan is worked out against; ``open_days`` are ascending."""

    open_days: tuple[date, ...]
    closes: dict[tuple[date, str], Decimal]
    usd_per_eur: dict[date, Decimal]

    def day(self, on: date) -> date:
        """Return the first open day that is not before ``on``."""
        return self.open_days[bisect_left(self.open_days, on)]


def demo_requests() -> list[Request]:
    """Return the demo's requests in the order in which they are to be posted.

    Portfolios, instruments, business dates, prices and rates come first, then the transactions
    of each portfolio as they were first recorded. The last request is the late correction: a
    purchase of 2016 again under its own id with the digit that was missing, and a dividend of
    2018 that nobody had entered.

    Returns:
        Requests of at most 5,000 rows each. Amounts are strings and exact: prices and rates as
        the example data writes them, gross amounts the exact product of quantity and price.
    """
    prices, rates = load_prices(), load_rates()
    market = _market(prices, rates)
    return [
        Request(
            "/ingest/portfolios",
            {"portfolios": [plan.portfolio for plan in PLANS]},
            f"{len(PLANS)} portfolios",
        ),
        Request(
            "/ingest/instruments",
            {"instruments": list(INSTRUMENTS)},
            f"{len(INSTRUMENTS)} instruments",
        ),
        *_market_requests(market, prices, rates),
        *_transaction_requests(market),
    ]


def _market(prices: Sequence[ExamplePrice], rates: Sequence[ExampleRate]) -> _Market:
    return _Market(
        open_days=tuple(sorted({price.on for price in prices})),
        closes={(price.on, price.symbol): price.close for price in prices},
        usd_per_eur={rate.on: rate.rate for rate in rates if rate.to_currency == "USD"},
    )


def _market_requests(
    market: _Market, prices: Iterable[ExamplePrice], rates: Iterable[ExampleRate]
) -> Iterator[Request]:
    days: list[Row] = [{"businessDate": on.isoformat()} for on in market.open_days]
    closes: list[Row] = [
        {
            "securityId": price.symbol,
            "priceDate": price.on.isoformat(),
            "price": f"{price.close:f}",
            "currency": price.currency,
        }
        for price in prices
    ]
    quotes: list[Row] = [
        {
            "fromCurrency": rate.from_currency,
            "toCurrency": rate.to_currency,
            "rateDate": rate.on.isoformat(),
            "rate": f"{rate.rate:f}",
        }
        for rate in rates
    ]
    yield from _chunked("/ingest/business-dates", "business_dates", "business dates", days)
    yield from _chunked("/ingest/market-prices", "market_prices", "daily closes", closes)
    yield from _chunked("/ingest/fx-rates", "fx_rates", "exchange rates", quotes)


def _chunked(path: str, key: str, noun: str, rows: Sequence[Row]) -> Iterator[Request]:
    for start in range(0, len(rows), _ROWS_MAX):
        chunk = list(rows[start : start + _ROWS_MAX])
        span = f"{start + 1:,} to {start + len(chunk):,} of {len(rows):,}"
        yield Request(path, {key: chunk}, f"{noun} {span}")


def _transaction_requests(market: _Market) -> Iterator[Request]:
    late: list[Row] = []
    for plan in PLANS:
        portfolio_id = str(plan.portfolio["portfolioId"])
        truth = [_row(portfolio_id, n, e) for n, e in enumerate(_entries(plan, market), start=1)]
        first = truth
        if plan is GROWTH:
            first = list(_as_first_recorded(portfolio_id, _entries(plan, market)))
            late = [row for row in truth if row not in first]
        title = f"{len(first)} transactions of {portfolio_id}, {plan.portfolio['name']}"
        yield Request("/ingest/transactions", {"transactions": first}, title)
    yield Request(
        "/ingest/transactions",
        {"transactions": late},
        "a late correction: 30 AMD of 2016 were 300, and a KO dividend of 2018 was missing",
    )


def _as_first_recorded(portfolio_id: str, truth: Iterable[_Entry]) -> Iterator[Row]:
    for number, entry in enumerate(truth, start=1):
        match entry.kind, entry.security_id, entry.on.year:
            case _Kind.BUY, "AMD", 2016:
                mistyped = _trade(entry.on, entry.kind, "AMD", Decimal(30), entry.price)
                yield _row(portfolio_id, number, mistyped)
            case _Kind.DIVIDEND, "KO", 2018:
                continue
            case _:
                yield _row(portfolio_id, number, entry)


def _entries(plan: Plan, market: _Market) -> list[_Entry]:
    """Return all transactions of a plan, oldest first."""
    decided = [
        entry
        for line in plan.decisions.strip().splitlines()
        for entry in _decided(line.split(), market)
    ]
    dividends = list(_dividends(plan, decided, market))
    entries = [*decided, *dividends, *_charges(plan, dividends, market)]
    if plan.portfolio["settlement"] == "explicit":
        entries = [leg for entry in entries for leg in (entry, *_cash_leg(entry))]
    return sorted(entries, key=lambda entry: (entry.on, _TIME_OF_DAY[entry.kind]))


def _decided(words: Sequence[str], market: _Market) -> Iterator[_Entry]:
    on, act, what, amount = words
    day, number = market.day(date.fromisoformat(on)), Decimal(amount)
    if act == "EXCHANGE":
        # The ledger knows no exchange: what leaves one account arrives in the other, worth the same
        dollars = _cents(number * market.usd_per_eur[day])
        yield _cash(day, _Kind.WITHDRAWAL, "EUR", number)
        yield _cash(day, _Kind.DEPOSIT, "USD", dollars)
        return
    kind = _Kind(act)
    if kind in {_Kind.BUY, _Kind.SELL, _Kind.TRANSFER_IN}:
        yield _trade(day, kind, what, number, market.closes[day, what])
    else:
        yield _cash(day, kind, what, number)


def _trade(on: date, kind: _Kind, security_id: str, quantity: Decimal, price: Decimal) -> _Entry:
    gross = quantity * price
    fee = _NONE if kind is _Kind.TRANSFER_IN else max(FEE_MINIMUM, _cents(gross * FEE_RATE))
    return _Entry(on, kind, security_id, quantity, price, gross, "USD", fee)


def _cash(on: date, kind: _Kind, currency: str, amount: Decimal) -> _Entry:
    return _Entry(on, kind, f"CASH_{currency}", amount, _ONE, amount, currency)


def _cash_leg(entry: _Entry) -> Iterator[_Entry]:
    """Yield what an explicitly settled trade does to the account: pay for it, or be paid."""
    if entry.kind is _Kind.BUY:
        yield _cash(entry.on, _Kind.SELL, entry.currency, entry.gross + entry.fee)
    elif entry.kind is _Kind.SELL:
        yield _cash(entry.on, _Kind.BUY, entry.currency, entry.gross - entry.fee)


def _years(plan: Plan, market: _Market) -> range:
    opened = date.fromisoformat(str(plan.portfolio["openDate"]))
    return range(opened.year, market.open_days[-1].year + 1)


def _dividends(plan: Plan, decided: Sequence[_Entry], market: _Market) -> Iterator[_Entry]:
    for year in _years(plan, market):
        for security_id, (month, per_share) in ILLUSTRATIVE_DIVIDEND_PER_SHARE.items():
            day = market.day(date(year, month, 10))
            amount = _cents(_held(decided, security_id, day) * per_share)
            if amount:
                yield _Entry(day, _Kind.DIVIDEND, security_id, _NONE, _NONE, amount, "USD")


def _held(entries: Iterable[_Entry], security_id: str, on: date) -> Decimal:
    """Return the shares held when ``on`` begins."""
    held = _NONE
    for entry in entries:
        if entry.security_id == security_id and entry.on < on:
            held += -entry.quantity if entry.kind is _Kind.SELL else entry.quantity
    return held


def _charges(plan: Plan, dividends: Iterable[_Entry], market: _Market) -> Iterator[_Entry]:
    income = dict.fromkeys(_years(plan, market), _NONE)
    for dividend in dividends:
        income[dividend.on.year] += dividend.gross
    for year, received in income.items():
        fee_day, tax_day = market.day(date(year, 12, 15)), market.day(date(year, 12, 20))
        yield _cash(fee_day, _Kind.FEE, plan.cash_currency, plan.yearly_fee)
        tax = _cents(received * plan.withholding_tax)
        if tax:
            yield _cash(tax_day, _Kind.TAX, "USD", tax)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_EVEN)


def _row(portfolio_id: str, number: int, entry: _Entry) -> Row:
    return {
        "transaction_id": f"{portfolio_id}-{number:04d}",
        "portfolio_id": portfolio_id,
        "instrument_id": entry.security_id,
        "security_id": entry.security_id,
        "transaction_date": f"{entry.on.isoformat()}T{_TIME_OF_DAY[entry.kind]}",
        "transaction_type": entry.kind.value,
        "quantity": f"{entry.quantity:f}",
        "price": f"{entry.price:f}",
        "gross_transaction_amount": f"{entry.gross:f}",
        "trade_currency": entry.currency,
        "currency": entry.currency,
        "trade_fee": f"{entry.fee:f}",
    }
