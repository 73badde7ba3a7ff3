"""What the list of positions says of contracts on margin."""

from __future__ import annotations

from decimal import Decimal

from tests.edges import sample_views
from tidebook.book.valuation import MarketValue
from tidebook.cli.answers import positions_answer
from tidebook.model.instruments import Instrument


def test_a_contract_on_margin_counts_with_its_gain_so_that_rows_add_up() -> None:
    # 2 at 50 a point, opened at 4,000 and worth 3,990: nothing was paid, and 1,000 is lost.
    value = MarketValue(*map(Decimal, (399_000, 399_000, -1_000, -1_000)), on_margin=True)
    contract = sample_views.SHARES._replace(
        instrument=Instrument("FUT", "Future", "USD", "Future", multiplier=Decimal(50)),
        valuation=sample_views.VALUED._replace(value=value),
    )
    view = sample_views.POSITIONS._replace(
        positions=(contract, sample_views.MONEY), market_value_base=Decimal(7_996)
    )
    answer = positions_answer(view)
    assert [row["counted_value_base"] for row in answer.records] == [-1_000, 8_996]
    assert answer.total is not None
    assert answer.total["counted_value_base"] == 7_996
    assert "counted_value_base" in [column.field for column in answer.columns]
    plain = positions_answer(sample_views.POSITIONS)
    assert "counted_value_base" not in [column.field for column in plain.columns]
