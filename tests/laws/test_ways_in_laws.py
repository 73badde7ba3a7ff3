"""Whatever a row says, the quick and the patient way agree on whether it is taken, and as what."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given, strategies as st

from tidebook.api.rows import kinds as rows, quick
from tidebook.api.rows.bodies import facts_of
from tidebook.api.rows.reader import camel
from tidebook.api.rows.transaction_types import TYPES
from tidebook.errors import InvalidRequestError

if TYPE_CHECKING:
    from tidebook.model.facts import Transaction

NOW = datetime(2025, 6, 30, 12, tzinfo=UTC)
numbers = st.sampled_from(["0", "1.5", 2, 0.25, "-1", "1e30", None])
some = st.sampled_from(["1.5", 2])


def field(*values: object) -> st.SearchStrategy[object]:
    return st.sampled_from(values)


@st.composite
def sent(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a row of any type in which any field may be sound, wrong or missing."""
    row: dict[str, Any] = {
        "transaction_id": "T-1",
        "portfolio_id": "P-1",
        "security_id": "S-1",
        "transaction_date": draw(field("2024-01-02", "2024-01-02T10:00:00Z")),
        "transaction_type": draw(st.sampled_from([*TYPES, "SPLIT", "CANCELLED"])),
        "trade_currency": "USD",
    }
    optional: dict[str, st.SearchStrategy[object]] = {
        "quantity": numbers | some,
        "price": numbers | some,
        "gross_transaction_amount": numbers | some,
        "to_portfolio_id": field("P-2", "P-1", "", None, "a\tb"),
        "to_security_id": field("S-2", "S-1", "", None),
        "to_quantity": numbers,
        "trade_fee": numbers,
        "currency": field("EUR", "eur", None),
        "note": field("", "kept", "a\tb"),
        "settlement_date": field("2024-01-04", "soon", "", None),
    }
    for name in draw(st.sets(st.sampled_from(sorted(optional)))):
        row[name] = draw(optional[name])
    return {camel(name): value for name, value in row.items()} if draw(st.booleans()) else row


@given(st.lists(sent(), min_size=1, max_size=3))
def test_both_ways_take_the_same_rows_as_the_same_facts(body_rows: list[dict[str, Any]]) -> None:
    # A body in which every row has the same spelling is one that the quick way may read.
    spelt = "transactionId" in body_rows[0]
    body = msgspec.json.encode(
        {"transactions": [row for row in body_rows if ("transactionId" in row) is spelt]}
    )
    patient: list[Transaction] | None
    try:
        patient = list(facts_of(body, rows.TRANSACTIONS, NOW))
    except InvalidRequestError:
        patient = None
    assert quick.transactions(body, NOW) == patient
