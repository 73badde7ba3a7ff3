"""What of acquisitions is used up, over periods."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given, strategies as st

from tests.unit.compliance.lot_history import bought
from tidebook.compliance.taxes.acquired_units import AcquiredUnits, use_up

D = Decimal


def day(number: int) -> date:
    return date(2024, 1, number)


def test_what_came_first_is_used_first_over_both_securities() -> None:
    one = AcquiredUnits([bought("a", "2024-01-02", 3), bought("c", "2024-01-04", 3)])
    other = AcquiredUnits([bought("b", "2024-01-03", 3, "Y")])
    used = list(use_up([one, other], day(2), day(4), D(7)))
    assert [(opening.lot.lot_id, units) for opening, units in used] == [
        ("a", D(3)),
        ("b", D(3)),
        ("c", D(1)),
    ]
    assert (one.used(day(1), day(31)), one.unused(day(1), day(31))) == (D(4), D(2))
    assert one.unused(day(2), day(3)) == D(0)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(0, 20)), max_size=8),
)
def test_sums_are_those_of_counting(shares: list[int], uses: list[tuple[int, int, int]]) -> None:
    openings = [
        bought(f"l{number:02}", f"2024-01-{number + 1:02}", count)
        for number, count in enumerate(shares)
    ]
    units = AcquiredUnits(openings)
    left = {opening.lot.lot_id: opening.shares for opening in openings}
    for first, last, wanted in uses:
        taken = list(use_up([units], day(first), day(last), D(wanted)))
        missing = D(wanted)
        for opening in openings:
            count = min(missing, left[opening.lot.lot_id])
            if day(first) <= opening.on <= day(last) and count:
                assert (opening, count) == taken.pop(0)
                left[opening.lot.lot_id] -= count
                missing -= count
        assert not taken
        known = [each for each in openings if day(3) <= each.on <= day(7)]
        unused = sum((left[each.lot.lot_id] for each in known), D(0))
        assert units.unused(day(3), day(7)) == unused
        assert units.used(day(3), day(7)) == sum((each.shares for each in known), D(0)) - unused
