"""What a worker makes of the messages of a bus: repeats, gaps, strangers, and other owners."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any, cast

import pytest

from tidebook.engine.batches import LogBatch, Owned, Passage
from tidebook.engine.bus import Arrival
from tidebook.engine.envelope import UNREADABLE, WHY, headers, messages, received, schema_of
from tidebook.engine.runner import feeds
from tidebook.engine.runner.feeds import SHIPPING, BusFeed
from tidebook.engine.topics import DURABLE_TOPICS, RAW_TRANSACTIONS, key_of, partition
from tidebook.errors import BusUnavailableError, ContendedError, StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tidebook.engine.bus import Bus, Owner, Part

PART = (RAW_TRANSACTIONS, partition("P1"))
UNIT: Any = None


def message(
    place: int,
    sequence: int | None,
    *,
    schema: str = schema_of(RAW_TRANSACTIONS),
    source: str = "ours",
) -> Arrival:
    """Return a message of ours, or without a sequence a stranger's."""
    said = {"correlation_id": f"r{place}", "schema": schema}
    if sequence is not None:
        said |= {"source_sequence": str(sequence), "source": source}
    value = json.dumps({"portfolio_id": "P1", "transaction_id": f"T{sequence}"}).encode()
    return Arrival(*PART, place, "P1", value, said)


