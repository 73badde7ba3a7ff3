"""What a record says is the fact it was made of, whatever the fact, through JSON and back."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import given, strategies as st

from tidebook.engine import records
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import (
    LotChoice,
    Price,
    Rate,
    Transaction,
    TransactionType,
    cancellation,
    content_hash,
)
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, MethodChange, Portfolio, Settlement, TaxRates

if TYPE_CHECKING:
    from tidebook.engine.records import Record

ids = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=8)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
days = st.dates(date(1990, 1, 1), date(2100, 1, 1))
instants = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
numbers = st.integers(0, 18).flatmap(
    lambda places: st.decimals(0, Decimal(10) ** 12, places=places, allow_nan=False)
)
positive = numbers.filter(lambda number: number > 0)
fractions = st.decimals(0, 1, places=4)


@st.composite
def transactions(draw: st.DrawFn) -> Transaction:
    """Draw a transaction with any of its fields given or not."""
    at = draw(st.none() | instants)
    return Transaction(
        *(draw(ids), draw(ids), draw(ids)),
        draw(st.sampled_from([one for one in TransactionType if one != "CANCELLED"])),
        at,
        draw(days) if at is None else None,
        *(draw(numbers), draw(numbers), draw(numbers)),
        "USD",
        "EUR",
        *(draw(numbers), draw(numbers), draw(numbers)),
        draw(st.none() | positive),
        draw(texts),
        draw(st.none() | days),
        draw(texts),
        tuple(draw(st.lists(st.builds(LotChoice, ids, positive), max_size=3))),
        draw(st.just("") | ids),
        draw(st.just("") | ids),
        draw(st.just(Decimal(0)) | positive),
    )


portfolios = st.builds(
    Portfolio,
    portfolio_id=ids,
    base_currency=st.just("CHF"),
    open_date=days,
    name=texts,
    status=texts,
    cost_method=st.sampled_from(CostMethod),
    settlement=st.sampled_from(Settlement),
    time_zone=st.sampled_from(["UTC", "Asia/Tokyo"]),
    allow_short=st.booleans(),
    risk_exposure=texts,
    investment_time_horizon=texts,
    portfolio_type=texts,
    objective=st.none() | ids,
    booking_center=texts,
    cif_id=texts,
    is_leverage_allowed=st.booleans(),
    advisor_id=st.none() | ids,
    close_date=st.none() | days,
    cost_method_changes=st.lists(
        st.builds(MethodChange, days, st.sampled_from(CostMethod)), max_size=3
    ).map(tuple),
    taxpayer_id=st.just("") | ids,
    tax_rates=st.builds(TaxRates, fractions, fractions, st.integers(0, 1200)),
)
instruments = st.builds(
    Instrument,
    security_id=ids,
    name=ids,
    currency=st.just("USD"),
    product_type=ids,
    isin=st.none() | ids,
    asset_class=st.none() | ids,
    sector=st.none() | ids,
    country_of_risk=st.none() | ids,
    multiplier=positive,
    underlying_id=st.just("") | ids,
    option_right=st.none() | st.sampled_from(OptionRight),
    strike=st.none() | positive,
    expires_on=st.none() | days,
)
actions = st.builds(
    CorporateAction,
    action_id=ids,
    type=st.sampled_from(ActionType),
    security_id=ids,
    ex_date=days,
    new_units=positive,
    old_units=positive,
    to_security_id=st.just("") | ids,
    cost_fraction=st.none() | fractions,
    cash_per_unit=numbers,
    cash_currency=st.sampled_from(["", "USD"]),
    portfolio_id=st.just("") | ids,
    note=texts,
)


def travelled(record: Record) -> Any:  # noqa: ANN401 - a record as the log gives it back
    """Return a record as it comes out of the log."""
    return json.loads(json.dumps(record))


@given(transactions())
def test_a_transaction_comes_back(fact: Transaction) -> None:
    back = records.transaction_from(travelled(records.transaction_record(fact)))
    assert back == fact
    assert content_hash(back) == content_hash(fact)


@given(portfolios)
def test_a_portfolio_comes_back(fact: Portfolio) -> None:
    assert records.portfolio_from(travelled(records.portfolio_record(fact))) == fact


@given(instruments)
def test_an_instrument_comes_back(fact: Instrument) -> None:
    assert records.instrument_from(travelled(records.instrument_record(fact))) == fact


@given(actions)
def test_an_action_comes_back(fact: CorporateAction) -> None:
    assert records.action_from(travelled(records.action_record(fact))) == fact


@given(ids, days, positive)
def test_prices_rates_and_dates_come_back(security_id: str, on: date, value: Decimal) -> None:
    price, rate = Price(security_id, on, value, "USD"), Rate("EUR", "USD", on, value)
    assert records.price_from(travelled(records.price_record(price))) == price
    assert records.rate_from(travelled(records.rate_record(rate))) == rate
    assert records.business_date_from(travelled(records.business_date_record(on))) == on


@given(ids, ids, days, days)
def test_a_cancellation_names_what_it_cancels(
    one: str, other: str, on: date, recorded: date
) -> None:
    def record(cancelled: Any) -> Any:  # noqa: ANN401 - any kind of cancellation
        made = travelled(records.cancellation_record(cancelled, recorded))
        assert made[records.CANCELLED] is True
        return made

    gone = records.transaction_from(record(TransactionRef(one, other)))
    assert gone == cancellation(one, other, recorded)
    assert record(ActionRef(one))["actionId"] == one
    assert records.price_ref(record(PriceRef(one, on))) == PriceRef(one, on)
    assert records.rate_ref(record(RateRef("EUR", "USD", on))) == RateRef("EUR", "USD", on)
    assert records.business_date_from(record(BusinessDateRef(on))) == on
    assert record(AssertionRef(one))["assertionId"] == one
