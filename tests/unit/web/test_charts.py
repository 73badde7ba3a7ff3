from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tidebook.web import CurvePoint, DrawdownPoint, PortfolioPage
from tidebook.web.charts import time_figure

if TYPE_CHECKING:
    from tidebook.web.charts import TimeFigure

START = date(2024, 1, 1)


def figure(
    values: list[str], contributed: list[str] | None = None, depths: list[float] | None = None
) -> TimeFigure:
    days = [START + timedelta(days=number) for number in range(len(values))]
    put_in = contributed or values
    drawn = time_figure(
        PortfolioPage(
            *("P", "A <b> fund", "USD", None, None, 1, "CURRENT", None, None, None),
            *(None, None, None, None, None, None),
            curve=[
                CurvePoint(day, Decimal(value), Decimal(capital))
                for day, value, capital in zip(days, values, put_in, strict=True)
            ],
            drawdown=[
                DrawdownPoint(day, depth) for day, depth in zip(days, depths or [], strict=False)
            ],
        )
    )
    assert drawn is not None
    return drawn


def path(drawing: str, name: str) -> str:
    [found] = re.findall(rf'<path class="{name}" d="([^"]*)"', drawing)
    return found


def test_no_day_makes_no_drawing() -> None:
    empty = PortfolioPage(
        *("P", "P", "USD", None, None, 0, "EMPTY", None, None, None),
        *(None, None, None, None, None, None),
    )
    assert time_figure(empty) is None


def test_the_line_runs_from_the_first_day_to_the_last() -> None:
    drawn = figure(["0", "50", "100"])
    assert path(drawn.value.plot, "line") == "M0 1000 L500 500 L1000 0"


def test_contributed_capital_is_a_staircase() -> None:
    drawn = figure(["100", "100", "100"], ["0", "0", "50"])
    assert path(drawn.value.plot, "contributed") == "M0 1000 H1000 V500 H1000"


def test_a_drawing_from_zero_is_filled() -> None:
    drawn = figure(["100", "10", "100"])
    assert drawn.starts_at_zero
    assert path(drawn.value.plot, "area").endswith("L1000 1000 L0 1000 Z")


def test_a_drawing_without_zero_is_not_filled() -> None:
    drawn = figure(["96", "104", "100"])
    assert not drawn.starts_at_zero
    assert 'class="area"' not in drawn.value.plot
    assert [drawn.readout["low"], drawn.readout["high"]] == [96, 104]


def test_the_currency_stands_at_the_top_of_the_axis() -> None:
    labels = re.findall(r">([^<]+)</text>", figure(["0", "9100000"]).value.axis)
    assert labels == ["0", "2m", "4m", "6m", "8m", "USD 10m"]


def test_every_other_day_on_the_axis_may_give_way_on_a_narrow_screen() -> None:
    labels = re.findall(
        r"<text( class=\"every-other\")? [^>]*>([^<]+)<", figure(["1"] * 4).time_axis
    )
    assert [(name, bool(may_hide)) for may_hide, name in labels] == [
        ("1 Jan 2024", False),
        ("2 Jan", True),
        ("3 Jan", False),
        ("4 Jan", True),
    ]


def test_one_day_is_a_dot_in_the_middle() -> None:
    assert '<circle class="last" cx="50%" cy="0%"' in figure(["100"]).value.plot


def test_the_deepest_day_is_marked() -> None:
    drawn = figure(["9", "8", "9"], depths=[0.0, -0.1, 0.0]).drawdown
    assert drawn is not None
    assert '<circle class="trough" cx="50%" cy="100%"' in drawn.plot
    assert "Deepest −10.00% on 2 Jan 2024; 0.00% on the last day." in drawn.plot


def test_a_portfolio_that_never_fell_has_no_trough() -> None:
    drawn = figure(["8", "9"], depths=[0.0, 0.0]).drawdown
    assert drawn is not None
    assert "trough" not in drawn.plot


def test_a_drawdown_that_is_no_number_is_not_drawn() -> None:
    drawn = figure(["8", "9"], depths=[0.0, float("nan")])
    assert drawn.readout["drawdown"] == ["0.00", None]


def test_readings_are_the_exact_amounts_of_their_days() -> None:
    readout = figure(["1234567.895", "-2"], ["7", "7.125"], [0.0, -0.25]).readout
    assert readout["offsets"] == [0, 1]
    assert readout["value"] == ["1234567.90", "-2.00"]
    assert readout["contributed"] == ["7.00", "7.12"]
    assert readout["drawdown"] == ["0.00", "-25.00"]


def test_twenty_years_are_thinned_without_losing_a_crash() -> None:
    values = [str(1000 + number % 7) for number in range(5000)]
    values[2345] = "3"
    drawn = figure(values)
    assert path(drawn.value.plot, "line").count(" ") <= 2 * 802
    assert "3.00" in drawn.readout["value"]
    assert drawn.readout["offsets"][drawn.readout["value"].index("3.00")] == 2345


@pytest.mark.parametrize("name", ["value", "drawdown"])
def test_every_drawing_has_a_name_and_a_sentence(name: str) -> None:
    drawn = figure(["8", "9"], depths=[0.0, 0.0])
    panel = {"value": drawn.value, "drawdown": drawn.drawdown}[name]
    assert panel is not None
    assert f'role="img" aria-labelledby="{name}-title {name}-desc"' in panel.plot
    assert re.search(rf'<title id="{name}-title">[^<]*A &lt;b&gt; fund', panel.plot)
    assert f'<desc id="{name}-desc">' in panel.plot