class Memory:
    """Offsets of one partition, kept in memory; another owner may take it."""

    def __init__(self, sequence: int = 0, place: int = 0) -> None:
        self.state = Owned(0, sequence, place)
        self.shipped = 0
        self.rewound: list[int] = []
        self.away = 0
        self.refuses = 0

    def log_id(self) -> str:
        return "ours"

    def own(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        assert consumer == "book"
        if self.away:
            self.away -= 1
            raise StoreUnavailableError("away", hint="wait")
        if self.refuses:
            self.refuses -= 1
            raise ContendedError("the partitions")
        self.state = self.state._replace(fence=self.state.fence + 1)
        return {part: self.state for part in parts if part == PART}

    def owned(self, consumer: str, parts: Collection[Part]) -> dict[Part, Owned]:
        if self.away and consumer != SHIPPING:
            self.away -= 1
            raise StoreUnavailableError("away", hint="wait")
        state = Owned(1, self.shipped, 0) if consumer == SHIPPING else self.state
        return {part: state for part in parts if part == PART}

    def rewind(self, consumer: str, offsets: Mapping[Part, int]) -> None:
        assert consumer == SHIPPING
        self.rewound.append(offsets[PART])


class Wire:
    """A bus of one partition, and the one subscription to it."""

    def __init__(self, *calls: Sequence[Arrival]) -> None:
        self.calls = list(calls)
        self.settled: list[int] = []
        self.sought: list[int] = []
        self.owner: Owner | None = None
        self.begun_at: int | None = None
        self.end: int | None = 0
        """Where the partition ends; None while the bus is away."""

    def subscribe(self, group: str, topics: Sequence[str], owner: Owner) -> Wire:
        assert (group, topics) == ("tidebook-book", [RAW_TRANSACTIONS])
        self.owner = owner
        return self

    def receive(self, limit: int, timeout_seconds: float) -> list[Arrival]:
        assert self.owner is not None
        assert (limit, timeout_seconds) == (100, 0.1)
        if self.begun_at is None:
            self.begun_at = self.owner.assigned([PART])[PART]
        return list(self.calls.pop(0)) if self.calls else []

    def seek(self, places: Mapping[Part, int]) -> None:
        self.sought.append(places[PART])

    def settle(self, places: Mapping[Part, int]) -> None:
        self.settled.append(places[PART])

    def ends(self, parts: Collection[Part]) -> Mapping[Part, int]:
        assert set(parts) == {PART}
        if self.end is None:
            raise BusUnavailableError("away")
        return {PART: self.end}

    def close(self) -> None:
        self.owner = None


def feed_of(wire: Wire, offsets: Memory) -> tuple[BusFeed, dict[tuple[str, Part], int]]:
    fences: dict[tuple[str, Part], int] = {}
    made = BusFeed(
        cast("Bus", wire),
        offsets,
        consumer="book",
        topics=[RAW_TRANSACTIONS],
        fences=fences,
        batch_max=100,
        stopping=Event(),
    )
    return made, fences


def ids(batches: Sequence[LogBatch]) -> list[str]:
    return [record["transaction_id"] for batch in batches for record in batch.records]


def bare(batch: LogBatch) -> Passage | None:
    """Return the passage of a batch without the headers."""
    return None if batch.passage is None else batch.passage._replace(headers=())


def test_reading_begins_where_the_store_says_under_a_fence_of_its_own() -> None:
    wire, offsets = Wire([message(7, 3)]), Memory(sequence=3, place=7)
    feed, fences = feed_of(wire, offsets)
    assert feed.look()
    assert wire.begun_at == 7
    assert fences == {("book", PART): 1}
    (batch,) = feed.read(UNIT)
    assert bare(batch) == Passage(7, 8, ((8, 4),))
    assert (batch.first_offset, batch.next_offset) == (3, 4)
    feed.done()
    assert wire.settled == [8]


def test_what_is_at_hand_stays_until_it_is_done() -> None:
    feed, _ = feed_of(Wire([message(0, 0)], [message(1, 1)]), Memory())
    assert feed.look()
    assert feed.look()
    assert ids(feed.read(UNIT)) == ["T0"]
    feed.done()
    assert feed.look()
    (batch,) = feed.read(UNIT)
    assert (batch.first_offset, bare(batch)) == (1, Passage(1, 2, ((2, 2),)))


def test_repeats_are_dropped_and_still_passed() -> None:
    again = [message(5, 0), message(6, 1), message(7, 2)]
    feed, _ = feed_of(Wire(again), Memory(sequence=2, place=5))
    feed.look()
    (batch,) = feed.read(UNIT)
    assert ids([batch]) == ["T2"]
    assert bare(batch) == Passage(5, 8, ((8, 3),))
    feed, _ = feed_of(Wire(again), Memory(sequence=9, place=5))
    assert feed.look()
    (batch,) = feed.read(UNIT)
    assert batch.records == ()
    assert bare(batch) == Passage(5, 8, ())
    assert batch.next_offset == 9


def test_behind_a_gap_nothing_is_taken_and_the_log_is_shipped_again() -> None:
    wire = Wire([message(0, 0), message(1, 2), message(2, 3)], [message(3, 1), message(4, 2)])
    offsets = Memory()
    feed, _ = feed_of(wire, offsets)
    feed.look()
    assert ids(feed.read(UNIT)) == ["T0"]
    assert offsets.rewound == [1]
    feed.done()
    feed.look()
    assert ids(feed.read(UNIT)) == ["T1", "T2"]
    assert offsets.rewound == [1]


def test_what_was_overtaken_is_taken_when_it_comes() -> None:
    wire = Wire([message(0, 1), message(1, 0), message(2, 1), message(3, 3)], [message(4, 2)])
    offsets = Memory()
    feed, _ = feed_of(wire, offsets)
    feed.look()
    (batch,) = feed.read(UNIT)
    assert ids([batch]) == ["T0", "T1"]
    assert bare(batch) == Passage(0, 4, ((2, 1), (3, 2)))
    assert offsets.rewound == [2]
    feed.done()
    feed.look()
    assert ids(feed.read(UNIT)) == ["T2"]


def test_nothing_is_shipped_again_that_has_come_late() -> None:
    wire = Wire([message(0, 1), message(1, 0), message(2, 1)])
    offsets = Memory()
    feed, _ = feed_of(wire, offsets)
    feed.look()
    assert ids(feed.read(UNIT)) == ["T0", "T1"]
    assert offsets.rewound == []


def test_the_many_messages_behind_a_gap_ask_for_it_once() -> None:
    wire = Wire([message(0, 2)], [message(1, 3)], [message(2, 4)])
    offsets = Memory()
    feed, _ = feed_of(wire, offsets)
    for _ in range(3):
        assert feed.look()
        assert ids(feed.read(UNIT)) == []
        feed.done()
    assert offsets.rewound == [0]


def test_a_strangers_message_moves_the_place_and_not_the_sequence() -> None:
    feed, _ = feed_of(Wire([message(0, None), message(1, 0), message(2, None)]), Memory())
    feed.look()
    (batch,) = feed.read(UNIT)
    assert ids([batch]) == ["TNone", "T0", "TNone"]
    assert bare(batch) == Passage(0, 3, ((1, 0), (2, 1), (3, 1)))
    singles = list(batch.singles())
    assert [bare(each) for each in singles] == [
        Passage(0, 1, ((1, 0),)),
        Passage(1, 2, ((2, 1),)),
        Passage(2, 3, ((3, 1),)),
    ]
    assert [(each.first_offset, each.next_offset) for each in singles] == [(0, 0), (0, 1), (1, 1)]
    said = [each.passage.headers for each in singles if each.passage is not None]
    assert [[one["correlation_id"] for one in each] for each in said] == [["r0"], ["r1"], ["r2"]]


def test_what_was_shipped_from_another_log_is_passed_over() -> None:
    others = [message(0, 0, source="theirs"), message(1, 1, source="theirs"), message(2, 0)]
    offsets = Memory()
    feed, _ = feed_of(Wire(others), offsets)
    feed.look()
    (batch,) = feed.read(UNIT)
    assert bare(batch) == Passage(0, 3, ((3, 1),))
    assert offsets.rewound == []


def test_the_last_of_the_singles_passes_the_repeats_behind_it() -> None:
    feed, _ = feed_of(Wire([message(0, 1), message(1, 0)]), Memory(sequence=1))
    feed.look()
    (single,) = feed.read(UNIT)[0].singles()
    assert bare(single) == Passage(0, 2, ((1, 2),))


def test_who_was_fenced_off_reads_again_from_the_store_under_a_new_fence() -> None:
    wire, offsets = Wire([message(0, 0)]), Memory()
    feed, fences = feed_of(wire, offsets)
    feed.look()
    offsets.state = Owned(7, 4, 6)
    feed.refused()
    assert wire.sought == [6]
    assert fences == {("book", PART): 8}
    assert feed.read(UNIT) == []


def test_who_is_still_the_owner_keeps_the_fence() -> None:
    wire = Wire([message(0, 0)])
    feed, fences = feed_of(wire, Memory())
    feed.look()
    feed.refused()
    assert wire.sought == [0]
    assert fences == {("book", PART): 1}


def test_who_is_fenced_off_drops_nothing_before_the_store_says_from_where_on() -> None:
    wire, offsets = Wire([message(0, 0)]), Memory()
    feed, _ = feed_of(wire, offsets)
    feed.look()
    offsets.away = 1
    with pytest.raises(StoreUnavailableError):
        feed.refused()
    assert ids(feed.read(UNIT)) == ["T0"]
    feed.refused()
    assert wire.sought == [0]
    assert feed.read(UNIT) == []


def test_what_was_lost_on_this_side_is_read_again_and_not_shipped_again() -> None:
    wire, offsets = Wire([message(2, 2)], [message(0, 0), message(1, 1)]), Memory()
    feed, _ = feed_of(wire, offsets)
    assert not feed.look()
    assert wire.sought == [0]
    assert feed.look()
    assert ids(feed.read(UNIT)) == ["T0", "T1"]
    assert offsets.rewound == []


def test_what_the_bus_does_not_have_any_more_is_shipped_again() -> None:
    wire, offsets = Wire([message(2, 2)], [message(2, 2)], [message(3, 0)]), Memory()
    feed, _ = feed_of(wire, offsets)
    assert not feed.look()
    assert feed.look()
    assert wire.sought == [0]
    assert offsets.rewound == [0]
    feed.done()
    assert feed.look()
    assert ids(feed.read(UNIT)) == ["T0"]


def test_a_partition_that_went_elsewhere_is_forgotten_with_what_is_at_hand() -> None:
    feed, _ = feed_of(Wire([message(0, 0)]), Memory())
    feed.look()
    feed.revoked([PART])
    assert feed.read(UNIT) == []
    feed.done()


def test_without_the_store_nothing_is_taken_over_until_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeds, "_PAUSE_SECONDS", 0.001)
    offsets = Memory(place=3)
    offsets.away = offsets.refuses = 2
    feed, fences = feed_of(Wire([message(3, 0)]), offsets)
    assert feed.look()
    assert fences == {("book", PART): 1}


