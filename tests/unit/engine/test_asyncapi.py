"""The reference of messages says what the code sends and reads."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import jsonschema
import pytest
import yaml

from tidebook.engine import records, topics
from tidebook.engine.batches import LogBatch
from tidebook.engine.envelope import headers, schema_of
from tidebook.engine.runner.telling import tell_book, tell_prices, tell_series
from tidebook.engine.stages.book import BookOutcome
from tidebook.engine.stages.series import SeriesOutcome
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.assertions import BalanceAssertion
from tidebook.model.cancellations import (
    ActionRef,
    AssertionRef,
    BusinessDateRef,
    PriceRef,
    RateRef,
    TransactionRef,
)
from tidebook.model.facts import LotChoice, Price, Rate, Transaction, TransactionType
from tidebook.model.instruments import Instrument, OptionRight
from tidebook.model.portfolios import CostMethod, MethodChange, Portfolio, TaxRates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.records import Record
    from tidebook.model.cancellations import Cancellation

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "asyncapi.yaml"
_ON = date(2026, 6, 1)
_AT = datetime(2026, 6, 1, 9, 30, tzinfo=UTC)
_ONE = Decimal("1.5")


@pytest.fixture(scope="module")
def page() -> dict[str, Any]:
    return yaml.safe_load(_PAGE.read_text("utf-8"))


class _Unit:
    """Keeps what the stages have to say."""

    def __init__(self) -> None:
        self.said: dict[str, list[Any]] = {}

    def append(
        self,
        topic: str,
        keyed: Sequence[tuple[str, Record]],
        correlation_id: str,
        at: datetime,
    ) -> None:
        assert (correlation_id, at) in {("r", _AT), ("", _AT)}
        self.said.setdefault(topic, []).extend(record for _, record in keyed)

    def append_each(
        self,
        topics: Sequence[str],
        requests: Sequence[tuple[Sequence[tuple[str, Record]], str]],
        at: datetime,
    ) -> None:
        for topic in topics:
            for keyed, correlation_id in requests:
                self.append(topic, keyed, correlation_id, at)


def _said() -> dict[str, list[Any]]:
    """Return records of every topic, with every field that a record can have."""
    portfolio = Portfolio(
        "P1",
        "USD",
        _ON,
        cost_method_changes=(MethodChange(_ON, CostMethod.AVCO),),
        taxpayer_id="T",
        tax_rates=TaxRates(_ONE, _ONE, 12),
    )
    option = Instrument(
        "O1",
        "Option",
        "USD",
        "Option",
        multiplier=Decimal(100),
        underlying_id="S1",
        option_right=OptionRight.CALL,
        strike=_ONE,
        expires_on=_ON,
    )
    figures = (_ONE, _ONE, _ONE, "USD", "USD")
    trade = Transaction("T1", "P1", "S1", TransactionType.BUY, _AT, _ON, *figures)._replace(
        fee=_ONE,
        tax=_ONE,
        accrued_interest=_ONE,
        fx_rate=_ONE,
        instrument_id="S1",
        settlement_date=_ON,
        note="n",
        lots=(LotChoice("L", _ONE),),
        to_portfolio_id="P2",
        to_security_id="S2",
        to_quantity=_ONE,
    )
    action = CorporateAction(
        *("A1", ActionType.SPIN_OFF, "S1", _ON, _ONE, _ONE, "S2", _ONE, _ONE, "USD"),
        portfolio_id="P1",
        note="n",
    )
    assertion = BalanceAssertion("B1", "P1", "S1", _ON, _ONE, _ONE, "bank", "n", is_cancelled=False)
    sourced = {records.ORIGIN: "trades.csv:1"}

    def gone(cancelled: Cancellation) -> Record:
        return records.cancellation_record(cancelled, _ON)

    unit: Any = _Unit()
    outcome = BookOutcome(1, 0, 0, 0, 0, {"P1": ("T1", "T2")})
    price = records.price_record(Price("S1", _ON, _ONE, "USD"))
    batch = LogBatch(topics.RAW_MARKET_PRICES, 0, 0, (cast("dict[str, str]", price),), ("r",))
    tell_book(unit, outcome, "r", _AT)
    tell_prices(unit, batch, _AT)
    tell_series(unit, SeriesOutcome(1, 1, 0, (("P1", _ON, 3),)), _AT)
    return unit.said | {
        topics.RAW_PORTFOLIOS: [records.portfolio_record(portfolio)],
        topics.RAW_INSTRUMENTS: [records.instrument_record(option)],
        topics.RAW_TRANSACTIONS: [
            records.transaction_record(trade) | sourced,
            gone(TransactionRef("T1", "P1")),
        ],
        topics.RAW_MARKET_PRICES: [price | sourced, gone(PriceRef("S1", _ON))],
        topics.RAW_FX_RATES: [
            records.rate_record(Rate("EUR", "USD", _ON, _ONE)) | sourced,
            gone(RateRef("EUR", "USD", _ON)),
        ],
        topics.RAW_BUSINESS_DATES: [
            records.business_date_record(_ON),
            gone(BusinessDateRef(_ON)),
        ],
        topics.RAW_CORPORATE_ACTIONS: [records.action_record(action), gone(ActionRef("A1"))],
        topics.RAW_BALANCE_ASSERTIONS: [
            records.assertion_record(assertion),
            gone(AssertionRef("B1")),
        ],
        topics.REPROCESSING_REQUESTED: [{"transaction_id": "T1"}],
    }


def test_every_topic_is_there_and_no_other(page: dict[str, Any]) -> None:
    addresses = [channel["address"] for channel in page["channels"].values()]
    assert sorted(addresses) == sorted(topics.DURABLE_TOPICS)
    assert {
        channel["bindings"]["kafka"]["partitions"] for channel in page["channels"].values()
    } == {topics.PARTITIONS}


def test_what_is_read_is_told_from_what_is_sent(page: dict[str, Any]) -> None:
    read = {
        page["channels"][each["channel"]["$ref"].rpartition("/")[2]]["address"]
        for each in page["operations"].values()
        if each["action"] == "receive"
    }
    assert read == set(topics.INPUT_TOPICS)


def test_headers_and_schemas_are_those_of_the_code(page: dict[str, Any]) -> None:
    told = page["components"]["messageTraits"]["ours"]["headers"]
    said = headers("raw_fx_rates", 3, 7, "r")
    assert sorted(told["required"]) == sorted(told["properties"]) == sorted(said)
    jsonschema.validate(said, told)
    for message in page["components"]["messages"].values():
        assert message["x-schema"] == schema_of(message["name"])


def test_the_key_of_a_record_is_the_field_that_is_named(page: dict[str, Any]) -> None:
    said = _said()
    for channel in page["channels"].values():
        for record in said.get(channel["address"], ()):
            fields = channel["x-key"].split("-")
            expected = "-".join(str(record.get(field, field)) for field in fields)
            assert topics.key_of(channel["address"], record) == expected


def test_records_are_as_their_schema_says_and_have_no_field_that_it_does_not_name(
    page: dict[str, Any],
) -> None:
    said = _said()
    assert sorted(said) == sorted({*topics.INPUT_TOPICS, *topics.OUTPUT_TOPICS})
    for topic, found in said.items():
        schema = page["components"]["schemas"][topic]
        for record in found:
            jsonschema.validate(record, schema)
            assert set(record) <= set(schema["properties"]), topic
        fields = {field for record in found for field in record}
        assert fields == set(schema["properties"]), topic


def test_what_lacks_a_field_is_not_as_the_schema_says(page: dict[str, Any]) -> None:
    for topic, found in _said().items():
        schema = page["components"]["schemas"][topic]
        whole = found[0]
        for field in (*schema["required"], *schema.get("else", {}).get("required", ())):
            broken = {name: value for name, value in whole.items() if name != field}
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(broken, schema)
