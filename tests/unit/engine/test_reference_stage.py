"""The reference stage: facts and their cancellations in the order of the log, under which locks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from tidebook.engine import records, topics
from tidebook.engine.stages.reference import take
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.cancellations import ActionRef, AssertionRef, BusinessDateRef, PriceRef, RateRef
from tidebook.model.facts import Price, Rate
from tidebook.model.instruments import Instrument
from tidebook.model.money import ONE
from tidebook.model.portfolios import Portfolio

if TYPE_CHECKING:
    from collections.abc import Callable

    from tidebook.engine.records import Record
    from tidebook.engine.store import Unit
    from tidebook.model.cancellations import Cancellation

AT = datetime(2024, 6, 1, tzinfo=UTC)
DAY, NEXT = date(2024, 3, 4), date(2024, 3, 5)
SPLIT = CorporateAction("A1", ActionType.SPLIT, "ACME", DAY, ONE + ONE)
PRICE, RATE = Price("ACME", DAY, ONE, "USD"), Rate("EUR", "USD", DAY, ONE)


STATED = BalanceAssertion("B1", "P1", "ACME", DAY, ONE, is_cancelled=True)


class Steps:
    """A unit that keeps what was asked of it; every write counts one duplicate."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Callable[..., int]:
        def step(*given: object, exclusive: bool = False) -> int:
            self.done.append((name, exclusive if name.startswith("hold") else given[0]))
            return 1

        return step


def taken(topic: str, sent: list[Any]) -> tuple[list[tuple[str, Any]], int]:
    """Take records of one topic; return the steps and the duplicates."""
    unit = Steps()
    return unit.done, take(cast("Unit", unit), topic, sent, lambda: AT)


def gone(cancelled: Cancellation) -> Any:  # noqa: ANN401 - a record as the log gives it back
    return records.cancellation_record(cancelled, AT.date())


def test_saves_and_cancellations_are_written_in_runs() -> None:
    second = SPLIT._replace(action_id="A2")
    sent = [
        records.action_record(SPLIT),
        records.action_record(second),
        gone(ActionRef("A1")),
        gone(ActionRef("A9")),
        records.action_record(SPLIT),
    ]
    steps, duplicates = taken(topics.RAW_CORPORATE_ACTIONS, sent)
    assert steps == [
        ("hold_reference", True),
        ("hold_market", True),
        ("save_actions", [SPLIT, second]),
        ("cancel_actions", ["A1", "A9"]),
        ("save_actions", [SPLIT]),
    ]
    assert duplicates == 3


@pytest.mark.parametrize(
    ("topic", "cancelled", "saved", "steps"),
    [
        (
            topics.RAW_MARKET_PRICES,
            PriceRef("ACME", DAY),
            records.price_record(PRICE),
            [
                ("hold_market", True),
                ("cancel_prices", [("ACME", DAY)]),
                ("save_prices", [PRICE]),
            ],
        ),
        (
            topics.RAW_FX_RATES,
            RateRef("EUR", "USD", DAY),
            records.rate_record(RATE),
            [
                ("hold_reference", True),
                ("hold_market", True),
                ("cancel_rates", [("EUR", "USD", DAY)]),
                ("save_rates", [RATE]),
            ],
        ),
        (
            topics.RAW_BUSINESS_DATES,
            BusinessDateRef(DAY),
            records.business_date_record(NEXT),
            [
                ("hold_market", True),
                ("cancel_business_dates", [DAY]),
                ("save_business_dates", [NEXT]),
            ],
        ),
        (
            topics.RAW_BALANCE_ASSERTIONS,
            AssertionRef("B1"),
            records.assertion_record(STATED),
            [("cancel_assertions", ["B1"]), ("save_assertions", [STATED])],
        ),
    ],
)
def test_what_was_cancelled_can_be_sent_again(
    topic: str, cancelled: Cancellation, saved: Record, steps: list[Any]
) -> None:
    assert taken(topic, [gone(cancelled), saved]) == (steps, 2)


def test_a_record_that_says_it_is_not_cancelled_is_none_of_a_cancellation() -> None:
    steps, _ = taken(
        topics.RAW_MARKET_PRICES, [{**records.price_record(PRICE), "cancelled": False}]
    )
    assert steps[-1] == ("save_prices", [PRICE])


def test_portfolios_and_instruments_are_held_as_before() -> None:
    portfolio = Portfolio("P1", "USD", DAY)
    instrument = Instrument("ACME", "Acme", "USD", "Equity")
    assert taken(topics.RAW_PORTFOLIOS, [records.portfolio_record(portfolio)])[0] == [
        ("hold_reference", True),
        ("save_portfolios", [portfolio]),
    ]
    assert taken(topics.RAW_INSTRUMENTS, [records.instrument_record(instrument)])[0] == [
        ("hold_reference", True),
        ("hold_market", True),
        ("save_instruments", [instrument]),
    ]


def test_a_request_to_fold_again_counts_no_duplicates() -> None:
    steps, duplicates = taken(topics.REPROCESSING_REQUESTED, [{"transaction_id": "T1"}])
    assert steps == [("request_reprocessing", ["T1"])]
    assert duplicates == 0


def test_a_topic_without_cancellations_refuses_them() -> None:
    with pytest.raises(ValueError, match="raw_portfolios can be cancelled"):
        taken(topics.RAW_PORTFOLIOS, [{"portfolioId": "P1", "cancelled": True}])


def test_a_topic_of_no_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="no stage takes"):
        taken("raw_weather", [{}])
