"""Committing a preview: what goes to which topic, and what must not lie unread before it."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fixtures.booking import trade
from tidebook.engine import topics
from tidebook.engine.batches import LogBatch
from tidebook.engine.committing import (
    UNREAD_MAX,
    Appended,
    Presented,
    records_of,
    refuse_unread,
)
from tidebook.engine.hypothesis import Hypothesis
from tidebook.engine.ports import Reached
from tidebook.errors import OverloadedError, StalePreviewError
from tidebook.model.actions import ActionType, CorporateAction
from tidebook.model.cancellations import PriceRef, TransactionRef
from tidebook.model.facts import Price, Rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tidebook.engine.store import Unit

ON = date(2025, 6, 5)
BUY = trade("buy", "BUY", "ACME", "2025-05-05", quantity="10", price="10")
PART = (topics.RAW_TRANSACTIONS, topics.partition("P1"))


class Log:
    """Unread records of one partition, as a unit tells of them; the last are the commit's own."""

    def __init__(
        self, records: Sequence[dict[str, str]], behind: dict[tuple[str, int], int] | None = None
    ) -> None:
        self.records = tuple(records)
        self.behind = behind or {}

    def backlog(self, consumer: str, parts: Sequence[tuple[str, int]]) -> dict[Any, int]:
        if consumer == "reference":
            return {part: count for part, count in self.behind.items() if part in parts}
        return {PART: len(self.records)} if PART in parts and self.records else {}

    def read_log(self, consumer: str, parts: Sequence[Any], limit: int) -> list[LogBatch]:
        assert (consumer, list(parts)) == ("book", [PART])
        ids = ("",) * len(self.records)
        return [LogBatch(*PART, 100, self.records[:limit], ids)]


def commit(log: Log, hypothesis: Hypothesis) -> None:
    """Append a hypothesis behind what lies in a log, and look whether it may be committed."""
    by_topic = records_of(hypothesis, ON)
    own = Counter(topics.partition(key) for key, _ in by_topic.get(topics.RAW_TRANSACTIONS, []))
    count = len(log.records)
    reached = [Reached(*PART, 100 + count)] if own else []
    appended = Appended(by_topic, reached, "book", "reference")
    refuse_unread(cast("Unit", log), Presented("P1", hypothesis, ""), {"P1", "P2"}, appended)


def test_each_kind_of_fact_goes_to_its_own_topic_and_cancellations_last() -> None:
    split = CorporateAction("split", ActionType.SPLIT, "ACME", ON, Decimal(2))
    by_topic = records_of(
        Hypothesis(
            transactions=(BUY,),
            cancellations=(TransactionRef("gone", "P2"), PriceRef("ACME", ON)),
            actions=(split,),
            prices=(Price("ACME", ON, Decimal(1), "USD"),),
            rates=(Rate("EUR", "USD", ON, Decimal(1)),),
        ),
        ON,
    )
    assert {topic: [key for key, _ in keyed] for topic, keyed in by_topic.items()} == {
        topics.RAW_TRANSACTIONS: ["P1", "P2"],
        topics.RAW_CORPORATE_ACTIONS: ["split"],
        topics.RAW_MARKET_PRICES: ["ACME", "ACME"],
        topics.RAW_FX_RATES: ["EUR-USD"],
    }
    last = by_topic[topics.RAW_TRANSACTIONS][-1][1]
    assert (last["transaction_id"], last["cancelled"]) == ("gone", True)
    assert last["transaction_date"] == "2025-06-05"


OWN = {"transaction_id": "buy", "portfolio_id": "P1"}
PREVIEWED = Hypothesis(transactions=(BUY,))


def test_nothing_but_its_own_facts_may_lie_unread() -> None:
    commit(Log([OWN]), PREVIEWED)
    # Another portfolio may share the partition.
    commit(Log([{"portfolio_id": "P77"}, OWN]), PREVIEWED)


@pytest.mark.parametrize(
    "before",
    [{"portfolio_id": "P1"}, {"portfolio_id": "P9", "to_portfolio_id": "P2"}],
)
def test_a_fact_that_was_taken_in_before_makes_the_preview_stale(before: dict[str, str]) -> None:
    with pytest.raises(StalePreviewError) as refused:
        commit(Log([before, OWN]), PREVIEWED)
    said = f"transactions of {before['portfolio_id']} were taken in and are not booked yet: 1"
    assert refused.value.moved == (said,)


def test_a_preview_of_prices_alone_waits_for_transactions_too() -> None:
    prices = Hypothesis(prices=(Price("ACME", ON, Decimal(1), "USD"),))
    with pytest.raises(StalePreviewError):
        commit(Log([{"portfolio_id": "P1"}]), prices)


def test_a_price_that_is_not_in_force_yet_makes_the_preview_stale() -> None:
    part = (topics.RAW_MARKET_PRICES, topics.partition("ACME"))
    prices = Hypothesis(prices=(Price("ACME", ON, Decimal(1), "USD"),))
    # Its own price is one of the unread; a second one is somebody else's.
    commit(Log([], {part: 1}), prices)
    with pytest.raises(StalePreviewError) as refused:
        commit(Log([], {part: 2}), prices)
    assert refused.value.moved == (
        "facts on raw_market_prices were taken in and are not in force yet",
    )


def test_too_long_a_queue_is_not_looked_through() -> None:
    with pytest.raises(OverloadedError):
        commit(Log([{"portfolio_id": "P77"}] * (UNREAD_MAX + 1)), PREVIEWED)
