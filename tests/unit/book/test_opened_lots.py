"""What an entry opened, where the store does not say it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from tidebook.book.lots import Entry, Lot
from tidebook.book.positions import in_one_pool, open_lots, opens_by_itself, own_lot
from tidebook.book.postings import Leg, Posting
from tidebook.model.facts import TransactionType

D = Decimal


def test_pool_entries_that_do_not_tell_their_pool_are_put_into_it() -> None:
    """Bought 10, 10 more, sold all 20, bought 5: a pool of a1, and after it one of a4."""
    days = [date(2024, 1, day) for day in range(1, 5)]
    rows = [("a1", 10, ()), ("a2", 10, ()), ("a3", -20, (("a1", 20),)), ("a4", 5, ())]
    entries = [
        _entry(name, on, D(quantity), [(lot, D(units)) for lot, units in matches])
        for on, (name, quantity, matches) in zip(days, rows, strict=True)
    ]
    pooled = in_one_pool(entries)
    assert [[lot.lot_id for lot in entry.opens] for entry in pooled] == [
        ["a1"],
        ["a1"],
        [],
        ["a4"],
    ]
    assert [lot[:3] for lot in open_lots(pooled, days[1])] == [("a1", days[0], D(20))]
    assert open_lots(pooled, days[2]) == ()
    assert [lot[:3] for lot in open_lots(pooled, days[3])] == [("a4", days[3], D(5))]
    assert in_one_pool(pooled) == pooled


def test_an_entry_that_added_to_another_lot_has_to_say_so() -> None:
    on = date(2024, 1, 1)
    entry = _entry("b2", on, D(10), [])
    other = Lot("b1", on, D(10), D(10), D(10))
    assert opens_by_itself(entry._replace(opens=()))
    assert not opens_by_itself(entry._replace(opens=(other,)))
    assert not opens_by_itself(entry._replace(opens=(*entry.opens, other)))
    # Its own lot, but of another day: carried here with its date.
    older = other._replace(lot_id="b2", opened_on=date(2023, 1, 1))
    assert not opens_by_itself(entry._replace(opens=(older,)))


def _entry(name: str, on: date, units: Decimal, matched: list[tuple[str, Decimal]]) -> Entry:
    """Return an entry at a cost of one each, with what it opens told by itself."""
    posting = Posting(
        "P", "S", Leg.MAIN, name, TransactionType.BUY, on, datetime(2024, 1, 1, tzinfo=UTC), 0,
        units, units, units, "USD", D(1), realises=False, flow=None, flow_base=D(0),
    )  # fmt: skip
    matches = tuple(Lot(lot, date(2024, 1, 1), one, one, one) for lot, one in matched)
    opens = own_lot(Lot(name, on, units, units, units), matches)
    entry = Entry(posting, units, units, units, opens, matches, None, None, None, None)
    assert opens_by_itself(entry)
    return entry
