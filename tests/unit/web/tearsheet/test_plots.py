"""The drawings of a tear sheet: where things stand, and what is left out."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal

from tidebook.web.tearsheet.plots import (
    Box,
    Column,
    Curve,
    Scale,
    Titled,
    binned,
    boxes,
    columns,
    counts,
    growth_label,
    lines,
    number_label,
    percent_label,
)

TITLED = Titled("some", "Something", "What it shows.")
DAYS = [date(2024, 1, 1) + timedelta(days=number) for number in range(5)]


def test_values_are_counted_between_round_edges_that_zero_divides() -> None:
    found = binned([-0.012, 0.001, 0.004, 0.019, 0.02], bins_max=5)
    assert [(round(one.low, 9), one.held) for one in found] == [
        (-0.02, 1),
        (-0.01, 0),
        (0.0, 2),
        (0.01, 2),
    ]
    assert sum(one.held for one in binned([0.3] * 7)) == 7
    assert binned([]) == ()


def test_a_line_is_broken_where_there_is_no_figure() -> None:
    panel = lines(
        TITLED, DAYS, [Curve("own", [0.0, 0.1, math.nan, 0.1, 0.2])], Scale(percent_label)
    )
    assert panel is not None
    assert str(panel.plot).count('class="line own"') == 2
    assert "nan" not in str(panel.plot)


def test_the_base_is_on_the_axis_and_filled_to() -> None:
    panel = lines(TITLED, DAYS, [Curve("own", [0.1, 0.2, 0.1, 0.2, 0.3])], Scale(percent_label, 0))
    assert panel is not None
    assert ">0</text>" in str(panel.axis)
    assert 'class="area own"' in str(panel.plot)
    assert 'class="rule zero"' in str(panel.plot)


def test_equal_factors_are_equally_far_apart() -> None:
    curve = Curve("own", [1.0, 10.0, 100.0, 10.0, 1.0])
    panel = lines(TITLED, DAYS, [curve], Scale(growth_label, is_log=True))
    assert panel is not None
    assert 'd="M0 1000 L250 500 L500 0 L750 500 L1000 1000"' in str(panel.plot)


def test_a_narrow_scale_of_factors_has_plain_ticks() -> None:
    curve = Curve("own", [1.0, 1.1, 1.2, 1.1, 1.0])
    panel = lines(TITLED, DAYS, [curve], Scale(growth_label, is_log=True))
    assert panel is not None
    assert "20%" in str(panel.axis)


def test_columns_rise_and_fall_from_zero() -> None:
    panel = columns(
        TITLED, ["own", "market"], [Column("2023", [0.1, -0.1]), Column("2024", [None, 0.1])]
    )
    assert panel is not None
    drawn = str(panel.plot)
    assert drawn.count("<rect") == 3
    assert 'class="column own plus" x="7%" width="18%" y="0%" height="50%"' in drawn
    assert 'class="column market minus" x="25%" width="18%" y="50%" height="50%"' in drawn
    assert "2024" in str(panel.beneath)


def test_counts_mark_the_mean_and_count_in_whole_numbers() -> None:
    panel = counts(TITLED, binned([0.1, 0.1, -0.1]), 0.05)
    assert panel is not None
    assert 'class="mean"' in str(panel.plot)
    assert ">2</text>" in str(panel.axis)
    assert "0.5" not in str(panel.axis)


def test_boxes_hold_the_middle_half() -> None:
    panel = boxes(TITLED, [Box("Daily", -0.1, -0.05, 0.0, 0.05, 0.1)])
    assert panel is not None
    assert 'y="25%" height="50%"' in str(panel.plot)
    assert str(panel.plot).count('class="whisker"') == 2


def test_of_nothing_nothing_is_drawn() -> None:
    assert lines(TITLED, [], [Curve("own", [])], Scale(percent_label)) is None
    assert columns(TITLED, ["own"], [Column("2024", [None])]) is None
    assert counts(TITLED, (), None) is None
    assert boxes(TITLED, []) is None


def test_labels_have_the_places_that_their_neighbours_need() -> None:
    ticks = (Decimal("-0.005"), Decimal(0), Decimal("0.005"))
    assert [percent_label(tick, ticks) for tick in ticks] == ["−0.5%", "0", "0.5%"]
    assert number_label(Decimal("-2.5"), (Decimal("-2.5"), Decimal(0))) == "−2.5"
    assert growth_label(Decimal(2), (Decimal(1), Decimal(2))) == "100%"
