"""The identity, content and day of a transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.fixtures.booking import trade
from tidebook.model.facts import (
    TransactionType,
    before_costs,
    business_date,
    content_hash,
    instant,
)

D = Decimal
FACT = trade(
    "t1", "BUY", "ACME", "2025-01-02T10:00:00+00:00", quantity="10", price="20", fee="1",
    fx_rate="1.1",
)  # fmt: skip


def test_the_hash_does_not_see_how_a_number_is_written() -> None:
    written = FACT._replace(quantity=D("10.00"), price=D("2E+1"), fee=D("1.000000"))
    assert content_hash(written) == content_hash(FACT)


@pytest.mark.parametrize(
    "change",
    [
        {"transaction_id": "t2"},
        {"portfolio_id": "P2"},
        {"security_id": "B"},
        {"type": TransactionType.SELL},
        {"traded_at": datetime(2025, 1, 2, 10, 0, 1, tzinfo=UTC)},
        {"trade_date": date(2025, 1, 2)},
        {"quantity": D("10.000000000000000001")},
        {"price": D(21)},
        {"gross": D(201)},
        {"trade_currency": "EUR"},
        {"currency": "EUR"},
        {"fee": D(0)},
        {"tax": D(1)},
        {"accrued_interest": D(1)},
        {"fx_rate": None},
        {"instrument_id": "ACME"},
        {"settlement_date": date(2025, 1, 4)},
        {"note": "late"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_sees_every_field(change: dict[str, object]) -> None:
    assert content_hash(FACT._replace(**change)) != content_hash(FACT)


def test_text_cannot_pass_from_one_field_into_the_next() -> None:
    assert content_hash(FACT._replace(transaction_id="a", portfolio_id="b\x1fc")) != content_hash(
        FACT._replace(transaction_id="a\x1fb", portfolio_id="c")
    )
    one = FACT._replace(security_id="A\x1fBUY", type="B")
    other = FACT._replace(security_id="A", type="BUY\x1fB")
    assert content_hash(one) != content_hash(other)


def test_an_instant_falls_on_the_day_of_the_zone() -> None:
    late = FACT._replace(traded_at=datetime(2025, 1, 2, 23, 30, tzinfo=UTC))
    assert business_date(late, "UTC") == date(2025, 1, 2)
    assert business_date(late, "Europe/Berlin") == date(2025, 1, 3)
    assert business_date(late, "America/New_York") == date(2025, 1, 2)


def test_summer_time_is_the_zones_own() -> None:
    # 22:30 UTC is 23:30 in Berlin in winter and 00:30 of the next day in summer.
    winter = FACT._replace(traded_at=datetime(2025, 1, 15, 22, 30, tzinfo=UTC))
    summer = FACT._replace(traded_at=datetime(2025, 7, 15, 22, 30, tzinfo=UTC))
    assert business_date(winter, "Europe/Berlin") == date(2025, 1, 15)
    assert business_date(summer, "Europe/Berlin") == date(2025, 7, 16)


def test_a_reported_day_is_taken_as_it_is() -> None:
    reported = FACT._replace(trade_date=date(2025, 1, 9))
    assert business_date(reported, "Asia/Tokyo") == date(2025, 1, 9)


def test_a_transaction_without_day_and_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="t1 has neither an instant nor a date"):
        business_date(FACT._replace(traded_at=None), "UTC")


def test_a_reported_day_starts_at_midnight() -> None:
    reported = FACT._replace(traded_at=None, trade_date=date(2025, 1, 9))
    assert instant(reported) == datetime(2025, 1, 9, tzinfo=UTC)
    assert instant(FACT) == datetime(2025, 1, 2, 10, tzinfo=UTC)


def test_an_instant_of_another_offset_is_the_same_instant() -> None:
    ahead = timezone(timedelta(hours=9))
    abroad = FACT._replace(traded_at=datetime(2025, 1, 2, 19, 0, tzinfo=ahead))
    assert instant(abroad) == instant(FACT)
    assert business_date(abroad, "UTC") == business_date(FACT, "UTC")


def test_before_costs_only_fee_and_tax_are_gone() -> None:
    bond = FACT._replace(fee=D(3), tax=D(4), accrued_interest=D(5))
    assert before_costs(bond) == bond._replace(fee=D(0), tax=D(0))