def test_what_was_shipped_long_ago_and_does_not_arrive_is_shipped_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now[0])
    offsets = Memory(sequence=5)
    offsets.shipped = 9
    feed, _ = feed_of(Wire(), offsets)
    assert not feed.look()
    now[0] += 9
    feed.look()
    assert offsets.rewound == []
    now[0] += 2
    feed.look()
    assert offsets.rewound == [5]
    offsets.shipped = 5
    now[0] += 20
    feed.look()
    assert offsets.rewound == [5]


def test_what_the_bus_has_is_not_shipped_again_however_long_it_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now[0])
    wire, offsets = Wire(), Memory(sequence=5, place=7)
    offsets.shipped = 9
    wire.end = None
    feed, _ = feed_of(wire, offsets)
    assert not feed.look()
    for _ in range(3):
        now[0] += 11
        with pytest.raises(BusUnavailableError):
            feed.look()
    wire.end = 11  # it is back, with all four, of which none has arrived yet
    now[0] += 11
    assert not feed.look()
    assert offsets.rewound == []
    assert wire.sought == [7]
    wire.end = 7  # what it had confirmed is gone
    now[0] += 11
    assert not feed.look()
    assert offsets.rewound == [5]


def test_what_could_not_arrive_before_the_partition_came_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(feeds.time, "monotonic", lambda: now[0])
    wire, offsets = Wire(), Memory(sequence=5)
    offsets.shipped = 9
    wire.begun_at = 0  # the group has yet to give anything to this member
    feed, _ = feed_of(wire, offsets)
    feed.look()
    now[0] += 30
    wire.begun_at = None
    feed.look()
    assert offsets.rewound == []
    now[0] += 11
    feed.look()
    assert offsets.rewound == [5]


def test_a_message_of_an_unknown_version_is_parked_with_the_reason() -> None:
    said = received(message(0, 4, schema="raw_transactions/7"))
    assert said.sequence == 4
    assert json.loads(said.record[UNREADABLE])["transaction_id"] == "T4"
    assert said.record[WHY] == (
        "schema raw_transactions/7 is not known to this release, which reads raw_transactions/1"
    )


@pytest.mark.parametrize("value", [b"\xff\xfe", b"[1]", b"7", b"{"])
def test_what_is_no_object_is_parked(value: bytes) -> None:
    said = received(message(0, 0)._replace(value=value))
    assert said.record[WHY] == "the message is not a JSON object"


def test_unknown_fields_are_left_in_and_numbers_keep_their_digits() -> None:
    value = b'{"portfolio_id": "P1", "quantity": 0.10000000000000000001, "colour": "red"}'
    said = received(message(0, None)._replace(value=value))
    assert said.record["quantity"] == "0.10000000000000000001"
    assert said.record["colour"] == "red"
    assert said.sequence is None


def test_records_of_the_log_become_messages_that_say_what_they_are() -> None:
    batch = LogBatch(*PART, 40, ({"portfolio_id": "P1"}, {"portfolio_id": "P1"}), ("a", "b"))
    first, second = messages(batch, "ours")
    assert (first.topic, first.part, first.key) == (*PART, "P1")
    assert first.headers == headers(*PART, 40, "a", "ours")
    assert second.headers == {
        "event_id": f"raw_transactions-{PART[1]}-41",
        "correlation_id": "b",
        "schema": "raw_transactions/1",
        "source_sequence": "41",
        "source": "ours",
        # The digest of "b", by sha256sum.
        "traceparent": "00-3e23e8160039594a33894f6564e1b134-8bbd7a0088d42c4a-01",
    }


def test_every_topic_knows_the_key_of_its_records() -> None:
    empty = {topic: key_of(topic, {}) for topic in DURABLE_TOPICS}
    assert empty["raw_fx_rates"] == "-"
    assert empty["raw_business_dates"] == "GLOBAL"
    assert key_of("raw_fx_rates", {"fromCurrency": "EUR", "toCurrency": "USD"}) == "EUR-USD"
    letter = {"original_topic": "raw_transactions", "original_partition": "3"}
    assert key_of("raw_transactions.dlq", letter) == "raw_transactions-3"
